"""Who may open the form, and what those read who may not."""

import time
from dataclasses import replace
from functools import partial

import pytest
from sqlalchemy import update

from bot.sandbox.astro import Fault as AstroFault
from bot.sandbox.astro_people import user
from bot.sandbox.slack import Person
from bot.sandbox.slack.faults import Fault
from bot.sandbox.slack.sandbox import OTHER_TEAM
from bot.store import tables
from tests.e2e.forms import all_requests
from tests.e2e.steps import until_told_alone
from tests.world import POLICY, WITH_APPROVAL, World

ALICE_ALONE = '[requesters]\nusers = ["{alice}"]\n[approval]\nrequired = false\n'
OWNERS = '[requesters]\nastro_roles = ["ORGANIZATION_OWNER"]\n[approval]\nrequired = false\n'
NOBODY = "Nobody may ask for clusters yet: the bot's policy names no requesters."
RUNS_IT = "Ask whoever runs the bot."
NOT_AMONG = "You are not among those who may ask for clusters."


async def refused(world: World, person: Person, because: str, ask: str) -> None:
    """The command's own answer says why, and whom to ask; no form opens."""
    opened = len(world.slack.calls_to("views.open"))
    reply = await person.types("/astro-cluster create", in_=world.general)
    assert reply.status == 200
    assert because in reply.text
    assert ask in reply.text
    assert len(world.slack.calls_to("views.open")) == opened
    assert person.modal is None


# --- what policy says -------------------------------------------------------------------------------------------------


async def test_without_a_policy_nobody_may(world: World) -> None:
    (world.folder / "policy.toml").unlink()
    async with world.running():
        for person in (world.alice, world.ann):
            await refused(world, person, NOBODY, RUNS_IT)


async def test_by_an_empty_policy_nobody_may(world: World) -> None:
    world.policy("")
    async with world.running():
        for person in (world.alice, world.ann):
            await refused(world, person, NOBODY, RUNS_IT)


async def test_members_of_the_group_may_and_others_are_told_whom_to_ask(either_world: World) -> None:
    world = either_world
    async with world.running():
        await world.opens_form(world.alice)
        await refused(world, world.ann, NOT_AMONG, "Ask @s0request.")
        await refused(world, world.mallory, NOT_AMONG, "Ask @s0request.")


async def test_those_listed_by_id_may(world: World) -> None:
    world.policy(ALICE_ALONE.format(alice=world.alice.id))
    async with world.running():
        await world.opens_form(world.alice)
        await refused(world, world.ann, NOT_AMONG, "Ask @alice.")


async def test_groups_and_people_are_a_union(world: World) -> None:
    world.policy(
        POLICY.replace('usergroups = ["S0REQUEST"]', f'usergroups = ["S0REQUEST"]\nusers = ["{world.ann.id}"]')
    )
    async with world.running():
        await world.opens_form(world.alice)
        await world.opens_form(world.ann)
        await refused(world, world.mallory, NOT_AMONG, "Ask @s0request or @ann.")


async def test_a_plan_without_groups_leaves_those_listed_by_id(world: World) -> None:
    world.slack.workspace.usergroups_in_plan = False
    both = f'usergroups = ["S0REQUEST"]\nusers = ["{world.ann.id}"]'
    world.policy(POLICY.replace('usergroups = ["S0REQUEST"]', both))
    async with world.running():
        await world.opens_form(world.ann)
        await refused(world, world.alice, NOT_AMONG, "@ann")


async def test_a_group_that_is_gone_has_no_members(world: World) -> None:
    del world.slack.workspace.usergroups["S0REQUEST"]
    async with world.running():
        await refused(world, world.alice, NOT_AMONG, "Ask ")


# --- roles in Astro ---------------------------------------------------------------------------------------------------


async def test_a_role_in_astro_alone_decides(world: World) -> None:
    world.policy(OWNERS)
    world.astro.users = [
        user("Alice", "ALICE@Example.com", "ORGANIZATION_OWNER"),
        user("Ann", "ann@example.com", "ORGANIZATION_MEMBER"),
        user("Mallory", "mallory@example.com", "ORGANIZATION_OWNER", "PENDING"),
    ]
    async with world.running():
        await world.opens_form(world.alice)  # an e-mail address is the same in any case
        await refused(world, world.ann, "Your role in Astro has to be ORGANIZATION_OWNER.", RUNS_IT)
        await refused(
            world, world.mallory, "Your role in Astro has to be ORGANIZATION_OWNER.", RUNS_IT
        )  # not ACTIVE yet


