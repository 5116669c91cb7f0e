"""The `chat.*` methods: what the bot writes."""

from typing import Any

from blocks.limits import Problem, check_message
from bot.sandbox.slack.arguments import (
    Refusal,
    account,
    as_messages,
    conversation,
    invalid_arguments,
    need,
    with_bot,
    with_messages,
)
from bot.sandbox.slack.elements import Json, settled
from bot.sandbox.slack.workspace import Conversation, Post, Version, Workspace

# Where chat.postMessage cuts and we refuse: nothing of ours should come near.
TEXT_CHARACTERS = 40_000


def post_message(workspace: Workspace, args: Json) -> Json:
    """chat.postMessage. A user id as the channel is that person's DM with the bot."""
    channel = _target(workspace, args)
    if channel.archived:
        raise Refusal("is_archived")
    with_bot(workspace, channel)
    said = _said(args, None)
    thread_ts = _thread(channel, args)
    post = workspace.add_post(channel, workspace.bot_user, said, thread_ts=thread_ts, metadata=_metadata(args, None))
    return {"channel": channel.id, "ts": post.ts, "message": post_json(workspace, post, metadata=True)}


def update(workspace: Workspace, args: Json) -> Json:
    """chat.update. Blocks and metadata that aren't named stay; an empty list of blocks takes them away."""
    channel = conversation(workspace, args)
    post = channel.find(need(args, "ts"))
    if post is None:
        raise Refusal("message_not_found")
    if post.user != workspace.bot_user:
        raise Refusal("cant_update_message")
    if channel.archived:
        raise Refusal("is_archived")
    with_bot(workspace, channel)
    if "text" not in args and "blocks" not in args:
        raise Refusal("no_text")
    said = _said(args, post.now)
    post.metadata = _metadata(args, post.metadata)
    post.versions.append(said)
    post.edited_ts = workspace.new_ts()
    workspace.touch()
    message = post_json(workspace, post, metadata=True)
    return {"channel": channel.id, "ts": post.ts, "text": said.text, "message": message}


def post_ephemeral(workspace: Workspace, args: Json) -> Json:
    """chat.postEphemeral: seen by one person, who must be in the channel."""
    channel = conversation(workspace, args)
    user = account(workspace, need(args, "user"))
    if channel.archived:
        raise Refusal("is_archived")
    with_bot(workspace, channel)
    if user.id not in channel.members:
        raise Refusal("user_not_in_channel")
    said = _said(args, None)
    post = workspace.whisper(channel, workspace.bot_user, said, user.id, thread_ts=_thread(channel, args))
    return {"message_ts": post.ts}


def delete(workspace: Workspace, args: Json) -> Json:
    """chat.delete, of the bot's own messages."""
    channel = conversation(workspace, args)
    post = channel.find(need(args, "ts"))
    if post is None:
        raise Refusal("message_not_found")
    if post.user != workspace.bot_user:
        raise Refusal("cant_delete_message")
    post.deleted = True
    workspace.touch()
    return {"channel": channel.id, "ts": post.ts}


def _target(workspace: Workspace, args: Json) -> Conversation:
    user = workspace.accounts.get(need(args, "channel"))
    if user is None:
        return conversation(workspace, args)
    if user.bot or user.deleted:
        raise Refusal("channel_not_found")
    return workspace.dm_between(workspace.bot_user, user.id)


def _thread(channel: Conversation, args: Json) -> str | None:
    """The root to reply to: a message that is there and is no reply itself."""
    if not args.get("thread_ts"):
        return None
    root = channel.find(need(args, "thread_ts"))
    if root is None:
        raise Refusal("thread_not_found")
    if root.thread_ts is not None:
        raise Refusal("cannot_reply_to_message")
    return root.ts


def _said(args: Json, before: Version | None) -> Version:
    """Text and blocks as they will stand, or a refusal. `before`: what stays where an update doesn't name it."""
    text, blocks = args.get("text"), args.get("blocks")
    if text is not None and not isinstance(text, str):
        raise invalid_arguments("must be a string: text")
    if blocks is not None and not (isinstance(blocks, list) and all(isinstance(block, dict) for block in blocks)):
        raise Refusal("invalid_blocks_format")
    if len(text or "") > TEXT_CHARACTERS:
        raise Refusal("msg_too_long")
    if before is not None:
        text = before.text if text is None else text
        blocks = before.blocks if blocks is None else blocks
    if not (text or "").strip() and not blocks:
        raise Refusal("no_text")
    _refuse_problems(check_message({"text": text or "", **({"blocks": blocks} if blocks else {}), **_given(args)}))
    return Version(text or "", settled(blocks or []))


def _given(args: Json) -> Json:
    return {"metadata": args["metadata"]} if args.get("metadata") else {}


def _refuse_problems(problems: list[Problem]) -> None:
    about_metadata = [problem for problem in problems if problem.pointer.startswith("/metadata")]
    if about_metadata:
        raise with_messages("invalid_metadata_format", as_messages(about_metadata, ""))
    if problems:
        raise with_messages("invalid_blocks", as_messages(problems, ""))


def _metadata(args: Json, before: Json | None) -> Json | None:
    """The metadata as it will stand: not named stays, an empty object takes it away."""
    given = args.get("metadata")
    if given is None:
        return before
    return given if isinstance(given, dict) and given else None


def post_json(workspace: Workspace, post: Post, *, metadata: bool = False) -> Json:
    """A message as Slack's answers and payloads carry it."""
    message: Json = {"type": "message", "user": post.user, "ts": post.ts, "text": post.now.text}
    message["team"] = workspace.team_id
    if post.user == workspace.bot_user:
        message |= {"bot_id": workspace.bot_id, "app_id": workspace.app_id}
    if post.now.blocks:
        message["blocks"] = post.now.blocks
    if post.edited_ts:
        message["edited"] = {"user": post.user, "ts": post.edited_ts}
    if post.thread_ts:
        message["thread_ts"] = post.thread_ts
    if metadata and post.metadata:
        message["metadata"] = post.metadata
    return message | _thread_facts(workspace, post)


def _thread_facts(workspace: Workspace, post: Post) -> dict[str, Any]:
    channel = workspace.conversations[post.channel]
    replies = [reply for reply in channel.posts if reply.thread_ts == post.ts and not reply.deleted]
    if not replies:
        return {}
    users = list(dict.fromkeys(reply.user for reply in replies))
    return {
        "thread_ts": post.ts,
        "reply_count": len(replies),
        "reply_users": users,
        "reply_users_count": len(users),
        "latest_reply": replies[-1].ts,
    }
