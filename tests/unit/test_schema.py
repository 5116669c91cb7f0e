"""The request's models: names and order of the API's fields, what they accept, and what is made of a request."""

import re
from typing import Any

import pytest
from pydantic import ValidationError

from bot.clusters import fields, schema
from bot.clusters.catalog import Catalog, ProviderOptions
from bot.clusters.schema import ApiVersion
from bot.clusters.wording import sentence
from tests.unit.astro_fixtures import ASTRO, catalog, request

VERSIONS: tuple[ApiVersion, ...] = ("v1", "v1beta1")
COMMON = {
    "cloudProvider",
    "name",
    "region",
    "type",
    "vpcSubnetRange",
    "dbInstanceType",
    "drRegion",
    "drVpcSubnetRange",
    "enableReplicationTimeControl",
    "k8sTags",
    "nodePools",
    "providerAccount",
    "workspaceIds",
}
GCP_RANGES = {"podSubnetRange", "servicePeeringRange", "serviceSubnetRange"}
GCP_DR_RANGES = {"drPodSubnetRange", "drServicePeeringRange", "drServiceSubnetRange"}


@pytest.mark.parametrize(
    ("provider", "version", "own"),
    [
        ("AWS", "v1", {"secondaryVpcCidr", "drSecondaryVpcCidr", "isPrivateNetworkEgressEnabled"}),
        ("AWS", "v1beta1", {"secondaryVpcCidr", "drSecondaryVpcCidr"}),
        ("AZURE", "v1", {"tenantId"}),
        ("AZURE", "v1beta1", {"tenantId"}),
        ("GCP", "v1", GCP_RANGES | GCP_DR_RANGES),
        ("GCP", "v1beta1", GCP_RANGES | GCP_DR_RANGES),
    ],
)
def test_each_variant_has_exactly_the_apis_fields(provider: str, version: ApiVersion, own: set[str]) -> None:
    assert set(schema.variant(provider, version).model_fields) == COMMON | own


def test_an_unknown_provider_has_no_variant() -> None:
    with pytest.raises(KeyError):
        schema.variant("ORACLE", "v1")


@pytest.mark.parametrize("provider", schema.PROVIDERS)
@pytest.mark.parametrize("version", VERSIONS)
def test_the_apis_required_fields_are_required(provider: str, version: ApiVersion) -> None:
    model = schema.variant(provider, version)
    required = {name for name, field in model.model_fields.items() if field.is_required()}
    always = {"cloudProvider", "name", "region", "type", "vpcSubnetRange"}
    assert required == (always | GCP_RANGES if provider == "GCP" else always)


@pytest.mark.parametrize("provider", schema.PROVIDERS)
def test_a_plain_form_shows_at_most_a_dozen_inputs_with_the_reason(provider: str) -> None:
    values = {"type": "DEDICATED", "cloudProvider": provider}
    shown = [
        name
        for name, field in schema.variant(provider, "v1").model_fields.items()
        if fields.holds(fields.hints(field).get("when", {}), values) and fields.item_model(field) is None
    ]
    assert len(shown) + 1 <= 12
    assert shown[:5] == ["cloudProvider", "type", "name", "region", "vpcSubnetRange"]


GROUPS = ["Basics", "Network", "Disaster recovery", "Hybrid", "Access and tags"]
CHOICES = {"providers", "types", "regions", "databaseInstances", "nodeInstances", "workspaces", None}
KNOWN_HINTS = {
    "hint",
    "group",
    "choices",
    "when",
    "required_when",
    "redraws",
    "default_from",
    "range",
    "note",
    "max_items",
    "item",
}


@pytest.mark.parametrize("provider", schema.PROVIDERS)
def test_every_field_tells_the_form_what_it_needs(provider: str) -> None:
    model = schema.variant(provider, "v1")
    for name, field in fields.walk(model):
        hints = fields.hints(field)
        assert field.title, name
        assert field.description, name
        assert field.examples or fields.item_model(field), name
        assert set(hints) <= KNOWN_HINTS, name
        assert hints.get("choices") in CHOICES, name
        for condition in (hints.get("when", {}), hints.get("required_when", {})):
            assert set(condition) <= set(model.model_fields), name
    assert {fields.hints(field)["group"] for field in model.model_fields.values()} == set(GROUPS)
    redrawing = {name for name, field in model.model_fields.items() if fields.hints(field).get("redraws")}
    assert redrawing == {"cloudProvider", "type", "region", "drRegion"}


def test_the_order_of_the_form_keeps_groups_together_after_the_basics() -> None:
    for provider in schema.PROVIDERS:
        order = [fields.hints(field)["group"] for field in schema.variant(provider, "v1").model_fields.values()]
        after = [group for group in order if group not in ("Basics", "Network")]
        assert after == sorted(after, key=GROUPS.index)


def test_disaster_recovery_warns_where_it_is_for_ever() -> None:
    notes = {p: fields.hints(schema.variant(p, "v1").model_fields["drRegion"]).get("note") for p in schema.PROVIDERS}
    assert notes["AZURE"] is None
    assert notes["AWS"] == notes["GCP"] == "On AWS and GCP this cannot be changed later."


