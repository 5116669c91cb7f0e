"""The sandbox's Astro answers in the shapes of the real one, and refuses the creates that the real one refuses."""

from typing import Any

import httpx
import pytest

from bot.clusters.outcome import is_id
from bot.sandbox.astro import AstroSandbox
from tests.integration.astro_house import AWS, FIXTURES

REQUESTS = FIXTURES["requests"]
RESPONSES = FIXTURES["responses"]
GCP = REQUESTS["gcp_min"]


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
            ("get_200_upgrade_pending", "aws", {"status": "UPGRADE_PENDING", "health": "HEALTHY"}),
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

    async def test_v1_knows_no_support_plan(self, sandbox: AstroSandbox, web: httpx.AsyncClient) -> None:
        found = (await web.get(f"{sandbox.url}/v1/organizations/{sandbox.organization['id']}")).json()
        assert set(found) == set(RESPONSES["get_organization_200"]["body"]) - {"supportPlan"}

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
