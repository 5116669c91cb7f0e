"""What Slack refuses is found before it leaves, and what Slack takes passes."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk.models import blocks as sdk
from slack_sdk.models.views import View

from blocks import limits
from blocks.limits import check_message, check_options, check_submission_answer, check_view, numbers


def text(words: str = "words", kind: str = "plain_text") -> dict[str, Any]:
    return {"type": kind, "text": words}


def option(value: str = "a", **more: Any) -> dict[str, Any]:
    return {"text": text(value or "empty"), "value": value, **more}


def entry(element: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "input", "label": text(), "element": element, **more}


def button(**more: Any) -> dict[str, Any]:
    return {"type": "button", "action_id": "go", "text": text("Go"), **more}


def actions(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)}


def modal(*blocks: Any, **more: Any) -> dict[str, Any]:
    return {"type": "modal", "title": text("Title"), "submit": text("Send"), "blocks": list(blocks), **more}


def home(*blocks: Any, **more: Any) -> dict[str, Any]:
    return {"type": "home", "blocks": list(blocks), **more}


SECTION = {"type": "section", "text": text("*words*", "mrkdwn")}
TYPED = {"type": "plain_text_input", "action_id": "value"}
NUMBER = {"type": "number_input", "action_id": "value", "is_decimal_allowed": False}
SELECT = {"type": "static_select", "action_id": "value", "options": [option("a"), option("b")]}
TABLE = {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]]}
RICH = {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": []}]}
CONFIRM = {"title": text("Sure?"), "text": text("It costs."), "confirm": text("Yes"), "deny": text("No")}

FINE: dict[str, dict[str, Any]] = {
    "each common block": modal(
        {"type": "header", "text": text("Head")},
        SECTION,
        {"type": "section", "fields": [text("a"), text("b", "mrkdwn")], "accessory": button(value="x")},
        {"type": "context", "elements": [text(), {"type": "image", "image_url": "https://x", "alt_text": "x"}]},
        {"type": "divider", "block_id": "line"},
        {"type": "image", "image_url": "https://x", "alt_text": "x", "title": text()},
        {"type": "alert", "text": text("Careful"), "level": "warning"},
        actions(button(value="v", style="danger", confirm=CONFIRM), button(action_id="b")),
        RICH,
    ),
    "each kind of input": modal(
        entry({**TYPED, "multiline": True, "min_length": 1, "max_length": 3000, "initial_value": "x"}, hint=text()),
        entry({**NUMBER, "min_value": "1", "max_value": "10", "initial_value": "5"}, optional=True),
        entry({**SELECT, "initial_option": option("b")}, dispatch_action=True),
        entry(
            {
                "type": "static_select",
                "option_groups": [{"label": text("G"), "options": [option("x")]}],
                "initial_option": option("x"),
            }
        ),
        entry({"type": "external_select", "min_query_length": 0, "initial_option": option("z")}),
        entry({**SELECT, "type": "multi_static_select", "initial_options": [option("a")], "max_selected_items": 1}),
        entry({"type": "multi_external_select", "placeholder": text("Type")}),
        entry({"type": "checkboxes", "options": [{**option("x"), "description": text("why", "mrkdwn")}]}),
        entry({"type": "radio_buttons", "options": [option("x")], "initial_option": option("x")}),
        entry({"type": "email_text_input"}),
        entry({"type": "datepicker", "initial_date": "2026-11-24"}),
        callback_id="c",
        private_metadata="m" * 3000,
        clear_on_close=True,
    ),
    "a Home tab with a table": home(TABLE, SECTION),
    "a hundred blocks": modal(*[SECTION] * 100),
    "no submit without inputs": {"type": "modal", "title": text("T"), "blocks": [SECTION]},
}


@pytest.mark.parametrize("name", FINE)
def test_what_slack_takes_passes(name: str) -> None:
    assert check_view(FINE[name]) == []


REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("no title", {"type": "modal", "blocks": [SECTION]}, "missing_field", ""),
    ("a long title", modal(SECTION, title=text("t" * 25)), "too_long", "/title/text"),
    ("a title with formatting", modal(SECTION, title=text("t", "mrkdwn")), "wrong_type", "/title"),
    (
        "inputs without submit",
        {"type": "modal", "title": text(), "blocks": [entry(TYPED)]},
        "missing_field",
        "",
    ),
    ("no blocks", modal(), "too_few", "/blocks"),
    ("too many blocks", modal(*[SECTION] * 101), "too_many", "/blocks"),
    ("blocks that are no list", {**modal(), "blocks": "x"}, "wrong_type", "/blocks"),
    ("a block that is no object", modal("x"), "unknown_type", "/blocks/0"),
    ("an unknown block", modal({"type": "sparkle"}), "unknown_type", "/blocks/0"),
    ("an unknown key", modal({**SECTION, "colour": "red"}), "unknown_field", "/blocks/0/colour"),
    ("a table in a modal", modal(TABLE), "not_allowed_here", "/blocks/0"),
    ("markdown in a modal", modal({"type": "markdown", "text": "x"}), "not_allowed_here", "/blocks/0"),
    ("a plan in a modal", modal({"type": "plan", "title": "x"}), "not_allowed_here", "/blocks/0"),
    ("an alert on Home", home({"type": "alert", "text": text()}), "not_allowed_here", "/blocks/0"),
    ("submit on Home", home(SECTION, submit=text()), "unknown_field", "/submit"),
    ("two blocks of one id", modal({**SECTION, "block_id": "a"}, {**SECTION, "block_id": "a"}), "duplicate_id",
     "/blocks/1/block_id"),
    ("a long block_id", modal({**SECTION, "block_id": "b" * 256}), "too_long", "/blocks/0/block_id"),
    ("two elements of one action_id", modal(actions(button(), button())), "duplicate_id", "/blocks/0"),
    ("a long callback_id", modal(SECTION, callback_id="c" * 256), "too_long", "/callback_id"),
    ("much private_metadata", modal(SECTION, private_metadata="m" * 3001), "too_long", "/private_metadata"),
    ("empty text", modal({"type": "section", "text": text("")}), "too_short", "/blocks/0/text/text"),
    ("a section of nothing", modal({"type": "section"}), "missing_field", "/blocks/0"),
    ("a long section", modal({"type": "section", "text": text("x" * 3001)}), "too_long", "/blocks/0/text/text"),
    ("eleven fields", modal({"type": "section", "fields": [text()] * 11}), "too_many", "/blocks/0/fields"),
    ("a long field", modal({"type": "section", "fields": [text("x" * 2001)]}), "too_long", "/blocks/0/fields/0/text"),
    ("a long header", modal({"type": "header", "text": text("x" * 151)}), "too_long", "/blocks/0/text/text"),
    ("a formatted header", modal({"type": "header", "text": text("x", "mrkdwn")}), "wrong_type", "/blocks/0/text"),
    ("eleven context elements", modal({"type": "context", "elements": [text()] * 11}), "too_many",
     "/blocks/0/elements"),
    ("a long alert", modal({"type": "alert", "text": text("x" * 201)}), "too_long", "/blocks/0/text/text"),
    ("an unknown level", modal({"type": "alert", "text": text(), "level": "mauve"}), "unknown_word",
     "/blocks/0/level"),
    ("an image without alt_text", modal({"type": "image", "image_url": "https://x"}), "missing_field", "/blocks/0"),
    ("26 buttons", modal(actions(*[button(action_id=str(i)) for i in range(26)])), "too_many", "/blocks/0/elements"),
    ("a long button", modal(actions(button(text=text("x" * 76)))), "too_long", "/blocks/0/elements/0/text/text"),
    ("a long button value", modal(actions(button(value="v" * 2001))), "too_long", "/blocks/0/elements/0/value"),
    ("an unknown style", modal(actions(button(style="loud"))), "unknown_word", "/blocks/0/elements/0/style"),
    ("a confirm without deny", modal(actions(button(confirm={k: v for k, v in CONFIRM.items() if k != "deny"}))),
     "missing_field", "/blocks/0/elements/0/confirm"),
    ("a long confirm", modal(actions(button(confirm={**CONFIRM, "text": text("x" * 301)}))), "too_long",
     "/blocks/0/elements/0/confirm/text/text"),
    ("a text input among actions", modal(actions(TYPED)), "not_allowed_here", "/blocks/0/elements/0"),
    ("a button as input", modal(entry(button())), "not_allowed_here", "/blocks/0/element"),
    ("a text input beside a section", modal({**SECTION, "accessory": TYPED}), "not_allowed_here",
     "/blocks/0/accessory"),
    ("an e-mail input on Home", home(entry({"type": "email_text_input"})), "not_allowed_here", "/blocks/0/element"),
    ("an input without label", modal({"type": "input", "element": TYPED}), "missing_field", "/blocks/0"),
    ("a formatted label", modal(entry(TYPED, label=text("x", "mrkdwn"))), "wrong_type", "/blocks/0/label"),
    ("a long label", modal(entry(TYPED, label=text("x" * 2001))), "too_long", "/blocks/0/label/text"),
    ("a long hint", modal(entry(TYPED, hint=text("x" * 2001))), "too_long", "/blocks/0/hint/text"),
    ("a long placeholder", modal(entry({**TYPED, "placeholder": text("x" * 151)})), "too_long",
     "/blocks/0/element/placeholder/text"),
    ("a formatted placeholder", modal(entry({**TYPED, "placeholder": text("x", "mrkdwn")})), "wrong_type",
     "/blocks/0/element/placeholder"),
    ("max_length past 3000", modal(entry({**TYPED, "max_length": 3001})), "out_of_bounds",
     "/blocks/0/element/max_length"),
    ("initial text past max_length", modal(entry({**TYPED, "max_length": 2, "initial_value": "abc"})),
     "out_of_bounds", "/blocks/0/element/initial_value"),
    ("initial text before min_length", modal(entry({**TYPED, "min_length": 4, "initial_value": "abc"})),
     "out_of_bounds", "/blocks/0/element/initial_value"),
    ("min_length past max_length", modal(entry({**TYPED, "min_length": 4, "max_length": 2})), "out_of_bounds",
     "/blocks/0/element/min_length"),
    ("a number without is_decimal_allowed", modal(entry({"type": "number_input"})), "missing_field",
     "/blocks/0/element"),
    ("number bounds that are numbers", modal(entry({**NUMBER, "min_value": 1})), "wrong_type",
     "/blocks/0/element/min_value"),
    ("an initial number that is none", modal(entry({**NUMBER, "initial_value": "abc"})), "wrong_type",
     "/blocks/0/element/initial_value"),
    ("a fraction where none is allowed", modal(entry({**NUMBER, "initial_value": "1.5"})), "wrong_type",
     "/blocks/0/element/initial_value"),
    ("an initial number out of bounds", modal(entry({**NUMBER, "max_value": "3", "initial_value": "4"})),
     "out_of_bounds", "/blocks/0/element/initial_value"),
    ("min_value past max_value", modal(entry({**NUMBER, "min_value": "5", "max_value": "3"})), "out_of_bounds",
     "/blocks/0/element/min_value"),
    ("no options", modal(entry({**SELECT, "options": []})), "too_few", "/blocks/0/element/options"),
    ("101 options", modal(entry({**SELECT, "options": [option(str(i)) for i in range(101)]})), "too_many",
     "/blocks/0/element/options"),
    ("options and groups", modal(entry({**SELECT, "option_groups": [{"label": text(), "options": [option()]}]})),
     "missing_field", "/blocks/0/element"),
    ("a long option", modal(entry({**SELECT, "options": [{"text": text("x" * 76), "value": "a"}]})), "too_long",
     "/blocks/0/element/options/0/text/text"),
    ("a long option value", modal(entry({**SELECT, "options": [{"text": text(), "value": "v" * 151}]})), "too_long",
     "/blocks/0/element/options/0/value"),
    ("a long description", modal(entry({**SELECT, "options": [option("a", description=text("d" * 76))]})),
     "too_long", "/blocks/0/element/options/0/description/text"),
    ("a formatted option of a select", modal(entry({**SELECT, "options": [{"text": text("x", "mrkdwn"),
     "value": "a"}]})), "wrong_type", "/blocks/0/element/options/0/text"),
    ("an initial option that isn't offered", modal(entry({**SELECT, "initial_option": option("c")})),
     "not_an_option", "/blocks/0/element/initial_option"),
    ("an initial option with another label", modal(entry({**SELECT, "initial_option": {**option("a"),
     "text": text("A")}})), "not_an_option", "/blocks/0/element/initial_option"),
    ("empty initial_options", modal(entry({**SELECT, "type": "multi_static_select", "initial_options": []})),
     "too_few", "/blocks/0/element/initial_options"),
    ("more chosen than may be", modal(entry({**SELECT, "type": "multi_static_select", "max_selected_items": 1,
     "initial_options": [option("a"), option("b")]})), "too_many", "/blocks/0/element/initial_options"),
    ("eleven checkboxes", modal(entry({"type": "checkboxes", "options": [option(str(i)) for i in range(11)]})),
     "too_many", "/blocks/0/element/options"),
    ("two elements that ask for the focus", modal(entry({**TYPED, "focus_on_load": True}),
     entry({**TYPED, "focus_on_load": True})), "too_many", "/blocks/1"),
    ("a view of more than 250 kB", modal(*[{"type": "section", "text": text("ü" * 2900)}] * 50), "too_big", ""),
]  # fmt: skip


@pytest.mark.parametrize(("name", "view", "code", "pointer"), REFUSED, ids=[case[0] for case in REFUSED])
def test_what_slack_refuses_is_named_with_its_place(name: str, view: dict[str, Any], code: str, pointer: str) -> None:
    assert [(found.code, found.pointer) for found in check_view(view)] == [(code, pointer)], name


def test_all_problems_are_found_at_once() -> None:
    view = modal({"type": "header", "text": text("x" * 151)}, TABLE, title=text("t" * 25))
    assert len(check_view(view)) == 3


def test_checking_changes_nothing() -> None:
    view = FINE["each kind of input"]
    before = copy.deepcopy(view)
    check_view(view)
    assert view == before


def message(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"channel": "C1", "text": "words", "blocks": list(blocks), **more}


def metadata(payload: Any) -> dict[str, Any]:
    return message(metadata={"event_type": "told", "event_payload": payload})


@pytest.mark.parametrize(
    "payload",
    [
        message(),
        message(SECTION, TABLE, {"type": "markdown", "text": "x" * 12_000}),
        message(*[SECTION] * 50),
        {"text": "x" * 40_000},
        {"blocks": [SECTION]},
        metadata({"id": "a", "n": 1, "list": [{"k": True}], "one": {"k": "v"}}),
        message(entry(TYPED)),
    ],
)
def test_messages_that_slack_takes_pass(payload: dict[str, Any]) -> None:
    assert check_message(payload) == []


@pytest.mark.parametrize(
    ("payload", "code", "pointer"),
    [
        ({"channel": "C1"}, "no_text", ""),
        (message(text="x" * 40_001), "too_long", "/text"),
        (message(*[SECTION] * 51), "too_many", "/blocks"),
        (message(TABLE, TABLE), "too_many", "/blocks/1"),
        (message(*[{"type": "markdown", "text": "x" * 7000}] * 2), "too_long", "/blocks/1"),
        (message({"type": "alert", "text": text()}), "not_allowed_here", "/blocks/0"),
        (message({**TABLE, "rows": [TABLE["rows"][0]] * 101}), "too_many", "/blocks/0/rows"),
        (message({**TABLE, "rows": [[{"type": "image"}]]}), "unknown_type", "/blocks/0/rows/0/0"),
        (message({"type": "rich_text", "elements": [{"type": "poem"}]}), "unknown_type", "/blocks/0/elements/0"),
        (message(metadata={"event_type": "told"}), "missing_field", "/metadata"),
        (metadata({"a": None}), "wrong_type", "/metadata/event_payload/a"),
        (metadata({"a": {"b": {"c": 1}}}), "wrong_type", "/metadata/event_payload/a/b"),
        (metadata("x"), "wrong_type", "/metadata/event_payload"),
    ],
)
def test_messages_that_slack_refuses_are_named(payload: dict[str, Any], code: str, pointer: str) -> None:
    assert [(found.code, found.pointer) for found in check_message(payload)] == [(code, pointer)]


def test_options_may_be_few_or_none_but_not_more_than_a_hundred() -> None:
    assert check_options({"options": []}) == []
    assert check_options({"options": [option(str(i)) for i in range(100)]}) == []
    assert check_options({"option_groups": [{"label": text(), "options": [option()]}]}) == []
    assert [found.code for found in check_options({"options": [option()] * 101})] == ["too_many"]
    assert [found.code for found in check_options({})] == ["missing_field"]
    assert [found.code for found in check_options({"options": [], "option_groups": []})] == ["missing_field"]
    assert [found.pointer for found in check_options({"options": [option("")]})] == ["/options/0/value"]


SUBMITTED = modal(entry(TYPED, block_id="name"), {**SECTION, "block_id": "words"})


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"response_action": "clear"},
        {"response_action": "errors", "errors": {"name": "Taken."}},
        {"response_action": "update", "view": modal(SECTION)},
        {"response_action": "push", "view": modal(SECTION)},
    ],
)
def test_fair_answers_to_a_submission_pass(answer: dict[str, Any]) -> None:
    assert check_submission_answer(answer, SUBMITTED) == []


@pytest.mark.parametrize(
    ("answer", "code", "pointer"),
    [
        ({"response_action": "errors", "errors": {"words": "x"}}, "unknown_field", "/errors/words"),
        ({"response_action": "errors", "errors": {"name#1": "x"}}, "unknown_field", "/errors/name#1"),
        ({"response_action": "errors", "errors": {"name": ""}}, "too_short", "/errors/name"),
        ({"response_action": "errors", "errors": {}}, "wrong_type", "/errors"),
        ({"response_action": "errors"}, "missing_field", ""),
        ({"response_action": "update"}, "missing_field", ""),
        ({"response_action": "update", "view": home(SECTION)}, "not_allowed_here", "/view/type"),
        ({"response_action": "push", "view": modal(TABLE)}, "not_allowed_here", "/view/blocks/0"),
        ({"response_action": "clear", "view": modal(SECTION)}, "unknown_field", "/view"),
        ({"response_action": "explode"}, "unknown_word", "/response_action"),
        ({"errors": {"name": "x"}}, "unknown_word", "/response_action"),
    ],
)
def test_unfair_answers_to_a_submission_are_named(answer: dict[str, Any], code: str, pointer: str) -> None:
    assert [(found.code, found.pointer) for found in check_submission_answer(answer, SUBMITTED)] == [(code, pointer)]


def test_slack_sdk_agrees_on_each_number_that_both_of_us_name() -> None:
    theirs = {
        "VIEW_TITLE": View.title_max_length,
        "MODAL_BLOCKS": View.blocks_max_length,
        "PRIVATE_METADATA": View.private_metadata_max_length,
        "IDENTIFIER": sdk.Block.block_id_max_length,
        "HEADER_TEXT": sdk.HeaderBlock.text_max_length,
        "SECTION_TEXT": sdk.SectionBlock.text_max_length,
        "SECTION_FIELDS": sdk.SectionBlock.fields_max_length,
        "CONTEXT_ELEMENTS": sdk.ContextBlock.elements_max_length,
        "ACTIONS_ELEMENTS": sdk.ActionsBlock.elements_max_length,
        "INPUT_LABEL": sdk.InputBlock.label_max_length,
        "PLACEHOLDER": sdk.PlainTextInputElement.placeholder_max_length,
        "OPTION_TEXT": sdk.Option.label_max_length,
        "OPTION_VALUE": sdk.Option.value_max_length,
        "OPTIONS": sdk.StaticSelectElement.options_max_length,
        "BUTTON_TEXT": sdk.ButtonElement.text_max_length,
        "BUTTON_VALUE": sdk.ButtonElement.value_max_length,
        "CONFIRM_TEXT": sdk.ConfirmObject.text_max_length,
        "CONFIRM_TITLE": sdk.ConfirmObject.title_max_length,
        "CONFIRM_BUTTON": sdk.ConfirmObject.deny_max_length,
        "MARKDOWN_TEXT": sdk.MarkdownBlock.text_max_length,
        "ALT_TEXT": sdk.ImageBlock.alt_text_max_length,
    }
    assert {name: getattr(numbers, name) for name in theirs} == theirs


def test_every_limit_can_be_had_from_the_package_itself() -> None:
    names = [name for name in vars(numbers) if name.isupper()]
    assert all(getattr(limits, name) == getattr(numbers, name) for name in names)


@pytest.mark.parametrize("check", [check_view, check_message, check_options])
def test_nonsense_is_a_problem_and_not_a_crash(check: Callable[[Any], list[limits.Problem]]) -> None:
    cases: list[Any] = [
        {"blocks": [None, 3, [], {"type": []}]},
        {"blocks": {"a": 1}},
        {"type": "home", "blocks": None},
    ]
    for nonsense in cases:
        assert check(nonsense)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "text", "value"]), inner),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None)
@given(name=st.sampled_from(sorted(FINE)), data=st.data())
def test_whatever_stands_anywhere_in_a_view_is_checked_without_a_crash(name: str, data: st.DataObject) -> None:
    view = copy.deepcopy(FINE[name])
    node: Any = view
    while True:
        key = data.draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
        if not isinstance(node[key], dict | list) or not node[key] or data.draw(st.booleans()):
            node[key] = data.draw(_JSON)
            break
        node = node[key]
    assert all(isinstance(found, limits.Problem) for found in check_view(view))
