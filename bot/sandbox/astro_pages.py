"""How the sandbox's Astro answers: pages of a list, errors, and connections that are cut on purpose."""

import json
import operator
import uuid
from collections.abc import Callable, Collection, Sequence
from typing import Any

from starlette.datastructures import QueryParams
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from bot.sandbox.astro_offers import Json
from bot.sandbox.astro_rules import Refusal

# Astro's page "List clusters": 0 to 1000, 20 when it isn't given.
LARGEST_PAGE = 1000
USUAL_PAGE = 20


class Refused(Exception):
    """What Astro answers instead of doing it."""

    def __init__(self, status: int, message: str, fields: Sequence[Refusal] = ()) -> None:
        super().__init__(message)
        self.response = error(status, message, fields)


def error(status: int, message: str, fields: Sequence[Refusal] = ()) -> Response:
    """Astro's error: `fieldErrors` only where the request's fields are at fault."""
    body: Json = {"message": message, "requestId": str(uuid.uuid4()), "statusCode": status}
    if fields:
        body["fieldErrors"] = [{"code": each.code, "field": each.field, "message": each.message} for each in fields]
    return JSONResponse(body, status)


def page(rows: Sequence[Json], key: str, query: QueryParams, sortable: Collection[str]) -> Json:
    """The part of `rows` that the query asks for. Raises `Refused` (400) for numbers or sorts unknown to Astro."""
    limit = _number(query, "limit", USUAL_PAGE, LARGEST_PAGE)
    offset = _number(query, "offset", 0, None)
    ordered = list(rows)
    # From the last to the first: each sort keeps the order of equals, so the first named ends up strongest.
    for sort in reversed(query.getlist("sorts")):
        field, _, way = sort.partition(":")
        if field not in sortable or way not in ("asc", "desc"):
            raise Refused(400, f"Invalid request: unknown sort {sort}", [Refusal("sorts", "oneof", f"unknown {sort}")])
        ordered.sort(key=operator.itemgetter(field), reverse=way == "desc")
    return {key: ordered[offset : offset + limit], "limit": limit, "offset": offset, "totalCount": len(ordered)}


def _number(query: QueryParams, name: str, usual: int, most: int | None) -> int:
    text = query.get(name)
    if text is None:
        return usual
    if not text.isascii() or not text.isdigit() or (most is not None and int(text) > most):
        bounds = "0 or more" if most is None else f"0 to {most}"
        message = f"{name} must be {bounds}"
        raise Refused(400, f"Invalid request: {message}", [Refusal(name, "range", message)])
    return int(text)


def parsed(content: bytes) -> Any:
    """A request's JSON. Raises `Refused` (400) when it is none."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise Refused(400, "Invalid request: the body is not JSON") from None


class Severed(Response):
    """No answer: the connection is closed. With `whole`, its head and the first half of its body go out before."""

    def __init__(self, cut: Callable[[tuple[str, int]], None], whole: Response | None = None) -> None:
        super().__init__()
        self.cut = cut
        self.whole = whole

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.whole is not None:
            start = {"status": self.whole.status_code, "headers": self.whole.raw_headers}
            await send({"type": "http.response.start", **start})
            content = bytes(self.whole.body)
            await send({"type": "http.response.body", "body": content[: len(content) // 2], "more_body": True})
        self.cut(scope["client"])
        while (await receive())["type"] != "http.disconnect":
            continue
