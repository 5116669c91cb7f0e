"""The client against a whole Astro, over HTTP: what each call returns, and what it raises instead."""

import asyncio
import logging
import socket
import time
import traceback
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from bot.adapters.astro import Astro
from bot.errors import Limited, NoAnswer, NothingSent, Refused, RemoteError
from bot.sandbox.astro import AstroSandbox
from bot.sandbox.astro_faults import Fault
from tests.integration.astro_house import AWS, FIXTURES, TOKEN, VERSIONS, Clock, Version, client, raw_server

READS: dict[str, tuple[str, Callable[[Astro], Awaitable[Any]]]] = {
    "list": ("list_clusters", lambda astro: astro.clusters(timeout=2)),
    "get": ("get_cluster", lambda astro: astro.cluster("clm88r8hi000008jwhzxu5crg", timeout=2)),
    "options": ("cluster_options", lambda astro: astro.cluster_options("DEDICATED", timeout=2)),
    "workspaces": ("list_workspaces", lambda astro: astro.workspaces(timeout=2)),
    "users": ("list_users", lambda astro: astro.users(timeout=2)),
    "organization": ("get_organization", lambda astro: astro.organization(timeout=2)),
}


@pytest.fixture
async def sandbox() -> AsyncIterator[AstroSandbox]:
    astro = AstroSandbox(clock=Clock())
    await astro.start()
    yield astro
    await astro.stop()


@pytest.fixture
async def astro(sandbox: AstroSandbox, version: Version) -> AsyncIterator[Astro]:
    async with client(sandbox, version) as found:
        yield found


@pytest.fixture
def version() -> Version:
    return "v1"


def paths(sandbox: AstroSandbox) -> list[str]:
    return [seen.path for seen in sandbox.requests]


