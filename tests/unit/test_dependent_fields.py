"""What a choice in the create form does to the rest of it, by example."""

from itertools import product
from typing import Any

import pytest

from bot.clusters.policy import Policy, load
from bot.clusters.schema import ApiVersion
from bot.services.form import MORE, NO_COPY
from tests.offers import GROUPS, RIGHT, Documents, astro, banning, crowded, fields_shown, many_workspaces
from tests.unit.astro_fixtures import request
from tests.unit.drawn import words
from tests.walks import Desk, refused

ASKED = load("")
NOT_ASKED = load("[approval]\nrequired = false")
PROVIDERS = ("AWS", "AZURE", "GCP")
TYPES = ("DEDICATED", "HYBRID")
VERSIONS: tuple[ApiVersion, ...] = ("v1", "v1beta1")
# In the order of the form: what is needed stands above what is not.
NEEDED = {
    "AWS": ["cloudProvider", "type", "name", "region", "vpcSubnetRange"],
    "AZURE": ["cloudProvider", "type", "name", "region", "vpcSubnetRange"],
    "GCP": [
        "cloudProvider",
        "type",
        "name",
        "region",
        "vpcSubnetRange",
        "podSubnetRange",
        "serviceSubnetRange",
        "servicePeeringRange",
    ],
}
GCP_DR = ["drVpcSubnetRange", "drPodSubnetRange", "drServiceSubnetRange", "drServicePeeringRange"]
SECOND_REGION = {"AWS": "us-west-2", "AZURE": "westus2", "GCP": "us-east4"}
LASTING = "On AWS and GCP this cannot be changed later."
COSTLY = "Replication time control costs extra."


def desk(
    provider: str = "AWS",
    kind: str = "DEDICATED",
    *,
    documents: Documents | None = None,
    policy: Policy = NOT_ASKED,
    version: ApiVersion = "v1",
) -> Desk:
    made = Desk(astro() if documents is None else documents, policy, version)
    for path, value in (("cloudProvider", provider), ("type", kind)):
        if made.content(path) != value:
            choose(made, path, value)
    return made


def choose(form: Desk, path: str, *values: str) -> None:
    form.choose(path, *values)
    assert form.reported(path), "nobody would hear of it"
    form.redraw({"action_id": "value"})


def block(form: Desk, path: str) -> dict[str, Any]:
    return form.modal.input(form.seen()[path].block_id)


def needed(form: Desk) -> list[str]:
    return [path for path in form.seen() if not block(form, path).get("optional")]


def notes(form: Desk, path: str) -> list[str]:
    """The small print right under a field."""
    at = form.modal.blocks.index(block(form, path)) + 1
    following = form.modal.blocks[at : at + 1]
    return [each["elements"][0]["text"] for each in following if each["type"] == "context"]


def faults(form: Desk) -> dict[str, str]:
    """What a submission would say, by path."""
    _, beside = form.submit()
    return {block_id.partition("#")[0]: sentence for block_id, sentence in beside.items()}


class TestEachCombination:
    @pytest.mark.parametrize(
        ("provider", "kind", "recovery", "version"), [*product(PROVIDERS, TYPES, (0, 1), VERSIONS)]
    )
    def test_has_its_own_fields(self, provider: str, kind: str, recovery: int, version: ApiVersion) -> None:
        form = desk(provider, kind, version=version)
        if recovery:
            choose(form, "drRegion", SECOND_REGION[provider])
        assert set(form.seen()) == fields_shown(provider, kind, bool(recovery), version)
        hybrid = ["dbInstanceType", "providerAccount"] if kind == "HYBRID" else []
        gcp = GCP_DR if provider == "GCP" and recovery else []
        assert sorted(needed(form)) == sorted([*NEEDED[provider], *hybrid, *gcp])
        assert [*form.seen()][: len(needed(form))] == needed(form)
        assert form.buttons("add_item") == (["nodePools", "k8sTags"] if kind == "HYBRID" else ["k8sTags"])
        lasting = [LASTING] if recovery and provider != "AZURE" else []
        assert notes(form, "drRegion") == lasting

    @pytest.mark.parametrize(("provider", "kind", "version"), [*product(PROVIDERS, TYPES, VERSIONS)])
    def test_opens_complete_but_for_what_only_the_person_knows(
        self, provider: str, kind: str, version: ApiVersion
    ) -> None:
        form = desk(provider, kind, policy=ASKED, version=version)
        missing = [path for path in needed(form) if form.content(path) is None]
        assert missing == [
            "name",
            *(["dbInstanceType", "providerAccount"] if kind == "HYBRID" else []),
            "request.reason",
        ]
        assert len(form.seen()) <= 13
        assert len(desk(provider, "DEDICATED", version=version).seen()) <= 12

    @pytest.mark.parametrize("provider", PROVIDERS)
    def test_costly_replication_is_said_to_be_so_once_it_is_ticked(self, provider: str) -> None:
        form = desk(provider)
        choose(form, "drRegion", SECOND_REGION[provider])
        assert notes(form, "enableReplicationTimeControl") == []
        form.choose("enableReplicationTimeControl", "true")
        form.add("k8sTags")
        assert notes(form, "enableReplicationTimeControl") == [COSTLY]


