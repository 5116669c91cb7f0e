"""No secret is written anywhere, and nobody's name or e-mail: stories with faults, then everything is searched."""

import io
import json
import logging
import re
from dataclasses import dataclass, field
from urllib.parse import urlencode

import httpx
import pytest
import structlog

from bot import logs
from bot.sandbox.astro import Fault as AstroFault
from bot.sandbox.slack.faults import Fault as SlackFault
from bot.sandbox.slack.transports import Answer, Delivery, sign
from tests.world import WITH_APPROVAL, World

NAMES = ("alice", "mallory", "Alice", "Mallory", "Olive", "Owner")  # ann is a part of too many words
ROLES = WITH_APPROVAL.replace('["S0REQUEST"]', '["S0REQUEST"]\nastro_roles = ["ORGANIZATION_OWNER"]')


@dataclass
class Told:
    """Everything that the bot wrote, by the place where somebody could read it; and what it was told in confidence."""

    log: io.StringIO = field(default_factory=io.StringIO)
    answers: list[str] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)

    def everywhere(self, world: World) -> dict[str, str]:
        """Place → all that stands there."""
        files = {path.name: path.read_bytes().decode("utf-8", "replace") for path in world.folder.glob("bot.db*")}
        posts = [
            {"versions": [(each.text, each.blocks) for each in post.versions], "metadata": post.metadata}
            for where in world.slack.workspace.conversations.values()
            for post in where.posts
        ]
        whispers = [(post.now.text, post.now.blocks) for post in world.slack.workspace.ephemerals]
        calls = [(call.method, call.args) for call in world.slack.calls]
        return files | {
            "log": self.log.getvalue(),
            "posts": json.dumps(posts),
            "whispers": json.dumps(whispers),
            "calls": json.dumps(calls, default=str),
            "answers": "\n".join(self.answers),
            "asked of Astro": "\n".join(f"{each.path} {each.body}" for each in world.astro.requests),
        }


@pytest.fixture
def told(world: World) -> Told:
    """Listens to the log at DEBUG, to every answer over HTTP, and to every delivery of Slack's."""
    made = Told()
    logs.configure("json", "DEBUG")
    handler = logging.getLogger().handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(made.log)
    made.secrets = {
        "bot token": world.environ["SLACK_BOT_TOKEN"],
        "signing secret": world.environ["SLACK_SIGNING_SECRET"],
        "app token": world.slack.app_token,
        "Astro token": world.environ["ASTRO_API_TOKEN"],
        **{f"e-mail of {who.name}": who.account.email for who in (world.alice, world.ann, world.mallory)},
        "e-mail in Astro": "olive@example.com",
    }
    _listen(world, made)
    return made


def _listen(world: World, told: Told) -> None:
    """Keep what Slack confides with each delivery, and what the bot answers, as both pass by."""
    transport = world.slack.transport
    deliver = transport.deliver

    async def listening(delivery: Delivery) -> Answer:
        for key in ("trigger_id", "response_url"):
            if value := delivery.payload.get(key):
                told.secrets[f"{key} {len(told.secrets)}"] = str(value)
        answer = await deliver(delivery)
        told.answers.append(answer.body)
        return answer

    transport.deliver = listening  # type: ignore[method-assign]


async def found(world: World, told: Told) -> dict[str, list[str]]:
    """Which secrets stand where. A trigger id travels back to Slack with views.open, and nowhere else."""
    stands: dict[str, list[str]] = {}
    for place, text in told.everywhere(world).items():
        whats = [what for what, secret in told.secrets.items() if secret in text]
        whats += [name for name in NAMES if re.search(rf"\b{name}\b", text)]
        if place == "calls":
            whats = [what for what in whats if not what.startswith("trigger_id")]
        if whats:
            stands[place] = whats
    return stands


