"""One field as an input element, and Slack's entry for it as a value.

Literal, Enum, choices of up to 100   static_select          a list of them   multi_static_select
choices of more than 100              external_select        a list of them   multi_external_select
bool                                  checkboxes, one option
int                                   number_input
anything else                         plain_text_input       a list of it     the same, one a line
"""

import re
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from blocks import limits
from blocks.form.fields import Field
from blocks.form.parts import Block, Choices, Option, OverLimit, plain, truncate

# ASCII digits only, as Slack's number field has them; Python refuses to parse more than 4300.
_WHOLE = re.compile(r"\s*[+-]?[0-9]{1,1000}\s*")
_TICKED = {"text": plain("Yes"), "value": "true"}
_LONG_TEXT = 500  # from here on a text is a paragraph rather than a name, and gets several lines


def options_of(field: Field, choices: Choices) -> tuple[Option, ...]:
    """What the field offers, each value once. Nothing: no list is known, so it takes free text."""
    offered = [Option(str(value)) for value in field.fixed] if field.choices is None else choices.get(field.choices, ())
    return tuple({option.value: option for option in offered}.values())


def element_type(field: Field, options: Sequence[Option]) -> str:
    """Slack's name of the element that this field gets."""
    if field.base == "tick":
        return "checkboxes"
    if options:
        kind = "static_select" if len(options) <= limits.OPTIONS else "external_select"
        return f"multi_{kind}" if field.many else kind
    return "number_input" if field.base == "number" and not field.many else "plain_text_input"


def option_object(option: Option) -> Block:
    """The option as Slack takes it, its texts cut to what Slack shows.

    Raises OverLimit for a value that is empty or too long: cut, it would no longer be the same value.
    """
    if not 1 <= len(option.value) <= limits.OPTION_VALUE:
        raise OverLimit(
            f"an option's value has 1 to {limits.OPTION_VALUE} characters, and this one has {len(option.value)}: "
            f"{truncate(option.value, 40)!r}"
        )
    label = option.label if option.label.strip() else option.value
    made: Block = {"text": plain(truncate(label, limits.OPTION_TEXT)), "value": option.value}
    if option.description.strip():
        made["description"] = plain(truncate(option.description, limits.OPTION_DESCRIPTION))
    return made


# Values


def clean(field: Field, value: Any) -> Any:
    """The value in normal form, None for anything that counts as absent."""
    if field.many:
        members = [value] if isinstance(value, str) else list(value or ())
        return [kept for member in members if (kept := _single(field, member)) is not None] or None
    return _single(field, value)


def _single(field: Field, value: Any) -> Any:
    if isinstance(value, Enum):
        value = value.value
    if field.base == "tick":
        return True if value else None
    if value is None or not str(value).strip():
        return None
    return _typed(field, str(value))


def _typed(field: Field, text: str) -> Any:
    """A string from Slack as the type of the field, or as it is where it can't be: the model will say what is wrong."""
    if field.base == "number":
        return int(text) if _WHOLE.fullmatch(text) else text
    return next((value for value in field.fixed if str(value) == text), text)


def offered_only(value: Any, options: Sequence[Option]) -> Any:
    """The value without whatever is not among the options; unchanged where there are none to choose from."""
    if not options or value is None:
        return value
    known = {option.value for option in options}
    if isinstance(value, list):
        return [member for member in value if str(member) in known] or None
    return value if str(value) in known else None


def value_held(field: Field, entry: Mapping[str, Any]) -> Any:
    """What an entry of `view.state.values` says, in normal form. `entry` names the element's type."""
    if "selected_options" in entry:
        chosen = [option["value"] for option in entry["selected_options"] or ()]
        return clean(field, bool(chosen) if field.base == "tick" else chosen)
    if "selected_option" in entry:
        return clean(field, (entry["selected_option"] or {}).get("value"))
    typed = entry.get("value")
    if field.many and typed:
        return clean(field, [line.removesuffix("\r") for line in typed.split("\n")])
    return clean(field, typed)


# Elements


def element(field: Field, options: Sequence[Option], value: Any, *, kept: bool) -> Block:
    """The element with `value` (in normal form, among the options) as its initial value.

    Slack refuses an initial value outside the element's own bounds. Where Slack keeps what was typed (`kept`) the
    initial value is ignored anyway and can be left out; otherwise that bound is left out, so that the person finds what
    they had typed and the model's own check says what is wrong with it.
    """
    kind = element_type(field, options)
    made: Block = {"type": kind, "action_id": "value"}
    if kind == "checkboxes":
        made["options"] = [_TICKED]
        if value:
            made["initial_options"] = [_TICKED]
    elif options:
        _fill_select(made, field, options, value)
    else:
        if field.example.strip():
            made["placeholder"] = plain(truncate(field.example, limits.PLACEHOLDER))
        (_fill_number if kind == "number_input" else _fill_text)(made, field, value, kept)
    return made


def _fill_select(made: Block, field: Field, options: Sequence[Option], value: Any) -> None:
    if made["type"].endswith("external_select"):
        made["min_query_length"] = 0
        made["placeholder"] = plain("Type to search")
    elif any(option.group for option in options):
        headings = dict.fromkeys(option.group or "Other" for option in options)
        made["option_groups"] = [
            {
                "label": plain(truncate(heading, limits.OPTION_GROUP_LABEL)),
                "options": [option_object(option) for option in options if (option.group or "Other") == heading],
            }
            for heading in headings
        ]
    else:
        made["options"] = [option_object(option) for option in options]
    # A list that is not shown as a whole may be longer than what a view can hold of it as chosen.
    most = field.most or (limits.OPTIONS if made["type"] == "multi_external_select" else None)
    if field.many and most and len(value or ()) <= most:
        made["max_selected_items"] = most
    if value is not None:
        by_value = {option.value: option for option in options}
        chosen = [option_object(by_value[str(member)]) for member in (value if field.many else [value])]
        made.update({"initial_options": chosen} if field.many else {"initial_option": chosen[0]})


def _fill_number(made: Block, field: Field, value: Any, kept: bool) -> None:
    made["is_decimal_allowed"] = False
    bounds = {key: bound for key, bound in (("min_value", field.least), ("max_value", field.most)) if bound is not None}
    if isinstance(value, int):
        _set_initial(made, bounds, str(value), value, kept)
    made.update({key: str(bound) for key, bound in bounds.items()})


def _fill_text(made: Block, field: Field, value: Any, kept: bool) -> None:
    if field.many:
        made["multiline"] = True
        if value is not None:
            made["initial_value"] = "\n".join(str(member) for member in value)
        return
    if (field.most or 0) >= _LONG_TEXT:
        made["multiline"] = True
    bounds = {} if field.least is None else {"min_length": field.least}
    if field.most is not None:
        bounds["max_length"] = min(field.most, limits.INPUT_TEXT)
    if value is not None:
        _set_initial(made, bounds, str(value), len(str(value)), kept)
    made.update(bounds)


def _set_initial(made: Block, bounds: dict[str, int], initial: str, measure: int, kept: bool) -> None:
    """Sets the initial value, or drops the bounds that it breaks, or drops it where Slack keeps its own."""
    broken = [key for key, bound in bounds.items() if (measure < bound if key.startswith("min") else measure > bound)]
    if broken and kept:
        return
    for key in broken:
        del bounds[key]
    made["initial_value"] = initial
