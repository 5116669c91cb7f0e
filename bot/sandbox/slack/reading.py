"""The `conversations.*` methods: finding channels and reading what was said in them."""

import base64
import binascii
from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from bot.sandbox.slack.arguments import (
    Refusal,
    account,
    any_scope,
    conversation,
    flag,
    kind_scope,
    need,
    whole,
    with_bot,
)
from bot.sandbox.slack.chat import post_json
from bot.sandbox.slack.elements import Json
from bot.sandbox.slack.workspace import Conversation, Post, Workspace


def open_dm(workspace: Workspace, args: Json) -> Json:
    """conversations.open with one user: the bot's DM with that person."""
    users = [user for user in need(args, "users").split(",") if user]
    if len(users) > 1:
        any_scope(workspace, ["mpim:write"])
        raise Refusal("method_not_supported_for_channel_type")
    any_scope(workspace, ["im:write"])
    user = account(workspace, users[0])
    if user.bot:
        raise Refusal("cannot_dm_bot")
    if user.deleted:
        raise Refusal("user_disabled")
    known = len(workspace.conversations)
    dm = workspace.dm_between(workspace.bot_user, user.id)
    found = known == len(workspace.conversations)
    return {"channel": {"id": dm.id}} | ({"no_op": True, "already_open": True} if found else {})


def join(workspace: Workspace, args: Json) -> Json:
    """conversations.join, of public channels only."""
    found = conversation(workspace, args)
    if found.kind != "public":
        raise Refusal("method_not_supported_for_channel_type")
    if found.archived:
        raise Refusal("is_archived")
    already = workspace.bot_user in found.members
    found.members.add(workspace.bot_user)
    workspace.touch()
    answer: Json = {"channel": conversation_json(workspace, found)}
    return answer | ({"warning": "already_in_channel"} if already else {})


def info(workspace: Workspace, args: Json) -> Json:
    """conversations.info: public channels, and whatever the bot is in."""
    found = conversation(workspace, args)
    kind_scope(workspace, found, "read")
    shown = conversation_json(workspace, found)
    if flag(args, "include_num_members"):
        shown["num_members"] = len(found.members)
    return {"channel": shown}


def history(workspace: Workspace, args: Json) -> Json:
    """conversations.history: top-level messages, the newest first."""
    found = _readable(workspace, args)
    posts = [post for post in found.posts if post.thread_ts is None and not post.deleted]
    inside = _window(args)
    return _page(workspace, args, [post for post in reversed(posts) if inside(post.ts)], default=100, most=999)


def replies(workspace: Workspace, args: Json) -> Json:
    """conversations.replies: the root, whatever `oldest` says, and then its replies from the oldest on."""
    found = _readable(workspace, args)
    root = found.find(need(args, "ts"))
    if root is None:
        raise Refusal("thread_not_found")
    inside = _window(args)
    under = [post for post in found.posts if post.thread_ts == root.ts and not post.deleted and inside(post.ts)]
    return _page(workspace, args, [root, *under], default=1000, most=1000)


def _readable(workspace: Workspace, args: Json) -> Conversation:
    found = conversation(workspace, args)
    kind_scope(workspace, found, "history")
    return with_bot(workspace, found)


def _window(args: Json) -> Callable[[str], bool]:
    """Whether a ts lies between `oldest` and `latest`; the ends themselves only with `inclusive`."""
    oldest, latest = _time(args, "oldest"), _time(args, "latest")
    inclusive = flag(args, "inclusive")

    def inside(ts: str) -> bool:
        at = Decimal(ts)
        after = oldest is None or at > oldest or (inclusive and at == oldest)
        before = latest is None or at < latest or (inclusive and at == latest)
        return after and before

    return inside


def _time(args: Json, name: str) -> Decimal | None:
    if args.get(name) in (None, ""):
        return None
    try:
        return Decimal(str(args[name]))
    except InvalidOperation:
        raise Refusal(f"invalid_ts_{name}") from None


def _page(workspace: Workspace, args: Json, posts: list[Post], *, default: int, most: int) -> Json:
    limit = whole(args, "limit", default, most)
    start = cursor_start(args)
    shown = posts[start : start + limit]
    with_metadata = flag(args, "include_all_metadata")
    more = start + limit < len(posts)
    answer: Json = {
        "messages": [post_json(workspace, post, metadata=with_metadata) for post in shown],
        "has_more": more,
    }
    return answer | ({"response_metadata": {"next_cursor": cursor_at(start + limit)}} if more else {})


def cursor_at(start: int) -> str:
    """An opaque cursor for the page that begins at `start`."""
    return base64.b64encode(f"next_ts:{start}".encode()).decode()


def cursor_start(args: Json) -> int:
    """Where the page begins that the cursor in the arguments stands for."""
    if not args.get("cursor"):
        return 0
    try:
        return int(base64.b64decode(str(args["cursor"]), validate=True).decode().removeprefix("next_ts:"))
    except (binascii.Error, ValueError):
        raise Refusal("invalid_cursor") from None


def conversation_json(workspace: Workspace, found: Conversation) -> Json:
    """A channel or DM as Slack describes it."""
    common: Json = {"id": found.id, "is_archived": found.archived, "context_team_id": workspace.team_id}
    if found.kind == "im":
        others = sorted(found.members - {workspace.bot_user})
        return common | {"is_im": True, "is_channel": False, "is_group": False, "user": others[0]}
    return common | {
        "name": found.name,
        "name_normalized": found.name,
        "is_channel": found.kind == "public",
        "is_group": found.kind == "private",
        "is_im": False,
        "is_mpim": False,
        "is_private": found.kind == "private",
        "is_member": workspace.bot_user in found.members,
    }
