"""Requests in the database: who may change a row, who may claim it, and which names are held."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.clusters.lifecycle import LIVE, State
from bot.errors import Stale
from bot.store import requests
from bot.store.engine import Conflict, Database, utc_now
from bot.store.requests import Request
from bot.store.tables import HOLDS_NAME

LEASE = timedelta(seconds=30)
EVERY_STATE = [state.value for state in State]


def a_request(request_id: str, now: datetime, **values: Any) -> dict[str, Any]:
    """The columns of a queued request; what is named takes the place of what is here."""
    name = values.get("name", request_id.lower())
    return {
        "id": request_id,
        "submit_key": f"key of {request_id}",
        "organization": "org",
        "requester": "U1",
        "channel": "C1",
        "name": name,
        "name_key": name.casefold(),
        "provider": "AWS",
        "api_version": "v1",
        "body": {"name": name},
        "spec_hash": "0" * 64,
        "warnings": [],
        "labels": {},
        "state": State.QUEUED.value,
        "version": 1,
        "approval": {},
        "watch": {},
        "requested_at": now,
        "changed_at": now,
        **values,
    }


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    made = Database(database_url)
    yield made
    await made.close()


async def add(db: Database, request_id: str, **values: Any) -> Request:
    async with db.write() as tx:
        return await requests.add(tx, a_request(request_id, tx.now, **values))


async def get(db: Database, request_id: str) -> Request:
    async with db.read() as tx:
        found = await requests.get(tx, request_id)
    assert found is not None
    return found


async def claim(db: Database, owner: str, **more: Any) -> list[Request]:
    async with db.write() as tx:
        return await requests.claim(tx, [State.QUEUED], owner=owner, lease=more.pop("lease", LEASE), **more)


# --- compare-and-set --------------------------------------------------------------------------------------------------


async def test_a_change_raises_the_version_and_returns_the_row_as_it_stands_now(db: Database) -> None:
    request = await add(db, "CL-AAAAA")
    async with db.write() as tx:
        changed = await requests.change(tx, request, {"notice": "hello"})
    assert (changed.version, changed.notice) == (2, "hello")
    assert await get(db, "CL-AAAAA") == changed


async def test_of_two_who_read_the_same_row_the_second_is_told_and_writes_nothing(db: Database) -> None:
    request = await add(db, "CL-AAAAA")
    async with db.write() as tx:
        await requests.change(tx, request, {"notice": "first"})
    with pytest.raises(Stale):
        async with db.write() as tx:
            await requests.change(tx, request, {"notice": "second"})
    assert (await get(db, "CL-AAAAA")).notice == "first"


async def test_of_many_at_once_exactly_one_changes_the_row(db: Database) -> None:
    request = await add(db, "CL-AAAAA")

    async def decide(who: int) -> bool:
        try:
            async with db.write() as tx:
                await requests.change(tx, request, {"notice": f"decided by {who}"})
        except Stale:
            return False
        return True

    assert Counter(await asyncio.gather(*(decide(who) for who in range(16)))) == {True: 1, False: 15}
    assert (await get(db, "CL-AAAAA")).version == 2


async def test_who_lost_the_claim_can_no_longer_change_the_row(db: Database) -> None:
    await add(db, "CL-AAAAA")
    [mine] = await claim(db, "one", lease=timedelta(seconds=-1))  # over as soon as it is taken
    [theirs] = await claim(db, "two")
    assert theirs.fence == mine.fence + 1
    with pytest.raises(Stale):
        async with db.write() as tx:
            await requests.change(tx, mine, {"notice": "too late"})
    async with db.write() as tx:
        await requests.release(tx, mine, next_at=None)  # quietly nothing
    assert await get(db, "CL-AAAAA") == theirs


async def test_a_step_that_fails_leaves_nothing_of_its_transaction(db: Database) -> None:
    async def fail() -> None:
        async with db.write() as tx:
            await requests.add(tx, a_request("CL-AAAAA", tx.now))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with db.read() as tx:
        assert await requests.get(tx, "CL-AAAAA") is None


# --- claims -----------------------------------------------------------------------------------------------------------


async def test_many_claimers_at_once_share_the_rows_without_doubling_one(db: Database, database_url: str) -> None:
    ids = [f"CL-{number:05}" for number in range(60)]
    for each in ids:
        await add(db, each)
    other = Database(database_url) if not db.is_sqlite else db  # another process, where there can be one
    try:
        claims = await asyncio.gather(*(claim([db, other][n % 2], f"owner {n}", limit=7) for n in range(12)))
    finally:
        if other is not db:
            await other.close()
    claimed = [request.id for each in claims for request in each]
    assert max(Counter(claimed).values()) == 1
    async with db.read() as tx:
        held = {each.id: each.lease_owner for each in await requests.in_states(tx, EVERY_STATE) if each.lease_owner}
    assert held == {request.id: f"owner {n}" for n, each in enumerate(claims) for request in each}
    rest = [request.id for request in await claim(db, "the last", limit=60)]
    assert sorted(claimed + rest) == ids


async def test_a_claimed_row_is_nobody_elses_until_its_lease_is_over(db: Database) -> None:
    await add(db, "CL-AAAAA")
    [mine] = await claim(db, "one")
    assert mine.lease_until is not None
    assert await claim(db, "two") == []
    async with db.write() as tx:
        await requests.release(tx, mine, next_at=None)
    [theirs] = await claim(db, "two")
    assert (theirs.lease_owner, theirs.fence) == ("two", mine.fence + 1)


async def test_a_row_is_claimed_only_when_it_is_due_and_in_one_of_the_states(db: Database) -> None:
    async with db.write() as tx:
        soon = tx.now + timedelta(hours=1)
        await requests.add(tx, a_request("CL-DUEEE", tx.now, next_at=tx.now))
        await requests.add(tx, a_request("CL-NEVER", tx.now, next_at=None))
        await requests.add(tx, a_request("CL-LATER", tx.now, next_at=soon))
        await requests.add(tx, a_request("CL-ELSEE", tx.now, next_at=tx.now, state=State.READY.value))
    assert {each.id for each in await claim(db, "one")} == {"CL-DUEEE", "CL-NEVER"}
    async with db.read() as tx:
        assert await requests.next_due(tx, [State.READY]) == (await get(db, "CL-ELSEE")).next_at


async def test_no_more_rows_are_claimed_than_wanted(db: Database) -> None:
    for number in range(5):
        await add(db, f"CL-{number:05}")
    assert len(await claim(db, "one", limit=3)) == 3


async def test_the_time_of_a_transaction_is_utc_and_the_databases_own_on_postgresql(db: Database) -> None:
    fixed = datetime(2020, 1, 1, tzinfo=UTC)
    ours = Database(db.url.render_as_string(hide_password=False), clock=lambda: fixed)
    try:
        async with ours.read() as tx:
            now = tx.now
    finally:
        await ours.close()
    assert now.tzinfo == UTC
    assert (now == fixed) == db.is_sqlite
    if not db.is_sqlite:
        assert abs(now - utc_now()) < timedelta(seconds=5)


# --- names ------------------------------------------------------------------------------------------------------------


def test_the_index_on_names_means_the_very_states_that_are_live() -> None:
    assert set(re.findall(r"'(\w+)'", HOLDS_NAME.text)) == {state.value for state in LIVE}


@pytest.mark.parametrize("state", EVERY_STATE)
async def test_a_name_is_held_exactly_by_a_request_that_is_live(db: Database, state: str) -> None:
    await add(db, "CL-FIRST", name="Prod", state=state)
    if state in LIVE:
        with pytest.raises(Conflict):
            await add(db, "CL-SECND", name="prod")
    else:
        await add(db, "CL-SECND", name="prod")
    async with db.read() as tx:
        holder = await requests.holding_name(tx, "org", "prod", LIVE)
    assert holder is not None
    assert holder.id == ("CL-FIRST" if state in LIVE else "CL-SECND")


async def test_another_organization_may_use_the_same_name(db: Database) -> None:
    await add(db, "CL-FIRST", name="prod")
    await add(db, "CL-SECND", name="prod", organization="another")


async def test_a_row_that_becomes_live_again_meets_the_new_holder_of_its_name(db: Database) -> None:
    failed = await add(db, "CL-FIRST", name="prod", state=State.FAILED.value)
    await add(db, "CL-SECND", name="prod")
    with pytest.raises(Conflict):
        async with db.write() as tx:
            await requests.change(tx, failed, {"state": State.QUEUED.value})
    assert await get(db, "CL-FIRST") == failed


async def test_one_form_makes_one_request_and_one_cluster_belongs_to_one(db: Database) -> None:
    await add(db, "CL-FIRST", submit_key="s", cluster_id="c1", state=State.READY.value)
    with pytest.raises(Conflict):
        await add(db, "CL-SECND", submit_key="s")
    with pytest.raises(Conflict):
        await add(db, "CL-THIRD", cluster_id="c1", state=State.READY.value)


# --- attempts ---------------------------------------------------------------------------------------------------------


async def test_attempts_are_kept_newest_first_with_the_id_that_came_back(db: Database) -> None:
    request = await add(db, "CL-AAAAA")
    async with db.write() as tx:
        first = await requests.add_attempt(tx, request, precheck_at=tx.now)
        second = await requests.add_attempt(tx, request, precheck_at=tx.now)
        await requests.answer_attempt(tx, first, outcome="late", detail="x" * 5000, cluster_id="c1")
    async with db.read() as tx:
        kept = await requests.attempts_of(tx, "CL-AAAAA")
    assert [each.id for each in kept] == [second, first]
    assert (kept[1].outcome, kept[1].cluster_id, len(kept[1].detail)) == ("late", "c1", 2000)
    assert kept[0].answered_at is None
