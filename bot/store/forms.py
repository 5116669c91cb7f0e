"""Queries on opened forms, and on the last good copies of what Astro offers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select

from bot.store.engine import Transaction
from bot.store.tables import choices, forms


@dataclass(frozen=True)
class Form:
    """A modal that was opened: by whom, where, and under which key its request will be stored at most once."""

    id: str
    submit_key: str
    person: str
    channel: str
    follows: str | None
    opened_at: datetime


async def add(tx: Transaction, values: Mapping[str, Any]) -> None:
    await tx.execute(insert(forms).values(**values, opened_at=tx.now))


async def get(tx: Transaction, form_id: str) -> Form | None:
    row = (await tx.execute(select(forms).where(forms.c.id == form_id))).mappings().first()
    return Form(**row) if row else None


async def forget_older(tx: Transaction, opened_before: datetime) -> None:
    await tx.execute(delete(forms).where(forms.c.opened_at < opened_before))


async def keep_choice(tx: Transaction, name: str, document: Any) -> None:
    row = {"document": document, "fetched_at": tx.now}
    statement = tx.insert(choices).values(name=name, **row)
    await tx.execute(statement.on_conflict_do_update(index_elements=["name"], set_=row))


async def kept_choices(tx: Transaction) -> dict[str, tuple[Any, datetime]]:
    rows = await tx.execute(select(choices.c.name, choices.c.document, choices.c.fetched_at))
    return {row[0]: (row[1], row[2]) for row in rows}
