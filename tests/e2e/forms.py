"""What people do in the create form, and in which hands a view can fall."""

from typing import Any

from bot.app import Bot
from bot.clusters.lifecycle import State
from bot.sandbox.slack import Form, Person
from bot.sandbox.slack.transports import Answer
from bot.store import requests
from tests.world import World

PROVIDERS = ("AWS", "AZURE", "GCP")


async def choose(form: Form, path: str, value: str | None) -> None:
    """Choose what shapes the rest, and wait for the form that comes of it."""
    await form.choose(path, value)
    await form.until_redrawn()


async def click(form: Form, action_id: str, value: str) -> None:
    """Add or remove an item, and wait for the form that comes of it."""
    await form.click(action_id, value)
    await form.until_redrawn()


async def shape(form: Form, provider: str, kind: str) -> None:
    """Make it a form for this provider and type."""
    for path, value in (("cloudProvider", provider), ("type", kind)):
        if form.value(path) != value:
            await choose(form, path, value)


def missing(form: Form) -> list[str]:
    """The paths of the required inputs in which nothing stands yet."""
    required = [block["block_id"] for block in form.blocks if block["type"] == "input" and not block["optional"]]
    return [block_id.partition("#")[0] for block_id in required if not form.value(block_id)]


def alerts(form: Form) -> list[str]:
    """What the form says on top of all, for the person and not for a field."""
    return [str(block["text"]["text"]) for block in form.blocks if block["type"] == "alert"]


def remarks(form: Form, path: str) -> list[str]:
    """The small print right under a field."""
    at = form.blocks.index(form.block(path)) + 1
    said = []
    while at < len(form.blocks) and form.blocks[at]["type"] == "context":
        said += [str(part["text"]) for part in form.blocks[at]["elements"]]
        at += 1
    return said


async def send(world: World, person: Person, form: Form) -> Answer:
    """A submission as it reaches the bot, whatever stands on anybody's screen: another client, a copy, a replay."""
    return await world.slack.courier.submission(person.account, form.view)


async def all_requests(bot: Bot) -> list[requests.Request]:
    """Every request on record."""
    async with bot.db.read() as tx:
        return await requests.in_states(tx, [state.value for state in State])


def offered(world: World, provider: str, what: str) -> list[str]:
    """The names of what Astro has on offer: `regions`, `databaseInstances`, `nodeInstances`."""
    return [str(each["name"]) for each in world.astro.options[provider][what]]


def ranges(world: World, provider: str) -> dict[str, Any]:
    """Astro's own default ranges, by the field that they fill."""
    fields = ("vpcSubnetRange", "podSubnetRange", "serviceSubnetRange", "servicePeeringRange")
    given = {field: world.astro.options[provider].get(f"default{field[0].upper()}{field[1:]}") for field in fields}
    return {field: value for field, value in given.items() if value}
