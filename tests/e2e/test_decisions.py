"""Approve, deny, cancel, expire: who decided, once, and what everybody else is told."""

import asyncio
from datetime import UTC, datetime
from functools import partial

import pytest

from bot.app import Bot
from bot.sandbox.slack import Form, Message, Person
from bot.sandbox.slack.faults import Fault
from bot.store import pace
from tests.e2e.forms import all_requests, choose, missing, send
from tests.e2e.steps import astro_away, count, made, until, until_card, until_state, until_told_alone
from tests.world import POLICY, WITH_APPROVAL, World, stored

BOTH_MAY = WITH_APPROVAL.replace("required = true", "required = true\nquorum = {quorum}")
SHORTLY = WITH_APPROVAL.replace("required = true", f"required = true\nexpires_hours = {0.7 / 3600}")
DECIDED = ("approved prod", "denied prod", "cancelled the request for prod")
LATE = "Nothing was done, as you came a little late: "


@pytest.fixture
def world(world: World) -> World:
    """Alice's requests need an approval."""
    world.policy(WITH_APPROVAL)
    return world


@pytest.fixture
def either_world(either_world: World) -> World:
    """The same, over both transports."""
    either_world.policy(WITH_APPROVAL)
    return either_world


async def asked(world: World, name: str = "prod") -> Message:
    """Alice's request waits; its card."""
    return await world.asks(name, request__reason="for the new team")


async def deny_modal(world: World, person: Person, card: Message) -> Form:
    """Deny was pressed, and the question why is there."""
    await person.clicks(card, "deny_request")
    return await person.sees_modal(callback_id="deny_request")


def approver(world: World, name: str) -> Person:
    """One more approver, beside Ann."""
    person = world.slack.person(name, email=f"{name}@example.com")
    world.general.conversation.members.add(person.id)
    world.slack.usergroup("S0APPROVE", [world.ann, person])
    return person


def more_than(person: Person, seen: int) -> bool:
    """Whether they were told something since."""
    return len(person.ephemerals) > seen


def buttons(card: Message) -> list[str]:
    return [button.action_id for button in card.buttons]


# --- yes --------------------------------------------------------------------------------------------------------------


async def test_an_approval_lets_it_go_on(world: World) -> None:
    async with world.running() as bot:
        card = await asked(world)
        assert buttons(card) == ["approve_request", "deny_request", "cancel_request"]
        assert "Somebody has to approve it: <!subteam^S0APPROVE>." in str((await world.told(card, "asks for")).blocks)
        request = await stored(bot, "prod")
        assert (request.state, world.astro.creates) == ("AWAITING_APPROVAL", [])

        await world.ann.clicks(card, "approve_request", request.id)
        await world.told(card, f"{world.ann.mention} approved prod. It is sent to Astro as soon as its turn comes.")
        await world.told(card, "Astro accepted prod")
        await until_card(world, card, "✓ Approved by @ann")
    assert made(world) == ["prod"]


async def test_slack_asks_before_money_is_spent(world: World) -> None:
    async with world.running() as bot:
        card = await asked(world)
        element = next(e for b in card.blocks if b["type"] == "actions" for e in b["elements"])
        assert element["confirm"]["text"]["text"] == "This creates prod on AWS us-east-1 and costs money."
        await world.ann.clicks(card, "approve_request", confirm=False)
        await world.alice.clicks(card, "cancel_request", confirm=False)
        assert (await stored(bot, "prod")).state == "AWAITING_APPROVAL"


async def test_the_requester_cannot_approve_their_own_request(world: World) -> None:
    world.slack.usergroup("S0APPROVE", [world.ann, world.alice])
    async with world.running() as bot:
        card = await asked(world)
        await world.alice.clicks(card, "approve_request")
        told = await until_told_alone(world, world.alice, "This is your own request, so somebody else has to decide.")
        assert "<!subteam^S0APPROVE>" in told.text
        assert (await stored(bot, "prod")).state == "AWAITING_APPROVAL"
        await world.alice.clicks(card, "deny_request")
        await until_told_alone(world, world.alice, "If you no longer want it, cancel it.")
        assert world.alice.modal is None


async def test_the_requester_can_approve_where_policy_says_so(world: World) -> None:
    world.policy(WITH_APPROVAL.replace("required = true", "required = true\nself_approval = true"))
    world.slack.usergroup("S0APPROVE", [world.alice])
    async with world.running():
        await world.alice.clicks(await asked(world), "approve_request")
        await until(lambda: made(world), "the cluster")


