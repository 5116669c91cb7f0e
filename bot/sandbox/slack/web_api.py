"""Slack's Web API over HTTP: who calls, with which leave, in what shape. What the methods do stands in `methods`."""

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from bot.sandbox.slack.arguments import Refusal, any_scope
from bot.sandbox.slack.elements import Json
from bot.sandbox.slack.faults import Fault, Faults, Rates
from bot.sandbox.slack.methods import METHODS, Method
from bot.sandbox.slack.workspace import Workspace

JSON_ARGUMENTS = ("view", "blocks", "metadata", "attachments")


@dataclass
class Call:
    """One request to the Web API, as logged: `at` by the workspace's clock, `args` without the token.

    `answer` is what the method said, also where a fault kept it from the caller; None where it never ran.
    """

    at: float
    method: str
    args: Json
    status: int = 0
    answer: Json | None = None
    fault: Fault | None = field(default=None, repr=False)


class WebApi:
    """The ASGI app under `/api/`. `tokens` are the bot's and the app-level one; `link` makes a Socket Mode URL."""

    def __init__(self, workspace: Workspace, *, bot_token: str, app_token: str, link: Callable[[], str] | None) -> None:
        self.workspace = workspace
        self.bot_token, self.app_token = bot_token, app_token
        self.link = link
        self.faults = Faults()
        self.rates = Rates(workspace.clock)
        self.calls: list[Call] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if not request.url.path.startswith("/api/"):
            self.workspace.refusals.append(
                f"{request.method} {request.url.path}: nothing of the app's business is there"
            )
            await Response("not found", HTTPStatus.NOT_FOUND)(scope, receive, send)
            return
        try:
            token, args, as_json = await _read(request)
        except Refusal as refusal:
            await JSONResponse({"ok": False, "error": refusal.code})(scope, receive, send)
            return
        name = request.url.path.removeprefix("/api/")
        call = Call(self.workspace.clock(), name, args)
        call.fault = fault = self.faults.take(name)
        self.calls.append(call)
        response = await self._respond(call, token, as_json)
        call.status = response.status_code
        self.workspace.touch()
        if fault is not None and (fault.drop or fault.cut):
            await _cut(response if fault.cut else None, scope, receive, send)
            call.status = 0
            return
        await response(scope, receive, send)

    async def _respond(self, call: Call, token: str, as_json: bool) -> Response:
        fault = call.fault
        if fault is None:
            return self._answer(call, token, as_json)
        if not fault.done:
            await asyncio.sleep(fault.hang)
        response: Response = Response(status_code=HTTPStatus.OK)
        if fault.takes_effect:
            response = self._answer(call, token, as_json)
        if fault.done:
            await asyncio.sleep(fault.hang)
        if fault.status == HTTPStatus.TOO_MANY_REQUESTS:
            return _limited(fault.retry_after)
        if fault.status:
            return Response(fault.body, fault.status, media_type=fault.content_type)
        if fault.error:
            return JSONResponse({"ok": False, "error": fault.error})
        return response

    def _answer(self, call: Call, token: str, as_json: bool) -> Response:
        method = METHODS.get(call.method)
        headers = {"x-oauth-scopes": ",".join(sorted(self.workspace.scopes))}
        try:
            self._admit(method, token)
            if method is None:
                raise Refusal("unknown_method", req_method=call.method)
            wait = self.rates.wait(call.method, method.tier, str(call.args.get("channel", "")))
            if wait is not None:
                call.answer = {"ok": False, "error": "ratelimited"}
                return _limited(wait)
            headers["x-accepted-oauth-scopes"] = ",".join(method.scopes)
            # Only the methods that write take JSON; for the others Slack overlooks such a body.
            given = call.args if method.takes_json or not as_json else {}
            answer = {"ok": True, **method.run(self.workspace, decoded(given))}
            if method.app_level and self.link is not None:
                answer["url"] = self.link()
        except Refusal as refusal:
            answer = {"ok": False, "error": refusal.code, **refusal.more}
        call.answer = answer
        return JSONResponse(answer, headers=headers)

    def _admit(self, method: Method | None, token: str) -> None:
        if not token:
            raise Refusal("not_authed")
        if token not in (self.bot_token, self.app_token):
            raise Refusal("invalid_auth")
        if method is None:
            return
        if (token == self.app_token) != method.app_level:
            raise Refusal("not_allowed_token_type")
        if method.app_level:
            if self.link is None:
                raise Refusal("not_allowed")
        else:
            any_scope(self.workspace, method.scopes)


async def _read(request: Request) -> tuple[str, Json, bool]:
    """(token, arguments without it, whether they came as JSON). Refusal where the JSON can't be read."""
    args: Json = dict(request.query_params)
    body = await request.body()
    as_json = request.headers.get("content-type", "").startswith("application/json")
    if as_json:
        try:
            sent = json.loads(body or b"{}")
        except ValueError:
            raise Refusal("invalid_json") from None
        if not isinstance(sent, dict):
            raise Refusal("json_not_object")
        args.update(sent)
    else:
        args.update(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    in_arguments = args.pop("token", "")
    bearer = re.fullmatch(r"Bearer\s+(\S+)", request.headers.get("authorization", ""), re.IGNORECASE)
    return (bearer.group(1) if bearer else str(in_arguments)), args, as_json


def decoded(args: Mapping[str, Any]) -> Json:
    """The arguments with those parsed that a form carries as JSON text; text that is no JSON stays text."""
    plain = dict(args)
    for name in JSON_ARGUMENTS:
        if isinstance(plain.get(name), str):
            try:
                plain[name] = json.loads(plain[name])
            except ValueError:
                continue
    return plain


def _limited(retry_after: int | None) -> Response:
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return JSONResponse({"ok": False, "error": "ratelimited"}, HTTPStatus.TOO_MANY_REQUESTS, headers)


async def _cut(response: Response | None, scope: Scope, receive: Receive, send: Send) -> None:
    """End the connection: at once, or after half of the response's body."""
    if response is not None:
        body = bytes(response.body)
        await send({"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers})
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        return  # uvicorn closes the connection of an answer that was not finished
    # ASGI has no word for hanging up; `receive` is a method of uvicorn's request, which holds the transport.
    cycle = getattr(receive, "__self__", None)
    if cycle is None:
        raise RuntimeError("a connection can be cut only when uvicorn serves the app")
    cycle.transport.abort()
    while (await receive())["type"] != "http.disconnect":
        continue
