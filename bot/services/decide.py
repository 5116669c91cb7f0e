"""What people decide about a request: approve, deny, cancel, try again, give up, adopt.

Each asks again who the person is and what policy says now; a look-up that fails decides nothing. The row is the truth:
the first decision wins by compare-and-set, and whoever comes later is told what happened.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog

from blocks import thread as posts
from blocks.parts import Message
from bot.adapters.astro import Astro
from bot.adapters.directory import Directory
from bot.clusters import lifecycle, policy
from bot.clusters.lifecycle import LIVE, State
from bot.clusters.outcome import is_id
from bot.clusters.policy import Action, Decision, Policy
from bot.errors import NotAllowed, PersonError, RemoteError, Stale
from bot.services import story
from bot.services.facts import approvers_of, decided_by, facts_of, told
from bot.services.resolve import provisioned
from bot.services.story import Step
from bot.store import events, requests
from bot.store.engine import Database, Transaction
from bot.store.requests import Request

log = structlog.get_logger()

LOOKUP_SECONDS = 5.0  # a click is acked before; this is how long its person may wait

# What became of a request, for somebody whose click came too late.
_MEANWHILE: Mapping[State, str] = {
    State.AWAITING_APPROVAL: "it still waits for approval",
    State.QUEUED: "it is already approved, and waits to be sent to Astro",
    State.SUBMITTING: "it is being sent to Astro this moment",
    State.UNCERTAIN: "it may have reached Astro, and the bot is looking",
    State.NEEDS_ATTENTION: "it waits for somebody to look in Astro",
    State.PROVISIONING: "Astro is already building it",
    State.READY: "the cluster is ready",
    State.DELETED: "the cluster is gone from Astro",
    State.DENIED: "it was denied",
    State.EXPIRED: "nobody decided in time, and it has ended",
    State.CANCELLED: "it was cancelled",
    State.REJECTED: "Astro refused it",
    State.FAILED: "Astro could not build it",
}


class Decider:
    """Every method raises PersonError with a sentence for whoever clicked, and has then changed nothing."""

    def __init__(self, db: Database, directory: Directory, astro: Astro, policy: Callable[[], Policy]) -> None:
        self._db, self._directory, self._astro, self._policy = db, directory, astro, policy

    async def approve(self, person: str, request_id: str) -> Request:
        request = await self._allowed(person, request_id, Action.APPROVE)
        terms = policy.approval_for(self._policy(), facts_of(request))
        async with self._db.write() as tx:
            request = await self._awaiting(tx, request)
            if person in (before := approvers_of(request)):
                raise Stale("you have approved it already, and somebody else has to, as well")
            by = (*before, person)
            given = [*request.approval.get("given", ()), _signature(person, request, tx.now)]
            approval = {**request.approval, "given": given, "quorum": terms.quorum, "rule": terms.rule}
            remaining = max(0, terms.quorum - len(by))
            step = Step(
                "request.approved",
                actor=person,
                to=None if remaining else State.QUEUED,
                changes={"approval": approval} | ({} if remaining else {"decided_at": tx.now, "next_at": None}),
                posts=[posts.approved(told(request), person, remaining)],
                data={"spec_hash": request.spec_hash, "remaining": remaining},
                rule=terms.rule,
            )
            return await story.take(tx, request, step)

    async def deny(self, person: str, request_id: str, reason: str) -> Request:
        reason = reason.strip()
        if not reason:
            raise PersonError("Say why: the requester reads it.")
        if person in decided_by(decided := await self.find(request_id)) and decided.state == State.DENIED:
            return decided  # the same again, by a double click
        request = await self._allowed(person, request_id, Action.DENY)
        async with self._db.write() as tx:
            request = await self._awaiting(tx, request)
            step = Step(
                "request.denied",
                actor=person,
                to=State.DENIED,
                changes={"decided_at": tx.now, "refusal": {"message": reason, "by": person}},
                posts=[posts.denied(told(request), person, reason)],
                data={"reason": reason},
            )
            return await story.take(tx, request, step)

    async def cancel(self, person: str, request_id: str) -> Request:
        """Until the create call is written ahead; afterwards only Astro can undo it."""
        post = posts.cancelled
        return await self._simple(person, request_id, Action.CANCEL, "request.cancelled", State.CANCELLED, post)

    async def abandon(self, person: str, request_id: str) -> Request:
        post = posts.abandoned
        return await self._simple(person, request_id, Action.ABANDON, "request.abandoned", State.CANCELLED, post)

    async def retry(self, person: str, request_id: str) -> Request:
        """Send it again. The protocol starts anew, and looks first whether the earlier call made it after all."""
        post = posts.retried
        return await self._simple(person, request_id, Action.RETRY, "request.retried", State.QUEUED, post)

    async def mute(self, person: str, request_id: str) -> Request:
        """No more health posts in the thread; the card still changes."""
        return await self._muted(person, request_id, muted=True)

    async def unmute(self, person: str, request_id: str) -> Request:
        return await self._muted(person, request_id, muted=False)

    async def _muted(self, person: str, request_id: str, *, muted: bool) -> Request:
        request = await self._allowed(person, request_id, Action.MUTE)
        async with self._db.write() as tx:
            now = await requests.get(tx, request.id, lock=True) or request
            if now.muted == muted:
                return now
            kind = "request.muted" if muted else "request.unmuted"
            return await story.take(tx, now, Step(kind, actor=person, changes={"muted": muted}))

    async def adopt(self, person: str, request_id: str, cluster_id: str) -> Request:
        """Take an existing cluster as what this request has become."""
        request = await self._allowed(person, request_id, Action.ADOPT)
        _fits(request, State.PROVISIONING, State.NEEDS_ATTENTION)
        cluster_id = cluster_id.strip()
        if not is_id(cluster_id):
            raise PersonError("That is not a cluster's id. In Astro it stands in the cluster's details.")
        try:
            cluster = await self._astro.cluster(cluster_id, timeout=LOOKUP_SECONDS)
        except RemoteError:
            raise PersonError("Astro did not answer, so nothing was changed. Try again in a minute.") from None
        if cluster is None:
            raise PersonError(f"Astro has no cluster with the id {cluster_id}. Nothing was changed.")
        async with self._db.write() as tx:
            other = await requests.with_cluster(tx, cluster_id)
            if other is not None:
                raise PersonError(f"That cluster belongs to {other.id} already. Nothing was changed.")
            post = posts.adopted(told(request), person, cluster_id)
            return await provisioned(tx, request, cluster, kind="request.adopted", actor=person, post=post)

    async def may_soon(self, person: str, request_id: str, action: Action) -> Request:
        """The request, unless policy surely says no: asked before a modal opens, from what is known in a second.

        What the modal then asks for is decided afresh at its submission.
        """
        request = await self.find(request_id)
        _undecided(request, action)
        who = await self._directory.person(person, timeout=1.0)
        decision = policy.decide(self._policy(), who, action, facts_of(request))
        if not decision.allowed and not decision.unknown:
            await self._refused(person, request, action, decision)
        return request

    async def find(self, request_id: str) -> Request:
        async with self._db.read() as tx:
            request = await requests.get(tx, request_id)
        if request is None:
            raise PersonError("This bot knows no such request. It may have been made by another one.")
        return request

    async def _simple(
        self,
        person: str,
        request_id: str,
        action: Action,
        kind: str,
        to: State,
        post: Callable[..., Message],
    ) -> Request:
        request = await self._allowed(person, request_id, action)
        async with self._db.write() as tx:
            now = await requests.get(tx, request.id, lock=True) or request
            _fits(now, to, *_FROM[action])
            holder = await requests.holding_name(tx, now.organization, now.name_key, LIVE) if to in LIVE else None
            if holder is not None and holder.id != now.id:
                raise PersonError(f"{holder.id} asks for {now.name} by now, so this one can't be tried again.")
            step = Step(
                kind,
                actor=person,
                to=to,
                changes={"next_at": None, "lease_owner": None, "lease_until": None, "notice": "", "refusal": None},
                posts=[post(told(now), person)],
            )
            return await story.take(tx, now, step)

    async def _allowed(self, person: str, request_id: str, action: Action) -> Request:
        request = await self.find(request_id)
        _undecided(request, action)
        who = await self._directory.person(person, fresh=True, timeout=LOOKUP_SECONDS)
        decision = policy.decide(self._policy(), who, action, facts_of(request))
        if not decision.allowed:
            await self._refused(person, request, action, decision)
        return request

    async def _refused(self, person: str, request: Request, action: Action, decision: Decision) -> None:
        async with self._db.write() as tx:
            await events.add(
                tx,
                "decision.refused",
                actor=person,
                request_id=request.id,
                before=request.state,
                after=request.state,
                rule=decision.rule,
                data={"action": action.value, "reason": decision.reason},
            )
        raise NotAllowed(decision.reason, decision.ask)

    async def _awaiting(self, tx: Transaction, request: Request) -> Request:
        """The request as it stands now, if it can still be decided."""
        now = await requests.get(tx, request.id, lock=True) or request
        if now.state == State.AWAITING_APPROVAL and now.expires_at is not None and now.expires_at <= tx.now:
            raise Stale(meanwhile(State.EXPIRED))
        _fits(now, State.QUEUED, State.AWAITING_APPROVAL)
        if now.spec_hash != request.spec_hash:
            raise Stale("the request was changed. Look at it again")
        return now

    async def expire(self) -> float | None:
        """End what nobody decided in time."""
        async with self._db.read() as tx:
            late = await requests.expired(tx, State.AWAITING_APPROVAL)
        for request in late:
            post = posts.expired(told(request))
            try:
                async with self._db.write() as tx:
                    step = Step("request.expired", to=State.EXPIRED, changes={"decided_at": tx.now}, posts=[post])
                    await story.take(tx, request, step)
            except Stale:
                log.info("decided in the last moment", request=request.id)
        return None


_FROM: Mapping[Action, Sequence[State]] = {
    Action.CANCEL: (State.AWAITING_APPROVAL, State.QUEUED),
    Action.ABANDON: (State.NEEDS_ATTENTION,),
    Action.RETRY: (State.NEEDS_ATTENTION, State.FAILED),
}


def _undecided(request: Request, action: Action) -> None:
    """Whoever decides on what is decided already came late, whatever else policy has against them."""
    if action in (Action.APPROVE, Action.DENY):
        _fits(request, State.QUEUED, State.AWAITING_APPROVAL)


def _fits(request: Request, to: State, *states: State) -> None:
    """Raises Stale where the request has moved on."""
    state = State(request.state)
    if state not in states or not lifecycle.can_step(state, to):
        raise Stale(meanwhile(state), decided_by(request))


def meanwhile(state: State) -> str:
    """What happened, as the middle of a sentence."""
    return _MEANWHILE[state]


def _signature(person: str, request: Request, at: datetime) -> dict[str, Any]:
    """An approval holds for the spec that was approved, and no other."""
    return {"by": person, "at": at.isoformat(), "spec_hash": request.spec_hash}