async def test_an_outsider_cannot_decide_and_is_told_whom_to_ask(world: World) -> None:
    async with world.running() as bot:
        card = await asked(world)
        for action in ("approve_request", "deny_request", "cancel_request"):
            before = len(world.mallory.ephemerals)
            await world.mallory.clicks(card, action)
            await world.slack.until(partial(more_than, world.mallory, before))
            told = world.mallory.ephemerals[-1].text
            assert "You are not among those" in told or "Only those who may ask for clusters or decide on them" in told
            assert "<!subteam^S0APPROVE>" in told
        assert world.mallory.modal is None
        assert (await stored(bot, "prod")).state == "AWAITING_APPROVAL"
    assert len(world.thread(card)) == 1


async def test_what_nobody_else_could_approve_is_refused_at_the_form(world: World) -> None:
    world.slack.usergroup("S0APPROVE", [world.alice])
    async with world.running() as bot:
        form = await world.opens_form()
        form.fill("name", "prod")
        form.fill("request.reason", "for the new team")
        assert not (await form.submit()).closed
        assert "This needs somebody else's approval" in form.text()
        assert form.value("name") == "prod"
        assert await all_requests(bot) == []


# --- no ---------------------------------------------------------------------------------------------------------------


async def test_a_denial_needs_a_reason_and_the_thread_has_it(either_world: World) -> None:
    world = either_world
    async with world.running() as bot:
        card = await asked(world)
        modal = await deny_modal(world, world.ann, card)
        modal.fill("request.reason", "   ")
        refused = await modal.submit()
        assert not refused.closed
        assert modal.error("request.reason") == "Say why: the requester reads it."
        modal.fill("request.reason", "Use the <shared> cluster & talk to me.")
        assert (await modal.submit()).closed
        post = await world.told(card, f"{world.alice.mention}, {world.ann.mention} denied prod.")
        assert "Use the <shared> cluster & talk to me." in post.as_text()
        await until_card(world, card, "✗ Denied by @ann")
        assert "Use the <shared> cluster & talk to me." in card.as_text()
        assert not {"approve_request", "deny_request", "cancel_request"} & set(buttons(card))
        assert (await stored(bot, "prod")).state == "DENIED"
    assert world.astro.creates == []


async def test_a_copy_of_the_question_why_denies_nothing(world: World) -> None:
    async with world.running() as bot:
        card = await asked(world)
        modal = await deny_modal(world, world.ann, card)
        modal.fill("request.reason", "because I say so")
        await send(world, world.mallory, modal)
        await until_told_alone(world, world.mallory, "You are not among those who may decide on this request.")
        assert (await stored(bot, "prod")).state == "AWAITING_APPROVAL"
        assert (await modal.submit()).closed
        await until_state(bot, "prod", "DENIED")


async def test_a_forged_id_decides_nothing(world: World) -> None:
    async with world.running() as bot:
        card = await asked(world)
        modal = await deny_modal(world, world.ann, card)
        modal.fill("request.reason", "because")
        modal.view.body["private_metadata"] = "CL-22222"
        await send(world, world.ann, modal)
        await world.slack.until(lambda: any("knows no such request" in m.text for m in world.ann.dm.messages))
        assert (await stored(bot, "prod")).state == "AWAITING_APPROVAL"


# --- once -------------------------------------------------------------------------------------------------------------


async def test_who_comes_late_is_told_what_happened_and_who_decided(world: World) -> None:
    bob = approver(world, "bob")
    async with world.running() as bot:
        card = await asked(world)
        modal = await deny_modal(world, bob, card)
        modal.fill("request.reason", "too dear")
        assert (await modal.submit()).closed
        await until_state(bot, "prod", "DENIED")
        for person, action in (
            (world.ann, "approve_request"),
            (bob, "approve_request"),
            (world.alice, "cancel_request"),
        ):
            await person.clicks(card, action, stale=True)
            told = await until_told_alone(world, person, LATE)
            assert told.text == f"{LATE}it was denied. Decided by {bob.mention}."
        await world.ann.clicks(card, "deny_request", stale=True)
        await world.slack.until(lambda: len([m for m in world.ann.ephemerals if LATE in m.text]) == 2)
        assert world.ann.modal is None
    assert world.astro.creates == []


