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
from collections.abc import Callable
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
from bot.errors import RemoteError, Stale
from bot.services import story
from bot.services.claims import HELD, Claims, Timing, released
from bot.services.facts import facts_of, told
from bot.services.resolve import Resolver, provisioned
from bot.services.story import Step
from bot.store import pace, requests
from bot.store.engine import Database, Transaction
from bot.store.requests import Attempt, Request

WAITING = "Waiting its turn: Astro wants clusters on one provider to be created one after another."
LATE_SECONDS = 15.0  # how old an answer may be that came after the try before had given up
LONGEST_WAIT = 3600.0  # seconds, whatever Astro asks for
PAUSED = "Creates are paused by the operator. This one is kept and goes on by itself afterwards."
UNSURE = "Rights could not be looked up just now. The bot tries again by itself."

log = structlog.get_logger()


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
        self._claims = Claims(db, astro, timing)
        self._resolver = Resolver(db, self._claims, timing)
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
                        await self._resolver.left_open(request)
                    case _:
                        await self._resolver.resolve(request)
            except Stale:
                log.info("somebody else went on with this request")
            except Exception:
                # The lease runs out and whoever claims the row next goes by what it says.
                log.exception("working on a request failed")

    # --- the call -----------------------------------------------------------------------------------------------------

    async def _create(self, request: Request) -> None:
        slot = f"create:{request.provider}"
        async with self._db.read() as tx:
            precheck_at = tx.now
            earlier = await requests.attempts_of(tx, request.id)
            turn = await pace.until(tx, slot)
        if turn is not None:  # look-ups are for when they can be followed by the call: Slack rations them
            await self._wait_for_turn(request, turn)
            return
        listed = await self._claims.listed(request)
        if listed is None:
            return
        if same := [cluster for cluster in listed if str(cluster.get("name", "")).casefold() == request.name_key]:
            await self._name_is_there(request, same, earlier)
            return
        if not await self._still_allowed(request):
            return
        async with self._db.write() as tx:
            started = time.monotonic()
            paused = await pace.exists(tx, pace.PAUSED)
            turn = None if paused else await pace.take(tx, slot, timedelta(seconds=self._timing.spacing))
            if not paused and turn is None:
                attempt = await requests.add_attempt(tx, request, precheck_at=precheck_at)
                request = await self._written_ahead(tx, request)
        if paused or turn is not None:
            await self._wait_for_turn(request, turn)
            return
        in_time = time.monotonic() - started <= self._timing.send_deadline
        proof = await self._call(request) if in_time else TryLater("The bot was held up for too long.")
        self._observe(type(proof).__name__.lower())
        await self._record(request, attempt, proof)

    async def _written_ahead(self, tx: Transaction, request: Request) -> Request:
        """SUBMITTING, under a lease that begins now: from here on the call may have been made."""
        changes = {
            "lease_until": tx.now + timedelta(seconds=self._timing.lease),
            "submitted_at": tx.now,
            # That the bot's own access failed stays on the card until Astro lets it in again.
            "notice": request.notice if request.notice.startswith(HELD) else "",
        }
        return await story.take(tx, request, Step("create.recorded", to=State.SUBMITTING, changes=changes))

    async def _call(self, request: Request) -> Outcome:
        try:
            answer = await self._astro.create_cluster(request.body, timeout=self._timing.create_timeout)
        except RemoteError as fault:
            return outcome.prove(fault)
        return outcome.prove(answer)

    async def _still_allowed(self, request: Request) -> bool:
        """The last check before money is spent: may the requester still do this?"""
        patience, late = min(5.0, self._timing.look_up), LATE_SECONDS if request.notice == UNSURE else 0.0
        person = await self._directory.person(request.requester, fresh=True, timeout=patience, late=late)
        decision = policy.decide(self._policy(), person, Action.EXECUTE, facts_of(request))
        if decision.allowed:
            return True
        if decision.unknown:
            await self._claims.put_back(request, notice=UNSURE)
            return False
        async with self._db.write() as tx:
            post = posts.not_sent(told(request), decision.reason)
            step = Step(
                "create.refused",
                to=State.DENIED,
                changes={**released(), "decided_at": tx.now, "notice": "", "refusal": {"message": decision.reason}},
                posts=[post],
                data={"reason": decision.reason},
                rule=decision.rule,
            )
            await story.take(tx, request, step)
        return False

    async def _name_is_there(self, request: Request, listed: list[dict[str, Any]], earlier: list[Attempt]) -> None:
        """Present before the call: ours only if an earlier call's outcome was left open, else somebody else's."""
        if await self._resolver.adopted(request, listed, earlier):
            return
        message = "A cluster of this name is there already. Choose another name."
        refusal = {"message": message, "fields": [["name", message]], "ours": True}
        async with self._db.write() as tx:
            await self._rejected(tx, request, refusal, posts.name_taken(told(request)))

    async def _wait_for_turn(self, request: Request, turn: datetime | None) -> None:
        """Until then another create on this provider has the turn; None: creates are paused."""
        async with self._db.write() as tx:
            await story.remark(tx, request, PAUSED if turn is None else WAITING)
            await requests.release(tx, request, next_at=turn)

    # --- what the answer proves ---------------------------------------------------------------------------------------

    async def _record(self, request: Request, attempt: int, proof: Outcome) -> None:
        if isinstance(proof, Accepted):
            log.info("created", cluster=proof.cluster_id)  # in the log before anything can go wrong with the row
        for pause in (0.1, 0.4, 1.6, None):
            try:
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
                    wait = self._claims.backoff(request)
                    if retry_after is not None:
                        wait = timedelta(seconds=min(retry_after, LONGEST_WAIT))
                    notice = f"{reason} Nothing is lost: the bot keeps trying."
                    changes = {**released(tx.now + wait), "retry_count": request.retry_count + 1, "notice": notice}
                    await story.take(tx, request, Step("create.later", to=State.QUEUED, changes=changes))
                case Held(message, status):
                    await requests.answer_attempt(tx, attempt, outcome="held", detail=f"{status} {message}")
                    await self._claims.held(tx, request, message)
                case Unknown(reason):
                    await requests.answer_attempt(tx, attempt, outcome="unknown", detail=reason)
                    await self._resolver.unknown(tx, request, reason)

    async def _came_late(self, request: Request, attempt: int, proof: Outcome) -> None:
        """The row moved on while we waited for the answer. An id is kept all the same."""
        if not isinstance(proof, Accepted):
            return
        async with self._db.write() as tx:
            now = await requests.get(tx, request.id, lock=True)
            if now is None or now.cluster_id == proof.cluster_id:
                return
            log.error("an id came back late", cluster=proof.cluster_id, state=now.state)
            await requests.answer_attempt(tx, attempt, outcome="late", cluster_id=proof.cluster_id)
            if State(now.state) in (State.UNCERTAIN, State.NEEDS_ATTENTION):
                await provisioned(tx, now, proof.cluster, kind="create.late")
            else:  # it was given up, or tried again, meanwhile: people must know that this one exists and costs money
                surfaced = posts.surfaced(told(now), proof.cluster_id)
                data = {"cluster": proof.cluster_id}
                await story.take(tx, now, Step("create.surfaced", posts=[surfaced], data=data))

    async def _reject(self, request: Request, proof: Rejected, attempt: int) -> None:
        async with self._db.write() as tx:
            await requests.answer_attempt(tx, attempt, outcome="rejected", detail=f"{proof.status} {proof.message}")
            fields = [list(pair) for pair in proof.field_errors]
            refusal = {"message": proof.message, "fields": fields, "request": proof.request_id, "status": proof.status}
            post = posts.rejected(told(request), proof.message, proof.field_errors)
            await self._rejected(tx, request, refusal, post)

    async def _rejected(self, tx: Transaction, request: Request, refusal: dict[str, Any], post: Message) -> None:
        step = Step(
            "create.rejected",
            to=State.REJECTED,
            changes={**released(), "refusal": refusal, "notice": ""},
            posts=[post],
            data=refusal,
        )
        await story.take(tx, request, step)
