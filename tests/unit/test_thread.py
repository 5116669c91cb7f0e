"""The thread: each post, and who reads which word where."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import pytest
from syrupy.assertion import SnapshotAssertion

from blocks import thread
from blocks.card import CardFacts
from blocks.parts import Message
from blocks.thread import HealthDetail
from tests.unit.drawn import drawn, markup, words
from tests.unit.test_card import FACTS, HOSTILE

SUMMARY = [("Name", "prod-aws"), ("Cloud provider", "AWS"), ("VPC range", "172.20.0.0/20"), ("Workspaces", "data, ml")]
SICK = [
    HealthDetail(component="ingress", severity="HIGH", description="2 of 3 pods do not answer"),
    HealthDetail(description="disk is *nearly* full"),
]

# Posts that announce no word of Astro's.
WORDLESS: Mapping[str, Callable[[CardFacts], Message]] = {
    "asked": lambda it: thread.asked(it, SUMMARY, "U0ALICE", "Our new team", "<!subteam^S0456> may approve."),
    "approved": lambda it: thread.approved(it, "U0ANN", 0),
    "approved, one to go": lambda it: thread.approved(it, "U0ANN", 1),
    "approved, two to go": lambda it: thread.approved(it, "U0ANN", 2),
    "denied": lambda it: thread.denied(it, "U0ANN", "Use the shared one."),
    "expired": thread.expired,
    "cancelled by the requester": lambda it: thread.cancelled(it, "U0ALICE"),
    "cancelled by an approver": lambda it: thread.cancelled(it, "U0ANN"),
    "reminded": lambda it: thread.reminded(it, ["S0456", "U0ANN"]),
    "reminded, and nobody to ask": lambda it: thread.reminded(it, []),
    "retried": lambda it: thread.retried(it, "U0ANN"),
    "abandoned": lambda it: thread.abandoned(it, "U0ANN"),
    "accepted": lambda it: thread.accepted(it, "cmnd6q0i956af01m9r4h3xcki"),
    "adopted": lambda it: thread.adopted(it, "U0ANN", "cmnd6q0i956af01m9r4h3xcki"),
    "slow": lambda it: thread.slow(it, 3),
    "deleted": thread.deleted,
    "flapping": lambda it: thread.flapping(it, 4),
    "rejected": lambda it: thread.rejected(
        it, "Invalid request", [("VPC range", "is too small"), ("Region", "is full")]
    ),
    "rejected without a word": lambda it: thread.rejected(it, "", []),
    "held": lambda it: thread.held(it, "Your token has expired"),
    "uncertain": thread.uncertain,
    "needs attention": lambda it: thread.needs_attention(it, ["S0456", "U0ANN"]),
    "needs attention of anyone": thread.needs_attention,
}
# Posts that announce one, and the word.
STATUSES = [
    "CREATING",
    "CREATED",
    "UPDATING",
    "UPDATE_FAILED",
    "UPGRADE_PENDING",
    "FAILING_OVER",
    "FAILOVER_FAILED",
    "ACCESS_DENIED",
]
ANNOUNCING: Mapping[str, tuple[str, Callable[[CardFacts], Message]]] = {
    **{f"status {word}": (word, partial(thread.status_changed, word=word)) for word in STATUSES},
    "a status that is new to us": ("REBALANCING", lambda it: thread.status_changed(it, "REBALANCING")),
    "ready": ("CREATED", thread.ready),
    "failed": ("CREATE_FAILED", lambda it: thread.failed(it, "CREATE_FAILED")),
    "failed for want of access": ("ACCESS_DENIED", lambda it: thread.failed(it, "ACCESS_DENIED")),
    "well": ("HEALTHY", lambda it: thread.health_changed(it, "HEALTHY", [], False)),
    "sick": ("UNHEALTHY", lambda it: thread.health_changed(it, "UNHEALTHY", SICK, True)),
    "sick, and no details": ("UNHEALTHY", lambda it: thread.health_changed(it, "UNHEALTHY", [], True)),
    "nobody knows": ("UNKNOWN", lambda it: thread.health_changed(it, "UNKNOWN", [], False)),
    "a health that is new to us": ("DEGRADED", lambda it: thread.health_changed(it, "DEGRADED", [], False)),
    "calm": ("HEALTHY", lambda it: thread.calm(it, "HEALTHY", 6)),
}
POSTS = {**WORDLESS, **{name: make for name, (_, make) in ANNOUNCING.items()}}
ASTRO_SAYS = re.compile(
    r"\b(creat(ing|ed)|create_failed|updat(ing|ed)|update_failed|upgrade_pending|failing_over|failover_failed"
    r"|access_denied|healthy|unhealthy|unknown|rebalancing|degraded)\b",
    re.IGNORECASE,
)


@pytest.mark.parametrize("post", POSTS)
def test_each_post(post: str, snapshot: SnapshotAssertion) -> None:
    assert drawn(POSTS[post](FACTS)) == snapshot


@pytest.mark.parametrize("post", POSTS)
@pytest.mark.parametrize("name", HOSTILE)
def test_each_post_names_the_cluster_however_hostile_its_name(post: str, name: str) -> None:
    message = POSTS[post](replace(FACTS, name=name, region=name))
    assert name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") in message["text"]
    assert not re.search(r"<(?!@U0|!subteam\^S0456>)", message["text"] + markup(message["blocks"]))
    assert drawn(message)


@pytest.mark.parametrize("post", WORDLESS)
def test_a_post_that_announces_no_word_of_astro_s_has_none(post: str) -> None:
    message = WORDLESS[post](FACTS)
    assert not ASTRO_SAYS.search(message["text"] + words(message["blocks"]))


@pytest.mark.parametrize("post", ANNOUNCING)
def test_a_change_is_announced_in_astro_s_own_word_and_no_other(post: str) -> None:
    word, make = ANNOUNCING[post]
    assert [found[0] for found in ASTRO_SAYS.finditer(make(FACTS)["text"])] == [word]


@pytest.mark.parametrize(
    "post",
    [
        "asked",
        "denied",
        "expired",
        "ready",
        "failed",
        "rejected",
        "deleted",
        "sick",
        "cancelled by an approver",
        "abandoned",
    ],
)
def test_the_requester_is_told_by_name_what_they_must_not_miss(post: str) -> None:
    message = POSTS[post](FACTS)
    assert "<@U0ALICE>" in message["text"]
    assert "<@U0ALICE>" in words(message["blocks"][0])


def test_good_health_disturbs_nobody() -> None:
    assert "<@" not in POSTS["well"](FACTS)["text"]


def test_a_refusal_brings_the_form_back() -> None:
    button = POSTS["rejected"](FACTS)["blocks"][-1]["elements"][0]
    assert (button["action_id"], button["value"]) == ("edit_request", "CL-7F3K2")


def test_a_person_who_decides_has_the_three_ways_out() -> None:
    buttons = POSTS["needs attention"](FACTS)["blocks"][-1]["elements"]
    assert {button["action_id"] for button in buttons} == {"adopt_request", "retry_request", "abandon_request"}
    assert {button["value"] for button in buttons} == {"CL-7F3K2"}


@pytest.mark.parametrize("size", [1, 20, 400])
@pytest.mark.parametrize("value", ["data", "team_data, " * 300, "&" * 9000, "😀" * 5000, "*x*\n" * 900])
def test_a_request_of_any_length_can_be_told(size: int, value: str) -> None:
    summary = [(f"Field {n}", value) for n in range(size)]
    message = thread.asked(FACTS, summary, "U0ALICE", value, "Anybody may approve.")
    shown = words(message["blocks"])
    told = shown.count("*Field ")
    assert drawn(message)
    assert "Anybody may approve." in shown
    assert (f"{size - told} more of its fields are not shown here." in shown) == (told < size)
    assert "…" in shown or len(value) < 1500


def test_values_as_they_stood_in_the_form_are_told_and_format_nothing() -> None:
    message = thread.asked(FACTS, [("Tags", "*owner* = <!here>")], "U0ALICE", "", "")
    assert "*Tags*  ∗owner∗ = &lt;!here&gt;" in words(message["blocks"])


def test_a_long_list_of_details_is_cut_and_says_so() -> None:
    details = [HealthDetail(component=f"part {n}", description="x" * 3000) for n in range(25)]
    message = thread.health_changed(FACTS, "UNHEALTHY", details, True)
    assert drawn(message)
    assert "… and 15 more" in words(message["blocks"])
