"""What must hold before the bot starts: a policy that can be read, a database that is its own and in shape."""

import fcntl
import os
import socket
from collections.abc import Callable
from pathlib import Path

import structlog

from bot.clusters import policy as policies
from bot.clusters.policy import Policy
from bot.errors import OperatorError
from bot.store import migrate
from bot.store.engine import Database, driver_url

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


def lock_sqlite(url: str) -> Callable[[], None]:
    """Be the only bot on this SQLite file, as it takes one writing process. Returns what gives the lock back.

    PostgreSQL needs none.

    Raises:
        OperatorError: another `clusterbot run` has it.
    """
    database = driver_url(url)
    if database.get_backend_name() != "sqlite":
        return lambda: None
    try:
        handle = os.open(f"{database.database}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as fault:
        raise OperatorError(f"DATABASE_URL: nothing can be written there ({fault.strerror})", exit_code=1) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        line = "DATABASE_URL: another clusterbot runs on this SQLite file; for several use PostgreSQL"
        raise OperatorError(line, exit_code=1) from None
    return lambda: os.close(handle)


def listen(host: str, port: int) -> socket.socket:
    """The socket on which the bot serves, taken before anything else starts.

    Raises:
        OperatorError: there is no such host, or somebody else has the port.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as fault:
        line = f"HOST, PORT: the bot cannot listen on {host}:{port} ({fault.strerror})"
        raise OperatorError(line, exit_code=1) from None


async def prepare_database(db: Database) -> None:
    """Migrate an SQLite database; refuse a PostgreSQL database that is behind, as other replicas may still use it.

    Raises:
        OperatorError: it can't be reached, or is behind.
    """
    if db.is_sqlite:
        await migrate.upgrade(db.url)
        return
    await require_shape(db)


async def require_shape(db: Database) -> None:
    """What every command needs that reads or writes the database.

    Raises:
        OperatorError: it can't be reached, or isn't in the shape of this version.
    """
    if fault := migrate.behind(await migrate.revision(db.url)):
        raise OperatorError(f"DATABASE_URL: {fault}", exit_code=1)