class TestDisasterRecovery:
    def test_on_gcp_it_brings_four_ranges_with_astros_defaults(self) -> None:
        form = desk("GCP")
        choose(form, "drRegion", "us-east4")
        held = {path: form.content(path) for path in GCP_DR}
        assert held == {
            "drVpcSubnetRange": "172.20.0.0/22",
            "drPodSubnetRange": "100.64.0.0/16",
            "drServiceSubnetRange": "100.65.0.0/22",
            "drServicePeeringRange": "100.66.0.0/21",
        }

    def test_an_emptied_range_is_asked_for(self) -> None:
        form = desk("GCP")
        choose(form, "drRegion", "us-east4")
        form.type("name", "prod")
        form.type("drPodSubnetRange", "")
        assert faults(form) == {"drPodSubnetRange": "This is needed where Disaster recovery region is chosen."}

    def test_another_region_for_it_leaves_the_ranges_as_typed(self) -> None:
        form = desk("GCP")
        choose(form, "drRegion", "us-east4")
        form.type("drPodSubnetRange", "10.9.0.0/16")
        choose(form, "drRegion", "us-west1")
        assert form.content("drPodSubnetRange") == "10.9.0.0/16"

    def test_without_it_nothing_of_it_is_sent(self) -> None:
        form = desk("GCP")
        choose(form, "drRegion", "us-east4")
        choose(form, "drRegion")
        form.type("name", "prod")
        body, _ = form.submit()
        assert body is not None
        assert not [name for name in body if name.startswith("dr") or name == "enableReplicationTimeControl"]

    @pytest.mark.parametrize("provider", PROVIDERS)
    def test_it_needs_another_region_than_the_clusters_own(self, provider: str) -> None:
        form = desk(provider)
        form.type("name", "prod")
        choose(form, "drRegion", form.content("region"))
        said = "This is the cluster's own region. Choose another one for disaster recovery."
        assert faults(form) == {"drRegion": said}

    @pytest.mark.parametrize(
        ("provider", "region", "allowed"),
        [
            ("AZURE", "westus2", True),
            ("AZURE", "uksouth", False),
            ("AWS", "eu-west-1", True),
            ("GCP", "us-east4", True),
        ],
    )
    def test_replication_time_control_stays_within_a_continent_on_azure(
        self, provider: str, region: str, allowed: bool
    ) -> None:
        form = desk(provider)
        form.type("name", "prod")
        choose(form, "drRegion", region)
        assert faults(form) == {}
        form.choose("enableReplicationTimeControl", "true")
        said = (
            "On Azure this works within a continent only, and centralus and uksouth lie on two. "
            "Choose a nearer disaster recovery region, or turn this off."
        )
        assert faults(form) == ({} if allowed else {"enableReplicationTimeControl": said})


