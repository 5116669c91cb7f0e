"""The client when something goes wrong: each fault is told apart by what may have happened at Astro."""

import asyncio
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from bot.adapters.astro import Astro
from bot.errors import Limited, NoAnswer, NothingSent, Refused
from bot.sandbox.astro import AstroSandbox
from bot.sandbox.astro_faults import Fault
from tests.integration.astro_house import AWS, VERSIONS, Clock, client, raw_server

READS: dict[str, tuple[str, Callable[[Astro], Awaitable[Any]]]] = {
    "list": ("list_clusters", lambda astro: astro.clusters(timeout=2)),
    "get": ("get_cluster", lambda astro: astro.cluster("clm88r8hi000008jwhzxu5crg", timeout=2)),
    "options": ("cluster_options", lambda astro: astro.cluster_options("DEDICATED", timeout=2)),
    "workspaces": ("list_workspaces", lambda astro: astro.workspaces(timeout=2)),
    "users": ("list_users", lambda astro: astro.users(timeout=2)),
    "organization": ("get_organization", lambda astro: astro.organization(timeout=2)),
}


class TestFaultsOfACreate:
    """No create is ever sent twice, and each outcome is told apart by whether something may have happened."""

    @pytest.mark.parametrize(
        ("fault", "status"),
        [
            (Fault.answer(500), 500),
            (Fault.bad_gateway(), 502),
            (Fault.limited(7), 429),
            (Fault.answer(412, "precondition failed"), 412),
            (Fault.raw(302, "", headers={"Location": "https://elsewhere.example.com/"}), 302),
            (Fault.raw(200, "not json", "text/plain"), 200),
            (Fault.raw(200, b"\xff\xfe\x00", "application/json; charset=hex"), 200),
            (Fault.raw(200, "[" * 100_000, "application/json"), 200),
        ],
    )
    async def test_any_http_answer_is_returned(
        self, sandbox: AstroSandbox, astro: Astro, fault: Fault, status: int
    ) -> None:
        sandbox.faults.next("create", fault)
        answer = await astro.create_cluster(AWS, timeout=2)
        assert answer.status == status
        assert len(sandbox.requests) == 1
        assert sandbox.creates == []

    async def test_what_an_answer_holds(self, sandbox: AstroSandbox, astro: Astro) -> None:
        sandbox.faults.next("create", Fault.limited(7))
        limited = await astro.create_cluster(AWS, timeout=2)
        assert (limited.body, limited.text, limited.retry_after) == (None, "Too Many Requests", 7.0)
        assert limited.date is not None
        assert abs(limited.date - datetime.now(UTC)) < timedelta(minutes=1)
        sandbox.faults.next("create", Fault.answer(400, "bad", fields={"region": "no such region"}))
        refused = await astro.create_cluster(AWS, timeout=2)
        assert refused.body["fieldErrors"] == [{"field": "region", "code": "invalid", "message": "no such region"}]
        assert refused.retry_after is None

    @pytest.mark.parametrize(
        ("header", "seconds"), [("0", 0.0), ("1.5", 1.5), ("-1", None), ("nan", None), ("soon", None), ("", None)]
    )
    async def test_retry_after_is_read_where_it_makes_sense(
        self, sandbox: AstroSandbox, astro: Astro, header: str, seconds: float | None
    ) -> None:
        sandbox.faults.next("create", Fault.limited(header))
        assert (await astro.create_cluster(AWS, timeout=2)).retry_after == seconds

    async def test_retry_after_may_be_a_moment_by_the_clock_of_the_server(
        self, sandbox: AstroSandbox, astro: Astro
    ) -> None:
        assert isinstance(sandbox.clock, Clock)
        sandbox.clock.now += 10_000  # the server's clock is hours ahead of ours
        date = (await astro.create_cluster(AWS, timeout=2)).date
        assert date is not None
        sandbox.faults.next("create", Fault.limited(format_datetime(date + timedelta(seconds=30), usegmt=True)))
        assert (await astro.create_cluster(AWS, timeout=2)).retry_after == 30.0

    @pytest.mark.parametrize(
        ("fault", "made"), [(Fault.drop(), 1), (Fault.drop_before(), 0), (Fault.half(), 1)], ids=str
    )
    async def test_a_cut_connection_leaves_it_open(
        self, sandbox: AstroSandbox, astro: Astro, fault: Fault, made: int
    ) -> None:
        sandbox.faults.next("create", fault)
        with pytest.raises(NoAnswer):
            await astro.create_cluster(AWS, timeout=2)
        assert len(sandbox.creates) == made
        assert len(sandbox.requests) == 1

    @pytest.mark.parametrize(("late", "made"), [(False, 1), (True, 0)])
    async def test_a_time_out_is_total_and_leaves_it_open(
        self, sandbox: AstroSandbox, astro: Astro, late: bool, made: int
    ) -> None:
        sandbox.faults.next("create", Fault.hang(30, late=late))
        began = time.monotonic()
        with pytest.raises(NoAnswer):
            await astro.create_cluster(AWS, timeout=0.3)
        assert time.monotonic() - began < 5
        assert len(sandbox.creates) == made

    async def test_an_answer_that_trickles_is_cut_off_by_the_total(self) -> None:
        async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while True:
                writer.write(b" ")
                await asyncio.sleep(0.02)

        async with raw_server(trickle) as port, client(AstroSandbox(), root=f"http://127.0.0.1:{port}") as astro:
            with pytest.raises(NoAnswer, match=r"no answer within 0\.3 seconds"):
                await astro.create_cluster(AWS, timeout=0.3)

    async def test_no_connection_means_that_nothing_was_sent(self, sandbox: AstroSandbox, astro: Astro) -> None:
        await sandbox.stop()
        with pytest.raises(NothingSent):
            await astro.create_cluster(AWS, timeout=2)

    async def test_a_connection_that_never_comes_about_ends_before_the_total(self) -> None:
        # A full backlog: the kernel answers no further attempt to connect.
        with socket.socket() as deaf:
            deaf.bind(("127.0.0.1", 0))
            deaf.listen(0)
            address = deaf.getsockname()
            with socket.socket() as first, socket.socket() as second:
                for taker in (first, second):
                    taker.setblocking(False)
                    taker.connect_ex(address)
                async with client(AstroSandbox(), root=f"http://127.0.0.1:{address[1]}") as astro:
                    with pytest.raises(NothingSent):
                        await astro.create_cluster(AWS, timeout=0.8)

    async def test_a_handshake_that_never_comes_about_means_that_nothing_was_sent(self) -> None:
        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(60)

        async with raw_server(silent) as port, client(AstroSandbox(), root=f"https://127.0.0.1:{port}") as astro:
            with pytest.raises(NothingSent):
                await astro.create_cluster(AWS, timeout=0.8)

    async def test_already_exists_though_it_made_it(self, sandbox: AstroSandbox, astro: Astro) -> None:
        sandbox.faults.next("create", Fault.taken())
        answer = await astro.create_cluster(AWS, timeout=2)
        assert (answer.status, answer.body["message"]) == (400, "cluster name analytics-prod already exists")
        assert len(sandbox.creates) == 1

    async def test_each_create_has_a_connection_of_its_own(self) -> None:
        connections = 0

        async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            # A server that keeps the connection, and drops it at the second request: the trap of a reused one.
            nonlocal connections
            connections += 1
            await reader.readuntil(b"}")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            await reader.read(1)

        async with raw_server(once) as port, client(AstroSandbox(), root=f"http://127.0.0.1:{port}") as astro:
            for _ in range(3):
                assert (await astro.create_cluster({"name": "x"}, timeout=2)).status == 200
        assert connections == 3


