"""The few blocks that all messages are made of, as raw Block Kit: what every Slack client can draw.

These functions cut plain text to Slack's limits; markup must come cut, as only its maker knows where that may be done.
"""

from collections.abc import Iterable, Sequence
from typing import Any, TypedDict

from blocks.limits import CONFIRM_BUTTON, CONFIRM_TEXT, CONFIRM_TITLE, HEADER_TEXT, SECTION_TEXT
from blocks.text import length, mrkdwn, plain

Block = dict[str, Any]


class Message(TypedDict):
    """What `chat.postMessage` and `chat.update` take: `text` is for notifications, `blocks` for the channel."""

    text: str
    blocks: list[Block]


def header(text: str) -> Block:
    """A title, shown as it stands."""
    return {"type": "header", "text": plain(text, HEADER_TEXT)}


def section(markup: str) -> Block:
    """A paragraph of ready markup."""
    return {"type": "section", "text": mrkdwn(markup)}


def fields(pairs: Iterable[tuple[str, str]]) -> Block:
    """Up to ten facts in two columns: a label of ours and ready markup."""
    return {"type": "section", "fields": [mrkdwn(f"*{label}*  {markup}") for label, markup in pairs]}


def context(markup: str) -> Block:
    """A line of small print, ready markup."""
    return {"type": "context", "elements": [mrkdwn(markup)]}


def actions(buttons: Sequence[Block]) -> Block:
    """A row of buttons."""
    return {"type": "actions", "elements": list(buttons)}


def confirm(title: str, text: str, yes: str, no: str, *, style: str = "") -> Block:
    """What Slack asks before a button does its work: all of it plain text."""
    asked: Block = {
        "title": plain(title, CONFIRM_TITLE),
        "text": plain(text, CONFIRM_TEXT),
        "confirm": plain(yes, CONFIRM_BUTTON),
        "deny": plain(no, CONFIRM_BUTTON),
    }
    return asked | {"style": style} if style else asked


def paragraphs(lines: Iterable[str], limit: int = SECTION_TEXT) -> list[str]:
    """Lines of ready markup, joined into as few texts as hold them within `limit` each. No line may be longer."""
    texts: list[str] = []
    for line in lines:
        if texts and length(texts[-1]) + 1 + length(line) <= limit:
            texts[-1] += "\n" + line
        else:
            texts.append(line)
    return texts
