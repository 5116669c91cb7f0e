"""Logs: one line each, and nothing secret in any of them, whoever wrote it and however deep it lies."""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
import structlog

from bot import logs
from bot.logs import HIDDEN, redact

SECRETS = {
    "bot token": "xoxb-123-abcDEF",
    "app token": "xapp-1-A012-345-abc",
    "signature": "v0=" + "a1" * 32,
    "response URL": "https://hooks.slack.com/commands/T1/2/abc",
    "trigger id": "1234567890.987654321." + "0123456789abcdef" * 2,
    "short trigger id": "13345224609.738474920.8088930838d88f008e0",
    "e-mail": "alice.o-neil+x@example.co.uk",
}


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave the libraries' loggers as they were."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.mark.parametrize("what", SECRETS)
def test_what_is_secret_is_hidden_and_the_words_around_it_stay(what: str) -> None:
    assert redact(f"before {SECRETS[what]} after") == f"before {HIDDEN} after"


def test_a_bearer_token_is_hidden_whatever_it_looks_like() -> None:
    assert redact("Authorization: Bearer abc.def-ghi") == f"Authorization: Bearer {HIDDEN}"


def test_a_password_in_a_url_is_hidden() -> None:
    assert redact("postgresql://bot:pa55@db/bot") == f"postgresql://{HIDDEN}@db/bot"


@pytest.mark.parametrize("text", ["CL-7F3K2", "U0123", "1700000000.123456", "172.20.0.0/20", "`CREATED`", "a@b", ""])
def test_what_is_not_secret_stays(text: str) -> None:
    assert redact(text) == text


class Pair(NamedTuple):
    one: str
    other: int


@dataclass
class Held:
    token: str = "xoxb-123"


@pytest.mark.parametrize(
    "value",
    [
        {"a": {"b": ["xoxb-123"]}},
        {"xoxb-123": 1},
        ("xoxb-123", 1),
        {"xoxb-123"},
        Pair("xoxb-123", 1),
        Held(),
        b"xoxb-123",
        ValueError("xoxb-123"),
        [ValueError({"token": "xoxb-123"})],
    ],
    ids=repr,
)
def test_a_secret_is_found_at_any_depth_and_in_any_kind_of_value(value: Any) -> None:
    hidden = redact(value)
    assert "xoxb-123" not in repr(hidden)
    assert HIDDEN in repr(hidden)


@pytest.mark.parametrize("value", [None, True, 0, 1.5, [1, {"a": None}]], ids=repr)
def test_numbers_stay_numbers(value: Any) -> None:
    assert redact(value) == value


@pytest.mark.parametrize("form", ["json", "console"])
def test_no_secret_passes_in_a_field_an_exception_or_a_librarys_line(
    capsys: pytest.CaptureFixture[str], form: str
) -> None:
    logs.configure(form, "DEBUG")
    log = structlog.get_logger()
    log.info("with a field", body={"token": "xoxb-123"}, fault=ValueError("xoxb-123"))
    with structlog.contextvars.bound_contextvars(person="alice@example.com"):
        log.warning("with a context")
    try:
        raise ValueError("xoxb-123")
    except ValueError:
        log.exception("with a traceback")
        logging.getLogger("some.library").exception("a library's %s", "xapp-1-2")
    logging.getLogger("some.library").warning("Bearer %s", "abc")
    told = capsys.readouterr().err
    assert told.count(HIDDEN) >= 7
    for secret in ("xoxb-123", "xapp-1-2", "alice@example.com", "Bearer abc"):
        assert secret not in told
    assert "ValueError" in told


def test_each_line_is_json_with_its_time_and_level(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", "INFO")
    structlog.get_logger().info("hello", request="CL-7F3K2")
    structlog.get_logger().debug("not this")
    logging.getLogger("some.library").warning("two\nlines")
    ours, theirs = lines(capsys)
    assert (ours["event"], ours["level"], ours["request"]) == ("hello", "info", "CL-7F3K2")
    assert ours["timestamp"].endswith("Z")
    assert (theirs["event"], theirs["level"]) == ("two\nlines", "warning")


def test_libraries_that_would_write_urls_and_bodies_are_silent_even_at_debug(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure("json", "DEBUG")
    for name in ("slack_bolt.App", "slack_sdk.web", "httpx", "httpcore.http11", "apscheduler", "aiosqlite", "uvicorn"):
        logging.getLogger(name).info("a body")
    assert lines(capsys) == []
