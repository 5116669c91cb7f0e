"""What goes into a form and what comes out of one: plain data, known to every module beside this one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from blocks.text import NOTHING, clean

Block = dict[str, Any]
Values = dict[str, Any]
Loc = tuple[str | int, ...]


class OverLimit(Exception):
    """What would have to be drawn breaks one of Slack's limits; the message names the limit and where."""


@dataclass(frozen=True)
class Option:
    """One choice to offer. `value` is what comes back (1 to 150 characters); the rest is for eyes and may be cut.

    `label` defaults to the value. Options with a `group` are shown under that heading where all of them are listed.
    """

    value: str
    label: str = ""
    description: str = ""
    group: str = ""


Choices = Mapping[str, Sequence[Option]]


@dataclass(frozen=True)
class Reading:
    """What a submitted or redrawn view holds.

    `values`: as the API would have them, in normal form: what was left empty is absent, a number is an int where it
    parses and the raw string where not, a tick is True or absent. An item that was added and not filled is `{}`.
    `ids`: where a value stands (items counted without gaps) to the block that holds it, in the order of the view.
    `indices`: each repeated group to its live indices; `next_index`: to a number that this modal has not used yet.
    `held`: each input block to the entry that Slack holds for it, with the element's type.
    """

    values: Values
    ids: Mapping[Loc, str]
    indices: Mapping[str, tuple[int, ...]]
    next_index: Mapping[str, int]
    held: Mapping[str, Any]


def truncate(text: str, limit: int) -> str:
    """The text, or its beginning with … where it has more than `limit` characters."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def plain(text: str) -> Block:
    """A text object in which nothing is formatted, linked or pinged, nor looks like something else."""
    return {"type": "plain_text", "text": clean(text) or NOTHING}
