"""Migrations: the tables that the code means are the tables that a database has, on both databases, there and back."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, insert, inspect, select
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from bot import startup
from bot.errors import OperatorError
from bot.store import migrate
from bot.store.engine import Database, driver_url
from bot.store.tables import events, metadata, outbox, requests, threads
from tests.integration.test_store_requests import a_request

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def url(empty_url: str) -> URL:
    return driver_url(empty_url)


@pytest.fixture
def connection(url: URL) -> Iterator[Connection]:
    engine = create_engine(migrate.sync_url(url), poolclass=NullPool)
    with engine.connect() as made:
        yield made
    engine.dispose()


def upgrade(url: URL, to: str = "head") -> None:
    command.upgrade(migrate.config(url), to)


def downgrade(url: URL, to: str = "base") -> None:
    command.downgrade(migrate.config(url), to)


def put_in(connection: Connection) -> None:
    """A row in each table that points at another, and JSON and times."""
    connection.execute(insert(requests).values(**a_request("CL-AAAAA", NOON, name="prod", warnings=["⚠ <b>"])))
    connection.execute(insert(threads).values(key="CL-AAAAA", channel="C1", next_seq=1, due_at=NOON))
    connection.execute(
        insert(outbox).values(
            id="o1",
            thread="CL-AAAAA",
            seq=0,
            kind="post",
            payload={"text": "ü"},
            dedupe_key="k",
            state="pending",
            created_at=NOON,
            next_at=NOON,
        )
    )
    connection.execute(insert(events).values(at=NOON, kind="request.submitted", actor="U1", data={"a": [1, None]}))
    connection.commit()


def whats_in(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    found = {
        table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
        for table in metadata.sorted_tables
    }
    connection.rollback()
    return found


def test_a_new_database_has_exactly_the_tables_of_the_code(url: URL, connection: Connection) -> None:
    upgrade(url)
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    assert compare_metadata(context, metadata) == []


def test_the_comparison_would_see_a_column_that_no_migration_makes(url: URL, connection: Connection) -> None:
    upgrade(url)
    connection.exec_driver_sql("ALTER TABLE requests DROP COLUMN muted")
    connection.commit()
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    assert "muted" in str(compare_metadata(context, metadata))


def test_up_down_and_up_again_leaves_a_database_that_works(url: URL, connection: Connection) -> None:
    upgrade(url)
    put_in(connection)
    downgrade(url)
    assert set(inspect(connection).get_table_names()) <= {"alembic_version"}
    connection.rollback()
    upgrade(url)
    assert not any(whats_in(connection).values())
    put_in(connection)
    assert [row["name"] for row in whats_in(connection)["requests"]] == ["prod"]


def test_migrating_what_is_migrated_changes_nothing_in_it(url: URL, connection: Connection) -> None:
    upgrade(url)
    put_in(connection)
    before = whats_in(connection)
    upgrade(url)
    assert whats_in(connection) == before
    assert before["events"][0]["data"] == {"a": [1, None]}
    assert before["requests"][0]["requested_at"] == NOON


def test_a_time_goes_in_from_any_zone_and_comes_out_as_utc(url: URL, connection: Connection) -> None:
    upgrade(url)
    kathmandu = NOON.astimezone(timezone(timedelta(hours=5, minutes=45)))
    connection.execute(insert(events).values(at=kathmandu, kind="k", actor="U1", data={}))
    at = connection.execute(select(events.c.at)).scalar_one()
    assert (at, at.tzinfo) == (NOON, UTC)


def test_a_time_without_its_zone_is_refused(url: URL, connection: Connection) -> None:
    upgrade(url)
    with pytest.raises(Exception, match="a time without its zone"):
        connection.execute(insert(events).values(at=NOON.replace(tzinfo=None), kind="k", actor="U1", data={}))


def test_every_revision_can_be_undone(url: URL, connection: Connection) -> None:
    scripts = ScriptDirectory.from_config(migrate.config(url))
    for revision in reversed(list(scripts.walk_revisions())):
        upgrade(url, revision.revision)
        downgrade(url, "-1")
        upgrade(url, revision.revision)
    assert MigrationContext.configure(connection).get_current_revision() == scripts.get_current_head()


async def test_the_start_migrates_an_sqlite_database_by_itself(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path / 'new.db'}")
    try:
        await startup.prepare_database(db)
        present, newest = await migrate.revision(db.url), migrate.newest()
    finally:
        await db.close()
    assert present == newest


async def test_the_start_refuses_a_postgresql_database_that_is_behind(postgres: Any) -> None:
    db = Database(postgres.empty())
    try:
        with pytest.raises(OperatorError) as refused:
            await startup.prepare_database(db)
        assert refused.value.exit_code == 1
        assert refused.value.lines == ["DATABASE_URL: the database is at nothing, not 0001; run: clusterbot migrate"]
        await migrate.upgrade(db.url)
        await startup.prepare_database(db)
    finally:
        await db.close()


async def test_a_database_that_does_not_answer_is_said_in_one_line_without_its_password() -> None:
    db = Database("postgresql://bot:s3cret@127.0.0.1:1/none")
    try:
        with pytest.raises(OperatorError) as refused:
            await startup.prepare_database(db)
    finally:
        await db.close()
    assert refused.value.lines == ["DATABASE_URL: the database does not answer (OperationalError)"]
    assert refused.value.exit_code == 1
