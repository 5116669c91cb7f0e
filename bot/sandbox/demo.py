"""The main job, played in the terminal: people, their form, the card and its thread, on both sandboxes.

The bot is whoever `launch` starts: it gets its ordinary settings and is reached over HTTP like any other.
"""

import asyncio
import os
import tempfile
import textwrap
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bot.sandbox.astro import AstroSandbox
from bot.sandbox.slack import Channel, Form, Message, Person, SlackSandbox

# Starts the bot with this environment and yields the root of its URL, once it is ready.
Launch = Callable[[Mapping[str, str]], AbstractAsyncContextManager[str]]

POLICY = """\
[requesters]
usergroups = ["S0ENGINEERS"]

[approvers]
usergroups = ["S0PLATFORM"]

[approval]
required = false

[limits]
open_requests_per_user = 10

[[rules]]
match = { cloudProvider = "GCP" }
approval = { required = true }
"""
WIDTH = 100


@dataclass(frozen=True)
class Act:
    """One cluster of the story: its name, what Alice chooses and types, and who has to say yes."""

    name: str
    chosen: Mapping[str, str]
    typed: Mapping[str, str]
    pools: int = 0
    approved: bool = False


STORY = (
    Act("prod-aws", {}, {}),
    Act("finance-emea", {"cloudProvider": "AZURE", "region": "westeurope"}, {}),
    Act("ml-research", {"cloudProvider": "GCP"}, {"request.reason": "Training runs next week."}, approved=True),
    Act("payments-dr", {"drRegion": "us-west-2"}, {"drVpcSubnetRange": "172.21.0.0/20"}),
    Act(
        "edge-hybrid",
        {"type": "HYBRID", "dbInstanceType": "db.m6g.large"},
        {"providerAccount": "123456789012", "vpcSubnetRange": "10.20.0.0/20"},
        pools=2,
    ),
)


