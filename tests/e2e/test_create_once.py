"""Whatever becomes of the one call that costs money: one cluster for one request, and nothing forgotten."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import text, update
from structlog.testing import capture_logs

from bot.app import Bot
from bot.sandbox.astro import Fault, Step
from bot.sandbox.slack import Message, Person
from bot.sandbox.slack.faults import Fault as SlackFault
from bot.store import pace, requests, tables
from tests.e2e.steps import PAUSE, astro_away, calls, count, made, until, until_card, until_state, until_told_alone
from tests.postgres import Postgres
from tests.world import WITH_APPROVAL, World, stored

SOON = {"UNCERTAIN_GRACE_SECONDS": "0.6"}
ACCEPTED = "Its cluster id is"
LOST = "got lost, so the bot is looking"
ABSENT = "did not turn up"


# --- the answer is lost, the cluster is there -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault.drop(), id="the connection drops"),
        pytest.param(Fault.half(), id="the answer is cut"),
        pytest.param(Fault.raw(200, '{"id": "clm', "application/json", made=True), id="the JSON is damaged"),
        pytest.param(Fault.answer(200, body={"name": "prod-aws"}, made=True), id="the id is missing"),
        pytest.param(Fault.bad_gateway(made=True), id="a proxy answers 502"),
        pytest.param(Fault.answer(500, made=True), id="Astro answers 500"),
        pytest.param(Fault.answer(409, "conflict", made=True), id="Astro answers 409"),
        pytest.param(Fault.taken(), id="a proxy sent it twice"),
    ],
)
async def test_a_cluster_whose_answer_was_lost_is_found_and_not_made_again(world: World, fault: Fault) -> None:
    async with world.running() as bot:
        world.astro.faults.next("create", fault)
        card = await world.asks("prod-aws")
        await world.told(card, ACCEPTED)
        request = await stored(bot, "prod-aws")
    assert made(world) == ["prod-aws"]
    assert len(calls(world, "create")) == 1
    assert request.cluster_id == world.astro.find("prod-aws").id
    assert count(world, card, LOST) == count(world, card, ACCEPTED) == 1


@pytest.mark.parametrize("late", [False, True], ids=["made at once", "made after we gave up"])
async def test_an_answer_that_comes_too_late_makes_no_second_cluster(world: World, late: bool) -> None:
    async with world.running(LEASE_SECONDS="1.5"):  # the call may take 1 s
        world.astro.faults.next("create", Fault.hang(1.4, late=late))
        card = await world.asks("prod-aws")
        await world.told(card, ACCEPTED)
    assert made(world) == ["prod-aws"]
    assert len(calls(world, "create")) == 1


async def test_a_cluster_that_lists_show_late_is_waited_for(world: World) -> None:
    world.astro.commit_delay = 0.6
    async with world.running():
        world.astro.faults.next("create", Fault.drop())
        card = await world.asks("prod-aws")
        await world.told(card, ACCEPTED)
    assert len(calls(world, "list")) > 2
    assert made(world) == ["prod-aws"]
    assert count(world, card, ABSENT) == 0


async def test_a_cluster_of_that_name_with_another_spec_is_not_taken_for_ours(world: World) -> None:
    async with world.running() as bot:
        world.astro.faults.next("create", Fault.drop_before())
        form = await world.opens_form()
        form.fill("name", "prod-aws")
        await form.submit()
        card = await world.card("prod-aws")
        request = await until_state(bot, "prod-aws", "UNCERTAIN")
        world.astro.add({**request.body, "vpcSubnetRange": "10.9.0.0/20"})
        await world.told(card, "there is a cluster of this name now")
        request = await until_state(bot, "prod-aws", "NEEDS_ATTENTION")
    assert request.cluster_id is None
    assert made(world) == []


# --- the answer is lost, and nothing was made -------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [Fault.bad_gateway(), Fault.drop_before()], ids=["502", "dropped"])
async def test_a_person_is_asked_only_after_the_grace(world: World, fault: Fault) -> None:
    async with world.running(UNCERTAIN_GRACE_SECONDS="0.8") as bot:
        world.astro.faults.next("create", fault)
        card = await world.asks("prod-aws")
        question = await world.told(card, ABSENT)
        request = await until_state(bot, "prod-aws", "NEEDS_ATTENTION")
    assert request.submitted_at is not None
    last = calls(world, "list")[-1].time - calls(world, "create")[0].time
    assert last >= 0.75
    assert [button.action_id for button in question.buttons] == ["adopt_request", "retry_request", "abandon_request"]
    assert made(world) == []
    assert len(calls(world, "create")) == 1


async def needs_attention(world: World, name: str = "prod-aws") -> tuple[Message, Message]:
    """A request whose create call went nowhere: its card, and the post that asks a person."""
    world.astro.faults.next("create", Fault.drop_before())
    card = await world.asks(name)
    return card, await world.told(card, ABSENT)


@pytest.mark.parametrize("who", ["alice", "ann"])
async def test_requester_and_approver_may_have_it_tried_again(world: World, who: str) -> None:
    async with world.running(**SOON) as bot:
        card, question = await needs_attention(world)
        person: Person = getattr(world, who)
        await person.clicks(question, "retry_request", confirm=False)
        assert (await stored(bot, "prod-aws")).state == "NEEDS_ATTENTION"
        await person.clicks(question, "retry_request")
        await world.told(card, ACCEPTED)
        await person.clicks(question, "retry_request")
        await until_told_alone(world, person, "you came a little late")
    assert made(world) == ["prod-aws"]
    assert len(calls(world, "create")) == 2
    assert count(world, card, "tried again") == 1


async def test_trying_again_looks_first_and_finds_what_the_lost_call_made(world: World) -> None:
    world.astro.commit_delay = 3600.0
    async with world.running(**SOON):
        world.astro.faults.next("create", Fault.drop())
        card = await world.asks("prod-aws")
        question = await world.told(card, ABSENT)
        world.astro.find("prod-aws").seen_from = 0.0
        await world.alice.clicks(question, "retry_request")
        await world.told(card, ACCEPTED)
    assert made(world) == ["prod-aws"]
    assert len(calls(world, "create")) == 1


async def test_giving_up_sends_nothing_more_and_frees_the_name(world: World) -> None:
    async with world.running(**SOON) as bot:
        card, question = await needs_attention(world)
        await world.ann.clicks(question, "abandon_request")
        await world.told(card, "gave up on")
        await until_state(bot, "prod-aws", "CANCELLED")
        assert len(calls(world, "create")) == 1
        await world.asks("prod-aws")
        again = await world.slack.until(
            lambda: [each for each in world.general.messages if each != card], what="a new card"
        )
        await world.told(again[0], ACCEPTED)
    assert made(world) == ["prod-aws"]


async def test_a_cluster_found_by_a_person_is_followed_from_then_on(world: World) -> None:
    async with world.running(**SOON) as bot:
        other = await world.asks("staging")
        await world.told(other, ACCEPTED)
        card, question = await needs_attention(world)
        body = dict((await stored(bot, "prod-aws")).body)
        elsewhere = world.astro.add({**body, "name": "prod-aws-by-hand"})

        await adopts(world, question, "clm-nobody-has-this-one-0")
        await until_told_alone(world, world.ann, "Astro has no cluster with the id clm-nobody-has-this-one-0")
        await adopts(world, question, world.astro.find("staging").id)
        await until_told_alone(world, world.ann, f"belongs to {(await stored(bot, 'staging')).id} already")
        assert (await stored(bot, "prod-aws")).state == "NEEDS_ATTENTION"

        await adopts(world, question, elsewhere.id)
        await world.told(card, f"it is the cluster `{elsewhere.id}`")
        await world.told(card, "`CREATED`")
    assert made(world) == ["staging"]


async def adopts(world: World, question: Message, cluster_id: str) -> None:
    await world.ann.clicks(question, "adopt_request")
    modal = await world.ann.sees_modal(callback_id="adopt_request")
    modal.fill("request.clusterId", cluster_id)
    assert (await modal.submit()).closed


async def test_who_may_not_decide_is_told_why_and_whom_to_ask(world: World) -> None:
    anybody, approvers = ("S0REQUEST", "S0APPROVE"), ("S0APPROVE",)
    refused = [
        (world.mallory, "retry_request", anybody),
        (world.mallory, "abandon_request", approvers),
        (world.mallory, "adopt_request", approvers),
        (world.alice, "abandon_request", approvers),
        (world.alice, "adopt_request", approvers),
    ]
    async with world.running(**SOON) as bot:
        _, question = await needs_attention(world)
        for person, button, whom in refused:
            told = await refused_a_click(person, question, button)
            assert all(f"<!subteam^{group}>" in told.text for group in whom), (button, told.text)
            assert person.modal is None
        request = await stored(bot, "prod-aws")
    assert request.state == "NEEDS_ATTENTION"
    assert made(world) == []


async def refused_a_click(person: Person, message: Message, button: str) -> Message:
    """What only this person reads after the click."""
    before = len(person.ephemerals)
    assert (await person.clicks(message, button)).status == 200
    return (await until(lambda: person.ephemerals[before:], f"a no to {button} for {person.name}"))[0]


# --- a definite no ----------------------------------------------------------------------------------------------------


async def test_a_refusal_without_fields_is_told_in_astros_words_and_can_be_sent_again(world: World) -> None:
    async with world.running() as bot:
        world.astro.faults.next("create", Fault.answer(400, "the organization has reached its <limit> of clusters"))
        card = await world.asks("prod-aws", request__reason="For the launch")
        refusal = await world.told(card, "Astro refused")
        assert "the organization has reached its <limit> of clusters" in refusal.as_text()
        await until_state(bot, "prod-aws", "REJECTED")
        await world.alice.clicks(refusal, "edit_request")
        form = await world.alice.sees_modal(callback_id="create_cluster")
        assert "the organization has reached its <limit> of clusters" in form.text()
        assert (form.value("name"), form.value("request.reason")) == ("prod-aws", "For the launch")
        assert (await form.submit()).closed
        await until(lambda: made(world) == ["prod-aws"], "the second try at Astro")
    assert len(calls(world, "create")) == 2


async def test_a_refusal_with_fields_brings_the_form_back_with_the_errors_beside_them(world: World) -> None:
    fields = {"vpcSubnetRange": "the range is in use", "name": "the name is reserved", "k8sTags": "tags are off"}
    async with world.running() as bot:
        world.astro.faults.next("create", Fault.answer(400, "Invalid request", fields=fields))
        card = await world.asks("prod-aws", vpcSubnetRange="10.20.0.0/20")
        refusal = await world.told(card, "Astro refused")
        assert all(words in refusal.as_text() for words in ("Invalid request", *fields.values()))
        await world.alice.clicks(refusal, "edit_request")
        form = await world.alice.sees_modal(callback_id="create_cluster")
        assert (form.value("name"), form.value("vpcSubnetRange")) == ("prod-aws", "10.20.0.0/20")
        shown = form.text()
        assert all(words in shown for words in fields.values())
        form.fill("name", "prod-aws-2")
        assert (await form.submit()).closed
        await world.told(await world.card("prod-aws-2"), ACCEPTED)
        before, after = await stored(bot, "prod-aws"), await stored(bot, "prod-aws-2")
    assert (before.state, after.follows) == ("REJECTED", before.id)
    assert made(world) == ["prod-aws-2"]


async def test_a_name_that_astro_has_already_is_never_adopted(world: World) -> None:
    async with world.running() as bot:
        form = await world.opens_form()
        form.fill("name", "prod-aws")
        given = {path: form.value(path) for path in ("cloudProvider", "type", "region", "vpcSubnetRange")}
        world.astro.add({**given, "name": "prod-aws"})  # since the bot last looked
        assert (await form.submit()).closed
        card = await world.card("prod-aws")
        await world.told(card, "was not sent to Astro, as a cluster of this name is there already")
        request = await stored(bot, "prod-aws")
        await world.slack.until(lambda: "Not sent to Astro" in card.as_text(), what="the card says so")
    assert "Astro's words" not in card.as_text()
    assert (request.state, request.cluster_id) == ("REJECTED", None)
    assert calls(world, "create") == []


# --- held, and told to wait -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_access_at_the_call_holds_the_request_until_it_returns(world: World, status: int) -> None:
    async with world.running() as bot:
        world.astro.faults.next("create", Fault.answer(status, "the token has expired"), times=2)
        card = await world.asks("prod-aws")
        held = await world.told(card, "Astro does not let the bot in")
        assert "the token has expired" in held.as_text()
        await until_card(world, card, "Held: Astro refuses the bot's own access (the token has expired)")
        await world.told(card, ACCEPTED)
        request = await stored(bot, "prod-aws")
        await world.slack.until(lambda: "Held" not in card.as_text(), what="the notice taken back")
    assert request.notice == ""
    assert count(world, card, "does not let the bot in") == 1
    assert made(world) == ["prod-aws"]
    assert len(calls(world, "create")) == 3


async def test_a_token_that_astro_refuses_holds_all_requests_before_anything_is_sent(world: World) -> None:
    async with world.running():
        token, world.astro.token = world.astro.token, "another"
        cards = [await world.asks(name) for name in ("one", "two")]
        for card in cards:
            await world.told(card, "Astro does not let the bot in")
        assert calls(world, "create") == []
        world.astro.token = token
        for card in cards:
            await world.told(card, ACCEPTED)
    assert sorted(made(world)) == ["one", "two"]
    assert [count(world, card, "does not let the bot in") for card in cards] == [1, 1]


@pytest.mark.parametrize(("retry_after", "least"), [(1, 1.0), (None, 0.4)], ids=["as long as it says", "by itself"])
async def test_a_429_is_waited_out_and_sent_again(world: World, retry_after: int | None, least: float) -> None:
    async with world.running():
        world.astro.faults.next("create", Fault.limited(retry_after))
        card = await world.asks("prod-aws")
        await world.told(card, ACCEPTED)
    first, second = calls(world, "create")
    assert second.time - first.time >= least
    assert made(world) == ["prod-aws"]
    assert count(world, card, LOST) == 0


async def test_a_request_outlives_an_astro_that_is_not_there(world: World) -> None:
    async with world.running():
        async with astro_away(world):
            card = await world.asks("prod-aws")
            await until_card(world, card, "Astro does not answer. Nothing is lost: the bot keeps trying.")
        await world.told(card, ACCEPTED)
        await world.slack.until(lambda: "does not answer" not in card.as_text(), what="the notice taken back")
    assert made(world) == ["prod-aws"]


# --- one after another ------------------------------------------------------------------------------------------------


async def test_creates_on_one_provider_are_spaced_and_another_provider_does_not_wait(world: World) -> None:
    async with world.running(CREATE_SPACING_SECONDS="1.5") as bot:
        await world.asks("aws-one")
        second = await world.asks("aws-two")
        await until_card(world, second, "Waiting its turn")
        form = await world.opens_form()
        await form.choose("cloudProvider", "GCP")
        await form.until_redrawn()
        form.fill("name", "gcp-one")
        assert (await form.submit()).closed
        await until(lambda: len(made(world)) == 3, "three clusters")
        await until_state(bot, "aws-two", "PROVISIONING")
    at = {name: each.time for name, each in zip(made(world), calls(world, "create"), strict=True)}
    assert at["aws-two"] - at["aws-one"] >= 1.5
    assert at["aws-one"] < at["gcp-one"] < at["aws-two"]


async def test_a_pause_stops_creates_and_nothing_else(world: World) -> None:
    async with world.running() as bot:
        before = await world.asks("before")
        await world.told(before, ACCEPTED)
        await paused(bot, True)
        card = await world.asks("prod-aws")
        await until_card(world, card, "Creates are paused by the operator")
        await world.told(before, "`HEALTHY`")
        assert made(world) == ["before"]
        await paused(bot, False)
        await world.told(card, ACCEPTED)
        await world.slack.until(lambda: "paused" not in card.as_text(), what="the notice taken back")
    shown = ["paused" in str(version.blocks) for version in card.edits]
    assert shown == [*sorted(shown[:-1]), False]  # on the card once, until it is over
    assert made(world) == ["before", "prod-aws"]


async def paused(bot: Bot, on: bool) -> None:
    async with bot.db.write() as tx:
        await (pace.close(tx, pace.PAUSED, tx.now) if on else pace.clear(tx, pace.PAUSED))


async def test_rights_are_not_asked_for_while_a_request_waits_its_turn(world: World) -> None:
    async with world.running(CREATE_SPACING_SECONDS="1.5"):
        await world.told(await world.asks("first"), ACCEPTED)
        before = len(look_ups(world))
        second = await world.asks("second")
        await until_card(world, second, "Waiting its turn")
        assert len(look_ups(world)) == before
        await world.told(second, ACCEPTED)
    assert sorted(look_ups(world)[before:]) == ["usergroups.users.list"] * 2 + ["users.info"]
    assert made(world) == ["first", "second"]


async def test_rights_are_not_asked_for_while_astro_is_out_of_order(world: World) -> None:
    async with world.running() as bot:
        form = await world.opens_form()
        form.fill("name", "prod-aws")
        before = len(look_ups(world))
        world.astro.faults.next("list", Fault.answer(503), times=None)
        assert (await form.submit()).closed
        async with asyncio.timeout(10):
            while (await stored(bot, "prod-aws")).retry_count < 2:
                await asyncio.sleep(PAUSE)
        assert len(look_ups(world)) == before
        world.astro.faults.clear()
        await world.told(await world.card("prod-aws"), ACCEPTED)
    assert len(look_ups(world)) == before + 3


def look_ups(world: World) -> list[str]:
    """How often Slack was asked who somebody is, or who is in a group."""
    return [call.method for call in world.slack.calls if call.method in ("users.info", "usergroups.users.list")]


@pytest.mark.parametrize("fault", [Fault.answer(403, "no rights here"), Fault.limited()], ids=["403", "429"])
async def test_a_call_that_astro_keeps_turning_down_is_made_ever_more_seldom(world: World, fault: Fault) -> None:
    async with world.running():
        world.astro.faults.next("create", fault, times=None)
        card = await world.asks("prod-aws")
        await until(lambda: len(calls(world, "create")) == 3, "the third call")
        posts = len(world.thread(card))
        world.astro.faults.clear()
        await world.told(card, ACCEPTED)
        await world.slack.until(lambda: "◐ Creating" in card.as_text(), what="the card that goes on")
        shown = [str(version.blocks) for version in card.edits]
    first, second, third = (later.time - earlier.time for earlier, later in pairwise(calls(world, "create")))
    assert (first >= 0.5, second >= 1.0, third >= 2.0) == (True, True, True), (first, second, third)
    held = ["Held" in each for each in shown]
    if fault.status == 403:
        assert count(world, card, "does not let the bot in") == 1
        since = held.index(True)
        assert held[since:] == [
            *[True] * sum(held),
            *[False] * held[since:].count(False),
        ]  # until it was let in, and no gap
        assert not held[-1]
    else:
        assert posts == 1  # who asks for what; that it takes a little longer stands on the card alone
        assert any("Astro asked us to slow down." in each for each in shown)
        assert not any(held)
    assert made(world) == ["prod-aws"]


async def test_a_wait_without_end_is_cut_to_an_hour(world: World) -> None:
    async with world.running() as bot:
        world.astro.faults.next("create", Fault.limited("1e300"))
        card = await world.asks("prod-aws")
        await until_card(world, card, "Astro asked us to slow down.")
        request = await until_state(bot, "prod-aws", "QUEUED")
        assert request.next_at is not None
        assert timedelta(minutes=59) < request.next_at - request.changed_at <= timedelta(hours=1)
        await world.told(await world.asks("another"), ACCEPTED)
    assert made(world) == ["another"]


@pytest.mark.parametrize("asked", ["list", "users.info"])
async def test_a_pause_that_comes_while_a_request_is_looked_up_holds_it(world: World, asked: str) -> None:
    async with world.running(LEASE_SECONDS="8") as bot:
        form = await world.opens_form()
        form.fill("name", "prod-aws")
        world.astro.faults.next("list", Fault.hang(0.5 if asked == "list" else 0.0))
        world.slack.faults.next("users.info", SlackFault.slow(0.0 if asked == "list" else 0.5))
        before = (len(calls(world, "list")), len(look_ups(world)))
        assert (await form.submit()).closed
        await until(
            lambda: len(calls(world, "list")) > before[0] and (asked == "list" or len(look_ups(world)) > before[1]),
            "the look-up",
        )
        await paused(bot, True)
        card = await world.card("prod-aws")
        await until_card(world, card, "Creates are paused by the operator")
        assert (await stored(bot, "prod-aws")).state == "QUEUED"
        assert calls(world, "create") == []
        await paused(bot, False)
        await world.told(card, ACCEPTED)
    assert made(world) == ["prod-aws"]


async def test_what_failed_cannot_be_tried_again_while_another_request_has_the_name(world: World) -> None:
    world.astro.scripts["prod-aws"] = (Step("CREATE_FAILED"),)
    async with world.running() as bot:
        card = await world.asks("prod-aws")
        await until_state(bot, "prod-aws", "FAILED")
        await until_card(world, card, "Astro could not build it")
    world.astro.remove("prod-aws")
    world.policy(WITH_APPROVAL)
    async with world.running() as bot:
        form = await world.opens_form()
        form.fill("name", "Prod-AWS")
        form.fill("request.reason", "For the launch")
        assert (await form.submit()).closed
        other = await stored(bot, "Prod-AWS")
        await world.alice.clicks(card, "retry_request")
        await until_told_alone(world, world.alice, f"{other.id} asks for prod-aws by now")
        assert (await stored(bot, "prod-aws")).state == "FAILED"
    assert len(calls(world, "create")) == 1


# --- an answer that comes when nobody waits for it any more -----------------------------------------------------------

SLOWLY = {"LEASE_SECONDS": "6", "UNCERTAIN_GRACE_SECONDS": "0.4"}  # a call may take 4 s


async def taken_for_dead(world: World, bot: Bot, seconds: float) -> Message:
    """A create call is under way for so long, and its worker is taken for dead meanwhile; the request's card."""
    world.astro.commit_delay = 3600.0
    world.astro.faults.next("create", Fault.hang(seconds))
    card = await world.asks("prod-aws")
    await until(lambda: made(world), "the call")
    async with bot.db.write() as tx:
        past = tx.now - timedelta(seconds=1)
        await tx.execute(update(tables.requests).values(lease_until=past))
    await world.told(card, LOST)
    return card


