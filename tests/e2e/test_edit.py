"""Astro says no: its words in the thread, and the form once more with all that was typed."""

import pytest

from bot.app import Bot
from bot.sandbox.astro import Fault
from bot.sandbox.slack import Form, Message, Person
from bot.store.requests import Request
from tests.e2e.forms import alerts, all_requests, choose, click, remarks, shape
from tests.e2e.steps import calls, count, made, until, until_card, until_state, until_told_alone
from tests.world import WITH_APPROVAL, World, stored


async def refused(world: World, form: Form, fields: dict[str, str] | None, message: str = "Invalid request") -> Message:
    """Submitted, and Astro answers 400; the post that tells it."""
    world.astro.faults.next("create", Fault.answer(400, message, fields=fields))
    name = str(form.value("name"))
    assert (await form.submit()).closed
    return await world.told(await world.card(name), f"Astro refused {name}. Nothing was built.")


async def edits(world: World, post: Message, person: Person | None = None) -> Form:
    """Alice presses the button and has the form again."""
    who = person or world.alice
    before = who.modal.id if who.modal else ""
    await who.clicks(post, "edit_request")
    return await world.sees_form(who, before)


async def filled(world: World) -> Form:
    """A form in which something of everything is typed."""
    form = await world.opens_form()
    await shape(form, "AWS", "HYBRID")
    await choose(form, "drRegion", "us-west-2")
    for group in ("nodePools", "nodePools", "k8sTags"):
        await click(form, "add_item", group)
    typed = {
        "name": "prod",
        "vpcSubnetRange": "10.20.0.0/20",
        "providerAccount": "account",
        "nodePools.0.name": "small",
        "nodePools.0.maxNodeCount": "5",
        "nodePools.1.name": "big",
        "nodePools.1.maxNodeCount": "20",
        "k8sTags.0.key": "team",
        "request.reason": "for the new team",
    }
    for path, text in typed.items():
        form.fill(path, text)
    for path in ("nodePools.0", "nodePools.1"):
        await form.choose(f"{path}.nodeInstanceType", "m5.xlarge")
    await form.choose("dbInstanceType", "db.m6g.large")
    await form.choose("workspaceIds", [world.astro.workspaces[0]["id"]])
    return form


async def newest(bot: Bot) -> tuple[Request, Request]:
    """(the first request, the one that follows it)."""
    first, second = await all_requests(bot)
    return first, second


async def test_astros_words_stand_in_the_thread(world: World) -> None:
    async with world.running() as bot:
        form = await world.opens_form()
        form.fill("name", "prod")
        post = await refused(
            world, form, {"vpcSubnetRange": "must not be <reserved> & taken"}, "Invalid request: vpcSubnetRange"
        )
        assert world.alice.mention in post.text
        assert "Invalid request: vpcSubnetRange" in post.as_text()
        assert "must not be <reserved> & taken" in post.as_text()
        assert [button.action_id for button in post.buttons] == ["edit_request"]
        request = await stored(bot, "prod")
        assert request.state == "REJECTED"
        card = await world.card("prod")
        await until_card(world, card, "✗ Refused by Astro")
        assert [button.value for button in card.buttons] == [request.id]
        assert count(world, card, "Astro refused") == 1
    assert len(calls(world, "create")) == 1


