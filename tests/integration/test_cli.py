"""The command line, as an operator meets it: real processes against both sandboxes."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sqlite3
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine

from bot.sandbox.astro import Fault as AstroFault
from bot.sandbox.slack.faults import Fault as SlackFault
from bot.store import migrate, requests
from bot.store.engine import Database, driver_url
from tests.postgres import Postgres
from tests.world import World

CLUSTERBOT = Path(sys.executable).with_name("clusterbot")


@dataclass(frozen=True)
class Ended:
    """A command that is over; `told` are the lines for people on standard error, without the log."""

    code: int
    out: str
    err: str

    @property
    def told(self) -> list[str]:
        return [line for line in self.err.splitlines() if not line.startswith("{")]

    @property
    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.err.splitlines() if line.startswith("{")]


class Running:
    """`clusterbot run` in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process, self.url = process, f"http://127.0.0.1:{port}"

    async def answers(self, path: str = "/readyz", status: int = 200) -> dict[str, Any]:
        """Wait for this status on this path."""
        async with httpx.AsyncClient() as client, asyncio.timeout(15):
            while True:
                assert self.process.returncode is None, "the bot ended"
                with contextlib.suppress(httpx.TransportError):
                    answer = await client.get(self.url + path)
                    if answer.status_code == status:
                        return dict(answer.json()) if path == "/readyz" else {}
                await asyncio.sleep(0.05)

    async def ends(self, seconds: float = 15) -> Ended:
        async with asyncio.timeout(seconds):
            out, err = await self.process.communicate()
        return Ended(self.process.returncode or 0, out.decode(), err.decode())

    async def stop(self) -> Ended:
        self.process.send_signal(signal.SIGTERM)
        return await self.ends()


async def spawned(world: World, *args: str, **environ: str) -> asyncio.subprocess.Process:
    """The command with the world's settings, in the world's folder, with nothing else of our own environment."""
    given = {"PATH": os.environ["PATH"], **world.environ, **environ}
    return await asyncio.create_subprocess_exec(
        CLUSTERBOT,
        *args,
        env={name: value for name, value in given.items() if value},
        cwd=world.folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def command(world: World, *args: str, **environ: str) -> Ended:
    process = await spawned(world, *args, **environ)
    return await Running(process, 0).ends()


@contextlib.asynccontextmanager
async def running(world: World, **environ: str) -> AsyncIterator[Running]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    world.slack.app_url = f"http://127.0.0.1:{port}/slack/events"
    process = await spawned(world, "run", **{"PORT": str(port), **environ})
    try:
        yield Running(process, port)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


# --- what ends the start ---------------------------------------------------------------------------------------------


async def test_settings_that_are_missing_or_malformed_end_the_start_with_a_line_each(world: World) -> None:
    missing = ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "ASTRO_API_TOKEN", "ASTRO_ORGANIZATION_ID")
    malformed = {"PORT": "x", "LEASE_SECONDS": "-1", "ASTRO_API_URL": "astro", "LOG_LEVEL": "LOUD"}
    ended = await command(world, "run", **dict.fromkeys(missing, ""), **malformed)
    assert (ended.code, ended.out) == (2, "")
    assert sorted(line.split(":")[0] for line in ended.err.splitlines()) == sorted([*missing, *malformed])


async def test_a_database_url_that_cannot_be_read_ends_the_start_with_one_line(world: World) -> None:
    ended = await command(world, "run", DATABASE_URL="postgresql://bot:pa55@h:port/d")
    assert (ended.code, ended.err.splitlines()) == (2, ["DATABASE_URL: cannot be read"])


async def test_a_database_that_does_not_answer_ends_the_start_with_one_line(world: World) -> None:
    ended = await command(world, "run", DATABASE_URL="postgresql://bot:pa55@127.0.0.1:1/d")
    assert (ended.code, ended.told) == (1, ["DATABASE_URL: the database does not answer (OperationalError)"])
    assert "pa55" not in ended.err


async def test_a_policy_that_is_malformed_ends_the_start_with_a_line_for_each_fault(world: World) -> None:
    world.policy('[approval]\nquorum = 0\n[limits]\ncolour = "red"\n[requesters]\nusers = ["alice"]\n')
    ended = await command(world, "run")
    assert (ended.code, ended.out) == (2, "")
    assert len(ended.told) == len(ended.err.splitlines()) == 3
    for place in ("approval.quorum", "limits.colour", "requesters.users"):
        assert any(place in line for line in ended.told), ended.told


