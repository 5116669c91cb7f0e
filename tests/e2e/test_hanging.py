"""Nobody waits for a silent Astro or a silent Slack: answers come in time, and what failed is said."""

import time

import pytest

from bot.sandbox.astro import Fault, Step
from bot.sandbox.slack.faults import Fault as SlackFault
from tests.e2e.steps import calls, made, until, until_card, until_told_alone
from tests.world import WITH_APPROVAL, World

ACCEPTED = "Its cluster id is"


async def test_with_astro_hanging_everything_is_answered_within_a_second(world: World) -> None:
    world.policy(WITH_APPROVAL)
    async with world.running():
        pass  # long enough to learn what Astro offers
    world.astro.faults.next("*", Fault.hang(30), times=None)
    async with world.started() as bot:
        await until(lambda: bot.identity, "Slack knowing the bot")
        command = await world.alice.types("/astro-cluster create", in_=world.general)
        form = await world.alice.sees_modal(timeout=1, callback_id="create_cluster")
        assert "us-west-2" in form.options("region")
        assert form.value("vpcSubnetRange") == "172.20.0.0/20"
        assert "choices are not here yet" not in form.text()
        form.fill("name", "prod-aws")
        form.fill("request.reason", "For the launch")
        submission = await form.submit()
        card = await world.card("prod-aws")
        click = await world.ann.clicks(card, "approve_request")
        await world.told(card, "approved", timeout=2)
        await until_card(world, card, "Astro does not answer")
        assert calls(world, "create") == []
        world.astro.faults.clear()
        await world.told(card, ACCEPTED)
    assert submission.closed
    assert [reply.status for reply in (command, submission, click)] == [200, 200, 200]
    assert max(reply.elapsed for reply in (command, submission, click)) < 1
    assert made(world) == ["prod-aws"]


async def test_a_refresh_that_astro_does_not_answer_says_so(world: World) -> None:
    world.astro.script = (Step("CREATING"),)
    async with world.running():
        card = await world.asks("prod-aws")
        await world.told(card, "`CREATING`")
        await until_card(world, card, "`CREATING`")
        world.astro.faults.next("get", Fault.bad_gateway(), times=None)
        reply = await world.alice.clicks(card, "refresh_request")
        told = await until_told_alone(world, world.alice, "Astro did not answer")
    assert (reply.status, reply.elapsed < 1) == (200, True)
    assert "Slack" not in told.text


async def test_with_slack_hanging_acks_still_come_and_people_are_told_once_it_answers(world: World) -> None:
    world.policy(WITH_APPROVAL)
    async with world.running():
        waiting = await world.asks("waiting", request__reason="For the launch")
        form = await world.opens_form()
        form.fill("name", "prod-aws")
        form.fill("request.reason", "For the launch")
        world.slack.faults.next("*", SlackFault.slow(30), times=None)
        known = await world.alice.types("/astro-cluster create", in_=world.general)
        stranger = await world.mallory.types("/astro-cluster create", in_=world.general)
        submission = await form.submit()
        asked = len(world.slack.calls_to("users.info"))
        click = await world.ann.clicks(waiting, "approve_request")
        await until(lambda: len(world.slack.calls_to("users.info")) > asked, "the look-up of Ann")
        world.slack.faults.clear()
        card = await world.card("prod-aws")
        await world.told(card, "asks for")
        await until_told_alone(world, world.alice, "Slack or Astro did not answer in time")
        await until_told_alone(world, world.mallory, "Slack or Astro did not answer in time")
        await until_told_alone(world, world.ann, "Slack could not be asked who you are")
        assert "Waiting for approval" in waiting.as_text()
        await world.ann.clicks(waiting, "approve_request")
        await world.told(waiting, ACCEPTED)
    assert submission.closed
    assert [reply.status for reply in (known, stranger, submission, click)] == [200] * 4
    assert max(reply.elapsed for reply in (known, stranger, submission, click)) < 2


async def test_the_card_is_there_within_a_second_of_the_submission(world: World) -> None:
    async with world.running():
        form = await world.opens_form()
        form.fill("name", "prod-aws")
        began = time.monotonic()
        assert (await form.submit()).closed
        await world.card("prod-aws")
        took = time.monotonic() - began
    assert took < 1


@pytest.mark.parametrize("hanging", ["users.info", "usergroups.users.list"])
async def test_with_slacks_look_ups_hanging_a_submission_is_answered_in_time(world: World, hanging: str) -> None:
    world.policy(WITH_APPROVAL.replace('usergroups = ["S0REQUEST"]', f'users = ["{world.alice.id}"]'))
    async with world.running():
        form = await world.opens_form()
        form.fill("name", "prod-aws")
        form.fill("request.reason", "For the launch")
    world.slack.faults.next(hanging, SlackFault.slow(30), times=None)
    async with world.running():  # which remembers nobody
        submission = await form.submit()
        assert (submission.status, submission.elapsed < 2) == (200, True), submission
        if hanging == "users.info":
            assert not submission.closed
            assert "Slack could not be asked who you are. Try again in a moment." in form.text()
            assert (form.value("name"), form.value("request.reason")) == ("prod-aws", "For the launch")
            world.slack.faults.clear()
            submission = await form.submit()
        assert submission.closed  # that approvers can't be counted is no reason to turn anybody away
        await world.card("prod-aws")


async def test_a_slack_that_takes_a_second_stops_nothing(world: World) -> None:
    async with world.running(LEASE_SECONDS="3"):
        for method in ("users.info", "usergroups.users.list"):
            world.slack.faults.next(method, SlackFault.slow(1.2, done=True), times=None)
        await world.alice.types("/astro-cluster create", in_=world.general)
        form = await world.alice.sees_modal(callback_id="create_cluster")
        form.fill("name", "prod-aws")
        assert (await form.submit()).closed
        await world.told(await world.card("prod-aws"), "Astro accepted prod-aws", timeout=20)
    assert len(world.astro.creates) == 1
