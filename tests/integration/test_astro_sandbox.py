"""The sandbox's Astro over time: lives, pages, faults on demand, its log, its server."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from bot.clusters.outcome import moment
from bot.sandbox.astro import AstroSandbox
from bot.sandbox.astro_faults import Fault
from bot.sandbox.astro_life import Step
from bot.sandbox.serving import Server
from tests.integration.astro_house import AWS, FIXTURES, TOKEN, Clock

REQUESTS = FIXTURES["requests"]
GCP = REQUESTS["gcp_min"]


class TestALife:
    async def test_the_usual_one_goes_by_the_clock(
        self, sandbox: AstroSandbox, web: httpx.AsyncClient, astro_clock: Clock
    ) -> None:
        id = (await web.post("/clusters", json=AWS)).json()["id"]
        seen = []
        for after in (0, 9, 1, 89, 1, 19, 1, 10_000):
            astro_clock.now += after
            found = (await web.get(f"/clusters/{id}")).json()
            seen.append((found["status"], found["healthStatus"]["value"]))
        early, late = [("", "UNKNOWN")] * 2, [("CREATED", "UNKNOWN")] * 2
        assert seen == early + [("CREATING", "UNKNOWN")] * 2 + late + [("CREATED", "HEALTHY")] * 2

    async def test_one_that_goes_by_polls(self, sandbox: AstroSandbox, web: httpx.AsyncClient) -> None:
        sandbox.scripts["analytics-prod"] = (
            Step("CREATING", polls=1),
            Step("CREATED", polls=2),
            Step("UPGRADE_PENDING", polls=1),
            Step("CREATED", "UNHEALTHY", ({"code": "X", "severity": "CRITICAL", "description": "down"},)),
        )
        id = (await web.post("/clusters", json=AWS)).json()["id"]
        await web.get("/clusters?names=another")
        await web.get("/clusters?offset=1")
        seen = [(await web.get(f"/clusters/{id}")).json()["status"] for _ in range(3)]
        listed = [(await web.get("/clusters")).json()["clusters"][0] for _ in range(3)]
        assert seen == ["CREATING", "CREATED", "CREATED"]
        assert [each["status"] for each in listed] == ["UPGRADE_PENDING", "CREATED", "CREATED"]
        assert listed[-1]["healthStatus"]["details"][0]["severity"] == "CRITICAL"
        assert sandbox.status("analytics-prod") == "CREATED"

    async def test_times_follow_the_clock(
        self, sandbox: AstroSandbox, web: httpx.AsyncClient, astro_clock: Clock
    ) -> None:
        before = datetime.now(UTC)
        astro_clock.now += 3600
        answer = await web.post("/clusters", json=AWS)
        created = moment(answer.json()["createdAt"])
        assert created is not None
        assert timedelta(minutes=59) < created - before < timedelta(minutes=61)
        assert answer.headers.get_list("Date") == [created.strftime("%a, %d %b %Y %H:%M:%S GMT")]
        astro_clock.now += 50
        found = (await web.get(f"/clusters/{answer.json()['id']}")).json()
        assert found["createdAt"] == answer.json()["createdAt"]
        assert moment(found["updatedAt"]) == created + timedelta(seconds=10)

    async def test_a_cluster_is_moved_by_name_or_id(self, sandbox: AstroSandbox, web: httpx.AsyncClient) -> None:
        id = sandbox.add(AWS, age=60).id
        sandbox.set_status("analytics-prod", "UPDATING")
        sandbox.set_health(id, "UNHEALTHY")
        found = (await web.get(f"/clusters/{id}")).json()
        assert (found["status"], found["healthStatus"]) == ("UPDATING", {"value": "UNHEALTHY", "details": []})
        sandbox.remove("analytics-prod")
        assert (await web.get("/clusters")).json()["totalCount"] == 0
        with pytest.raises(KeyError):
            sandbox.find(id)

    async def test_lists_show_it_only_after_the_commit_delay(
        self, sandbox: AstroSandbox, web: httpx.AsyncClient, astro_clock: Clock
    ) -> None:
        sandbox.commit_delay = 5
        id = (await web.post("/clusters", json=AWS)).json()["id"]
        astro_clock.now += 4.9
        assert (await web.get("/clusters?names=analytics-prod")).json()["clusters"] == []
        assert (await web.get(f"/clusters/{id}")).status_code == 200
        assert (await web.post("/clusters", json=AWS)).status_code == 400
        astro_clock.now += 0.1
        assert [each["id"] for each in (await web.get("/clusters")).json()["clusters"]] == [id]

    async def test_two_organizations_do_not_share_anything(self) -> None:
        one, two = AstroSandbox(), AstroSandbox()
        one.options["AWS"]["regions"].clear()
        one.add(AWS)
        assert two.options["AWS"]["regions"]
        assert two.clusters == {}


class TestPages:
    @pytest.mark.parametrize(
        ("query", "names", "limit"),
        [
            ("", [str(number) for number in range(20)], 20),
            ("?limit=0", [], 0),
            ("?limit=1000&offset=22", ["22", "23", "24"], 1000),
            ("?offset=99", [], 20),
            ("?limit=2&sorts=createdAt:asc", ["24", "23"], 2),
            ("?limit=2&sorts=createdAt:desc", ["0", "1"], 2),
            ("?limit=3&sorts=name:desc", ["9", "8", "7"], 3),
            ("?limit=2&sorts=updatedAt:asc&sorts=name:asc", ["0", "1"], 2),
        ],
    )
    async def test_limit_offset_and_sorts(
        self, sandbox: AstroSandbox, web: httpx.AsyncClient, query: str, names: list[str], limit: int
    ) -> None:
        for number in range(25):
            sandbox.add(AWS | {"name": str(number)}, age=number)
        found = (await web.get(f"/clusters{query}")).json()
        assert [each["name"] for each in found["clusters"]] == names
        assert (found["limit"], found["totalCount"]) == (limit, 25)

    async def test_filters(self, sandbox: AstroSandbox, web: httpx.AsyncClient) -> None:
        for name, body in (("a", AWS), ("ab", AWS), ("c", GCP)):
            sandbox.add(body | {"name": name})

        async def listed(query: str) -> list[str]:
            return [each["name"] for each in (await web.get(f"/clusters?{query}")).json()["clusters"]]

        assert await listed("names=a&names=c&names=nobody") == ["a", "c"]
        assert await listed("provider=AWS") == ["a", "ab"]
        assert await listed("provider=GCP&names=a") == []
        workspaces = (await web.get(f"/workspaces?workspaceIds={sandbox.workspaces[1]['id']}")).json()
        assert [each["name"] for each in workspaces["workspaces"]] == ["Analytics"]

    @pytest.mark.parametrize(
        "query",
        ["limit=1001", "limit=-1", "limit=x", "limit=", "offset=-1", "sorts=colour:asc", "sorts=name", "provider=IBM"],
    )
    async def test_what_is_no_page(self, web: httpx.AsyncClient, query: str) -> None:
        answer = await web.get(f"/clusters?{query}")
        assert answer.status_code == 400
        assert answer.json()["fieldErrors"][0]["field"] == query.partition("=")[0]

    @pytest.mark.parametrize("query", ["", "?type=HUGE", "?type=HYBRID&provider=IBM"])
    async def test_options_need_a_type(self, web: httpx.AsyncClient, query: str) -> None:
        assert (await web.get(f"/cluster-options{query}")).status_code == 400

    async def test_more_workspaces_than_a_page(self) -> None:
        many = AstroSandbox(workspaces=150).workspaces
        assert len({each["id"] for each in many}) == 150
        assert [each["name"] for each in AstroSandbox(workspaces=["X", {"id": "y"}]).workspaces if "name" in each] == [
            "X"
        ]


class TestFaults:
    async def test_those_of_one_call_go_before_those_of_any(
        self, sandbox: AstroSandbox, web: httpx.AsyncClient
    ) -> None:
        sandbox.faults.next("*", Fault.answer(501))
        sandbox.faults.next("list", Fault.answer(502), times=2)
        sandbox.faults.next("list", Fault.answer(503))
        statuses = [(await web.get("/clusters")).status_code for _ in range(5)]
        assert statuses == [502, 502, 503, 501, 200]

    async def test_for_good_means_until_they_are_cleared(self, sandbox: AstroSandbox, web: httpx.AsyncClient) -> None:
        sandbox.faults.next("users", Fault.limited(3), times=None)
        sandbox.faults.next("list", Fault.answer(500), times=None)
        for _ in range(3):
            answer = await web.get("/users")
            assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3")
            assert answer.headers["Content-Type"].startswith("text/plain")
        sandbox.faults.clear("users")
        assert (await web.get("/users")).status_code == 200
        assert (await web.get("/clusters")).status_code == 500
        sandbox.faults.clear()
        assert (await web.get("/clusters")).status_code == 200

    async def test_a_call_that_there_is_not(self, sandbox: AstroSandbox) -> None:
        with pytest.raises(ValueError, match="'creates' is no call"):
            sandbox.faults.next("creates", Fault.drop())

    async def test_an_answer_may_hide_that_it_was_made(self, sandbox: AstroSandbox, web: httpx.AsyncClient) -> None:
        sandbox.faults.next("create", Fault.bad_gateway(made=True))
        assert (await web.post("/clusters", json=AWS)).status_code == 502
        sandbox.faults.next("create", Fault.answer(500))
        assert (await web.post("/clusters", json=AWS | {"name": "other"})).status_code == 500
        assert [body["name"] for body in sandbox.creates] == ["analytics-prod"]

    async def test_a_create_may_come_late(self, sandbox: AstroSandbox, web: httpx.AsyncClient) -> None:
        sandbox.faults.next("create", Fault.hang(0.2, late=True))
        with pytest.raises(httpx.ReadTimeout):
            await web.post("/clusters", json=AWS, timeout=0.05)
        assert sandbox.creates == []
        await sandbox.stop()  # which lets it end
        assert sandbox.creates == [AWS]

    async def test_half_an_answer(self, sandbox: AstroSandbox) -> None:
        sandbox.faults.next("options", Fault.half())
        url = f"{sandbox.url}/v1/organizations/{sandbox.organization['id']}/cluster-options?type=DEDICATED"
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient() as plain, plain.stream("GET", url, headers=headers) as answer:
            assert answer.status_code == 200
            pieces: list[bytes] = []
            with pytest.raises(httpx.RemoteProtocolError):
                [pieces.append(piece) async for piece in answer.aiter_raw()]  # type: ignore[func-returns-value]
        assert len(b"".join(pieces)) == int(answer.headers["Content-Length"]) // 2


class TestTheLog:
    async def test_it_tells_what_came_in_with_the_token_masked(
        self, sandbox: AstroSandbox, web: httpx.AsyncClient, astro_clock: Clock
    ) -> None:
        sandbox.faults.next("create", Fault.drop())
        with pytest.raises(httpx.RemoteProtocolError):
            await web.post("/clusters", json=AWS | {"name": f"x{TOKEN}"})
        astro_clock.now += 5
        await web.get(f"/clusters?names={TOKEN}")
        await web.get("/teapots")
        home = f"/v1/organizations/{sandbox.organization['id']}"
        assert [(seen.time, seen.method, seen.path, seen.call, seen.status) for seen in sandbox.requests] == [
            (1000, "POST", f"{home}/clusters", "create", None),
            (1005, "GET", f"{home}/clusters?names=***", "list", 200),
            (1005, "GET", f"{home}/teapots", "", 404),
        ]
        assert TOKEN not in repr(sandbox.requests)
        assert '"name":"x***"' in str(sandbox.requests[0].body)

    @pytest.mark.parametrize(
        "header", ["", "Bearer", "Basic astro-sandbox-token", "bearer astro-sandbox-token", "Bearer ü"]
    )
    async def test_only_the_token_opens(self, sandbox: AstroSandbox, web: httpx.AsyncClient, header: str) -> None:
        answer = await web.post("/clusters", json=AWS, headers=[(b"Authorization", header.encode())])
        assert answer.status_code == 401
        assert sandbox.creates == []


class TestServing:
    async def test_a_second_start_has_the_same_port(self, sandbox: AstroSandbox, web: httpx.AsyncClient) -> None:
        url = sandbox.url
        sandbox.add(AWS)
        await sandbox.start()  # already there: nothing happens
        await sandbox.stop()
        await sandbox.stop()
        with pytest.raises(httpx.ConnectError):
            await web.get("/clusters")
        await sandbox.start()
        assert sandbox.url == url
        assert (await web.get("/clusters")).json()["totalCount"] == 1

    async def test_a_port_that_is_taken(self, sandbox: AstroSandbox) -> None:
        with pytest.raises(OSError, match="in use"):
            await AstroSandbox(port=int(sandbox.url.rpartition(":")[2])).start()

    async def test_what_it_does_on_purpose_is_not_logged(
        self, sandbox: AstroSandbox, web: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("DEBUG")
        sandbox.faults.next("list", Fault.half())
        with pytest.raises(httpx.RemoteProtocolError):
            await web.get("/clusters")
        await sandbox.stop()
        assert [record for record in caplog.records if record.name.startswith("uvicorn")] == []

    async def test_a_plain_app_is_served_with_a_date_and_without_a_server_header(self) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
            await send({"type": "http.response.body", "body": b"ok"})

        server = Server(app)
        await server.start()
        async with httpx.AsyncClient() as plain:
            answer = await plain.get(server.url)
        await server.stop()
        assert (answer.text, server.url) == ("ok", f"http://127.0.0.1:{server.port}")
        assert "Date" in answer.headers
        assert "Server" not in answer.headers