async def test_a_database_path_that_cannot_be_written_ends_the_start_with_one_line(world: World) -> None:
    for args in (["run"], ["pause"]):
        ended = await command(world, *args, DATABASE_URL=f"sqlite:///{world.folder}/none/bot.db")
        assert (ended.code, ended.out) == (1, ""), args
        [line] = ended.err.splitlines()
        assert line.startswith("DATABASE_URL: "), args


async def test_a_file_that_is_no_database_ends_the_start_with_one_line(world: World) -> None:
    (world.folder / "bot.db").write_bytes(b"no database at all, but quite long enough to be read as one" * 20)
    ended = await command(world, "run")
    assert (ended.code, ended.out) == (1, "")
    [line] = ended.told
    assert line.startswith("DATABASE_URL: ")


async def test_a_postgresql_database_that_is_behind_ends_the_start_until_it_is_migrated(
    world: World, postgres: Postgres
) -> None:
    url = postgres.empty()
    for args in (["run"], ["export"]):
        ended = await command(world, *args, DATABASE_URL=url)
        assert (ended.code, ended.out) == (1, ""), args
        assert ended.told == ["DATABASE_URL: the database is at nothing, not 0001; run: clusterbot migrate"]
    assert (await command(world, "migrate", DATABASE_URL=url)).code == 0
    async with running(world, DATABASE_URL=url) as bot:
        await bot.answers()
        assert (await bot.stop()).code == 0


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_a_database_of_a_newer_version_is_left_alone_and_said_in_one_line(
    world: World, kind: str, request: pytest.FixtureRequest
) -> None:
    if kind == "postgres":
        server: Postgres = request.getfixturevalue("postgres")
        world.environ["DATABASE_URL"] = server.migrated()
    url = driver_url(world.environ["DATABASE_URL"])
    engine = create_engine(migrate.sync_url(url))
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()
    names = ("run", "migrate", "pause", "check")
    ended = dict(zip(names, await asyncio.gather(*(command(world, name) for name in names)), strict=True))
    checked = ended.pop("check")
    for name, each in ended.items():
        assert (each.code, each.out) == (1, ""), (name, each)
        assert each.told == [f"DATABASE_URL: {migrate.NEWER}"], name
    assert (checked.code, checked.err) == (1, "")
    assert [line for line in checked.out.splitlines() if "✗" in line] == [f"✗ database: {migrate.NEWER}"]
    assert "made by a newer version" in migrate.NEWER
    assert await migrate.revision(url) == "9999"


async def test_a_token_that_slack_refuses_ends_the_start_with_one_line(world: World) -> None:
    ended = await command(world, "run", SLACK_BOT_TOKEN="xoxb-wrong")
    assert (ended.code, ended.out) == (2, "")
    assert ended.told == ["SLACK_BOT_TOKEN: Slack refuses it (invalid_auth)"]
    assert "xoxb-wrong" not in ended.err


async def test_a_port_that_is_taken_ends_the_start_with_one_line(world: World) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = await command(world, "run", PORT=str(taken.getsockname()[1]))
    assert (ended.code, ended.out) == (1, "")
    [line] = ended.told
    assert line.startswith("HOST, PORT: ")


async def test_what_the_command_does_not_know_ends_it_with_2(world: World) -> None:
    ended = await command(world, "export", "--format", "csv")
    assert (ended.code, ended.told) == (2, ["--format: jsonl is the one there is"])


# --- what does not end it --------------------------------------------------------------------------------------------


async def test_without_a_policy_the_bot_starts_lets_nobody_do_anything_and_says_so(world: World) -> None:
    (world.folder / "policy.toml").unlink()
    async with running(world) as bot:
        await bot.answers()
        reply = await world.alice.types("/astro-cluster create", in_=world.general)
        ended = await bot.stop()
    assert (reply.status, ended.code) == (200, 0)
    assert reply.text
    assert world.alice.modal is None
    assert any("nobody may do anything" in line["event"] for line in ended.log if line["level"] == "warning")


async def test_slack_being_away_never_ends_the_start(world: World) -> None:
    world.slack.faults.next("auth.test", SlackFault.dropped(), times=1)
    world.slack.faults.next("auth.test", SlackFault.refused("fatal_error"), times=1)
    async with running(world) as bot:
        faults = (await bot.answers(status=503))["faults"]
        assert "Slack has not answered yet" in faults
        await bot.answers()
        assert (await bot.stop()).code == 0


async def test_a_host_that_does_not_exist_keeps_the_bot_waiting_for_slack(world: World) -> None:
    async with running(world, SLACK_API_URL="http://127.0.0.1:1/api/", SLACK_APP_TOKEN="xapp-1") as bot:
        faults = (await bot.answers(status=503))["faults"]
        assert {"Slack has not answered yet", "the socket to Slack is not connected"} <= set(faults)
        ended = await bot.stop()
    assert ended.code == 0
    assert "Traceback" not in ended.err


