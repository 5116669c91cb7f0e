"""The bot is stopped in the middle of things and started again on its database: nothing is lost, nothing done twice."""

import pytest

from bot.errors import OperatorError
from bot.sandbox.astro import Fault, Step
from bot.sandbox.slack import Message
from bot.sandbox.slack.faults import Fault as SlackFault
from tests.e2e.steps import POLLING, SHORT_LIFE, astro_words, calls, count, made, until, until_card, until_state
from tests.world import WITH_APPROVAL, World, stored

ACCEPTED = "Its cluster id is"
STORY = ["asks for", ACCEPTED, "`CREATING`", "`CREATED`", "`HEALTHY`"]


@pytest.fixture(autouse=True)
def short_life(world: World) -> None:
    world.astro.script = SHORT_LIFE
    world.environ |= POLLING


def told_once(world: World, card: Message) -> None:
    """One card, and under it the whole story, each sentence once and in order."""
    assert world.general.messages == [card]
    found = [words for text in world.thread(card) for words in STORY if words in text]
    assert found == STORY


async def test_a_request_that_waits_for_approval_still_waits_and_can_be_approved(world: World) -> None:
    world.policy(WITH_APPROVAL)
    async with world.running():
        card = await world.asks("prod-aws", request__reason="For the launch")
        await world.told(card, "asks for")
    async with world.running() as bot:
        assert (await stored(bot, "prod-aws")).state == "AWAITING_APPROVAL"
        assert made(world) == []
        await world.ann.clicks(card, "approve_request")
        await world.told(card, "`HEALTHY`")
    told_once(world, card)
    assert made(world) == ["prod-aws"]


async def test_a_form_that_was_open_meanwhile_can_be_submitted_once(world: World) -> None:
    async with world.running():
        form = await world.opens_form()
        form.fill("name", "prod-aws")
    async with world.running():
        assert (await form.submit()).closed
        await world.told(await world.card("prod-aws"), ACCEPTED)
    assert made(world) == ["prod-aws"]


async def test_a_request_that_could_not_be_sent_yet_is_sent_after_the_restart(world: World) -> None:
    async with world.running():
        await world.astro.stop()
        card = await world.asks("prod-aws")
        await until_card(world, card, "the bot keeps trying")
    await world.astro.start()
    async with world.running():
        await world.told(card, "`HEALTHY`")
    told_once(world, card)
    assert made(world) == ["prod-aws"]


async def test_a_create_call_that_was_cut_off_is_looked_up_and_not_repeated(world: World) -> None:
    quick = {"LEASE_SECONDS": "1.5"}
    async with world.running(**quick) as bot:
        world.astro.faults.next("create", Fault.hang(30))
        card = await world.asks("prod-aws")
        await until(lambda: calls(world, "create"), "the call")
        await bot.stop(0.1)
    async with world.running(**quick) as bot:
        assert (await stored(bot, "prod-aws")).state == "SUBMITTING"
        await world.told(card, ACCEPTED)
    assert len(calls(world, "create")) == 1
    assert made(world) == ["prod-aws"]
    assert count(world, card, "got lost, so the bot is looking") == 1


async def test_a_create_call_in_flight_is_waited_for_at_the_stop(world: World) -> None:
    async with world.running():
        world.astro.faults.next("create", Fault.hang(0.5))
        card = await world.asks("prod-aws")
        await until(lambda: calls(world, "create"), "the call")
    async with world.running() as bot:
        assert (await stored(bot, "prod-aws")).state == "PROVISIONING"
        await world.told(card, "`HEALTHY`")
    told_once(world, card)
    assert made(world) == ["prod-aws"]


async def test_what_happened_at_astro_meanwhile_is_told_after_the_restart(world: World) -> None:
    world.astro.script = (Step("CREATING"),)
    async with world.running():
        card = await world.asks("prod-aws")
        await world.told(card, "`CREATING`")
    world.astro.set_status("prod-aws", "CREATED")
    world.astro.set_health("prod-aws", "HEALTHY")
    async with world.running() as bot:
        await world.told(card, "`HEALTHY`")
        await until_card(world, card, "Ready since")
        await until_state(bot, "prod-aws", "READY")
    told_once(world, card)
    async with world.running():
        world.astro.set_health("prod-aws", "UNHEALTHY")
        await world.told(card, "`UNHEALTHY`")
    assert astro_words(world, card) == ["CREATING", "CREATED", "HEALTHY", "UNHEALTHY"]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(SlackFault.page(503), id="refused by a proxy"),
        pytest.param(SlackFault.slow(30, done=True), id="said, and not answered yet"),
        pytest.param(SlackFault.slow(30), id="not said, and not answered"),
    ],
)
async def test_posts_that_were_not_sent_yet_are_said_after_the_restart(world: World, fault: SlackFault) -> None:
    quick = {"LEASE_SECONDS": "1.5", "SLACK_SETTLE_SECONDS": "0.3"}
    async with world.running(**quick) as bot:
        card = await world.asks("prod-aws")
        world.slack.faults.next("chat.postMessage", fault, times=None)
        posts = len(world.slack.calls_to("chat.postMessage"))
        await world.slack.until(lambda: len(world.slack.calls_to("chat.postMessage")) > posts, what="a post")
        await bot.stop(0.1)
    world.slack.faults.clear()
    async with world.running(**quick):
        await world.told(card, "`HEALTHY`")
    told_once(world, card)


async def test_a_second_bot_on_the_same_sqlite_file_is_refused(world: World) -> None:
    async with world.running():
        with pytest.raises(OperatorError, match="another clusterbot runs on this SQLite file") as refused:
            async with world.started():
                pass
        card = await world.asks("prod-aws")
        await world.told(card, ACCEPTED)
    assert refused.value.exit_code == 1
    async with world.running():
        await world.told(card, "`HEALTHY`")