async def test_a_role_in_astro_is_a_further_condition_beside_a_group(world: World) -> None:
    world.policy(POLICY.replace('["S0REQUEST"]', '["S0REQUEST"]\nastro_roles = ["ORGANIZATION_OWNER"]'))
    world.slack.usergroup("S0REQUEST", [world.alice, world.mallory])
    world.astro.users = [
        user("Alice", "alice@example.com", "ORGANIZATION_OWNER"),
        user("Ann", "ann@example.com", "ORGANIZATION_OWNER"),
        user("Mallory", "mallory@example.com", None),
    ]
    async with world.running():
        await world.opens_form(world.alice)
        await refused(world, world.ann, NOT_AMONG, "Ask @s0request.")
        await refused(world, world.mallory, "Your role in Astro has to be ORGANIZATION_OWNER.", "Ask @s0request.")


async def test_who_has_no_address_in_slack_has_no_role(world: World) -> None:
    world.policy(OWNERS)
    world.astro.users = [
        user("Alice", "alice@example.com", "ORGANIZATION_OWNER"),
        user("Nobody", "", "ORGANIZATION_OWNER"),
    ]
    world.slack.scopes.discard("users:read.email")
    async with world.running():
        await refused(world, world.alice, "Your role in Astro has to be ORGANIZATION_OWNER.", RUNS_IT)


# --- whom no policy lets in -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "because", "ask"),
    [
        ("guest", "Guests cannot use this.", "Ask a full member of this workspace"),
        ("deleted", "This account has been deactivated.", ""),
        ("bot", "Bots and apps cannot use this", "a person has to"),
    ],
)
async def test_no_policy_lets_them_in(world: World, kind: str, because: str, ask: str) -> None:
    them = world.slack.person("them", email="them@example.com", **{kind: True})
    world.general.conversation.members.add(them.id)
    world.slack.usergroup("S0REQUEST", [world.alice, them])
    async with world.running():
        await world.opens_form(world.alice)
        await refused(world, them, because, ask)


async def test_somebody_of_another_workspace_is_turned_away(world: World) -> None:
    stranger = world.slack.person("stranger", stranger=True)
    world.general.conversation.members.add(stranger.id)
    world.slack.usergroup("S0REQUEST", [world.alice, stranger])
    async with world.running():
        reply = await stranger.types("/astro-cluster create", in_=world.general)
        assert reply.status == 200
        assert "This bot belongs to another Slack workspace" in reply.text
        assert stranger.modal is None


async def test_a_stranger_in_our_own_workspace_is_refused(world: World) -> None:
    stranger = world.slack.person("stranger", stranger=True)
    stranger.account.team_id = world.slack.workspace.team_id  # as a payload may claim; users.info knows better
    world.general.conversation.members.add(stranger.id)
    world.slack.usergroup("S0REQUEST", [world.alice, stranger])
    async with world.running():
        await refused(world, stranger, "Only people of this workspace can use this.", "")


def _more_than(person: Person, seen: int) -> bool:
    return len(person.ephemerals) > seen


async def test_somebody_whom_slack_knows_to_be_of_another_workspace_is_refused_everywhere(world: World) -> None:
    """users.info has their true team; what their client sends says that they are one of ours."""
    eve = world.slack.person("eve", email="eve@example.com")
    ours = replace(eve.account)
    eve.account.team_id = OTHER_TEAM
    world.general.conversation.members.add(eve.id)
    world.slack.usergroup("S0REQUEST", [world.alice, eve])
    world.slack.usergroup("S0APPROVE", [world.ann, eve])
    world.policy(WITH_APPROVAL)
    courier, no = world.slack.courier, "Only people of this workspace can use this."
    async with world.running() as bot:
        form = await world.opens_form()
        form.fill("name", "prod")
        form.fill("request.reason", "for the new team")

        command = await courier.command(ours, world.general.conversation, "/astro-cluster", "create")
        assert (command.status, command.json()["text"]) == (200, no)
        await courier.home_opened(ours)
        assert no in (await eve.sees_home()).text()
        async with bot.db.write() as tx:  # a form of theirs, opened while they still were one of ours
            await tx.execute(update(tables.forms).values(person=eve.id))
        submission = await courier.submission(ours, form.view)
        assert (submission.status, no in submission.body) == (200, True)
        async with bot.db.write() as tx:
            await tx.execute(update(tables.forms).values(person=world.alice.id))
        assert (await form.submit()).closed
        card = await world.card("prod")
        for button in ("approve_request", "deny_request", "cancel_request"):
            told = len(eve.ephemerals)
            click = {"type": "button", "action_id": button, "value": card.buttons[0].value, "block_id": "b"}
            assert (await courier.click_in_message(ours, card.post, click)).status == 200
            await world.slack.until(partial(_more_than, eve, told), what=f"an answer to {button}")
            assert no in eve.ephemerals[-1].text
        assert eve.modal is None
        [request] = await all_requests(bot)
    assert (request.requester, request.state) == (world.alice.id, "AWAITING_APPROVAL")


