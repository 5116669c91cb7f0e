"""A small language for saying what a piece of Block Kit JSON may look like.

A check is a function of a value and the spot where it stands; it reports what it dislikes and returns nothing. Checks
are put together from the makers below, so that `elements.py` and `kinds.py` read like Slack's reference tables.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Surface = Literal["message", "modal", "home"]
PLAIN = ("plain_text",)
ANY_TEXT = ("plain_text", "mrkdwn")


@dataclass(frozen=True)
class Problem:
    """One thing that Slack would refuse, in the shape of the `errors` that `blocks.validate` answers.

    `code` is for programs, `pointer` a JSON pointer into what was checked ("/blocks/3/label/text"), `message` for
    people.
    """

    code: str
    pointer: str
    message: str


@dataclass(frozen=True)
class Spot:
    """Where a check stands: its pointer, the surface it will be shown on, and the list of what was found so far."""

    surface: Surface
    pointer: str = ""
    found: list[Problem] = field(default_factory=list)

    def at(self, key: str | int) -> "Spot":
        """The spot one key or index deeper."""
        token = str(key).replace("~", "~0").replace("/", "~1")
        return Spot(self.surface, f"{self.pointer}/{token}", self.found)

    def report(self, code: str, message: str) -> None:
        self.found.append(Problem(code, self.pointer, message))


Check = Callable[[Any, Spot], None]


def string(most: int, least: int = 1) -> Check:
    """A string of `least` to `most` characters."""

    def check(value: Any, spot: Spot) -> None:
        if not isinstance(value, str):
            spot.report("wrong_type", "must be a string")
        elif len(value) > most:
            spot.report("too_long", f"has {len(value)} characters, and at most {most} are allowed")
        elif len(value) < least:
            spot.report("too_short", f"has {len(value)} characters, and at least {least} must be there")

    return check


def integer(least: int, most: int | None = None) -> Check:
    """A whole number within bounds."""

    def check(value: Any, spot: Spot) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            spot.report("wrong_type", "must be a whole number")
        elif value < least or (most is not None and value > most):
            spot.report("out_of_bounds", f"is {value}, and must be {least}" + ("" if most is None else f" to {most}"))

    return check


def flag(value: Any, spot: Spot) -> None:
    """true or false."""
    if not isinstance(value, bool):
        spot.report("wrong_type", "must be true or false")


def anything(value: Any, spot: Spot) -> None:
    """Accepts whatever stands here: a part that this bot never sends."""


def one_of(*words: str) -> Check:
    """One of a few fixed words."""

    def check(value: Any, spot: Spot) -> None:
        if value not in words:
            spot.report("unknown_word", f"is {value!r}, and must be one of {', '.join(words)}")

    return check


def array(each: Check, least: int, most: int) -> Check:
    """A list of `least` to `most` members, each of which passes `each`."""

    def check(value: Any, spot: Spot) -> None:
        if not isinstance(value, Sequence) or isinstance(value, str):
            spot.report("wrong_type", "must be a list")
            return
        if len(value) > most:
            spot.report("too_many", f"has {len(value)} members, and at most {most} are allowed")
        elif len(value) < least:
            spot.report("too_few", f"has {len(value)} members, and at least {least} must be there")
        for index, member in enumerate(value):
            each(member, spot.at(index))

    return check


def shape(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None, *rules: Check) -> Check:
    """An object with these keys and no others; `rules` look at the whole of it once every key is sound."""
    known = {**required, **(optional or {})}

    def check(value: Any, spot: Spot) -> None:
        if not isinstance(value, Mapping):
            spot.report("wrong_type", "must be an object")
            return
        before = len(spot.found)
        for key in required:
            if key not in value:
                spot.report("missing_field", f"needs {key}")
        for key, member in value.items():
            if key in known:
                known[key](member, spot.at(key))
            else:
                spot.at(key).report("unknown_field", f"is not known here: {key}")
        if len(spot.found) == before:
            for rule in rules:
                rule(value, spot)

    return check


def text(most: int, kinds: tuple[str, ...] = PLAIN) -> Check:
    """A text object of one of these kinds, with 1 to `most` characters."""
    content = string(most)
    shapes = {
        "plain_text": shape({"type": anything, "text": content}, {"emoji": flag}),
        "mrkdwn": shape({"type": anything, "text": content}, {"verbatim": flag}),
    }

    def check(value: Any, spot: Spot) -> None:
        kind = value.get("type") if isinstance(value, Mapping) else None
        if kind in kinds:
            shapes[kind](value, spot)
        else:
            spot.report("wrong_type", f"must be a text object of type {' or '.join(kinds)}")

    return check


def exactly_one(*keys: str) -> Check:
    """A rule: one of these keys, and only one."""

    def check(value: Any, spot: Spot) -> None:
        if sum(key in value for key in keys) != 1:
            spot.report("missing_field", f"needs exactly one of {', '.join(keys)}")

    return check


def at_least_one(*keys: str) -> Check:
    """A rule: one or more of these keys."""

    def check(value: Any, spot: Spot) -> None:
        if not any(key in value for key in keys):
            spot.report("missing_field", f"needs one of {', '.join(keys)}")

    return check