async def test_the_form_comes_back_filled_with_each_error_beside_its_field(world: World) -> None:
    async with world.running() as bot:
        form = await filled(world)
        typed = {path: form.value(path) for path in form.paths()}
        fields = {
            "vpcSubnetRange": "overlaps a range of ours",
            "nodePools[0].name": "is reserved",
            "nodePools.1.maxNodeCount": "is above your quota",
            "k8sTags[0].key": "may not be team",
            "clusterTier": "is unheard of",
        }
        again = await edits(world, await refused(world, form, fields))
        assert {path: again.value(path) for path in again.paths()} == typed
        assert remarks(again, "vpcSubnetRange") == ["⚠ overlaps a range of ours"]
        assert remarks(again, "nodePools.0.name") == ["⚠ is reserved"]
        assert remarks(again, "nodePools.1.maxNodeCount") == ["⚠ is above your quota"]
        assert remarks(again, "k8sTags.0.key") == ["⚠ may not be team"]
        assert alerts(again) == ["clusterTier: is unheard of"]
        assert remarks(again, "name") == []

        again.fill("vpcSubnetRange", "10.40.0.0/20")
        again.fill("nodePools.0.name", "tiny")
        submitted = await again.submit()
        assert submitted.closed, submitted
        await until(lambda: made(world), "the cluster")
        old, new = await newest(bot)
        assert (new.follows, new.requester, new.channel) == (old.id, old.requester, old.channel)
        assert old.state == "REJECTED"
        post = await world.slack.until(lambda: _told_of(world, old.id))
        assert world.alice.mention in post.text
    (body,) = world.astro.creates
    assert body["vpcSubnetRange"] == "10.40.0.0/20"
    assert [pool["name"] for pool in body["nodePools"]] == ["tiny", "big"]


def _told_of(world: World, request_id: str) -> Message | None:
    """The post that says which request the new one follows."""
    return next((post for post in world.general.posts if f"It follows {request_id}." in post.as_text()), None)


@pytest.mark.parametrize("field", ["nodePools[0].name", "nodePools.0.name", "/NodePools/0/Name"])
async def test_astro_may_write_a_field_in_a_group_as_it_likes(world: World, field: str) -> None:
    async with world.running():
        form = await world.opens_form()
        await shape(form, "GCP", "HYBRID")
        await click(form, "add_item", "nodePools")
        for path, text in (("name", "prod"), ("providerAccount", "account"), ("nodePools.0.name", "reserved")):
            form.fill(path, text)
        form.fill("nodePools.0.maxNodeCount", "5")
        await form.choose("nodePools.0.nodeInstanceType", "e2-standard-4")
        await form.choose("dbInstanceType", "Small General Purpose")
        again = await edits(world, await refused(world, form, {field: "is reserved"}))
        assert remarks(again, "nodePools.0.name") == ["⚠ is reserved"]
        assert alerts(again) == []


async def test_a_refusal_without_fields_stands_on_top(world: World) -> None:
    async with world.running():
        form = await world.opens_form()
        form.fill("name", "prod")
        again = await edits(world, await refused(world, form, None, "Your plan does not include this region"))
        assert alerts(again) == ["Your plan does not include this region"]
        assert again.value("name") == "prod"


async def test_a_refusal_of_a_field_that_does_not_show_is_named_on_top(world: World) -> None:
    async with world.running():
        form = await world.opens_form()
        form.fill("name", "prod")
        again = await edits(world, await refused(world, form, {"providerAccount": "is required"}))
        assert alerts(again) == ["Provider account: is required"]


async def test_a_choice_in_the_form_that_came_back_keeps_the_rest(world: World) -> None:
    async with world.running():
        form = await world.opens_form()
        form.fill("name", "prod")
        form.fill("vpcSubnetRange", "10.20.0.0/20")
        again = await edits(world, await refused(world, form, {"name": "is reserved"}))
        await choose(again, "cloudProvider", "GCP")
        assert (again.value("name"), again.value("vpcSubnetRange")) == ("prod", "10.20.0.0/20")
        assert again.value("region") == "us-central1"


async def test_it_can_be_refused_and_edited_again(world: World) -> None:
    async with world.running() as bot:
        form = await world.opens_form()
        form.fill("name", "first")
        again = await edits(world, await refused(world, form, {"name": "is reserved"}))
        again.fill("name", "second")
        once_more = await edits(world, await refused(world, again, {"name": "is reserved, too"}))
        assert remarks(once_more, "name") == ["⚠ is reserved, too"]
        once_more.fill("name", "third")
        assert (await once_more.submit()).closed
        await until(lambda: made(world) == ["third"], "the cluster")
        ids = {each.name: each.id for each in await all_requests(bot)}
        follows = {each.name: each.follows for each in await all_requests(bot)}
        assert follows == {"first": None, "second": ids["first"], "third": ids["second"]}


