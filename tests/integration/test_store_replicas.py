"""On PostgreSQL: the main job, and two bots that share one database without doing anything twice."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from sqlalchemy import text

from bot.app import Bot
from bot.sandbox.astro_life import Step, usual_life
from bot.sandbox.slack import Form, Message
from bot.store import events, requests
from tests.postgres import Postgres
from tests.world import POLICY, WITH_APPROVAL, World, stored

LIFE = ["CREATING", "CREATED", "HEALTHY"]


@dataclass(frozen=True)
class Replica:
    """One of the bots, and where Slack would reach it."""

    bot: Bot
    app_url: str


@pytest.fixture
def on_postgres(world: World, postgres: Postgres) -> World:
    world.environ["DATABASE_URL"] = postgres.migrated()
    return world


@contextlib.asynccontextmanager
async def two(world: World) -> AsyncIterator[tuple[Replica, Replica]]:
    async with world.running() as one:
        first = Replica(one, world.slack.app_url)
        async with world.running() as other:
            yield first, Replica(other, world.slack.app_url)


def words(world: World, card: Message) -> list[str]:
    return [word for text in world.thread(card) for word in LIFE if f"`{word}`" in text]


async def test_a_request_becomes_a_healthy_cluster_told_in_one_thread(on_postgres: World) -> None:
    world = on_postgres
    async with world.running():
        card = await world.asks("prod-aws")
        await world.told(card, "`HEALTHY`")
    assert words(world, card) == LIFE
    assert [each["name"] for each in world.astro.creates] == ["prod-aws"]
    assert world.slack.refusals == []


async def test_two_bots_share_the_work_and_do_nothing_twice(on_postgres: World) -> None:
    world = on_postgres
    world.astro.script = usual_life(3.0)  # long enough for every status to be seen by a poll
    names = [f"team-{number}" for number in range(6)]
    async with two(world) as replicas:
        cards = []
        for number, name in enumerate(names):
            world.slack.app_url = replicas[number % 2].app_url
            cards.append(await world.asks(name))
        await asyncio.gather(*(world.told(card, "`HEALTHY`", timeout=30) for card in cards))
    assert sorted(each["name"] for each in world.astro.creates) == names
    assert [words(world, card) for card in cards] == [LIFE] * len(names)
    told = Counter(text for card in cards for text in world.thread(card))
    assert max(told.values()) == 1
    assert len(world.general.messages) == len(names)  # a card each


async def test_one_submission_that_reaches_both_bots_makes_one_request(on_postgres: World) -> None:
    world = on_postgres
    async with two(world) as (first, other):
        form = await world.opens_form()
        form.fill("name", "prod-aws")
        submissions = []
        for replica in (first, other):
            world.slack.app_url = replica.app_url
            submissions.append(asyncio.create_task(form.courier.submission(form.user, form.view)))
            await asyncio.sleep(0)  # by then it is on its way to this one
        answers = await asyncio.gather(*submissions)
        assert [(answer.status, answer.body) for answer in answers] == [(200, "")] * 2
        card = await world.card("prod-aws")
        await world.told(card, "`CREATED`")
    assert len(world.general.messages) == 1
    assert len(world.astro.creates) == 1


async def test_of_two_approvers_at_two_bots_the_first_decides_and_the_other_is_told(on_postgres: World) -> None:
    world = on_postgres
    world.policy(WITH_APPROVAL)
    bea = world.slack.person("bea", email="bea@example.com")
    world.general.conversation.members.add(bea.id)
    world.slack.usergroup("S0APPROVE", [world.ann, bea])
    async with two(world) as (first, other):
        card = await world.asks("prod-aws", request__reason="for the team")
        clicks = []
        for who, replica in ((world.ann, first), (bea, other)):
            world.slack.app_url = replica.app_url
            clicks.append(asyncio.create_task(who.clicks(card, "approve_request")))
            await asyncio.sleep(0)  # by then it is on its way to this one
        assert [reply.status for reply in await asyncio.gather(*clicks)] == [200, 200]
        await world.slack.until(lambda: [*world.ann.ephemerals, *bea.ephemerals])
        await world.told(card, "`CREATED`")
        request = await stored(first.bot, "prod-aws")
        async with first.bot.db.read() as tx:
            decided = [each["actor"] for each in await events.of_request(tx, request.id) if "approve" in each["kind"]]
    assert len(decided) == 1
    late = bea if decided == [world.ann.id] else world.ann
    assert len(late.ephemerals) == 1
    assert len(world.astro.creates) == 1


async def test_when_one_bot_ends_the_other_goes_on_with_its_work(on_postgres: World) -> None:
    world = on_postgres
    world.policy(POLICY)
    async with world.running(), contextlib.AsyncExitStack() as first:
        app_url = world.slack.app_url
        await first.enter_async_context(world.running())
        card = await world.asks("prod-aws")
        await world.told(card, "`CREATING`")
        await first.aclose()
        world.slack.app_url = app_url
        await world.told(card, "`HEALTHY`")
    assert words(world, card) == LIFE
    assert len(world.astro.creates) == 1


async def test_a_word_of_astros_that_is_longer_than_its_column_loses_neither_id_nor_story(on_postgres: World) -> None:
    world = on_postgres
    long = "PREHEATING_" * 7
    world.astro.script = (Step(long, polls=1), Step("CREATED", long, polls=3), Step("CREATED", "HEALTHY"))
    async with world.running() as bot:
        card = await world.asks("prod-aws")
        await world.told(card, "`CREATED`")
        await world.told(card, "`HEALTHY`")
        request = await stored(bot, "prod-aws")
    assert request.cluster_id == world.astro.find("prod-aws").id
    assert [f"`{long[:64]}`" in text for text in world.thread(card)].count(True) == 2  # a status, and a health
    assert len(world.astro.creates) == 1


async def test_of_two_forms_that_reach_both_bots_at_once_one_passes_where_one_is_allowed(on_postgres: World) -> None:
    world = on_postgres
    world.policy(WITH_APPROVAL.replace("= 100", "= 1"))
    async with two(world) as replicas:
        forms: list[Form] = []
        for name in ("one", "two"):
            forms.append(await world.opens_form())
            forms[-1].fill("name", name)
            forms[-1].fill("request.reason", "for the team")
        async with replicas[0].bot.db.write() as tx:
            await tx.execute(text("LOCK TABLE requests IN SHARE MODE"))  # nobody's request gets in yet
            submissions = []
            for form, replica in zip(forms, replicas, strict=True):
                world.slack.app_url = replica.app_url
                submissions.append(asyncio.create_task(form.courier.submission(form.user, form.view)))
                await asyncio.sleep(0)  # by then it is on its way to this one
            await both_wait(replicas[0].bot)
        bodies = [answer.body for answer in await asyncio.gather(*submissions)]
        async with replicas[0].bot.db.read() as tx:
            kept = await requests.in_states(tx, ["AWAITING_APPROVAL"])
    assert len(kept) == 1
    [refused] = [body for body in bodies if body]
    assert "You have 1 open request, and 1 at a time are allowed." in refused


async def both_wait(bot: Bot) -> None:
    """Until two submissions have come as far as they can: to the table, or to each other."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        " AND (query LIKE 'INSERT INTO requests%' OR query LIKE '%pg_advisory_xact_lock%')"
    )
    async with asyncio.timeout(2.5):
        while True:
            async with bot.db.read() as tx:
                if (await tx.execute(waiting)).scalar_one() == 2:
                    return