async def test_approving_twice_is_told_so(world: World) -> None:
    async with world.running():
        card = await asked(world)
        await world.ann.clicks(card, "approve_request")
        await world.told(card, "approved prod")
        await world.ann.clicks(card, "approve_request", stale=True)
        told = await until_told_alone(world, world.ann, LATE)
        assert told.text.endswith(f". Decided by {world.ann.mention}.")
        await until(lambda: made(world), "the cluster")
    assert made(world) == ["prod"]


async def test_twenty_approvals_at_once_are_one(either_world: World) -> None:
    world = either_world
    bob = approver(world, "bob")
    async with world.running() as bot:
        card = await asked(world)
        await asyncio.gather(*((world.ann, bob)[turn % 2].clicks(card, "approve_request") for turn in range(20)))
        late = [world.ann, bob]
        await world.slack.until(lambda: sum(LATE in m.text for person in late for m in person.ephemerals) == 19)
        assert len((await stored(bot, "prod")).approval["given"]) == 1
        await world.told(card, "Astro accepted prod")
    assert made(world) == ["prod"]
    assert count(world, card, "approved prod") == 1


async def test_of_yes_and_no_at_once_one_counts(world: World) -> None:
    bob = approver(world, "bob")
    async with world.running() as bot:
        card = await asked(world)
        modal = await deny_modal(world, bob, card)
        modal.fill("request.reason", "too dear")
        yes_and_no = [(world.ann.clicks(card, "approve_request"), send(world, bob, modal)) for _ in range(10)]
        await asyncio.gather(*(each for pair in yes_and_no for each in pair))

        await world.slack.until(lambda: "Approved by" in card.as_text() or "Denied by" in card.as_text())
        yes = bool((await stored(bot, "prod")).approval["given"])
        # Whoever was first hears nothing of a double click of their own No; everybody else came late.
        late = 19 if yes else 10

        def turned_away() -> bool:
            return sum(LATE in message.text for message in [*world.ann.ephemerals, *bob.ephemerals]) == late

        await world.slack.until(turned_away)
        await world.told(card, "Astro accepted prod" if yes else "denied prod")
        assert ((await stored(bot, "prod")).state == "DENIED") != yes
    assert count(world, card, "approved prod") + count(world, card, "denied prod") == 1
    assert made(world) == (["prod"] if yes else [])


async def test_of_yes_and_cancel_at_once_nothing_is_sent_that_was_cancelled(world: World) -> None:
    async with world.running() as bot:
        card = await asked(world)
        await asyncio.gather(world.alice.clicks(card, "cancel_request"), world.ann.clicks(card, "approve_request"))
        ends = ("Astro accepted prod", "cancelled the request for prod")
        await world.slack.until(lambda: any(count(world, card, words) for words in ends))
        request = await stored(bot, "prod")
    cancelled = count(world, card, "cancelled the request for prod")
    assert cancelled == (request.state == "CANCELLED")
    assert made(world) == ([] if cancelled else ["prod"])


# --- more than one has to say yes -------------------------------------------------------------------------------------


async def test_a_quorum_counts_people_and_not_clicks(world: World) -> None:
    world.policy(BOTH_MAY.format(quorum=2))
    bob = approver(world, "bob")
    async with world.running() as bot:
        card = await asked(world)
        await world.ann.clicks(card, "approve_request")
        await world.told(card, f"{world.ann.mention} approved prod. One more approval is needed.")
        await until_card(world, card, "1 of 2 given by @ann")
        await world.ann.clicks(card, "approve_request")
        await until_told_alone(world, world.ann, "You have approved this already; somebody else has to, as well.")
        assert (await stored(bot, "prod")).state == "AWAITING_APPROVAL"
        await bob.clicks(card, "approve_request")
        await world.told(card, f"{bob.mention} approved prod. It is sent to Astro as soon as its turn comes.")
        await until_card(world, card, "✓ Approved by @ann and @bob")
    assert made(world) == ["prod"]


async def test_many_quick_clicks_of_one_person_are_one_approval(world: World) -> None:
    world.policy(BOTH_MAY.format(quorum=2))
    approver(world, "bob")
    async with world.running() as bot:
        card = await asked(world)
        await asyncio.gather(*(world.ann.clicks(card, "approve_request") for _ in range(10)))
        await world.slack.until(lambda: len(world.ann.ephemerals) == 9)
        request = await stored(bot, "prod")
        assert (request.state, len(request.approval["given"])) == ("AWAITING_APPROVAL", 1)
        await world.told(card, "One more approval is needed.")
    assert world.astro.creates == []
    assert count(world, card, "approved prod") == 1