class TestBannedInstances:
    """In banning(), the second region bans the first node and database instance, the first region bans nothing."""

    def test_are_not_offered_where_they_cannot_be_had(self) -> None:
        form = desk("AWS", "HYBRID", documents=banning())
        choose(form, "region", "ap-northeast-1")
        pool = form.add("nodePools")
        assert form.options("dbInstanceType") == ["db.m6g.large", "db.r6g.large", "db.r5.xlarge"]
        assert form.options(f"{pool}.nodeInstanceType") == ["m5.xlarge", "m5.2xlarge", "m6i.xlarge"]
        choose(form, "region", "ap-southeast-1")
        assert form.options("dbInstanceType") == ["db.r6g.large", "db.r5.xlarge"]
        assert form.options(f"{pool}.nodeInstanceType") == ["m5.2xlarge", "m6i.xlarge"]

    def test_are_forgotten_where_they_were_chosen(self) -> None:
        form = desk("AWS", "HYBRID", documents=banning())
        choose(form, "region", "ap-northeast-1")
        pool, other = form.add("nodePools"), form.add("nodePools")
        form.choose("dbInstanceType", "db.m6g.large")
        form.choose(f"{pool}.nodeInstanceType", "m5.xlarge")
        form.choose(f"{other}.nodeInstanceType", "m6i.xlarge")
        choose(form, "region", "ap-southeast-1")
        assert form.seen()["dbInstanceType"][::2] == ("dbInstanceType#1", None)
        assert form.seen()[f"{pool}.nodeInstanceType"][::2] == (f"{pool}.nodeInstanceType#1", None)
        assert form.seen()[f"{other}.nodeInstanceType"][::2] == (f"{other}.nodeInstanceType", "m6i.xlarge")

    def test_come_back_in_another_region_but_not_as_chosen(self) -> None:
        form = desk("AWS", documents=banning())
        choose(form, "region", "ap-northeast-1")
        form.choose("dbInstanceType", "db.m6g.large")
        choose(form, "region", "ap-southeast-1")
        choose(form, "region", "ap-northeast-1")
        assert "db.m6g.large" in form.options("dbInstanceType")
        assert form.content("dbInstanceType") is None

    def test_a_region_that_policy_hides_bans_nothing(self) -> None:
        narrow = load('[limits]\nregions = ["ap-northeast-1", "eu-west-1"]')
        documents = banning()
        documents["options:DEDICATED"][0]["defaultRegion"] = {"name": "ap-southeast-1"}
        form = desk("AWS", documents=documents, policy=narrow)
        assert form.content("region") is None
        assert form.options("dbInstanceType") == ["db.m6g.large", "db.r6g.large", "db.r5.xlarge"]


class TestDefaults:
    def test_follow_the_provider_while_nobody_has_touched_them(self) -> None:
        form = desk()
        seen = {}
        for provider in ("AZURE", "GCP", "AWS"):
            choose(form, "cloudProvider", provider)
            seen[provider] = (form.content("region"), form.content("vpcSubnetRange"))
        assert seen == {
            "AWS": ("us-east-1", "172.20.0.0/20"),
            "AZURE": ("centralus", "172.20.0.0/19"),
            "GCP": ("us-central1", "172.20.0.0/22"),
        }

    def test_of_one_provider_typed_on_another_are_the_persons_own(self) -> None:
        form = desk("AWS")
        form.type("vpcSubnetRange", "172.20.0.0/19")  # Azure's
        form.add("k8sTags")
        assert form.content("vpcSubnetRange") == "172.20.0.0/19"
        choose(form, "cloudProvider", "GCP")
        assert form.content("vpcSubnetRange") == "172.20.0.0/19"

    def test_once_cleared_do_not_come_back(self) -> None:
        form = desk("AWS")
        form.type("vpcSubnetRange", None)
        form.add("k8sTags")
        choose(form, "region", "eu-west-1")
        assert form.content("vpcSubnetRange") is None

    def test_are_filled_in_once_there_is_a_copy_of_them(self) -> None:
        only_dedicated = {name: each for name, each in astro().items() if name != "options:HYBRID"}
        form = desk(documents=only_dedicated, policy=load('[limits]\ntypes = ["HYBRID", "DEDICATED"]'), kind="HYBRID")
        assert (form.content("region"), form.content("vpcSubnetRange")) == (None, None)
        choose(form, "type", "DEDICATED")
        assert (form.content("region"), form.content("vpcSubnetRange")) == ("us-east-1", "172.20.0.0/20")

    def test_of_the_last_of_two_quick_choices_win(self) -> None:
        form = desk()
        form.hurry(("cloudProvider", "GCP"), ("cloudProvider", "AZURE"))
        assert (form.content("region"), form.content("vpcSubnetRange")) == ("centralus", "172.20.0.0/19")


class TestReason:
    RULE = load(
        "[approval]\nrequired = false\n[[rules]]\n"
        'match = { cloudProvider = "GCP", dr = true }\napproval = { required = true }'
    )

    def test_is_needed_once_the_request_has_to_be_approved(self) -> None:
        form = desk("GCP", policy=self.RULE)
        form.type("request.reason", "for the new team")
        assert ("request.reason" in needed(form), form.drawn["submit"]["text"]) == (False, "Create")
        choose(form, "drRegion", "us-east4")
        assert ("request.reason" in needed(form), form.drawn["submit"]["text"]) == (True, "Ask for it")
        assert form.seen()["request.reason"][::2] == ("request.reason", "for the new team")


