"""What Astro offers, read from its JSON and from whatever else may stand there."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.clusters.catalog import (
    Catalog,
    Instance,
    KnownCluster,
    Region,
    Workspace,
    kept,
    parse_clusters,
    parse_options,
    parse_workspaces,
)
from tests.unit.astro_fixtures import body, catalog, json_values


def test_the_options_of_each_provider_are_read() -> None:
    options = catalog().options
    assert set(options) == {(p, t) for p in ("AWS", "AZURE", "GCP") for t in ("DEDICATED", "HYBRID")}
    aws, azure, gcp = (options[provider, "DEDICATED"] for provider in ("AWS", "AZURE", "GCP"))
    assert (aws.default_region, aws.default_database, aws.default_node) == ("us-east-1", "db.m6g.large", "m5.xlarge")
    assert aws.databases[0] == Instance("db.m6g.large", 2, "8Gi")
    assert azure.region("eastus2") == Region("eastus2", "americas")
    assert azure.region("nowhere") is None
    assert (gcp.node_min, gcp.node_max, gcp.node_default) == (2, 100, 20)
    assert gcp.ranges == {
        "defaultVpcSubnetRange": "172.20.0.0/22",
        "defaultPodSubnetRange": "100.64.0.0/16",
        "defaultServiceSubnetRange": "100.65.0.0/22",
        "defaultServicePeeringRange": "100.66.0.0/21",
    }


def test_banned_instances_and_doubled_regions_are_read() -> None:
    regions = [{"name": "eastus", "bannedInstances": ["x", 7], "limited": True}, {"name": "eastus"}, {"name": ""}, 3]
    (options,) = parse_options(
        [{"provider": "AZURE", "regions": regions, "surprise": 1}, {"regions": []}, None], "HYBRID"
    )
    assert options.regions == (Region("eastus", "", True, frozenset({"x"})),)
    assert (options.type, options.node_max, options.default_region) == ("HYBRID", None, "")


def test_workspaces_and_clusters_are_read() -> None:
    assert parse_workspaces(body("list_workspaces_200")["workspaces"]) == [
        Workspace("clm88rddl000108jwgeka2div", "Data Platform")
    ]
    assert parse_workspaces([{"id": "w1"}, {"name": "no id"}]) == [Workspace("w1", "w1")]
    first = parse_clusters(body("list_clusters_200")["clusters"])[0]
    assert first == KnownCluster(
        "cmi0a1b2c000002aws0ready1",
        "analytics-prod",
        "AWS",
        "us-east-1",
        "DEDICATED",
        "CREATED",
        "HEALTHY",
        ("172.20.0.0/20", "100.64.0.0/19"),
    )


def test_no_copy_is_told_from_an_empty_one() -> None:
    assert Catalog.from_documents({}) == Catalog({}, None, None)
    assert Catalog.from_documents({"workspaces": [], "clusters": []}) == Catalog({}, (), ())


def test_options_are_found_by_what_a_request_says() -> None:
    assert catalog().options_for({"cloudProvider": "AWS", "type": "HYBRID"}) is not None
    assert catalog().options_for({"cloudProvider": "AWS"}) is None
    assert catalog().options_for({"cloudProvider": ["AWS"], "type": {}}) is None


fields = st.sampled_from(["provider", "regions", "name", "id", "healthStatus", "bannedInstances", "nodeCountMin"])


@given(
    st.dictionaries(
        st.sampled_from(["options:DEDICATED", "options:HYBRID", "workspaces", "clusters"]),
        json_values | st.lists(st.dictionaries(fields, json_values)),
    )
)
def test_no_document_whatsoever_makes_the_reading_raise(documents: dict[str, Any]) -> None:
    assert isinstance(Catalog.from_documents(documents), Catalog)


def test_who_made_a_workspace_or_cluster_is_not_kept() -> None:
    listed = [{"id": "ws1", "name": "Data", "createdBy": {"username": "olive@example.com", "fullName": "Olive Owner"}}]
    assert kept("workspaces", listed) == [{"id": "ws1", "name": "Data"}]
    assert kept("clusters", [{"id": "c1", "metadata": {"externalIPs": ["35.0.0.1"]}}]) == [{"id": "c1"}]
    assert kept("options:HYBRID", [{"provider": "AWS", "regions": []}]) == [{"provider": "AWS", "regions": []}]
