"""A pydantic model, read as a list of form fields.

The annotations travel in `Field(title=, description=, examples=, json_schema_extra=)`. Keys of `json_schema_extra` that
are understood, all optional:

    group          fields that belong together; an error on a hidden one is said beside another of its group
    choices        the name of the list of options to offer, whatever the type
    when           {"type": ["HYBRID"], "drRegion": True}: shown only while each of these fields of the root has one of
                   these values, or any value (True)
    required_when  the same grammar; makes an optional field required
    redraws        True: choosing a value is reported at once, as it shapes the rest of the form
    note           a remark under the field while it has a value or is required
    max_items      the most items of a repeated group
    item           the noun for one of them ("node pool")
"""

import math
import types
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

# Slack would take 2000, but a paragraph under each field hides the fields.
_HINT = 150

Condition = Mapping[str, Any]
Base = Literal["text", "number", "tick", "items"]


@dataclass(frozen=True)
class Field:
    """One field of a model, with all that drawing and reading it needs.

    `fixed` are the values of a Literal or an Enum. `least` and `most` bound what its type says: a number's value, a
    text's characters, a list's members. `item` is the model of a repeated group, `noun` the word for one of its items.
    """

    key: str
    title: str
    base: Base
    many: bool
    fixed: tuple[Any, ...]
    item: type[BaseModel] | None
    required: bool
    default: Any
    least: int | None
    most: int | None
    hint: str
    example: str
    group: str
    choices: str | None
    when: Condition
    required_when: Condition
    redraws: bool
    note: str
    max_items: int | None
    noun: str


@lru_cache(maxsize=256)
def fields_of(model: type[BaseModel]) -> tuple[Field, ...]:
    """The fields in the order of their declaration.

    Raises TypeError for a type that no input can hold: a dict, a single nested model, a list within an item's list.
    """
    return tuple(_field(model, info.alias or name, info) for name, info in model.model_fields.items())


def _field(model: type[BaseModel], key: str, info: FieldInfo) -> Field:
    inner, metadata, many = _unwrap(info.annotation, tuple(info.metadata))
    base, fixed, item = _kind(inner, many, f"{model.__name__}.{key}")
    if item is not None and any(field.base == "items" for field in fields_of(item)):
        raise TypeError(f"{model.__name__}.{key}: a form cannot hold a list of models within a list of models")
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    least, most = _bounds(metadata)
    title = info.title or _humanised(key)
    description = (info.description or "").strip()
    told: Any = extra  # pydantic types these as JSON; their grammar is the one above
    return Field(
        key=key,
        title=title,
        base=base,
        many=many,
        fixed=fixed,
        item=item,
        # An empty tick box is an answer, and Slack would not let a required one stay empty.
        required=info.is_required() and base != "tick",
        default=_default(info),
        least=least,
        most=most,
        hint=told.get("hint", description if len(description) <= _HINT and description != title else ""),
        example=str(info.examples[0]) if info.examples else "",
        group=told.get("group", ""),
        choices=told.get("choices"),
        when=told.get("when", {}),
        required_when=told.get("required_when", {}),
        redraws=bool(told.get("redraws", False)),
        note=told.get("note", ""),
        max_items=told.get("max_items", most if base == "items" else None),
        noun=told.get("item", "item"),
    )


def _unwrap(annotation: Any, metadata: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...], bool]:
    """Down to the type that decides: (type, metadata on the way, whether it is a list of that type).

    What stands on the members of a list bounds each of them and not the list, so it is left behind.
    """
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _unwrap(args[0], (*metadata, *args[1:]))
    if origin in (Union, types.UnionType):
        present = [arg for arg in args if arg is not type(None)]
        return _unwrap(present[0], metadata) if len(present) == 1 else (str, metadata, False)
    if _is_list(origin or annotation):
        return (*_unwrap(args[0] if args else str, ())[:1], metadata, True)
    return annotation, metadata, False


def _is_list(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Sequence | AbstractSet) and not issubclass(kind, str | bytes)


def _kind(inner: Any, many: bool, where: str) -> tuple[Base, tuple[Any, ...], type[BaseModel] | None]:
    if get_origin(inner) is Literal:
        return "text", tuple(value for value in get_args(inner) if value is not None), None
    kind = get_origin(inner) or inner
    if not isinstance(kind, type):
        return "text", (), None
    if issubclass(kind, Enum):
        return "text", tuple(member.value for member in kind), None
    if issubclass(kind, BaseModel) and many:
        return "items", (), kind
    if issubclass(kind, BaseModel | Mapping):
        raise TypeError(f"{where}: a form has no input for {kind.__name__}")
    if issubclass(kind, bool):
        return ("text", (True, False), None) if many else ("tick", (), None)
    return ("number" if issubclass(kind, int) else "text"), (), None


def _bounds(metadata: tuple[Any, ...]) -> tuple[int | None, int | None]:
    """The tightest whole bounds. pydantic, annotated_types and StringConstraints all use these attribute names."""
    low: list[int] = []
    high: list[int] = []
    for mark in metadata:
        if isinstance(mark, FieldInfo):
            least, most = _bounds(tuple(mark.metadata))
            low += [] if least is None else [least]
            high += [] if most is None else [most]
            continue
        for name, bounds, whole in (
            ("min_length", low, lambda bound: bound),
            ("ge", low, math.ceil),
            ("gt", low, lambda bound: math.floor(bound) + 1),
            ("max_length", high, lambda bound: bound),
            ("le", high, math.floor),
            ("lt", high, lambda bound: math.ceil(bound) - 1),
        ):
            bound = getattr(mark, name, None)
            if bound is not None:
                bounds.append(whole(bound))
    return max(low, default=None), min(high, default=None)


def _default(info: FieldInfo) -> Any:
    if info.is_required():
        return None
    if info.default_factory is not None and info.default_factory_takes_validated_data:
        return None  # it depends on what nobody has typed yet
    return to_jsonable_python(info.get_default(call_default_factory=True), by_alias=True)


def _humanised(key: str) -> str:
    words = "".join(f" {char.lower()}" if char.isupper() else char for char in key.replace("_", " ")).split()
    return " ".join(words).capitalize() or key
