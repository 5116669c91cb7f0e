"""Find out what nobody knows: a create call was written down, and what came of it is open.

Only looking at Astro can tell. A cluster under the name that the call must have made is taken for ours; absence counts
from when the list was asked for, and only after the grace a person is asked. Nothing here ever makes the call again.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from blocks import thread as posts
from blocks.parts import Message
from bot.clusters import outcome
from bot.clusters.lifecycle import State
from bot.services import story, watch
from bot.services.claims import Claims, Timing, released
from bot.services.facts import told
from bot.services.story import Step
from bot.store import requests
from bot.store.engine import Database, Transaction
from bot.store.requests import Attempt, Request

CLOCK_SKEW = timedelta(minutes=10)  # generous: absence at the precheck is the stronger evidence
_OPEN = ("", "unknown", "late")  # outcomes of an attempt that may have made a cluster


class Resolver:
    def __init__(self, db: Database, claims: Claims, timing: Timing) -> None:
        self._db, self._claims, self._timing = db, claims, timing

    async def left_open(self, request: Request) -> None:
        """SUBMITTING, and its worker is gone: the call may have been made."""
        async with self._db.write() as tx:
            await self.unknown(tx, request, "the worker stopped before the answer came")

    async def unknown(self, tx: Transaction, request: Request, reason: str) -> None:
        step = Step(
            "create.unknown",
            to=State.UNCERTAIN,
            changes={**released(tx.now), "watch": {}, "retry_count": 0},
            posts=[posts.uncertain(told(request))],
            data={"reason": reason},
        )
        await story.take(tx, request, step)

    async def resolve(self, request: Request) -> None:
        async with self._db.read() as tx:
            asked_at = tx.now  # absence is dated by when the list was asked for
            tries = await requests.attempts_of(tx, request.id)
        last = next((attempt for attempt in tries if attempt.outcome in _OPEN), None)
        if last is None:
            await self._ask(request, "no attempt on record")
            return
        listed = await self._claims.listed(request)
        if listed is None or await self.adopted(request, listed, tries):
            return
        other = next((each for each in listed if str(each.get("name", "")) == request.name), None)
        if other is not None:
            why = "a cluster of this name exists, but it is not as asked for"
            await self._ask(request, why, other_id=str(other.get("id", "")))
            return
        await self._absent(request, last, asked_at)

    async def adopted(self, request: Request, listed: Sequence[Mapping[str, Any]], tries: Sequence[Attempt]) -> bool:
        """Whether one of these clusters was made by a try whose outcome is open; if so it is the request's now."""
        for attempt in (each for each in tries if each.outcome in _OPEN):
            cluster = await self._ours(request, listed, attempt)
            if cluster is not None:
                async with self._db.write() as tx:
                    cluster_id = str(cluster["id"])
                    await requests.answer_attempt(tx, attempt.id, outcome="found", cluster_id=cluster_id)
                    await provisioned(tx, request, cluster, kind="create.found")
                return True
        return False

    async def _absent(self, request: Request, attempt: Attempt, asked_at: datetime) -> None:
        since = (asked_at - attempt.recorded_at).total_seconds()
        first = request.watch.get("absent_at")
        gap = (asked_at - datetime.fromisoformat(first)).total_seconds() if first else 0.0
        if first and since >= self._timing.grace and gap >= self._timing.absence_gap:
            await self._ask(request, f"absent from Astro for {since:.0f} s")
            return
        rest = max(self._timing.grace - since, self._timing.absence_gap - gap, 0.05)
        wait = min(self._claims.backoff(request), timedelta(seconds=rest))
        async with self._db.write() as tx:
            await story.remark(tx, request, "")
            values = {"watch": {"absent_at": first or asked_at.isoformat()}, "retry_count": request.retry_count + 1}
            await requests.release(tx, request, next_at=tx.now + wait, **values)

    async def _ask(self, request: Request, why: str, *, other_id: str = "") -> None:
        async with self._db.write() as tx:
            step = Step(
                "create.unresolved",
                to=State.NEEDS_ATTENTION,
                changes={**released(), "notice": ""},
                posts=[posts.needs_attention(told(request), other_id=other_id)],
                data={"reason": why},
            )
            await story.take(tx, request, step)

    async def _ours(
        self, request: Request, listed: Sequence[Mapping[str, Any]], attempt: Attempt
    ) -> Mapping[str, Any] | None:
        """The listed cluster that this attempt made, by all the evidence there is."""
        for cluster in listed:
            if attempt.cluster_id and cluster.get("id") == attempt.cluster_id:
                return cluster
            if outcome.matches(cluster, request.body, not_before=attempt.precheck_at, skew=CLOCK_SKEW):
                async with self._db.read() as tx:
                    taken = await requests.with_cluster(tx, str(cluster["id"]))
                if taken is None or taken.id == request.id:
                    return cluster
        return None


async def provisioned(
    tx: Transaction,
    request: Request,
    cluster: Mapping[str, Any],
    *,
    kind: str,
    actor: str = story.BOT,
    post: Message | None = None,
) -> Request:
    """The cluster exists and is ours: keep its id, say so, and take in what Astro said of it in the same answer."""
    step = Step(
        kind,
        actor=actor,
        to=State.PROVISIONING,
        changes={**released(), "cluster_id": str(cluster["id"]), "notice": "", "watch": {}, "retry_count": 0},
        posts=[post or posts.accepted(told(request), str(cluster["id"]))],
        data={"cluster": str(cluster["id"])},
    )
    return await watch.absorb(tx, await story.take(tx, request, step), cluster)
