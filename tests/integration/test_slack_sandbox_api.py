"""The sandbox's Web API answers what Slack would answer, also when it says no."""

import asyncio
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import Fault, SlackSandbox
from tests.integration.slack_house import Bot, Clock, actions, button, section

# Who calls


async def test_auth_test_names_the_team_and_the_bot_and_the_scopes(slack: SlackSandbox, bot: Bot) -> None:
    known = await bot.client.auth_test()
    assert known["team_id"] == slack.workspace.team_id
    assert known.headers["x-oauth-scopes"].split(",") == sorted(slack.scopes)
    app = await bot.client.bots_info(bot=known["bot_id"])
    assert app["bot"]["app_id"] == slack.workspace.app_id
    assert app["bot"]["user_id"] == known["user_id"]


@pytest.mark.parametrize(
    ("token", "method", "error"),
    [
        ("xoxb-wrong", "auth.test", "invalid_auth"),
        ("", "auth.test", "not_authed"),
        ("xapp-sandbox", "auth.test", "not_allowed_token_type"),
        ("xoxb-sandbox", "apps.connections.open", "not_allowed_token_type"),
        ("xoxb-sandbox", "chat.shout", "unknown_method"),
    ],
)
async def test_a_caller_without_leave_is_told_why(slack: SlackSandbox, token: str, method: str, error: str) -> None:
    with pytest.raises(SlackApiError, match=error):
        await AsyncWebClient(token=token, base_url=slack.url).api_call(method)


async def test_the_token_may_stand_in_the_form_and_never_in_the_log(slack: SlackSandbox) -> None:
    async with aiohttp.ClientSession() as session:
        form = {"token": slack.bot_token, "users": slack.person("alice").id}
        async with session.post(f"{slack.url}conversations.open", data=form) as response:
            assert (await response.json())["ok"] is True
        async with session.post(
            f"{slack.url}chat.postMessage", data=b"{", headers={"content-type": "application/json"}
        ) as bad:
            assert (await bad.json())["error"] == "invalid_json"
    assert slack.bot_token not in repr(slack.calls)
    assert slack.calls_to("conversations.open")[0].answer == {
        "ok": True,
        "channel": {"id": slack.person("alice").dm.id},
    }


@pytest.mark.parametrize(
    ("scope", "method", "args"),
    [
        ("chat:write", "chat.postMessage", {"text": "hi"}),
        ("im:write", "conversations.open", {"users": "U1"}),
        ("users:read", "users.info", {"user": "U1"}),
        ("users:read", "bots.info", {"bot": "B0CLUSTERS"}),
        ("usergroups:read", "usergroups.users.list", {"usergroup": "S1"}),
        ("channels:join", "conversations.join", {}),
        ("channels:history", "conversations.history", {}),
        ("channels:read", "conversations.info", {}),
    ],
)
async def test_a_missing_scope_is_named(
    slack: SlackSandbox, bot: Bot, scope: str, method: str, args: dict[str, str]
) -> None:
    channel = slack.channel("general", bot=True)
    slack.scopes.discard(scope)
    with pytest.raises(SlackApiError) as refused:
        await bot.client.api_call(method, http_verb="GET", params={"channel": channel.id, **args})
    assert refused.value.response["error"] == "missing_scope"
    assert scope in refused.value.response["needed"].split(",")
    assert scope not in refused.value.response["provided"].split(",")


async def test_methods_that_only_read_overlook_json(slack: SlackSandbox, bot: Bot) -> None:
    alice = slack.person("alice")
    assert await bot.messages("users.info", user=alice.id) == ["[ERROR] missing required field: user"]


# Posting


async def test_a_post_is_kept_with_its_metadata_and_blocks(slack: SlackSandbox, bot: Bot) -> None:
    general = slack.channel("general", bot=True)
    metadata = {"event_type": "outbox", "event_payload": {"id": "o-1"}}
    blocks = [section("*prod-aws*"), actions(button("refresh_request", "CL-7F3K2", "Refresh"))]
    posted = await bot.client.chat_postMessage(channel=general.id, text="prod-aws", blocks=blocks, metadata=metadata)
    (message,) = general.messages
    assert (message.ts, message.text, message.metadata) == (posted["ts"], "prod-aws", metadata)
    assert message.buttons == [("refresh_request", "CL-7F3K2", "Refresh")]
    assert all(block["block_id"] for block in message.blocks)
    assert not message.edited


