"""Queries on threads and the outbox: what is to be said, in which order, and who is saying it."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select, update

from bot.store.engine import Transaction
from bot.store.tables import outbox, threads

UNSENT = ("pending", "sending", "unknown")


@dataclass(frozen=True)
class Thread:
    """One place in Slack where things are told in order; the columns are explained in tables.py."""

    key: str
    channel: str
    root_ts: str | None
    next_seq: int
    due_at: datetime | None
    card_wanted: int
    card_shown: int
    lease_owner: str | None
    lease_until: datetime | None
    fence: int


@dataclass(frozen=True)
class Entry:
    """One thing to say. `payload` holds the rendered message; a card's is rendered when it is sent."""

    id: str
    thread: str
    seq: int
    kind: str
    payload: Mapping[str, Any]
    dedupe_key: str
    state: str
    attempts: int
    created_at: datetime
    next_at: datetime
    sending_at: datetime | None
    sent_at: datetime | None
    channel: str | None
    ts: str | None
    fault: str


_THREAD = [threads.c[field.name] for field in fields(Thread)]
_ENTRY = [outbox.c[field.name] for field in fields(Entry)]


async def open_thread(tx: Transaction, key: str, channel: str) -> None:
    """Make the thread; one that exists stays as it is."""
    row = {"key": key, "channel": channel, "next_seq": 0, "card_wanted": 0, "card_shown": 0, "fence": 0}
    await tx.execute(tx.insert(threads).values(**row).on_conflict_do_nothing())


async def get_thread(tx: Transaction, key: str, *, lock: bool = False) -> Thread | None:
    """The thread; `lock` keeps others from adding to it until the transaction ends."""
    query = select(*_THREAD).where(threads.c.key == key)
    row = (await tx.execute(query.with_for_update() if lock else query)).mappings().first()
    return Thread(**row) if row else None


async def places(tx: Transaction, keys: Sequence[str]) -> dict[str, tuple[str, str]]:
    """(channel, ts of the card) of those threads whose card is posted."""
    query = select(threads.c.key, threads.c.channel, threads.c.root_ts).where(threads.c.key.in_(keys))
    return {row[0]: (row[1], row[2]) for row in await tx.execute(query) if row[2]}


async def append(tx: Transaction, key: str, kind: str, payload: Mapping[str, Any], *, dedupe_key: str) -> None:
    """Say something in this thread after all that is already to be said; said before under this key: nothing."""
    raised = update(threads).where(threads.c.key == key).values(next_seq=threads.c.next_seq + 1, due_at=tx.now)
    seq = (await tx.execute(raised.returning(threads.c.next_seq))).scalar_one() - 1
    await _insert(tx, key, seq, kind, payload, dedupe_key)


async def insert_before(tx: Transaction, entry: Entry, kind: str, *, dedupe_key: str) -> None:
    """Say something right before `entry`: all that is unsent moves back by one. Only under the thread's lease."""
    raised = update(threads).where(threads.c.key == entry.thread)
    await tx.execute(raised.values(next_seq=threads.c.next_seq + 1, due_at=tx.now))
    later = (outbox.c.thread == entry.thread, outbox.c.seq >= entry.seq)
    await tx.execute(update(outbox).where(*later).values(seq=outbox.c.seq + 1))
    await _insert(tx, entry.thread, entry.seq, kind, {}, dedupe_key)


async def _insert(tx: Transaction, key: str, seq: int, kind: str, payload: Mapping[str, Any], dedupe_key: str) -> None:
    row = {
        "id": secrets.token_hex(12),
        "thread": key,
        "seq": seq,
        "kind": kind,
        "payload": dict(payload),
        "dedupe_key": dedupe_key,
        "state": "pending",
        "attempts": 0,
        "created_at": tx.now,
        "next_at": tx.now,
        "fault": "",
    }
    await tx.execute(tx.insert(outbox).values(**row).on_conflict_do_nothing(index_elements=["dedupe_key"]))
    tx.wakes.add("deliver")


