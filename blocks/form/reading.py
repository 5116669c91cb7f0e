"""From a view that Slack sent back to values; adding and removing items of repeated groups."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import BaseModel

from blocks.form.elements import options_of, value_held
from blocks.form.fields import Field, fields_of
from blocks.form.parts import Choices, Loc, Option, Reading, Values
from blocks.form.planning import split_version

_INDEX = re.compile(r"[0-9]{1,9}")


def read(model: type[BaseModel], view: Mapping[str, Any], *, prefix: str = "") -> Reading:
    """What the inputs of `model` hold in this view, from its `blocks` and `state.values`; other blocks are ignored."""
    state = (view.get("state") or {}).get("values") or {}
    finds = _Finds({each.key: each for each in fields_of(model)})
    for block in view.get("blocks", ()):
        block_id = block.get("block_id", "")
        if block_id.startswith(prefix):
            finds.take(block, block_id[len(prefix) :])
    return finds.reading(state)


def offered(model: type[BaseModel], block_id: str, *, choices: Choices, prefix: str = "") -> Sequence[Option]:
    """What the field in this block offers: the list to search for a `block_suggestion`; empty for an unknown block."""
    path = split_version(block_id.removeprefix(prefix))[0]
    known = {each.key: each for each in fields_of(model)}
    found = _locate(path, known) if block_id.startswith(prefix) else None
    return options_of(found.field, choices) if found else ()


def add_item(reading: Reading, path: str) -> Reading:
    """The reading with one more, empty item in the group at `path` ("nodePools"); unchanged without such a group."""
    if path not in reading.indices:
        return reading
    index = reading.next_index[path]
    return replace(
        reading,
        values={**reading.values, path: [*reading.values.get(path, ()), {}]},
        indices={**reading.indices, path: (*reading.indices[path], index)},
        next_index={**reading.next_index, path: index + 1},
    )


def remove_item(reading: Reading, path: str) -> Reading:
    """The reading without the item at `path` ("nodePools.0", its real index); the others keep theirs.

    Unchanged where there is no such item: somebody clicked twice.
    """
    group, _, number = path.rpartition(".")
    live = reading.indices.get(group, ())
    if not _INDEX.fullmatch(number) or int(number) not in live:
        return reading
    gone = live.index(int(number))
    left = [item for at, item in enumerate(reading.values.get(group, ())) if at != gone]
    values = {key: value for key, value in reading.values.items() if key != group}
    ids = {_moved_up(loc, group, gone): block_id for loc, block_id in reading.ids.items() if loc[:2] != (group, gone)}
    return replace(
        reading,
        values={**values, group: left} if left else values,
        ids=ids,
        indices={**reading.indices, group: tuple(index for index in live if index != int(number))},
    )


def _moved_up(loc: Loc, group: str, gone: int) -> Loc:
    if len(loc) > 1 and loc[0] == group and isinstance(loc[1], int) and loc[1] > gone:
        return (group, loc[1] - 1, *loc[2:])
    return loc


@dataclass(frozen=True)
class _Place:
    """What a path without version leads to: a field, in item `index` of `group` where it is within one."""

    field: Field
    group: str = ""
    index: int = -1


def _locate(path: str, known: Mapping[str, Field]) -> _Place | None:
    """`region` is a field of the root, `nodePools.0.name` a field of an item, `nodePools.0` the item itself."""
    first, *rest = path.split(".")
    found = known.get(first)
    if found is None or (found.item is None and rest):
        return None
    if not rest or found.item is None:
        return _Place(found)
    if not _INDEX.fullmatch(rest[0]):
        return None
    if len(rest) == 1:
        return _Place(found, first, int(rest[0]))
    inner = next((each for each in fields_of(found.item) if each.key == ".".join(rest[1:])), None)
    return None if inner is None else _Place(inner, first, int(rest[0]))


@dataclass(frozen=True)
class _Finds:
    """What is found going through the blocks of a view."""

    known: Mapping[str, Field]
    inputs: list[tuple[_Place, Mapping[str, Any]]] = field(default_factory=list)
    live: dict[str, list[int]] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)

    def take(self, block: Mapping[str, Any], block_id: str) -> None:
        path, version = split_version(block_id)
        group = path.removesuffix(".add")
        if group != path and group in self.known and block.get("type") != "input":
            self.counters[group] = version
            return
        place = _locate(path, self.known)
        if place is None:
            return
        if place.group and place.index not in self.live.setdefault(place.group, []):
            self.live[place.group].append(place.index)
        if block.get("type") == "input" and place.field.base != "items":
            self.inputs.append((place, block))

    def reading(self, state: Mapping[str, Any]) -> Reading:
        groups = [key for key, each in self.known.items() if each.base == "items"]
        values: Values = {key: [{} for _ in self.live[key]] for key in groups if self.live.get(key)}
        ids: dict[Loc, str] = {}
        held: dict[str, Any] = {}
        for place, block in self.inputs:
            block_id = block["block_id"]
            entry = (state.get(block_id) or {}).get("value") or {}
            held[block_id] = {"type": block["element"]["type"], **entry}
            at = self.live[place.group].index(place.index) if place.group else -1
            ids[(place.group, at, place.field.key) if place.group else (place.field.key,)] = block_id
            value = value_held(place.field, held[block_id])
            if value is not None:
                (values[place.group][at] if place.group else values)[place.field.key] = value
        return Reading(
            values=values,
            ids=ids,
            indices={key: tuple(self.live.get(key, ())) for key in groups},
            next_index={
                key: max([self.counters.get(key, 0), *(index + 1 for index in self.live.get(key, ()))])
                for key in groups
            },
            held=held,
        )
