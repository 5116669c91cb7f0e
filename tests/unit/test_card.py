"""The card: what it shows in each state, and what it never shows."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from blocks.card import CardFacts, card
from tests.unit.drawn import drawn, markup, words

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
STATES = [
    "AWAITING_APPROVAL",
    "QUEUED",
    "SUBMITTING",
    "PROVISIONING",
    "READY",
    "DELETED",
    "DENIED",
    "EXPIRED",
    "CANCELLED",
    "REJECTED",
    "FAILED",
    "UNCERTAIN",
    "NEEDS_ATTENTION",
]
ALL_BUTTONS = [
    "approve_request",
    "deny_request",
    "cancel_request",
    "edit_request",
    "retry_request",
    "refresh_request",
    "copy_request",
    "mute_request",
    "unmute_request",
    "adopt_request",
    "abandon_request",
]
HOSTILE = ["<!channel>", "*x* _y_ `z`", "😀" * 100, "&" * 100, "`" * 100, ":tada:", "<https://x.io|y>", "{name} {}"]

FACTS = CardFacts(
    request_id="CL-7F3K2",
    name="prod-aws",
    provider="AWS",
    region="us-east-1",
    type="DEDICATED",
    requester="U0ALICE",
    state="PROVISIONING",
    status="CREATING",
    network="172.20.0.0/20",
    workspaces=2,
    requested_at=NOON,
    decided_at=NOON + timedelta(minutes=3),
    submitted_at=NOON + timedelta(minutes=4),
    changed_at=NOON + timedelta(minutes=5),
    decided_by=("U0ANN",),
    approvals=1,
)
# What goes with a state in life.
IN_LIFE: dict[str, dict[str, Any]] = {
    "AWAITING_APPROVAL": {
        "decided_by": (),
        "decided_at": None,
        "approvals": 0,
        "typical": (34, 52),
        "buttons": ("approve_request", "deny_request", "cancel_request"),
    },
    "QUEUED": {"notice": "Waiting its turn: 2nd in the queue for AWS.", "buttons": ("cancel_request",)},
    "PROVISIONING": {
        "status": "CREATING",
        "cluster_id": "cmnd6q0i956af01m9r4h3xcki",
        "typical": (34, 52),
        "warnings": ("Disaster recovery cannot be turned off later on AWS.",),
        "notice": "Astro does not answer; still trying.",
        "buttons": ("refresh_request",),
    },
    "READY": {
        "status": "CREATED",
        "health": "HEALTHY",
        "cluster_id": "cmnd6q0i956af01m9r4h3xcki",
        "ready_at": NOON + timedelta(minutes=50),
        "poll_seconds": 300,
        "buttons": ("refresh_request", "mute_request", "copy_request"),
    },
    "DELETED": {"cluster_id": "cmnd6q0i956af01m9r4h3xcki", "ready_at": NOON, "buttons": ("copy_request",)},
    "DENIED": {"reason": "Use the shared one.", "approvals": 0, "buttons": ("copy_request",)},
    "EXPIRED": {"decided_by": (), "decided_at": None, "approvals": 0, "buttons": ("copy_request",)},
    "CANCELLED": {"decided_by": (), "decided_at": None, "approvals": 0, "buttons": ("copy_request",)},
    "REJECTED": {"reason": "cluster name prod-aws already exists", "buttons": ("edit_request",)},
    "FAILED": {"status": "CREATE_FAILED", "buttons": ("retry_request",)},
    "NEEDS_ATTENTION": {"buttons": ("adopt_request", "retry_request", "abandon_request")},
}


def facts(state: str, **changes: Any) -> CardFacts:
    return replace(FACTS, **({"state": state, "status": ""} | IN_LIFE.get(state, {}) | changes))


@pytest.mark.parametrize("state", STATES)
def test_each_state_has_its_card(state: str, snapshot: SnapshotAssertion) -> None:
    assert drawn(card(facts(state))) == snapshot


@pytest.mark.parametrize(
    "state", [state for state in STATES if state not in {"AWAITING_APPROVAL", "DENIED", "EXPIRED"}]
)
def test_a_request_that_needs_no_approval_shows_no_such_step(state: str) -> None:
    shown = words(card(facts(state, approval_required=False, decided_by=(), decided_at=None))["blocks"])
    assert "✓ Requested" in shown
    assert "pprov" not in shown


def test_the_card_as_slack_takes_it(snapshot: SnapshotAssertion) -> None:
    assert card(facts("PROVISIONING", buttons=("refresh_request", "cancel_request"))) == snapshot


def test_an_approver_who_is_asked_elsewhere_reads_why_and_finds_the_thread(snapshot: SnapshotAssertion) -> None:
    shown = card(
        facts("AWAITING_APPROVAL"), why="Our *new* team", thread_url="https://x.slack.com/archives/C1/p1?a=1&b=2"
    )
    assert drawn(shown) == snapshot


def test_a_link_that_is_none_is_left_out() -> None:
    assert "thread" not in words(card(facts("AWAITING_APPROVAL"), thread_url="javascript:alert(1)")["blocks"])


def test_a_request_that_needs_two_says_who_has_approved_so_far() -> None:
    shown = words(card(facts("AWAITING_APPROVAL", quorum=2, approvals=1, decided_by=("U0ANN",)))["blocks"])
    assert "1 of 2 given by <@U0ANN>" in shown


def test_a_request_cancelled_after_its_approval_shows_both() -> None:
    shown = words(card(facts("CANCELLED", decided_by=("U0ANN",), decided_at=NOON, approvals=1))["blocks"])
    assert "✓ Approved by <@U0ANN>   ✗ Cancelled" in shown


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_breaks_and_pings_nothing(state: str, name: str) -> None:
    shown = card(
        facts(
            state,
            name=name,
            region=name,
            network=name,
            status=name,
            health=name,
            cluster_id=name,
            reason=name * 20,
            notice=name * 20,
            warnings=(name * 20,) * 20,
            buttons=ALL_BUTTONS,
            provider=name,
            type=name,
        ),
        why=name * 20,
    )
    assert drawn(shown)
    assert not re.search(r"<(?!@U0ALICE>|@U0ANN>|!date\^)", shown["text"] + markup(shown["blocks"]))
    assert len(shown["blocks"]) <= 12


@pytest.mark.parametrize("state", STATES)
def test_no_state_of_ours_is_ever_read(state: str) -> None:
    shown = card(facts(state, buttons=ALL_BUTTONS))
    assert not re.search(rf"\b({'|'.join(STATES)})\b", shown["text"] + words(shown["blocks"]))


@pytest.mark.parametrize("state", STATES)
def test_the_notification_names_the_cluster_and_leaves_astro_s_words_to_their_posts(state: str) -> None:
    text = card(facts(state, name="a<b>&c", status="CREATED", health="HEALTHY"))["text"]
    assert text.startswith("a&lt;b&gt;&amp;c (CL-7F3K2) ")
    assert not re.search("CREAT|HEALTHY|UNKNOWN|UPDAT|UPGRADE|FAIL|DENIED", text)


def test_every_button_carries_the_request_s_id_and_nothing_else() -> None:
    [row] = [block for block in card(facts("READY", buttons=ALL_BUTTONS))["blocks"] if block["type"] == "actions"]
    assert [(button["action_id"], button["value"]) for button in row["elements"]] == [
        (action_id, "CL-7F3K2") for action_id in ALL_BUTTONS
    ]


def test_approving_asks_with_the_price_in_mind() -> None:
    [row] = [block for block in card(facts("AWAITING_APPROVAL"))["blocks"] if block["type"] == "actions"]
    approve, deny, cancel = row["elements"]
    assert approve["confirm"]["text"]["text"] == "This creates prod-aws on AWS us-east-1 and costs money."
    assert "confirm" not in deny  # it opens a form, which asks
    assert "confirm" in cancel


def test_a_card_without_buttons_has_no_row_for_them() -> None:
    assert "actions" not in {block["type"] for block in card(facts("DENIED", buttons=()))["blocks"]}


def test_trying_again_asks_first_only_where_the_first_try_may_have_arrived() -> None:
    def retry(state: str) -> dict[str, Any]:
        [row] = [
            block for block in card(facts(state, buttons=("retry_request",)))["blocks"] if block["type"] == "actions"
        ]
        return dict(row["elements"][0])

    assert "confirm" in retry("NEEDS_ATTENTION")
    assert "confirm" not in retry("FAILED")


def test_no_workspace_named_means_all_of_them() -> None:
    assert "*Workspaces*  all" in words(card(facts("READY", workspaces=0))["blocks"])


@pytest.mark.parametrize(("typical", "said"), [((34, 52), "34 to 52 min"), ((40, 40), "took 40 min"), (None, "")])
def test_how_long_others_took_is_said_only_from_experience(typical: tuple[int, int] | None, said: str) -> None:
    shown = words(card(facts("PROVISIONING", typical=typical))["blocks"])
    assert said in shown
    assert ("others took" in shown) == bool(typical)


def test_a_finished_request_promises_no_more_checks() -> None:
    for state in ("DENIED", "EXPIRED", "CANCELLED", "REJECTED", "FAILED", "DELETED"):
        assert "checked every" not in words(card(facts(state))["blocks"])


def test_a_state_that_nobody_knows_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        card(facts("NEW_STATE"))
