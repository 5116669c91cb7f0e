"""A PostgreSQL server for the tests: Debian's own, in a folder and on a socket of its own, gone at the end.

initdb refuses root, so root lends it another user. One server a pytest process (a worker of xdist is one); each test
gets a database of its own, copied from one that is migrated once.
"""

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import psycopg
import pytest
from alembic import command
from psycopg import sql

from bot.store import migrate
from bot.store.engine import driver_url

LEFT_OUT = "left out: "  # begins the reason of every test that is skipped because this machine lacks something
HOW = "PostgreSQL (apt-get install postgresql)"
START_SECONDS = 15.0
# A server whose data nobody needs after the test: nothing waits for the disk.
OPTIONS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "16MB"}


def binaries() -> Path | None:
    """The folder with initdb and postgres, the newest version's; None where there is none."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    on_path = [Path(found).parent for name in ("initdb",) if (found := shutil.which(name))]
    return next(
        (each for each in [*debian, *on_path] if (each / "initdb").exists() and (each / "postgres").exists()), None
    )


def leave_out(how: str) -> NoReturn:
    """Skip this test as something is missing, which pytest's last line names; under REQUIRE_ALL=1 that is a failure."""
    if os.environ.get("REQUIRE_ALL") == "1":
        pytest.fail(f"REQUIRE_ALL=1, but this machine lacks {how}", pytrace=False)
    pytest.skip(f"{LEFT_OUT}{how}")


class Postgres:
    """A running server. Nothing listens on the network; whoever reaches the socket is let in."""

    def __init__(self, found: Path, folder: Path) -> None:
        self.folder = folder
        self._numbers = itertools.count(1)
        self._template = ""
        data = folder / "data"
        subprocess.run(
            [
                *_as_nobody(),
                found / "initdb",
                "-D",
                data,
                "-U",
                "bot",
                "-A",
                "trust",
                "-N",
                "--no-locale",
                "-E",
                "UTF8",
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=folder,
        )
        settings = [f"-c{key}={value}" for key, value in (OPTIONS | {"listen_addresses": ""}).items()]
        log = (folder / "log").open("wb")
        # The server goes with its pytest, even one that is killed.
        self._process = subprocess.Popen(
            [*_as_nobody("--pdeathsig=QUIT"), found / "postgres", "-D", data, "-k", folder, *settings],
            stdout=log,
            stderr=log,
            cwd=folder,
        )
        log.close()
        self._wait()

    def _wait(self) -> None:
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                self._admin(sql.SQL("SELECT 1"))
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError((self.folder / "log").read_text()) from None
                time.sleep(0.02)
            else:
                return

    def url(self, name: str) -> str:
        """As DATABASE_URL has it."""
        return f"postgresql://bot@/{name}?host={self.folder}"

    def empty(self) -> str:
        """The URL of a new database without a table."""
        return self._create("template1")

    def migrated(self) -> str:
        """The URL of a new database in the newest shape."""
        if not self._template:
            url = self.empty()
            command.upgrade(migrate.config(driver_url(url)), "head")
            self._template = _name(url)
        return self._create(self._template)

    def shut(self, url: str) -> None:
        """Let nobody into this database any more, and throw out who is in it: to the bot, the database is gone."""
        name = _name(url)
        self._admin(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name)))
        self._admin(
            sql.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}").format(
                sql.Literal(name)
            )
        )

    def open(self, url: str) -> None:
        """Let people in again."""
        self._admin(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(sql.Identifier(_name(url))))

    def stop(self) -> None:
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(10)

    def _create(self, template: str) -> str:
        name = f"test_{next(self._numbers)}"
        query = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        self._admin(query.format(sql.Identifier(name), sql.Identifier(template)))
        return self.url(name)

    def _admin(self, query: sql.SQL | sql.Composed) -> None:
        with psycopg.connect(host=str(self.folder), user="bot", dbname="postgres", autocommit=True) as connection:
            connection.execute(query)


def _name(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]


def _as_nobody(*options: str) -> list[str]:
    """The beginning of a command that runs it as somebody who isn't root."""
    if os.geteuid() != 0:
        return ["setpriv", *options] if options else []
    who = _lent()
    return ["setpriv", *options, f"--reuid={who.pw_uid}", f"--regid={who.pw_gid}", "--clear-groups"]


def _lent() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("there is neither a user postgres nor a user nobody to run PostgreSQL as")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The server of this pytest process; the test is left out where PostgreSQL isn't installed."""
    found = binaries()
    if found is None:
        leave_out(HOW)
    folder = Path(tempfile.mkdtemp(prefix="pg"))  # in /tmp: a socket's path has 107 characters at most
    if os.geteuid() == 0:
        os.chown(folder, _lent().pw_uid, _lent().pw_gid)
    try:
        server = Postgres(found, folder)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without a table, once of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'bot.db'}"
    server: Postgres = request.getfixturevalue("postgres")
    return server.empty()


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database in the newest shape, once of each kind."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'bot.db'}"
        command.upgrade(migrate.config(driver_url(url)), "head")
        return url
    server: Postgres = request.getfixturevalue("postgres")
    return server.migrated()
