"""A modal as Slack keeps it: opens with initial values, takes what is typed, and holds on to it across updates."""

from collections.abc import Sequence
from typing import Any

from blocks.limits import check_view

Block = dict[str, Any]


def initial_entry(element: Block) -> Block:
    """What Slack holds for an element nobody has touched."""
    kind = element["type"]
    if kind == "checkboxes" or kind.startswith("multi_"):
        return {"type": kind, "selected_options": element.get("initial_options", [])}
    if kind.endswith("_select"):
        return {"type": kind, "selected_option": element.get("initial_option")}
    return {"type": kind, "value": element.get("initial_value")}


def initial_state(blocks: Sequence[Block]) -> Block:
    """`state.values` right after opening."""
    inputs = [block for block in blocks if block["type"] == "input"]
    return {block["block_id"]: {"value": initial_entry(block["element"])} for block in inputs}


def as_view(blocks: Sequence[Block]) -> Block:
    """The blocks as a modal that has what modals need around them."""
    return {
        "type": "modal",
        "title": {"type": "plain_text", "text": "A form"},
        "submit": {"type": "plain_text", "text": "Send"},
        "blocks": list(blocks),
    }


class Modal:
    """One open modal. Every set of blocks is refused that Slack would refuse."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        assert check_view(as_view(blocks)) == []
        self.blocks = list(blocks)
        self.state = initial_state(blocks)

    @property
    def view(self) -> Block:
        """The view as it travels in payloads."""
        return {**as_view(self.blocks), "state": {"values": self.state}}

    def update(self, blocks: Sequence[Block]) -> None:
        """`views.update`: a block_id that was there before keeps what it holds, whatever its new initial value."""
        assert check_view(as_view(blocks)) == []
        fresh = initial_state(blocks)
        for block_id, entry in fresh.items():
            before = self.state.get(block_id)
            if before is not None:
                assert before["value"]["type"] == entry["value"]["type"], f"{block_id} changed its element"
                fresh[block_id] = before
        self.blocks, self.state = list(blocks), fresh

    def type(self, block_id: str, text: str | None) -> None:
        self.state[block_id]["value"]["value"] = text

    def choose(self, block_id: str, *values: str) -> None:
        """Chooses among what is listed; an external select, whose list is elsewhere, takes any value."""
        entry = self.state[block_id]["value"]
        element = self.input(block_id)["element"]
        options = [{"text": {"type": "plain_text", "text": value}, "value": value} for value in values]
        if "options" in element:
            listed = {option["value"]: option for option in element["options"]}
            options = [listed[value] for value in values]
        if "selected_options" in entry:
            entry["selected_options"] = options
        else:
            entry["selected_option"] = options[0] if options else None

    def input(self, block_id: str) -> Block:
        return next(block for block in self.blocks if block.get("block_id") == block_id)

    def buttons(self) -> list[tuple[str, str, str]]:
        """(action_id, value, label) of each button, from top to bottom."""
        return [
            (element["action_id"], element["value"], element["text"]["text"])
            for block in self.blocks
            if block["type"] == "actions"
            for element in block["elements"]
        ]
