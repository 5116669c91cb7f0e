"""What can be read off a pydantic model whose fields carry the hints of schema.py, whatever the model is."""

from collections.abc import Iterator, Mapping
from types import NoneType
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bot.clusters.faults import Loc


def hints(field: FieldInfo) -> Mapping[str, Any]:
    extra = field.json_schema_extra
    return extra if isinstance(extra, dict) else {}


def bare(annotation: Any) -> Any:
    """The annotation without `Annotated` and without `| None`."""
    if get_origin(annotation) is Annotated:
        return bare(get_args(annotation)[0])
    kinds = [kind for kind in get_args(annotation) if kind is not NoneType]
    if NoneType in get_args(annotation) and len(kinds) == 1:
        return bare(kinds[0])
    return annotation


def item_model(field: FieldInfo) -> type[BaseModel] | None:
    """The model of a repeated group's items; None for any other field."""
    kind = bare(field.annotation)
    items = get_args(kind) if get_origin(kind) is list else ()
    inner = bare(items[0]) if items else None
    return inner if isinstance(inner, type) and issubclass(inner, BaseModel) else None


def holds(condition: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    """Whether `when` or `required_when` is met: each named field has one of these values (True: any)."""
    return all(
        bool(values.get(name)) if wanted is True else values.get(name) in wanted for name, wanted in condition.items()
    )


def walk(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    """All fields, those of repeated groups after their group."""
    for name, field in model.model_fields.items():
        yield name, field
        if inner := item_model(field):
            yield from walk(inner)


def title(model: type[BaseModel], loc: Loc) -> str:
    """The field's title, as in "Node pools 1: Name"; the name itself where the model has no such field."""
    field = model.model_fields.get(str(loc[0])) if loc else None
    if field is None or not field.title:
        return ".".join(str(part) for part in loc)
    inner = item_model(field)
    if inner is None or len(loc) < 2 or not isinstance(loc[1], int):
        return field.title
    which = f"{field.title} {loc[1] + 1}"
    return f"{which}: {title(inner, loc[2:])}" if loc[2:] else which


def summarise(model: type[BaseModel], values: Mapping[str, Any], labels: Mapping[str, str]) -> list[tuple[str, str]]:
    """(title, value) for each field that is present, in declaration order, then whatever the model doesn't know."""
    known = [name for name in model.model_fields if name in values]
    strange = [name for name in values if name not in model.model_fields]
    return [(title(model, (name,)), _shown(model, name, values[name], labels)) for name in known + strange]


def _shown(model: type[BaseModel], name: str, value: Any, labels: Mapping[str, str]) -> str:
    field = model.model_fields.get(name)
    inner = item_model(field) if field else None
    if isinstance(value, list | tuple):
        if inner:
            return "\n".join(_line(inner, item, labels) for item in value)
        return ", ".join(_plain(item, labels) for item in value)
    return _plain(value, labels)


def _line(model: type[BaseModel], item: Any, labels: Mapping[str, str]) -> str:
    if not isinstance(item, Mapping):
        return _plain(item, labels)
    return ", ".join(f"{name}: {value}" for name, value in summarise(model, item, labels))


def _plain(value: Any, labels: Mapping[str, str]) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return labels.get(value, value) if isinstance(value, str) else str(value)
