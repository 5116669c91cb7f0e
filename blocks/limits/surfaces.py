"""Whole things that are sent to Slack: views, messages, lists of options, and answers to a submission."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from blocks.limits import numbers as n
from blocks.limits.elements import OPTION, OPTION_GROUP
from blocks.limits.kinds import block
from blocks.limits.shapes import Check, Problem, Spot, Surface, anything, array, flag, one_of, shape, string, text

_MOST_BLOCKS: Mapping[Surface, int] = {"message": n.MESSAGE_BLOCKS, "modal": n.MODAL_BLOCKS, "home": n.HOME_BLOCKS}


def check_view(view: Mapping[str, Any]) -> list[Problem]:
    """What `views.open`, `views.update`, `views.push` or `views.publish` would refuse in this view."""
    surface: Surface = "home" if isinstance(view, Mapping) and view.get("type") == "home" else "modal"
    spot = Spot(surface)
    (_HOME if surface == "home" else _MODAL)(view, spot)
    return spot.found


def check_message(payload: Mapping[str, Any]) -> list[Problem]:
    """What `chat.postMessage` and its kin would refuse in `text`, `blocks` and `metadata`; the rest is not read."""
    spot = Spot("message")
    if not payload.get("text") and not payload.get("blocks"):
        spot.report("no_text", "needs text or blocks")
    if payload.get("text") is not None:
        string(n.MESSAGE_TEXT, 0)(payload["text"], spot.at("text"))
    if payload.get("blocks") is not None:
        _blocks(payload["blocks"], spot.at("blocks"))
    if payload.get("metadata") is not None:
        _METADATA(payload["metadata"], spot.at("metadata"))
    return spot.found


def check_blocks(blocks: Sequence[Mapping[str, Any]], surface: Surface) -> list[Problem]:
    """What the surface would refuse in these blocks, apart from what belongs around them."""
    spot = Spot(surface, "/blocks")
    _blocks(blocks, spot)
    return spot.found


def check_options(answer: Mapping[str, Any]) -> list[Problem]:
    """What Slack would refuse in the answer to a `block_suggestion`; no option at all is a fair answer."""
    spot = Spot("modal")
    _OPTIONS(answer, spot)
    if not spot.found and len(answer) != 1:
        spot.report("missing_field", "needs either options or option_groups")
    return spot.found


def check_submission_answer(answer: Mapping[str, Any], view: Mapping[str, Any]) -> list[Problem]:
    """What Slack would refuse in the answer to the submission of `view`. An empty answer closes the view."""
    spot = Spot("modal")
    if not answer:
        return spot.found
    action = answer.get("response_action")
    known = _ANSWERS.get(action) if isinstance(action, str) else None
    if known is None:
        spot.at("response_action").report("unknown_word", f"is {action!r}, and must be one of {', '.join(_ANSWERS)}")
        return spot.found
    known(answer, spot)
    if action == "errors" and not spot.found:
        inputs = {member.get("block_id") for member in view.get("blocks", ()) if member.get("type") == "input"}
        for key in answer["errors"]:
            if key not in inputs:
                spot.at("errors").at(key).report("unknown_field", f"is not the block_id of an input block: {key}")
    return spot.found


def size_of(value: Any) -> int:
    """Bytes of this value as UTF-8 JSON, the way `VIEW_BYTES` is counted."""
    # JSON can carry half a surrogate pair, which UTF-8 can't: somebody's broken text must not end in an error here.
    return len(json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass"))


def _blocks(blocks: Any, spot: Spot) -> None:
    before = len(spot.found)
    array(block, 0 if spot.surface == "message" else 1, _MOST_BLOCKS[spot.surface])(blocks, spot)
    if any(found.code == "wrong_type" and found.pointer == spot.pointer for found in spot.found[before:]):
        return
    whole = [(member, spot.at(index)) for index, member in enumerate(blocks) if isinstance(member, Mapping)]
    _ids_are_unique(whole)
    _once_only(whole)


def _elements(member: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Everything in a block that may carry an action_id, with its pointer below the block."""
    for key in ("element", "accessory"):
        if key in member:
            yield f"/{key}", member[key]
    listed = member.get("elements")
    for index, each in enumerate(listed if isinstance(listed, list) else ()):
        yield f"/elements/{index}", each


