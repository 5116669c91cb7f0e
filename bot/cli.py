"""The `clusterbot` command. Exit codes: 0 fine, 1 something found at fault, 2 settings, policy or usage."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer
import uvicorn

from bot import app as house
from bot import logs, startup
from bot.diagnose import diagnose
from bot.errors import OperatorError
from bot.sandbox.demo import play
from bot.settings import Settings, load
from bot.store import events, migrate, pace
from bot.store.engine import Database

cli = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False)
log = structlog.get_logger()
DRAIN_SECONDS = 6.5  # of the ten within which SIGTERM must end


def main() -> None:
    """The entry point: an operator's fault ends with a line each, and no traceback."""
    try:
        cli()
    except OperatorError as fault:
        for line in fault.lines:
            print(line, file=sys.stderr)
        sys.exit(fault.exit_code)


@cli.command()
def run() -> None:
    """Serve Slack, create clusters, follow them."""
    settings = load()
    logs.configure(settings.log_format, settings.log_level)
    asyncio.run(_run(settings))


@cli.command("migrate")
def migrate_database() -> None:
    """Bring the database to the newest shape."""
    settings = load()
    logs.configure(settings.log_format, settings.log_level)
    url = Database(settings.database_url.get_secret_value()).url
    asyncio.run(migrate.upgrade(url))
    print("The database is up to date.")


@cli.command()
def check() -> None:
    """Look at everything that the bot needs: one line a finding, with its mend."""
    settings = load()
    logs.configure(settings.log_format, "ERROR")
    sys.exit(0 if asyncio.run(_check(settings)) else 1)


@cli.command()
def export(
    format: Annotated[str, typer.Option(help="jsonl")] = "jsonl",
) -> None:
    """Write the audit trail to standard output, an event a line."""
    if format != "jsonl":
        raise OperatorError("--format: jsonl is the one there is")
    _with_database(_export)


@cli.command()
def pause() -> None:
    """Stop creating clusters; polls and posts go on."""
    _with_database(_pause)
    print("Creates are paused. `clusterbot resume` lets them go on.")


@cli.command()
def resume() -> None:
    """Let creates go on."""
    _with_database(_resume)
    print("Creates go on.")


@cli.command()
def demo(
    headless: Annotated[bool, typer.Option("--headless", help="play the story in the terminal and end")] = False,
    fast: Annotated[bool, typer.Option("--fast", help="without pauses to read")] = False,
) -> None:
    """The main job on the embedded sandbox: a Slack workspace and an Astro organization on this machine."""
    if not headless:
        print("The page in the browser comes with a later version; this is the story in the terminal.", file=sys.stderr)
    sys.exit(asyncio.run(play(_launched, fast=fast)))


async def _run(settings: Settings) -> None:
    listening = startup.listen(settings.host, settings.port)
    async with contextlib.AsyncExitStack() as at_the_end:
        at_the_end.callback(listening.close)
        bot, server = await at_the_end.enter_async_context(serving(settings))
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, stop.set)
        serve = asyncio.create_task(server.serve([listening]))
        waiting = asyncio.create_task(stop.wait())
        refused = asyncio.create_task(bot.refusal.wait())
        await asyncio.wait([serve, waiting, refused], return_when=asyncio.FIRST_COMPLETED)
        log.info("stopping")
        server.should_exit = True
        await asyncio.wait([serve], timeout=1)
        for task in (serve, waiting, refused):
            task.cancel()
        await bot.stop(DRAIN_SECONDS)
    if bot.refused:
        raise OperatorError(bot.refused)


@contextlib.asynccontextmanager
async def _launched(environ: Mapping[str, str]) -> AsyncIterator[str]:
    """The bot for the demo: by its ordinary settings, on a port of its own, in this process."""
    settings = load(environ, dotenv=Path(os.devnull))
    logs.configure(settings.log_format, settings.log_level)
    async with serving(settings) as (bot, server):
        serve = asyncio.create_task(server.serve())
        while not server.started or await bot.unready():  # noqa: ASYNC110  # readiness is asked for, as a probe does
            await asyncio.sleep(0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        try:
            yield f"http://{settings.host}:{port}"
        finally:
            server.should_exit = True
            await asyncio.wait([serve], timeout=2)
            await bot.stop(2.0)


@contextlib.asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[tuple[house.Bot, uvicorn.Server]]:
    """A started bot and the server in front of it, not serving yet; stopped at the end, if it is not by then."""
    policy = startup.load_policy(settings.policy_file)
    unlock = startup.lock_sqlite(settings.database_url.get_secret_value())
    bot = house.build(settings, policy)
    try:
        await startup.prepare_database(bot.db)
        await bot.start()
        config = uvicorn.Config(
            bot.web, host=settings.host, port=settings.port, log_config=None, access_log=False, lifespan="off"
        )
        yield bot, Server(config)
    finally:
        await bot.stop(0)
        unlock()


class Server(uvicorn.Server):
    """uvicorn without its own signal handlers: ours stop the whole bot, not the web edge alone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _with_database(work: Callable[[Database], Awaitable[None]]) -> None:
    settings = load()
    logs.configure(settings.log_format, "WARNING")

    async def using() -> None:
        db = Database(settings.database_url.get_secret_value())
        try:
            await startup.require_shape(db)
            await work(db)
        finally:
            await db.close()

    asyncio.run(using())


async def _check(settings: Settings) -> bool:
    well = True
    async for finding in diagnose(settings):
        print(finding)
        well = well and finding.ok
    return well


async def _export(db: Database) -> None:
    async with db.read() as tx:
        async for event in events.every(tx):
            print(json.dumps(event, default=_plain, ensure_ascii=False))


async def _pause(db: Database) -> None:
    async with db.write() as tx:
        await pace.close(tx, pace.PAUSED, tx.now)
        await events.add(tx, "creates.paused", actor="operator")


async def _resume(db: Database) -> None:
    async with db.write() as tx:
        await pace.clear(tx, pace.PAUSED)
        await events.add(tx, "creates.resumed", actor="operator")


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)
