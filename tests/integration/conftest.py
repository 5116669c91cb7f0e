"""What the tests of the two sandboxes start from; the houses hold the words that they use."""

from collections.abc import AsyncIterator

import httpx
import pytest

from bot.adapters.astro import Astro
from bot.sandbox.astro import AstroSandbox
from bot.sandbox.slack import Person, SlackSandbox
from tests.integration import astro_house, slack_house
from tests.integration.astro_house import TOKEN, Version, client
from tests.integration.slack_house import Bot, house


@pytest.fixture
def clock() -> slack_house.Clock:
    """Slack's, which stands still until a test moves it."""
    return slack_house.Clock()


@pytest.fixture
async def both(clock: slack_house.Clock) -> AsyncIterator[tuple[SlackSandbox, Bot]]:
    async with house(clock=clock) as pair:
        yield pair


@pytest.fixture
def slack(both: tuple[SlackSandbox, Bot]) -> SlackSandbox:
    return both[0]


@pytest.fixture
def bot(both: tuple[SlackSandbox, Bot]) -> Bot:
    return both[1]


@pytest.fixture
def alice(slack: SlackSandbox) -> Person:
    return slack.person("alice", email="alice@example.com")


@pytest.fixture
def astro_clock() -> astro_house.Clock:
    """Astro's, which stands still until a test moves it."""
    return astro_house.Clock()


@pytest.fixture
async def sandbox(astro_clock: astro_house.Clock) -> AsyncIterator[AstroSandbox]:
    astro = AstroSandbox(clock=astro_clock, build_seconds=100)
    await astro.start()
    yield astro
    await astro.stop()


@pytest.fixture
async def web(sandbox: AstroSandbox) -> AsyncIterator[httpx.AsyncClient]:
    """Bare HTTP below the organization, by v1."""
    home = f"{sandbox.url}/v1/organizations/{sandbox.organization['id']}"
    async with httpx.AsyncClient(base_url=home, headers={"Authorization": f"Bearer {TOKEN}"}) as found:
        yield found


@pytest.fixture
def version() -> Version:
    return "v1"


@pytest.fixture
async def astro(sandbox: AstroSandbox, version: Version) -> AsyncIterator[Astro]:
    async with client(sandbox, version) as found:
        yield found
