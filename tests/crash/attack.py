"""Kill the bot, again and again, while people ask for clusters; then see that nothing is lost and nothing is twice.

The bot is a real process (`clusterbot run`), killed with SIGKILL at seeded random moments; Slack and Astro live on in
this one and remember what was done to them. Whoever's form was not answered presses the button again, as people do.
"""

import asyncio
import contextlib
import os
import random
import signal
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from sqlalchemy import select

from bot.sandbox.astro import Fault as AstroFault
from bot.sandbox.slack import Channel, Person
from bot.sandbox.slack import Fault as SlackFault
from bot.store import requests
from bot.store.engine import Database
from bot.store.requests import Request
from bot.store.tables import outbox
from tests.world import World, requests_states

CLUSTERBOT = Path(sys.executable).with_name("clusterbot")
LEASE, GRACE, SETTLE = 2.0, 1.0, 0.3
# Fractions of a second, so that much of a life passes between two kills.
SETTINGS = {
    "LEASE_SECONDS": str(LEASE),
    "UNCERTAIN_GRACE_SECONDS": str(GRACE),
    "SLACK_SETTLE_SECONDS": str(SETTLE),
    "STATUS_POLL_SECONDS": "0.2",
    "HEALTH_POLL_SECONDS": "0.2",
    "CREATE_SPACING_SECONDS": "0",
    "LOG_LEVEL": "ERROR",
}
SETTLING_SECONDS = 40.0  # what the end may take: two leases, the grace, and Slack's pace of one post a second a channel


@dataclass
class Outcome:
    """What an attack came to; `faults` counts what was broken beside the kills, `decided` what Ann had to decide."""

    kills: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    decided: int = 0
    settled_in: float = 0.0


class Attack:
    """One seed's attack on one world."""

    def __init__(self, world: World, *, seed: int, kills: int, clusters: int) -> None:
        self.world, self.random, self.kills = world, random.Random(seed), kills
        self.names = [f"team-{number}" for number in range(clusters)]
        slack = world.slack
        self.people = {name: slack.person(f"dev-{name}", email=f"{name}@example.com") for name in self.names}
        self.channels = {name: slack.channel(name, members=[self.people[name], world.ann]) for name in self.names}
        slack.usergroup("S0REQUEST", list(self.people.values()))
        self.outcome = Outcome()
        self.db = Database(world.environ["DATABASE_URL"])
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        slack.app_url = f"http://127.0.0.1:{self.port}/slack/events"

    async def run(self) -> Outcome:
        """Kill, then let it live; returns once everything has settled."""
        asking = [asyncio.create_task(self._ask(name)) for name in self.names]
        try:
            while self.outcome.kills < self.kills:
                async with self._bot() as process:
                    self._break_something()
                    await asyncio.sleep(self.random.uniform(0.0, 1.0))
                    process.send_signal(signal.SIGKILL)
                self.outcome.kills += 1
            self.world.slack.faults.clear()
            self.world.astro.faults.clear()
            async with self._bot():
                began = asyncio.get_running_loop().time()
                await asyncio.gather(*asking)
                await self._settled()
                self.outcome.settled_in = asyncio.get_running_loop().time() - began
        finally:
            for task in asking:
                task.cancel()
        return self.outcome

    @contextlib.asynccontextmanager
    async def _bot(self) -> AsyncIterator[asyncio.subprocess.Process]:
        environ = {"PATH": os.environ["PATH"], **self.world.environ, **SETTINGS, "PORT": str(self.port)}
        with (self.world.folder / "log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                CLUSTERBOT, "run", env=environ, cwd=self.world.folder, stderr=log
            )
        try:
            async with httpx.AsyncClient() as client, asyncio.timeout(20):
                while not await self._alive(client):
                    assert process.returncode is None, "the bot ended by itself"
                    await asyncio.sleep(0.02)
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _alive(self, client: httpx.AsyncClient) -> bool:
        try:
            return (await client.get(f"http://127.0.0.1:{self.port}/healthz")).status_code == 200
        except httpx.TransportError:
            return False

    def _break_something(self) -> None:
        """Now and then an answer gets lost as well, or is a refusal."""
        astro, slack, roll = self.world.astro.faults, self.world.slack.faults, self.random.random()
        if roll < 0.2:
            self.outcome.faults["create: made, and the answer lost"] += 1
            astro.next("create", AstroFault.drop())
        elif roll < 0.35:
            self.outcome.faults["post: said, and the answer lost"] += 1
            slack.next("chat.postMessage", SlackFault.dropped(done=True))
        elif roll < 0.45:
            self.outcome.faults["post: told to wait"] += 1
            slack.next("chat.postMessage", SlackFault.limited(1))
        elif roll < 0.55:
            self.outcome.faults["list: 502"] += 1
            astro.next("list", AstroFault.bad_gateway())

    # --- people -------------------------------------------------------------------------------------------------------

    async def _ask(self, name: str) -> None:
        """Open the form, and press the button until it closes: the same form, so the same request."""
        person, channel = self.people[name], self.channels[name]
        await asyncio.sleep(self.random.uniform(0.0, self.kills * 0.8))
        while not await self._opened(person, channel):
            await asyncio.sleep(0.2)
        form = await person.sees_modal(callback_id="create_cluster")
        form.fill("name", name)
        while not (submitted := await form.submit()).closed:
            assert not submitted.errors or "not ready yet" in str(submitted.errors), submitted
            await asyncio.sleep(0.2)

    async def _opened(self, person: Person, channel: Channel) -> bool:
        await person.types("/astro-cluster create", in_=channel)
        try:
            await person.sees_modal(timeout=2, callback_id="create_cluster")
        except TimeoutError:
            return False
        return True

    async def _decide(self) -> None:
        """Ann looks in Astro for whatever waits for a person, and has it tried again: it isn't there."""
        for request in await self.rows():
            if request.state == "NEEDS_ATTENTION":
                assert request.name not in {cluster.name for cluster in self.world.astro.clusters.values()}
                post = next(
                    each
                    for each in reversed(self.channels[request.name].posts)
                    if any(button.action_id == "retry_request" for button in each.buttons)
                )
                await self.world.ann.clicks(post, "retry_request")
                self.outcome.decided += 1

    # --- what is left -------------------------------------------------------------------------------------------------

    async def rows(self) -> list[Request]:
        async with self.db.read() as tx:
            return await requests.in_states(tx, requests_states())

    async def said(self) -> dict[str, list[tuple[str, str]]]:
        """By thread: (state, text) of what was to be posted in it, in order; the card isn't a post."""
        query = select(outbox.c.thread, outbox.c.state, outbox.c.payload).where(outbox.c.kind == "post")
        told: dict[str, list[tuple[str, str]]] = {}
        async with self.db.read() as tx:
            for thread, state, payload in await tx.execute(query.order_by(outbox.c.thread, outbox.c.seq)):
                told.setdefault(thread, []).append((state, payload["text"]))
        return told

    async def _settled(self) -> None:
        """Until every cluster is healthy and every word is said."""
        async with asyncio.timeout(SETTLING_SECONDS):
            while not await self._is_settled():
                await self._decide()
                await asyncio.sleep(0.2)

    async def _is_settled(self) -> bool:
        rows, told = await self.rows(), await self.said()
        return (
            len(rows) == len(self.names)
            and all((row.state, row.health) == ("READY", "HEALTHY") for row in rows)
            and all(state == "sent" for posts in told.values() for state, _ in posts)
        )
