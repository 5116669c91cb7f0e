"""The Home tab: mine, the organization's, and the button that opens the form."""

import pytest

from bot.sandbox.slack import Form, Person
from bot.sandbox.slack.faults import Fault
from tests.e2e.forms import all_requests
from tests.e2e.steps import made, until, until_state
from tests.world import WITH_APPROVAL, World, stored

OLD = {"cloudProvider": "GCP", "type": "DEDICATED", "name": "old-cluster", "region": "us-east4"}


async def home_of(world: World, person: Person) -> Form:
    """They open the tab and see it, drawn for this opening."""
    drawn = len(world.slack.calls_to("views.publish"))
    assert (await person.opens_home()).status == 200
    await world.slack.until(lambda: len(world.slack.calls_to("views.publish")) > drawn)
    return await person.sees_home()


def action_ids(home: Form) -> list[str]:
    return [button.action_id for button in home.buttons]


async def test_opening_it_draws_it(world: World) -> None:
    async with world.running():
        home = await home_of(world, world.alice)
        assert action_ids(home) == ["open_form"]
        assert "You have not asked for a cluster yet." in home.text()
        assert "The organization has no cluster yet." in home.text()
    assert world.slack.refusals == []


async def test_it_lists_my_requests_with_a_link_to_each_thread(world: World) -> None:
    async with world.running() as bot:
        form = await world.opens_form()
        form.fill("name", "prod <1> & *co*")
        assert (await form.submit()).closed
        card = await world.card("prod &lt;1&gt; &amp; *co*")
        await world.told(card, "Astro accepted")
        home = await home_of(world, world.alice)
        request = await stored(bot, "prod <1> & *co*")
        assert request.id in home.text()
        assert "is being built by Astro" in home.text()
        markup = str(home.blocks)
        assert f"https://sandbox.slack.com/archives/{world.general.id}/p{card.ts.replace('.', '')}|Open" in markup
        assert "prod &lt;1&gt; &amp;" in markup
        assert "prod <1>" not in (await home_of(world, world.ann)).text().split("Clusters of the organization")[0]


async def test_it_lists_the_clusters_of_the_organization(world: World) -> None:
    world.astro.add(OLD)
    async with world.running() as bot:
        await world.asks("prod")
        request = await until_state(bot, "prod", "READY")
        home = await home_of(world, world.ann)
        listed = home.text().split("Clusters of the organization")[1]
        assert "old-cluster" in listed
        assert "GCP · us-east4" in listed
        assert "made outside this bot" in listed
        assert "prod" in listed
        assert request.id in listed


async def test_it_is_drawn_again_when_mine_changes(world: World) -> None:
    world.policy(WITH_APPROVAL)
    async with world.running():
        home = await home_of(world, world.alice)
        await home_of(world, world.ann)
        card = await world.asks("prod", request__reason="for the new team")
        await world.slack.until(lambda: "is waiting for approval" in home.text())
        await world.slack.until(lambda: "|Open the thread>" in str(home.blocks))
        await world.alice.clicks(card, "cancel_request")
        await world.slack.until(lambda: "was cancelled" in home.text())
        drawn = [call.args["user_id"] for call in world.slack.calls_to("views.publish")]
        assert drawn.count(world.ann.id) == 1  # nothing of hers has changed


async def test_its_button_opens_the_form_and_the_story_is_told_in_a_direct_message(either_world: World) -> None:
    world = either_world
    async with world.running() as bot:
        home = await home_of(world, world.alice)
        await home.click("open_form")
        form = await world.sees_form(world.alice)
        form.fill("name", "prod")
        assert (await form.submit()).closed
        card = await world.card("prod", world.alice.dm)
        await world.told(card, "Astro accepted prod")
        assert (await stored(bot, "prod")).channel == ""
    assert made(world) == ["prod"]
    assert world.general.posts == []


async def test_who_may_not_ask_reads_why_and_finds_no_button(world: World) -> None:
    async with world.running():
        home = await home_of(world, world.mallory)
        assert action_ids(home) == []
        assert "You are not among those who may ask for clusters." in home.text()
        assert "Ask @s0request." in home.text()
        assert "Clusters of the organization" in home.text()


async def test_a_button_of_an_old_tab_is_no_way_around_policy(world: World) -> None:
    async with world.running():
        home = await home_of(world, world.alice)
    world.slack.usergroup("S0REQUEST", [world.ann])
    async with world.running() as bot:
        await home.click("open_form")
        modal = await world.alice.sees_modal()
        assert modal.callback_id == ""
        assert "You are not among those who may ask for clusters." in modal.text()
        assert "Ask @s0request." in modal.text()
        assert await all_requests(bot) == []


@pytest.mark.parametrize("kind", ["guest", "stranger"])
async def test_guests_do_not_see_the_organizations_clusters(world: World, kind: str) -> None:
    world.astro.add(OLD)
    them = world.slack.person("them", email="them@example.com", **{kind: True})
    them.account.team_id = world.slack.workspace.team_id
    async with world.running():
        home = await home_of(world, them)
        assert action_ids(home) == []
        assert "old-cluster" not in home.text()


async def test_a_tab_that_slack_did_not_take_is_drawn_at_the_next_opening(world: World) -> None:
    async with world.running():
        world.slack.faults.next("views.publish", Fault.refused("internal_error"))
        await world.alice.opens_home()
        await world.slack.until(lambda: world.alice.dm.messages)
        assert world.alice.home is None
        assert action_ids(await home_of(world, world.alice)) == ["open_form"]


async def test_the_clusters_are_there_without_astro_as_it_last_told_them(world: World) -> None:
    world.astro.add(OLD)
    async with world.running():
        await until(lambda: world.astro.requests, "the first look")
    await world.astro.stop()
    async with world.running():
        assert "old-cluster" in (await home_of(world, world.alice)).text()
    await world.astro.start()
