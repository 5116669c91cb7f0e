"""Things that must wait, shared by restarts and replicas: one row a thing, moved by compare-and-set."""

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update

from bot.store.engine import Transaction
from bot.store.tables import not_before

PAUSED = "paused"  # creates are paused by the operator for as long as this row exists


async def take(tx: Transaction, key: str, spacing: timedelta) -> datetime | None:
    """Take the turn if it is free (None) and close it for `spacing`; else: when it will be free."""
    added = await tx.execute(
        tx.insert(not_before).values(key=key, at=tx.now + spacing).on_conflict_do_nothing().returning(not_before.c.key)
    )
    if added.first() is not None:
        return None
    free = (not_before.c.key == key, not_before.c.at <= tx.now)
    moved = await tx.execute(update(not_before).where(*free).values(at=tx.now + spacing).returning(not_before.c.key))
    return None if moved.first() is not None else await until(tx, key)


async def until(tx: Transaction, *keys: str) -> datetime | None:
    """When the last of these is free; None: now."""
    at: datetime | None = (
        await tx.execute(select(func.max(not_before.c.at)).where(not_before.c.key.in_(keys), not_before.c.at > tx.now))
    ).scalar_one()
    return at


async def close(tx: Transaction, key: str, at: datetime) -> None:
    """Nothing under this key before `at`."""
    statement = tx.insert(not_before).values(key=key, at=at)
    await tx.execute(statement.on_conflict_do_update(index_elements=["key"], set_={"at": at}))


async def clear(tx: Transaction, *keys: str) -> None:
    await tx.execute(delete(not_before).where(not_before.c.key.in_(keys)))


async def exists(tx: Transaction, key: str) -> bool:
    return (await tx.execute(select(not_before.c.key).where(not_before.c.key == key))).first() is not None


async def forget_older(tx: Transaction, free_before: datetime) -> None:
    """Drop what has been free for long; what is paused stays so."""
    await tx.execute(delete(not_before).where(not_before.c.at < free_before, not_before.c.key != PAUSED))
