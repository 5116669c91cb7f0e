"""The parts of Block Kit that hold a value: where they stand, what they hold at first, what a redraw keeps.

State has the shape of `view.state.values`: block id → action id → what the element holds.
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from typing import Any

Json = dict[str, Any]
State = dict[str, dict[str, Json]]

# Element type → (the key that holds its value in the state, the key of its initial value, its empty value).
# Source: Slack's reference of block elements and of the `view_submission` payload.
HOLDS: Mapping[str, tuple[str, str, Any]] = {
    "plain_text_input": ("value", "initial_value", None),
    "number_input": ("value", "initial_value", None),
    "email_text_input": ("value", "initial_value", None),
    "url_text_input": ("value", "initial_value", None),
    "rich_text_input": ("rich_text_value", "initial_value", None),
    "static_select": ("selected_option", "initial_option", None),
    "external_select": ("selected_option", "initial_option", None),
    "radio_buttons": ("selected_option", "initial_option", None),
    "checkboxes": ("selected_options", "initial_options", []),
    "multi_static_select": ("selected_options", "initial_options", []),
    "multi_external_select": ("selected_options", "initial_options", []),
    "users_select": ("selected_user", "initial_user", None),
    "multi_users_select": ("selected_users", "initial_users", []),
    "conversations_select": ("selected_conversation", "initial_conversation", None),
    "multi_conversations_select": ("selected_conversations", "initial_conversations", []),
    "channels_select": ("selected_channel", "initial_channel", None),
    "multi_channels_select": ("selected_channels", "initial_channels", []),
    "datepicker": ("selected_date", "initial_date", None),
    "timepicker": ("selected_time", "initial_time", None),
    "datetimepicker": ("selected_date_time", "initial_date_time", None),
    "file_input": ("files", "initial_files", []),
}
# Elements that can be clicked but keep nothing.
CLICKED = ("button", "overflow", "icon_button", "feedback_buttons", "workflow_button")
TEXT_INPUTS = ("plain_text_input", "number_input", "email_text_input", "url_text_input")
EXTERNAL = ("external_select", "multi_external_select")


def walk(blocks: Iterable[Json]) -> Iterator[tuple[Json, Json]]:
    """Every interactive element with the block it stands in, from top to bottom."""
    for block in blocks:
        yield from walk(block.get("child_blocks") or ())
        candidates = [block.get("element"), block.get("accessory"), *(block.get("elements") or ()), *_actions(block)]
        for element in candidates:
            if isinstance(element, dict) and element.get("type") in (*HOLDS, *CLICKED):
                yield block, element


def _actions(block: Json) -> list[Any]:
    actions = block.get("actions")
    return actions if isinstance(actions, list) else []


def settled(blocks: Iterable[Json]) -> list[Json]:
    """The blocks as Slack keeps them: ids made up where the app gave none, defaults written out.

    The ids that Slack makes up are new each time, so what was typed under them is lost on the next update.
    """
    kept = deepcopy(list(blocks))
    for block in kept:
        block.setdefault("block_id", _made_up())
        if block.get("type") == "input":
            block.setdefault("optional", False)
            block.setdefault("dispatch_action", False)
        _write_out_text_defaults(block)
    for block, element in walk(kept):
        block.setdefault("block_id", _made_up())
        element.setdefault("action_id", _made_up())
    return kept


def _made_up() -> str:
    return secrets.token_urlsafe(4)[:5]


def _write_out_text_defaults(node: Any) -> None:
    if isinstance(node, list):
        for item in node:
            _write_out_text_defaults(item)
    elif isinstance(node, dict):
        if isinstance(node.get("text"), str):
            if node.get("type") == "plain_text":
                node.setdefault("emoji", True)
            elif node.get("type") == "mrkdwn":
                node.setdefault("verbatim", False)
        for item in node.values():
            _write_out_text_defaults(item)


def initial(element: Json) -> Json:
    """What an element holds right after it was drawn."""
    key, start, empty = HOLDS[element["type"]]
    value = element.get(start, empty)
    if start == "initial_value" and value == "":
        value = empty
    return {"type": element["type"], key: deepcopy(value)}


def initial_state(blocks: Iterable[Json]) -> State:
    """The state of a view that was just opened."""
    return kept_state({}, blocks)


def kept_state(before: State, blocks: Iterable[Json]) -> State:
    """The state after an update.

    An element under the same block id and action id keeps what it held, whatever its new initial value says. A new one,
    or one of another type, starts from its initial value; a missing one is forgotten.
    """
    state: State = {}
    for block, element in walk(blocks):
        if element["type"] not in HOLDS:
            continue
        held = before.get(block["block_id"], {}).get(element["action_id"])
        same = held is not None and held["type"] == element["type"]
        state.setdefault(block["block_id"], {})[element["action_id"]] = (
            held if same and held is not None else initial(element)
        )
    return state


def held(value: Json) -> Any:
    """The plain value of an element's state: text, one option's value, or a list of values."""
    content = value[HOLDS[value["type"]][0]]
    if isinstance(content, list):
        return [item["value"] if isinstance(item, dict) and "value" in item else item for item in content]
    if isinstance(content, dict) and "value" in content:
        return content["value"]
    return content


def options_of(element: Json) -> list[Json]:
    """The options that an element carries itself, those in groups included."""
    grouped = [option for group in element.get("option_groups") or () for option in group.get("options") or ()]
    return [*(element.get("options") or ()), *grouped]


def plain_path(block_id: str) -> str:
    """A block id without the `#n` that makes Slack forget what was typed under it."""
    return block_id.partition("#")[0]
