"""Reading a method's arguments, and saying no as Slack does."""

from collections.abc import Iterable, Sequence
from typing import Any

from blocks.limits import Problem
from bot.sandbox.slack.elements import Json
from bot.sandbox.slack.workspace import Account, Conversation, Workspace

# Conversation kind → how its scopes begin (`channels:read`, `groups:history`, ...).
SCOPE_OF_KIND = {"public": "channels", "private": "groups", "im": "im"}


class Refusal(Exception):
    """`{"ok": false, "error": code}` with what stands beside it in `more`."""

    def __init__(self, code: str, **more: Any) -> None:
        self.code, self.more = code, more
        super().__init__(code)


def invalid_arguments(*messages: str) -> Refusal:
    """The refusal of a call that is malformed, with Slack's words for it."""
    return with_messages("invalid_arguments", [f"[ERROR] {message}" for message in messages])


def with_messages(code: str, messages: Sequence[str]) -> Refusal:
    return Refusal(code, response_metadata={"messages": list(messages)})


def as_messages(problems: Iterable[Problem], under: str) -> list[str]:
    """Problems in the form of Slack's `response_metadata.messages`; `under` is the argument that they are in."""
    return [f"[ERROR] {problem.message} [json-pointer:{under}{problem.pointer}]" for problem in problems]


def need(args: Json, name: str) -> str:
    """A required text argument."""
    value = args.get(name)
    if value is None or value == "":
        raise invalid_arguments(f"missing required field: {name}")
    if not isinstance(value, str):
        raise invalid_arguments(f"must be a string: {name}")
    return value


def whole(args: Json, name: str, default: int, most: int) -> int:
    """A whole number between 1 and `most`."""
    try:
        number = int(args.get(name) or default)
    except (TypeError, ValueError):
        raise Refusal("invalid_limit" if name == "limit" else "invalid_arguments") from None
    if not 1 <= number <= most:
        raise Refusal("invalid_limit" if name == "limit" else "invalid_arguments")
    return number


def flag(args: Json, name: str) -> bool:
    """A boolean, which forms carry as `1` or `true`."""
    return args.get(name) in (True, 1, "1", "true", "True")


def any_scope(workspace: Workspace, scopes: Sequence[str]) -> None:
    """Refuse unless one of these scopes was granted (an empty sequence asks for none)."""
    if scopes and not workspace.scopes.intersection(scopes):
        raise Refusal("missing_scope", needed=",".join(scopes), provided=",".join(sorted(workspace.scopes)))


def conversation(workspace: Workspace, args: Json) -> Conversation:
    """The channel named in the arguments, if the bot may know of it.

    A private channel without the bot, and a DM of two people, don't exist for it.
    """
    found = workspace.conversations.get(need(args, "channel"))
    if found is None or (found.kind != "public" and workspace.bot_user not in found.members):
        raise Refusal("channel_not_found")
    return found


def with_bot(workspace: Workspace, found: Conversation) -> Conversation:
    """The same channel, refused where the bot isn't in it."""
    if workspace.bot_user not in found.members:
        raise Refusal("not_in_channel")
    return found


def kind_scope(workspace: Workspace, found: Conversation, right: str) -> None:
    """Ask for the scope that this kind of conversation needs: `channels:history`, `groups:history`, `im:history`."""
    any_scope(workspace, [f"{SCOPE_OF_KIND[found.kind]}:{right}"])


def account(workspace: Workspace, user: str) -> Account:
    """The member with this id."""
    found = workspace.accounts.get(user)
    if found is None:
        raise Refusal("user_not_found")
    return found
