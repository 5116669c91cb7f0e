"""Block elements: what each may hold, and in which blocks it may stand.

Source: docs.slack.dev/reference/block-kit/block-elements and composition-objects.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from blocks.limits import numbers as n
from blocks.limits.shapes import (
    ANY_TEXT,
    Check,
    Spot,
    anything,
    array,
    exactly_one,
    flag,
    integer,
    one_of,
    shape,
    string,
    text,
)

CONFIRM = shape(
    {
        "title": text(n.CONFIRM_TITLE),
        "text": text(n.CONFIRM_TEXT, ANY_TEXT),
        "confirm": text(n.CONFIRM_BUTTON),
        "deny": text(n.CONFIRM_BUTTON),
    },
    {"style": one_of("primary", "danger")},
)


def _option(kinds: tuple[str, ...], extra: Mapping[str, Check] | None = None) -> Check:
    return shape(
        {"text": text(n.OPTION_TEXT, kinds), "value": string(n.OPTION_VALUE)},
        {"description": text(n.OPTION_DESCRIPTION, kinds), **(extra or {})},
    )


OPTION = _option(("plain_text",))
OPTION_GROUP = shape({"label": text(n.OPTION_GROUP_LABEL), "options": array(OPTION, 1, n.OPTIONS)})
_TICK = _option(ANY_TEXT)


# Rules that look at a whole element


def _offered(element: Mapping[str, Any]) -> Iterable[Any]:
    yield from element.get("options", ())
    for group in element.get("option_groups", ()):
        yield from group["options"]


def _initial_is_offered(element: Any, spot: Spot) -> None:
    """Slack compares the whole option object, not its value alone."""
    offered = list(_offered(element))
    for key in ("initial_option", "initial_options"):
        chosen = element.get(key, ())
        for option in [chosen] if key == "initial_option" and chosen else chosen:
            if option not in offered:
                spot.at(key).report("not_an_option", f"is not among the options: {option['value']}")


def _within_selection(element: Any, spot: Spot) -> None:
    most = element.get("max_selected_items")
    if most is not None and len(element.get("initial_options", ())) > most:
        spot.at("initial_options").report("too_many", f"has more members than max_selected_items, {most}")


def _text_bounds(element: Any, spot: Spot) -> None:
    least, most = element.get("min_length", 0), element.get("max_length", n.INPUT_TEXT)
    if least > most:
        spot.at("min_length").report("out_of_bounds", f"is {least}, more than max_length, {most}")
    if "initial_value" in element and not least <= len(element["initial_value"]) <= most:
        found = len(element["initial_value"])
        spot.at("initial_value").report("out_of_bounds", f"has {found} characters, and must have {least} to {most}")


def _number_bounds(element: Any, spot: Spot) -> None:
    found: dict[str, Decimal] = {}
    for key in ("min_value", "max_value", "initial_value"):
        if key in element:
            try:
                found[key] = Decimal(element[key])
            except InvalidOperation:
                spot.at(key).report("wrong_type", "must be a number, written as a string")
                return
            if not element["is_decimal_allowed"] and found[key] != found[key].to_integral_value():
                spot.at(key).report("wrong_type", "must be a whole number, as is_decimal_allowed is false")
    for low, high in (("min_value", "max_value"), ("min_value", "initial_value"), ("initial_value", "max_value")):
        if low in found and high in found and found[low] > found[high]:
            spot.at("initial_value" if "initial_value" in (low, high) else low).report(
                "out_of_bounds", f"{low} is {found[low]} and {high} is {found[high]}"
            )


# The elements themselves

_ID: dict[str, Check] = {"action_id": string(n.IDENTIFIER)}
_FOCUS: dict[str, Check] = {**_ID, "focus_on_load": flag}
_HINTED: dict[str, Check] = {**_FOCUS, "placeholder": text(n.PLACEHOLDER)}
_ASKING: dict[str, Check] = {**_HINTED, "confirm": CONFIRM}
_MANY: dict[str, Check] = {**_ASKING, "max_selected_items": integer(1)}
_TYPED: dict[str, Check] = {
    **_HINTED,
    "initial_value": string(n.INPUT_TEXT),
    "dispatch_action_config": shape(
        {"trigger_actions_on": array(one_of("on_enter_pressed", "on_character_entered"), 1, 2)}
    ),
}
_LISTED: dict[str, Check] = {
    "options": array(OPTION, 1, n.OPTIONS),
    "option_groups": array(OPTION_GROUP, 1, n.OPTION_GROUPS),
}
_ONE: dict[str, Check] = {"initial_option": OPTION}
_SEVERAL: dict[str, Check] = {"initial_options": array(OPTION, 1, n.OPTIONS)}
_QUERY: dict[str, Check] = {"min_query_length": integer(0)}
_PICK: dict[str, Check] = {"response_url_enabled": flag, "filter": anything, "default_to_current_conversation": flag}
_IDS = array(string(n.IDENTIFIER), 1, n.OPTIONS)
_TICKED: dict[str, Check] = {**_FOCUS, "confirm": CONFIRM}
_TYPE: dict[str, Check] = {"type": anything}
_BUTTON: dict[str, Check] = {
    **_ID,
    "url": string(n.URL),
    "value": string(n.BUTTON_VALUE),
    "style": one_of("primary", "danger"),
    "confirm": CONFIRM,
    "accessibility_label": string(n.BUTTON_TEXT),
}

IMAGE = shape(
    {**_TYPE, "alt_text": string(n.ALT_TEXT)},
    {"image_url": string(n.URL), "slack_file": anything},
    exactly_one("image_url", "slack_file"),
)

ELEMENTS: Mapping[str, Check] = {
    "button": shape({**_TYPE, "text": text(n.BUTTON_TEXT)}, _BUTTON),
    "checkboxes": shape(
        {**_TYPE, "options": array(_TICK, 1, n.TICK_OPTIONS)},
        {**_TICKED, "initial_options": array(_TICK, 1, n.TICK_OPTIONS)},
        _initial_is_offered,
    ),
    "radio_buttons": shape(
        {**_TYPE, "options": array(_TICK, 1, n.TICK_OPTIONS)}, {**_TICKED, "initial_option": _TICK}, _initial_is_offered
    ),
    "static_select": shape(
        _TYPE, {**_ASKING, **_LISTED, **_ONE}, exactly_one("options", "option_groups"), _initial_is_offered
    ),
    "multi_static_select": shape(
        _TYPE,
        {**_MANY, **_LISTED, **_SEVERAL},
        exactly_one("options", "option_groups"),
        _initial_is_offered,
        _within_selection,
    ),
    "external_select": shape(_TYPE, {**_ASKING, **_ONE, **_QUERY}),
    "multi_external_select": shape(_TYPE, {**_MANY, **_SEVERAL, **_QUERY}, _within_selection),
    "users_select": shape(_TYPE, {**_ASKING, "initial_user": string(n.IDENTIFIER)}),
    "multi_users_select": shape(_TYPE, {**_MANY, "initial_users": _IDS}),
    "channels_select": shape(_TYPE, {**_ASKING, "initial_channel": string(n.IDENTIFIER), "response_url_enabled": flag}),
    "multi_channels_select": shape(_TYPE, {**_MANY, "initial_channels": _IDS}),
    "conversations_select": shape(_TYPE, {**_ASKING, **_PICK, "initial_conversation": string(n.IDENTIFIER)}),
    "multi_conversations_select": shape(_TYPE, {**_MANY, **_PICK, "initial_conversations": _IDS}),
    "overflow": shape(
        {**_TYPE, "options": array(_option(("plain_text",), {"url": string(n.URL)}), 1, n.OVERFLOW_OPTIONS)},
        {**_ID, "confirm": CONFIRM},
    ),
    "plain_text_input": shape(
        _TYPE,
        {
            **_TYPED,
            "multiline": flag,
            "min_length": integer(0, n.INPUT_TEXT),
            "max_length": integer(1, n.INPUT_TEXT),
        },
        _text_bounds,
    ),
    "number_input": shape(
        {**_TYPE, "is_decimal_allowed": flag},
        {**_TYPED, "min_value": string(n.IDENTIFIER), "max_value": string(n.IDENTIFIER)},
        _number_bounds,
    ),
    "email_text_input": shape(_TYPE, _TYPED),
    "url_text_input": shape(_TYPE, _TYPED),
    "rich_text_input": shape(_TYPE, {**_TYPED, "initial_value": anything}),
    "file_input": shape(
        _TYPE, {**_ID, "filetypes": array(string(n.IDENTIFIER), 1, n.OPTIONS), "max_files": integer(1, n.FILES)}
    ),
    "datepicker": shape(_TYPE, {**_ASKING, "initial_date": string(10, 10)}),
    "timepicker": shape(_TYPE, {**_ASKING, "initial_time": string(5, 5), "timezone": string(n.IDENTIFIER)}),
    "datetimepicker": shape(_TYPE, {**_TICKED, "initial_date_time": integer(0)}),
    "workflow_button": shape({**_TYPE, "text": text(n.BUTTON_TEXT), "workflow": anything}, _BUTTON),
    "feedback_buttons": shape({**_TYPE, "positive_button": anything, "negative_button": anything}, _ID),
    "icon_button": shape({**_TYPE, "icon": string(n.IDENTIFIER), "text": text(n.BUTTON_TEXT)}, _BUTTON),
    "image": IMAGE,
}

_PICKERS = frozenset({"datepicker", "timepicker", "checkboxes", "radio_buttons"})
_SINGLE = frozenset(
    {"static_select", "external_select", "users_select", "channels_select", "conversations_select"},
)
_MULTI = frozenset(f"multi_{kind}" for kind in _SINGLE)
_TYPED_KINDS = frozenset({"plain_text_input", "number_input", "email_text_input", "url_text_input", "rich_text_input"})
_MODAL_ONLY = frozenset({"email_text_input", "url_text_input", "file_input"})

PLACES: Mapping[str, frozenset[str]] = {
    "input": _PICKERS | _SINGLE | _MULTI | _TYPED_KINDS | {"datetimepicker", "file_input"},
    "section": _PICKERS | _SINGLE | _MULTI | {"button", "overflow", "image", "workflow_button"},
    "actions": _PICKERS | _SINGLE | {"button", "overflow", "datetimepicker", "workflow_button"},
    "context_actions": frozenset({"feedback_buttons", "icon_button"}),
    "card": frozenset({"button"}),
}


def element(place: str) -> Check:
    """An element that may stand in a block of type `place`, on this surface."""

    def check(value: Any, spot: Spot) -> None:
        kind = value.get("type") if isinstance(value, Mapping) else None
        if not isinstance(kind, str) or kind not in ELEMENTS:
            spot.report("unknown_type", f"is not an element that Slack knows: {kind!r}")
        elif kind not in PLACES[place] or (kind in _MODAL_ONLY and spot.surface != "modal"):
            spot.report("not_allowed_here", f"{kind} cannot stand in a {place} block of a {spot.surface}")
        else:
            ELEMENTS[kind](value, spot)

    return check


def context_element(value: Any, spot: Spot) -> None:
    """An image or a text of either kind."""
    if isinstance(value, Mapping) and value.get("type") == "image":
        IMAGE(value, spot)
    else:
        text(n.TEXT, ANY_TEXT)(value, spot)
