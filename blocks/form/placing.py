"""Where an error is said: beside its field, or as near to it as something visible stands."""

from collections.abc import Iterable, Sequence

from pydantic import BaseModel

from blocks.form.fields import Field, fields_of
from blocks.form.parts import Loc, Reading


def place(
    errors: Sequence[tuple[Loc, str]], model: type[BaseModel], reading: Reading
) -> tuple[dict[str, str], list[str]]:
    """Errors by block_id, as `response_action: errors` takes them, and those that have no place in this view.

    Several on one block are joined by a space. One whose own field is not visible goes to the nearest visible field of
    its group and begins with its own field's title; without any it is left over, to be said on top.
    """
    placed: dict[str, str] = {}
    left: list[str] = []
    for loc, message in errors:
        target, said = nearest(loc, message, model, reading.ids)
        if target is None:
            left.append(said)
        else:
            block_id = reading.ids[target]
            placed[block_id] = f"{placed[block_id]} {said}" if block_id in placed else said
    return placed, left


def nearest(loc: Loc, message: str, model: type[BaseModel], visible: Iterable[Loc]) -> tuple[Loc | None, str]:
    """The visible loc where this error is best said, or None, and the sentence to say there."""
    locs = list(visible)
    # ("workspaceIds", 3) is an error within the list that one input holds, so the ends of locs are given up one by one.
    for end in range(len(loc), 0, -1):
        if loc[:end] in locs:
            return loc[:end], message
    fields = fields_of(model)
    field = next((field for field in fields if loc and field.key == loc[0]), None)
    if field is None:
        return None, message
    if field.base == "items":
        return _in_group(field, loc, message, locs)
    mates = _mates(field, fields, locs)
    return (mates[0] if mates else None), f"{field.title}: {message}"


def _in_group(field: Field, loc: Loc, message: str, locs: list[Loc]) -> tuple[Loc | None, str]:
    """An error on a list of models, on one of its items, or on a field of an item that is not visible."""
    inner = fields_of(field.item) if field.item else ()
    title = next((each.title for each in inner if len(loc) > 2 and each.key == loc[2]), field.title)
    of_item = [each for each in locs if len(loc) > 1 and each[:2] == loc[:2]]
    of_list = [each for each in locs if each[0] == field.key]
    target = next(iter(of_item or of_list), None)
    said_as_it_is = len(loc) == 2 and bool(of_item)
    return target, message if said_as_it_is else f"{title}: {message}"


def _mates(field: Field, fields: Sequence[Field], locs: list[Loc]) -> list[Loc]:
    """Visible fields of the same group, those declared nearest first."""
    if not field.group:
        return []
    at = fields.index(field)
    mates = [
        (abs(index - at), index, (mate.key,))
        for index, mate in enumerate(fields)
        if mate.group == field.group and (mate.key,) in locs
    ]
    return [loc for _, _, loc in sorted(mates)]