async def want_card(tx: Transaction, key: str, version: int) -> None:
    """The card should show the request as of this version; several wishes make one edit."""
    wish = (threads.c.key == key, threads.c.card_wanted < version)
    await tx.execute(update(threads).where(*wish).values(card_wanted=version, due_at=tx.now))
    tx.wakes.add("deliver")


async def claim_threads(tx: Transaction, *, owner: str, lease: timedelta, limit: int = 50) -> list[Thread]:
    """Take the threads that have something to say and that nobody is speaking in."""
    free = or_(threads.c.lease_until.is_(None), threads.c.lease_until < tx.now)
    chosen = (
        select(threads.c.key)
        .where(and_(threads.c.due_at <= tx.now, free))
        .order_by(threads.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    query = (
        update(threads)
        .where(threads.c.key.in_(chosen))
        .values(lease_owner=owner, lease_until=tx.now + lease, fence=threads.c.fence + 1)
        .returning(*_THREAD)
    )
    return [Thread(**row) for row in (await tx.execute(query)).mappings()]


async def hold(tx: Transaction, thread: Thread, *, lease: timedelta) -> Thread | None:
    """Prolong the claim and read the thread again; None where somebody else took it over."""
    query = (
        update(threads)
        .where(threads.c.key == thread.key, threads.c.fence == thread.fence)
        .values(lease_until=tx.now + lease)
        .returning(*_THREAD)
    )
    row = (await tx.execute(query)).mappings().first()
    return Thread(**row) if row else None


async def release(tx: Transaction, thread: Thread, *, not_before: datetime | None) -> datetime | None:
    """Give the thread back; it is due again when its first unsent entry or its card is. Returns that time."""
    now_row = await get_thread(tx, thread.key, lock=True)  # before the look: what is being added now must be seen
    if now_row is None or now_row.fence != thread.fence:
        return None
    waiting = await head(tx, thread.key)
    times = [waiting.next_at] if waiting else []
    if now_row.root_ts and now_row.card_wanted > now_row.card_shown:
        times.append(tx.now)
    due = min(times, default=None)
    if due is not None and not_before is not None:
        due = max(due, not_before)
    await tx.execute(
        update(threads).where(threads.c.key == thread.key).values(lease_owner=None, lease_until=None, due_at=due)
    )
    return due


async def next_due(tx: Transaction) -> datetime | None:
    """When the earliest thread wants to be spoken in; one that somebody speaks in wants nothing."""
    free = or_(threads.c.lease_until.is_(None), threads.c.lease_until < tx.now)
    found: datetime | None = (await tx.execute(select(func.min(threads.c.due_at)).where(free))).scalar_one()
    return found


async def card_waits(tx: Transaction, channel: str) -> bool:
    """Whether a card is due in this channel that nobody has begun to post."""
    due = (outbox.c.kind == "card", outbox.c.state == "pending", outbox.c.next_at <= tx.now)
    query = select(outbox.c.id).join(threads, threads.c.key == outbox.c.thread)
    return (await tx.execute(query.where(*due, threads.c.channel == channel).limit(1))).first() is not None


async def head(tx: Transaction, key: str) -> Entry | None:
    """The first thing in this thread that is not said yet: nothing may overtake it."""
    query = select(*_ENTRY).where(outbox.c.thread == key, outbox.c.state.in_(UNSENT)).order_by(outbox.c.seq).limit(1)
    row = (await tx.execute(query)).mappings().first()
    return Entry(**row) if row else None


async def mark(tx: Transaction, entry: Entry, **values: Any) -> None:
    await tx.execute(update(outbox).where(outbox.c.id == entry.id).values(**values))


async def set_thread(tx: Transaction, key: str, **values: Any) -> None:
    await tx.execute(update(threads).where(threads.c.key == key).values(**values))


async def depth(tx: Transaction) -> tuple[int, datetime | None]:
    """(entries not said yet, since when the oldest waits)."""
    query = select(func.count(), func.min(outbox.c.created_at)).where(outbox.c.state.in_(UNSENT))
    row = (await tx.execute(query)).one()
    return int(row[0]), row[1]
