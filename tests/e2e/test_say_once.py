"""The story in Slack: everything once, in order, wherever it can be told, and nothing that is noise."""

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest

from bot.app import Bot
from bot.sandbox.astro import Step
from bot.sandbox.slack import Channel, Message
from bot.sandbox.slack.faults import Fault
from bot.services import deliver
from bot.store import pace
from tests.e2e.steps import ASTRO_WORDS, PAUSE, POLLING, SHORT_LIFE, astro_words, count, until_card
from tests.world import World

STORY = ["asks for", "Its cluster id is", "`CREATING`", "`CREATED`", "`HEALTHY`"]


@pytest.fixture(autouse=True)
def short_life(world: World) -> None:
    world.astro.script = SHORT_LIFE
    world.environ |= POLLING


def told_once_in_order(world: World, card: Message) -> None:
    """The whole story of a cluster that came about without trouble, each sentence once."""
    assert [count(world, card, words) for words in STORY] == [1] * len(STORY)
    assert [next(words for words in STORY if words in text) for text in world.thread(card)] == STORY


def other_messages(channel: Channel, card: Message) -> list[str]:
    return [each.text for each in channel.posts if each != card and each.thread_ts != card.ts]


# --- an answer of Slack's that is lost --------------------------------------------------------------------------------

LOST = {
    "dropped after": Fault.dropped(done=True),
    "dropped before": Fault.dropped(),
    "cut": Fault.cut_reply(),
    "503 before": Fault.page(503),
    "internal_error after": Fault.refused("internal_error", done=True),
    "too late": Fault.slow(1.5, done=True),
}


@pytest.mark.parametrize("fault", LOST.values(), ids=LOST)
async def test_posts_whose_answer_was_lost_are_looked_up_and_said_once(world: World, fault: Fault) -> None:
    async with world.running(LEASE_SECONDS="1.5", SLACK_SETTLE_SECONDS="0.3"):
        world.slack.faults.next("chat.postMessage", fault)  # the card
        world.slack.faults.next("chat.postMessage", Fault.slow(0), times=1)
        world.slack.faults.next("chat.postMessage", fault)  # a post in the thread
        card = await world.asks("prod-aws")
        await world.told(card, "`HEALTHY`")
    told_once_in_order(world, card)
    assert other_messages(world.general, card) == []


async def test_an_unanswered_post_is_believed_to_be_absent_only_after_the_settle_time(world: World) -> None:
    async with world.running(SLACK_SETTLE_SECONDS="0.8"):
        world.slack.faults.next("chat.postMessage", Fault.dropped())
        await world.asks("prod-aws")
    first, second = world.slack.calls_to("chat.postMessage")[:2]
    looked = [call.at for call in world.slack.calls_to("conversations.history")]
    assert second.at - first.at >= 0.8
    assert any(first.at + 0.8 <= at <= second.at for at in looked)


# --- an answer of Slack's that is a no --------------------------------------------------------------------------------


async def test_a_429_pauses_posts_everywhere_for_as_long_as_slack_says(world: World) -> None:
    other = world.slack.channel("other", members=[world.alice], bot=True)
    async with world.running():
        world.slack.faults.next("chat.postMessage", Fault.limited(1))
        form = await world.opens_form(in_=other)
        form.fill("name", "elsewhere")
        await form.submit()
        await world.slack.until(lambda: world.slack.calls_to("chat.postMessage"), what="the post that is refused")
        card = await world.asks("prod-aws")
        await world.told(card, "`HEALTHY`")
        await world.told(await world.card("elsewhere", other), "`HEALTHY`")
    first, second = world.slack.calls_to("chat.postMessage")[:2]
    assert second.at - first.at >= 1.0
    told_once_in_order(world, card)


async def test_a_post_is_said_in_plain_text_where_slack_refuses_its_blocks(world: World) -> None:
    async with world.running():
        world.slack.faults.next("chat.postMessage", Fault.refused("invalid_blocks"))
        world.slack.faults.next("chat.postMessage", Fault.slow(0), times=1)
        world.slack.faults.next("chat.postMessage", Fault.refused("invalid_blocks"))
        card = await world.asks("prod-aws")
        await world.told(card, "`HEALTHY`")
        await until_card(world, card, "Ready since")  # the card's blocks come with its next edit
    told_once_in_order(world, card)
    plain = [each.text for each in world.general.thread(card) if not each.blocks]
    assert [text for text in plain if "asks for" in text] == plain
    assert card.edits[0].blocks == []


