"""People type, click and look; what they do reaches the app as Slack would send it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_sdk.signature import SignatureVerifier
from starlette.responses import JSONResponse, Response

from bot.sandbox.slack import Person, SlackSandbox
from tests.integration.slack_house import (
    Bot,
    Heard,
    Json,
    actions,
    button,
    house,
    modal,
    option,
    plain,
    section,
    select,
    text_input,
)


@pytest.fixture
async def both() -> AsyncIterator[tuple[SlackSandbox, Bot]]:
    async with house() as pair:
        yield pair


# Commands


async def test_a_command_arrives_as_slack_sends_it(slack: SlackSandbox, bot: Bot, alice: Person) -> None:
    general = slack.channel("general", members=[alice])
    await alice.types("/astro-cluster status  R&D <@alice> @alice #general", in_=general)
    payload = bot.heard[-1].payload
    assert payload["text"] == f"status  R&amp;D &lt;@alice&gt; <@{alice.id}|alice> <#{general.id}|general>"
    expected = {
        "command": "/astro-cluster",
        "team_id": slack.workspace.team_id,
        "api_app_id": slack.workspace.app_id,
        "user_id": alice.id,
        "channel_id": general.id,
        "channel_name": "general",
    }
    assert expected.items() <= payload.items()
    secret = slack.channel("secret", members=[alice], private=True)
    await alice.types("/astro-cluster", in_=secret)
    assert bot.heard[-1].payload["channel_name"] == "privategroup"
    await alice.types("/astro-cluster")
    assert bot.heard[-1].payload["channel_name"] == "directmessage"


async def test_requests_are_signed_with_the_secret_of_the_moment(slack: SlackSandbox, bot: Bot, alice: Person) -> None:
    old = slack.signing_secret
    slack.signing_secret = "rotated"
    assert (await alice.types("/astro-cluster help")).status == 200
    (heard,) = bot.heard
    timestamp = heard.headers["x-slack-request-timestamp"]
    forged = SignatureVerifier(old).generate_signature(timestamp=timestamp, body="x")
    assert heard.headers["x-slack-signature"] != forged
    assert heard.headers["content-type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (None, ""),
        ("Pick a name.", "Pick a name."),
        ({"text": "Only *you*"}, "Only *you*"),
        ({"text": "x", "blocks": [section("In a block")]}, "In a block"),
        ({"text": ""}, ""),
        ([1], '/astro-cluster failed with the error "invalid_command_response"'),
        ({"blocks": [{"type": "alert"}]}, '/astro-cluster failed with the error "invalid_command_response"'),
        (Response("no", 401), '/astro-cluster failed with the error "http_client_error"'),
        (Response("no", 503), '/astro-cluster failed with the error "http_service_error"'),
    ],
)
async def test_the_answer_to_a_command_is_seen_by_one_person(
    slack: SlackSandbox, bot: Bot, alice: Person, answer: Any, text: str
) -> None:
    general = slack.channel("general", members=[alice])
    bot.answer = lambda heard: answer
    reply = await alice.types("/astro-cluster help", in_=general)
    assert reply.text == text
    assert [message.as_text() for message in alice.ephemerals] == ([text] if text else [])
    assert general.posts == []


async def test_an_answer_in_the_channel_is_seen_by_all(slack: SlackSandbox, bot: Bot, alice: Person) -> None:
    general = slack.channel("general", members=[alice])
    bot.answer = lambda heard: {"response_type": "in_channel", "text": "Hello all"}
    assert (await alice.types("/astro-cluster help", in_=general)).text == ""
    assert [message.text for message in general.messages] == ["Hello all"]


async def test_three_seconds_of_silence_is_a_timeout(bot: Bot, alice: Person) -> None:
    waiting = asyncio.Event()
    bot.answer = lambda heard: waiting.wait()
    reply, other = await asyncio.gather(alice.types("/astro-cluster create"), alice.opens_home())
    waiting.set()
    assert reply.text == '/astro-cluster failed with the error "operation_timeout"'
    assert (reply.status, 3 <= reply.elapsed < 4) == (0, True)
    assert other.status == 0
    retried = [heard for heard in bot.heard if heard.type == "event_callback"]
    assert [heard.headers.get("x-slack-retry-num") for heard in retried] == [None, "1"]
    assert retried[1].headers["x-slack-retry-reason"] == "http_timeout"
    assert retried[0].payload["event_id"] == retried[1].payload["event_id"]


async def test_an_app_that_is_away_is_said_so(slack: SlackSandbox, alice: Person) -> None:
    slack.app_url = "http://127.0.0.1:9/slack/events"
    reply = await alice.types("/astro-cluster create")
    assert (reply.status, reply.text) == (0, '/astro-cluster failed with the error "dispatch_failed"')


async def test_people_type_only_where_they_are(slack: SlackSandbox, bot: Bot, alice: Person) -> None:
    with pytest.raises(LookupError, match="alice isn't in #elsewhere"):
        await alice.types("/astro-cluster", in_=slack.channel("elsewhere"))
    assert (await alice.types("/weather")).text == "/weather is not a valid command."
    assert bot.heard == []


async def test_a_stranger_comes_from_another_team(slack: SlackSandbox, bot: Bot) -> None:
    await slack.person("eve", stranger=True).types("/astro-cluster")
    assert bot.heard[-1].payload["team_id"] not in ("", slack.workspace.team_id)


async def test_the_url_is_verified_by_a_signed_challenge(slack: SlackSandbox, bot: Bot) -> None:
    bot.answer = lambda heard: heard.payload["challenge"]
    assert await slack.verifies_url()
    bot.answer = lambda heard: {"challenge": heard.payload["challenge"]}
    assert await slack.verifies_url()
    bot.answer = lambda heard: "something else"
    assert not await slack.verifies_url()


# Clicks


async def test_a_click_under_a_message_carries_the_message(slack: SlackSandbox, bot: Bot, alice: Person) -> None:
    general = slack.channel("general", members=[alice], bot=True)
    sure = {"title": plain("Sure?"), "text": plain("It costs."), "confirm": plain("Yes"), "deny": plain("No")}
    blocks = [
        actions(button("approve_request", "CL-7F3K2", "Approve", confirm=sure), button("deny_request", "CL-7F3K2"))
    ]
    await bot.client.chat_postMessage(channel=general.id, text="prod-aws", blocks=blocks)
    (message,) = general.messages
    assert (await alice.clicks(message, "approve_request", confirm=False)).status == 0
    assert bot.heard == []
    assert (await alice.clicks(message, "approve_request")).status == 200
    payload = bot.heard[-1].payload
    assert payload["type"] == "block_actions"
    assert payload["message"]["ts"] == payload["container"]["message_ts"] == message.ts
    assert payload["channel"]["id"] == general.id
    assert payload["user"]["id"] == alice.id
    action = payload["actions"][0]
    assert (action["action_id"], action["value"], action["block_id"]) == ("approve_request", "CL-7F3K2", "buttons")
    await bot.opens(modal(text_input("request.reason"), callback_id="deny_request"))
    assert (await alice.sees_modal(callback_id="deny_request")).paths() == ["request.reason"]
    with pytest.raises(LookupError, match="no button 'mute_request'"):
        await alice.clicks(message, "mute_request")


async def test_a_stale_client_still_has_the_old_buttons(slack: SlackSandbox, bot: Bot, alice: Person) -> None:
    general = slack.channel("general", members=[alice], bot=True)
    blocks = [actions(button("approve_request", "CL-1"))]
    ts = (await bot.client.chat_postMessage(channel=general.id, text="x", blocks=blocks))["ts"]
    await bot.client.chat_update(channel=general.id, ts=ts, text="Approved", blocks=[])
    (message,) = general.messages
    with pytest.raises(LookupError, match="no button"):
        await alice.clicks(message, "approve_request")
    assert (await alice.clicks(message, "approve_request", stale=True)).status == 200


async def test_only_what_is_seen_can_be_clicked(slack: SlackSandbox, bot: Bot, alice: Person) -> None:
    bob = slack.person("bob")
    blocks = [actions(button("open_form"))]
    general = slack.channel("general", members=[alice, bob], bot=True)
    await bot.client.chat_postMessage(channel=alice.id, text="x", blocks=blocks)
    await bot.client.chat_postEphemeral(channel=general.id, user=alice.id, text="x", blocks=blocks)
    for message in (alice.dm.messages[0], alice.ephemerals[0]):
        with pytest.raises(LookupError, match="bob doesn't see"):
            await bob.clicks(message, "open_form")
        await alice.clicks(message, "open_form")
    hidden = bot.heard[-1].payload
    assert hidden["container"]["is_ephemeral"] is True
    assert "message" not in hidden


async def test_a_failing_app_leaves_a_warning_sign(slack: SlackSandbox, bot: Bot, alice: Person) -> None:
    await bot.client.chat_postMessage(channel=alice.id, text="x", blocks=[actions(button("open_form"))])
    bot.answer = lambda heard: Response("boom", 500)
    reply = await alice.clicks(alice.dm.messages[0], "open_form")
    assert (reply.status, reply.text) == (500, "⚠ This app didn't respond.")


# Home


async def test_the_home_tab_is_published_and_clicked(slack: SlackSandbox, bot: Bot, alice: Person) -> None:
    async def publish(heard: Heard) -> None:
        if heard.type == "event_callback":
            view = {"type": "home", "blocks": [section("Your clusters"), actions(button("open_form", label="New"))]}
            await bot.client.views_publish(user_id=heard.payload["event"]["user"], view=view)

    bot.answer = publish
    assert alice.home is None
    assert (await alice.opens_home()).status == 200
    home = await alice.sees_home()
    assert home.text() == "Your clusters\n[ New ]"
    event = bot.heard[0].payload
    assert (event["event"]["type"], event["event"]["tab"], event["team_id"]) == ("app_home_opened", "home", "T0SANDBOX")
    old = home.view.hash
    await home.click("open_form")
    assert bot.heard[-1].payload["view"]["type"] == "home"
    assert (
        await bot.error("views.publish", user_id=alice.id, view={"type": "home", "blocks": []}) == "invalid_arguments"
    )
    again = {"user_id": alice.id, "view": {"type": "home", "blocks": [section("New")]}, "hash": old}
    assert await bot.error("views.publish", **again) == ""
    assert await bot.error("views.publish", **again) == "hash_conflict"
    assert home.text() == "New"


# Looking and waiting


async def test_a_modal_is_printed_as_a_person_sees_it(bot: Bot, alice: Person) -> None:
    await alice.types("/astro-cluster create")
    name = text_input("name", "Name", placeholder=plain("prod-aws")) | {"hint": plain("Up to 100 characters")}
    await bot.opens(
        modal(
            {"type": "alert", "level": "warning", "text": plain("Not in this channel")},
            name,
            select("region", ["us-east-1", "us-west-2"], initial_option=option("us-east-1")),
            text_input("dr", "Recovery", type="checkboxes", options=[option("true", "On")], optional=True),
            {"type": "context", "elements": [{"type": "mrkdwn", "text": f"For <@{alice.id}> &amp; co"}]},
            actions(button("add_item", "nodePools", "Add node pool")),
        )
    )
    form = await alice.sees_modal()
    await form.submit()
    assert form.text().splitlines() == [
        "Create a cluster",
        "─" * 60,
        "⚠ Not in this channel",
        "Name",
        "  [ ‹prod-aws› ]",
        "  Up to 100 characters",
        "  ✗ Please complete this required field.",
        "region",
        "  [ us-east-1 ▾ ] 2 options",
        "Recovery (optional)",
        "  ☐ On",
        "For @alice & co",
        "[ Add node pool ]",
        "─" * 60,
        "[ Cancel ]  [ Create ]",
    ]


async def test_a_message_is_printed_as_a_person_sees_it(slack: SlackSandbox, bot: Bot, alice: Person) -> None:
    slack.usergroup("S0PLATFORM", [alice], name="platform")
    general = slack.channel("general", members=[alice], bot=True)
    fields = ["*Status* `CREATING`", "*Health* –", "Network 172.20.0.0/20"]
    blocks: list[Json] = [
        {"type": "header", "text": plain("prod-aws")},
        {"type": "section", "fields": [{"type": "mrkdwn", "text": field} for field in fields]},
        section(f"<@{alice.id}> <#{general.id}> <!subteam^S0PLATFORM> <!here> <https://astro.build|docs>"),
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "Since <!date^1795528380^{time}|13:53>"}]},
        actions(button("refresh_request", label="Refresh"), button("cancel_request", label="Cancel")),
    ]
    await bot.client.chat_postMessage(channel=general.id, text="prod-aws", blocks=blocks)
    assert general.messages[0].as_text().splitlines() == [
        "prod-aws",
        "*Status* `CREATING`".ljust(36) + "*Health* –",
        "Network 172.20.0.0/20",
        "@alice #general @platform @here docs (https://astro.build)",
        "Since 13:53",
        "[ Refresh ]  [ Cancel ]",
    ]


async def test_until_wakes_at_each_change_and_names_what_never_came(slack: SlackSandbox, bot: Bot) -> None:
    general = slack.channel("general", bot=True)

    async def tell() -> None:
        for text in ("one", "two"):
            await bot.client.chat_postMessage(channel=general.id, text=text)

    telling = asyncio.create_task(tell())
    found = await slack.until(lambda: [message for message in general.messages if message.text == "two"])
    assert found[0].text == "two"
    await telling
    with pytest.raises(TimeoutError, match=r"waited 0.05 s in vain for: .*three"):
        await slack.until(lambda: general.messages[-1].text == "three", timeout=0.05)
    with pytest.raises(TimeoutError, match="in vain for: the card"):
        await slack.until(lambda: False, timeout=0.05, what="the card")


async def test_a_double_click_sends_two_submissions(bot: Bot, alice: Person) -> None:
    await alice.types("/astro-cluster create")
    await bot.opens(modal(text_input("name", initial_value="prod-aws")))
    form = await alice.sees_modal()
    first, second = await asyncio.gather(form.submit(), form.submit())
    assert (first.status, second.status) == (200, 200)
    assert [heard.type for heard in bot.heard] == ["command", "view_submission", "view_submission"]
    assert alice.modal is None


async def test_a_response_url_leads_nowhere_and_its_use_is_on_record(
    slack: SlackSandbox, bot: Bot, alice: Person
) -> None:
    await alice.types("/astro-cluster create")
    url = bot.heard[-1].payload["response_url"]
    async with aiohttp.ClientSession() as session, session.post(url, json={"text": "late"}) as response:
        assert response.status == 404
    assert len(slack.refusals) == 1


async def test_json_with_a_charset_is_json(bot: Bot, alice: Person) -> None:
    bot.answer = lambda heard: JSONResponse({"text": "hi"}, headers={"content-type": "application/json;charset=utf-8"})
    assert (await alice.types("/astro-cluster help")).text == "hi"
