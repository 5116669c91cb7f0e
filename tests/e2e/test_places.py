"""Where a story is told: where it was asked for, where policy says, or in a direct message."""

from bot.sandbox.slack import Channel
from tests.e2e.forms import alerts, all_requests, choose
from tests.e2e.steps import until_state, until_told_alone
from tests.world import POLICY, WITH_APPROVAL, World

IN_DM = "The bot can't post in this channel, so it will tell you all in a direct message."


async def asks_in(world: World, where: Channel, name: str = "prod", *, remark: bool) -> None:
    """Alice asks for a cluster here; `remark`: the form says that the story will be told elsewhere."""
    form = await world.opens_form(in_=where)
    assert any(IN_DM in words for words in alerts(form)) == remark
    form.fill("name", name)
    await choose(form, "cloudProvider", "GCP")
    assert any(IN_DM in words for words in alerts(form)) == remark
    assert (await form.submit()).closed


async def test_it_joins_a_public_channel_before_its_first_post(world: World) -> None:
    place = world.slack.channel("platform", members=[world.alice])
    async with world.running():
        await asks_in(world, place, remark=False)
        card = await world.card("prod", place)
        await world.told(card, "Astro accepted prod")
    assert place.has_bot
    told = [call.method for call in world.slack.calls if call.method in ("conversations.join", "chat.postMessage")]
    assert told[:2] == ["conversations.join", "chat.postMessage"]
    assert world.alice.dm.posts == []


async def test_a_private_channel_without_the_bot_is_told_in_a_direct_message(either_world: World) -> None:
    world = either_world
    place = world.slack.channel("secret", members=[world.alice], private=True)
    async with world.running():
        await asks_in(world, place, remark=True)
        await world.told(await world.card("prod", world.alice.dm), "Astro accepted prod")
    assert place.posts == []
    assert len(world.alice.dm.messages) == 1


async def test_a_private_channel_that_the_bot_is_in_has_the_story(world: World) -> None:
    place = world.slack.channel("secret", members=[world.alice], private=True, bot=True)
    async with world.running():
        await asks_in(world, place, remark=False)
        await world.told(await world.card("prod", place), "asks for prod")
    assert world.alice.dm.posts == []


async def test_once_the_bot_was_invited_the_form_has_nothing_to_remark(world: World) -> None:
    place = world.slack.channel("secret", members=[world.alice], private=True)
    async with world.running():
        await asks_in(world, place, "first", remark=True)
        await world.card("first", world.alice.dm)
        place.invite_bot()
        await asks_in(world, place, "second", remark=False)
        await world.card("second", place)


async def test_the_direct_messages_of_two_people_are_left_alone(world: World) -> None:
    theirs = world.slack.dm(world.alice, world.mallory)
    async with world.running():
        await asks_in(world, theirs, remark=True)
        await world.told(await world.card("prod", world.alice.dm), "asks for prod")
    assert theirs.posts == []


async def test_the_direct_messages_with_the_bot_have_the_story(world: World) -> None:
    async with world.running():
        await asks_in(world, world.alice.dm, remark=False)
        await world.told(await world.card("prod", world.alice.dm), "asks for prod")


async def test_what_a_card_in_a_direct_message_offers_works(world: World) -> None:
    world.policy(WITH_APPROVAL)
    place = world.slack.channel("secret", members=[world.alice], private=True)
    async with world.running() as bot:
        form = await world.opens_form(in_=place)
        form.fill("name", "prod")
        form.fill("request.reason", "for the new team")
        assert (await form.submit()).closed
        card = await world.card("prod", world.alice.dm)
        await world.alice.clicks(card, "approve_request")
        await until_told_alone(world, world.alice, "You are not among those who may decide on this request.")
        await world.alice.clicks(card, "cancel_request")
        await until_state(bot, "prod", "CANCELLED")


async def test_a_channel_that_is_archived_meanwhile_is_told_in_a_direct_message(world: World) -> None:
    place = world.slack.channel("old", members=[world.alice], bot=True)
    async with world.running():
        form = await world.opens_form(in_=place)
        form.fill("name", "prod")
        place.archive()
        assert (await form.submit()).closed
        await world.told(await world.card("prod", world.alice.dm), "Astro accepted prod")
    assert place.posts == []


