"""A whole world for a test: a Slack workspace, an Astro organization, and the real bot between them, over real HTTP."""

import asyncio
import contextlib
import ssl
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal

import httpx
from alembic import command

from bot.app import Bot
from bot.cli import serving
from bot.sandbox.astro import AstroSandbox
from bot.sandbox.serving import Server
from bot.sandbox.slack import Channel, Form, Message, Person, SlackSandbox
from bot.settings import load
from bot.store import migrate, requests
from bot.store.engine import driver_url
from bot.store.requests import Request

POLICY = """
[requesters]
usergroups = ["S0REQUEST"]
[approvers]
usergroups = ["S0APPROVE"]
[approval]
required = false
[limits]
open_requests_per_user = 100
"""
WITH_APPROVAL = POLICY.replace("required = false", "required = true")
Transport = Literal["http", "socket"]


@dataclass
class World:
    """Alice may ask, Ann may decide, Mallory may nothing; all are in #general, and so is the bot."""

    slack: SlackSandbox
    astro: AstroSandbox
    alice: Person
    ann: Person
    mallory: Person
    general: Channel
    folder: Path
    transport: Transport
    environ: dict[str, str] = field(default_factory=dict)
    url: str = ""
    hasty: bool = True  # posts and edits come faster than Slack's own pace allows; False where that pace is the matter

    def policy(self, text: str) -> None:
        """What policy.toml says from the next start on."""
        (self.folder / "policy.toml").write_text(text)

    @contextlib.asynccontextmanager
    async def running(self, **environ: str) -> AsyncIterator[Bot]:
        """The bot, ready; stopped at the end. Entered again, it is a restart."""
        async with self.started(**environ) as bot:
            await self.ready()
            yield bot

    @contextlib.asynccontextmanager
    async def started(self, **environ: str) -> AsyncIterator[Bot]:
        """The bot as soon as it serves, whatever it thinks of its readiness."""
        settings = load({**self.environ, **environ}, dotenv=Path("/nonexistent"))
        async with serving(settings) as (bot, _):
            server = Server(bot.web)
            await server.start()
            self.url = server.url
            if self.hasty:
                bot.deliverer.post_spacing = bot.deliverer.edit_spacing = timedelta(seconds=0.05)
            if self.transport == "http":
                self.slack.app_url = f"{server.url}/slack/events"
            try:
                yield bot
            finally:
                await server.stop()
                await bot.stop(2.0)

    async def ready(self, seconds: float = 10) -> None:
        """Wait until `/readyz` says so."""
        # All is plain HTTP here, and reading the system's certificates would take longer than all the rest.
        bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        async with httpx.AsyncClient(verify=bare) as client, asyncio.timeout(seconds):
            while (await client.get(f"{self.url}/readyz")).status_code != 200:
                await asyncio.sleep(0.02)

    async def opens_form(self, person: Person | None = None, in_: Channel | None = None) -> Form:
        """The person (Alice) types the command and sees the form."""
        who = person or self.alice
        before = who.modal.id if who.modal else ""
        reply = await who.types("/astro-cluster create", in_=in_ or self.general)
        assert (reply.status, reply.text) == (200, ""), reply
        return await self.sees_form(who, before)

    async def sees_form(self, person: Person, before: str = "") -> Form:
        """The create form in front of this person, once it is there; another than `before`, a view's id."""

        def on_top() -> Form | None:
            modal = person.modal
            return modal if modal and modal.callback_id == "create_cluster" and modal.id != before else None

        form = await self.slack.until(on_top, timeout=5, what=f"the form in front of {person.name}")
        assert form is not None
        return form

    async def asks(self, name: str, **fields: str) -> Message:
        """Alice asks for a cluster, filling in what is named here; returns its card."""
        form = await self.opens_form()
        form.fill("name", name)
        for path, value in fields.items():
            form.fill(path.replace("__", "."), value)
        submitted = await form.submit()
        assert submitted.closed, submitted
        return await self.card(name)

    async def card(self, name: str, channel: Channel | None = None) -> Message:
        """The newest card of this cluster, once it is there."""
        where = channel or self.general

        def found() -> Message | None:
            return next((each for each in reversed(where.messages) if name in each.text), None)

        card = await self.slack.until(found, what=f"a card for {name}")
        assert card is not None
        return card

    async def told(self, card: Message, word: str, timeout: float = 10) -> Message:
        """The post in the card's thread that has this word, once it is there."""

        def found() -> Message | None:
            return next((each for each in card.channel.thread(card) if word in each.text), None)

        post = await self.slack.until(found, timeout=timeout, what=f"{word!r} in the thread of {card.text!r}")
        assert post is not None
        return post

    def thread(self, card: Message) -> list[str]:
        return [each.text for each in card.channel.thread(card)]


@contextlib.asynccontextmanager
async def make_world(folder: Path, transport: Transport = "http", **astro: Any) -> AsyncIterator[World]:
    """Both sandboxes, started, and settings by which a whole life takes seconds."""
    async with SlackSandbox(transport=transport) as slack:
        sandbox = AstroSandbox(**{"build_seconds": 0.6, **astro})
        await sandbox.start()
        people = [slack.person(name, email=f"{name}@example.com") for name in ("alice", "ann", "mallory")]
        alice, ann, mallory = people
        slack.usergroup("S0REQUEST", [alice])
        slack.usergroup("S0APPROVE", [ann])
        general = slack.channel("general", members=people, bot=True)
        world = World(slack, sandbox, alice, ann, mallory, general, folder, transport)
        world.policy(POLICY)
        (folder / "bot.db").write_bytes(await asyncio.to_thread(migrated))
        world.environ = {
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_SIGNING_SECRET": slack.signing_secret,
            "SLACK_API_URL": slack.url,
            "ASTRO_API_TOKEN": "astro-sandbox-token",
            "ASTRO_ORGANIZATION_ID": "clm88r8hi000008jwhzxu5crg",
            "ASTRO_API_URL": sandbox.url,
            "DATABASE_URL": f"sqlite:///{folder / 'bot.db'}",
            "POLICY_FILE": str(folder / "policy.toml"),
            "PORT": "0",
            "STATUS_POLL_SECONDS": "0.2",
            "HEALTH_POLL_SECONDS": "0.2",
            "CREATE_SPACING_SECONDS": "0",
            "UNCERTAIN_GRACE_SECONDS": "2",
            "SLACK_SETTLE_SECONDS": "0.5",
            "LEASE_SECONDS": "3",
        }
        if transport == "socket":
            world.environ["SLACK_APP_TOKEN"] = slack.app_token
        try:
            yield world
        finally:
            await sandbox.stop()


@cache
def migrated() -> bytes:
    """An SQLite file in the newest shape. Made once: migrating takes longer than most tests."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bot.db"
        command.upgrade(migrate.config(driver_url(f"sqlite:///{file}")), "head")
        return file.read_bytes()


async def stored(bot: Bot, name: str) -> Request:
    """The newest request for this name, as its row stands."""
    async with bot.db.read() as tx:
        found = [each for each in await requests.in_states(tx, list(requests_states())) if each.name == name]
    return found[-1]


def requests_states() -> list[str]:
    from bot.clusters.lifecycle import State

    return [state.value for state in State]