def _ids_are_unique(whole: Sequence[tuple[Mapping[str, Any], Spot]]) -> None:
    seen: set[Any] = set()
    for member, spot in whole:
        name = member.get("block_id")
        if isinstance(name, str) and name in seen:
            spot.at("block_id").report("duplicate_id", f"stands on an earlier block as well: {name}")
        seen.add(name if isinstance(name, str) else None)
        actions: set[str] = set()
        for _, each in _elements(member):
            action = each.get("action_id") if isinstance(each, Mapping) else None
            if isinstance(action, str) and action in actions:
                spot.report("duplicate_id", f"has two elements with one action_id: {action}")
            if isinstance(action, str):
                actions.add(action)


def _once_only(whole: Sequence[tuple[Mapping[str, Any], Spot]]) -> None:
    """Rules about the blocks of one surface taken together."""
    tables = markdown = focused = 0
    for member, spot in whole:
        if member.get("type") == "table":
            tables += 1
            if tables > n.MESSAGE_TABLES:
                spot.report("too_many", f"is a second table, and a message holds {n.MESSAGE_TABLES}")
        if member.get("type") == "markdown" and isinstance(member.get("text"), str):
            markdown += len(member["text"])
            if markdown > n.MARKDOWN_TEXT >= len(member["text"]):
                spot.report("too_long", f"takes the markdown of this message past {n.MARKDOWN_TEXT} characters")
        for pointer, each in _elements(member):
            if isinstance(each, Mapping) and each.get("focus_on_load") is True:
                focused += 1
                if focused > 1:
                    spot.report("too_many", f"{pointer} asks for the focus, and so does an earlier element")


def _submit_stands_by_inputs(view: Any, spot: Spot) -> None:
    if "submit" not in view and any(member["type"] == "input" for member in view["blocks"]):
        spot.report("missing_field", "needs submit, as it has an input block")


def _light_enough(view: Any, spot: Spot) -> None:
    size = size_of(view)
    if size > n.VIEW_BYTES:
        spot.report("too_big", f"has {size} bytes as JSON, and at most {n.VIEW_BYTES} are allowed")


def _scalar(value: Any, spot: Spot) -> None:
    if not isinstance(value, str | int | float):
        spot.report("wrong_type", "must be a string, a number, true or false")


def _shallow(value: Any, spot: Spot) -> None:
    """A scalar, an object of scalars, or a list of either (`MessageMetadata` in @slack/types)."""
    for index, each in enumerate(value) if isinstance(value, list) else [(None, value)]:
        here = spot if index is None else spot.at(index)
        if isinstance(each, Mapping):
            for key, inner in each.items():
                _scalar(inner, here.at(key))
        else:
            _scalar(each, here)


def _payload(value: Any, spot: Spot) -> None:
    if not isinstance(value, Mapping):
        spot.report("wrong_type", "must be an object")
        return
    for key, inner in value.items():
        _shallow(inner, spot.at(key))


def _errors(value: Any, spot: Spot) -> None:
    if not isinstance(value, Mapping) or not value:
        spot.report("wrong_type", "must be an object with at least one block_id")
        return
    for key, sentence in value.items():
        string(n.TEXT)(sentence, spot.at(key))


def _modal(value: Any, spot: Spot) -> None:
    if isinstance(value, Mapping) and value.get("type") == "home":
        spot.at("type").report("not_allowed_here", "must be modal: a Home tab is published, not opened")
    else:
        _MODAL(value, spot)


_COMMON: dict[str, Check] = {
    "private_metadata": string(n.PRIVATE_METADATA, 0),
    "callback_id": string(n.IDENTIFIER),
    "external_id": string(n.IDENTIFIER),
}
_TITLE = text(n.VIEW_TITLE)
_MODAL = shape(
    {"type": one_of("modal"), "title": _TITLE, "blocks": _blocks},
    {
        **_COMMON,
        "submit": _TITLE,
        "close": _TITLE,
        "clear_on_close": flag,
        "notify_on_close": flag,
        "submit_disabled": flag,
    },
    _submit_stands_by_inputs,
    _light_enough,
)
_HOME = shape({"type": one_of("home"), "blocks": _blocks}, _COMMON, _light_enough)
_METADATA = shape({"event_type": string(n.IDENTIFIER), "event_payload": _payload})
_OPTIONS = shape({}, {"options": array(OPTION, 0, n.OPTIONS), "option_groups": array(OPTION_GROUP, 0, n.OPTION_GROUPS)})
_ANSWERS: Mapping[str, Check] = {
    "errors": shape({"response_action": anything, "errors": _errors}),
    "update": shape({"response_action": anything, "view": _modal}),
    "push": shape({"response_action": anything, "view": _modal}),
    "clear": shape({"response_action": anything}),
}
