"""The card: one message a request, edited in place, that says who asked for what, where it stands and what is next.

Nothing on it goes stale by the mere passing of time: moments are told in Slack's date tokens, and a span of minutes
is only ever one of the bot's own past.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from blocks.parts import Block, Message, actions, context, fields, header, paragraphs, section
from blocks.request import Subject, buttons
from blocks.text import (
    NOTHING,
    bold,
    code,
    entities,
    escape,
    local_time,
    mention,
    mentions,
    provider_name,
    seconds,
    type_name,
)

DONE, NOW, NEXT, BAD = "✓", "◐", "○", "✗"

_REMARK_TEXT = 1500  # a reason as long as the form takes, and then some

_AT_ASTRO = frozenset({"PROVISIONING", "READY", "FAILED"})
_WATCHED = frozenset({"PROVISIONING", "READY", "UNCERTAIN"})
_AHEAD = frozenset({"AWAITING_APPROVAL", "QUEUED", "SUBMITTING", "PROVISIONING"})

# How each state is said in one clause. Astro's own words are kept out: they belong to the posts that announce them.
_SAID = {
    "AWAITING_APPROVAL": "is waiting for approval",
    "QUEUED": "is waiting to be sent to Astro",
    "SUBMITTING": "is being sent to Astro",
    "PROVISIONING": "is being built by Astro",
    "READY": "is ready",
    "DELETED": "is gone from Astro",
    "DENIED": "was denied",
    "EXPIRED": "expired, as nobody decided in time",
    "CANCELLED": "was cancelled",
    "REJECTED": "was refused by Astro",
    "FAILED": "could not be built by Astro",
    "UNCERTAIN": "may have reached Astro; the bot is looking",
    "NEEDS_ATTENTION": "needs a person's decision",
}


_NOT_SENT = "was not sent to Astro"


@dataclass(frozen=True, kw_only=True)
class CardFacts(Subject):
    """What the card tells.

    Words of the API (`type`, `status`, `health`) are unchanged, "" where there is none; times are aware. `state` is the
    request's, one of thirteen. `buttons` are action ids, already decided by the caller. `decided_by` made the decision
    that stands: those who approved (so far), or the one who denied; `decided_at` is None until there is one.
    `workspaces` counts those that may use the cluster, 0 meaning all. `poll_seconds` is how often Astro is asked,
    `typical` the span of minutes that earlier ones took. `notice` is one passing remark, `reason` why it was denied or
    refused; `sent` is False where that was before Astro was asked.
    """

    type: str
    state: str
    network: str
    requested_at: datetime
    changed_at: datetime
    decided_at: datetime | None = None
    submitted_at: datetime | None = None
    ready_at: datetime | None = None
    status: str = ""
    health: str = ""
    cluster_id: str = ""
    workspaces: int = 0
    warnings: tuple[str, ...] = ()
    buttons: tuple[str, ...] = ()
    approval_required: bool = True
    decided_by: tuple[str, ...] = ()
    approvals: int = 0
    quorum: int = 1
    poll_seconds: float = 30
    typical: tuple[int, int] | None = None
    notice: str = ""
    reason: str = ""
    sent: bool = True


def card(facts: CardFacts, *, why: str = "", thread_url: str = "") -> Message:
    """The card. A `state` that isn't known raises KeyError.

    Approvers who are asked elsewhere get the same card with `why` it is asked for and a link to its thread.
    """
    return {
        "text": f"{entities(facts.name)} ({facts.request_id}) {said(facts.state) if facts.sent else _NOT_SENT}.",
        "blocks": list(_blocks(facts, why, thread_url)),
    }


def said(state: str) -> str:
    """A request's state in plain words that follow the cluster's name. One that isn't known raises KeyError."""
    return _SAID[state]


def at_astro(state: str) -> bool:
    """Whether Astro's status and health still say something of a request in this state."""
    return state in _AT_ASTRO


