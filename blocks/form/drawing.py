"""A plan as Block Kit: inputs, repeated groups with their buttons, notes and errors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from blocks import limits
from blocks.form.elements import element
from blocks.form.parts import Block, Choices, Loc, OverLimit, Reading, plain, truncate
from blocks.form.placing import nearest
from blocks.form.planning import Group, Item, Plan, Planner, Slot

# The view is more than its form: title, buttons, private_metadata, and whatever the caller puts around the form.
_ENVELOPE_BYTES = 10_000
_ERROR_TEXT = 1000
_NOTHING: Mapping[Any, Any] = MappingProxyType({})


def build(
    model: type[BaseModel],
    values: Mapping[str, Any],
    *,
    choices: Choices = _NOTHING,
    prefix: str = "",
    previous: Reading | None = None,
    errors: Mapping[Loc, str] = _NOTHING,
    reserve: int = 0,
    version: int = 0,
) -> list[Block]:
    """The form of `model` filled with `values`, as blocks for a modal.

    `choices`: the lists of options that fields name. A list that is missing or empty makes its fields free text.
    `prefix`: put before each block_id, for a second form in the same view.
    `previous`: the reading of the view that this one replaces. Fields whose value is what Slack holds keep their block,
    and with it whatever was typed; the others get a new one. Without it this is a first build, and defaults apply.
    `errors`: sentences by loc, shown under their fields, since Slack shows errors of its own only on a submission.
    `reserve`: how many of the view's 100 blocks the caller needs for other things.
    `version`: the least number that a new block gets behind its path. Where the view has been drawn otherwise since
    `previous` was read, a number beyond all that this other drawing used keeps the two apart.

    Raises OverLimit where Slack would refuse the form, naming the limit.
    """
    planner = Planner(model, values, choices, prefix, previous, version)
    plan = planner.plan()
    pen = _Pen(prefix, _by_target(errors, model, plan))
    full = _full_groups(planner, plan, pen, reserve)
    blocks = pen.form(plan, full)
    _within_limits(blocks, reserve)
    return blocks


def _by_target(errors: Mapping[Loc, str], model: type[BaseModel], plan: Plan) -> dict[Loc | None, list[str]]:
    by_target: dict[Loc | None, list[str]] = {}
    for loc, message in errors.items():
        target, said = nearest(loc, message, model, plan.locs)
        by_target.setdefault(target, []).append(said)
    return by_target


def _full_groups(planner: Planner, plan: Plan, pen: "_Pen", reserve: int) -> frozenset[str]:
    """The groups that take no further item.

    Room is measured on the form at its largest, with all that a later choice may bring in, so that nothing a person
    chooses afterwards can push the form over Slack's limits.
    """
    full = {group.field.key for group in plan.groups if len(group.items) >= (group.field.max_items or limits.OPTIONS)}
    if full != {group.field.key for group in plan.groups}:
        largest = pen.at_largest()
        whole = largest.form(planner.plan(everything=True), frozenset())
        count, size = len(whole) + reserve, limits.size_of(whole) + _ENVELOPE_BYTES
        for group in plan.groups:
            added = largest.item(planner.empty_item(group), group.field.noun)
            if count + len(added) > limits.MODAL_BLOCKS or size + limits.size_of(added) > limits.VIEW_BYTES:
                full.add(group.field.key)
    return frozenset(full)


def _within_limits(blocks: list[Block], reserve: int) -> None:
    count = len(blocks) + reserve
    if count > limits.MODAL_BLOCKS:
        raise OverLimit(f"a modal holds {limits.MODAL_BLOCKS} blocks, and this form with its surroundings has {count}")
    size = limits.size_of(blocks) + _ENVELOPE_BYTES
    if size > limits.VIEW_BYTES:
        raise OverLimit(f"a view has at most {limits.VIEW_BYTES} bytes, and this form with its surroundings has {size}")
    found = limits.check_blocks(blocks, "modal") if blocks else []
    if found:
        raise OverLimit(f"{found[0].pointer} {found[0].message}")


@dataclass(frozen=True)
class _Pen:
    """Draws. `all_notes`: notes are drawn whether or not their field has a value."""

    prefix: str
    errors: Mapping[Loc | None, list[str]] = field(default_factory=dict)
    all_notes: bool = False

    def at_largest(self) -> "_Pen":
        return _Pen(self.prefix, self.errors, all_notes=True)

    def form(self, plan: Plan, full: frozenset[str]) -> list[Block]:
        blocks = self._errors(None)
        for slot in plan.slots:
            blocks += self._input(slot)
        for group in plan.groups:
            blocks += self._group(group, group.field.key in full)
        # A number once used stays used while its group is hidden, so it has to travel in some block: an unseen line.
        blocks += [{"type": "divider", "block_id": self._counter(key, used)} for key, used in plan.resting.items()]
        return blocks

    def item(self, item: Item, noun: str) -> list[Block]:
        blocks = [block for slot in item.slots for block in self._input(slot)]
        remove = _button("remove_item", f"Remove {noun}", item.path)
        return [*blocks, {"type": "actions", "block_id": self.prefix + item.path, "elements": [remove]}]

    def _input(self, slot: Slot) -> list[Block]:
        block: Block = {
            "type": "input",
            "block_id": slot.block_id,
            "label": plain(slot.field.title),
            "element": element(slot.field, slot.options, slot.value, kept=slot.kept),
        }
        if slot.field.hint:
            block["hint"] = plain(slot.field.hint)
        if not slot.required:
            block["optional"] = True
        if slot.field.redraws:
            block["dispatch_action"] = True
        noted = slot.field.note and (slot.required or slot.value is not None or self.all_notes)
        return [block, *self._errors(slot.loc), *([_remark(slot.field.note)] if noted else [])]

    def _group(self, group: Group, full: bool) -> list[Block]:
        noun, key = group.field.noun, group.field.key
        blocks: list[Block] = [{"type": "header", "text": plain(group.field.title)}]
        if group.field.note and (group.items or self.all_notes):
            blocks.append(_remark(group.field.note))
        for item in group.items:
            blocks += self.item(item, noun)
        end = _remark(_most(len(group.items), noun)) if full else _actions(_button("add_item", f"Add {noun}", key))
        return [*blocks, {**end, "block_id": self._counter(key, group.next_index)}]

    def _errors(self, loc: Loc | None) -> list[Block]:
        return [_remark(truncate(f"⚠ {sentence}", _ERROR_TEXT)) for sentence in self.errors.get(loc, ())]

    def _counter(self, key: str, next_index: int) -> str:
        """The block_id in which the next free index of a group travels."""
        return f"{self.prefix}{key}.add#{next_index}"


def _most(count: int, noun: str) -> str:
    if count == 0:
        return f"There is no room left in this form to add a {noun}."
    plural = f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2:-1] not in "aeiou" else f"{noun}s"
    return f"That is the most this form can hold: {count} {noun if count == 1 else plural}."


def _remark(sentence: str) -> Block:
    return {"type": "context", "elements": [plain(sentence)]}


def _actions(button: Block) -> Block:
    return {"type": "actions", "elements": [button]}


def _button(action_id: str, label: str, value: str) -> Block:
    return {
        "type": "button",
        "action_id": action_id,
        "text": plain(truncate(label, limits.BUTTON_TEXT)),
        "value": value,
    }