async def test_channels_take_posts_only_where_slack_lets_the_bot(slack: SlackSandbox, bot: Bot) -> None:
    ann, bob = slack.person("ann"), slack.person("bob")
    archived = slack.channel("old", bot=True)
    archived.archive()
    refusals = {
        slack.channel("public").id: "not_in_channel",
        slack.channel("secret", private=True).id: "channel_not_found",
        slack.dm(ann, bob).id: "channel_not_found",
        archived.id: "is_archived",
        "C0NOWHERE": "channel_not_found",
    }
    found = {channel: await bot.error("chat.postMessage", channel=channel, text="hi") for channel in refusals}
    assert found == refusals
    assert await bot.error("chat.postMessage", channel=ann.id, text="hi") == ""
    assert [message.text for message in ann.dm.messages] == ["hi"]


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ({}, "no_text"),
        ({"text": ""}, "no_text"),
        ({"text": "x" * 40_001}, "msg_too_long"),
        ({"text": "x", "blocks": "not json"}, "invalid_blocks_format"),
        ({"text": "x", "blocks": [None]}, "invalid_blocks_format"),
        ({"text": "x", "blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
        ({"text": "x", "blocks": [{"type": "alert", "text": {"type": "plain_text", "text": "no"}}]}, "invalid_blocks"),
        ({"text": "x", "metadata": {"event_type": "outbox"}}, "invalid_metadata_format"),
        ({"text": "x", "thread_ts": "1700000000.000001"}, "thread_not_found"),
    ],
)
async def test_what_slack_would_not_show_is_refused(
    slack: SlackSandbox, bot: Bot, args: dict[str, Any], error: str
) -> None:
    general = slack.channel("general", bot=True)
    assert await bot.error("chat.postMessage", channel=general.id, **args) == error
    assert general.posts == []


async def test_a_refusal_of_blocks_points_at_the_spot(slack: SlackSandbox, bot: Bot) -> None:
    general = slack.channel("general", bot=True)
    (message,) = await bot.messages("chat.postMessage", channel=general.id, text="x", blocks=[section("x" * 3001)])
    assert "[json-pointer:/blocks/0/text" in message


async def test_replies_go_under_a_root_that_is_there(slack: SlackSandbox, bot: Bot) -> None:
    general = slack.channel("general", bot=True)
    root = await bot.client.chat_postMessage(channel=general.id, text="card")
    reply = await bot.client.chat_postMessage(channel=general.id, text="CREATING", thread_ts=root["ts"])
    (card,) = general.messages
    assert [message.text for message in general.thread(card)] == ["CREATING"]
    under = {"channel": general.id, "text": "x", "thread_ts": reply["ts"]}
    assert await bot.error("chat.postMessage", **under) == "cannot_reply_to_message"
    card.remove()
    assert await bot.error("chat.postMessage", **under | {"thread_ts": root["ts"]}) == "thread_not_found"


async def test_an_edit_replaces_what_it_names_and_keeps_every_version(slack: SlackSandbox, bot: Bot) -> None:
    general = slack.channel("general", bot=True)
    blocks = [actions(button("approve_request", "CL-1"))]
    ts = (await bot.client.chat_postMessage(channel=general.id, text="one", blocks=blocks))["ts"]
    await bot.client.chat_update(channel=general.id, ts=ts, text="two")
    (message,) = general.messages
    assert message.edited
    assert [(version.text, len(version.blocks)) for version in message.edits] == [("one", 1), ("two", 1)]
    await bot.client.chat_update(channel=general.id, ts=ts, text="three", blocks=[])
    assert (message.text, message.buttons) == ("three", [])


