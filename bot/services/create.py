"""Create once: from QUEUED to an id, to a definite no, or to a person who is asked. Never twice.

The protocol, and what each part of it is for:

1. *Precheck*: the name must be absent from Astro's list, so that a cluster found under it later can only be ours.
2. *Write-ahead*: SUBMITTING and an attempt are committed before the call. Whoever finds a row in SUBMITTING whose lease
   is over knows that the call may have been made, and may only look, never call.
3. *Deadline*: a worker that was frozen between commit and send doesn't send.
4. *No retry layer*: one call, one answer, and `outcome.prove` says what the answer proves.
5. *Look-up*: an unknown outcome is resolved by name, creation time and spec. Absence counts from when the list was
   asked for, not from when its answer was read, and only after the grace; then a person decides.

An id that came back is never dropped, whatever happened to the row meanwhile.
"""

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from blocks import thread as posts
from blocks.parts import Message
from bot.adapters.astro import Astro
from bot.adapters.directory import Directory
from bot.clusters import outcome, policy
from bot.clusters.lifecycle import State
from bot.clusters.outcome import Accepted, Held, Outcome, Rejected, TryLater, Unknown
from bot.clusters.policy import Action, Policy
from bot.errors import Refused, RemoteError, Stale
from bot.services import story, watch
from bot.services.facts import facts_of, told
from bot.services.story import Step
from bot.store import pace, requests
from bot.store.engine import Database, Transaction
from bot.store.requests import Attempt, Request

CLOCK_SKEW = timedelta(minutes=10)  # generous: absence at the precheck is the stronger evidence
LONGEST_BACKOFF = 12.0  # seconds
UNRESOLVED = ("", "unknown", "late")  # outcomes of an attempt that may have made a cluster

SILENT = "Astro does not answer. Nothing is lost: the bot keeps trying."
PAUSED = "Creates are paused by the operator. This one is kept and goes on by itself afterwards."
UNSURE = "Rights could not be looked up just now. The bot tries again by itself."

log = structlog.get_logger()


@dataclass(frozen=True)
class Timing:
    """Seconds, all from the settings: see settings.py for what each means."""

    lease: float
    spacing: float
    grace: float
    create_timeout: float
    send_deadline: float

    @property
    def look_up(self) -> float:
        """What the look-ups before the write-ahead may take, so that they fit into the lease."""
        return min(10.0, self.lease / 4)

    @property
    def absence_gap(self) -> float:
        """How far apart the two absences lie that count as one: a minute, or less where the grace is short."""
        return min(60.0, self.grace / 4)