async def test_two_who_approve_at_once_both_count(world: World) -> None:
    world.policy(BOTH_MAY.format(quorum=2))
    bob = approver(world, "bob")
    async with world.running() as bot:
        card = await asked(world)
        await asyncio.gather(*(person.clicks(card, "approve_request") for person in (world.ann, bob) for _ in range(5)))
        await world.told(card, "Astro accepted prod")
        given = [each["by"] for each in (await stored(bot, "prod")).approval["given"]]
        assert sorted(given) == sorted([world.ann.id, bob.id])
    assert made(world) == ["prod"]
    assert count(world, card, "approved prod") == 2


async def test_one_denial_ends_it_whatever_the_quorum(world: World) -> None:
    world.policy(BOTH_MAY.format(quorum=2))
    bob = approver(world, "bob")
    async with world.running() as bot:
        card = await asked(world)
        await world.ann.clicks(card, "approve_request")
        await world.told(card, "One more approval is needed.")
        modal = await deny_modal(world, bob, card)
        modal.fill("request.reason", "too dear")
        await modal.submit()
        await until_state(bot, "prod", "DENIED")
    assert world.astro.creates == []


async def test_rules_decide_by_provider(world: World) -> None:
    rule = """
[[rules]]
match = { cloudProvider = "GCP" }
approval = { required = true, quorum = 2, approvers = { usergroups = ["S0GOOGLE"] } }
"""
    world.policy(WITH_APPROVAL.replace("required = true", "required = false") + rule)
    bob = approver(world, "bob")
    carl = approver(world, "carl")
    world.slack.usergroup("S0APPROVE", [world.ann])
    world.slack.usergroup("S0GOOGLE", [bob, carl])
    async with world.running():
        await world.asks("on-aws")
        await until(lambda: made(world), "the cluster that needs no approval")

        form = await world.opens_form()
        assert missing(form) == ["name"]
        await choose(form, "cloudProvider", "GCP")
        assert missing(form) == ["name", "request.reason"]
        form.fill("name", "on-gcp")
        form.fill("request.reason", "for the new team")
        assert (await form.submit()).closed
        card = await world.card("on-gcp")
        await world.ann.clicks(card, "approve_request")
        told = await until_told_alone(world, world.ann, "You are not among those who may decide on this request.")
        assert "<!subteam^S0GOOGLE>" in told.text
        await bob.clicks(card, "approve_request")
        await world.told(card, "One more approval is needed.")
        assert made(world) == ["on-aws"]
        await carl.clicks(card, "approve_request")
        await until(lambda: made(world) == ["on-aws", "on-gcp"], "both clusters")


# --- too late ---------------------------------------------------------------------------------------------------------


async def test_nobody_decided_in_time(world: World) -> None:
    world.policy(SHORTLY)
    async with world.running() as bot:
        card = await asked(world)
        await world.told(card, f"{world.alice.mention}, nobody decided on prod in time, so the request has ended.")
        await until_card(world, card, "✗ Nobody decided in time")
        assert "approve_request" not in buttons(card)
        await world.ann.clicks(card, "approve_request", stale=True)
        await until_told_alone(world, world.ann, f"{LATE}nobody decided in time, and it has ended.")
        assert (await stored(bot, "prod")).state == "EXPIRED"
    assert world.astro.creates == []


async def test_expiry_holds_at_the_click_whenever_the_tick_comes(world: World) -> None:
    world.policy(SHORTLY)
    async with world.running() as bot:
        await bot.scheduler.ticks["expire"].stop()
        card = await asked(world)
        modal = await deny_modal(world, world.ann, card)
        modal.fill("request.reason", "too dear")
        expires = (await stored(bot, "prod")).expires_at
        assert expires is not None
        await until(lambda: datetime.now(UTC) > expires, "the end of its time")
        await world.ann.clicks(card, "approve_request")
        await until_told_alone(world, world.ann, f"{LATE}nobody decided in time, and it has ended.")
        await modal.submit()
        told_twice = lambda: sum("nobody decided in time" in m.text for m in world.ann.ephemerals) == 2  # noqa: E731
        await world.slack.until(told_twice)
        assert not (await stored(bot, "prod")).approval["given"]
    assert world.astro.creates == []
    assert sum(count(world, card, words) for words in DECIDED) == 0


# --- cancel -----------------------------------------------------------------------------------------------------------


