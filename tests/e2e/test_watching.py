"""Following clusters: what Astro says is told once, what it doesn't say is not made up, and it costs little."""

from functools import partial

import pytest

from bot.sandbox.astro import Fault, Step
from bot.sandbox.slack import Message, Person
from tests.e2e.steps import (
    POLLING,
    astro_away,
    astro_words,
    calls,
    count,
    sweeps,
    until,
    until_card,
    until_state,
)
from tests.world import World, stored

BODY = {"cloudProvider": "AWS", "type": "DEDICATED", "region": "us-east-1", "vpcSubnetRange": "172.20.0.0/20"}
SILENT = "Astro does not answer at the moment"


@pytest.fixture(autouse=True)
def polling(world: World) -> None:
    world.environ |= POLLING


async def test_words_that_nobody_knows_and_no_word_at_all_mean_that_it_is_on_its_way(world: World) -> None:
    world.astro.scripts["prod-aws"] = (
        Step("", polls=1),
        Step("PREHEATING", polls=1),
        Step("", polls=1),
        Step("CREATED", "SPLENDID"),
    )
    async with world.running() as bot:
        card = await world.asks("prod-aws")
        await world.told(card, "`PREHEATING`")
        assert (await stored(bot, "prod-aws")).state == "PROVISIONING"
        await world.told(card, "`SPLENDID`")
        await until_card(world, card, "`SPLENDID`")
    assert astro_words(world, card) == ["PREHEATING", "CREATED", "SPLENDID"]
    assert world.slack.refusals == []


async def test_created_is_believed_once_it_is_seen_twice_and_told_once(world: World) -> None:
    world.astro.scripts["prod-aws"] = (
        Step("CREATING", polls=1),
        Step("CREATED", polls=1),
        Step("UPGRADE_PENDING", polls=1),
        Step("CREATED", "HEALTHY"),
    )
    async with world.running():
        card = await world.asks("prod-aws")
        await world.told(card, "`HEALTHY`")
        seen = len(sweeps(world))
        await until(lambda: len(sweeps(world)) > seen + 1, "two more looks")
    assert astro_words(world, card) == ["CREATING", "UPGRADE_PENDING", "CREATED", "HEALTHY"]


@pytest.mark.parametrize("word", ["CREATE_FAILED", "ACCESS_DENIED"])
async def test_a_cluster_that_astro_could_not_build_is_told_to_its_requester(world: World, word: str) -> None:
    world.astro.scripts["prod-aws"] = (Step("CREATING", polls=1), Step(word))
    async with world.running() as bot:
        card = await world.asks("prod-aws")
        post = await world.told(card, f"`{word}`")
        await until_state(bot, "prod-aws", "FAILED")
        await until_card(world, card, "Astro could not build it")
    assert world.alice.mention in post.text
    assert astro_words(world, card) == ["CREATING", word]


async def healthy(world: World, name: str = "prod-aws") -> Message:
    world.astro.scripts[name] = (Step("CREATED", "HEALTHY"),)
    card = await world.asks(name)
    await world.told(card, "`HEALTHY`")
    return card


async def test_an_incident_is_told_with_astros_details_and_its_end_too(world: World) -> None:
    detail = {
        "code": "NODES",
        "component": "Pool <one>",
        "description": "2 of 3 nodes & more",
        "severity": "HIGH",
    }
    async with world.running():
        card = await healthy(world)
        world.astro.set_health("prod-aws", "UNHEALTHY", [detail])
        incident = await world.told(card, "`UNHEALTHY`")
        await until_card(world, card, "`UNHEALTHY`")
        world.astro.set_health("prod-aws", "HEALTHY")
        await world.slack.until(lambda: astro_words(world, card)[-1] == "HEALTHY", what="the end of the incident")
    assert all(words in incident.as_text() for words in ("Pool <one>", "2 of 3 nodes & more", "HIGH"))
    assert world.alice.mention in incident.text
    assert astro_words(world, card) == ["CREATED", "HEALTHY", "UNHEALTHY", "HEALTHY"]


async def test_a_health_that_is_seen_only_once_is_no_news(world: World) -> None:
    world.astro.scripts["prod-aws"] = (
        Step("CREATED", "HEALTHY", polls=3),
        Step("CREATED", "UNHEALTHY", polls=1),
        Step("CREATED", "HEALTHY", polls=1),
        Step("UPDATING", "HEALTHY"),
    )
    async with world.running():
        card = await world.asks("prod-aws")
        await world.told(card, "`UPDATING`")
    assert astro_words(world, card) == ["CREATED", "HEALTHY", "UPDATING"]


async def test_a_cluster_that_is_gone_from_astro_gets_its_last_word(world: World) -> None:
    async with world.running() as bot:
        card = await healthy(world)
        world.astro.remove("prod-aws")
        last = await world.told(card, "no longer in Astro")
        await until_state(bot, "prod-aws", "DELETED")
        await until_card(world, card, "Gone from Astro")
        seen = len(sweeps(world))
    assert world.alice.mention in last.text
    assert world.general.thread(card)[-1] == last
    assert [each.status for each in calls(world, "get")] == [404, 404]
    assert len(sweeps(world)) <= seen + 1  # nobody is left to be followed


