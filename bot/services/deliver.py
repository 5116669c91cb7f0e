"""Say it once, in order: what the outbox holds becomes messages in Slack.

One sender a thread (a lease on the thread), lowest sequence first, one post a second a channel, a 429 pauses its method
for every process. A post whose outcome nobody knows is looked up by the opaque id in its metadata, but only after the
settle time: Slack may still be committing it. A card's edit is idempotent by its ts, so it carries the newest state and
is simply made again.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import structlog

from blocks.parts import Message
from bot.adapters.slack import TOKEN_REFUSED, Slack
from bot.errors import Limited, NoAnswer, NothingSent, OverLimit, Refused, RemoteError
from bot.services.story import HOME
from bot.store import outbox, pace, requests
from bot.store.engine import Database, Transaction
from bot.store.outbox import Entry, Thread
from bot.store.requests import Request

POST_SPACING = timedelta(seconds=1)  # Slack's own rate for chat.postMessage, a channel
CARD_FIRST = timedelta(seconds=0.2)  # a new request's card goes before what is told under another's
EDIT_SPACING = timedelta(seconds=3)  # a card; several changes within it make one edit
FIRST_WAIT = 1.0  # seconds, where a 429 doesn't say how long
LONGEST_BACKOFF = 12.0
LONGEST_PAUSE = 3600.0  # seconds, whatever a 429 asks for
NOTICE_LIFE = timedelta(minutes=15)  # a word to one person that came later than this would only confuse
POST, EDIT, WHISPER = "method:chat.postMessage", "method:chat.update", "method:chat.postEphemeral"

# Slack will never take a message here: it is told in the requester's DM instead.
CLOSED = frozenset(
    {
        "channel_not_found",
        "not_in_channel",
        "is_archived",
        "restricted_action",
        "no_permission",
        "restricted_action_read_only_channel",
        "restricted_action_thread_locked",
    }
)
MALFORMED = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_too_long", "msg_blocks_too_long", "no_text"})
GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"})

log = structlog.get_logger()
CardOf = Callable[[Transaction, Request], Awaitable[Message]]


@dataclass(frozen=True)
class Timing:
    """Seconds; `settle` is how long after an unanswered post its absence is believed, `call` what a post may take."""

    lease: float
    settle: float
    call: float


class Deliverer:
    """Claims the threads that have something to say and speaks in each, in tasks of its own.

    `post_spacing` and `edit_spacing` are Slack's pace; tests of other things speed them up.
    """

    post_spacing = POST_SPACING
    edit_spacing = EDIT_SPACING

    def __init__(self, db: Database, slack: Slack, card_of: CardOf, timing: Timing) -> None:
        self._db, self._slack, self._card_of, self._timing = db, slack, card_of, timing
        self._lease = timedelta(seconds=timing.lease)
        self._owner = uuid.uuid4().hex
        self._running: set[asyncio.Task[None]] = set()
        self._joined: set[str] = set()

    async def run(self) -> float | None:
        """Start speaking wherever something is due. Returns the seconds until the next is, if known."""
        async with self._db.write() as tx:
            claimed = await outbox.claim_threads(tx, owner=self._owner, lease=self._lease)
            due = await outbox.next_due(tx)
            now = tx.now
        for thread in claimed:
            task = asyncio.create_task(self._speak(thread), name=f"deliver {thread.key}")
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return max(0.0, (due - now).total_seconds()) if due else None

    async def drain(self, seconds: float) -> None:
        await self._db.drain(self._running, seconds)

    async def _speak(self, thread: Thread) -> None:
        with structlog.contextvars.bound_contextvars(request=thread.key):
            not_before: datetime | None = None
            try:
                while (again := await self._next(thread)) is True:
                    pass
                not_before = again if isinstance(again, datetime) else None
            except Exception:
                log.exception("speaking in a thread failed")
            async with self._db.write() as tx:
                if not_before is None:
                    not_before = tx.now + timedelta(seconds=0.05)
                await outbox.release(tx, thread, not_before=not_before)
                tx.wakes.add("deliver")

    async def _next(self, thread: Thread) -> bool | datetime:
        """Say one thing. True: there may be more; False: nothing; a time: not before then."""
        async with self._db.write() as tx:
            held = await outbox.hold(tx, thread, lease=self._lease)
            if held is None:
                return False
            entry = await outbox.head(tx, thread.key)
            now = tx.now
            paused = await pace.until(tx, WHISPER if thread.key.startswith("notice:") else POST)
        if not held.channel and entry is not None and entry.kind != "notice":
            return await self._find_dm(held)
        waits: list[datetime] = []
        if held.root_ts and held.card_wanted > held.card_shown:
            waits += _later_than(edited := await self._edit(held))
            if edited is True:
                return True
        if entry is not None and (entry.next_at > now or paused is not None):
            waits.append(max(entry.next_at, paused or now))
        elif entry is not None:
            waits += _later_than(said := await (self._whisper if entry.kind == "notice" else self._post)(held, entry))
            if said is True:
                return True
        return min(waits, default=False)

    async def _find_dm(self, thread: Thread) -> bool | datetime:
        """Asked for where there is no channel (the Home tab): it is told in the requester's direct messages."""
        async with self._db.read() as tx:
            request = await requests.get(tx, thread.key)
            soon = tx.now + timedelta(seconds=2)
        if request is None:
            return False
        try:
            channel = await self._slack.dm(request.requester)
        except Refused as fault:
            async with self._db.read() as tx:
                entry = await outbox.head(tx, thread.key)
            return await self._park(entry, fault.reason) if entry else False
        except RemoteError as fault:
            log.warning("no direct messages with the requester yet", fault=str(fault))
            return soon
        async with self._db.write() as tx:
            await outbox.set_thread(tx, thread.key, channel=channel)
        return True

    # --- posts --------------------------------------------------------------------------------------------------------

    async def _post(self, thread: Thread, entry: Entry) -> bool | datetime:
        if entry.state in ("sending", "unknown"):
            found = await self._looked_up(thread, entry)
            if found is not False:
                return found
        message, version = await self._message(entry)
        if message is None:
            return await self._park(entry, "the request is gone")
        if thread.root_ts is None:
            await self._join(thread.channel)
        async with self._db.write() as tx:
            if await outbox.hold(tx, thread, lease=self._lease) is None:
                return False  # somebody else speaks here by now
            if entry.kind != "card" and await outbox.card_waits(tx, thread.channel):
                return tx.now + CARD_FIRST
            turn = await pace.take(tx, f"post:{thread.channel}", self.post_spacing)
            if turn is not None:
                return turn
            await outbox.mark(tx, entry, state="sending", sending_at=tx.now, attempts=entry.attempts + 1)
        try:
            ts = await self._slack.post(
                thread.channel, message, thread=thread.root_ts if entry.kind != "card" else None, entry=entry.id
            )
        except RemoteError as fault:
            return await self._not_posted(thread, entry, message, fault)
        except OverLimit as fault:
            return await self._plainly(entry, message, str(fault))
        await self._sent(thread, entry, ts, version)
        return True

    async def _message(self, entry: Entry) -> tuple[Message | None, int]:
        """What to post, and for a card the request's version that it shows (0: not known)."""
        if "text" in entry.payload:
            return cast(Message, dict(entry.payload)), 0
        async with self._db.read() as tx:
            request = await requests.get(tx, entry.thread)
            return (await self._card_of(tx, request), request.version) if request else (None, 0)

    async def _join(self, channel: str) -> None:
        """Be in a public channel before the first post there. Where it can't be, the post's own answer says so."""
        if channel.startswith("D") or channel in self._joined:
            return
        try:
            await self._slack.join(channel)
            self._joined.add(channel)
        except RemoteError as fault:
            log.info("not joined", channel=channel, fault=fault.reason)

    async def _sent(self, thread: Thread, entry: Entry, ts: str, version: int = 0) -> None:
        async with self._db.write() as tx:
            await outbox.mark(tx, entry, state="sent", ts=ts, channel=thread.channel, sent_at=tx.now, fault="")
            if entry.kind == "card":
                await outbox.set_thread(tx, thread.key, root_ts=ts, card_shown=version)
                if request := await requests.get(tx, thread.key):  # whose Home tab can link to the thread from now on
                    tx.wakes.add(f"{HOME}{request.requester}")

    async def _looked_up(self, thread: Thread, entry: Entry) -> bool | datetime:
        """False: it isn't there, send it; True: it was sent all along; a time: too early to tell."""
        sent_at = entry.sending_at or entry.created_at
        if entry.state == "sending":  # its sender stopped, or is still waiting for the answer
            settled = sent_at + timedelta(seconds=self._timing.call + self._timing.settle)
            async with self._db.read() as tx:
                if tx.now < settled:
                    return settled
        oldest = sent_at.timestamp() - 60
        try:
            ts = await self._slack.find(thread.channel, entry.id, thread=_inside(thread, entry), oldest=oldest)
        except Refused as fault:
            log.warning("a thread can't be read back: this post may come twice", fault=fault.reason)
            return False
        except RemoteError as fault:
            return await self._later(entry, fault, state="unknown")
        if ts is None:
            return False
        await self._sent(thread, entry, ts)
        return True

    async def _not_posted(self, thread: Thread, entry: Entry, message: Message, fault: RemoteError) -> bool | datetime:
        match fault:
            case Limited():
                return await self._limited(entry, POST, fault)
            case NothingSent():
                return await self._later(entry, fault, state="pending")
            case Refused() if fault.code in CLOSED:
                self._joined.discard(thread.channel)
                return await self._move_to_dm(thread, entry, fault)
            case Refused() if fault.code in MALFORMED:
                return await self._plainly(entry, message, fault.reason)
            case Refused() if fault.code in GONE:
                return await self._new_root(thread, entry)
            case Refused() if fault.code in TOKEN_REFUSED:
                log.error("Slack refuses the bot's token; nothing can be posted", fault=fault.reason)
                return await self._later(entry, fault, state="pending")
            case Refused():
                return await self._park(entry, fault.reason)
        async with self._db.write() as tx:
            settled = tx.now + timedelta(seconds=self._timing.settle)
            await outbox.mark(tx, entry, state="unknown", next_at=settled, fault=fault.reason[:200])
        return settled

    async def _plainly(self, entry: Entry, message: Message, why: str) -> bool | datetime:
        """Slack refused the blocks: once more as plain text, then it is set aside and the operator told."""
        if "blocks" not in message:
            return await self._park(entry, why)
        log.error("a message was refused; sending its plain text", entry=entry.id, fault=why)
        async with self._db.write() as tx:
            await outbox.mark(tx, entry, state="pending", payload={"text": message["text"]}, fault=why[:200])
        return True

    async def _move_to_dm(self, thread: Thread, entry: Entry, fault: Refused) -> bool | datetime:
        async with self._db.read() as tx:
            request = await requests.get(tx, thread.key)
        if request is None:
            return await self._park(entry, fault.reason)
        try:
            channel = await self._slack.dm(request.requester)
        except RemoteError as other:
            return await self._later(entry, other, state="pending")
        if channel == thread.channel:
            return await self._park(entry, fault.reason)
        log.warning("told in the requester's DM instead", channel=thread.channel, fault=fault.reason)
        async with self._db.write() as tx:
            await outbox.set_thread(tx, thread.key, channel=channel, root_ts=None)
            await outbox.mark(tx, entry, state="pending", next_at=tx.now, fault=fault.reason[:200])
            if entry.kind != "card":
                await outbox.insert_before(tx, entry, "card", dedupe_key=f"{entry.thread}:card:{entry.id}:{channel}")
        return True

    async def _new_root(self, thread: Thread, entry: Entry) -> bool:
        """The card is gone: post it anew, and go on under it."""
        async with self._db.write() as tx:
            await outbox.set_thread(tx, thread.key, root_ts=None)
            await outbox.mark(tx, entry, state="pending", next_at=tx.now)
            await outbox.insert_before(tx, entry, "card", dedupe_key=f"{entry.thread}:card:{entry.id}")
        return True

    # --- the card's edits ---------------------------------------------------------------------------------------------

    async def _edit(self, thread: Thread) -> bool | datetime:
        async with self._db.write() as tx:
            paused = await pace.until(tx, EDIT)
            turn = paused or await pace.take(tx, f"edit:{thread.key}", self.edit_spacing)
            if turn is not None:
                return turn
            request = await requests.get(tx, thread.key)
            if request is None or thread.root_ts is None:
                return False
            card = await self._card_of(tx, request)
        try:
            await self._slack.edit(thread.channel, thread.root_ts, card)
        except Refused as fault:
            if fault.code in GONE:
                return await self._card_anew(thread, request.version)
            log.error("the card can't be edited", fault=fault.reason)  # noqa: TRY400  # Slack's no, not a mistake of ours
            if fault.code in TOKEN_REFUSED:
                return await self._in(LONGEST_BACKOFF)
        except OverLimit:
            log.exception("the card is more than Slack takes; it stays as it is")
        except Limited as fault:
            return await self._paused(EDIT, fault)
        except (NothingSent, NoAnswer):
            return await self._in(2.0)
        async with self._db.write() as tx:
            await outbox.set_thread(tx, thread.key, card_shown=request.version)
        return True

    async def _card_anew(self, thread: Thread, version: int) -> bool:
        """The card is gone: the next thing said is a new one, and what still waits goes under that."""
        async with self._db.write() as tx:
            await outbox.set_thread(tx, thread.key, root_ts=None, card_shown=version)
            key, waiting = f"{thread.key}:card:{version}", await outbox.head(tx, thread.key)
            if waiting is None:
                await outbox.append(tx, thread.key, "card", {}, dedupe_key=key)
            else:
                await outbox.insert_before(tx, waiting, "card", dedupe_key=key)
        return True

    # --- a word to one person -----------------------------------------------------------------------------------------

    async def _whisper(self, thread: Thread, entry: Entry) -> bool | datetime:
        payload: dict[str, Any] = dict(entry.payload)
        async with self._db.write() as tx:
            if tx.now - entry.created_at > NOTICE_LIFE:
                await outbox.mark(tx, entry, state="parked", fault="too late to be of use")
                return True
            await outbox.mark(tx, entry, state="sending", sending_at=tx.now, attempts=entry.attempts + 1)
        try:
            await self._to_one(payload["channel"], payload["person"], payload["message"])
        except Limited as fault:
            return await self._limited(entry, WHISPER, fault)
        except (NothingSent, NoAnswer) as fault:
            return await self._later(entry, fault, state="pending")
        except (Refused, OverLimit) as fault:
            return await self._park(entry, str(fault))
        async with self._db.write() as tx:
            await outbox.mark(tx, entry, state="sent", sent_at=tx.now)
        return True

    async def _to_one(self, channel: str, person: str, message: Message) -> None:
        try:
            if channel:
                await self._slack.whisper(channel, person, message)
                return
        except Refused as fault:
            log.info("not whispered; sent as a direct message", fault=fault.reason)
        await self._slack.post(await self._slack.dm(person), message)

    # --- what becomes of an entry -------------------------------------------------------------------------------------

    async def _limited(self, entry: Entry, method: str, fault: Limited) -> datetime:
        until = await self._paused(method, fault)
        async with self._db.write() as tx:
            await outbox.mark(tx, entry, state="pending", next_at=until)
        return until

    async def _paused(self, method: str, fault: Limited) -> datetime:
        """Slack wants this method to rest, for every process; until then."""
        async with self._db.write() as tx:
            until = tx.now + timedelta(seconds=min(fault.retry_after or FIRST_WAIT, LONGEST_PAUSE))
            await pace.close(tx, method, until)
        return until

    async def _in(self, seconds: float) -> datetime:
        async with self._db.read() as tx:
            return tx.now + timedelta(seconds=seconds)

    async def _later(self, entry: Entry, fault: RemoteError, *, state: str) -> datetime:
        wait = min(LONGEST_BACKOFF, 0.5 * 2 ** min(entry.attempts, 6))
        async with self._db.write() as tx:
            next_at = tx.now + timedelta(seconds=wait)
            await outbox.mark(
                tx, entry, state=state, next_at=next_at, attempts=entry.attempts + 1, fault=str(fault)[:200]
            )
        return next_at

    async def _park(self, entry: Entry, why: str) -> bool:
        log.error("a message is set aside", entry=entry.id, fault=why)
        async with self._db.write() as tx:
            await outbox.mark(tx, entry, state="parked", fault=why[:200])
        return True


def _later_than(result: bool | datetime) -> list[datetime]:
    return [result] if isinstance(result, datetime) else []


def _inside(thread: Thread, entry: Entry) -> str | None:
    return None if entry.kind == "card" else thread.root_ts