# --- nobody can say who they are --------------------------------------------------------------------------------------


async def test_a_look_up_that_hangs_opens_nothing_but_the_advice_to_try_again(world: World) -> None:
    async with world.running() as bot:
        world.slack.faults.next("users.info", Fault.slow(2.5), times=None)
        began = time.monotonic()
        reply = await world.alice.types("/astro-cluster create", in_=world.general)
        assert (reply.status, reply.text) == (200, "")
        assert time.monotonic() - began < 1
        skeleton = await world.alice.sees_modal()
        assert skeleton.callback_id == ""
        await world.slack.until(lambda: "Slack could not be asked who you are." in skeleton.text())
        assert "Try again in a moment." in skeleton.text()
        assert not skeleton.paths()
        assert await all_requests(bot) == []

        world.slack.faults.clear()
        await world.opens_form()


async def test_a_look_up_that_takes_its_time_ends_in_the_form(world: World) -> None:
    async with world.running():
        world.slack.faults.next("users.info", Fault.slow(0.8))
        reply = await world.alice.types("/astro-cluster create", in_=world.general)
        assert (reply.status, reply.text) == (200, "")
        form = await world.alice.sees_modal()
        await form.until_shows("name")
        form.fill("name", "prod")
        assert (await form.submit()).closed
        await world.card("prod")


async def test_a_look_up_that_fails_decides_nothing(world: World) -> None:
    world.slack.faults.next("usergroups.users.list", Fault.page(502), times=None)
    async with world.running():
        reply = await world.alice.types("/astro-cluster create", in_=world.general)
        assert "Slack could not be asked which user groups you are in. Try again in a moment." in reply.text
        world.slack.faults.clear()
        await world.opens_form()


async def test_a_role_that_cannot_be_looked_up_decides_nothing(world: World) -> None:
    world.policy(OWNERS)
    world.astro.users = [user("Alice", "alice@example.com", "ORGANIZATION_OWNER")]
    world.astro.faults.next("users", AstroFault.bad_gateway(), times=None)
    async with world.running():
        await world.alice.types("/astro-cluster create", in_=world.general)
        said = await _told_or_shown(world, world.alice)
        assert "Astro could not be asked for your role there. Try again in a moment." in said
        world.astro.faults.clear()
        await world.opens_form()


async def _told_or_shown(world: World, person: Person) -> str:
    """In the command's answer, or in a modal where the look-up took longer than an answer may."""

    def said() -> str:
        form = person.modal
        return form.text() if form and "One moment" not in form.text() else "".join(m.text for m in person.ephemerals)

    return await world.slack.until(said, what="an answer")


# --- asked again when it is submitted ---------------------------------------------------------------------------------


async def test_whoever_may_not_ask_can_not_submit_a_copied_form(world: World) -> None:
    async with world.running() as bot:
        form = await world.opens_form()
        form.fill("name", "prod")
        answer = await world.slack.courier.submission(world.mallory.account, form.view)
        assert answer.json()["response_action"] == "errors"
        assert await all_requests(bot) == []


async def test_help_says_what_of_it_they_may(world: World) -> None:
    async with world.running():
        texts = {
            person.name: (await person.types("/astro-cluster help", in_=world.general)).text
            for person in (world.alice, world.ann, world.mallory)
        }
    assert "You may ask for clusters." in texts["alice"]
    assert "You may approve what others ask for, but not ask for clusters yourself." in texts["ann"]
    assert "You may look, but neither ask for clusters nor approve them." in texts["mallory"]


async def test_an_unknown_word_gets_the_help(either_world: World) -> None:
    world = either_world
    async with world.running():
        reply = await world.alice.types("/astro-cluster explode", in_=world.general)
    assert "does not know explode" in reply.text.replace("`", "")
    assert "/astro-cluster create" in reply.text
    assert await until_told_alone(world, world.alice, "explode")
