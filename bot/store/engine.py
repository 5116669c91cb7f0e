"""Engines, and the two ways to use them: `Database.read()` and `Database.write()`.

SQLite: every write goes through one FIFO gate on one connection with BEGIN IMMEDIATE, in WAL with synchronous=FULL;
reads have an engine of their own. Without a gate, concurrent writers wait for each other by busy-polling and some end
in "database is locked"; with it they queue in order.
PostgreSQL: any number of processes; the time in a transaction is the database's.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import event, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import StaticPool

from bot.errors import OperatorError

Clock = Callable[[], datetime]
Conflict = IntegrityError  # two transactions wanted the same unique value; the later one is told so at its end
BUSY_SECONDS = 1.5  # how long SQLite waits for another process (`clusterbot export` beside `run`), within Slack's 3 s


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Transaction:
    """One transaction: its connection, its time, and who should be woken once it is committed."""

    connection: AsyncConnection
    now: datetime
    wakes: set[str] = field(default_factory=set)

    async def execute(self, statement: Any) -> Any:
        return await self.connection.execute(statement)

    async def alone(self, key: str) -> None:
        """Nobody else gets past the same key until this transaction ends. SQLite's transactions are alone as it is."""
        if self.connection.dialect.name == "postgresql":
            await self.execute(select(func.pg_advisory_xact_lock(func.hashtext(key))))

    def insert(self, table: Any) -> Any:
        """An INSERT that knows ON CONFLICT, in the dialect at hand."""
        dialect = self.connection.dialect.name
        return (sqlite if dialect == "sqlite" else postgresql).insert(table)


class Database:
    """The bot's database, SQLite or PostgreSQL by its URL.

    `on_commit` is called with the names in `Transaction.wakes` after each commit: the sender and the creator start at
    once instead of waiting for their tick.
    """

    def __init__(self, url: str, *, clock: Clock = utc_now) -> None:
        self.url = driver_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.on_commit: Callable[[set[str]], None] = lambda _: None
        self._clock = clock
        self._gate = asyncio.Lock()
        self._writer, self._reader = _engines(self.url)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Transaction]:
        """A transaction that commits at the end of the block, or leaves nothing; never held across a call outside."""
        async with self._gate if self.is_sqlite else _open(), self._writer.connect() as connection, connection.begin():
            transaction = Transaction(connection, await self._time(connection))
            yield transaction
        if transaction.wakes:
            self.on_commit(transaction.wakes)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Transaction]:
        """A consistent look that changes nothing."""
        async with self._reader.connect() as connection:
            yield Transaction(connection, await self._time(connection))

    @asynccontextmanager
    async def between_writes(self) -> AsyncIterator[None]:
        """No write is under way inside this block: the place to cancel tasks that use the database.

        A task that is cancelled inside a transaction takes its connection along. SQLite's only writing connection would
        then keep the lock on the file until it is collected, and whoever writes next would wait in vain.
        """
        async with self._gate if self.is_sqlite else _open():
            yield

    async def drain(self, tasks: Collection[asyncio.Task[None]], seconds: float) -> None:
        """Let tasks that use the database end; what is left after `seconds` is cut off between two transactions."""
        if not tasks:
            return
        _, left = await asyncio.wait(tasks, timeout=seconds)
        async with self.between_writes():
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def close(self) -> None:
        await self._writer.dispose()
        await self._reader.dispose()

    async def _time(self, connection: AsyncConnection) -> datetime:
        if self.is_sqlite:
            return self._clock()
        now: datetime = (await connection.execute(select(func.clock_timestamp()))).scalar_one()
        return now.astimezone(UTC)


def driver_url(url: str) -> URL:
    """The URL with the driver that we choose: aiosqlite or psycopg.

    Raises:
        OperatorError: the URL cannot be read.
    """
    try:
        parsed = make_url(url)
    except Exception:
        raise OperatorError("DATABASE_URL: cannot be read") from None
    drivers = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
    return parsed.set(drivername=drivers[parsed.drivername.split("+")[0]])


def _open() -> AbstractAsyncContextManager[None]:
    @asynccontextmanager
    async def nothing() -> AsyncIterator[None]:
        yield

    return nothing()


def _engines(url: URL) -> tuple[AsyncEngine, AsyncEngine]:
    if url.get_backend_name() == "postgresql":
        engine = create_async_engine(
            url,
            pool_size=10,
            max_overflow=10,
            pool_pre_ping=True,
            pool_timeout=2,
            # A database that takes no answer or no end is as good as away, and people are told within Slack's 3 s.
            connect_args={"connect_timeout": 2, "keepalives_idle": 5, "options": "-c statement_timeout=10000"},
        )
        return engine, engine
    writer = create_async_engine(url, poolclass=StaticPool, connect_args={"timeout": BUSY_SECONDS})
    reader = create_async_engine(url, pool_size=4, connect_args={"timeout": BUSY_SECONDS})
    for engine, begin in ((writer, "BEGIN IMMEDIATE"), (reader, "BEGIN")):
        _tune_sqlite(engine, begin)
    return writer, reader


def _tune_sqlite(engine: AsyncEngine, begin: str) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def connect(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # the driver would otherwise begin by itself, and deferred
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def start(connection: Any) -> None:
        connection.exec_driver_sql(begin)
