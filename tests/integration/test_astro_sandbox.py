"""The sandbox's Astro: what it answers has the shapes of the real one, and it refuses what the real one refuses."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from bot.clusters.outcome import is_id, moment
from bot.sandbox.astro import AstroSandbox
from bot.sandbox.astro_faults import Fault
from bot.sandbox.astro_life import Step
from bot.sandbox.serving import Server
from tests.integration.astro_house import AWS, FIXTURES, TOKEN, Clock

REQUESTS = FIXTURES["requests"]
RESPONSES = FIXTURES["responses"]
GCP = REQUESTS["gcp_min"]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def sandbox(clock: Clock) -> AsyncIterator[AstroSandbox]:
    astro = AstroSandbox(clock=clock, build_seconds=100)
    await astro.start()
    yield astro
    await astro.stop()


@pytest.fixture
async def web(sandbox: AstroSandbox) -> AsyncIterator[httpx.AsyncClient]:
    """Bare HTTP below the organization, by v1."""
    home = f"{sandbox.url}/v1/organizations/{sandbox.organization['id']}"
    async with httpx.AsyncClient(base_url=home, headers={"Authorization": f"Bearer {TOKEN}"}) as found:
        yield found


def without(body: dict[str, Any], *fields: str) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key not in fields}


class TestShapes:
    """The keys of each answer are those of the known answer to the same call, in the same situation."""

    @pytest.mark.parametrize(
        ("name", "request_", "moves"),
        [
            ("get_200_empty_status_race", "aws", {}),
            ("get_200_creating_aws", "aws", {"status": "CREATING"}),
            ("get_200_created_aws", "aws", {"status": "CREATED", "health": "HEALTHY"}),
            ("get_200_created_azure", "azure", {"status": "CREATED", "health": "HEALTHY"}),
            ("get_200_created_gcp", "gcp", {"status": "CREATED", "health": "HEALTHY"}),
            ("get_200_create_failed", "bare", {"status": "CREATE_FAILED"}),
            ("get_200_unhealthy_with_details", "aws", {"status": "CREATED", "health": "UNHEALTHY"}),
            ("get_200_unhealthy_no_details", "aws", {"status": "CREATED", "health": "UNHEALTHY"}),
            ("get_200_dr_failing_over", "dr", {"status": "FAILING_OVER"}),
            ("get_200_dr_failed_over", "dr", {"status": "CREATED", "health": "HEALTHY", "isFailedOver": True}),
            ("get_200_dr_failover_failed", "dr", {"status": "FAILOVER_FAILED", "health": "UNHEALTHY"}),
            ("get_200_access_denied", "aws", {"status": "ACCESS_DENIED"}),
            ("get_200_upgrade_pending", "aws", {"status": "UPGRADE_PENDING"}),
        ],
    )
    async def test_a_cluster(
        self, sandbox: AstroSandbox, web: httpx.AsyncClient, name: str, request_: str, moves: dict[str, Any]
    ) -> None:
        known = RESPONSES[name]["body"]
        aws = AWS | {"secondaryVpcCidr": "100.64.0.0/19"}
        bodies = {"aws": aws, "bare": AWS, "dr": REQUESTS["aws_dr"], "azure": REQUESTS["azure_min"], "gcp": GCP}
        id = (await web.post("/clusters", json=bodies[request_])).json()["id"]
        moves = dict(moves)
        health = moves.pop("health", None)
        if moves:
            sandbox.set_status(id, **moves)
        if health:
            sandbox.set_health(id, health, known["healthStatus"]["details"])
        found = (await web.get(f"/clusters/{id}")).json()
        assert set(found) == set(known)
        assert (found["status"], found["healthStatus"]) == (known["status"], known["healthStatus"])
        for key in ("isDrEnabled", "isFailedOver", "failoverInProgress", "isLimited", "drRegion"):
            assert found.get(key) == known.get(key)
        assert {key: type(value) for key, value in found.items()} == {key: type(known[key]) for key in known}
        assert set(found.get("metadata", {})) == set(known.get("metadata", {}))
        for pool, known_pool in zip(found.get("nodePools", []), known.get("nodePools", []), strict=True):
            assert set(pool) == set(known_pool)

    async def test_the_answer_to_a_create(self, web: httpx.AsyncClient) -> None:
        answer = await web.post("/clusters", json=AWS | {"secondaryVpcCidr": "100.64.0.0/19"})
        known = RESPONSES["create_200_creating_aws"]
        assert answer.status_code == known["status"]
        assert set(answer.json()) == set(known["body"])
        assert is_id(answer.json()["id"])
        assert len(answer.json()["id"]) == 25

    @pytest.mark.parametrize(
        ("name", "path", "rows"),
        [
            ("list_clusters_200", "/clusters", "clusters"),
            ("list_clusters_200_empty", "/clusters?names=nobody", "clusters"),
            ("list_workspaces_200", "/workspaces", "workspaces"),
            ("list_users_200", "/users", "users"),
            ("get_organization_200", "", ""),
        ],
    )
    async def test_lists_and_the_organization(
        self, sandbox: AstroSandbox, web: httpx.AsyncClient, name: str, path: str, rows: str
    ) -> None:
        sandbox.add(AWS | {"secondaryVpcCidr": "100.64.0.0/19"})
        if name == "get_organization_200":  # its supportPlan is v1beta1's alone
            path = f"{sandbox.url}/platform/v1beta1/organizations/{sandbox.organization['id']}"
        found, known = (await web.get(path)).json(), RESPONSES[name]["body"]
        assert set(found) == set(known)
        if rows and known[rows]:
            assert set(found[rows][0]) == set(known[rows][0])
        assert ("supportPlan" in (await web.get("")).json()) is False

    @pytest.mark.parametrize(
        ("name", "query"),
        [("all", ""), ("aws", "&provider=AWS"), ("azure", "&provider=AZURE"), ("gcp", "&provider=GCP")],
    )
    @pytest.mark.parametrize("type", ["DEDICATED", "HYBRID"])
    async def test_options(self, web: httpx.AsyncClient, name: str, query: str, type: str) -> None:
        found = (await web.get(f"/cluster-options?type={type}{query}")).json()
        assert found == RESPONSES[f"cluster_options_200_{name}"]["body"]

    @pytest.mark.parametrize(
        ("name", "provoke"),
        [
            ("error_400_duplicate_name", {"json": AWS}),
            ("error_400_field_errors", {"json": without(AWS, "vpcSubnetRange") | {"name": "x"}}),
            ("error_401", {"json": AWS, "headers": {"Authorization": "Bearer wrong"}}),
        ],
    )
    async def test_errors(
        self, sandbox: AstroSandbox, web: httpx.AsyncClient, name: str, provoke: dict[str, Any]
    ) -> None:
        sandbox.add(AWS)
        answer, known = await web.post("/clusters", **provoke), RESPONSES[name]
        assert answer.status_code == known["status"]
        assert without(answer.json(), "requestId") == without(known["body"], "requestId")
        assert answer.json()["requestId"]

    async def test_403_and_404(self, sandbox: AstroSandbox, web: httpx.AsyncClient) -> None:
        forbidden = await web.get(f"{sandbox.url}/v1/organizations/clm88r8hi000008jwhzxother/clusters")
        missing = await web.get("/clusters/clm88r8hi000008jwhzxother")
        for answer, name in ((forbidden, "error_403"), (missing, "error_404")):
            assert without(answer.json(), "requestId") == without(RESPONSES[name]["body"], "requestId")

    async def test_an_unknown_path_and_method(self, web: httpx.AsyncClient) -> None:
        assert (await web.get("/teapots")).json()["statusCode"] == 404
        assert (await web.put("/clusters")).json()["statusCode"] == 405


class TestWhatACreateNeeds:
    @pytest.mark.parametrize("name", REQUESTS)
    async def test_each_known_request_is_taken(self, sandbox: AstroSandbox, web: httpx.AsyncClient, name: str) -> None:
        answer = await web.post("/clusters", json=REQUESTS[name])
        assert answer.status_code == 200
        assert sandbox.creates == [REQUESTS[name]]
        echoed = {key: value for key, value in answer.json().items() if key in REQUESTS[name]}
        assert echoed == {key: REQUESTS[name][key] for key in echoed}
        assert {"name", "region", "type", "cloudProvider", "vpcSubnetRange"} <= set(echoed)

    @pytest.mark.parametrize(
        ("body", "fields"),
        [
            ([], [""]),
            ({}, ["cloudProvider"]),
            (AWS | {"cloudProvider": "IBM"}, ["cloudProvider"]),
            (without(AWS, "name", "region", "type"), ["name", "region", "type"]),
            (AWS | {"name": ""}, ["name"]),
            (AWS | {"name": 7}, ["name"]),
            (AWS | {"type": "HUGE"}, ["type"]),
            (AWS | {"type": "HYBRID"}, ["dbInstanceType", "providerAccount"]),
            (AWS | {"colour": "red", "tenantId": "x"}, ["colour", "tenantId"]),
            (AWS | {"podSubnetRange": "10.0.0.0/16"}, ["podSubnetRange"]),
            (REQUESTS["azure_min"] | {"secondaryVpcCidr": "100.64.0.0/19"}, ["secondaryVpcCidr"]),
            (without(GCP, "podSubnetRange"), ["podSubnetRange"]),
            (
                without(REQUESTS["gcp_dr"], "drVpcSubnetRange", "drPodSubnetRange"),
                ["drVpcSubnetRange", "drPodSubnetRange"],
            ),
            (AWS | {"vpcSubnetRange": "172.20.0.0"}, ["vpcSubnetRange"]),
            (AWS | {"vpcSubnetRange": "fd00::/64"}, ["vpcSubnetRange"]),
            (AWS | {"vpcSubnetRange": 20}, ["vpcSubnetRange"]),
            (AWS | {"secondaryVpcCidr": "100.64.0.0/21"}, ["secondaryVpcCidr"]),
            (AWS | {"region": "us-central1"}, ["region"]),
            (AWS | {"drRegion": "us-east-1"}, ["drRegion"]),
            (AWS | {"drRegion": "mars-1"}, ["drRegion"]),
            (AWS | {"enableReplicationTimeControl": "yes"}, ["enableReplicationTimeControl"]),
            (AWS | {"workspaceIds": ["clm88rddl000108jwgnobody1"]}, ["workspaceIds"]),
            (AWS | {"workspaceIds": "all"}, ["workspaceIds"]),
            (AWS | {"k8sTags": [{"key": "a", "valeu": "b"}]}, ["k8sTags"]),
            (AWS | {"nodePools": [{"name": "a", "nodeInstanceType": "m5.xlarge"}]}, ["nodePools.0.maxNodeCount"]),
            (
                AWS | {"nodePools": [{"name": "a", "nodeInstanceType": "b", "maxNodeCount": 101, "x": 1}]},
                ["nodePools.0.x", "nodePools.0.maxNodeCount"],
            ),
            (
                REQUESTS["azure_min"] | {"drRegion": "eastus", "enableReplicationTimeControl": True},
                ["enableReplicationTimeControl"],
            ),
        ],
    )
    async def test_what_is_refused_names_its_field(
        self, sandbox: AstroSandbox, web: httpx.AsyncClient, body: Any, fields: list[str]
    ) -> None:
        answer = await web.post("/clusters", json=body)
        assert answer.status_code == 400
        assert [each["field"] for each in answer.json()["fieldErrors"]] == fields
        assert all(each["message"] and each["code"] for each in answer.json()["fieldErrors"])
        assert sandbox.clusters == {}

    async def test_what_is_no_json(self, web: httpx.AsyncClient) -> None:
        assert (await web.post("/clusters", content=b"{")).json()["statusCode"] == 400

    async def test_a_hybrid_cluster_and_one_field_of_v1_alone(
        self, sandbox: AstroSandbox, web: httpx.AsyncClient
    ) -> None:
        body = AWS | {"type": "HYBRID", "dbInstanceType": "db.r6g.large", "providerAccount": "1234"}
        body |= {"k8sTags": [{"key": "team", "value": "data"}], "isPrivateNetworkEgressEnabled": True}
        old = f"{sandbox.url}/platform/v1beta1/organizations/{sandbox.organization['id']}/clusters"
        assert [each["field"] for each in (await web.post(old, json=body)).json()["fieldErrors"]] == [
            "isPrivateNetworkEgressEnabled"
        ]
        id = (await web.post("/clusters", json=body)).json()["id"]
        sandbox.set_status(id, "CREATED")
        found = (await web.get(f"/clusters/{id}")).json()
        assert (found["tags"], found["providerAccount"]) == (body["k8sTags"], "1234")

    async def test_a_name_is_free_again_only_when_its_cluster_is_gone(
        self, sandbox: AstroSandbox, web: httpx.AsyncClient
    ) -> None:
        id = (await web.post("/clusters", json=AWS)).json()["id"]
        sandbox.set_status(id, "CREATE_FAILED")
        assert (await web.post("/clusters", json=AWS)).json()["message"] == "cluster name analytics-prod already exists"
        assert (await web.post("/clusters", json=AWS | {"name": "Analytics-Prod"})).status_code == 200
        assert (await web.delete(f"/clusters/{id}")).status_code == 204
        assert (await web.delete(f"/clusters/{id}")).status_code == 404
        assert (await web.post("/clusters", json=AWS)).status_code == 200

    async def test_a_cluster_at_work_is_not_deleted(self, sandbox: AstroSandbox, web: httpx.AsyncClient) -> None:
        id = (await web.post("/clusters", json=AWS)).json()["id"]
        assert (await web.delete(f"/clusters/{id}")).status_code == 409
        assert id in sandbox.clusters


class TestALife:
    async def test_the_usual_one_goes_by_the_clock(
        self, sandbox: AstroSandbox, web: httpx.AsyncClient, clock: Clock
    ) -> None:
        id = (await web.post("/clusters", json=AWS)).json()["id"]
        seen = []
        for after in (0, 9, 1, 89, 1, 19, 1, 10_000):
            clock.now += after
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

    async def test_times_follow_the_clock(self, sandbox: AstroSandbox, web: httpx.AsyncClient, clock: Clock) -> None:
        before = datetime.now(UTC)
        clock.now += 3600
        answer = await web.post("/clusters", json=AWS)
        created = moment(answer.json()["createdAt"])
        assert created is not None
        assert timedelta(minutes=59) < created - before < timedelta(minutes=61)
        assert answer.headers.get_list("Date") == [created.strftime("%a, %d %b %Y %H:%M:%S GMT")]
        clock.now += 50
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
        self, sandbox: AstroSandbox, web: httpx.AsyncClient, clock: Clock
    ) -> None:
        sandbox.commit_delay = 5
        id = (await web.post("/clusters", json=AWS)).json()["id"]
        clock.now += 4.9
        assert (await web.get("/clusters?names=analytics-prod")).json()["clusters"] == []
        assert (await web.get(f"/clusters/{id}")).status_code == 200
        assert (await web.post("/clusters", json=AWS)).status_code == 400
        clock.now += 0.1
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
            pieces = b""
            with pytest.raises(httpx.RemoteProtocolError):
                async for piece in answer.aiter_raw():
                    pieces += piece
        assert len(pieces) == int(answer.headers["Content-Length"]) // 2


class TestTheLog:
    async def test_it_tells_what_came_in_with_the_token_masked(
        self, sandbox: AstroSandbox, web: httpx.AsyncClient, clock: Clock
    ) -> None:
        sandbox.faults.next("create", Fault.drop())
        with pytest.raises(httpx.RemoteProtocolError):
            await web.post("/clusters", json=AWS | {"name": f"x{TOKEN}"})
        clock.now += 5
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
        answer = await web.post("/clusters", json=AWS, headers={"Authorization": header.encode()})
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
