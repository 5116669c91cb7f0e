"""Everything that is said before anything is sent: all at once, each beside the field to change."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clusters import checks, schema
from bot.clusters.catalog import Catalog, KnownCluster
from bot.clusters.checks import Checked
from bot.clusters.policy import Limits
from bot.clusters.schema import ApiVersion
from tests.unit.astro_fixtures import ASTRO, catalog, json_values, request

CATALOG = catalog()
WORKSPACE = "clm88rddl000108jwgeka2div"


def checked(
    base: str = "aws_min",
    *,
    without: tuple[str, ...] = (),
    known: Catalog = CATALOG,
    limits: Limits | None = None,
    taken: tuple[str, ...] = (),
    version: ApiVersion = "v1",
    **changes: Any,
) -> Checked:
    values = {name: value for name, value in {**request(base), **changes}.items() if name not in without}
    return checks.check(values, api_version=version, catalog=known, limits=limits or Limits(), taken=taken)


def said(*args: Any, **kwargs: Any) -> dict[str, str]:
    """Sentence by path; several at one path joined."""
    result = checked(*args, **kwargs)
    assert (result.request is None) == bool(result.faults)
    found: dict[str, str] = {}
    for fault in result.faults:
        path = ".".join(map(str, fault.loc))
        found[path] = f"{found[path]} {fault.message}" if path in found else fault.message
    return found


HYBRID: dict[str, Any] = {"type": "HYBRID", "dbInstanceType": "db.m6g.large", "providerAccount": "123"}
POOL = {"name": "default", "nodeInstanceType": "m5.xlarge", "maxNodeCount": 10}


@pytest.mark.parametrize("name", sorted(ASTRO["requests"]))
@pytest.mark.parametrize("version", ["v1", "v1beta1"])
@pytest.mark.parametrize("known", [CATALOG, Catalog()], ids=["with choices", "without a copy"])
def test_the_apis_example_requests_pass(name: str, version: ApiVersion, known: Catalog) -> None:
    result = checked(name, version=version, known=known)
    assert result.faults == ()
    assert result.request is not None
    assert schema.body(result.request) == {key: value for key, value in request(name).items() if value != []}


def test_blank_fields_count_as_absent() -> None:
    assert checked(dbInstanceType="  ", k8sTags=[], drRegion=None, nodePools=[]).faults == ()
    assert said(name="  ") == {"name": "This is needed."}


def test_hybrid_needs_an_instance_and_an_account() -> None:
    assert said(type="HYBRID") == {
        "dbInstanceType": "This is needed where Type is Hybrid.",
        "providerAccount": "This is needed where Type is Hybrid.",
    }
    assert said(**HYBRID, nodePools=[POOL]) == {}


@pytest.mark.parametrize(
    ("base", "change", "path", "sentence"),
    [
        ("aws_min", {"nodePools": [POOL]}, "nodePools", "This is used only where Type is Hybrid. Leave it out."),
        ("azure_min", {"tenantId": "t"}, "tenantId", "This is used only where Type is Hybrid. Leave it out."),
        (
            "aws_min",
            {"drVpcSubnetRange": "10.0.0.0/20"},
            "drVpcSubnetRange",
            "This is used only where Disaster recovery region is chosen. Leave it out.",
        ),
        ("aws_min", {"tenantId": "t"}, "tenantId", "Tenant does not exist on AWS. Leave it out."),
        (
            "gcp_min",
            {"secondaryVpcCidr": "100.0.0.0/19"},
            "secondaryVpcCidr",
            "Secondary range does not exist on GCP. Leave it out.",
        ),
        ("aws_min", {"surprise": 1}, "surprise", "surprise is not a field of Astro's request. Leave it out."),
    ],
)
def test_what_does_not_apply_is_a_fault(base: str, change: dict[str, Any], path: str, sentence: str) -> None:
    assert said(base, **change) == {path: sentence}


def test_private_egress_is_known_to_v1_alone() -> None:
    assert said(isPrivateNetworkEgressEnabled=True) == {}
    assert set(said(isPrivateNetworkEgressEnabled=True, version="v1beta1")) == {"isPrivateNetworkEgressEnabled"}


def test_gcp_needs_its_three_ranges_and_with_disaster_recovery_four_more() -> None:
    ranges = ("podSubnetRange", "serviceSubnetRange", "servicePeeringRange")
    assert set(said("gcp_min", without=ranges)) == set(ranges)
    missing = said("gcp_min", drRegion="us-east1")
    assert set(missing) == {"drVpcSubnetRange", "drPodSubnetRange", "drServiceSubnetRange", "drServicePeeringRange"}
    assert set(missing.values()) == {"This is needed where Disaster recovery region is chosen."}


@pytest.mark.parametrize("provider", [None, "ORACLE", 7, ["AWS"]])
def test_without_a_known_provider_the_rest_is_checked_all_the_same(provider: Any) -> None:
    found = said(cloudProvider=provider, vpcSubnetRange="10.0.0.1/20", name="", secondaryVpcCidr="100.64.0.0/19")
    assert set(found) == {"cloudProvider", "vpcSubnetRange", "name"}


# --- what Astro offers ------------------------------------------------------------------------------------------------


def test_a_region_that_is_not_offered_is_refused() -> None:
    assert said(region="eu-north-9") == {
        "region": "Astro does not offer eu-north-9 for this provider and type. Choose another region."
    }
    assert set(said(drRegion="eu-north-9")) == {"drRegion"}


def test_the_disaster_recovery_region_is_another_one() -> None:
    assert said(drRegion="us-east-1") == {
        "drRegion": "This is the cluster's own region. Choose another one for disaster recovery."
    }


def test_instances_are_among_those_offered() -> None:
    assert set(said(dbInstanceType="db.huge")) == {"dbInstanceType"}
    pools = [POOL, {**POOL, "name": "two", "nodeInstanceType": "t0.nano"}]
    assert said(**HYBRID, nodePools=pools) == {
        "nodePools.1.nodeInstanceType": (
            "Astro does not offer t0.nano for this provider and type. Choose another instance type."
        )
    }


def test_an_instance_that_is_banned_in_the_region_is_refused() -> None:
    options = CATALOG.options["AWS", "HYBRID"]
    region = options.regions[0]
    banning = replace(options, regions=(replace(region, banned=frozenset({"m5.xlarge"})), *options.regions[1:]))
    known = replace(CATALOG, options={("AWS", "HYBRID"): banning})
    assert said(**HYBRID, nodePools=[POOL], known=known) == {}
    assert said(**HYBRID, nodePools=[POOL], known=known, region=region.name) == {
        "nodePools.0.nodeInstanceType": (
            f"m5.xlarge cannot be had in {region.name}. Choose another instance type or another region."
        )
    }


def test_workspaces_are_those_of_the_organization() -> None:
    assert said(workspaceIds=[WORKSPACE]) == {}
    assert said(workspaceIds=[WORKSPACE, "w9"]) == {"workspaceIds": "Astro has no Workspace w9. Choose from the list."}


def test_without_a_copy_of_what_astro_offers_everything_is_left_to_astro() -> None:
    free: dict[str, Any] = {**HYBRID, "dbInstanceType": "db.huge", "region": "mars-1", "workspaceIds": ["w9"]}
    assert said(**free, nodePools=[{**POOL, "maxNodeCount": 9000}], known=Catalog()) == {}


def test_azure_replicates_within_a_continent_only() -> None:
    near = {"drRegion": "northeurope", "enableReplicationTimeControl": True}
    assert said("azure_min", **near) == {}
    assert said("azure_min", **{**near, "drRegion": "eastus"}) == {
        "enableReplicationTimeControl": (
            "On Azure this works within a continent only, and westeurope and eastus lie on two. "
            "Choose a nearer disaster recovery region, or turn this off."
        )
    }
    assert said("azure_min", drRegion="eastus") == {}
    assert said(drRegion="eu-west-1", enableReplicationTimeControl=True) == {}


# --- between fields ---------------------------------------------------------------------------------------------------


def test_the_clusters_own_ranges_are_apart() -> None:
    assert said(secondaryVpcCidr="172.20.0.0/16") == {
        "secondaryVpcCidr": "172.20.0.0/16 overlaps VPC range (172.20.0.0/20). Choose a range apart from it."
    }
    assert set(said("gcp_min", podSubnetRange="100.64.0.0/15")) == {"serviceSubnetRange"}


def test_a_disaster_recovery_range_may_equal_its_primary_and_nothing_else() -> None:
    dr = {"drRegion": "us-east1"}
    same = {
        "drVpcSubnetRange": "172.20.0.0/22",
        "drPodSubnetRange": "100.64.0.0/16",
        "drServiceSubnetRange": "100.65.0.0/22",
        "drServicePeeringRange": "100.66.0.0/21",
    }
    assert said("gcp_min", **dr, **same) == {}
    assert set(said("gcp_min", **dr, **{**same, "drVpcSubnetRange": "172.20.0.0/21"})) == {"drVpcSubnetRange"}
    assert set(said("gcp_min", **dr, **{**same, "drPodSubnetRange": "100.65.0.0/22"})) == {"drPodSubnetRange"}


def test_an_overlap_is_said_once_where_the_other_region_only_repeats_it() -> None:
    both = {"secondaryVpcCidr": "172.20.0.0/16", "drSecondaryVpcCidr": "172.20.0.0/16"}
    assert set(said("aws_dr", **both)) == {"secondaryVpcCidr"}


def test_node_pools_are_told_apart_and_within_bounds() -> None:
    pools = [
        {**POOL, "isDefault": True},
        {**POOL, "name": " DEFAULT ", "isDefault": True, "maxNodeCount": 1},
        {**POOL, "name": "big", "maxNodeCount": 101},
    ]
    assert said(**HYBRID, nodePools=pools) == {
        "nodePools.1.isDefault": "Only one node pool can be the default one.",
        "nodePools.1.name": "Two node pools have this name. Give each its own.",
        "nodePools.1.maxNodeCount": "Astro wants at least 2 here.",
        "nodePools.2.maxNodeCount": "Astro allows at most 100 here.",
    }


def test_tags_have_keys_of_their_own() -> None:
    tags = [{"key": "team", "value": "a"}, {"key": "Team"}, {"key": "team "}]
    assert said(k8sTags=tags) == {"k8sTags.2.key": "Two tags have this key. Give each its own."}


@pytest.mark.parametrize("name", ["prod-aws", "PROD-AWS", " Prod-Aws "])
def test_a_name_is_taken_whatever_its_case(name: str) -> None:
    known = replace(CATALOG, clusters=(KnownCluster("c1", "Prod-AWS"),))
    assert said(name=name, known=known) == {"name": "Astro has a cluster of this name already. Choose another name."}
    assert said(name=name, taken=("pROD-aws",)) == {
        "name": "There is a request for a cluster of this name already. Choose another name."
    }
    assert said(name=name, taken=("prod-aws-2",)) == {}


def test_the_policys_limits_hold_and_are_said_once() -> None:
    limits = Limits(providers=("GCP",), types=("HYBRID",), regions=("us-west-2", "eu-west-1"))
    assert said(limits=limits, region="mars-1") == {
        "cloudProvider": "AWS is not allowed here. Choose GCP.",
        "type": "DEDICATED is not allowed here. Choose HYBRID.",
        "region": "mars-1 is not allowed here. Choose us-west-2 or eu-west-1.",
    }


def test_everything_that_is_wrong_is_said_at_once() -> None:
    found = said(
        **{**HYBRID, "providerAccount": ""},
        name="a\u202eb",
        region="mars-1",
        vpcSubnetRange="10.0.0.0",
        secondaryVpcCidr="100.64.0.0/19",
        drRegion="us-west-2",
        drVpcSubnetRange="100.64.0.0/16",
        nodePools=[{"nodeInstanceType": "t0.nano", "maxNodeCount": 101}, "no pool"],
        k8sTags=[{"key": "k"}, {"key": "k"}],
        workspaceIds=["w9"],
        surprise=True,
    )
    assert set(found) == {
        "name",
        "region",
        "providerAccount",
        "vpcSubnetRange",
        "drVpcSubnetRange",
        "nodePools.0.name",
        "nodePools.0.nodeInstanceType",
        "nodePools.0.maxNodeCount",
        "nodePools.1",
        "k8sTags.1.key",
        "workspaceIds",
        "surprise",
    }


NAMES = sorted(schema.field_names())
items = st.dictionaries(st.sampled_from(["name", "nodeInstanceType", "maxNodeCount", "isDefault", "key"]), json_values)
texts = st.sampled_from(["AWS", "AZURE", "GCP", "HYBRID", "DEDICATED", "10.0.0.0/16", "10.0.0.0/20", "us-east-1"])
anything = st.dictionaries(st.sampled_from(NAMES), texts | st.lists(items, max_size=3) | json_values)


@given(anything, st.sampled_from(["aws_dr", "azure_min", "gcp_dr"]))
def test_no_values_whatsoever_make_it_raise(changes: dict[str, Any], base: str) -> None:
    result = checks.check({**request(base), **changes}, api_version="v1", catalog=CATALOG, limits=Limits())
    assert (result.request is None) == bool(result.faults)
    assert all(fault.message and fault.loc for fault in result.faults)
    if result.request is not None:  # what passes once passes again as it is sent
        sent = schema.body(result.request)
        again = checks.check(sent, api_version="v1", catalog=CATALOG, limits=Limits())
        assert again.request is not None
        assert schema.body(again.request) == sent
        assert isinstance(checks.warnings(sent, CATALOG), tuple)


# --- warnings ---------------------------------------------------------------------------------------------------------


def warned(base: str, known: Catalog = CATALOG, **changes: Any) -> tuple[str, ...]:
    return checks.warnings({**request(base), **changes}, known)


def test_a_plain_request_has_no_warnings() -> None:
    for base in ("aws_min", "azure_min", "gcp_min"):
        assert warned(base) == ()


@pytest.mark.parametrize(("base", "provider"), [("aws_dr", "AWS"), ("gcp_dr", "GCP")])
def test_disaster_recovery_that_is_for_ever_is_pointed_out(base: str, provider: str) -> None:
    assert f"Disaster recovery cannot be changed later on {provider}." in warned(base)


def test_on_azure_it_can_be_changed() -> None:
    assert warned("azure_min", drRegion="northeurope") == ()


def test_a_small_vpc_range_on_aws_is_pointed_out_unless_it_is_astros_default() -> None:
    small = "172.20.0.0/22"
    assert warned("aws_min", vpcSubnetRange=small) == (
        "VPC range 172.20.0.0/22 is smaller than the /21 that Astronomer's guide asks for.",
    )
    assert warned("aws_min", vpcSubnetRange="172.20.0.0/21") == ()
    options = CATALOG.options["AWS", "DEDICATED"]
    own = replace(options, ranges={**options.ranges, "defaultVpcSubnetRange": small})
    assert warned("aws_min", replace(CATALOG, options={("AWS", "DEDICATED"): own}), vpcSubnetRange=small) == ()


def test_a_range_outside_private_space_is_pointed_out() -> None:
    assert warned("aws_min", secondaryVpcCidr="8.8.0.0/16") == (
        "Secondary range 8.8.0.0/16 is not private address space.",
    )


def test_other_clusters_with_the_same_ranges_are_named() -> None:
    others = tuple(KnownCluster(f"c{n}", f"prod-{n}", ranges=("nonsense", "172.20.0.0/16")) for n in range(5))
    apart = KnownCluster("x", "apart", ranges=("10.0.0.0/8",))

    def overlapping(count: int) -> tuple[str, ...]:
        return warned("aws_min", replace(CATALOG, clusters=(apart, *others[:count])))

    tail = "so they cannot all be peered with one network."
    assert overlapping(0) == ()
    assert overlapping(1) == (f"Its ranges overlap those of prod-0, {tail}",)
    assert overlapping(3) == (f"Its ranges overlap those of prod-0, prod-1 and prod-2, {tail}",)
    assert overlapping(5) == (f"Its ranges overlap those of prod-0, prod-1, prod-2 and 2 more, {tail}",)


@given(st.dictionaries(st.sampled_from(NAMES), json_values | texts))
def test_no_body_whatsoever_makes_the_warnings_raise(values: dict[str, Any]) -> None:
    assert isinstance(checks.warnings(values, CATALOG), tuple)