async def play(launch: Launch, *, fast: bool) -> int:
    """Play the story. Returns 0 only if each cluster became ready and healthy."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="clusterbot-demo-")))
        slack = await stack.enter_async_context(SlackSandbox())
        astro = AstroSandbox(build_seconds=1.0 if fast else 5.0)
        await astro.start()
        stack.push_async_callback(astro.stop)
        stage = Stage(slack, astro, 0.0 if fast else 1.0)
        stage.say(
            "A Slack workspace and an Astro organization, both on this machine; the bot between them is the real one."
        )
        url = await stack.enter_async_context(launch(_environ(slack, astro, folder, fast)))
        slack.app_url = f"{url}/slack/events"
        well = [await stage.plays(act) for act in STORY]
        stage.ends(well)
    return 0 if all(well) and len(astro.creates) == len(STORY) else 1


def _environ(slack: SlackSandbox, astro: AstroSandbox, folder: Path, fast: bool) -> dict[str, str]:
    policy = folder / "policy.toml"
    policy.write_text(POLICY)
    poll = "0.25" if fast else "1"
    return {
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_SIGNING_SECRET": slack.signing_secret,
        "SLACK_API_URL": slack.url,
        "ASTRO_API_TOKEN": "astro-sandbox-token",
        "ASTRO_ORGANIZATION_ID": "clm88r8hi000008jwhzxu5crg",
        "ASTRO_API_URL": astro.url,
        "DATABASE_URL": f"sqlite:///{folder / 'demo.db'}",
        "POLICY_FILE": str(policy),
        "PORT": "0",
        "STATUS_POLL_SECONDS": poll,
        "HEALTH_POLL_SECONDS": poll,
        "CREATE_SPACING_SECONDS": "0",
        "LOG_FORMAT": "console",
        "LOG_LEVEL": os.environ.get("LOG_LEVEL", "ERROR"),
    }


class Stage:
    """The people, and what the audience reads."""

    def __init__(self, slack: SlackSandbox, astro: AstroSandbox, pace: float) -> None:
        self.slack, self.astro, self.pace = slack, astro, pace
        self.alice = slack.person("alice", email="alice@example.com")
        self.ann = slack.person("ann", email="ann@example.com")
        slack.usergroup("S0ENGINEERS", [self.alice])
        slack.usergroup("S0PLATFORM", [self.ann])
        self.channel: Channel = slack.channel("data-platform", members=[self.alice, self.ann])

    async def plays(self, act: Act) -> bool:
        """One cluster, from the command to its health; whether it came to that."""
        self.say(f"\n{'═' * WIDTH}\n{act.name}\n{'═' * WIDTH}")
        self.say(f"#{self.channel.name} · alice types  /astro-cluster create")
        await self.alice.types("/astro-cluster create", in_=self.channel)
        form = await self._filled(await self.alice.sees_modal(callback_id="create_cluster"), act)
        self.show(form.text(), "the form, as alice sends it")
        await self._breathe(2)
        sent = await form.submit()
        if not sent.closed:
            self.say(f"The form stayed open: {sent.errors or sent.text}")
            return False
        card = await self.slack.until(lambda: self._card(act.name), what=f"a card for {act.name}")
        assert card is not None  # noqa: S101  # `until` returns true answers only
        return await self._follow(card, act)

    async def _filled(self, form: Form, act: Act) -> Form:
        for path, value in act.chosen.items():
            await self._chosen(form, path, value)
        for number in range(act.pools):
            await self._add_pool(form, number)
        for path, text in {"name": act.name, **act.typed}.items():
            form.fill(path, text)
        return form

    async def _chosen(self, form: Form, path: str, value: str) -> None:
        """Choose, and wait for the redraw where the choice shapes the rest."""
        if (await form.choose(path, value)).status:
            await form.until_redrawn()

    async def _add_pool(self, form: Form, number: int) -> None:
        await form.click("add_item", "nodePools")
        await form.until_redrawn()
        form.fill(f"nodePools.{number}.name", ("workers", "heavy")[number])
        await form.choose(f"nodePools.{number}.nodeInstanceType", ("m5.xlarge", "m5.2xlarge")[number])
        form.fill(f"nodePools.{number}.maxNodeCount", ("10", "4")[number])

    async def _follow(self, card: Message, act: Act) -> bool:
        """Print the card, each of its edits and each post, until the cluster is healthy or surely won't be."""
        edits, posts = 0, 0
        while True:
            thread = self.channel.thread(card)
            for version in range(edits, len(card.edits)):
                self._show_card(card, version)
            for post in thread[posts:]:
                self.show(post.as_text(), "in the thread", indent=4)
                await self._breathe(0.5)
            edits, posts = len(card.edits), len(thread)
            if act.approved and posts and any(button.action_id == "approve_request" for button in card.buttons):
                await self._approve(self.ann, card)
            if any("`HEALTHY`" in post.text for post in thread) and "`HEALTHY`" in card.as_text():
                return True
            if any("CREATE_FAILED" in post.text for post in thread):
                return False
            news = partial(self._has_news, card, edits, posts)
            await self.slack.until(news, timeout=60, what=f"news of {act.name}")

    def _has_news(self, card: Message, edits: int, posts: int) -> bool:
        return len(card.edits) > edits or len(self.channel.thread(card)) > posts

    async def _approve(self, person: Person, card: Message) -> None:
        self.say(f"\n{person.name} clicks  [ Approve ]")
        await person.clicks(card, "approve_request")
        await self.slack.until(
            lambda: not any(button.action_id == "approve_request" for button in card.buttons), what="the card decided"
        )

    def _card(self, name: str) -> Message | None:
        return next((each for each in reversed(self.channel.messages) if name in each.text), None)

    def _show_card(self, card: Message, version: int) -> None:
        self.show(card.as_text() if version == len(card.edits) - 1 else card.edits[version].text, _edition(version))

    def ends(self, well: list[bool]) -> None:
        self.say(f"\n{'═' * WIDTH}")
        made = ", ".join(str(body["name"]) for body in self.astro.creates)
        self.say(f"Astro was asked for exactly these: {made}.")
        self.say(f"{sum(well)} of {len(well)} clusters became ready and healthy.")

    def show(self, text: str, title: str, indent: int = 0) -> None:
        """Something from Slack, in a frame."""
        lines = [part for line in text.splitlines() for part in (textwrap.wrap(line, WIDTH - 4 - indent) or [""])]
        margin = " " * indent
        self.say("\n".join(["", f"{margin}┌─ {title}", *(f"{margin}│ {line}" for line in lines), f"{margin}└─"]))

    def say(self, line: str) -> None:
        print(line, flush=True)

    async def _breathe(self, beats: float) -> None:
        """Time to read, and nothing else: no step waits for it."""
        if self.pace:
            await asyncio.sleep(beats * self.pace)


def _edition(version: int) -> str:
    return "the card" if version == 0 else "the card, edited in place"