async def test_a_deleted_card_is_posted_again_and_the_story_goes_on_under_it(world: World) -> None:
    world.astro.scripts["prod-aws"] = (Step("CREATING"),)
    async with world.running():
        card = await world.asks("prod-aws")
        await world.told(card, "`CREATING`")
        card.remove()
        world.astro.set_status("prod-aws", "CREATED")
        again = await world.card("prod-aws")
        await world.told(again, "`CREATED`")
        world.astro.set_health("prod-aws", "HEALTHY")
        await world.told(again, "`HEALTHY`")
    assert again != card
    assert astro_words(world, again) == ["CREATED", "UNKNOWN", "HEALTHY"]
    told_earlier = world.general.thread(card)
    assert [each for each in world.general.posts if each not in told_earlier and each.thread_ts != again.ts] == [again]


async def test_the_story_goes_on_in_a_dm_once_the_channel_is_archived(world: World) -> None:
    world.astro.scripts["prod-aws"] = (Step("CREATING"),)
    async with world.running():
        card = await world.asks("prod-aws")
        await world.told(card, "`CREATING`")
        world.general.archive()
        world.astro.set_status("prod-aws", "CREATED")
        world.astro.set_health("prod-aws", "HEALTHY")
        moved = await world.card("prod-aws", world.alice.dm)
        await world.told(moved, "`HEALTHY`")
    assert astro_words(world, card) == ["CREATING"]
    assert astro_words(world, moved) == ["CREATED", "HEALTHY"]
    assert other_messages(world.alice.dm, moved) == []


async def test_the_story_goes_on_in_a_dm_once_the_bot_is_taken_out_of_a_private_channel(world: World) -> None:
    secret = world.slack.channel("secret", members=[world.alice], private=True, bot=True)
    world.astro.scripts["prod-aws"] = (Step("CREATING"),)
    async with world.running():
        form = await world.opens_form(in_=secret)
        form.fill("name", "prod-aws")
        await form.submit()
        card = await world.card("prod-aws", secret)
        await world.told(card, "`CREATING`")
        secret.remove_bot()
        world.astro.set_status("prod-aws", "CREATE_FAILED")
        moved = await world.card("prod-aws", world.alice.dm)
        await world.told(moved, "`CREATE_FAILED`")
    assert astro_words(world, moved) == ["CREATE_FAILED"]


async def test_after_slack_was_away_everything_arrives_in_order_and_once(world: World) -> None:
    async with world.running(SLACK_SETTLE_SECONDS="0.2"):
        card = await world.asks("prod-aws")
        for method in ("chat.postMessage", "chat.update", "conversations.replies", "conversations.history"):
            world.slack.faults.next(method, Fault.page(503), times=None)
        await world.slack.until(lambda: world.slack.calls_to("conversations.replies"), what="a look-up")
        world.slack.faults.clear()
        await world.told(card, "`HEALTHY`", timeout=15)
        await until_card(world, card, "Ready since")
    told_once_in_order(world, card)
    assert other_messages(world.general, card) == []


async def test_a_join_and_a_post_that_take_longer_than_the_lease_make_one_card(world: World) -> None:
    place = world.slack.channel("platform", members=[world.alice])
    async with world.running(LEASE_SECONDS="4", SLACK_SETTLE_SECONDS="0.1"):  # a call may take 2.7 s
        world.slack.faults.next("conversations.join", Fault.slow(2.4))
        world.slack.faults.next("chat.postMessage", Fault.slow(2.4))
        form = await world.opens_form(in_=place)
        form.fill("name", "prod-aws")
        assert (await form.submit()).closed
        card = await world.card("prod-aws", place)
        await world.told(card, "`HEALTHY`", timeout=20)
    told_once_in_order(world, card)
    assert other_messages(place, card) == []