async def test_only_its_own_messages_can_be_edited_or_deleted(slack: SlackSandbox, bot: Bot) -> None:
    alice = slack.person("alice")
    general = slack.channel("general", members=[alice], bot=True)
    await alice.types("good morning", in_=general)
    theirs = {"channel": general.id, "ts": general.messages[0].ts}
    assert await bot.error("chat.update", **theirs, text="x") == "cant_update_message"
    assert await bot.error("chat.delete", **theirs) == "cant_delete_message"
    ours = {"channel": general.id, "ts": (await bot.client.chat_postMessage(channel=general.id, text="card"))["ts"]}
    assert await bot.error("chat.update", **ours, blocks=[section("x" * 3001)]) == "invalid_blocks"
    assert await bot.error("chat.update", **ours) == "no_text"
    assert await bot.error("chat.delete", **ours) == ""
    assert await bot.error("chat.update", **ours, text="x") == "message_not_found"
    assert await bot.error("chat.delete", **ours) == "message_not_found"


async def test_an_ephemeral_is_seen_by_one_who_is_there(slack: SlackSandbox, bot: Bot) -> None:
    alice, bob = slack.person("alice"), slack.person("bob")
    general = slack.channel("general", members=[alice, bob], bot=True)
    to_alice = {"channel": general.id, "user": alice.id}
    assert await bot.error("chat.postEphemeral", **to_alice, text="just you") == ""
    assert [message.text for message in alice.ephemerals] == ["just you"]
    assert (bob.ephemerals, general.posts) == ([], [])
    assert await bot.error("chat.postEphemeral", **to_alice) == "no_text"
    assert (
        await bot.error("chat.postEphemeral", **to_alice | {"user": slack.person("eve").id}, text="x")
        == "user_not_in_channel"
    )
    general.remove_bot()
    assert await bot.error("chat.postEphemeral", **to_alice, text="x") == "not_in_channel"


# Finding and reading


async def test_public_channels_can_be_joined_and_private_ones_not(slack: SlackSandbox, bot: Bot) -> None:
    public, private = slack.channel("public"), slack.channel("secret", private=True)
    assert await bot.error("conversations.join", channel=private.id) == "channel_not_found"
    assert await bot.error("conversations.join", channel=public.id) == ""
    assert public.has_bot
    private.invite_bot()
    assert await bot.error("conversations.join", channel=private.id) == "method_not_supported_for_channel_type"
    public.archive()
    assert await bot.error("conversations.join", channel=public.id) == "is_archived"


async def test_info_tells_of_public_channels_and_hides_private_ones(slack: SlackSandbox, bot: Bot) -> None:
    public, private = slack.channel("public"), slack.channel("secret", private=True)
    assert (await bot.client.conversations_info(channel=public.id))["channel"]["is_member"] is False
    with pytest.raises(SlackApiError, match="channel_not_found"):
        await bot.client.conversations_info(channel=private.id)
    private.invite_bot()
    assert (await bot.client.conversations_info(channel=private.id))["channel"]["is_private"] is True


async def test_a_dm_is_opened_once_and_never_with_bots_or_the_gone(slack: SlackSandbox, bot: Bot) -> None:
    alice = slack.person("alice")
    first = await bot.client.conversations_open(users=[alice.id])
    again = await bot.client.conversations_open(users=alice.id)
    assert first["channel"]["id"] == again["channel"]["id"] == alice.dm.id
    assert again["already_open"] is True
    assert await bot.error("conversations.open", users=slack.person("gone", deleted=True).id) == "user_disabled"
    assert await bot.error("conversations.open", users=slack.workspace.bot_user) == "cannot_dm_bot"
    assert await bot.error("conversations.open", users="U0NOBODY") == "user_not_found"
    slack.scopes.discard("im:write")
    assert await bot.error("conversations.open", users=alice.id) == "missing_scope"


