"""Messages and modals drawn as a few lines of text, so that a snapshot reads like what a person sees."""

from collections.abc import Iterator, Mapping
from typing import Any

from blocks.limits import check_message, check_view


def drawn(message: Mapping[str, Any]) -> str:
    """A legal message or view, drawn."""
    problems = check_view(message) if message.get("type") == "modal" else check_message(message)
    assert problems == [], problems
    top = f"<< {message['title']['text']} >>" if message.get("type") == "modal" else f'"{message["text"]}"'
    return "\n".join([top, *(line for block in message["blocks"] for line in _block(block))])


def words(thing: Any) -> str:
    """Every word in a payload that a person may read."""
    return "\n".join(_texts(thing, {"plain_text", "mrkdwn"}))


def markup(thing: Any) -> str:
    """What of it Slack parses."""
    return "\n".join(_texts(thing, {"mrkdwn"}))


def _texts(thing: Any, kinds: set[str]) -> Iterator[str]:
    match thing:
        case {"type": str(kind), "text": str(text)}:
            yield from (text,) if kind in kinds else ()
        case dict():
            for part in thing.values():
                yield from _texts(part, kinds)
        case list():
            for part in thing:
                yield from _texts(part, kinds)


def _block(block: Mapping[str, Any]) -> Iterator[str]:
    match block:
        case {"type": "header", "text": text}:
            yield f"# {text['text']}"
        case {"type": "section", "fields": fields}:
            yield " | ".join(field["text"] for field in fields)
        case {"type": "section", "text": text}:
            yield from text["text"].splitlines()
        case {"type": "context", "elements": elements}:
            yield from (f"-- {element['text']}" for element in elements)
        case {"type": "actions", "elements": elements}:
            yield from map(_button, elements)
        case {"type": "input", "label": label, "element": element}:
            yield f"[{block['block_id']}] {label['text']} ({element['type']} {element['action_id']})"
            yield f"   {block['hint']['text']}"
        case _:
            raise AssertionError(f"how does one draw this? {block}")


def _button(button: Mapping[str, Any]) -> str:
    asked = button.get("confirm")
    look = f"{button['text']['text']} = {button['action_id']} {button['value']} {button.get('style', '')}".rstrip()
    if not asked:
        return f"[ {look} ]"
    answers = f"{asked['confirm']['text']} / {asked['deny']['text']}"
    return f"[ {look} ]  {asked['title']['text']} {asked['text']['text']} ({answers})"