class TestLists:
    def test_of_more_than_a_hundred_regions_are_searched(self) -> None:
        form = desk("AWS", documents=crowded())
        assert {form.seen()[path].kind for path in ("region", "drRegion")} == {"external_select"}
        assert form.options("region", "US-WEST") == ["us-west-1", "us-west-2"]
        assert form.content("region") == "us-east-1"
        choose(form, "cloudProvider", "GCP")
        assert form.options("region", "us-west") == ["us-west1", "us-west2", "us-west3", "us-west4"]
        assert form.content("region") == "us-central1"

    def test_of_many_workspaces_take_no_more_than_a_view_can_hold(self) -> None:
        form = desk(documents=astro(workspaces=many_workspaces(300)))
        assert form.most("workspaceIds") == 100
        form.choose("workspaceIds", *(each["id"] for each in many_workspaces(100)))
        choose(form, "cloudProvider", "GCP")
        assert len(form.content("workspaceIds")) == 100

    @pytest.mark.parametrize("kind", TYPES)
    def test_that_are_not_known_become_free_text_and_the_form_says_so(self, kind: str) -> None:
        form = desk("AWS", kind, documents={})
        assert NO_COPY in words(form.drawn)
        listed = ("region", "drRegion", "dbInstanceType", "workspaceIds")
        assert {form.seen()[path].kind for path in listed} == {"plain_text_input"}
        form.type("drRegion", "us-west-2")
        form.redraw({"action_id": "value"})
        assert "drVpcSubnetRange" in form.seen()
        form.world_changes(astro(), NOT_ASKED)
        form.redraw({"action_id": "value"})
        assert NO_COPY not in words(form.drawn)
        assert form.seen()["drRegion"] == ("drRegion#1", "static_select", "us-west-2")


class TestAgain:
    def largest(self) -> dict[str, Any]:
        """All that a request can hold."""
        pool = {"nodeInstanceType": "e2-standard-4", "maxNodeCount": 5}
        more = {name: RIGHT[name] for name in ("dbInstanceType", "providerAccount")}
        return {
            **request("gcp_dr"),
            **more,
            "type": "HYBRID",
            "enableReplicationTimeControl": True,
            "workspaceIds": ["clm88rddl000108jwgeka2div"],
            "nodePools": [{"name": "pool", "isDefault": True, **pool}]
            + [{"name": f"pool {number}", **pool} for number in range(4)],
            "k8sTags": [{"key": f"key{number}", "value": "v" * 250} for number in range(10)],
        }

    def leaves(self) -> list[str]:
        body = self.largest()
        items = [
            f"{group}[{at}].{name}"
            for group, names in GROUPS.items()
            for at in range(len(body[group]))
            for name in names
        ]
        return [name for name in body if name not in GROUPS] + items

    def test_everything_is_there_as_it_was_asked(self) -> None:
        form = desk()
        form.again(refused(self.largest(), "for the new team", []))
        assert form.submit() == (self.largest(), {})

    def test_all_that_astro_has_against_one_field_stands_beside_it(self) -> None:
        form = desk()
        said = [["name", "It is too long."], ["name", "It is taken."], ["nobodyKnows", "It is odd."]]
        form.again(refused(request("aws_min"), "", said))
        assert notes(form, "name") == ["⚠ It is too long. It is taken."]
        assert form.modal.blocks[0]["text"]["text"] == "nobodyKnows: It is odd."

    @pytest.mark.parametrize("strange", [0, 1, 5, 6, 200])
    @pytest.mark.parametrize("count", [0, 1, 19, 20, 21, 22, 59])
    def test_more_than_the_form_can_hold_is_said_to_stand_in_the_thread(self, count: int, strange: int) -> None:
        said = [[name, f"{name} is bad."] for name in self.leaves()[:count]]
        said += [[f"strange{number}", "It is odd."] for number in range(strange)]
        form = desk()
        form.again(refused(self.largest(), "", said))
        drawn = words(form.drawn)
        unsaid = [name for name, message in said if (message if name in self.leaves() else f"{name}: ") not in drawn]
        assert (MORE in drawn) == bool(unsaid)
        assert len(unsaid) <= max(count - 14, 0) + max(strange - 5, 0)

    def test_a_provider_that_policy_no_longer_allows_has_to_be_chosen_anew(self) -> None:
        form = desk("GCP", policy=load('[limits]\nproviders = ["GCP", "AZURE"]'))
        form.open(form.forms.again("F2", refused(request("aws_min"), "", [])))
        assert form.content("cloudProvider") is None
        assert form.content("name") == "analytics-prod"
        choose(form, "cloudProvider", "AZURE")
        assert (form.content("name"), form.content("region")) == ("analytics-prod", "centralus")
