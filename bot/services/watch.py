"""Follow the clusters: one sweep of the organization's list serves every request that is due.

The cost of a sweep grows by pages of a thousand, not by clusters, and what hasn't changed is not written. An id that is
missing from a whole sweep is asked for by itself; a sweep that failed proves nothing about anybody.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from blocks import thread as posts
from blocks.parts import Message
from blocks.request import Subject
from blocks.thread import HealthDetail
from bot.adapters.astro import Astro
from bot.clusters import status
from bot.clusters.lifecycle import State
from bot.clusters.status import Change, Watched
from bot.errors import PersonError, RemoteError, Stale
from bot.services import story
from bot.services.facts import told
from bot.services.story import Step
from bot.store import pace, requests
from bot.store.engine import Database, Transaction
from bot.store.requests import Request

SILENT = "Astro does not answer at the moment. What stands here is the last that is known."
SILENT_AFTER = 2  # failed sweeps in a row before anybody is told: a blip is nobody's business
REFRESH_SECONDS = 5.0  # what somebody who pressed Refresh may wait
SLOW = timedelta(hours=3)  # Astro's own Terraform provider gives up after this long

log = structlog.get_logger()


@dataclass(frozen=True)
class Timing:
    """Seconds between two looks: `status` while a cluster is on its way, `health` once it is ready."""

    status: float
    health: float


class Watcher:
    def __init__(
        self,
        db: Database,
        astro: Astro,
        timing: Timing,
        *,
        saw: Callable[[list[dict[str, Any]]], None] = lambda _: None,
    ) -> None:
        self._db, self._astro, self._saw = db, astro, saw
        self._groups = (
            ("sweep:status", State.PROVISIONING, timedelta(seconds=timing.status)),
            ("sweep:health", State.READY, timedelta(seconds=timing.health)),
        )
        self._failed = 0

    async def run(self) -> float | None:
        """Sweep, if any group of requests is due. Whoever takes the turn sweeps; other replicas don't."""
        async with self._db.read() as tx:
            wanted = [group for group in self._groups if await requests.has_any(tx, [group[1]])]
        if not wanted:
            return None
        async with self._db.write() as tx:
            due = [state for key, state, spacing in wanted if await pace.take(tx, key, spacing) is None]
        if due:
            await self._sweep(due)
        return None

    async def refresh(self, request_id: str) -> bool:
        """Look at one request's cluster now; returns whether anything was new.

        Raises:
            PersonError: Astro did not answer.
        """
        async with self._db.read() as tx:
            request = await requests.get(tx, request_id)
        if request is None or request.cluster_id is None or request.state not in (State.PROVISIONING, State.READY):
            return False
        try:
            cluster = await self._astro.cluster(request.cluster_id, timeout=REFRESH_SECONDS)
        except RemoteError:
            raise PersonError("Astro did not answer. The card shows the last that is known.") from None
        if cluster is None:  # a 404 counts where the sweeps count it: two clicks must not make an end of it
            return False
        async with self._db.write() as tx:
            _, changes = status.observe(watched(request), status.seen(cluster), tx.now)
            if changes:  # what is only to be remembered until it is seen again is the sweeps' as well
                await absorb(tx, request, cluster)
        return bool(changes)

    async def _sweep(self, states: list[State]) -> None:
        async with self._db.read() as tx:
            known = {request.id for request in await requests.in_states(tx, states)}
        try:
            listed = await self._astro.clusters()
        except RemoteError as fault:
            self._failed += 1
            log.warning("a sweep failed", fault=str(fault), in_a_row=self._failed)
            if self._failed >= SILENT_AFTER:
                await self._remark(states, SILENT)
            return
        if self._failed:
            self._failed = 0
        self._saw(listed)
        by_id = {str(cluster.get("id")): cluster for cluster in listed}
        async with self._db.read() as tx:
            # A list proves nothing about a cluster that was made only after it had been asked for.
            tracked = [request for request in await requests.in_states(tx, states) if request.id in known]
            now = tx.now
        for request in tracked:
            try:
                await self._look(request, by_id.get(request.cluster_id or ""), now)
                await self._say_if_slow(request, now - (request.submitted_at or now))
            except Stale:
                log.info("changed by somebody else meanwhile", request=request.id)
            except RemoteError as fault:
                log.warning("a cluster is missing from the list, and asking for it failed", fault=str(fault))

    async def _look(self, request: Request, cluster: Mapping[str, Any] | None, now: datetime) -> None:
        if cluster is None:
            cluster = await self._astro.cluster(request.cluster_id or "")
        before = watched(request)
        after, changes = status.observe(before, status.seen(cluster) if cluster is not None else None, now)
        if after == before and not changes and request.notice != SILENT:
            return
        async with self._db.write() as tx:
            request = await story.remark(tx, request, "" if request.notice == SILENT else request.notice)
            await absorb(tx, request, cluster)

    async def _remark(self, states: list[State], notice: str) -> None:
        async with self._db.read() as tx:
            tracked = await requests.in_states(tx, states)
        for request in tracked:
            if request.notice == notice:
                continue
            try:
                async with self._db.write() as tx:
                    await story.remark(tx, request, notice)
            except Stale:
                log.info("changed by somebody else meanwhile", request=request.id)

    async def _say_if_slow(self, request: Request, took: timedelta) -> None:
        if request.state != State.PROVISIONING or took < SLOW or request.watch.get("slow"):
            return
        async with self._db.write() as tx:
            now = await requests.get(tx, request.id)
            if now is None or now.state != State.PROVISIONING:
                return
            post = posts.slow(told(now), SLOW / timedelta(hours=1))
            await story.take(
                tx, now, Step("cluster.slow", changes={"watch": {**now.watch, "slow": True}}, posts=[post])
            )


async def absorb(tx: Transaction, request: Request, cluster: Mapping[str, Any] | None) -> Request:
    """Take in what Astro says of a request's cluster (None: there is none); one step for each thing that changed."""
    before = watched(request)
    after, changes = status.observe(before, status.seen(cluster) if cluster is not None else None, tx.now)
    if after == before and not changes:
        return request
    slow = {"slow": True} if request.watch.get("slow") else {}
    columns = {"status": after.status, "health": after.health, "watch": {**after.memory(), **slow}}
    if not changes:  # only what is remembered until the next look
        return await requests.change(tx, request, columns)
    for change in changes:
        to = _NEXT.get(change.kind)
        ready = {"ready_at": tx.now} if to is State.READY else {}
        step = Step(
            f"cluster.{change.kind}",
            to=to,
            changes={**columns, **ready},
            posts=_posts(told(request), change, muted=request.muted),
            data={"word": change.word, "details": [asdict(detail) for detail in change.details]},
        )
        request = await story.take(tx, request, step)
    return request


_NEXT = {"ready": State.READY, "failed": State.FAILED, "deleted": State.DELETED}


def watched(request: Request) -> Watched:
    """What the row remembers of the polls so far."""
    return Watched.recall(State(request.state), request.status, request.health, request.watch)


def _posts(subject: Subject, change: Change, *, muted: bool) -> list[Message]:
    match change.kind:
        case "ready":
            return [posts.ready(subject, change.word)]
        case "failed":
            return [posts.failed(subject, change.word)]
        case "deleted":
            return [posts.deleted(subject)]
        case "status":
            return [posts.status_changed(subject, change.word)]
        case "health" if muted:
            return []
        case "health":
            details = [
                HealthDetail(description=each.description, component=each.component, severity=each.severity)
                for each in change.details
            ]
            return [posts.health_changed(subject, change.word, details, change.word == "UNHEALTHY")]