@pytest.mark.parametrize("who", ["ann", "mallory"])
async def test_nobody_but_the_requester_edits(world: World, who: str) -> None:
    world.slack.usergroup("S0REQUEST", [world.alice, world.ann])
    async with world.running() as bot:
        form = await world.opens_form()
        form.fill("name", "prod")
        post = await refused(world, form, {"name": "is reserved"})
        person = {"ann": world.ann, "mallory": world.mallory}[who]
        await person.clicks(post, "edit_request")
        told = await until_told_alone(world, person, "Only the person who asked for this cluster can edit the request.")
        assert world.alice.mention in told.text
        assert person.modal is None
        assert len(await all_requests(bot)) == 1


async def test_an_edit_is_approved_anew(world: World) -> None:
    world.policy(WITH_APPROVAL)
    async with world.running() as bot:
        form = await world.opens_form()
        form.fill("name", "prod")
        form.fill("request.reason", "for the new team")
        world.astro.faults.next("create", Fault.answer(400, "Invalid request", fields={"name": "is reserved"}))
        assert (await form.submit()).closed
        card = await world.card("prod")
        await world.ann.clicks(card, "approve_request")
        again = await edits(world, await world.told(card, "Astro refused prod"))
        assert again.value("request.reason") == "for the new team"
        again.fill("name", "prod-2")
        assert (await again.submit()).closed
        assert (await until_state(bot, "prod-2", "AWAITING_APPROVAL")).approval["given"] == []
        assert world.astro.creates == []
        await world.ann.clicks(await world.card("prod-2"), "approve_request")
        await until(lambda: made(world) == ["prod-2"], "the cluster")


async def test_what_is_under_way_cannot_be_edited(world: World) -> None:
    async with world.running() as bot:
        form = await world.opens_form()
        form.fill("name", "prod")
        post = await refused(world, form, {"name": "is reserved"})
        again = await edits(world, post)
        await again.close()
        request = await stored(bot, "prod")
        await world.asks("other")
        await until(lambda: made(world), "the other cluster")
        other = await stored(bot, "other")
        button = next(e for b in post.post.now.blocks if b["type"] == "actions" for e in b["elements"])
        button["value"] = other.id  # a button that was tampered with leads to the row, and the row is the truth
        await world.alice.clicks(post, "edit_request")
        await until_told_alone(world, world.alice, "This request can't be edited any more")
        assert world.alice.modal is None
        assert (await stored(bot, "prod")).version == request.version


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refusal_of_the_bot_itself_is_no_fault_of_the_requester(world: World, status: int) -> None:
    async with world.running() as bot:
        world.astro.faults.next("create", Fault.answer(status, "Token is <expired>"), times=None)
        card = await world.asks("prod")
        post = await world.told(card, "has to wait: Astro does not let the bot in.")
        assert "Token is <expired>" in post.as_text()
        assert "you have nothing to do" in post.text
        assert (await stored(bot, "prod")).state == "QUEUED"
        assert "edit_request" not in [button.action_id for button in card.buttons]
        world.astro.faults.clear()
        await until(lambda: made(world) == ["prod"], "the cluster, once access is back")
        assert count(world, card, "has to wait") == 1


async def test_the_request_that_was_edited_leads_on_and_cannot_be_edited_again(world: World) -> None:
    async with world.running() as bot:
        form = await world.opens_form()
        form.fill("name", "prod")
        post = await refused(world, form, None)
        again = await edits(world, post)
        again.fill("name", "prod-2")
        assert (await again.submit()).closed
        await world.card("prod-2")
        card = next(each for each in world.general.messages if each.text.startswith("prod ("))
        first, second = await newest(bot)
        await until_card(world, card, f"Sent again as {second.id}.")
        assert "edit_request" not in [button.action_id for button in card.buttons]
        await world.alice.clicks(post, "edit_request")
        await until_told_alone(world, world.alice, f"This request was sent again as {second.id} already.")
    assert first.state == "REJECTED"
