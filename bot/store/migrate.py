"""Alembic from within: bring a database to the newest shape, or say how far behind it is."""

import asyncio
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

import bot
from bot.errors import OperatorError
from bot.store.engine import Database

NEWER = "the database was made by a newer version of this bot; run that one"
ANSWER_SECONDS = 2.0  # a probe must not hang with what it probes


def config(url: URL) -> Config:
    """Alembic's configuration: the migrations lie inside an installed package, beside it in a checkout."""
    package = Path(bot.__file__).parent
    scripts = next(path for path in (package / "migrations", package.parent / "migrations") if path.is_dir())
    settings = Config()
    settings.set_main_option("script_location", str(scripts))
    settings.attributes["url"] = sync_url(url)
    return settings


def sync_url(url: URL) -> URL:
    """Alembic runs without asyncio: the same database by its plain driver."""
    return url.set(drivername="sqlite") if url.get_backend_name() == "sqlite" else url


async def upgrade(url: URL) -> None:
    """Bring the database to the newest revision.

    Raises:
        OperatorError: it cannot be reached or written.
    """
    try:
        await asyncio.to_thread(command.upgrade, config(url), "head")
    except CommandError:
        raise OperatorError(f"DATABASE_URL: {NEWER}", exit_code=1) from None
    except SQLAlchemyError as error:
        raise OperatorError(f"DATABASE_URL: the database cannot be migrated ({_short(error)})", exit_code=1) from error


@cache
def newest() -> str:
    """The revision that this code needs."""
    found = ScriptDirectory.from_config(config(make_url("sqlite://"))).get_current_head()
    if found is None:
        raise RuntimeError("the package has no migrations")
    return found


async def fault(db: Database) -> str:
    """Why the database can't be worked with just now; empty: it can."""
    if db.is_sqlite and not _exists(db.url):
        return "the database does not answer (its file is gone)"  # an open connection would never notice
    try:
        async with asyncio.timeout(ANSWER_SECONDS), db.read() as tx:
            present = (await tx.execute(text("SELECT version_num FROM alembic_version"))).scalar_one()
    except Exception as fault:
        return f"the database does not answer ({type(fault).__name__})"
    return behind(present)


def behind(present: str | None) -> str:
    """What is wrong with a database at this revision, and the way out; empty: nothing."""
    if present == newest():
        return ""
    known = {each.revision for each in ScriptDirectory.from_config(config(make_url("sqlite://"))).walk_revisions()}
    if present is not None and present not in known:
        return NEWER
    return f"the database is at {present or 'nothing'}, not {newest()}; run: clusterbot migrate"


async def revision(url: URL) -> str | None:
    """The database's revision, None where it has none yet. An SQLite file that isn't there is not made by looking."""

    def look() -> str | None:
        if url.get_backend_name() == "sqlite" and not _exists(url):
            return None
        engine = create_engine(sync_url(url))
        try:
            with engine.connect() as connection:
                return MigrationContext.configure(connection).get_current_revision()
        finally:
            engine.dispose()

    try:
        return await asyncio.to_thread(look)
    except SQLAlchemyError as error:
        raise OperatorError(f"DATABASE_URL: the database does not answer ({_short(error)})", exit_code=1) from error


def _exists(url: URL) -> bool:
    return Path(url.database or "").exists()


def _short(error: SQLAlchemyError) -> str:
    """What went wrong without the statement or the URL, either of which may hold what nobody should read."""
    cause = getattr(error, "orig", None) or error
    return type(cause).__name__