async def test_secrets_may_stand_in_files(world: World) -> None:
    names = ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "ASTRO_API_TOKEN", "DATABASE_URL")
    files: dict[str, str] = {}
    for name in names:
        (world.folder / name).write_text(world.environ[name] + "\n")
        files |= {name: "", f"{name}_FILE": str(world.folder / name)}
    async with running(world, **files) as bot:
        await bot.answers()
        await world.opens_form()
        assert (await bot.stop()).code == 0


# --- how it ends -----------------------------------------------------------------------------------------------------


async def test_sigterm_ends_a_bot_at_rest_at_once_and_quietly(world: World) -> None:
    async with running(world) as bot:
        await bot.answers()
        started = time.monotonic()
        ended = await bot.stop()
    assert (ended.code, ended.out, ended.told) == (0, "", [])
    assert time.monotonic() - started < 5
    assert [line["event"] for line in ended.log if line["level"] not in ("info", "debug")] == []


async def test_sigterm_ends_a_bot_within_ten_seconds_with_a_create_that_hangs(world: World) -> None:
    world.astro.faults.next("create", AstroFault.hang(30))
    async with running(world, LEASE_SECONDS="90") as bot:
        await bot.answers()
        await world.asks("prod-aws")
        async with asyncio.timeout(10):
            while not world.astro.creates:  # Astro has no way to tell
                await asyncio.sleep(0.02)
        started = time.monotonic()
        ended = await bot.stop()
        took = time.monotonic() - started
    assert (ended.code, ended.told) == (0, [])
    assert took < 10
    db = Database(world.environ["DATABASE_URL"])
    try:
        async with db.read() as tx:
            [request] = await requests.in_states(tx, ["SUBMITTING", "UNCERTAIN"])  # whoever comes next may only look
            [attempt] = await requests.attempts_of(tx, request.id)
    finally:
        await db.close()
    assert attempt.outcome in ("", "unknown")


async def test_a_second_run_on_one_sqlite_file_is_refused_and_the_first_goes_on(world: World) -> None:
    async with running(world) as bot:
        await bot.answers()
        second = await command(world, "run")
        assert (second.code, second.out) == (1, "")
        assert second.err.splitlines() == [
            "DATABASE_URL: another clusterbot runs on this SQLite file; for several use PostgreSQL"
        ]
        await bot.answers()
        assert (await bot.stop()).code == 0
    async with running(world) as bot:  # the lock goes with its process
        await bot.answers()
        assert (await bot.stop()).code == 0


# --- beside a running bot --------------------------------------------------------------------------------------------


async def test_the_other_commands_work_beside_a_running_bot(world: World) -> None:
    async with running(world) as bot:
        await bot.answers()
        paused = await command(world, "pause")
        assert (paused.code, paused.err) == (0, "")
        card = await world.asks("prod-aws")
        await world.slack.until(lambda: "paused by the operator" in card.as_text())
        assert world.astro.creates == []
        assert (await command(world, "migrate")).code == 0
        resumed = await command(world, "resume")
        assert (resumed.code, resumed.err) == (0, "")
        await world.told(card, "`CREATING`")
        exported = await command(world, "export", "--format", "jsonl")
        assert (await bot.stop()).code == 0
    assert (exported.code, exported.err) == (0, "")
    events = [json.loads(line) for line in exported.out.splitlines()]
    kinds = [event["kind"] for event in events]
    assert kinds[:4] == ["creates.paused", "request.submitted", "creates.resumed", "create.recorded"]
    assert events[1]["actor"] == world.alice.id
    assert [event["id"] for event in events] == sorted(event["id"] for event in events)


async def test_an_export_that_nobody_reads_to_its_end_ends_quietly(world: World) -> None:
    await migrate.upgrade(driver_url(world.environ["DATABASE_URL"]))
    with sqlite3.connect(world.folder / "bot.db") as connection:
        row = ("2026-11-24 12:00:00.000000", "k", "bot", "", "", "", json.dumps({"x": "y" * 500}))
        connection.executemany(
            "INSERT INTO events (at, kind, actor, before, after, rule, data) VALUES (?, ?, ?, ?, ?, ?, ?)", [row] * 2000
        )
    connection.close()
    process = await spawned(world, "export")
    assert process.stdout is not None
    assert process.stderr is not None
    await process.stdout.readline()
    process._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]  # as `head` does
    err = await process.stderr.read()
    await process.wait()
    assert err == b""


async def test_without_a_word_it_explains_itself(world: World) -> None:
    ended = await command(world)
    told = ended.out + ended.err
    for name in ("run", "migrate", "export", "pause", "resume", "demo"):
        assert name in told