def _blocks(facts: CardFacts, why: str, thread_url: str) -> Iterator[Block]:
    yield header(facts.name)
    yield section(_who_and_where(facts))
    yield section("   ".join(_progress(facts)))
    yield fields(_facts(facts))
    if why.strip():
        yield section(f"{bold('Why')}  {escape(why, _REMARK_TEXT)}")
    if facts.reason.strip():
        label = "Astro's words" if facts.state == "REJECTED" and facts.sent else "The reason given"
        yield section(f"{bold(label)}  {escape(facts.reason, _REMARK_TEXT)}")
    if facts.warnings:
        lines = [f"⚠ {escape(warning, 500)}" for warning in facts.warnings]
        yield from map(section, paragraphs(lines)[:2])  # room for a dozen at their longest
    if facts.notice.strip():
        yield context(escape(facts.notice, _REMARK_TEXT))
    if facts.buttons:
        yield actions(buttons(facts.buttons, facts, ask_before_retry=facts.state == "NEEDS_ATTENTION"))
    yield context(_small_print(facts, thread_url))


def _who_and_where(facts: CardFacts) -> str:
    place = (provider_name(facts.provider), facts.region, type_name(facts.type))
    return " · ".join(
        [*(escape(part, 200) for part in place), facts.request_id, f"asked for by {mention(facts.requester)}"]
    )


def _facts(facts: CardFacts) -> Iterator[tuple[str, str]]:
    if at_astro(facts.state):
        yield "Status", code(facts.status[:200])
        yield "Health", code(facts.health[:200])
    yield "Network", escape(facts.network, 200) or NOTHING
    yield "Workspaces", str(facts.workspaces or "all")
    if facts.cluster_id:
        yield "Cluster id", code(facts.cluster_id[:200])


def _progress(facts: CardFacts) -> Iterator[str]:
    """The steps of this request, in order: done, now, to come, or where it ended badly."""
    yield f"{DONE} Requested"
    match facts.state:
        case "AWAITING_APPROVAL":
            yield f"{NOW} {_awaiting(facts)}"
            yield f"{NEXT} Ready"
            return
        case "DENIED":
            yield f"{BAD} Denied{_by(facts)}"
            return
        case "EXPIRED":
            yield f"{BAD} Nobody decided in time"
            return
    if facts.approval_required and (facts.state != "CANCELLED" or facts.decided_at is not None):
        yield f"{DONE} Approved{_by(facts)}"
    yield from _after_approval(facts)


def _after_approval(facts: CardFacts) -> Iterator[str]:
    match facts.state:
        case "QUEUED":
            yield from (f"{NOW} Waiting its turn", f"{NEXT} Ready")
        case "SUBMITTING":
            yield from (f"{NOW} Asking Astro", f"{NEXT} Ready")
        case "PROVISIONING":
            yield from (f"{NOW} Creating since {local_time(facts.submitted_at or facts.changed_at)}", f"{NEXT} Ready")
        case "READY":
            yield f"{DONE} Ready since {local_time(facts.ready_at or facts.changed_at)}"
        case "DELETED":
            yield from (f"{DONE} Ready",) if facts.ready_at else ()
            yield f"{BAD} Gone from Astro since {local_time(facts.changed_at)}"
        case "CANCELLED":
            yield f"{BAD} Cancelled"
        case "REJECTED":
            yield f"{BAD} Refused by Astro" if facts.sent else f"{BAD} Not sent to Astro"
        case "FAILED":
            yield f"{BAD} Astro could not build it"
        case "UNCERTAIN":
            yield from (f"{NOW} Looking for it in Astro, as the answer got lost", f"{NEXT} Ready")
        case "NEEDS_ATTENTION":
            yield from (f"{NOW} Not found in Astro: a person decides", f"{NEXT} Ready")


def _awaiting(facts: CardFacts) -> str:
    since = f"since {local_time(facts.requested_at)}"
    if facts.quorum == 1:
        return f"Waiting for approval {since}"
    return f"Waiting for approval {since}, {facts.approvals} of {facts.quorum} given{_by(facts)}"


def _by(facts: CardFacts) -> str:
    return f" by {mentions(facts.decided_by)}" if facts.decided_by else ""


def _small_print(facts: CardFacts, thread_url: str) -> str:
    parts = [f"Last change {local_time(facts.changed_at)}"]
    if facts.state in _WATCHED and facts.poll_seconds > 0:
        parts.append(f"checked every {seconds(facts.poll_seconds)}")
    if facts.state in _AHEAD and facts.typical:
        low, high = facts.typical
        parts.append(f"others took {low} min" if low == high else f"others took {low} to {high} min")
    if thread_url.startswith("https://"):
        parts.append(f"<{entities(thread_url).replace('|', '%7C')}|Open the thread>")
    return " · ".join(parts)
