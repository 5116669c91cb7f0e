"""From a row to what the subject and the blocks want to know of it."""

from collections.abc import Iterable
from datetime import timedelta

from blocks.card import CardFacts
from blocks.request import Subject
from blocks.text import mentions
from bot.clusters import lifecycle
from bot.clusters.lifecycle import State
from bot.clusters.policy import Approval, RequestFacts
from bot.store.requests import Request

ENOUGH = 5  # only from five clusters on does the bot's own past say anything


def told(request: Request) -> Subject:
    """The request as a post is about it."""
    return Subject(
        request_id=request.id,
        name=request.name,
        requester=request.requester,
        provider=request.provider,
        region=str(request.body["region"]),
    )


def facts_of(request: Request) -> RequestFacts:
    """The request as policy judges it."""
    return RequestFacts(
        requester=request.requester,
        body=request.body,
        approved_by=approvers_of(request),
        requester_groups=frozenset(request.approval.get("groups", ())),
    )


def approvers_of(request: Request) -> tuple[str, ...]:
    """Who has approved this very spec so far."""
    given = request.approval.get("given", ())
    return tuple(dict.fromkeys(each["by"] for each in given if each["spec_hash"] == request.spec_hash))


def card_facts(request: Request, *, poll_seconds: float, typical: tuple[int, int] | None = None) -> CardFacts:
    """The request as its card shows it."""
    state = State(request.state)
    refusal = request.refusal or {}
    return CardFacts(
        request_id=request.id,
        name=request.name,
        requester=request.requester,
        provider=request.provider,
        region=str(request.body["region"]),
        type=str(request.body["type"]),
        state=request.state,
        network=str(request.body["vpcSubnetRange"]),
        workspaces=len(request.body.get("workspaceIds", ())),
        status=request.status,
        health=request.health,
        cluster_id=request.cluster_id or "",
        warnings=tuple(request.warnings),
        buttons=tuple(
            each
            for each in lifecycle.actions(state, muted=request.muted)
            if each != "edit_request" or not followed_by(request)
        ),
        approval_required=bool(request.approval.get("required")),
        decided_by=decided_by(request),
        approvals=len(approvers_of(request)),
        quorum=int(request.approval.get("quorum", 1)),
        requested_at=request.requested_at,
        decided_at=request.decided_at,
        submitted_at=request.submitted_at,
        ready_at=request.ready_at,
        changed_at=request.changed_at,
        poll_seconds=poll_seconds,
        typical=typical,
        notice=request.notice,
        reason=str(refusal.get("message", "")),
        sent=not refusal.get("ours"),
    )


def followed_by(request: Request) -> str:
    """The request that this one was sent again as, if it was."""
    return str((request.refusal or {}).get("followed_by", ""))


def decided_by(request: Request) -> tuple[str, ...]:
    if request.state == State.DENIED:  # by a person, or by the last look at the policy, which is nobody's decision
        by = str((request.refusal or {}).get("by", ""))
        return (by,) if by else ()
    return approvers_of(request)


def approval_line(approval: Approval) -> str:
    """Who has to say yes, as ready markup."""
    if not approval.required:
        return "No approval is needed."
    count = "Somebody has to approve it" if approval.quorum == 1 else f"{approval.quorum} people have to approve it"
    whom = f": {mentions(approval.approvers.ids, 'or')}" if approval.approvers.ids else ""
    rule = f" (policy, {approval.rule})" if approval.rule else ""
    return f"{count}{whom}{rule}."


def typical_minutes(spans: Iterable[timedelta]) -> tuple[int, int] | None:
    """The middle half of what earlier clusters took, in minutes; None while there are too few."""
    minutes = sorted(round(span.total_seconds() / 60) for span in spans)
    if len(minutes) < ENOUGH:
        return None
    return minutes[len(minutes) // 4], minutes[-1 - len(minutes) // 4]