async def probed(world: World, told: Told) -> None:
    """What anyone may ask of the bot over HTTP, and nonsense that holds secrets, signed well and badly."""
    confided = {
        "trigger_id": world.slack.workspace.new_trigger(world.alice.id),
        "response_url": "https://hooks.slack.com/actions/T0/1/not-for-the-log",
    }
    told.secrets |= {f"{key} of nonsense": value for key, value in confided.items()}
    known = {"team": {"id": world.slack.workspace.team_id}, "user": {"id": world.alice.id, "name": "alice"}}
    nonsense = {"type": "block_actions", "actions": "x", "view": {"type": 5}, **known, **confided}
    body = urlencode({"payload": json.dumps(nonsense)}).encode()
    async with httpx.AsyncClient() as client:
        for path in ("/healthz", "/readyz", "/metrics", "/slack/events"):
            told.answers.append((await client.get(f"{world.url}{path}")).text)
        for secret in (world.slack.signing_secret, "another"):
            stamp = int(world.slack.workspace.clock())
            headers = {
                "content-type": "application/x-www-form-urlencoded",
                "x-slack-request-timestamp": str(stamp),
                "x-slack-signature": sign(secret, stamp, body),
            }
            answer = await client.post(f"{world.url}/slack/events", content=body, headers=headers)
            assert answer.status_code in (200, 400, 401, 404)  # 404: signed, in Socket Mode
            told.answers.append(answer.text)


async def test_a_whole_story_with_approval_and_roles_writes_no_secret_and_no_name(world: World, told: Told) -> None:
    world.policy(ROLES)
    world.astro.users[0]["username"] = world.alice.account.email
    async with world.running():
        card = await world.asks("prod-aws", request__reason="for the team")
        await world.mallory.clicks(card, "approve_request")
        await world.slack.until(lambda: world.mallory.ephemerals)
        await world.ann.clicks(card, "approve_request")
        await world.told(card, "`HEALTHY`")
        await world.mallory.types("/astro-cluster create", in_=world.general)
        await world.alice.types("/astro-cluster fly", in_=world.general)
        await world.alice.opens_home()
        await world.alice.sees_home()
        await probed(world, told)
        assert await found(world, told) == {}
    assert await found(world, told) == {}
    assert {"bot.db", "log", "posts", "whispers", "answers"} <= told.everywhere(world).keys()


async def test_a_story_in_which_much_fails_writes_no_secret_and_no_name(world: World, told: Told) -> None:
    slack, astro = world.slack.faults, world.astro.faults
    slack.next("usergroups.users.list", SlackFault.page(503))
    async with world.running(SLACK_SETTLE_SECONDS="0.1"):
        slack.next("views.open", SlackFault.refused("internal_error"))
        await world.alice.types("/astro-cluster create", in_=world.general)
        await world.slack.until(lambda: world.alice.ephemerals)
        slack.next("chat.postMessage", SlackFault.dropped(done=True))
        slack.next("chat.postMessage", SlackFault.page(503))
        slack.next("chat.postMessage", SlackFault.refused("invalid_blocks"))
        slack.next("chat.update", SlackFault.refused("fatal_error"))
        astro.next("list", AstroFault.bad_gateway(), times=4)
        astro.next("create", AstroFault.answer(401, "Unauthorized"))
        astro.next("create", AstroFault.drop())
        card = await world.asks("prod-aws")
        await world.told(card, "`HEALTHY`", timeout=20)
        await probed(world, told)
        assert await found(world, told) == {}
    assert await found(world, told) == {}
    warnings = [line for line in map(json.loads, told.log.getvalue().splitlines()) if line["level"] != "info"]
    assert len(warnings) >= 3  # so much was told of what failed, and none of it is secret


async def test_the_search_would_find_what_it_looks_for(world: World, told: Told) -> None:
    async with world.running():
        await world.alice.types(f"{world.environ['ASTRO_API_TOKEN']} is mine, says Mallory", in_=world.general)
        structlog.get_logger().info("a plain secret", word=world.environ["SLACK_SIGNING_SECRET"])
        assert await found(world, told) == {"posts": ["Astro token", "Mallory"], "log": ["signing secret"]}