async def test_a_cluster_that_turns_out_to_exist_after_all_was_given_up_is_told_with_its_cost(world: World) -> None:
    async with world.running(**SLOWLY) as bot:
        card = await taken_for_dead(world, bot, 3.0)
        question = await world.told(card, ABSENT)
        await world.ann.clicks(question, "abandon_request")
        await until_state(bot, "prod-aws", "CANCELLED")
        post = await world.told(card, "Astro made prod-aws after all")
        request = await stored(bot, "prod-aws")
        async with bot.db.read() as tx:
            [attempt] = await requests.attempts_of(tx, request.id)
    made_id = world.astro.find("prod-aws").id
    assert made_id in post.text
    assert "It costs money." in post.text
    assert world.alice.mention in post.text
    assert (request.state, request.cluster_id) == ("CANCELLED", None)
    assert attempt.cluster_id == made_id


async def test_an_answer_that_comes_while_the_bot_looks_for_the_cluster_settles_it(world: World) -> None:
    async with world.running(**{**SLOWLY, "UNCERTAIN_GRACE_SECONDS": "60"}) as bot:
        card = await taken_for_dead(world, bot, 1.0)
        await world.told(card, ACCEPTED)
        request = await stored(bot, "prod-aws")
    assert request.cluster_id == world.astro.find("prod-aws").id
    assert count(world, card, ACCEPTED) == 1
    assert len(calls(world, "create")) == 1