class Creator:
    """Claims what is due and works on it in tasks of its own; `run` is called by a tick and after each commit."""

    def __init__(
        self,
        db: Database,
        astro: Astro,
        directory: Directory,
        policy: Callable[[], Policy],
        timing: Timing,
        *,
        observe: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._db, self._astro, self._directory, self._policy, self._timing = db, astro, directory, policy, timing
        self._observe = observe
        self._owner = uuid.uuid4().hex
        self._running: set[asyncio.Task[None]] = set()

    async def run(self) -> float | None:
        """Start on everything that is due. Returns the seconds until the next one is, if known."""
        states = [State.QUEUED, State.SUBMITTING, State.UNCERTAIN]
        async with self._db.write() as tx:
            if await pace.exists(tx, pace.PAUSED):
                states.remove(State.QUEUED)
                for waiting in await requests.in_states(tx, [State.QUEUED]):
                    await story.remark(tx, waiting, PAUSED)
            claimed = await requests.claim(tx, states, owner=self._owner, lease=timedelta(seconds=self._timing.lease))
            due = await requests.next_due(tx, states)
            now = tx.now
        for request in claimed:
            task = asyncio.create_task(self._work(request), name=f"create {request.id}")
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return max(0.0, (due - now).total_seconds()) if due else None

    async def drain(self, seconds: float) -> None:
        """Let what is in flight end; what doesn't is left resolvable, as its row says SUBMITTING."""
        await self._db.drain(self._running, seconds)

    async def _work(self, request: Request) -> None:
        with structlog.contextvars.bound_contextvars(request=request.id, person=request.requester):
            try:
                match State(request.state):
                    case State.QUEUED:
                        await self._create(request)
                    case State.SUBMITTING:
                        await self._left_open(request)
                    case _:
                        await self._resolve(request)
            except Stale:
                log.info("somebody else went on with this request")
            except Exception:
                # The lease runs out and whoever claims the row next goes by what it says.
                log.exception("working on a request failed")

    # --- the call -----------------------------------------------------------------------------------------------------

    async def _create(self, request: Request) -> None:
        if not await self._still_allowed(request):
            return
        async with self._db.read() as tx:
            precheck_at = tx.now
            earlier = await requests.attempts_of(tx, request.id)
        listed = await self._listed(request)
        if listed is None:
            return
        if same := [cluster for cluster in listed if str(cluster.get("name", "")).casefold() == request.name_key]:
            await self._name_is_there(request, same, earlier)
            return
        async with self._db.write() as tx:
            started = time.monotonic()
            turn = await pace.take(tx, f"create:{request.provider}", timedelta(seconds=self._timing.spacing))
            if turn is not None:
                await self._wait_for_turn(tx, request, turn)
                return
            attempt = await requests.add_attempt(tx, request, precheck_at=precheck_at)
            lease_until = tx.now + timedelta(seconds=self._timing.lease)
            request = await story.take(
                tx,
                request,
                Step(
                    "create.recorded",
                    to=State.SUBMITTING,
                    changes={"lease_until": lease_until, "submitted_at": tx.now, "notice": "", "retry_count": 0},
                ),
            )
        proof: Outcome
        if time.monotonic() - started > self._timing.send_deadline:
            proof = TryLater("not sent in time", None)
        else:
            proof = await self._call(request)
        self._observe(type(proof).__name__.lower())
        await self._record(request, attempt, proof)

    async def _call(self, request: Request) -> Outcome:
        try:
            answer = await self._astro.create_cluster(request.body, timeout=self._timing.create_timeout)
        except RemoteError as fault:
            return outcome.prove(fault)
        return outcome.prove(answer)

    async def _still_allowed(self, request: Request) -> bool:
        """The last check before money is spent: may the requester still do this?"""
        person = await self._directory.person(request.requester, fresh=True, timeout=min(5.0, self._timing.look_up))
        decision = policy.decide(self._policy(), person, Action.EXECUTE, facts_of(request))
        if decision.allowed:
            return True
        if decision.unknown:
            await self._put_back(request, notice=UNSURE)
            return False
        async with self._db.write() as tx:
            post = posts.not_sent(told(request), decision.reason)
            step = Step(
                "create.refused",
                to=State.DENIED,
                changes={**_released(), "decided_at": tx.now, "refusal": {"message": decision.reason}},
                posts=[post],
                data={"reason": decision.reason},
                rule=decision.rule,
            )
            await story.take(tx, request, step)
        return False

    async def _listed(self, request: Request) -> list[dict[str, Any]] | None:
        """What Astro lists under the request's name; None where it couldn't say, with the row put back."""
        try:
            return await self._astro.clusters(names=[request.name], timeout=self._timing.look_up)
        except Refused as fault:
            await self._hold(request, fault.reason)
        except RemoteError:
            await self._put_back(request, notice=SILENT)
        return None

    async def _name_is_there(self, request: Request, listed: list[dict[str, Any]], earlier: list[Attempt]) -> None:
        """Present before the call: ours only if an earlier call's outcome was left open, else somebody else's."""
        for attempt in earlier:
            if attempt.outcome in UNRESOLVED and (mine := await self._ours(request, listed, attempt)):
                await self._adopt(request, mine, attempt)
                return
        message = f"The name {request.name} is taken: Astro already has a cluster called that. Choose another name."
        await self._reject(request, Rejected(message, (("name", message),), "", 0))

    async def _wait_for_turn(self, tx: Transaction, request: Request, turn: datetime) -> None:
        notice = "Waiting its turn: Astro wants clusters on one provider to be created one after another."
        await story.remark(tx, request, notice)
        await requests.release(tx, request, next_at=turn)

    # --- what the answer proves ---------------------------------------------------------------------------------------

    async def _record(self, request: Request, attempt: int, proof: Outcome) -> None:
        if isinstance(proof, Accepted):
            log.info("created", cluster=proof.cluster_id)  # in the log before anything can go wrong with the row
        for pause in (0.1, 0.4, 1.6, None):
            try:
                await self._written(request, attempt, proof)
            except Stale:
                await self._came_late(request, attempt, proof)
            except Exception:
                if pause is None:
                    raise
                log.exception("an answer could not be recorded; trying again", outcome=type(proof).__name__)
                await asyncio.sleep(pause)
                continue
            return

    async def _written(self, request: Request, attempt: int, proof: Outcome) -> None:
        if isinstance(proof, Rejected):
            await self._reject(request, proof, attempt)
            return
        async with self._db.write() as tx:
            match proof:
                case Accepted(cluster_id, cluster):
                    await requests.answer_attempt(tx, attempt, outcome="accepted", cluster_id=cluster_id)
                    await provisioned(tx, request, cluster, kind="create.accepted")
                case TryLater(reason, retry_after):
                    await requests.answer_attempt(tx, attempt, outcome="not sent", detail=reason)
                    wait = self._backoff(request) if retry_after is None else timedelta(seconds=retry_after)
                    changes = {**_released(tx.now + wait), "retry_count": request.retry_count + 1, "notice": SILENT}
                    await story.take(tx, request, Step("create.later", to=State.QUEUED, changes=changes))
                case Held(message, status):
                    await requests.answer_attempt(tx, attempt, outcome="held", detail=f"{status} {message}")
                    await self._held(tx, request, message)
                case Unknown(reason):
                    await requests.answer_attempt(tx, attempt, outcome="unknown", detail=reason)
                    await self._unknown(tx, request, reason)

    async def _came_late(self, request: Request, attempt: int, proof: Outcome) -> None:
        """The row moved on while we waited for the answer. An id is kept all the same."""
        if not isinstance(proof, Accepted):
            return
        async with self._db.write() as tx:
            now = await requests.get(tx, request.id)
            if now is None or now.cluster_id == proof.cluster_id:
                return
            log.error("an id came back late", cluster=proof.cluster_id, state=now.state)
            await requests.answer_attempt(tx, attempt, outcome="late", cluster_id=proof.cluster_id)
            if State(now.state) in (State.UNCERTAIN, State.NEEDS_ATTENTION):
                await provisioned(tx, now, proof.cluster, kind="create.late")

    async def _reject(self, request: Request, proof: Rejected, attempt: int | None = None) -> None:
        fields = [list(pair) for pair in proof.field_errors]
        async with self._db.write() as tx:
            if attempt is not None:
                await requests.answer_attempt(tx, attempt, outcome="rejected", detail=f"{proof.status} {proof.message}")
            refusal = {"message": proof.message, "fields": fields, "request": proof.request_id, "status": proof.status}
            step = Step(
                "create.rejected",
                to=State.REJECTED,
                changes={**_released(), "refusal": refusal, "notice": ""},
                posts=[posts.rejected(told(request), proof.message, proof.field_errors)],
                data=refusal,
            )
            await story.take(tx, request, step)

    async def _hold(self, request: Request, message: str) -> None:
        async with self._db.write() as tx:
            await self._held(tx, request, message)

    async def _held(self, tx: Transaction, request: Request, message: str) -> None:
        notice = f"Held: Astro refuses the bot's own access ({message}). The operator must mend it; then it goes on."
        changes = {
            **_released(tx.now + self._backoff(request)),
            "retry_count": request.retry_count + 1,
            "notice": notice,
        }
        if request.state == State.SUBMITTING:
            request = await story.take(tx, request, Step("create.held", to=State.QUEUED, changes=changes))
        elif request.notice != notice:
            request = await story.take(tx, request, Step("create.held", changes=changes, data={"message": message}))
        else:
            await requests.release(tx, request, next_at=changes["next_at"], retry_count=changes["retry_count"])
        await story.say(tx, request, [posts.held(told(request), message)], key="held")

    # --- an outcome that nobody knows ---------------------------------------------------------------------------------

    async def _left_open(self, request: Request) -> None:
        """SUBMITTING, and its worker is gone: the call may have been made."""
        async with self._db.write() as tx:
            await self._unknown(tx, request, "the worker stopped before the answer came")

    async def _unknown(self, tx: Transaction, request: Request, reason: str) -> None:
        step = Step(
            "create.unknown",
            to=State.UNCERTAIN,
            changes={**_released(tx.now), "watch": {}, "retry_count": 0},
            posts=[posts.uncertain(told(request))],
            data={"reason": reason},
        )
        await story.take(tx, request, step)

    async def _resolve(self, request: Request) -> None:
        async with self._db.read() as tx:
            asked_at = tx.now  # absence is dated by when the list was asked for
            tries = await requests.attempts_of(tx, request.id)
        open_ones = [attempt for attempt in tries if attempt.outcome in UNRESOLVED]
        if not open_ones:
            await self._ask(request, "no attempt on record")
            return
        listed = await self._listed(request)
        if listed is None:
            return
        for attempt in open_ones:
            if mine := await self._ours(request, listed, attempt):
                await self._adopt(request, mine, attempt)
                return
        if any(str(cluster.get("name", "")) == request.name for cluster in listed):
            await self._ask(request, "a cluster of this name exists, but it is not as asked for")
            return
        await self._absent(request, open_ones[0], asked_at)

    async def _absent(self, request: Request, attempt: Attempt, asked_at: datetime) -> None:
        since = (asked_at - attempt.recorded_at).total_seconds()
        first = request.watch.get("absent_at")
        gap = (asked_at - datetime.fromisoformat(first)).total_seconds() if first else 0.0
        if first and since >= self._timing.grace and gap >= self._timing.absence_gap:
            await self._ask(request, f"absent from Astro for {since:.0f} s")
            return
        rest = max(self._timing.grace - since, self._timing.absence_gap - gap, 0.05)
        wait = min(self._backoff(request), timedelta(seconds=rest))
        async with self._db.write() as tx:
            await story.remark(tx, request, "")
            values = {"watch": {"absent_at": first or asked_at.isoformat()}, "retry_count": request.retry_count + 1}
            await requests.release(tx, request, next_at=tx.now + wait, **values)

    async def _ask(self, request: Request, why: str) -> None:
        async with self._db.write() as tx:
            step = Step(
                "create.unresolved",
                to=State.NEEDS_ATTENTION,
                changes={**_released(), "notice": ""},
                posts=[posts.needs_attention(told(request))],
                data={"reason": why},
            )
            await story.take(tx, request, step)

    async def _ours(self, request: Request, listed: list[dict[str, Any]], attempt: Attempt) -> Mapping[str, Any] | None:
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

    async def _adopt(self, request: Request, cluster: Mapping[str, Any], attempt: Attempt) -> None:
        async with self._db.write() as tx:
            await requests.answer_attempt(tx, attempt.id, outcome="found", cluster_id=str(cluster["id"]))
            await provisioned(tx, request, cluster, kind="create.found")

    # --- small things -------------------------------------------------------------------------------------------------

    async def _put_back(self, request: Request, *, notice: str) -> None:
        async with self._db.write() as tx:
            await story.remark(tx, request, notice)
            next_at = tx.now + self._backoff(request)
            await requests.release(tx, request, next_at=next_at, retry_count=request.retry_count + 1)

    def _backoff(self, request: Request) -> timedelta:
        longest = LONGEST_BACKOFF
        if request.state == State.UNCERTAIN:
            longest = min(longest, max(0.2, self._timing.grace / 4))
        return timedelta(seconds=min(longest, 0.5 * 2 ** min(request.retry_count, 6)))


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
        changes={**_released(), "cluster_id": str(cluster["id"]), "notice": "", "watch": {}, "retry_count": 0},
        posts=[post or posts.accepted(told(request), str(cluster["id"]))],
        data={"cluster": str(cluster["id"])},
    )
    return await watch.absorb(tx, await story.take(tx, request, step), cluster)


def _released(next_at: datetime | None = None) -> dict[str, Any]:
    return {"lease_owner": None, "lease_until": None, "next_at": next_at}