async def test_history_and_replies_are_read_by_pages(slack: SlackSandbox, bot: Bot) -> None:
    general = slack.channel("general", bot=True)
    metadata = {"event_type": "outbox", "event_payload": {"id": "root"}}
    root = await bot.client.chat_postMessage(channel=general.id, text="root", metadata=metadata)
    sent = [await bot.client.chat_postMessage(channel=general.id, text=str(n), thread_ts=root["ts"]) for n in range(5)]
    await bot.client.chat_postMessage(channel=general.id, text="later")

    history = await bot.client.conversations_history(channel=general.id)
    assert [message["text"] for message in history["messages"]] == ["later", "root"]
    assert history["messages"][1]["reply_count"] == 5
    assert "metadata" not in history["messages"][1]

    texts, cursor = [], ""
    while True:
        page = await bot.client.conversations_replies(
            channel=general.id, ts=root["ts"], limit=2, cursor=cursor, include_all_metadata=True
        )
        texts += [message["text"] for message in page["messages"]]
        if texts == ["root", "0"]:
            assert page["messages"][0]["metadata"] == metadata
        if not page["has_more"]:
            break
        cursor = page["response_metadata"]["next_cursor"]
    assert texts == ["root", "0", "1", "2", "3", "4"]

    since = await bot.client.conversations_replies(channel=general.id, ts=root["ts"], oldest=sent[2]["ts"])
    assert [message["text"] for message in since["messages"]] == ["root", "3", "4"]


@pytest.mark.parametrize(
    ("method", "args", "error"),
    [
        ("conversations.replies", {"ts": "1.000001"}, "thread_not_found"),
        ("conversations.history", {"cursor": "?"}, "invalid_cursor"),
        ("conversations.history", {"limit": "1000"}, "invalid_limit"),
        ("conversations.history", {"oldest": "yesterday"}, "invalid_ts_oldest"),
    ],
)
async def test_reading_refuses_what_it_cannot_make_out(
    slack: SlackSandbox, bot: Bot, method: str, args: dict[str, str], error: str
) -> None:
    general = slack.channel("general", bot=True)
    with pytest.raises(SlackApiError) as refused:
        await bot.client.api_call(method, http_verb="GET", params={"channel": general.id, **args})
    assert refused.value.response["error"] == error


async def test_history_needs_the_bot_in_the_channel(slack: SlackSandbox, bot: Bot) -> None:
    with pytest.raises(SlackApiError, match="not_in_channel"):
        await bot.client.conversations_history(channel=slack.channel("public").id)


async def test_the_email_shows_only_with_its_scope(slack: SlackSandbox, bot: Bot) -> None:
    alice = slack.person("alice", email="alice@example.com", guest=True)
    user = (await bot.client.users_info(user=alice.id))["user"]
    assert user["profile"]["email"] == "alice@example.com"
    assert user["is_restricted"] is True
    slack.scopes.discard("users:read.email")
    assert "email" not in (await bot.client.users_info(user=alice.id))["user"]["profile"]
    assert (await bot.client.users_info(user=slack.person("gone", deleted=True).id))["user"]["deleted"] is True
    assert (await bot.client.users_info(user=slack.person("eve", stranger=True).id))["user"]["is_stranger"] is True
    with pytest.raises(SlackApiError, match="user_not_found"):
        await bot.client.users_info(user="U0NOBODY")


async def test_users_are_listed_by_pages(slack: SlackSandbox, bot: Bot) -> None:
    for name in ("ann", "bob", "cem"):
        slack.person(name)
    names: list[str] = []
    async for page in await bot.client.users_list(limit=2):
        names += [member["name"] for member in page["members"]]
    assert names == ["clusterbot", "ann", "bob", "cem"]


async def test_user_groups_need_a_plan_that_has_them(slack: SlackSandbox, bot: Bot) -> None:
    ann = slack.person("ann")
    slack.usergroup("S0PLATFORM", [ann], name="platform")
    assert (await bot.client.usergroups_users_list(usergroup="S0PLATFORM"))["users"] == [ann.id]
    (group,) = (await bot.client.usergroups_list(include_users=True))["usergroups"]
    assert (group["handle"], group["users"]) == ("platform", [ann.id])
    with pytest.raises(SlackApiError, match="no_such_subteam"):
        await bot.client.usergroups_users_list(usergroup="S0NONE")
    slack.workspace.usergroups_in_plan = False
    with pytest.raises(SlackApiError, match="plan_upgrade_required"):
        await bot.client.usergroups_users_list(usergroup="S0PLATFORM")