async def test_the_requester_cancels_what_waits_for_approval(world: World) -> None:
    async with world.running() as bot:
        card = await asked(world)
        await world.alice.clicks(card, "cancel_request")
        await world.told(card, f"{world.alice.mention} cancelled the request for prod.")
        await until_card(world, card, "✗ Cancelled")
        assert buttons(card) == []
        assert (await stored(bot, "prod")).state == "CANCELLED"
        await world.ann.clicks(card, "approve_request", stale=True)
        await until_told_alone(world, world.ann, f"{LATE}it was cancelled.")
    assert world.astro.creates == []


async def test_the_requester_cancels_what_waits_for_astro(world: World) -> None:
    async with world.running() as bot:
        async with astro_away(world):
            card = await asked(world)
            await world.ann.clicks(card, "approve_request")
            await until_card(world, card, "Astro does not answer.")
            await world.alice.clicks(card, "cancel_request")
            await until_state(bot, "prod", "CANCELLED")
        await world.asks("next", request__reason="to see Astro back")
        await world.ann.clicks(await world.card("next"), "approve_request")
        await until(lambda: made(world), "the next cluster")
    assert made(world) == ["next"]


async def test_an_approver_cancels_what_was_approved(world: World) -> None:
    async with world.running() as bot:
        await _paused(bot)
        card = await asked(world)
        await world.ann.clicks(card, "approve_request")
        await until_card(world, card, "Creates are paused by the operator.")
        await world.ann.clicks(card, "cancel_request")
        await world.told(card, f"{world.alice.mention}, {world.ann.mention} cancelled the request for prod.")
    assert world.astro.creates == []


async def test_what_was_sent_cannot_be_cancelled(world: World) -> None:
    async with world.running() as bot:
        card = await asked(world)
        await world.ann.clicks(card, "approve_request")
        await until_card(world, card, "◐ Creating since")
        assert "cancel_request" not in buttons(card)
        await world.alice.clicks(card, "cancel_request", stale=True)
        await until_told_alone(world, world.alice, LATE)
        assert (await stored(bot, "prod")).state in ("PROVISIONING", "READY")
    assert count(world, card, "cancelled") == 0


async def _paused(bot: Bot) -> None:
    async with bot.db.write() as tx:
        await pace.close(tx, pace.PAUSED, tx.now)


async def _resumed(bot: Bot) -> None:
    async with bot.db.write() as tx:
        await pace.clear(tx, pace.PAUSED)


# --- who they are is asked afresh -------------------------------------------------------------------------------------


async def test_who_was_taken_out_of_the_group_a_moment_ago_cannot_approve(world: World) -> None:
    bob = approver(world, "bob")
    async with world.running() as bot:
        card = await asked(world)
        await world.ann.types("/astro-cluster help", in_=world.general)  # now it is in the bot's memory that Ann may
        world.slack.usergroup("S0APPROVE", [bob])
        await world.ann.clicks(card, "approve_request")
        await until_told_alone(world, world.ann, "You are not among those who may decide on this request.")
        assert (await stored(bot, "prod")).state == "AWAITING_APPROVAL"
        world.slack.usergroup("S0APPROVE", [world.ann])
        await world.ann.clicks(card, "approve_request")
        await until(lambda: made(world), "the cluster")


@pytest.mark.parametrize("method", ["users.info", "usergroups.users.list"])
async def test_a_look_up_that_fails_decides_nothing_and_leaves_the_buttons(world: World, method: str) -> None:
    async with world.running() as bot:
        card = await asked(world)
        modal = await deny_modal(world, world.ann, card)
        modal.fill("request.reason", "too dear")
        world.slack.faults.next(method, Fault.page(503), times=None)
        reply = await world.ann.clicks(card, "approve_request")
        assert reply.elapsed < 1
        await until_told_alone(world, world.ann, "Try again in a moment.")
        await modal.submit()
        told_twice = lambda: sum("Try again in a moment." in m.text for m in world.ann.ephemerals) == 2  # noqa: E731
        await world.slack.until(told_twice)
        assert (await stored(bot, "prod")).state == "AWAITING_APPROVAL"
        assert "approve_request" in buttons(card)
        world.slack.faults.clear()
        await world.ann.clicks(card, "approve_request")
        await until(lambda: made(world), "the cluster")


async def test_who_may_no_longer_ask_gets_no_cluster_although_it_was_approved(world: World) -> None:
    async with world.running() as bot:
        card = await asked(world)
        world.slack.usergroup("S0REQUEST", [world.mallory])
        await world.ann.clicks(card, "approve_request")
        post = await world.told(card, f"{world.alice.mention}, prod was not sent to Astro")
        assert "You are not among those who may ask for clusters." in post.as_text()
        assert (await stored(bot, "prod")).state == "DENIED"
    assert world.astro.creates == []