async def test_a_story_goes_on_in_a_direct_message_when_the_bot_is_put_out(world: World) -> None:
    place = world.slack.channel("secret", members=[world.alice], private=True, bot=True)
    world.policy(WITH_APPROVAL)
    async with world.running() as bot:
        form = await world.opens_form(in_=place)
        form.fill("name", "prod")
        form.fill("request.reason", "for the new team")
        assert (await form.submit()).closed
        await world.told(await world.card("prod", place), "asks for prod")
        place.remove_bot()
        card = await world.card("prod", place)
        await world.alice.clicks(card, "cancel_request")
        await until_state(bot, "prod", "CANCELLED")
        moved = await world.card("prod", world.alice.dm)
        await world.told(moved, "cancelled the request for prod")
        assert "✗ Cancelled" in moved.as_text()
    assert len(world.alice.dm.messages) >= 1


async def test_policy_says_where_every_story_is_told(world: World) -> None:
    clusters = world.slack.channel("clusters", members=[world.ann])
    world.policy(f'{POLICY}[channels]\npost_in = "{clusters.id}"\n')
    secret = world.slack.channel("secret", members=[world.alice], private=True)
    async with world.running():
        for name, where in (("one", world.general), ("two", secret)):
            form = await world.opens_form(in_=where)
            assert not any(IN_DM in words for words in alerts(form))  # it is told in #clusters, whoever asks where
            form.fill("name", name)
            assert (await form.submit()).closed
            await world.told(await world.card(name, clusters), f"{world.alice.mention} asks for {name}")
    assert clusters.has_bot
    assert world.general.posts == secret.posts == world.alice.dm.posts == []


async def test_a_channel_of_policy_that_does_not_exist_loses_no_story(world: World) -> None:
    world.policy(f'{POLICY}[channels]\npost_in = "C0NOWHERE"\n')
    async with world.running():
        form = await world.opens_form()
        form.fill("name", "prod")
        assert (await form.submit()).closed
        await world.told(await world.card("prod", world.alice.dm), "asks for prod")


async def test_where_policy_does_not_allow_it_the_answer_says_where_it_does(world: World) -> None:
    clusters = world.slack.channel("clusters", members=[world.alice], bot=True)
    world.policy(f'{POLICY}[channels]\nallowed = ["{clusters.id}"]\n')
    async with world.running():
        reply = await world.alice.types("/astro-cluster create", in_=world.general)
        assert "Clusters cannot be asked for in this channel." in reply.text
        assert "Use it in #clusters." in reply.text
        assert world.alice.modal is None
        await asks_in(world, clusters, remark=False)
        await world.card("prod", clusters)


async def test_a_channel_that_is_no_longer_allowed_is_an_alert_on_the_form(world: World) -> None:
    clusters = world.slack.channel("clusters", members=[world.alice], bot=True)
    async with world.running():
        form = await world.opens_form()
        form.fill("name", "prod")
    world.policy(f'{POLICY}[channels]\nallowed = ["{clusters.id}"]\n')
    async with world.running() as bot:
        assert not (await form.submit()).closed
        assert "Clusters cannot be asked for in this channel." in alerts(form)[0]
        assert "Use it in #clusters." in form.text()
        assert form.value("name") == "prod"
        assert await all_requests(bot) == []


async def test_what_only_one_person_should_read_reaches_them_where_the_bot_is_not(world: World) -> None:
    world.policy(WITH_APPROVAL)
    async with world.running():
        card = await world.asks("prod", request__reason="for the new team")
        world.general.remove_bot()
        await world.mallory.clicks(card, "approve_request")
        await world.slack.until(lambda: world.mallory.dm.messages)
        assert "You are not among those who may decide" in world.mallory.dm.messages[0].text
        world.general.invite_bot()
        await world.mallory.clicks(card, "approve_request")
        await until_told_alone(world, world.mallory, "You are not among those who may decide")
