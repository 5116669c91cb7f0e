"""What the end-to-end tests look at beside Slack: rows, calls to Astro, and Astro's words in a thread."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from bot.app import Bot
from bot.sandbox.astro import Seen, Step
from bot.sandbox.slack import Message, Person
from bot.store.requests import Request
from tests.world import World, stored

T = TypeVar("T")
# Astro's words as they would stand in a sentence, whatever their case.
ASTRO_WORDS = re.compile(
    r"\b(creating|created|create_failed|updating|update_failed|upgrade_pending|access_denied|failing_over"
    r"|failover_failed|healthy|unhealthy|unknown)\b"
)
# A life as short as it can be told: three looks after the create call.
SHORT_LIFE = (Step("CREATING", polls=1), Step("CREATED", "HEALTHY"))
POLLING = {"STATUS_POLL_SECONDS": "0.1", "HEALTH_POLL_SECONDS": "0.1"}  # so that every tick looks
PAUSE = 0.02  # seconds between two looks at what tells nobody of its changes


async def until(look: Callable[[], T], what: str, seconds: float = 10) -> T:
    """Wait until `look` finds something; for what lies outside the Slack workspace."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:g} s in vain for: {what}")
        await asyncio.sleep(PAUSE)
    return found


async def until_state(bot: Bot, name: str, state: str, seconds: float = 10) -> Request:
    """Wait until the newest request for this name stands there."""
    deadline = time.monotonic() + seconds
    while (request := await stored(bot, name)).state != state:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{name} is {request.state} and not {state} after {seconds:g} s")
        await asyncio.sleep(PAUSE)
    return request


async def until_card(world: World, card: Message, words: str, seconds: float = 10) -> None:
    """Wait until the card says this."""
    await world.slack.until(lambda: words in card.as_text(), timeout=seconds, what=f"{words!r} on the card")


async def until_told_alone(world: World, person: Person, words: str, seconds: float = 10) -> Message:
    """Wait until this person, and nobody else, is told this: where they are, or in their direct messages."""

    def found() -> Message | None:
        return next((each for each in (*person.ephemerals, *person.dm.posts) if words in each.text), None)

    told = await world.slack.until(found, timeout=seconds, what=f"{words!r} for {person.name} alone")
    assert told is not None
    return told


def calls(world: World, call: str) -> list[Seen]:
    """What Astro was asked, by the sandbox's name for it."""
    return [each for each in world.astro.requests if each.call == call]


def sweeps(world: World) -> list[Seen]:
    """The lists of everything, by which clusters are followed."""
    return [each for each in calls(world, "list") if "names=" not in each.path]


def made(world: World) -> list[str]:
    """The names of the clusters that Astro really made, in order."""
    return [str(each["name"]) for each in world.astro.creates]


def astro_words(world: World, card: Message) -> list[str]:
    """Astro's words in the order in which the thread tells them."""
    return [word for text in world.thread(card) for word in re.findall(r"`([A-Z_]+)`", text)]


def count(world: World, card: Message, words: str) -> int:
    """How many posts of the thread say this."""
    return sum(words in text for text in world.thread(card))


@asynccontextmanager
async def astro_away(world: World) -> AsyncIterator[None]:
    """Nobody listens at Astro's address."""
    await world.astro.stop()
    try:
        yield
    finally:
        await world.astro.start()
