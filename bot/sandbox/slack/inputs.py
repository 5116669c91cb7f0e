"""What Slack's client checks before it submits a modal, without asking the app."""

import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

from bot.sandbox.slack.elements import HOLDS, Json, State

REQUIRED = "Please complete this required field."
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_URL = re.compile(r"https?://[^\s/]+\S*")


def refused_inputs(blocks: Iterable[Json], state: State) -> dict[str, str]:
    """Block id → what is wrong with its input; empty where the client lets the submission go.

    The words for an empty required field are Slack's; those for bounds say the same as Slack's.
    """
    errors = {}
    for block in blocks:
        if block["type"] != "input":
            continue
        element = block["element"]
        value = state[block["block_id"]][element["action_id"]][HOLDS[element["type"]][0]]
        if value in (None, "", []):
            if not block.get("optional", False):
                errors[block["block_id"]] = REQUIRED
        elif problem := _problem(element, value):
            errors[block["block_id"]] = problem
    return errors


def _problem(element: Json, value: object) -> str:
    match element["type"]:
        case "plain_text_input":
            return _length(element, str(value))
        case "number_input":
            return _number(element, str(value))
        case "email_text_input":
            return "" if _EMAIL.fullmatch(str(value)) else "Please enter a valid email address."
        case "url_text_input":
            return "" if _URL.fullmatch(str(value)) else "Please enter a valid URL."
    most = element.get("max_selected_items")
    if most and isinstance(value, list) and len(value) > most:
        return f"Please choose no more than {most}."
    return ""


def _length(element: Json, value: str) -> str:
    if len(value) < element.get("min_length", 0):
        return f"Please enter at least {element['min_length']} characters."
    if len(value) > element.get("max_length", 3000):
        return f"Please enter no more than {element.get('max_length', 3000)} characters."
    return ""


def _number(element: Json, value: str) -> str:
    try:
        number = Decimal(value.strip())
    except InvalidOperation:
        return "Please enter a valid number."
    if not number.is_finite():
        return "Please enter a valid number."
    if not element["is_decimal_allowed"] and number != number.to_integral_value():
        return "Please enter a whole number."
    least, most = element.get("min_value"), element.get("max_value")
    if least is not None and number < Decimal(least):
        return f"Please enter a number of {least} or more."
    if most is not None and number > Decimal(most):
        return f"Please enter a number of {most} or less."
    return ""
