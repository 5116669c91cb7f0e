"""Pydantic's errors as plain sentences."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic_core import ErrorDetails

_SENTENCES: Mapping[str, str] = {
    "missing": "This is needed.",
    "none_required": "Leave this empty.",
    "string_type": "This must be text.",
    "string_unicode": "This holds half a character. Type it anew instead of pasting it.",
    "bool_type": "This must be true or false.",
    "bool_parsing": "This must be yes or no.",
    "int_type": "This must be a whole number.",
    "int_parsing": "Write a whole number.",
    "int_from_float": "Write a whole number.",
    "int_parsing_size": "That number is too large.",
    "float_type": "This must be a number.",
    "float_parsing": "Write a number.",
    "finite_number": "This must be a finite number.",
    "list_type": "This must be a list.",
    "tuple_type": "This must be a list.",
    "dict_type": "This must be a table of keys and values.",
    "model_type": "This must be a table of keys and values.",
    "model_attributes_type": "This must be a table of keys and values.",
    "extra_forbidden": "This does not belong here.",
}


def _things(count: int, one: str) -> str:
    return f"{count} {one}" if count == 1 else f"{count} {one}s"


_WITH_BOUNDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "literal_error": lambda ctx: f"Choose one of {_plain_list(ctx['expected'])}.",
    "enum": lambda ctx: f"Choose one of {_plain_list(ctx['expected'])}.",
    "greater_than_equal": lambda ctx: f"This must be {ctx['ge']:g} or more.",
    "greater_than": lambda ctx: f"This must be more than {ctx['gt']:g}.",
    "less_than_equal": lambda ctx: f"This must be {ctx['le']:g} or less.",
    "less_than": lambda ctx: f"This must be less than {ctx['lt']:g}.",
    "string_too_long": lambda ctx: f"At most {_things(ctx['max_length'], 'character')}, please.",
    "string_too_short": lambda ctx: (
        "This may not be empty." if ctx["min_length"] == 1 else f"At least {ctx['min_length']} characters, please."
    ),
    "too_long": lambda ctx: f"At most {ctx['max_length']} of these, please.",
    "too_short": lambda ctx: (
        "Name at least one." if ctx["min_length"] == 1 else f"At least {ctx['min_length']} of these, please."
    ),
}


def _plain_list(expected: str) -> str:
    return expected.replace("'", "")


def sentence(error: ErrorDetails) -> str:
    """What this error says to a person. Our own validators' words come through as they are."""
    kind, context = error["type"], error.get("ctx", {})
    if kind in ("value_error", "assertion_error"):
        return str(context.get("error", error["msg"]))
    if kind in _WITH_BOUNDS:
        return _WITH_BOUNDS[kind](context)
    return _SENTENCES.get(kind, f"{error['msg'].rstrip('.')}.")
