"""Kinds of block: what each may hold, and on which surface it may be shown.

Source: docs.slack.dev/reference/block-kit/blocks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from blocks.limits import numbers as n
from blocks.limits.elements import IMAGE, context_element, element
from blocks.limits.shapes import (
    ANY_TEXT,
    Check,
    Spot,
    Surface,
    anything,
    array,
    at_least_one,
    exactly_one,
    flag,
    integer,
    one_of,
    shape,
    string,
    text,
)


@dataclass(frozen=True)
class Kind:
    """A block type: the surfaces that show it, and its shape."""

    surfaces: frozenset[Surface]
    check: Check


_EVERYWHERE = frozenset[Surface]({"message", "modal", "home"})
_MESSAGE = frozenset[Surface]({"message"})
_MODAL = frozenset[Surface]({"modal"})
_NOT_MODAL = frozenset[Surface]({"message", "home"})


def _kind(
    surfaces: frozenset[Surface], required: Mapping[str, Check], optional: Mapping[str, Check], *rules: Check
) -> Kind:
    return Kind(
        surfaces,
        shape({"type": anything, **required}, {"block_id": string(n.IDENTIFIER), **optional}, *rules),
    )


def _cell(value: Any, spot: Spot) -> None:
    kind = value.get("type") if isinstance(value, Mapping) else None
    if kind not in ("raw_text", "raw_number", "rich_text"):
        spot.report("unknown_type", f"is not a table cell that Slack knows: {kind!r}")


def _rich_part(value: Any, spot: Spot) -> None:
    kind = value.get("type") if isinstance(value, Mapping) else None
    if kind not in ("rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote"):
        spot.report("unknown_type", f"is not a part of rich text that Slack knows: {kind!r}")
    elif not isinstance(value.get("elements"), list):
        spot.report("missing_field", "needs elements")


_WORDS = text(n.TEXT, ANY_TEXT)
_RICH = shape({"type": one_of("rich_text"), "elements": array(_rich_part, 1, n.TEXT)}, {"block_id": anything})
_TASK: dict[str, Check] = {
    "task_id": string(n.IDENTIFIER),
    "title": string(n.IDENTIFIER),
    "status": one_of("pending", "in_progress", "complete", "error"),
}
_TASK_MORE: dict[str, Check] = {"details": _RICH, "output": _RICH, "sources": array(anything, 1, n.PLAN_TASKS)}


KINDS: Mapping[str, Kind] = {
    "actions": _kind(_EVERYWHERE, {"elements": array(element("actions"), 1, n.ACTIONS_ELEMENTS)}, {}),
    "context": _kind(_EVERYWHERE, {"elements": array(context_element, 1, n.CONTEXT_ELEMENTS)}, {}),
    "divider": _kind(_EVERYWHERE, {}, {}),
    "header": _kind(_EVERYWHERE, {"text": text(n.HEADER_TEXT)}, {}),
    "image": _kind(
        _EVERYWHERE,
        {"alt_text": string(n.ALT_TEXT)},
        {"image_url": string(n.URL), "slack_file": anything, "title": text(n.IMAGE_TITLE)},
        exactly_one("image_url", "slack_file"),
    ),
    "input": _kind(
        _EVERYWHERE,
        {"label": text(n.INPUT_LABEL), "element": element("input")},
        {"hint": text(n.INPUT_LABEL), "optional": flag, "dispatch_action": flag},
    ),
    "rich_text": _kind(_EVERYWHERE, {"elements": array(_rich_part, 1, n.TEXT)}, {}),
    "section": _kind(
        _EVERYWHERE,
        {},
        {
            "text": text(n.SECTION_TEXT, ANY_TEXT),
            "fields": array(text(n.SECTION_FIELD_TEXT, ANY_TEXT), 1, n.SECTION_FIELDS),
            "accessory": element("section"),
            "expand": flag,
        },
        at_least_one("text", "fields"),
    ),
    "video": _kind(
        _EVERYWHERE,
        {
            "alt_text": string(n.ALT_TEXT),
            "title": text(n.VIDEO_TITLE),
            "thumbnail_url": string(n.URL),
            "video_url": string(n.URL),
        },
        {
            "author_name": string(50),
            "description": text(n.VIDEO_TITLE),
            "provider_icon_url": string(n.URL),
            "provider_name": string(50),
            "title_url": string(n.URL),
        },
    ),
    "card": _kind(
        _EVERYWHERE,
        {},
        {
            "title": text(n.CARD_TITLE, ANY_TEXT),
            "subtitle": text(n.CARD_TITLE, ANY_TEXT),
            "body": text(n.CARD_BODY, ANY_TEXT),
            "icon": IMAGE,
            "hero_image": IMAGE,
            "actions": array(element("card"), 1, n.CARD_ACTIONS),
        },
        at_least_one("hero_image", "title", "actions", "body"),
    ),
    "alert": _kind(
        _MODAL,
        {"text": text(n.ALERT_TEXT, ANY_TEXT)},
        {"level": one_of("default", "info", "warning", "error", "success")},
    ),
    "table": _kind(
        _NOT_MODAL,
        {"rows": array(array(_cell, 1, n.TABLE_COLUMNS), 1, n.TABLE_ROWS)},
        {"column_settings": array(anything, 0, n.TABLE_COLUMNS)},
    ),
    "data_table": _kind(
        _NOT_MODAL,
        {"caption": string(n.TEXT), "rows": array(array(_cell, 1, n.TABLE_COLUMNS), 2, n.DATA_TABLE_ROWS)},
        {"page_size": integer(1), "row_header_column_index": integer(0)},
    ),
    "data_visualization": _kind(_NOT_MODAL, {"title": string(n.CHART_TITLE), "chart": anything}, {}),
    "carousel": _kind(_NOT_MODAL, {"elements": array(anything, 1, n.CONTAINER_BLOCKS)}, {}),
    # Slack's two pages differ on the Home tab; the stricter one is taken.
    "container": _kind(
        _MESSAGE,
        {"title": _WORDS, "child_blocks": array(anything, 1, n.CONTAINER_BLOCKS)},
        {"width": one_of("narrow", "standard", "wide", "full"), "is_collapsible": flag, "subtitle": _WORDS},
    ),
    "context_actions": _kind(
        _MESSAGE, {"elements": array(element("context_actions"), 1, n.CONTEXT_ACTIONS_ELEMENTS)}, {}
    ),
    "file": _kind(_MESSAGE, {"external_id": string(n.IDENTIFIER), "source": one_of("remote")}, {}),
    "markdown": _kind(_MESSAGE, {"text": string(n.MARKDOWN_TEXT)}, {}),
    "task_card": _kind(_MESSAGE, _TASK, _TASK_MORE),
    "plan": _kind(
        _MESSAGE,
        {"title": string(n.IDENTIFIER)},
        {"tasks": array(shape({"type": one_of("task_card"), **_TASK}, _TASK_MORE), 1, n.PLAN_TASKS)},
    ),
}


def block(value: Any, spot: Spot) -> None:
    """Any block that this surface shows."""
    kind = value.get("type") if isinstance(value, Mapping) else None
    known = KINDS.get(kind) if isinstance(kind, str) else None
    if known is None:
        spot.report("unknown_type", f"is not a block that Slack knows: {kind!r}")
    elif spot.surface not in known.surfaces:
        spot.report("not_allowed_here", f"a {spot.surface} cannot show a {kind} block")
    else:
        known.check(value, spot)
