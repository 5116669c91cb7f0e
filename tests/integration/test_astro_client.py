"""The client against a whole Astro, over HTTP: what it asks, what it returns, and where the token never shows."""

import logging
import traceback
from typing import Any

import httpx
import pytest

from bot.adapters.astro import Astro
from bot.errors import Limited, NoAnswer, NothingSent, Refused, RemoteError
from bot.sandbox.astro import AstroSandbox
from bot.sandbox.astro_faults import Fault
from tests.integration.astro_house import AWS, FIXTURES, TOKEN, VERSIONS, Version, client


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
