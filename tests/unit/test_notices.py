"""What one person is told, and the small modals."""

import re

import pytest
from syrupy.assertion import SnapshotAssertion

from blocks import notices
from blocks.limits import check_view
from blocks.parts import Message, section
from blocks.text import escape
from tests.unit.drawn import drawn, markup
from tests.unit.test_card import HOSTILE

NOTICES: dict[str, Message] = {
    "help for all": notices.help_text("/astro-cluster", True, True),
    "help for a requester": notices.help_text("/astro-cluster", True, False),
    "help for an approver": notices.help_text("/astro-cluster", False, True),
    "help for anyone": notices.help_text("/astro-cluster", False, False),
    "not allowed": notices.not_allowed("You are in none of the groups that may ask for clusters.", ["S0456", "U0ANN"]),
    "not allowed, and nobody to ask": notices.not_allowed("Nobody may ask for clusters yet."),
    "unknown subcommand": notices.unknown_subcommand("/astro-cluster", "craete"),
    "late, and by whom": notices.late_click("it was approved", ["U0ANN"]),
    "late": notices.late_click("it has expired"),
    "went wrong": notices.something_went_wrong("CL-7F3K2"),
    "starting up": notices.starting_up(),
    "wrong workspace": notices.wrong_workspace(),
}
VIEWS = {
    "notice": notices.notice_view("Not allowed", "Ask <!subteam^S0456>."),
    "skeleton": notices.skeleton_view("Create a cluster"),
    "deny": notices.deny_view("CL-7F3K2", "prod-aws"),
    "adopt": notices.adopt_view("CL-7F3K2", "prod-aws"),
}


@pytest.mark.parametrize("notice", NOTICES)
def test_each_notice(notice: str, snapshot: SnapshotAssertion) -> None:
    assert drawn(NOTICES[notice]) == snapshot


@pytest.mark.parametrize("view", VIEWS)
def test_each_view(view: str, snapshot: SnapshotAssertion) -> None:
    assert drawn(VIEWS[view]) == snapshot


def test_a_denial_asks_for_its_reason_and_carries_only_the_id() -> None:
    view = notices.deny_view("CL-7F3K2", "prod-aws")
    [asked] = [block for block in view["blocks"] if block["type"] == "input"]
    assert (view["callback_id"], view["private_metadata"]) == ("deny_request", "CL-7F3K2")
    assert (asked["block_id"], asked["element"]["action_id"]) == ("request.reason", "value")
    assert asked["element"]["multiline"]
    assert asked["element"]["max_length"] == 1000
    assert not asked.get("optional")


def test_an_adoption_asks_for_the_cluster_and_carries_only_the_id() -> None:
    view = notices.adopt_view("CL-7F3K2", "prod-aws")
    [asked] = [block for block in view["blocks"] if block["type"] == "input"]
    assert (view["callback_id"], view["private_metadata"]) == ("adopt_request", "CL-7F3K2")
    assert (asked["block_id"], asked["element"]["action_id"]) == ("request.clusterId", "value")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_break_and_ping_nothing(text: str) -> None:
    shown = [
        notices.not_allowed(text * 30, [text]),
        notices.unknown_subcommand("/astro-cluster", text),
        notices.late_click(text * 30, [text]),
        notices.something_went_wrong(text),
        notices.notice_view(text, escape(text)),
        notices.skeleton_view(text),
        notices.deny_view("CL-7F3K2", text),
        notices.adopt_view("CL-7F3K2", text),
    ]
    for one in shown:
        assert drawn(one)
        assert "<" not in markup(one["blocks"])


@pytest.mark.parametrize("text", ["Try again in a minute.", "x" * 500, "😀" * 500, "<!here> *x*", ""])
@pytest.mark.parametrize("level", ["default", "info", "warning", "error", "success"])
def test_an_alert_is_short_and_legal_on_top_of_a_modal(text: str, level: str) -> None:
    alert = notices.alert(text, level)
    view = notices.skeleton_view("x") | {"blocks": [alert, section("x")]}
    assert check_view(view) == []
    assert alert["text"]["text"] == text or len(text) > 200 or alert["text"]["text"] == "–"


def test_a_long_alert_ends_in_dots() -> None:
    assert notices.alert("x" * 500)["text"]["text"] == "x" * 199 + "…"


def test_every_notice_says_what_to_do_or_that_nothing_was_done() -> None:
    for name, notice in NOTICES.items():
        assert re.search(r"Ask |ask |again|shows what|Nothing|nothing|You may", notice["text"]), name
