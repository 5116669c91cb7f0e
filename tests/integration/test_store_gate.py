"""The database engine: many writers at once, none of whom fails, and readers who never wait for them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.store import events, forms, pace
from bot.store.engine import Database

WRITERS = 64


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    made = Database(database_url)
    yield made
    await made.close()


@pytest.fixture
async def sqlite_db(tmp_path: Path) -> AsyncIterator[Database]:
    made = Database(f"sqlite:///{tmp_path / 'bot.db'}")
    async with made.write() as tx:
        await tx.execute(text("CREATE TABLE counter (n INTEGER)"))
        await tx.execute(text("INSERT INTO counter VALUES (0)"))
    yield made
    await made.close()


async def kinds(db: Database) -> list[str]:
    async with db.read() as tx:
        return [str(event["kind"]) async for event in events.every(tx, page=10)]


async def test_many_writers_at_once_all_get_through(db: Database) -> None:
    async def write(number: int) -> None:
        async with db.write() as tx:
            await events.add(tx, f"k{number}", actor="bot")

    await asyncio.gather(*(write(number) for number in range(WRITERS)))
    assert sorted(await kinds(db)) == sorted(f"k{number}" for number in range(WRITERS))


async def test_on_sqlite_writers_take_their_turns_in_the_order_in_which_they_came(sqlite_db: Database) -> None:
    order: list[int] = []

    async def write(number: int) -> None:
        async with sqlite_db.write() as tx:
            order.append(number)
            await tx.execute(text("UPDATE counter SET n = n + 1"))

    await asyncio.gather(*(write(number) for number in range(WRITERS)))
    assert order == list(range(WRITERS))


async def test_read_then_write_loses_no_update(sqlite_db: Database) -> None:
    async def count() -> int:
        async with sqlite_db.write() as tx:
            seen = int((await tx.execute(text("SELECT n FROM counter"))).scalar_one())
            await asyncio.sleep(0)  # let the others in, if anything would
            await tx.execute(text(f"UPDATE counter SET n = {seen + 1}"))  # noqa: S608  # a number of our own
            return seen

    assert sorted(await asyncio.gather(*(count() for _ in range(WRITERS)))) == list(range(WRITERS))


async def test_a_reader_neither_waits_for_a_writer_nor_sees_its_half(db: Database) -> None:
    async with db.write() as tx:
        await events.add(tx, "half", actor="bot")
        async with asyncio.timeout(1):
            assert await kinds(db) == []
    assert await kinds(db) == ["half"]


async def test_a_writer_that_fails_leaves_nothing_and_lets_the_next_one_in(db: Database) -> None:
    async def fail() -> None:
        async with db.write() as tx:
            await events.add(tx, "lost", actor="bot")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with asyncio.timeout(1), db.write() as tx:
        await events.add(tx, "kept", actor="bot")
    assert await kinds(db) == ["kept"]


async def test_a_writer_that_is_cancelled_lets_the_next_one_in(db: Database) -> None:
    inside = asyncio.Event()

    async def hang() -> None:
        async with db.write() as tx:
            await events.add(tx, "lost", actor="bot")
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hang())
    await inside.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with asyncio.timeout(2), db.write() as tx:
        await events.add(tx, "kept", actor="bot")
    assert await kinds(db) == ["kept"]


async def test_who_should_be_woken_is_woken_once_it_is_committed_and_not_before(db: Database) -> None:
    woken: list[set[str]] = []
    db.on_commit = woken.append
    async with db.write() as tx:
        tx.wakes |= {"deliver", "create"}
        assert woken == []
    assert woken == [{"deliver", "create"}]

    async def fail() -> None:
        async with db.write() as tx:
            tx.wakes.add("deliver")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert len(woken) == 1


async def test_sqlite_writes_through_to_the_disk_and_checks_what_rows_point_at(sqlite_db: Database) -> None:
    async with sqlite_db.write() as tx:
        settings = {
            name: (await tx.execute(text(f"PRAGMA {name}"))).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


async def test_another_process_may_write_on_one_sqlite_file_meanwhile(sqlite_db: Database) -> None:
    other = Database(sqlite_db.url.render_as_string())
    try:
        for db in (sqlite_db, other) * 8:
            async with db.write() as tx:
                await tx.execute(text("UPDATE counter SET n = n + 1"))
    finally:
        await other.close()
    async with sqlite_db.read() as tx:
        assert (await tx.execute(text("SELECT n FROM counter"))).scalar_one() == 16


# --- the audit trail --------------------------------------------------------------------------------------------------


async def test_all_events_come_in_order_over_all_pages(db: Database) -> None:
    async with db.write() as tx:
        numbers = [await events.add(tx, f"k{n}", actor="U1", request_id="CL-AAAAA") for n in range(25)]
        await events.add(tx, "other", actor="U2", request_id="CL-BBBBB", data={"reason": "ü"})
    assert numbers == sorted(numbers)
    assert await kinds(db) == [*(f"k{n}" for n in range(25)), "other"]
    async with db.read() as tx:
        [of_other] = await events.of_request(tx, "CL-BBBBB")
    assert (of_other["actor"], of_other["data"]) == ("U2", {"reason": "ü"})


# --- forms and choices ------------------------------------------------------------------------------------------------


async def test_a_form_is_known_until_it_is_forgotten(db: Database) -> None:
    async with db.write() as tx:
        await forms.add(tx, {"id": "f1", "submit_key": "s1", "person": "U1", "channel": "C1", "follows": None})
        opened = tx.now
    async with db.write() as tx:
        form = await forms.get(tx, "f1")
        assert form is not None
        assert (form.submit_key, form.person, form.opened_at) == ("s1", "U1", opened)
        await forms.forget_older(tx, opened)
        assert await forms.get(tx, "f1") == form
        await forms.forget_older(tx, opened + timedelta(microseconds=1))
        assert await forms.get(tx, "f1") is None


async def test_a_copy_of_what_astro_offers_takes_the_place_of_the_last(db: Database) -> None:
    for document in ([{"name": "a"}], [{"name": "ü"}]):
        async with db.write() as tx:
            await forms.keep_choice(tx, "workspaces", document)
            at = tx.now
    async with db.read() as tx:
        assert await forms.kept_choices(tx) == {"workspaces": ([{"name": "ü"}], at)}


# --- things that must wait --------------------------------------------------------------------------------------------


async def test_a_turn_is_taken_once_and_then_closed_for_the_spacing(db: Database) -> None:
    async with db.write() as tx:
        assert await pace.take(tx, "create:AWS", timedelta(hours=1)) is None
        closed_until = tx.now + timedelta(hours=1)
    async with db.write() as tx:
        assert await pace.take(tx, "create:AWS", timedelta(hours=1)) == closed_until
        assert await pace.take(tx, "create:GCP", timedelta(0)) is None
        assert await pace.until(tx, "create:AWS", "create:GCP", "create:AZURE") == closed_until
    async with db.write() as tx:
        assert await pace.take(tx, "create:GCP", timedelta(hours=1)) is None  # its spacing is over
        await pace.clear(tx, "create:AWS")
        assert await pace.until(tx, "create:AWS") is None


async def test_of_many_who_want_one_turn_one_gets_it(db: Database) -> None:
    async def want() -> bool:
        async with db.write() as tx:
            return await pace.take(tx, "post:C1", timedelta(hours=1)) is None

    assert sum(await asyncio.gather(*(want() for _ in range(16)))) == 1


async def test_a_pause_stands_until_it_is_cleared(db: Database) -> None:
    async with db.write() as tx:
        await pace.close(tx, pace.PAUSED, tx.now)
        await pace.close(tx, pace.PAUSED, tx.now)
    async with db.read() as tx:
        assert await pace.exists(tx, pace.PAUSED)
    async with db.write() as tx:
        await pace.clear(tx, pace.PAUSED)
        assert not await pace.exists(tx, pace.PAUSED)
