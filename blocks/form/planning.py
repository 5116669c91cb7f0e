"""Which inputs a form shows, with which value, and under which block_id.

A block_id is the path of the field (`nodePools.0.maxNodeCount`), and Slack keeps what was typed in a block as long as
block_id and action_id stay the same. So a block whose value the caller changed gets `#1`, `#2` … behind its path: for
Slack that is another block, which takes its initial value and forgets the old one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from blocks.form.elements import clean, element_type, offered_only, options_of, value_held
from blocks.form.fields import Condition, Field, fields_of
from blocks.form.parts import Choices, Loc, Option, Reading, Values

_VERSION = re.compile(r"(?P<path>.*?)(?:#(?P<version>[0-9]+))?", re.DOTALL)


@dataclass(frozen=True)
class Slot:
    """One input to draw. `kept`: Slack keeps what it holds for this block_id."""

    field: Field
    loc: Loc
    block_id: str
    options: tuple[Option, ...]
    value: Any
    required: bool
    kept: bool


@dataclass(frozen=True)
class Item:
    """One item of a repeated group; `path` has its real index."""

    path: str
    slots: tuple[Slot, ...]


@dataclass(frozen=True)
class Group:
    """A repeated group to draw; `next_index` is not used yet, now or earlier in this modal."""

    field: Field
    items: tuple[Item, ...]
    next_index: int


@dataclass(frozen=True)
class Plan:
    """All that is shown, in order. `resting`: hidden groups that were in use before, to their next index."""

    slots: tuple[Slot, ...]
    groups: tuple[Group, ...]
    resting: Mapping[str, int]

    @property
    def locs(self) -> list[Loc]:
        """Where the visible inputs stand, in order."""
        inner = [slot.loc for group in self.groups for item in group.items for slot in item.slots]
        return [slot.loc for slot in self.slots] + inner


def split_version(block_id: str) -> tuple[str, int]:
    """`region#2` is version 2 of `region`; without a suffix it is version 0."""
    found = _VERSION.fullmatch(block_id)
    return (found["path"], int(found["version"] or 0)) if found else (block_id, 0)


def holds(condition: Condition, root: Mapping[str, Any]) -> bool:
    """Whether each field named in the condition has one of its values, or any value where the condition says True."""
    return all(_has(root.get(key), wanted) for key, wanted in condition.items())


def _has(value: Any, wanted: Any) -> bool:
    if value is None or wanted is True:
        return value is not None
    among = [wanted] if isinstance(wanted, str) else list(wanted)
    return any(member in among for member in (value if isinstance(value, list) else [value]))


@dataclass(frozen=True)
class Planner:
    """Plans one form; see `blocks.form.build` for what the parts mean."""

    model: type[BaseModel]
    values: Mapping[str, Any]
    choices: Choices
    prefix: str
    previous: Reading | None
    version: int = 0

    def plan(self, *, everything: bool = False) -> Plan:
        """What to show. With `everything` as if each condition held: the largest that this form can become."""
        fields = fields_of(self.model)
        shown = self._shown(fields, everything)
        root = {key: value for key, value in shown.items() if value is not None}
        slots = [self._slot(field, (field.key,), field.key, root) for field in fields if field.key in shown]
        groups = [field for field in fields if field.base == "items"]
        visible = [field for field in groups if everything or holds(field.when, root)]
        return Plan(
            slots=tuple(_required_first(slots)),
            groups=tuple(self._group(field, root, everything) for field in visible),
            resting={
                field.key: used
                for field in groups
                if field not in visible and (used := self.previous.next_index.get(field.key, 0) if self.previous else 0)
            },
        )

    def empty_item(self, group: Group) -> Item:
        """The item that the Add button of this group would add, at its largest."""
        return self._item(group.field, len(group.items), group.next_index, {}, {}, everything=True)

    def _shown(self, fields: tuple[Field, ...], everything: bool) -> Values:
        """Visible single fields to their values. A hidden field has no value, which may hide others in turn."""
        shown = {field.key: self._wanted(field, (field.key,), self.values) for field in fields if field.base != "items"}
        if everything:
            return shown
        while hidden := [field.key for field in fields if field.key in shown and not holds(field.when, shown)]:
            for key in hidden:
                del shown[key]
        return shown

    def _wanted(self, field: Field, loc: Loc, given: Mapping[str, Any]) -> Any:
        if field.key in given:
            value = clean(field, given[field.key])
        elif self.previous is None or loc not in self.previous.ids:
            value = clean(field, field.default)
        else:
            value = None  # the person cleared it; a default would come back like a weed
        return offered_only(value, options_of(field, self.choices))

    def _slot(self, field: Field, loc: Loc, path: str, root: Values, given: Mapping[str, Any] | None = None) -> Slot:
        value = self._wanted(field, loc, self.values if given is None else given)
        options = options_of(field, self.choices)
        block_id, kept = self._identity(field, loc, path, value, element_type(field, options))
        required = field.required or (
            field.base != "tick" and bool(field.required_when) and holds(field.required_when, root)
        )
        return Slot(field, loc, block_id, options, value, required, kept)

    def _identity(self, field: Field, loc: Loc, path: str, value: Any, kind: str) -> tuple[str, bool]:
        """The block_id, and whether Slack keeps what it holds there."""
        present = self.previous.ids.get(loc) if self.previous else None
        if self.previous is None or present is None:
            return self.prefix + path + (f"#{self.version}" if self.version else ""), False
        held = self.previous.held.get(present, {})
        if held.get("type") == kind and value_held(field, held) == value:
            return present, not self.version  # with a version given, who knows what is on the screen by now
        return f"{self.prefix}{path}#{max(split_version(present)[1] + 1, self.version)}", False

    def _group(self, field: Field, root: Values, everything: bool) -> Group:
        default = field.default if self.previous is None else None
        given = list(self.values.get(field.key, default) or ())
        indices, next_index = self._indices(field.key, len(given))
        items = [
            self._item(field, at, index, item, root, everything)
            for at, (index, item) in enumerate(zip(indices, given, strict=True))
        ]
        return Group(field, tuple(items), next_index)

    def _indices(self, key: str, count: int) -> tuple[list[int], int]:
        """The real index of each item, and the next that is free: indices in use stay, new ones were never used."""
        live = list(self.previous.indices.get(key, ()))[:count] if self.previous else []
        free = max([self.previous.next_index.get(key, 0) if self.previous else 0, *(index + 1 for index in live)])
        added = count - len(live)
        return [*live, *range(free, free + added)], free + added

    def _item(
        self, field: Field, at: int, index: int, given: Mapping[str, Any], root: Values, everything: bool
    ) -> Item:
        path = f"{field.key}.{index}"
        slots = [
            self._slot(inner, (field.key, at, inner.key), f"{path}.{inner.key}", root, given)
            for inner in (fields_of(field.item) if field.item else ())
            if everything or holds(inner.when, root)
        ]
        return Item(path, tuple(_required_first(slots)))


def _required_first(slots: list[Slot]) -> list[Slot]:
    return sorted(slots, key=lambda slot: not slot.required)