async def test_an_id_that_the_database_does_not_take_at_once_is_recorded_after_all(
    world: World, postgres: Postgres
) -> None:
    url = world.environ["DATABASE_URL"] = postgres.migrated()
    async with world.running(UNCERTAIN_GRACE_SECONDS="60") as bot:
        world.astro.faults.next("create", Fault.hang(0.5))
        card = await world.asks("prod-aws")
        await until(lambda: made(world), "the call")
        with capture_logs() as logged:
            postgres.shut(url)
            await until(lambda: not_recorded(logged), "a failed try")
            postgres.open(url)
        await world.told(card, ACCEPTED)
        request = await stored(bot, "prod-aws")
    assert request.cluster_id == world.astro.find("prod-aws").id
    assert made(world) == ["prod-aws"]
    assert count(world, card, LOST) == 0


async def test_neither_is_an_id_lost_that_comes_late_and_is_not_taken_at_once(world: World) -> None:
    refuse = (
        "CREATE TRIGGER no BEFORE UPDATE ON attempts WHEN NEW.outcome = 'late' BEGIN SELECT RAISE(ABORT, 'no'); END"
    )
    async with world.running(LEASE_SECONDS="3", UNCERTAIN_GRACE_SECONDS="60") as bot:
        card = await taken_for_dead(world, bot, 1.2)
        with capture_logs() as logged:
            async with bot.db.write() as tx:
                await tx.execute(text(refuse))
            await until(lambda: not_recorded(logged), "a failed try")
            async with bot.db.write() as tx:
                await tx.execute(text("DROP TRIGGER no"))
        await world.told(card, ACCEPTED)
        request = await stored(bot, "prod-aws")
    assert request.cluster_id == world.astro.find("prod-aws").id
    assert made(world) == ["prod-aws"]


def not_recorded(logged: Sequence[Mapping[str, Any]]) -> bool:
    return any("could not be recorded" in each["event"] for each in logged)
