"""Alembic from within: bring a database to the newest shape, or say how far behind it is."""

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

import bot
from bot.errors import OperatorError


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
    except SQLAlchemyError as error:
        raise OperatorError(f"DATABASE_URL: the database cannot be migrated ({_short(error)})", exit_code=1) from error


async def revisions(url: URL) -> tuple[str | None, str]:
    """(the database's revision, the newest revision)."""

    def look() -> tuple[str | None, str]:
        engine = create_engine(sync_url(url))
        try:
            with engine.connect() as connection:
                present = MigrationContext.configure(connection).get_current_revision()
        finally:
            engine.dispose()
        newest = ScriptDirectory.from_config(config(url)).get_current_head()
        if newest is None:
            raise RuntimeError("the package has no migrations")
        return present, newest

    try:
        return await asyncio.to_thread(look)
    except SQLAlchemyError as error:
        raise OperatorError(f"DATABASE_URL: the database does not answer ({_short(error)})", exit_code=1) from error


def _short(error: SQLAlchemyError) -> str:
    """What went wrong without the statement or the URL, either of which may hold what nobody should read."""
    cause = getattr(error, "orig", None) or error
    return type(cause).__name__
