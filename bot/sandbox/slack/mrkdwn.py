"""Slack's text as a person reads it: mentions by name, times in words, entities resolved."""

import html
import re
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo

from bot.sandbox.slack.elements import Json
from bot.sandbox.slack.workspace import Workspace

_REFERENCE = re.compile(r"<([^<>]+)>")
_TOKEN = re.compile(r"\{(\w+)\}")
# Slack's date tokens. Its "pretty" forms say today or yesterday; here they don't, so that a printed story lasts.
_TIMES: dict[str, Callable[[datetime], str]] = {
    "date_num": lambda at: f"{at:%Y-%m-%d}",
    "date_slash": lambda at: f"{at:%m/%d/%Y}",
    "date": lambda at: f"{at:%B} {at.day}, {at.year}",
    "date_short": lambda at: f"{at:%b} {at.day}, {at.year}",
    "date_long": lambda at: f"{at:%A}, {at:%B} {at.day}, {at.year}",
    "time": lambda at: f"{at:%H:%M}",
    "time_secs": lambda at: f"{at:%H:%M:%S}",
}


def shown(workspace: Workspace, text: str, zone: tzinfo = UTC) -> str:
    """mrkdwn as read on a terminal; bold and code keep their marks."""
    return html.unescape(_REFERENCE.sub(lambda found: _reference(workspace, found[1], zone), text))


def shown_object(workspace: Workspace, text: Json) -> str:
    """A text object: plain text is taken at its word, mrkdwn is read."""
    words = str(text.get("text", ""))
    return shown(workspace, words) if text.get("type") == "mrkdwn" else html.unescape(words)


def _reference(workspace: Workspace, inside: str, zone: tzinfo) -> str:
    target, _, label = inside.partition("|")
    if target.startswith("@"):
        found = workspace.accounts.get(target[1:])
        return f"@{found.name if found else label or target[1:]}"
    if target.startswith("#"):
        channel = workspace.conversations.get(target[1:])
        return f"#{channel.name if channel else label or target[1:]}"
    if target.startswith("!subteam^"):
        group = workspace.usergroups.get(target.removeprefix("!subteam^"))
        return f"@{group.name if group else label or 'a group'}"
    if target.startswith("!date^"):
        return _date(target, label, zone)
    if target.startswith("!"):
        return f"@{target[1:]}"
    return f"{label} ({target})" if label else target


def _date(target: str, fallback: str, zone: tzinfo) -> str:
    parts = target.split("^")
    try:
        at = datetime.fromtimestamp(int(parts[1]), zone)
        return _TOKEN.sub(lambda token: _TIMES[token[1].removesuffix("_pretty")](at), parts[2])
    except (IndexError, KeyError, ValueError):
        return fallback
