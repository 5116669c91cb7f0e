"""Queries on requests and their attempts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, func, insert, or_, select, update

from bot.errors import Stale
from bot.store.engine import Transaction
from bot.store.tables import attempts, requests


@dataclass(frozen=True)
class Request:
    """One request as its row stands; the columns are explained in tables.py."""

    id: str
    submit_key: str
    organization: str
    requester: str
    channel: str
    follows: str | None
    name: str
    name_key: str
    provider: str
    api_version: str
    body: Mapping[str, Any]
    spec_hash: str
    reason: str
    warnings: Sequence[str]
    labels: Mapping[str, str]
    state: str
    version: int
    approval: Mapping[str, Any]
    expires_at: datetime | None
    lease_owner: str | None
    lease_until: datetime | None
    fence: int
    next_at: datetime | None
    retry_count: int
    notice: str
    cluster_id: str | None
    refusal: Mapping[str, Any] | None
    status: str
    health: str
    watch: Mapping[str, Any]
    muted: bool
    requested_at: datetime
    decided_at: datetime | None
    submitted_at: datetime | None
    ready_at: datetime | None
    changed_at: datetime


@dataclass(frozen=True)
class Attempt:
    """One try at the create call, written down before it is sent."""

    id: int
    request_id: str
    fence: int
    precheck_at: datetime
    recorded_at: datetime
    answered_at: datetime | None
    outcome: str
    detail: str
    cluster_id: str | None


_COLUMNS = [requests.c[field.name] for field in fields(Request)]


async def _all(tx: Transaction, query: Select[Any]) -> list[Request]:
    return [Request(**row) for row in (await tx.execute(query)).mappings()]


async def _one(tx: Transaction, *where: Any) -> Request | None:
    found = await _all(tx, select(*_COLUMNS).where(*where))
    return found[0] if found else None


async def get(tx: Transaction, request_id: str, *, lock: bool = False) -> Request | None:
    """The request; `lock` holds its row until the transaction ends, so that whoever decides on it decides in turn."""
    query = select(*_COLUMNS).where(requests.c.id == request_id)
    found = await _all(tx, query.with_for_update() if lock else query)
    return found[0] if found else None


async def by_submit_key(tx: Transaction, key: str) -> Request | None:
    return await _one(tx, requests.c.submit_key == key)


async def holding_name(tx: Transaction, organization: str, name_key: str, live: Collection[str]) -> Request | None:
    """The live request that holds this name, if any."""
    return await _one(
        tx, requests.c.organization == organization, requests.c.name_key == name_key, requests.c.state.in_(live)
    )


async def count_open(tx: Transaction, requester: str, states: Collection[str]) -> int:
    query = select(func.count()).where(requests.c.requester == requester, requests.c.state.in_(states))
    return int((await tx.execute(query)).scalar_one())


async def in_states(tx: Transaction, states: Collection[str]) -> list[Request]:
    return await _all(tx, select(*_COLUMNS).where(requests.c.state.in_(states)).order_by(requests.c.requested_at))


async def has_any(tx: Transaction, states: Collection[str]) -> bool:
    return (await tx.execute(select(requests.c.id).where(requests.c.state.in_(states)).limit(1))).first() is not None


async def of_person(tx: Transaction, requester: str, *, limit: int) -> tuple[list[Request], int]:
    """(the newest of this person's requests, how many there are in all)."""
    mine = requests.c.requester == requester
    newest = await _all(tx, select(*_COLUMNS).where(mine).order_by(requests.c.requested_at.desc()).limit(limit))
    return newest, int((await tx.execute(select(func.count()).where(mine))).scalar_one())


async def ids_by_cluster(tx: Transaction) -> dict[str, str]:
    """The request behind each cluster that this bot made or adopted."""
    query = select(requests.c.cluster_id, requests.c.id).where(requests.c.cluster_id.is_not(None))
    return {row[0]: row[1] for row in await tx.execute(query)}


async def expired(tx: Transaction, state: str) -> list[Request]:
    """Those in `state` whose time to be decided is over."""
    return await _all(tx, select(*_COLUMNS).where(requests.c.state == state, requests.c.expires_at <= tx.now))


async def with_cluster(tx: Transaction, cluster_id: str) -> Request | None:
    return await _one(tx, requests.c.cluster_id == cluster_id)


async def count_by_state(tx: Transaction) -> dict[str, int]:
    query = select(requests.c.state, func.count()).group_by(requests.c.state)
    return {row[0]: int(row[1]) for row in await tx.execute(query)}


async def times_to_ready(tx: Transaction, *, last: int = 50) -> list[timedelta]:
    """How long the newest clusters took from the create call until they were ready."""
    query = (
        select(requests.c.submitted_at, requests.c.ready_at)
        .where(requests.c.ready_at.is_not(None), requests.c.submitted_at.is_not(None))
        .order_by(requests.c.ready_at.desc())
        .limit(last)
    )
    return [row[1] - row[0] for row in await tx.execute(query)]


async def add(tx: Transaction, values: Mapping[str, Any]) -> Request:
    await tx.execute(insert(requests).values(**values))
    added = await get(tx, values["id"])
    if added is None:
        raise LookupError(values["id"])
    return added


async def change(tx: Transaction, request: Request, values: Mapping[str, Any]) -> Request:
    """Write `values` if nobody changed the row since `request` was read.

    Raises:
        Stale: somebody did; nothing is written.
    """
    where = (requests.c.id == request.id, requests.c.version == request.version, requests.c.fence == request.fence)
    query = update(requests).where(*where).values(version=request.version + 1, **values).returning(*_COLUMNS)
    row = (await tx.execute(query)).mappings().first()
    if row is None:
        raise Stale("it has just been changed by somebody else. Look at its card, and try again")
    return Request(**row)


async def claim(
    tx: Transaction, states: Collection[str], *, owner: str, lease: timedelta, limit: int = 20
) -> list[Request]:
    """Take the due rows in these states that nobody holds: each under a new fence, for the time of a lease."""
    free = or_(requests.c.lease_until.is_(None), requests.c.lease_until < tx.now)
    due = or_(requests.c.next_at.is_(None), requests.c.next_at <= tx.now)
    chosen = (
        select(requests.c.id)
        .where(and_(requests.c.state.in_(states), free, due))
        .order_by(requests.c.next_at, requests.c.requested_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    query = (
        update(requests)
        .where(requests.c.id.in_(chosen))
        .values(lease_owner=owner, lease_until=tx.now + lease, fence=requests.c.fence + 1)
        .returning(*_COLUMNS)
    )
    claimed = [Request(**row) for row in (await tx.execute(query)).mappings()]
    return sorted(claimed, key=lambda request: request.requested_at)


async def release(tx: Transaction, request: Request, *, next_at: datetime | None, **values: Any) -> None:
    """Give a claimed row back, to be looked at again at `next_at`; quietly nothing where the claim was lost."""
    await tx.execute(
        update(requests)
        .where(requests.c.id == request.id, requests.c.fence == request.fence)
        .values(lease_owner=None, lease_until=None, next_at=next_at, **values)
    )
    tx.wakes.add("create")


async def next_due(tx: Transaction, states: Collection[str]) -> datetime | None:
    """When the earliest row in these states wants to be looked at; one that is being worked on wants nothing."""
    free = or_(requests.c.lease_until.is_(None), requests.c.lease_until < tx.now)
    query = select(func.min(requests.c.next_at)).where(requests.c.state.in_(states), free)
    found: datetime | None = (await tx.execute(query)).scalar_one()
    return found


async def add_attempt(tx: Transaction, request: Request, *, precheck_at: datetime) -> int:
    query = insert(attempts).values(
        request_id=request.id, fence=request.fence, precheck_at=precheck_at, recorded_at=tx.now, outcome="", detail=""
    )
    result = await tx.execute(query)
    return int(result.inserted_primary_key[0])


async def answer_attempt(
    tx: Transaction, attempt_id: int, *, outcome: str, detail: str = "", cluster_id: str | None = None
) -> None:
    await tx.execute(
        update(attempts)
        .where(attempts.c.id == attempt_id)
        .values(answered_at=tx.now, outcome=outcome, detail=detail[:2000], cluster_id=cluster_id)
    )


async def attempts_of(tx: Transaction, request_id: str) -> list[Attempt]:
    """Newest first."""
    query = select(attempts).where(attempts.c.request_id == request_id).order_by(attempts.c.id.desc())
    return [Attempt(**row) for row in (await tx.execute(query)).mappings()]
