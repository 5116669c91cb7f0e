"""The life of a request: every pair of states is either a step or an error."""

from itertools import product

import pytest

from bot.clusters import lifecycle
from bot.clusters.lifecycle import FINAL, LIVE, OPEN, WATCHED, State
from bot.errors import IllegalStep
from bot.store.tables import HOLDS_NAME

S = State
LEGAL = {
    (S.AWAITING_APPROVAL, S.QUEUED),
    (S.AWAITING_APPROVAL, S.DENIED),
    (S.AWAITING_APPROVAL, S.EXPIRED),
    (S.AWAITING_APPROVAL, S.CANCELLED),
    (S.QUEUED, S.SUBMITTING),
    (S.QUEUED, S.CANCELLED),
    (S.QUEUED, S.REJECTED),
    (S.QUEUED, S.DENIED),
    (S.QUEUED, S.PROVISIONING),
    (S.SUBMITTING, S.PROVISIONING),
    (S.SUBMITTING, S.QUEUED),
    (S.SUBMITTING, S.REJECTED),
    (S.SUBMITTING, S.UNCERTAIN),
    (S.UNCERTAIN, S.PROVISIONING),
    (S.UNCERTAIN, S.NEEDS_ATTENTION),
    (S.NEEDS_ATTENTION, S.QUEUED),
    (S.NEEDS_ATTENTION, S.PROVISIONING),
    (S.NEEDS_ATTENTION, S.CANCELLED),
    (S.PROVISIONING, S.READY),
    (S.PROVISIONING, S.FAILED),
    (S.PROVISIONING, S.DELETED),
    (S.READY, S.DELETED),
    (S.FAILED, S.QUEUED),
}


@pytest.mark.parametrize(("old", "new"), list(product(State, State)))
def test_each_pair_of_states_is_a_step_or_an_error(old: State, new: State) -> None:
    if (old, new) in LEGAL:
        assert lifecycle.can_step(old, new)
        assert lifecycle.step(old, new) is new
    else:
        assert not lifecycle.can_step(old, new)
        with pytest.raises(IllegalStep, match=f"{old} cannot become {new}"):
            lifecycle.step(old, new)


def test_a_create_call_that_may_have_been_made_is_never_simply_made_again() -> None:
    before_a_call = {old for old, new in LEGAL if new is S.SUBMITTING}
    assert before_a_call == {S.QUEUED}
    assert (S.UNCERTAIN, S.QUEUED) not in LEGAL


def test_every_state_can_be_reached_and_every_life_can_end() -> None:
    assert {new for _, new in LEGAL} == set(State) - {S.AWAITING_APPROVAL}
    ending = set(FINAL)
    while more := {old for old, new in LEGAL if new in ending} - ending:
        ending |= more
    assert ending == set(State)


def test_final_is_where_nothing_follows() -> None:
    assert set(FINAL) == {S.DELETED, S.DENIED, S.EXPIRED, S.CANCELLED, S.REJECTED}
    assert not FINAL & LIVE
    assert OPEN == LIVE
    assert set(WATCHED) == {S.PROVISIONING, S.READY}


def test_the_database_holds_a_name_for_exactly_the_live_states() -> None:
    assert {state for state in State if f"'{state}'" in str(HOLDS_NAME)} == set(LIVE)


@pytest.mark.parametrize(
    ("state", "buttons"),
    [
        (S.AWAITING_APPROVAL, ("approve_request", "deny_request", "cancel_request")),
        (S.QUEUED, ("cancel_request",)),
        (S.SUBMITTING, ()),
        (S.UNCERTAIN, ()),
        (S.NEEDS_ATTENTION, ("retry_request", "adopt_request", "abandon_request")),
        (S.PROVISIONING, ("refresh_request",)),
        (S.READY, ("refresh_request", "mute_request")),
        (S.DELETED, ()),
        (S.DENIED, ()),
        (S.EXPIRED, ()),
        (S.CANCELLED, ()),
        (S.REJECTED, ("edit_request",)),
        (S.FAILED, ("retry_request",)),
    ],
)
def test_each_state_has_its_buttons(state: State, buttons: tuple[str, ...]) -> None:
    assert lifecycle.actions(state) == buttons


def test_a_muted_request_can_be_unmuted() -> None:
    assert lifecycle.actions(S.READY, muted=True) == ("refresh_request", "unmute_request")


@pytest.mark.parametrize(
    ("button", "to"),
    [
        ("approve_request", S.QUEUED),
        ("deny_request", S.DENIED),
        ("cancel_request", S.CANCELLED),
        ("retry_request", S.QUEUED),
        ("adopt_request", S.PROVISIONING),
        ("abandon_request", S.CANCELLED),
    ],
)
def test_no_button_is_offered_for_a_step_that_does_not_exist(button: str, to: State) -> None:
    offering = [state for state in State if button in lifecycle.actions(state)]
    assert offering
    assert all(lifecycle.can_step(state, to) for state in offering)