def test_the_gcp_service_ranges_are_described_the_right_way_round() -> None:
    described = schema.variant("GCP", "v1").model_fields
    assert "GKE Services" in str(described["serviceSubnetRange"].description)
    assert "Private Service" in str(described["servicePeeringRange"].description)


# --- what a field accepts ---------------------------------------------------------------------------------------------


def faults(values: dict[str, Any]) -> dict[tuple[Any, ...], str]:
    try:
        schema.variant(values["cloudProvider"], "v1").model_validate(values)
    except ValidationError as error:
        return {each["loc"]: sentence(each) for each in error.errors()}
    return {}


@pytest.mark.parametrize("name", sorted(ASTRO["requests"]))
def test_the_apis_example_requests_are_accepted_and_sent_as_they_are(name: str) -> None:
    asked = request(name)
    model = schema.variant(asked["cloudProvider"], "v1beta1")
    sent = schema.body(model.model_validate(asked))
    assert sent == {key: value for key, value in asked.items() if value != []}


@pytest.mark.parametrize("name", ["My cluster", "x", "é日😀", "a" * 100, "👩‍💻"])
def test_a_name_may_be_nearly_anything(name: str) -> None:
    assert faults({**request("aws_min"), "name": name}) == {}


def test_a_name_is_trimmed() -> None:
    asked = schema.variant("AWS", "v1").model_validate({**request("aws_min"), "name": "  prod \n"})
    assert asked.name == "prod"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "This may not be empty."),
        ("   ", "This may not be empty."),
        ("a" * 101, "At most 100 characters, please."),
        ("a\x00b", "control character"),
        ("a\nb", "control character"),
        ("a\u202eb", "control character"),
        ("\u2066ab", "control character"),
        ("a\u2028b", "control character"),
        ("a\ud800", "half a character"),
        (7, "This must be text."),
    ],
)
def test_a_name_that_hides_something_or_does_not_fit_is_refused(name: Any, said: str) -> None:
    assert said in faults({**request("aws_min"), "name": name})[("name",)]


@pytest.mark.parametrize(
    ("change", "loc", "said"),
    [
        ({"type": "SHARED"}, ("type",), "Choose one of DEDICATED or HYBRID."),
        ({"vpcSubnetRange": "172.20.0.1/22"}, ("vpcSubnetRange",), "did you mean 172.20.0.0/22?"),
        ({"secondaryVpcCidr": "100.64.0.0/21"}, ("secondaryVpcCidr",), "Choose a size from /16 to /20."),
        ({"drSecondaryVpcCidr": "100.0.0.0/8"}, ("drSecondaryVpcCidr",), "Choose a size from /16 to /20."),
        ({"nodePools": [{}]}, ("nodePools", 0, "name"), "This is needed."),
        ({"nodePools": [{"maxNodeCount": "ten"}]}, ("nodePools", 0, "maxNodeCount"), "Write a whole number."),
        ({"nodePools": [{"maxNodeCount": 0}]}, ("nodePools", 0, "maxNodeCount"), "This must be 1 or more."),
        ({"nodePools": [{}] * 6}, ("nodePools",), "At most 5 of these, please."),
        ({"nodePools": 3}, ("nodePools",), "This must be a list."),
        ({"k8sTags": ["x"]}, ("k8sTags", 0), "This must be a table of keys and values."),
        ({"k8sTags": [{"value": "v"}]}, ("k8sTags", 0, "key"), "This is needed."),
        ({"k8sTags": [{"key": "k", "value": "v\x07"}]}, ("k8sTags", 0, "value"), "control character"),
        ({"workspaceIds": [""]}, ("workspaceIds", 0), "This may not be empty."),
        ({"enableReplicationTimeControl": "perhaps"}, ("enableReplicationTimeControl",), "This must be yes or no."),
        ({"tenantId": "t"}, ("tenantId",), "This does not belong here."),
    ],
)
def test_each_fault_is_a_plain_sentence(change: dict[str, Any], loc: tuple[Any, ...], said: str) -> None:
    assert said in faults({**request("aws_min"), **change})[loc]


# --- what is made of a request ----------------------------------------------------------------------------------------


def hybrid() -> dict[str, Any]:
    return {
        **request("aws_dr"),
        "type": "HYBRID",
        "providerAccount": "123456789012",
        "dbInstanceType": "db.m6g.large",
        "workspaceIds": ["w1", "w2", "w1"],
        "nodePools": [
            {"name": "default", "nodeInstanceType": "m5.xlarge", "maxNodeCount": "10", "isDefault": True},
            {"name": "big", "nodeInstanceType": "m5.2xlarge", "maxNodeCount": 3, "isDefault": False},
        ],
        "k8sTags": [{"key": "team", "value": "data"}, {"key": "bare"}],
        "isPrivateNetworkEgressEnabled": False,
    }


