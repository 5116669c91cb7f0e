"""Queries on the audit trail. Rows are added and read, never changed."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from sqlalchemy import insert, select

from bot.store.engine import Transaction
from bot.store.tables import events


async def add(
    tx: Transaction,
    kind: str,
    *,
    actor: str,
    request_id: str | None = None,
    before: str = "",
    after: str = "",
    rule: str = "",
    data: Mapping[str, Any] | None = None,
) -> int:
    """Returns the event's number."""
    row = {
        "at": tx.now,
        "request_id": request_id,
        "kind": kind,
        "actor": actor,
        "before": before,
        "after": after,
        "rule": rule,
        "data": dict(data or {}),
    }
    result = await tx.execute(insert(events).values(**row))
    return int(result.inserted_primary_key[0])


async def every(tx: Transaction, *, page: int = 1000) -> AsyncIterator[dict[str, Any]]:
    """All events in order, read page by page."""
    last = 0
    while rows := list(
        (await tx.execute(select(events).where(events.c.id > last).order_by(events.c.id).limit(page))).mappings()
    ):
        for row in rows:
            yield dict(row)
        last = rows[-1]["id"]


async def of_request(tx: Transaction, request_id: str) -> list[dict[str, Any]]:
    query = select(events).where(events.c.request_id == request_id).order_by(events.c.id)
    return [dict(row) for row in (await tx.execute(query)).mappings()]