async def test_a_wait_without_end_is_cut_to_an_hour(world: World) -> None:
    async with world.running() as bot:
        card = await world.asks("prod-aws")
        await world.told(card, "`HEALTHY`")
        world.slack.faults.next("chat.postMessage", Fault.limited(10**300))
        world.slack.faults.next("chat.update", Fault.limited(10**300))
        world.astro.set_health("prod-aws", "UNHEALTHY")
        paused = await paused_methods(bot, 2)
        await world.ready()
    hour = timedelta(hours=1)
    assert all(hour - timedelta(minutes=1) < left <= hour for left in paused.values())


async def paused_methods(bot: Bot, number: int) -> dict[str, timedelta]:
    """For how long which methods of Slack's rest, once so many do."""
    async with asyncio.timeout(10):
        while True:
            async with bot.db.read() as tx:
                ends = {method: await pace.until(tx, method) for method in (deliver.POST, deliver.EDIT)}
                left = {method: end - tx.now for method, end in ends.items() if end is not None}
            if len(left) == number:
                return left
            await asyncio.sleep(PAUSE)


async def test_an_edit_that_slack_refuses_with_the_token_is_made_once_the_token_is_good_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "LONGEST_BACKOFF", 0.3)  # seconds; the life of this test, and no more
    async with world.running():
        world.slack.faults.next("chat.update", Fault.refused("token_revoked"), times=None)
        card = await world.asks("prod-aws")
        await world.told(card, "`HEALTHY`")
        await world.slack.until(lambda: len(world.slack.calls_to("chat.update")) >= 2, what="two refused edits")
        assert "`HEALTHY`" not in card.as_text()
        world.slack.faults.clear()
        await until_card(world, card, "`HEALTHY`")
    told_once_in_order(world, card)


# --- no noise ---------------------------------------------------------------------------------------------------------


async def test_posts_keep_slacks_pace_and_several_changes_make_one_edit_of_the_card(world: World) -> None:
    world.hasty = False
    async with world.running():
        card = await world.asks("prod-aws")
        await until_card(world, card, "`HEALTHY`")
        shown = [version.text for version in card.edits]
    at = [call.at for call in world.slack.calls_to("chat.postMessage")]
    assert len(at) > 2
    assert min(later - earlier for earlier, later in pairwise(at)) >= 0.95
    assert "is ready" in shown[-1]
    assert len(shown) <= 3  # and the row went through sending, accepted, two statuses and a health
    assert len(world.slack.calls_to("chat.update")) == len(shown) - 1


async def test_each_of_astros_words_stands_in_one_post_and_in_no_cards_text(world: World) -> None:
    world.astro.scripts["prod-aws"] = (
        Step("CREATING", polls=1),
        Step("UPDATING", polls=1),
        Step("CREATED", polls=2),
        Step("CREATED", "HEALTHY", polls=2),
        Step("CREATED", "UNHEALTHY"),
    )
    async with world.running():
        card = await world.asks("prod-aws")
        await world.told(card, "`UNHEALTHY`")
        await until_card(world, card, "`UNHEALTHY`")
    told = ["CREATING", "UPDATING", "CREATED", "UNKNOWN", "HEALTHY", "UNHEALTHY"]
    assert astro_words(world, card) == told
    # Whoever searches for a word, in any spelling, finds the one post that announces it.
    for word in told:
        posts = [text for text in world.thread(card) if word.casefold() in ASTRO_WORDS.findall(text.casefold())]
        assert len(posts) == 1, (word, posts)
    assert [text for version in card.edits for text in ASTRO_WORDS.findall(version.text.casefold())] == []


async def test_a_new_card_goes_before_what_is_told_under_others(world: World) -> None:
    world.hasty = False
    async with world.running():
        forms = []
        for number in range(3):
            await world.asks(f"team-{number}")
            forms.append(number)
        cards = [await world.card(f"team-{number}") for number in forms]
        await world.told(cards[-1], "asks for team-2", timeout=20)
        posts = [each for each in world.general.posts if "team-" in each.text]
    first_three = [each.thread_ts is None for each in posts[:5]]
    assert first_three.count(True) == 3, [each.text for each in posts]
