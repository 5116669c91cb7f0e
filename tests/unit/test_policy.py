"""Who may do what; and the file that says so."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clusters import policy, schema
from bot.clusters.policy import Action, Limits, Members, Person, Policy, RequestFacts, decide, load
from bot.errors import OperatorError
from tests.unit.astro_fixtures import request

CONTRACT = """
[requesters]
usergroups = ["S0123"]
users = ["U0123"]
astro_roles = []
[approvers]
usergroups = ["S0456"]
[approval]
required = true
quorum = 1
self_approval = false
expires_hours = 72
remind_hours = 4
[limits]
open_requests_per_user = 3
providers = ["AWS", "AZURE", "GCP"]
types = ["DEDICATED", "HYBRID"]
regions = []
[channels]
post_in = ""
approvals = ""
allowed = []
[[rules]]
match = { cloudProvider = "GCP", dr = true }
approval = { quorum = 2, approvers = { usergroups = ["S0789"] } }
[[presets]]
name = "Small AWS"
values = { cloudProvider = "AWS", region = "us-east-1", vpcSubnetRange = "172.20.0.0/20" }
"""
POLICY = load(CONTRACT)


def person(id: str, *groups: str, role: str | None = None) -> Person:
    return Person(
        id=id,
        groups=frozenset(groups),
        astro_role=role,
        astro_known=True,
        is_guest=False,
        is_bot=False,
        is_deleted=False,
        is_stranger=False,
    )


ALICE = person("UALICE", "S0123")
BOB = person("UBOB", "S0123")
ANN = person("UANN", "S0456")
GREG = person("UGREG", "S0789")
BOTH = person("UBOTH", "S0123", "S0456")
NOBODY = person("UNOBODY")
AWS = RequestFacts("UALICE", request("aws_min"))
GCP_DR = RequestFacts("UALICE", request("gcp_dr"))
DECIDING = {Action.APPROVE, Action.DENY, Action.ADOPT, Action.ABANDON}
FOLLOWING = {Action.CANCEL, Action.RETRY, Action.MUTE, Action.REFRESH}


# --- decisions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize("who", [ALICE, BOB, ANN, BOTH, NOBODY])
def test_who_may_do_what(who: Person, action: Action) -> None:
    allowed: dict[str, set[Action]] = {
        "UALICE": set(Action) - DECIDING,
        "UBOB": {Action.OPEN, *FOLLOWING},
        "UANN": FOLLOWING | DECIDING,
        "UBOTH": {Action.OPEN, *FOLLOWING, *DECIDING},
        "UNOBODY": set(),
    }
    decision = decide(POLICY, who, action, AWS)
    assert decision.allowed == (action in allowed[who.id])
    assert decision.allowed or decision.reason


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize("role", [None, "ORGANIZATION_OWNER"])
def test_the_empty_policy_allows_nobody_anything(action: Action, role: str | None) -> None:
    anybody = replace(ALICE, groups=frozenset({"S0123", "S0456"}), astro_role=role)
    decision = decide(load(""), anybody, action, AWS)
    assert not decision.allowed
    assert decision.reason


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize("flag", ["is_guest", "is_bot", "is_deleted", "is_stranger"])
def test_guests_bots_the_departed_and_strangers_are_refused_whatever_the_policy(action: Action, flag: str) -> None:
    open_to = Members(users=("UALICE",))
    generous = Policy(
        requesters=open_to, approvers=open_to, approval=POLICY.approval.model_copy(update={"self_approval": True})
    )
    assert decide(generous, ALICE, action, AWS).allowed
    who = Person(**{**vars(ALICE), flag: True})
    decision = decide(generous, who, action, AWS)
    assert not decision.allowed
    assert not decision.unknown


@pytest.mark.parametrize("action", list(Action))
def test_what_could_not_be_looked_up_denies_and_says_to_try_again(action: Action) -> None:
    for who in (replace(BOTH, groups=None), replace(BOTH, is_known=False)):
        decision = decide(POLICY, who, action, replace(AWS, requester="UBOTH"))
        assert (decision.allowed, decision.unknown) == (False, True)
        assert "Try again" in decision.reason


@pytest.mark.parametrize("action", [action for action in Action if action not in (Action.OPEN, Action.SUBMIT)])
def test_without_a_request_there_is_nothing_to_decide(action: Action) -> None:
    assert not decide(POLICY, BOTH, action, None).allowed


@pytest.mark.parametrize(
    ("members", "groups", "role", "astro_known", "expected"),
    [
        ({}, {"S1"}, "R", True, "no"),
        ({"users": ["UALICE"]}, set(), None, True, "yes"),
        ({"users": ["UALICE"]}, None, None, False, "yes"),
        ({"users": ["UOTHER"]}, {"S1"}, None, True, "no"),
        ({"users": ["UOTHER"]}, None, None, True, "no"),
        ({"usergroups": ["S1"]}, {"S1"}, None, True, "yes"),
        ({"usergroups": ["S1"]}, {"S2"}, None, True, "no"),
        ({"usergroups": ["S1"]}, None, None, True, "unknown"),
        ({"usergroups": ["S1"], "users": ["UALICE"]}, None, None, True, "yes"),
        ({"usergroups": ["S1"], "users": ["UALICE"]}, set(), None, True, "yes"),
        ({"astro_roles": ["R"]}, set(), "R", True, "yes"),
        ({"astro_roles": ["R"]}, None, "R", True, "yes"),
        ({"astro_roles": ["R"]}, {"S1"}, "Q", True, "no"),
        ({"astro_roles": ["R"]}, {"S1"}, None, True, "no"),
        ({"astro_roles": ["R"]}, {"S1"}, None, False, "unknown"),
        ({"usergroups": ["S1"], "astro_roles": ["R", "Q"]}, {"S1"}, "Q", True, "yes"),
        ({"usergroups": ["S1"], "astro_roles": ["R"]}, {"S1"}, "Q", True, "no"),
        ({"usergroups": ["S1"], "astro_roles": ["R"]}, {"S2"}, "R", True, "no"),
        ({"usergroups": ["S1"], "astro_roles": ["R"]}, {"S1"}, None, False, "unknown"),
        ({"usergroups": ["S1"], "astro_roles": ["R"]}, None, "R", True, "unknown"),
        ({"usergroups": ["S1"], "astro_roles": ["R"]}, None, "Q", True, "no"),
        ({"usergroups": ["S1"], "astro_roles": ["R"]}, {"S2"}, None, False, "no"),
    ],
)
def test_groups_and_users_are_a_union_and_roles_a_further_condition(
    members: dict[str, Any], groups: set[str] | None, role: str | None, astro_known: bool, expected: str
) -> None:
    who = replace(ALICE, groups=None if groups is None else frozenset(groups), astro_role=role, astro_known=astro_known)
    decision = decide(Policy(requesters=Members(**members)), who, Action.OPEN)
    assert (decision.allowed, decision.unknown) == (expected == "yes", expected == "unknown")


def test_a_refusal_says_why_and_whom_to_ask() -> None:
    asked = decide(POLICY, NOBODY, Action.OPEN)
    assert (asked.reason, asked.ask) == ("You are not among those who may ask for clusters.", ("S0123", "U0123"))
    decided = decide(POLICY, NOBODY, Action.APPROVE, AWS)
    assert (decided.reason, decided.ask) == ("You are not among those who may decide on this request.", ("S0456",))
    edited = decide(POLICY, BOB, Action.EDIT, AWS)
    assert edited.ask == ("UALICE",)
    both = decide(POLICY, NOBODY, Action.CANCEL, AWS)
    assert both.ask == ("S0123", "U0123", "S0456")
    role = decide(Policy(requesters=Members(astro_roles=("ORGANIZATION_OWNER",))), NOBODY, Action.OPEN)
    assert "Your role in Astro has to be ORGANIZATION_OWNER." in role.reason


def test_nobody_decides_on_their_own_request_unless_the_policy_says_so() -> None:
    own = replace(AWS, requester="UBOTH")
    refused = decide(POLICY, BOTH, Action.APPROVE, own)
    assert not refused.allowed
    assert "somebody else has to decide" in refused.reason
    assert "cancel it" in decide(POLICY, BOTH, Action.DENY, own).reason
    lax = load(CONTRACT.replace("self_approval = false", "self_approval = true"))
    assert decide(lax, BOTH, Action.APPROVE, own).allowed
    assert decide(lax, BOTH, Action.DENY, own).allowed


def test_nobody_approves_twice() -> None:
    once = replace(AWS, approved_by=("UANN",))
    assert not decide(POLICY, ANN, Action.APPROVE, once).allowed
    assert decide(POLICY, BOTH, Action.APPROVE, once).allowed
    assert decide(POLICY, ANN, Action.DENY, once).allowed


@pytest.mark.parametrize("action", [Action.SUBMIT, Action.EXECUTE])
def test_the_limits_hold_at_the_submission_and_once_more_before_the_call(action: Action) -> None:
    assert decide(POLICY, ALICE, action, AWS).allowed
    strict = POLICY.model_copy(update={"limits": Limits(providers=("GCP",))})
    decision = decide(strict, ALICE, action, AWS)
    assert (decision.allowed, decision.rule) == (False, "limits")
    assert decision.reason == "AWS is not allowed here. Choose GCP."


@pytest.mark.parametrize("action", [Action.SUBMIT, Action.EDIT, Action.EXECUTE])
def test_a_request_is_its_requesters(action: Action) -> None:
    assert decide(POLICY, ALICE, action, AWS).allowed
    assert not decide(POLICY, BOB, action, AWS).allowed
    assert not decide(POLICY, replace(ALICE, groups=frozenset()), action, AWS).allowed  # no longer among them


def test_whoever_may_decide_on_something_is_told_so() -> None:
    assert policy.may_approve(POLICY, ANN).allowed
    assert policy.may_approve(POLICY, GREG).allowed
    assert not policy.may_approve(POLICY, ALICE).allowed
    assert policy.may_approve(POLICY, replace(ANN, groups=None)).unknown
    assert not policy.may_approve(POLICY, replace(ANN, is_guest=True)).allowed
    assert not policy.may_approve(load(""), ANN).allowed


ids = st.sampled_from(["UALICE", "UBOB", "UANN"])
groups = st.sampled_from(["S1", "S2"])
roles = st.sampled_from(["R", "Q"])
members = st.builds(
    Members,
    usergroups=st.lists(groups, max_size=2).map(tuple),
    users=st.lists(ids, max_size=2).map(tuple),
    astro_roles=st.lists(roles, max_size=2).map(tuple),
)
people = st.builds(
    Person,
    id=ids,
    groups=st.none() | st.frozensets(groups),
    astro_role=st.none() | roles,
    astro_known=st.booleans(),
    is_guest=st.booleans(),
    is_bot=st.booleans(),
    is_deleted=st.booleans(),
    is_stranger=st.booleans(),
    is_known=st.booleans(),
)


@given(members, members, people, st.sampled_from(Action), ids)
def test_whoever_is_allowed_was_named_and_whoever_is_refused_is_told_why(
    requesters: Members, approvers: Members, who: Person, action: Action, requester: str
) -> None:
    decision = decide(
        Policy(requesters=requesters, approvers=approvers), who, action, replace(AWS, requester=requester)
    )
    named = [
        each
        for each in (requesters, approvers)
        if who.id in each.users
        or not (who.groups or frozenset()).isdisjoint(each.usergroups)
        or (each.astro_roles and who.astro_known and who.astro_role in each.astro_roles)
    ]
    if decision.allowed:
        assert named
        assert who.is_known
        assert not any((who.is_guest, who.is_bot, who.is_deleted, who.is_stranger))
        if action is Action.APPROVE:
            assert who.id != requester
    else:
        assert decision.reason


# --- approval and rules -----------------------------------------------------------------------------------------------


def test_the_first_rule_that_matches_overrides_and_the_rest_is_inherited() -> None:
    base = policy.approval_for(POLICY, AWS)
    assert (base.rule, base.quorum, base.approvers.ids) == ("", 1, ("S0456",))
    ruled = policy.approval_for(POLICY, GCP_DR)
    assert (ruled.rule, ruled.quorum, ruled.approvers.ids) == ("rule 1", 2, ("S0789",))
    assert (ruled.required, ruled.expires_hours, ruled.remind_hours) == (True, 72, 4)
    assert policy.approval_for(POLICY, RequestFacts("U1", request("gcp_min"))).rule == ""


def test_the_rules_own_approvers_decide() -> None:
    assert decide(POLICY, GREG, Action.APPROVE, GCP_DR).allowed
    refused = decide(POLICY, ANN, Action.APPROVE, GCP_DR)
    assert (refused.allowed, refused.ask, refused.rule) == (False, ("S0789",), "rule 1")
    assert not decide(POLICY, GREG, Action.APPROVE, AWS).allowed


@pytest.mark.parametrize(
    ("match", "base", "matching"),
    [
        ('cloudProvider = "AWS"', "aws_min", True),
        ('cloudProvider = ["AZURE", "AWS"]', "aws_min", True),
        ('cloudProvider = ["AZURE", "GCP"]', "aws_min", False),
        ("dr = true", "aws_dr", True),
        ("dr = true", "aws_min", False),
        ("dr = false", "aws_min", True),
        ("dr = [true, false]", "aws_min", True),
        ('region = "us-east-1", type = "DEDICATED"', "aws_min", True),
        ('region = "us-east-1", type = "HYBRID"', "aws_min", False),
        ("enableReplicationTimeControl = true", "aws_dr", True),
        ("enableReplicationTimeControl = false", "aws_dr", False),
        ("enableReplicationTimeControl = false", "aws_min", True),
        ('workspaceIds = "clm88rddl000108jwgeka2div"', "aws_dr", True),
        ('workspaceIds = ["clm88rddl000108jwgeka2div", "w"]', "azure_min", False),
        ('drRegion = "us-west-2"', "aws_min", False),
        ('requester_usergroups = ["S1", "S9"]', "aws_min", True),
        ('requester_usergroups = "S9"', "aws_min", False),
    ],
)
def test_a_rule_matches_a_value_or_any_of_a_list(match: str, base: str, matching: bool) -> None:
    ruled = load(f"[[rules]]\nmatch = {{ {match} }}\napproval = {{ required = false }}")
    facts = RequestFacts("U1", request(base), requester_groups=frozenset({"S1"}))
    assert policy.approval_for(ruled, facts).required is not matching


def test_a_laxer_rule_is_not_won_by_a_look_up_that_failed() -> None:
    text = '[requesters]\nusers = ["UALICE"]\n'
    rule = '[[rules]]\nmatch = { requester_usergroups = "S1" }\napproval = { quorum = 2 }'
    who = replace(ALICE, groups=None)
    assert decide(load(text), who, Action.SUBMIT, AWS).allowed
    decision = decide(load(text + rule), who, Action.SUBMIT, AWS)
    assert (decision.allowed, decision.unknown) == (False, True)


def test_only_what_the_policy_names_is_looked_up() -> None:
    assert policy.lookups(load("")) == policy.Lookups((), False)
    assert policy.lookups(POLICY) == policy.Lookups(("S0123", "S0456", "S0789"), False)
    more = (
        '[[rules]]\nmatch = { requester_usergroups = ["S1", "S2"] }\napproval = { approvers = { astro_roles = ["R"] } }'
    )
    assert policy.lookups(load(more)) == policy.Lookups(("S1", "S2"), True)


@pytest.mark.parametrize(
    ("candidates", "quorum", "self_approval", "allowed"),
    [
        ({"UANN"}, 1, False, True),
        ({"UALICE"}, 1, False, False),
        ({"UALICE"}, 1, True, True),
        (set(), 1, True, False),
        ({"UANN", "UALICE"}, 2, False, False),
        ({"UANN", "UALICE"}, 2, True, True),
        ({"UANN", "UBOB", "UALICE"}, 2, False, True),
        (None, 2, False, True),
    ],
)
def test_a_request_that_nobody_could_approve_is_refused(
    candidates: set[str] | None, quorum: int, self_approval: bool, allowed: bool
) -> None:
    terms = policy.approval_for(POLICY, AWS).model_copy(update={"quorum": quorum, "self_approval": self_approval})
    decision = policy.approvable(terms, "UALICE", candidates)
    assert decision.allowed is allowed
    assert allowed or "too few" in decision.reason


def test_an_approval_that_nobody_may_give_is_refused_unless_none_is_needed() -> None:
    assert not policy.approvable(policy.approval_for(load(""), AWS), "UALICE", None).allowed
    none_needed = policy.approval_for(load("[approval]\nrequired = false"), AWS)
    assert policy.approvable(none_needed, "UALICE", set()).allowed


def test_the_terms_of_an_approval_can_be_kept_as_json() -> None:
    terms = policy.approval_for(POLICY, GCP_DR)
    assert policy.Approval.model_validate_json(terms.model_dump_json()) == terms


# --- limits and channels ----------------------------------------------------------------------------------------------


def test_limits_name_the_field_and_the_way_out() -> None:
    limits = Limits(providers=("GCP",), types=("HYBRID",), regions=("us-east1", "us-west1", "us-west2"))
    faults = policy.limit_faults(limits, request("aws_dr"))
    assert [fault.loc for fault in faults] == [("cloudProvider",), ("type",), ("region",), ("drRegion",)]
    assert faults[2].message == "us-east-1 is not allowed here. Choose one of us-east1, us-west1, us-west2."
    assert policy.limit_faults(Limits(), request("aws_dr")) == ()
    assert policy.limit_faults(limits, {}) == ()


@pytest.mark.parametrize(("open_now", "allowed"), [(0, True), (2, True), (3, False), (7, False)])
def test_only_so_many_requests_may_be_open(open_now: int, allowed: bool) -> None:
    decision = policy.open_requests_allowed(POLICY, open_now)
    assert decision.allowed is allowed
    assert allowed or f"You have {open_now} open requests" in decision.reason


def test_a_channel_may_be_anywhere_unless_some_are_named() -> None:
    assert policy.channel_allowed(POLICY, "C1").allowed
    named = load('[channels]\nallowed = ["C1", "G2"]')
    assert policy.channel_allowed(named, "G2").allowed
    refused = policy.channel_allowed(named, "C3")
    assert (refused.allowed, refused.where) == (False, ("C1", "G2"))


# --- the file ---------------------------------------------------------------------------------------------------------


def test_the_contracts_example_is_read_in_full() -> None:
    assert POLICY.requesters.ids == ("S0123", "U0123")
    assert POLICY.approval == load("").approval
    assert POLICY.limits == load("").limits == Limits()
    assert (POLICY.channels.post_in, POLICY.channels.allowed) == ("", ())
    assert POLICY.presets[0].name == "Small AWS"
    assert POLICY.presets[0].values["vpcSubnetRange"] == "172.20.0.0/20"


@pytest.mark.parametrize("text", ["", "\n# nothing\n"])
def test_the_empty_file_names_nobody(text: str) -> None:
    assert load(text).requesters.nobody
    assert load(text).approvers.nobody
    assert load(text).approval.required


def test_fractions_of_hours_are_fine_and_no_reminder_at_all() -> None:
    assert load("[approval]\nremind_hours = 0").approval.remind_hours == 0
    assert load("[approval]\nexpires_hours = 0.001\nremind_hours = 0.5").approval.expires_hours == 0.001


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("quorum = 1", "policy: quorum: unknown key"),
        ("[limit]", "policy: limit: unknown key"),
        ("[approval]\nquorom = 1", "policy: approval.quorom: unknown key"),
        ("[approval]\nquorum = 0", "policy: approval.quorum: this must be 1 or more"),
        ('[approval]\nquorum = "2"', "policy: approval.quorum: this must be a whole number"),
        ("[approval]\nquorum = true", "policy: approval.quorum: this must be a whole number"),
        ("[approval]\nrequired = 1", "policy: approval.required: this must be true or false"),
        ("[approval]\nexpires_hours = 0", "policy: approval.expires_hours: this must be more than 0"),
        ("[approval]\nremind_hours = -1", "policy: approval.remind_hours: this must be 0 or more"),
        ("[approval]\nexpires_hours = inf", "policy: approval.expires_hours: this must be a finite number"),
        ("approval = 3", "policy: approval: this must be a table of keys and values"),
        ("[limits]\nopen_requests_per_user = 0", "policy: limits.open_requests_per_user: this must be 1 or more"),
        ('[limits]\nproviders = ["ORACLE"]', "policy: limits.providers.0: choose one of AWS, AZURE or GCP"),
        ("[limits]\nproviders = []", "policy: limits.providers: name at least one"),
        ('[limits]\nregions = "us-east-1"', "policy: limits.regions: this must be a list"),
        (
            '[requesters]\nusers = ["@alice"]',
            "policy: requesters.users.0: must be the id of a user, as in U0123ABC, not a name",
        ),
        (
            '[approvers]\nusergroups = ["platform"]',
            "policy: approvers.usergroups.0: must be the id of a user group, as in S0123ABC, not a name",
        ),
        (
            '[channels]\nallowed = ["#general"]',
            "policy: channels.allowed.0: must be the id of a channel, as in C0123ABC, not a name",
        ),
        (
            '[channels]\npost_in = "#general"',
            "policy: channels.post_in: must be empty, or the id of a channel, as in C0123ABC, not a name",
        ),
        ("[[rules]]\nmatch = { dr = true }", "policy: rule 1: approval: missing"),
        (
            "[[rules]]\nmatch = {}\napproval = {}",
            "policy: rule 1: match: name at least one thing to match; what holds for all goes in [approval]",
        ),
        (
            "[[rules]]\nmatch = { dr = 1 }\napproval = { quorum = 2, surprise = 1 }",
            "policy: rule 1: match: dr: must be true or false",
        ),
        ("[[rules]]\nmatch = { dr = [] }\napproval = {}", "policy: rule 1: match: dr: name at least one value"),
        (
            '[[rules]]\nmatch = { cloudProvider = "aws" }\napproval = {}',
            "policy: rule 1: match: cloudProvider: must be among AWS, AZURE, GCP",
        ),
        (
            "[[rules]]\nmatch = { region = 3 }\napproval = {}",
            "policy: rule 1: match: region: must be text, or a list of texts",
        ),
        (
            '[[rules]]\nmatch = { requester_usergroups = "platform" }\napproval = {}',
            "policy: rule 1: match: requester_usergroups: must be ids of user groups, as in S0123ABC",
        ),
        ('[[presets]]\nname = ""\nvalues = { type = "HYBRID" }', "policy: preset 1: name: this may not be empty"),
        ('[[presets]]\nname = "x"\nvalues = {}', "policy: preset 1: values: name at least one value"),
        (
            '[[presets]]\nname = "x"\nvalues = { surprise = 1 }',
            "policy: preset 1: values: surprise: This does not belong here",
        ),
        (
            '[[presets]]\nname = "x"\nvalues = { cloudProvider = "AWS", podSubnetRange = "10.0.0.0/20" }',
            "policy: preset 1: values: podSubnetRange: This does not belong here",
        ),
        (
            '[[presets]]\nname = "x"\nvalues = { vpcSubnetRange = "10.0.0.1/20" }',
            "policy: preset 1: values: vpcSubnetRange: 10.0.0.1/20 has host bits set; did you mean 10.0.0.0/20?",
        ),
        (
            '[[presets]]\nname = "x"\nvalues = { dr = 1 }\n[[presets]]\nname = "x"\nvalues = { type = "HYBRID" }',
            "policy: preset 1: values: dr: This does not belong here",
        ),
        (
            '[[presets]]\nname = "x"\nvalues = { type = "HYBRID" }\n' * 2,
            "policy: presets: two are named 'x'",
        ),
    ],
)
def test_each_fault_is_one_line_that_names_its_key(text: str, line: str) -> None:
    with pytest.raises(OperatorError) as fault:
        load(text)
    assert line in fault.value.lines
    assert fault.value.exit_code == 2
    assert not any("\n" in each for each in fault.value.lines)


def test_a_match_by_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(OperatorError) as fault:
        load('[[rules]]\nmatch = { provider = "GCP" }\napproval = {}')
    assert fault.value.lines[0].startswith("policy: rule 1: match: provider: unknown key; known are cloudProvider, ")
    assert {"dr", "requester_usergroups", *schema.field_names()} - {"name", "nodePools", "k8sTags"} <= set(
        fault.value.lines[0].split("known are ")[1].split(", ")
    )


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(OperatorError) as fault:
        load("surprise = 1\n[approval]\nquorum = 0\n[[rules]]\napproval = { qourum = 1 }")
    assert fault.value.lines == [
        "policy: approval.quorum: this must be 1 or more",
        "policy: rule 1: match: missing",
        "policy: rule 1: approval.qourum: unknown key",
        "policy: surprise: unknown key",
    ]


@given(st.text(max_size=60))
def test_any_text_is_a_policy_or_an_error_of_lines(text: str) -> None:
    try:
        assert load(text)
    except OperatorError as fault:
        assert all(line.startswith("policy: ") for line in fault.lines)  # noqa: PT017 - few texts are a policy
