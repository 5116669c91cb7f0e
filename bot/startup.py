"""What must hold before the bot starts: a policy that can be read, a database that is its own and in shape."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import structlog

from bot.clusters import policy as policies
from bot.clusters.policy import Policy
from bot.errors import OperatorError
from bot.store import migrate
from bot.store.engine import Database

log = structlog.get_logger()


def load_policy(path: Path) -> Policy:
    """The policy in this file; a file that is absent or empty allows nobody anything.

    Raises:
        OperatorError: a line for each fault in it.
    """
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
    except (OSError, UnicodeDecodeError) as fault:
        raise OperatorError(f"POLICY_FILE: {path.name} cannot be read ({type(fault).__name__})") from None
    policy = policies.load(text)
    if policy.requesters.nobody:
        log.warning("the policy names no requesters: nobody may do anything", file=path.name)
    return policy


def lock_sqlite(db_path: str) -> Callable[[], None]:
    """Be the only bot on this file: SQLite takes one writing process. Returns what gives the lock back.

    Raises:
        OperatorError: another `clusterbot run` has it.
    """
    try:
        handle = os.open(f"{db_path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as fault:
        raise OperatorError(f"DATABASE_URL: nothing can be written there ({fault.strerror})", exit_code=1) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        line = "DATABASE_URL: another clusterbot runs on this SQLite file; for several use PostgreSQL"
        raise OperatorError(line, exit_code=1) from None
    return lambda: os.close(handle)


async def prepare_database(db: Database) -> None:
    """Migrate an SQLite database; refuse a PostgreSQL database that is behind, as other replicas may still use it.

    Raises:
        OperatorError: it can't be reached, or is behind.
    """
    if db.is_sqlite:
        await migrate.upgrade(db.url)
        return
    present, newest = await migrate.revisions(db.url)
    if present != newest:
        line = f"DATABASE_URL: the database is at {present or 'nothing'}, not {newest}; run: clusterbot migrate"
        raise OperatorError(line, exit_code=1)