# Limits and mishaps


async def test_rate_limits_are_slacks_and_follow_the_clock(slack: SlackSandbox, bot: Bot, clock: Clock) -> None:
    general, other = slack.channel("general", bot=True), slack.channel("other", bot=True)
    slack.rates.on, slack.rates.post_burst = True, 1
    assert await bot.error("chat.postMessage", channel=general.id, text="1") == ""
    with pytest.raises(SlackApiError) as limited:
        await bot.client.chat_postMessage(channel=general.id, text="2")
    assert (limited.value.response.status_code, limited.value.response["error"]) == (429, "ratelimited")
    assert limited.value.response.headers["Retry-After"] == "1"
    assert await bot.error("chat.postMessage", channel=other.id, text="elsewhere") == ""
    clock.advance(1)
    assert await bot.error("chat.postMessage", channel=general.id, text="2") == ""
    calls = [await bot.error("users.list") for _ in range(21)]
    assert calls == [""] * 20 + ["ratelimited"]


async def test_faults_meet_the_calls_they_were_ordered_for(slack: SlackSandbox, bot: Bot) -> None:
    general = slack.channel("general", bot=True)
    post = {"channel": general.id, "text": "x"}
    slack.faults.next("chat.postMessage", Fault.refused("fatal_error"), times=2)
    slack.faults.next("*", Fault.limited(7))
    assert [await bot.error("chat.postMessage", **post) for _ in range(2)] == ["fatal_error"] * 2
    with pytest.raises(SlackApiError) as limited:
        await bot.client.auth_test()
    assert limited.value.response.headers["Retry-After"] == "7"
    assert general.posts == []
    assert await bot.error("chat.postMessage", **post) == ""
    slack.faults.next("auth.test", Fault.refused("token_revoked"), times=None)
    assert [await bot.error("auth.test") for _ in range(3)] == ["token_revoked"] * 3
    slack.faults.clear()
    assert await bot.error("auth.test") == ""


@pytest.mark.parametrize("done", [False, True])
async def test_a_page_of_a_gateway_hides_whether_it_happened(slack: SlackSandbox, bot: Bot, done: bool) -> None:
    general = slack.channel("general", bot=True)
    slack.faults.next("chat.postMessage", Fault.page(502, done=done))
    async with aiohttp.ClientSession(headers={"authorization": f"Bearer {slack.bot_token}"}) as session:
        post = {"channel": general.id, "text": "x"}
        async with session.post(f"{slack.url}chat.postMessage", data=post) as response:
            assert (response.status, response.content_type) == (502, "text/html")
    assert len(general.posts) == done


@pytest.mark.parametrize(
    ("fault", "happened"),
    [(Fault.dropped(), False), (Fault.dropped(done=True), True), (Fault.cut_reply(), True)],
    ids=["before", "after", "cut"],
)
async def test_a_cut_connection_hides_whether_it_happened(
    slack: SlackSandbox, bot: Bot, fault: Fault, happened: bool
) -> None:
    general = slack.channel("general", bot=True)
    slack.faults.next("chat.postMessage", fault)
    async with aiohttp.ClientSession(headers={"authorization": f"Bearer {slack.bot_token}"}) as session:
        with pytest.raises(aiohttp.ClientError):
            async with session.post(
                f"{slack.url}chat.postMessage", data={"channel": general.id, "text": "x"}
            ) as response:
                await response.read()
    assert [message.text for message in general.posts] == (["x"] if happened else [])
    assert await bot.error("auth.test") == ""


async def test_a_slow_post_may_still_happen_after_its_caller_left(slack: SlackSandbox, bot: Bot) -> None:
    general = slack.channel("general", bot=True)
    slack.faults.next("chat.postMessage", Fault.slow(0.3))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await bot.client.chat_postMessage(channel=general.id, text="late")
    assert general.posts == []
    await slack.until(lambda: general.posts)
    assert general.messages[0].text == "late"
