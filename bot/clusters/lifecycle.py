"""The life of a request: its states, and which step may follow which. Nothing else knows.

    AWAITING_APPROVAL ─▶ QUEUED ─▶ SUBMITTING ─▶ PROVISIONING ─▶ READY ─▶ DELETED
       ├▶ DENIED            ▲          ├▶ QUEUED (nothing was sent, or the bot's own access is refused)
       ├▶ EXPIRED           │          ├▶ REJECTED (Astro's definite no)
       └▶ CANCELLED         │          └▶ UNCERTAIN ─▶ PROVISIONING (found) or NEEDS_ATTENTION (absent for the grace)
                            └── retry from NEEDS_ATTENTION and FAILED

What Astro says of the cluster (its status and health) is kept beside this; see status.py.
"""

from collections.abc import Mapping
from enum import StrEnum

from bot.errors import IllegalStep


class State(StrEnum):
    """Where a request stands. Never shown to people by these names."""

    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    QUEUED = "QUEUED"
    SUBMITTING = "SUBMITTING"
    PROVISIONING = "PROVISIONING"
    READY = "READY"
    DELETED = "DELETED"
    DENIED = "DENIED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"
    FAILED = "FAILED"
    UNCERTAIN = "UNCERTAIN"
    NEEDS_ATTENTION = "NEEDS_ATTENTION"


_STEPS: Mapping[State, frozenset[State]] = {
    State.AWAITING_APPROVAL: frozenset({State.QUEUED, State.DENIED, State.EXPIRED, State.CANCELLED}),
    State.QUEUED: frozenset(
        {
            State.SUBMITTING,
            State.CANCELLED,
            State.REJECTED,  # the name turned out to be taken before anything was sent
            State.DENIED,  # the last look at the policy, just before the call: the requester may no longer
            State.PROVISIONING,  # tried again after an open outcome, and the earlier call's cluster is there
        }
    ),
    State.SUBMITTING: frozenset({State.QUEUED, State.PROVISIONING, State.REJECTED, State.UNCERTAIN}),
    State.UNCERTAIN: frozenset({State.PROVISIONING, State.NEEDS_ATTENTION}),
    # An id may still come back late, while a person is being asked.
    State.NEEDS_ATTENTION: frozenset({State.QUEUED, State.PROVISIONING, State.CANCELLED}),
    # A cluster that is ready stays so, whatever Astro says of it later (UPDATE_FAILED and the like), until it is gone.
    State.PROVISIONING: frozenset({State.READY, State.FAILED, State.DELETED}),
    State.READY: frozenset({State.DELETED}),
    State.FAILED: frozenset({State.QUEUED}),
    State.DELETED: frozenset(),
    State.DENIED: frozenset(),
    State.EXPIRED: frozenset(),
    State.CANCELLED: frozenset(),
    State.REJECTED: frozenset(),
}

# A live request holds its cluster's name: no other may ask for it.
LIVE = frozenset(
    {
        State.AWAITING_APPROVAL,
        State.QUEUED,
        State.SUBMITTING,
        State.UNCERTAIN,
        State.NEEDS_ATTENTION,
        State.PROVISIONING,
    }
)
# What counts towards open_requests_per_user: whatever somebody or something still has to see to.
OPEN = LIVE
# Nothing can follow. FAILED is not among them, as it can be tried again.
FINAL = frozenset(state for state, following in _STEPS.items() if not following)
# Astro is asked about these.
WATCHED = frozenset({State.PROVISIONING, State.READY})


def can_step(old: State, new: State) -> bool:
    """Whether `new` may follow `old`."""
    return new in _STEPS[old]


def step(old: State, new: State) -> State:
    """`new`, if it may follow `old`. Raises IllegalStep otherwise."""
    if not can_step(old, new):
        raise IllegalStep(f"{old} cannot become {new}")
    return new


_ACTIONS: Mapping[State, tuple[str, ...]] = {
    State.AWAITING_APPROVAL: ("approve_request", "deny_request", "cancel_request"),
    State.QUEUED: ("cancel_request",),
    State.NEEDS_ATTENTION: ("retry_request", "adopt_request", "abandon_request"),
    State.PROVISIONING: ("refresh_request",),
    State.READY: ("refresh_request",),
    State.REJECTED: ("edit_request",),
    State.FAILED: ("retry_request",),
}


def actions(state: State, *, muted: bool = False) -> tuple[str, ...]:
    """The buttons that fit this state, in order; who may press them is for the policy to say."""
    fitting = _ACTIONS.get(state, ())
    # Health is posted from READY on, so there is nothing to mute before.
    return (*fitting, "unmute_request" if muted else "mute_request") if state is State.READY else fitting