def test_the_body_has_no_nulls_no_empty_lists_and_no_box_that_was_not_ticked() -> None:
    sent = schema.body(schema.variant("AWS", "v1").model_validate(hybrid()))
    assert "isPrivateNetworkEgressEnabled" not in sent
    assert sent["workspaceIds"] == ["w1", "w2"]
    assert sent["nodePools"][0] == {
        "name": "default",
        "nodeInstanceType": "m5.xlarge",
        "maxNodeCount": 10,
        "isDefault": True,
    }
    assert sent["k8sTags"] == [{"key": "team", "value": "data"}, {"key": "bare"}]
    assert set(schema.body(schema.variant("AWS", "v1").model_validate(request("aws_min")))) == set(
        request("aws_min")
    ) - {"workspaceIds"}


def test_the_hash_follows_the_content_and_not_the_order() -> None:
    one = request("aws_dr")
    turned = dict(reversed(one.items()))
    assert schema.spec_hash(one) == schema.spec_hash(turned)
    assert re.fullmatch("[0-9a-f]{64}", schema.spec_hash(one))
    assert schema.spec_hash(one) != schema.spec_hash({**one, "name": "other"})


def test_the_summary_has_a_line_for_each_field_in_the_forms_order() -> None:
    sent = schema.body(schema.variant("AWS", "v1").model_validate(hybrid()))
    lines = schema.summary(sent, "v1", {"w1": "Data Platform"})
    assert [title for title, _ in lines] == [
        schema.title_of((name,)) for name in schema.AwsRequest.model_fields if name in sent
    ]
    said = dict(lines)
    assert said["Workspaces"] == "Data Platform, w2"
    assert said["Replication time control"] == "yes"
    assert said["Node pools"] == (
        "Name: default, Instance type: m5.xlarge, Most nodes: 10, Default pool: yes\n"
        "Name: big, Instance type: m5.2xlarge, Most nodes: 3, Default pool: no"
    )
    assert said["Kubernetes tags"] == "Key: team, Value: data\nKey: bare"


def test_the_summary_shows_what_an_older_or_newer_version_knew() -> None:
    assert ("isPrivateNetworkEgressEnabled", "yes") in schema.summary(
        {**request("aws_min"), "isPrivateNetworkEgressEnabled": True}, "v1beta1"
    )
    assert schema.summary({"cloudProvider": "ORACLE"}, "v1") == [("Cloud provider", "ORACLE")]


def test_defaults_come_from_what_astro_offers() -> None:
    assert schema.defaults("AWS", "DEDICATED", catalog(), "v1") == {
        "region": "us-east-1",
        "vpcSubnetRange": "172.20.0.0/20",
    }
    assert schema.defaults("GCP", "DEDICATED", catalog(), "v1") == {
        "region": "us-central1",
        "vpcSubnetRange": "172.20.0.0/22",
        "podSubnetRange": "100.64.0.0/16",
        "serviceSubnetRange": "100.65.0.0/22",
        "servicePeeringRange": "100.66.0.0/21",
        "drVpcSubnetRange": "172.20.0.0/22",
        "drPodSubnetRange": "100.64.0.0/16",
        "drServiceSubnetRange": "100.65.0.0/22",
        "drServicePeeringRange": "100.66.0.0/21",
    }


def test_without_a_copy_nothing_is_filled_in() -> None:
    assert schema.defaults("AWS", "DEDICATED", Catalog(), "v1") == {}
    bare = Catalog({("AWS", "DEDICATED"): ProviderOptions("AWS", "DEDICATED")})
    assert schema.defaults("AWS", "DEDICATED", bare, "v1") == {}


@pytest.mark.parametrize(
    ("loc", "title"),
    [
        (("vpcSubnetRange",), "VPC range"),
        (("podSubnetRange",), "Pod range"),
        (("nodePools",), "Node pools"),
        (("nodePools", 0), "Node pools 1"),
        (("nodePools", 1, "maxNodeCount"), "Node pools 2: Most nodes"),
        (("workspaceIds", 0), "Workspaces"),
        (("surprise", 0), "surprise.0"),
        ((), ""),
    ],
)
def test_each_path_has_a_title(loc: tuple[str | int, ...], title: str) -> None:
    assert schema.title_of(loc) == title


@pytest.mark.parametrize(
    ("field", "loc"),
    [
        ("vpcSubnetRange", ("vpcSubnetRange",)),
        ("VpcSubnetRange", ("vpcSubnetRange",)),
        ("nodePools[0].maxNodeCount", ("nodePools", 0, "maxNodeCount")),
        ("nodePools.1.Name", ("nodePools", 1, "name")),
        ("CreateAwsClusterRequest.secondaryVpcCidr", ("secondaryVpcCidr",)),
        ("/region", ("region",)),
        ("surprise", ()),
        ("", ()),
    ],
)
def test_astros_names_of_fields_are_understood(field: str, loc: tuple[str | int, ...]) -> None:
    assert schema.loc_of(field) == loc
