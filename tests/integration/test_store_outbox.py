"""The outbox: said in order, said once, by one sender a thread."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from bot.store import outbox, tables
from bot.store.engine import Conflict, Database, Transaction
from bot.store.outbox import Entry, Thread

LEASE = timedelta(seconds=30)
OVER = timedelta(seconds=-1)  # a lease that is over as soon as it is taken
KEY = "CL-AAAAA"


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    made = Database(database_url)
    async with made.write() as tx:
        await outbox.open_thread(tx, KEY, "C1")
    yield made
    await made.close()


async def append(db: Database, *words: str, key: str = KEY) -> None:
    for word in words:
        async with db.write() as tx:
            await outbox.append(tx, key, "post", {"text": word}, dedupe_key=f"{key}:{word}")


async def head(db: Database, key: str = KEY) -> Entry:
    async with db.read() as tx:
        found = await outbox.head(tx, key)
    assert found is not None
    return found


async def thread(db: Database, key: str = KEY) -> Thread:
    async with db.read() as tx:
        found = await outbox.get_thread(tx, key)
    assert found is not None
    return found


async def claim(db: Database, owner: str, lease: timedelta = LEASE, limit: int = 50) -> list[Thread]:
    async with db.write() as tx:
        return await outbox.claim_threads(tx, owner=owner, lease=lease, limit=limit)


async def said(db: Database, key: str = KEY) -> list[str]:
    """Say everything, lowest first, and return it in that order."""
    words = []
    async with db.write() as tx:
        while entry := await outbox.head(tx, key):
            words.append(str(entry.payload.get("text", entry.kind)))
            await outbox.mark(tx, entry, state="sent", ts=f"{len(words)}")
    return words


async def test_what_was_appended_is_said_in_that_order(db: Database) -> None:
    await append(db, "one", "two", "three")
    assert await said(db) == ["one", "two", "three"]
    async with db.read() as tx:
        assert await outbox.head(tx, KEY) is None


@pytest.mark.parametrize("state", ["pending", "sending", "unknown"])
async def test_nothing_overtakes_what_is_not_said_yet(db: Database, state: str) -> None:
    await append(db, "one", "two")
    first = await head(db)
    async with db.write() as tx:
        await outbox.mark(tx, first, state=state)
    assert (await head(db)).id == first.id


@pytest.mark.parametrize("state", ["sent", "parked"])
async def test_what_is_said_or_set_aside_makes_room_for_the_next(db: Database, state: str) -> None:
    await append(db, "one", "two")
    async with db.write() as tx:
        await outbox.mark(tx, await _head(tx), state=state)
    assert (await head(db)).payload == {"text": "two"}


async def test_the_same_thing_appended_twice_is_said_once(db: Database) -> None:
    await append(db, "one", "one", "two")
    assert await said(db) == ["one", "two"]
    await append(db, "one")
    assert await said(db) == []


async def test_many_who_append_at_once_get_a_place_each(db: Database) -> None:
    words = [f"w{number}" for number in range(24)]
    await asyncio.gather(*(append(db, word) for word in words))
    async with db.read() as tx:
        assert (await outbox.depth(tx))[0] == 24
    assert sorted(await said(db)) == sorted(words)
    assert (await thread(db)).next_seq == 24


async def test_what_is_put_before_an_entry_is_said_right_before_it(db: Database) -> None:
    await append(db, "one", "two", "three")
    async with db.write() as tx:
        await outbox.mark(tx, await _head(tx), state="sent")
        await outbox.insert_before(tx, await _head(tx), "card", dedupe_key="card again")
    await append(db, "four")
    assert await said(db) == ["card", "two", "three", "four"]


async def test_a_thread_is_opened_once_and_keeps_what_it_knows(db: Database) -> None:
    async with db.write() as tx:
        await outbox.set_thread(tx, KEY, root_ts="1.2")
        await outbox.open_thread(tx, KEY, "C2")
        await outbox.open_thread(tx, "CL-BBBBB", "C3")
    known = await thread(db)
    assert (known.channel, known.root_ts) == ("C1", "1.2")
    async with db.read() as tx:
        assert await outbox.places(tx, [KEY, "CL-BBBBB", "none"]) == {KEY: ("C1", "1.2")}


async def test_nothing_is_said_in_a_thread_that_is_not_there(db: Database) -> None:
    with pytest.raises(Exception, match="No row was found"):
        await append(db, "lost", key="CL-NONEE")


async def test_a_thread_is_claimed_only_when_it_has_something_to_say(db: Database) -> None:
    assert await claim(db, "one") == []
    await append(db, "hello")
    [mine] = await claim(db, "one")
    assert (mine.key, mine.lease_owner) == (KEY, "one")
    assert await claim(db, "two") == []


async def test_many_senders_at_once_never_speak_in_one_thread(db: Database, database_url: str) -> None:
    keys = [f"CL-{number:05}" for number in range(40)]
    for key in keys:
        async with db.write() as tx:
            await outbox.open_thread(tx, key, "C1")
        await append(db, "hello", key=key)
    other = db if db.is_sqlite else Database(database_url)  # another process, where there can be one
    try:
        claims = await asyncio.gather(*(claim([db, other][n % 2], f"owner {n}", limit=5) for n in range(12)))
    finally:
        if other is not db:
            await other.close()
    claimed = Counter(each.key for claimed in claims for each in claimed)
    assert set(claimed.values()) == {1}
    rest = [each.key for each in await claim(db, "the last")]
    assert sorted([*claimed, *rest]) == keys


async def test_who_was_too_slow_loses_the_thread_and_is_told(db: Database) -> None:
    await append(db, "hello")
    [mine] = await claim(db, "one", OVER)
    [theirs] = await claim(db, "two")
    async with db.write() as tx:
        assert await outbox.hold(tx, mine, lease=LEASE) is None
        assert await outbox.release(tx, mine, not_before=None) is None
        held = await outbox.hold(tx, theirs, lease=LEASE)
    assert held is not None
    assert held.lease_owner == "two"
    assert await claim(db, "three") == []


async def test_a_thread_given_back_is_due_when_its_first_entry_is(db: Database) -> None:
    await append(db, "hello")
    [mine] = await claim(db, "one")
    async with db.write() as tx:
        later = tx.now + timedelta(minutes=5)
        await outbox.mark(tx, await _head(tx), next_at=later)
        assert await outbox.release(tx, mine, not_before=None) == later
        assert await outbox.next_due(tx) == later
    assert await claim(db, "two") == []


async def test_a_thread_given_back_with_nothing_to_say_is_not_due(db: Database) -> None:
    await append(db, "hello")
    [mine] = await claim(db, "one")
    await said(db)
    async with db.write() as tx:
        assert await outbox.release(tx, mine, not_before=None) is None
        assert await outbox.next_due(tx) is None


async def test_several_wishes_for_the_card_make_one_edit_to_the_newest(db: Database) -> None:
    async with db.write() as tx:
        await outbox.set_thread(tx, KEY, root_ts="1.2", card_shown=1)
        for version in (2, 4, 3):
            await outbox.want_card(tx, KEY, version)
    [mine] = await claim(db, "one")
    assert (mine.card_wanted, mine.card_shown) == (4, 1)
    async with db.write() as tx:
        not_before = tx.now + timedelta(seconds=3)
        assert await outbox.release(tx, mine, not_before=not_before) == not_before
        await outbox.set_thread(tx, KEY, card_shown=4)
    async with db.write() as tx:
        await outbox.want_card(tx, KEY, 4)  # it is shown already
        known = await outbox.get_thread(tx, KEY)
    assert known is not None
    assert known.card_wanted == known.card_shown


async def test_what_waits_is_counted_with_the_time_of_the_oldest(db: Database) -> None:
    async with db.read() as tx:
        assert await outbox.depth(tx) == (0, None)
    await append(db, "one", "two")
    async with db.write() as tx:
        first = await _head(tx)
        await outbox.mark(tx, first, state="sent")
        count, oldest = await outbox.depth(tx)
        second = await _head(tx)
    assert (count, oldest) == (1, second.created_at)


async def test_whoever_commits_something_to_say_wakes_the_sender(db: Database) -> None:
    woken: list[set[str]] = []
    db.on_commit = woken.append
    await append(db, "hello")
    assert woken == [{"deliver"}]


async def test_two_entries_cannot_have_one_dedupe_key_even_past_the_queries(db: Database) -> None:
    await append(db, "one", "two")
    first = await head(db)
    with pytest.raises(Conflict):
        async with db.write() as tx:
            await outbox.mark(tx, first, dedupe_key=f"{KEY}:two")


async def test_what_is_said_while_a_thread_is_given_back_stays_due(db: Database) -> None:
    await append(db, "one")
    [mine] = await claim(db, "one")
    await said(db)

    async def give_back() -> None:
        async with db.write() as tx:
            await outbox.release(tx, mine, not_before=None)

    async with db.write() as tx:
        await outbox.append(tx, KEY, "post", {"text": "two"}, dedupe_key=f"{KEY}:two")
        giving_back = asyncio.create_task(give_back())
        await held_up(db, giving_back)
    await giving_back
    assert (await thread(db)).due_at is not None
    [again] = await claim(db, "two")
    assert again.key == KEY
    assert await said(db) == ["two"]


@pytest.mark.parametrize("first", ["append", "insert"])
async def test_who_appends_and_who_puts_before_at_once_get_a_place_each(db: Database, first: str) -> None:
    await append(db, "one", "two")
    entry = await head(db)

    async def insert(tx: Transaction) -> None:
        await outbox.insert_before(tx, entry, "card", dedupe_key="card again")

    async def add(tx: Transaction) -> None:
        await outbox.append(tx, KEY, "post", {"text": "three"}, dedupe_key=f"{KEY}:three")

    async def alone(work: Callable[[Transaction], Awaitable[None]]) -> None:
        async with db.write() as tx:
            await work(tx)

    now, then = (add, insert) if first == "append" else (insert, add)
    async with db.write() as tx:
        await now(tx)
        other = asyncio.create_task(alone(then))
        await held_up(db, other)
    await other
    async with db.read() as tx:
        places = [row[0] for row in await tx.execute(select(tables.outbox.c.seq).order_by(tables.outbox.c.seq))]
    assert places == [0, 1, 2, 3]
    assert (await thread(db)).next_seq == 4
    assert await said(db) == ["card", "one", "two", "three"]


async def held_up(db: Database, task: asyncio.Task[None]) -> None:
    """Wait until the task waits for the transaction that is open here; on SQLite the gate sees to that."""
    if db.is_sqlite:
        return
    here = "datname = current_database() AND wait_event_type = 'Lock'"
    waiting = text(f"SELECT count(*) FROM pg_stat_activity WHERE {here}")  # noqa: S608  # a text of our own
    async with asyncio.timeout(5):
        while True:
            assert not task.done(), "it did not wait"
            async with db.read() as tx:
                if (await tx.execute(waiting)).scalar_one():
                    return


async def _head(tx: Transaction) -> Entry:
    found = await outbox.head(tx, KEY)
    assert found is not None
    return found