async def test_rights_that_cannot_be_looked_up_hold_the_create_and_no_more(world: World) -> None:
    async with world.running() as bot:
        await _paused(bot)
        card = await asked(world)
        await world.ann.clicks(card, "approve_request")
        await until_state(bot, "prod", "QUEUED")
        world.slack.faults.next("users.info", Fault.page(503), times=None)
        await _resumed(bot)
        await until_card(world, card, "Rights could not be looked up just now.")
        assert world.astro.creates == []
        world.slack.faults.clear()
        await until(lambda: made(world), "the cluster")


async def test_a_group_that_may_not_be_read_holds_the_create_and_denies_nobody(world: World) -> None:
    async with world.running() as bot:
        await _paused(bot)
        card = await asked(world)
        await world.ann.clicks(card, "approve_request")
        await until_state(bot, "prod", "QUEUED")
        world.slack.faults.next("usergroups.users.list", Fault.refused("missing_scope"), times=None)
        await _resumed(bot)
        await until_card(world, card, "Rights could not be looked up just now.")
        assert (await stored(bot, "prod")).state == "QUEUED"
        assert world.astro.creates == []
        world.slack.faults.clear()
        await until(lambda: made(world), "the cluster")
    assert count(world, card, "was not sent to Astro") == 0


async def test_nobody_is_in_a_group_that_is_gone_when_the_create_is_due(world: World) -> None:
    async with world.running() as bot:
        await _paused(bot)
        card = await asked(world)
        await world.ann.clicks(card, "approve_request")
        await until_state(bot, "prod", "QUEUED")
        del world.slack.workspace.usergroups["S0REQUEST"]
        await _resumed(bot)
        post = await world.told(card, "prod was not sent to Astro")
        assert "You are not among those who may ask for clusters." in post.as_text()
        await until_state(bot, "prod", "DENIED")
    assert world.astro.creates == []


async def test_what_the_last_look_at_the_policy_stops_is_nobodys_denial(world: World) -> None:
    async with world.running() as bot:
        await _paused(bot)
        card = await asked(world)
        await world.ann.clicks(card, "approve_request")
        await until_card(world, card, "Creates are paused by the operator")
        world.slack.usergroup("S0REQUEST", [world.mallory])
        await _resumed(bot)
        await world.told(card, "prod was not sent to Astro")
        await until_card(world, card, "You are not among those who may ask for clusters.")
    shown = card.as_text()
    assert "✗ Denied" in shown
    assert world.ann.name not in shown
    assert "paused" not in shown
    assert count(world, card, "denied") == 0
    assert world.astro.creates == []


async def test_a_rule_for_a_group_that_wants_an_approval_wants_the_reason_too(world: World) -> None:
    rule = '[[rules]]\nmatch = { requester_usergroups = ["S0REQUEST"] }\napproval = { required = true }\n'
    world.policy(POLICY + rule)
    async with world.running() as bot:
        form = await world.opens_form()
        form.fill("name", "prod")
        assert not (await form.submit()).closed
        answer = await send(world, world.alice, form)  # and not only because Slack's client asks for it
        assert list(answer.json()["errors"]) == ["request.reason"]
        assert await all_requests(bot) == []
        form.fill("request.reason", "for the new team")
        assert (await form.submit()).closed
        assert (await stored(bot, "prod")).state == "AWAITING_APPROVAL"


async def test_who_clicks_before_slack_has_said_who_the_bot_is_is_told_to_try_again(either_world: World) -> None:
    world = either_world
    async with world.running():
        card = await asked(world)
        await world.told(card, "asks for prod")
    world.slack.faults.next("auth.test", Fault.page(502), times=None)
    async with world.started() as bot:
        if (socket := world.slack.socket) is not None:
            await world.slack.until(lambda: socket.connections, what="the bot's connection")
        assert bot.identity is None
        assert (await world.ann.clicks(card, "approve_request")).status == 200
        await until_told_alone(world, world.ann, "The bot has just been started and is not ready yet.")
        assert (await stored(bot, "prod")).state == "AWAITING_APPROVAL"
        world.slack.faults.clear()
        await world.ready()
        await world.ann.clicks(card, "approve_request")
        await until(lambda: made(world), "the cluster")