async def test_missing_from_a_list_or_from_one_answer_is_not_gone(world: World) -> None:
    async with world.running() as bot:
        card = await healthy(world)
        hidden = world.astro.find("prod-aws")
        hidden.seen_from = world.astro.clock() + 3600
        await until(lambda: calls(world, "get"), "being asked for by id")
        world.astro.faults.next("get", Fault.answer(404, "Cluster not found"))
        asked = len(calls(world, "get"))
        await until(lambda: len(calls(world, "get")) > asked + 1, "being asked for again")
        hidden.seen_from = 0.0
        seen = len(sweeps(world))
        await until(lambda: len(sweeps(world)) > seen + 1, "two more looks")
        request = await stored(bot, "prod-aws")
    assert 404 in [each.status for each in calls(world, "get")]
    assert (request.state, request.watch["missing"]) == ("READY", 0)
    assert count(world, card, "no longer in Astro") == 0


EMPTY_PAGE = {"clusters": [], "limit": 1000, "offset": 1000, "totalCount": 1001}


@pytest.mark.parametrize(
    "second", [Fault.bad_gateway(), Fault.answer(200, body=EMPTY_PAGE)], ids=["it fails", "it is empty"]
)
async def test_a_sweep_whose_second_page_is_missing_proves_nothing(world: World, second: Fault) -> None:
    for number in range(1000):
        world.astro.add({**BODY, "name": f"older-{number}"}, age=60)
    async with world.running() as bot:
        card = await healthy(world)
        for _ in range(9):  # three sweeps of three tries each
            world.astro.faults.next("list", Fault.hang(0.0))
            world.astro.faults.next("list", second, times=3)
        asked = len(calls(world, "get"))
        await until_card(world, card, SILENT)
        assert len(calls(world, "get")) == asked
        world.astro.faults.clear()
        await world.slack.until(lambda: SILENT not in card.as_text(), what="the notice taken back")
        request = await stored(bot, "prod-aws")
    assert (request.state, request.watch["missing"]) == ("READY", 0)
    assert astro_words(world, card) == ["CREATED", "HEALTHY"]


async def test_one_sweep_serves_all_requests(world: World) -> None:
    world.astro.script = (Step("CREATING"),)
    names = [f"cluster-{number}" for number in range(4)]
    async with world.running(STATUS_POLL_SECONDS="0.3") as bot:
        for name in names:
            await world.asks(name)
        for name in names:
            await until_state(bot, name, "PROVISIONING")
        before = len(sweeps(world))
        await until(lambda: len(sweeps(world)) >= before + 3, "three more looks")
        looked = sweeps(world)[before : before + 3]
    assert looked[-1].time - looked[0].time >= 2 * 0.3 * 0.9  # each poll is one list, however many there are
    assert calls(world, "get") == []


async def test_an_astro_that_is_away_is_one_notice_on_the_card_and_taken_back(world: World) -> None:
    async with world.running():
        card = await healthy(world)
        posts = len(world.thread(card))
        async with astro_away(world):
            await until_card(world, card, SILENT)
        await world.slack.until(lambda: SILENT not in card.as_text(), what="the notice taken back")
    shown = [SILENT in str(version.blocks) for version in card.edits]
    first = shown.index(True)
    assert sum(shown[first:]) == shown[first:].index(False)  # there, then gone
    assert len(world.thread(card)) == posts


async def test_refreshing_while_astro_has_a_hiccup_makes_no_end_of_a_cluster(world: World) -> None:
    async with world.running(HEALTH_POLL_SECONDS="60") as bot:
        card = await healthy(world)
        await until_card(world, card, "`HEALTHY`")
        world.astro.faults.next("get", Fault.answer(404, "Cluster not found"), times=None)
        await refreshed_twice_in_vain(world, card)
        request = await stored(bot, "prod-aws")
    assert [each.status for each in calls(world, "get")] == [404, 404]
    assert (request.state, request.watch["missing"]) == ("READY", 0)
    assert count(world, card, "no longer in Astro") == 0


async def test_refreshing_does_not_announce_what_has_to_be_seen_twice(world: World) -> None:
    world.astro.scripts["prod-aws"] = (Step("CREATING"),)
    async with world.running(STATUS_POLL_SECONDS="60") as bot:
        looks = len(sweeps(world))
        card = await world.asks("prod-aws")
        await until(lambda: len(sweeps(world)) > looks and sweeps(world)[-1].status == 200, "the only sweep")
        await until_card(world, card, "`CREATING`")
        world.astro.set_status("prod-aws", "CREATED")
        await refreshed_twice_in_vain(world, card)
        assert (await stored(bot, "prod-aws")).state == "PROVISIONING"
    assert [each.status for each in calls(world, "get")] == [200, 200]
    assert astro_words(world, card) == ["CREATING"]


def more_than(person: Person, seen: int) -> bool:
    """Whether they were told something since."""
    return len(person.ephemerals) > seen


async def refreshed_twice_in_vain(world: World, card: Message) -> None:
    for _ in range(2):
        told = len(world.alice.ephemerals)
        await world.alice.clicks(card, "refresh_request")
        await world.slack.until(partial(more_than, world.alice, told), what="an answer to the click")
        assert "nothing has changed" in world.alice.ephemerals[-1].text