class TestWhatIsAsked:
    async def test_v1_has_one_base_and_pins_its_minor_version(self, sandbox: AstroSandbox) -> None:
        async with client(sandbox, "v1") as astro:
            await astro.organization()
            await astro.users()
        home = f"/v1/organizations/{sandbox.organization['id']}"
        assert [path.partition("?")[0] for path in paths(sandbox)] == [home, f"{home}/users"]
        assert {seen.api_version for seen in sandbox.requests} == {"1.0"}

    async def test_v1beta1_has_users_under_iam_and_no_minor_version(self, sandbox: AstroSandbox) -> None:
        async with client(sandbox, "v1beta1", root=f"{sandbox.url}/") as astro:
            await astro.organization()
            await astro.users()
        id = sandbox.organization["id"]
        assert [path.partition("?")[0] for path in paths(sandbox)] == [
            f"/platform/v1beta1/organizations/{id}",
            f"/iam/v1beta1/organizations/{id}/users",
        ]
        assert {seen.api_version for seen in sandbox.requests} == {None}

    @pytest.mark.parametrize("version", VERSIONS)
    async def test_a_create_sends_its_body_once_as_json(self, sandbox: AstroSandbox, astro: Astro) -> None:
        answer = await astro.create_cluster(AWS, timeout=2)
        assert answer.status == 200
        assert answer.body["id"] in sandbox.clusters
        assert answer.body["name"] == "analytics-prod"
        assert sandbox.creates == [AWS]
        assert [(seen.method, seen.call) for seen in sandbox.requests] == [("POST", "create")]

    async def test_names_are_asked_for_one_by_one(self, sandbox: AstroSandbox, astro: Astro) -> None:
        for name in ("a&b", "c d", "ü"):
            sandbox.add(AWS | {"name": name})
        found = await astro.clusters(names=["ü", "a&b"])
        assert [each["name"] for each in found] == ["a&b", "ü"]
        assert paths(sandbox)[0].endswith("?limit=1000&offset=0&sorts=createdAt%3Aasc&names=%C3%BC&names=a%26b")

    @pytest.mark.parametrize("id", ["a/b", "a?b=c", "../users", "x%2fy", "ü"])
    async def test_an_id_cannot_leave_its_place_in_the_path(self, sandbox: AstroSandbox, astro: Astro, id: str) -> None:
        assert await astro.cluster(id) is None
        assert "/clusters/" in paths(sandbox)[0]
        assert "?" not in paths(sandbox)[0]

    @pytest.mark.parametrize("id", ["", ".", ".."])
    async def test_an_id_that_would_be_another_path_is_not_asked_for(
        self, sandbox: AstroSandbox, astro: Astro, id: str
    ) -> None:
        assert await astro.cluster(id) is None
        assert sandbox.requests == []

    async def test_the_token_is_read_anew_for_each_request(self, sandbox: AstroSandbox) -> None:
        tokens = iter(["old", f"{TOKEN}\n"])
        async with client(sandbox, token=lambda: next(tokens)) as astro:
            with pytest.raises(Refused) as refused:
                await astro.organization()
            assert refused.value.code == "401"
            assert (await astro.organization())["name"] == "Example Org"

    async def test_nothing_is_asked_of_the_environment(
        self, sandbox: AstroSandbox, astro: Astro, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
        async with client(sandbox) as under_a_proxy:
            assert await under_a_proxy.organization()


class TestWhatComesBack:
    @pytest.mark.parametrize("version", VERSIONS)
    async def test_a_cluster_by_its_id(self, sandbox: AstroSandbox, astro: Astro) -> None:
        id = sandbox.add(AWS).id
        found = await astro.cluster(id)
        assert found is not None
        assert (found["id"], found["status"]) == (id, "CREATED")
        sandbox.remove(id)
        assert await astro.cluster(id) is None

    async def test_another_organization_is_refused_and_not_taken_for_absence(self, sandbox: AstroSandbox) -> None:
        async with client(sandbox, organization="clm88r8hi000008jwhzxother") as astro:
            with pytest.raises(Refused) as refused:
                await astro.cluster("clm88r8hi000008jwhzxu5crg")
        assert (refused.value.call, refused.value.code, refused.value.reason) == ("get_cluster", "403", "Forbidden")

    @pytest.mark.parametrize("version", VERSIONS)
    async def test_options_by_type(self, sandbox: AstroSandbox, astro: Astro) -> None:
        assert [each["provider"] for each in await astro.cluster_options("DEDICATED")] == ["AWS", "AZURE", "GCP"]
        with pytest.raises(Refused) as refused:
            await astro.cluster_options("HUGE")
        assert refused.value.code == "400"
        assert "must be one of DEDICATED, HYBRID" in str(refused.value)

    @pytest.mark.parametrize("version", VERSIONS)
    async def test_workspaces_and_users(self, sandbox: AstroSandbox, astro: Astro) -> None:
        assert [each["name"] for each in await astro.workspaces()] == ["Data Platform", "Analytics", "Machine Learning"]
        assert [each["username"].partition("@")[0] for each in await astro.users()] == ["olive", "mel", "bill", "pat"]

    async def test_each_request_is_observed(self, sandbox: AstroSandbox) -> None:
        seen: list[tuple[str, str]] = []
        sandbox.faults.next("organization", Fault.bad_gateway())
        sandbox.faults.next("create", Fault.drop())
        async with client(sandbox, observe=lambda call, label, seconds: seen.append((call, label))) as astro:
            await astro.organization()
            with pytest.raises(NoAnswer):
                await astro.create_cluster(AWS, timeout=2)
            await sandbox.stop()
            with pytest.raises(NothingSent):
                await astro.create_cluster(AWS, timeout=2)
        assert seen == [
            ("get_organization", "502"),
            ("get_organization", "200"),
            ("create_cluster", "no_answer"),
            ("create_cluster", "nothing_sent"),
        ]


class TestPages:
    @pytest.mark.parametrize("version", VERSIONS)
    async def test_2500_clusters_come_in_three_pages_oldest_first(
        self, sandbox: AstroSandbox, version: Version
    ) -> None:
        for number in range(2500):
            sandbox.add(AWS | {"name": f"c{number}"}, age=number)
        async with client(sandbox, version) as astro:
            found = await astro.clusters()
        assert [each["name"] for each in found] == [f"c{number}" for number in reversed(range(2500))]
        assert [path.rpartition("?")[2] for path in paths(sandbox)] == [
            f"limit=1000&offset={offset}&sorts=createdAt%3Aasc" for offset in (0, 1000, 2000)
        ]

    async def test_exactly_one_page_is_asked_for_once(self, sandbox: AstroSandbox) -> None:
        sandbox.workspaces = [sandbox.workspaces[0] | {"id": str(number)} for number in range(1000)]
        async with client(sandbox) as astro:
            assert len(await astro.workspaces()) == 1000
        assert len(sandbox.requests) == 1

    @pytest.mark.parametrize("version", VERSIONS)
    async def test_an_organization_without_clusters(self, astro: Astro) -> None:
        assert await astro.clusters() == []

    async def test_a_smaller_page_than_asked_for_is_followed(self, sandbox: AstroSandbox, astro: Astro) -> None:
        rows = [{"id": "a"}, {"id": "b"}, {"id": "c"}]
        for offset in (0, 2):
            body = {"users": rows[offset : offset + 2], "limit": 2, "offset": offset, "totalCount": 3}
            sandbox.faults.next("users", Fault.answer(200, body=body))
        assert await astro.users() == rows

    async def test_one_page_that_fails_for_good_returns_nothing(self, sandbox: AstroSandbox, astro: Astro) -> None:
        for number in range(1001):
            sandbox.add(AWS | {"name": f"c{number}"})
        first = {
            "clusters": [{"id": str(number)} for number in range(1000)],
            "limit": 1000,
            "offset": 0,
            "totalCount": 1001,
        }
        sandbox.faults.next("list", Fault.answer(200, body=first))
        sandbox.faults.next("list", Fault.answer(500), times=3)
        with pytest.raises(NoAnswer, match="500: Internal server error"):
            await astro.clusters()

    @pytest.mark.parametrize(
        ("rows", "numbers"),
        [
            pytest.param(["a"], {"totalCount": 2}, id="short"),
            pytest.param([], {"totalCount": 1}, id="empty though there is one"),
            pytest.param(["a", "b"], {"totalCount": 1}, id="more than there are"),
            pytest.param(["a", "a"], {"totalCount": 2}, id="twice the same"),
            pytest.param(["a"], {"totalCount": 1, "offset": 5}, id="another page"),
            pytest.param(["a"], {"totalCount": 1, "limit": 0}, id="a limit of none"),
            pytest.param(["a"], {}, id="no total"),
            pytest.param(["a"], {"totalCount": "1"}, id="total is text"),
            pytest.param([7], {"totalCount": 1}, id="an id that is a number"),
            pytest.param(None, {"totalCount": 0}, id="no list"),
        ],
    )
    async def test_a_page_that_does_not_add_up_proves_nothing(
        self, sandbox: AstroSandbox, astro: Astro, rows: list[Any] | None, numbers: dict[str, Any]
    ) -> None:
        body = {"clusters": None if rows is None else [{"id": id} for id in rows], "limit": 1000, "offset": 0}
        body = {key: value for key, value in body.items() if value is not None} | numbers
        sandbox.faults.next("list", Fault.answer(200, body=body), times=None)
        with pytest.raises(NoAnswer):
            await astro.clusters()

    async def test_a_list_that_changes_between_pages_proves_nothing(self, sandbox: AstroSandbox, astro: Astro) -> None:
        for offset, total in ((0, 2), (1, 3)):
            body = {"clusters": [{"id": str(offset)}], "limit": 1, "offset": offset, "totalCount": total}
            sandbox.faults.next("list", Fault.answer(200, body=body))
        with pytest.raises(NoAnswer, match="changed while it was being read"):
            await astro.clusters()


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


class TestTheToken:
    @pytest.mark.parametrize(
        "fault",
        [Fault.answer(500), Fault.drop(), Fault.half(), Fault.answer(401), Fault.limited(60), Fault.hang(9), None],
    )
    async def test_it_shows_nowhere(
        self, sandbox: AstroSandbox, fault: Fault | None, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        if fault is None:
            await sandbox.stop()
        else:
            sandbox.faults.next("*", fault, times=None)
        async with client(sandbox) as astro:
            with pytest.raises(RemoteError) as found:
                await astro.organization(timeout=0.5)
            shown = "".join(traceback.TracebackException.from_exception(found.value, capture_locals=True).format())
            assert TOKEN not in repr(astro)
        assert TOKEN not in repr(found.value)
        assert "bot.errors." in shown
        assert TOKEN not in shown
        assert TOKEN not in caplog.text

    @pytest.mark.parametrize("token", ["two\nlines-of-secret", "sécret", "", "  ", "secret\x00"])
    async def test_one_that_no_header_can_hold_is_not_sent(self, sandbox: AstroSandbox, token: str) -> None:
        async with client(sandbox, token=token) as astro:
            with pytest.raises(NothingSent) as found:
                await astro.create_cluster(AWS, timeout=2)
        assert "cret" not in "".join(traceback.format_exception(found.value))
        assert "ASTRO_API_TOKEN" in str(found.value)
        assert sandbox.requests == []

    async def test_one_that_cannot_be_read_is_not_sent(self, sandbox: AstroSandbox) -> None:
        def unreadable() -> str:
            raise FileNotFoundError("/run/secrets/astro")

        async with client(sandbox, token=unreadable) as astro:
            with pytest.raises(NothingSent, match="could not be read"):
                await astro.create_cluster(AWS, timeout=2)
        assert sandbox.requests == []


async def test_the_transport_can_be_replaced() -> None:
    def reply(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"id": "org", "host": request.url.host})

    astro = Astro(
        root="https://astro.invalid",
        version="v1",
        organization="org",
        token="t",
        transport=httpx.MockTransport(reply),
    )
    assert (await astro.organization())["host"] == "astro.invalid"
    await astro.close()
    await astro.close()


async def test_every_known_answer_is_read_or_raised(sandbox: AstroSandbox, astro: Astro) -> None:
    for name, fixture in FIXTURES["responses"].items():
        status, body = fixture["status"], fixture["body"]
        fault = Fault.raw(status, body, "text/html") if isinstance(body, str) else Fault.answer(status, body=body)
        sandbox.faults.clear()
        sandbox.faults.next("*", fault, times=None)
        if status != 204:
            answer = await astro.create_cluster(AWS, timeout=2)
            assert (answer.status, answer.body or answer.text) == (status, body)
        if name.startswith("error"):
            with pytest.raises(RemoteError) as found:
                await astro.organization(timeout=2)
            expected = {429: Limited, 500: NoAnswer, 502: NoAnswer}.get(status, Refused)
            assert type(found.value) is expected, name
        elif name.startswith(("get_200", "create_200")):
            assert await astro.cluster(body["id"]) == body
        elif name.startswith("list_clusters"):
            assert await astro.clusters() == body["clusters"]
        elif name.startswith("cluster_options"):
            assert await astro.cluster_options("DEDICATED") == body
    assert sandbox.creates == []
