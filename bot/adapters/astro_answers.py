"""Reading what Astro answers: whole pages, JSON, or the error that an answer stands for."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from bot.clusters.outcome import Answer, words
from bot.errors import Limited, NoAnswer, Refused, RemoteError

# Astro's own limits for `limit`: 0 to 1000, 20 when it isn't given (API page "List clusters").
PAGE_SIZE = 1000

Row = dict[str, Any]


def read(call: str, answer: Answer) -> Any:
    """The JSON of a 2xx. Raises what any other answer to a call that reads means.

    Raises:
        Limited: 429.
        Refused: any other 4xx, with the status as its code and Astro's words; a redirect too, as we follow none.
        NoAnswer: 5xx, and a 2xx that isn't JSON.
    """
    if 200 <= answer.status < 300:
        if answer.body is None:
            raise NoAnswer(call, f"answered {answer.status} with something that is not JSON")
        return answer.body
    if answer.status == 429:
        raise Limited(call, answer.retry_after)
    fault: RemoteError
    # 408 is a time-out by another name: nobody has looked at the request.
    if answer.status >= 500 or answer.status == 408:
        fault = NoAnswer(call, f"{answer.status}: {words(answer)}")
    else:
        fault = Refused(call, str(answer.status), words(answer))
    request_id = answer.body.get("requestId") if isinstance(answer.body, dict) else None
    if isinstance(request_id, str):
        fault.add_note(f"Astro's request id: {request_id}")
    raise fault


@dataclass(frozen=True)
class Page:
    """Some rows of a list, each with an `id`, and how many there are on all pages."""

    rows: list[Row]
    total: int


def read_page(call: str, found: Any, key: str, offset: int) -> Page:
    """One page of a list, asked for from `offset` on with `PAGE_SIZE` as its limit.

    Raises `NoAnswer` unless it is whole: no shorter than its own numbers say, and from where we asked.
    """
    rows, total = (found.get(key), found.get("totalCount")) if isinstance(found, dict) else (None, None)
    if not isinstance(rows, list) or not isinstance(total, int) or total < 0:
        raise NoAnswer(call, f"the answer is not a page of {key}")
    if not all(isinstance(row, dict) and isinstance(row.get("id"), str) for row in rows):
        raise NoAnswer(call, f"the page has {key} without an id")
    # Astro repeats the limit and the offset that it used.
    limit = found.get("limit", PAGE_SIZE)
    if found.get("offset", offset) != offset or not isinstance(limit, int) or limit < 1:
        raise NoAnswer(call, "the page is not the one that was asked for")
    if len(rows) < min(PAGE_SIZE, limit, total - offset):
        raise NoAnswer(call, f"the page at {offset} has {len(rows)} {key}, of {total} in all")
    return Page(rows, total)


def as_answer(status: int, headers: Mapping[str, str], content: bytes) -> Answer:
    """An answer as it stands. Nothing in it can make this fail: it may be all that is left of a create.

    `headers` finds names whatever their case.
    """
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        body = None
    date = _date(headers.get("Date"))
    return Answer(status, body, content.decode("utf-8", "replace"), _wait(headers.get("Retry-After"), date), date)


def _date(header: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(header or "")
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _wait(header: str | None, date: datetime | None) -> float | None:
    """Seconds to wait. Retry-After is a number of them or a moment (RFC 9110, 10.2.3), counted from the server's."""
    if not header:
        return None
    try:
        seconds = float(header)
    except ValueError:
        moment = _date(header)
        if moment is None:
            return None
        seconds = max(0.0, (moment - (date or datetime.now(UTC))).total_seconds())
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
