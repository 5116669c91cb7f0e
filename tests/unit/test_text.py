"""Text that nobody here wrote stays text, whatever it looks like."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from blocks.text import (
    bold,
    clean,
    code,
    entities,
    escape,
    group_mention,
    length,
    local_time,
    mention,
    mentions,
    mrkdwn,
    plain,
    provider_name,
    seconds,
    truncate,
    type_name,
)

# Text with far more of Slack's marks in it than chance would give.
hostile = st.lists(
    st.one_of(
        st.sampled_from([*"*_~`<>&@#!|:^-\n \t", "a", "Z", "7", "é", "日", "😀", "\u202e", "\x00", "\u200d", "\ud800"]),
        st.sampled_from(["<!channel>", "<@U1>", "<https://x.io|y>", ":tada:", "@here", "https://x.io/?a=b&c", "&amp;"]),
        st.text(max_size=3),
    ),
    max_size=25,
).map("".join)

# How Slack finds what it formats, a little broader than it does.
FORMATS = (
    re.compile(r"(?<![A-Za-z0-9])([*_~])[^\n]+?\1(?![A-Za-z0-9])"),
    re.compile(r"`"),
    re.compile(r":[\w'+-]+:"),
    re.compile(r"(?m)^\s*&gt;"),
    re.compile(r"@(here|channel|everyone)\b"),
)


def unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def letters(text: str) -> str:
    return "".join(letter for letter in unescaped(text) if letter.isalnum() and letter not in "ˍˋ")


@given(hostile)
def test_escaped_text_can_neither_ping_nor_link(text: str) -> None:
    for escaped in (escape(text), entities(text), code(text)):
        assert not re.search(r"[<>]|&(?!(amp|lt|gt);)", escaped)


@given(hostile)
@example("*x* _y_ ~z~ `k` > q")
@example("_ab *cd_ ef*")
def test_escaped_text_formats_nothing_and_makes_no_emoji(text: str) -> None:
    for pattern in FORMATS:
        assert not pattern.search(escape(text))


@given(hostile, st.text("abc :.\n", max_size=5), st.text("abc :.\n", max_size=5))
def test_nor_does_it_together_with_what_stands_around_it(text: str, before: str, after: str) -> None:
    assert not FORMATS[0].search(f"{before}{escape(text)}{after}")


@given(hostile)
def test_escaped_text_shows_the_same_letters(text: str) -> None:
    assert letters(escape(text)) == letters(entities(clean(text)))
    assert length(unescaped(escape(text))) == length(clean(text))


@given(hostile)
def test_the_text_for_notifications_is_exact(text: str) -> None:
    assert unescaped(entities(text)) == clean(text)


@pytest.mark.parametrize(
    "text",
    ["prod-aws", "My cluster", "prod_aws_2", "172.20.0.0/20", "14:05", "a*b", "ann@example.com", "https://x.io/a_b"],
)
def test_text_that_would_format_nothing_is_left_alone(text: str) -> None:
    assert escape(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<!channel>", "&lt;!channel&gt;"),
        ("*x*", "∗x∗"),
        ("_x_", "ˍxˍ"),
        ("~x~", "∼x∼"),
        ("`x`", "ˋxˋ"),
        ("> x", "› x"),
        (":tada:", "∶tada:"),
        ("arn:aws:iam", "arn∶aws:iam"),
        ("@here now", "＠here now"),
        ("a\r\nb\x00\u202e", "a\nb"),
    ],
)
def test_marks_become_twins_that_look_the_same(text: str, shown: str) -> None:
    assert escape(text) == shown


@given(hostile, st.integers(1, 40))
@example("@heretic", 6)
@example("ab*cd", 4)
def test_text_that_was_cut_formats_nothing_either(text: str, limit: int) -> None:
    for pattern in FORMATS:
        assert not pattern.search(escape(text, limit))
    assert not re.search(r"[*_~](?![A-Za-z0-9])", escape(text, limit))


@given(hostile, st.integers(1, 40))
def test_escaped_text_keeps_to_a_limit_and_cuts_no_entity(text: str, limit: int) -> None:
    cut = escape(text, limit)
    assert length(cut) <= limit
    assert not re.search(r"&(?!(amp|lt|gt);)", cut)
    assert cut == escape(text) or cut.endswith("…")


@given(st.text(), st.integers(1, 40))
def test_truncated_text_is_as_long_as_allowed_and_says_that_it_was_cut(text: str, limit: int) -> None:
    cut = truncate(text, limit)
    assert length(cut) <= limit
    assert cut == text if length(text) <= limit else cut.endswith("…")


def test_an_emoji_counts_as_two() -> None:
    assert truncate("😀" * 100, 150) == "😀" * 74 + "…"


@given(hostile)
def test_a_word_in_backticks_can_not_break_out(text: str) -> None:
    shown = code(text)
    assert shown == "–" or re.fullmatch(r"`[^`\n]+`", shown)


def test_plain_text_is_shown_as_it_stands() -> None:
    assert plain(" <!here> *x* :tada: ") == {"type": "plain_text", "text": "<!here> *x* :tada:", "emoji": False}


def test_no_text_object_is_ever_empty() -> None:
    assert plain(" \x00 ")["text"] == mrkdwn("  ")["text"] == code("") == "–"


def test_markup_is_taken_by_its_word_and_nothing_is_looked_for_in_it() -> None:
    assert mrkdwn(bold("x")) == {"type": "mrkdwn", "text": "*x*", "verbatim": True}


def test_people_and_groups_are_mentioned_by_id() -> None:
    assert (mention("U1"), group_mention("S1")) == ("<@U1>", "<!subteam^S1>")
    assert mentions(["U1", "S1", "U2"], "or") == "<@U1>, <!subteam^S1> or <@U2>"
    assert mentions(["U1"]) == "<@U1>"
    assert mentions([]) == ""
    assert mentions([f"U{n}" for n in range(11)]).endswith("<@U7> and 3 more")


def test_what_is_no_id_mentions_nobody() -> None:
    assert mention("U1> <!channel") == "U1&gt; &lt;!channel"
    assert group_mention("S1|x") == "S1|x"


def test_a_moment_is_told_in_the_reader_s_zone_and_else_in_utc() -> None:
    there = timezone(timedelta(hours=2))
    token = "<!date^1795528800^{date_short_pretty} {time}|2026-11-24 14:00 UTC>"
    assert (
        local_time(datetime(2026, 11, 24, 14, tzinfo=UTC))
        == local_time(datetime(2026, 11, 24, 16, tzinfo=there))
        == token
    )


def test_a_moment_without_its_zone_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="zone"):
        local_time(datetime(2026, 11, 24, 14))


def test_the_api_s_words_are_said_as_people_write_them() -> None:
    assert [provider_name(word) for word in ("AWS", "AZURE", "GCP", "OTHER")] == ["AWS", "Azure", "GCP", "OTHER"]
    assert [type_name(word) for word in ("DEDICATED", "HYBRID", "NEW")] == ["Dedicated", "Hybrid", "NEW"]


def test_spans_are_said_short() -> None:
    assert [seconds(span) for span in (0.5, 30, 30.0, 60, 90, 300)] == [
        "0.5 s",
        "30 s",
        "30 s",
        "1 min",
        "90 s",
        "5 min",
    ]