class TestFaultsOfARead:
    @pytest.mark.parametrize(
        ("fault", "tries"),
        [
            pytest.param(Fault.answer(500), 3, id="500"),
            pytest.param(Fault.bad_gateway(), 3, id="502 in HTML"),
            pytest.param(Fault.answer(408, "timeout"), 3, id="408"),
            pytest.param(Fault.raw(200, "<html>welcome</html>"), 3, id="a page of HTML"),
            pytest.param(Fault.raw(200, ""), 3, id="nothing"),
            pytest.param(Fault.drop(), 3, id="dropped"),
            pytest.param(Fault.half(), 3, id="cut in the middle"),
            # Of the wrong kind it is no passing fault, so it isn't asked for again.
            pytest.param(Fault.answer(200, body="text"), 1, id="JSON of another kind"),
        ],
    )
    async def test_no_usable_answer(self, sandbox: AstroSandbox, astro: Astro, fault: Fault, tries: int) -> None:
        sandbox.add(AWS)
        sandbox.faults.next("*", fault, times=None)
        faults = await asyncio.gather(*(read(astro) for _, read in READS.values()), return_exceptions=True)
        assert [type(each) for each in faults] == [NoAnswer] * len(READS)
        assert [each.call for each in faults if isinstance(each, NoAnswer)] == [label for label, _ in READS.values()]
        assert Counter(seen.call for seen in sandbox.requests) == dict.fromkeys(READS, tries)

    @pytest.mark.parametrize("status", [400, 401, 403, 409, 412])
    async def test_a_definite_no_is_not_asked_again(self, sandbox: AstroSandbox, astro: Astro, status: int) -> None:
        sandbox.faults.next("*", Fault.answer(status, "No, for a reason."), times=None)
        for label, read in READS.values():
            with pytest.raises(Refused) as found:
                await read(astro)
            assert (found.value.call, found.value.code, found.value.reason) == (label, str(status), "No, for a reason.")
            assert found.value.__notes__ == ["Astro's request id: ceece673-a6c1-4774-9b4a-95dd1fa9c282"]
        assert len(sandbox.requests) == len(READS)

    async def test_a_redirect_is_a_no_and_is_not_followed(self, sandbox: AstroSandbox, astro: Astro) -> None:
        elsewhere = AstroSandbox()
        await elsewhere.start()
        sandbox.faults.next("organization", Fault.raw(302, "", headers={"Location": elsewhere.url}))
        with pytest.raises(Refused) as found:
            await astro.organization()
        await elsewhere.stop()
        assert found.value.code == "302"
        assert elsewhere.requests == []

    @pytest.mark.parametrize("version", VERSIONS)
    async def test_only_404_is_absence(self, sandbox: AstroSandbox, astro: Astro) -> None:
        sandbox.faults.next("get", Fault.answer(404, "Cluster not found"))
        assert await astro.cluster(sandbox.add(AWS).id) is None

    async def test_another_cluster_than_asked_for_is_no_answer(self, sandbox: AstroSandbox, astro: Astro) -> None:
        sandbox.faults.next("get", Fault.answer(200, body={"id": "another"}), times=None)
        with pytest.raises(NoAnswer):
            await astro.cluster("clm88r8hi000008jwhzxu5crg")

    @pytest.mark.parametrize(
        "blip", [Fault.answer(503), Fault.limited(), Fault.limited(0.01), Fault.drop_before(), Fault.half()]
    )
    async def test_a_blip_goes_unnoticed(self, sandbox: AstroSandbox, astro: Astro, blip: Fault) -> None:
        sandbox.faults.next("list", blip, times=2)
        sandbox.add(AWS)
        assert len(await astro.clusters()) == 1
        assert len(sandbox.requests) == 3

    async def test_one_read_that_hangs_leaves_time_for_another(self, sandbox: AstroSandbox, astro: Astro) -> None:
        sandbox.faults.next("organization", Fault.hang(30))
        assert await astro.organization(timeout=2)

    async def test_reads_that_hang_end_with_the_total(self, sandbox: AstroSandbox, astro: Astro) -> None:
        sandbox.faults.next("organization", Fault.hang(30), times=None)
        began = time.monotonic()
        with pytest.raises(NoAnswer, match=r"no answer within 0\.5 seconds"):
            await astro.organization(timeout=0.5)
        assert time.monotonic() - began < 5

    async def test_told_to_wait_longer_than_there_is_time_it_says_so_at_once(
        self, sandbox: AstroSandbox, astro: Astro
    ) -> None:
        sandbox.faults.next("list", Fault.limited(60), times=None)
        with pytest.raises(Limited) as found:
            await astro.clusters(timeout=2)
        assert found.value.retry_after == 60
        assert len(sandbox.requests) == 1

    async def test_limited_for_good(self, sandbox: AstroSandbox, astro: Astro) -> None:
        sandbox.faults.next("list", Fault.limited(), times=None)
        with pytest.raises(Limited) as found:
            await astro.clusters()
        assert found.value.retry_after is None
        assert len(sandbox.requests) == 3

    async def test_nobody_there(self, sandbox: AstroSandbox, astro: Astro) -> None:
        await sandbox.stop()
        with pytest.raises(NothingSent):
            await astro.clusters()
