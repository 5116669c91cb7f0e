"""Bolt's app: constant authorize, our own gate in front of it, strangers turned away before any listener."""

import json
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import parse_qs

import structlog
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.error import BoltUnhandledRequestError
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient
from starlette.responses import PlainTextResponse, Response

from blocks import notices
from blocks.parts import Message
from bot.adapters.slack import Identity
from bot.listeners.commands import COMMAND
from bot.listeners.edge import Where, where_of
from bot.listeners.form import first_input

Observe = Callable[[str, str, float], None]
Known = Callable[[], Identity | None]
Tell = Callable[[Where, Message], Awaitable[None]]

log = structlog.get_logger()


def bolt_app(client: AsyncWebClient, identity: Known, tell: Tell) -> AsyncApp:
    """The app without listeners.

    `identity` is None until Slack has told us who we are; `tell` reaches a person whose click has no answer of its own.
    """

    async def authorize(**_: Any) -> AuthorizeResult:
        who = identity()
        return AuthorizeResult(
            enterprise_id=None,
            team_id=who.team if who else None,
            bot_user_id=who.user if who else None,
            bot_id=who.bot if who else None,
            bot_token=client.token,
        )

    app = AsyncApp(
        name="clusterbot",
        logger=logging.getLogger("clusterbot.bolt"),
        client=client,
        authorize=authorize,
        process_before_response=True,  # the ack leaves after the listener's commit, and without Bolt's polling
        request_verification_enabled=False,  # the gate has done it, on the raw bytes
        ssl_check_enabled=False,
        ignoring_self_events_enabled=True,
        raise_error_for_unhandled_request=True,  # a 404 would make Slack repeat an event, and tell a person nothing
    )

    @app.middleware
    async def only_ours(body: dict[str, Any], next: Callable[[], Awaitable[BoltResponse]]) -> BoltResponse | None:
        who = identity()
        if who is None:
            if body.get("type") == "block_actions":
                await tell(where_of(body), notices.starting_up())
            return _turned_away(body, notices.starting_up()["text"])
        if _strange(body, who):
            log.warning("a stranger's request was turned away")
            return _turned_away(body, notices.wrong_workspace()["text"])
        return await next()

    @app.error
    async def failed(error: Exception, body: dict[str, Any]) -> BoltResponse:
        if isinstance(error, BoltUnhandledRequestError):
            log.info("nothing listens for this", kind=_word(body.get("type")))
            return _turned_away(body, notices.unknown_subcommand(COMMAND, str(body.get("command") or "this"))["text"])
        reference = uuid.uuid4().hex[:12]
        log.error("a listener failed", exc_info=error, reference=reference)
        return _turned_away(body, notices.something_went_wrong(reference)["text"])

    return app


def handler(app: AsyncApp, observe: Observe) -> Callable[[bytes, dict[str, str]], Awaitable[Response]]:
    """What the web edge calls with each signed request."""

    async def handle(body: bytes, headers: dict[str, str]) -> Response:
        started = time.monotonic()
        kind = payload_kind(body, headers.get("content-type", ""))
        if kind is None:
            observe("malformed", "400", time.monotonic() - started)
            return PlainTextResponse("not what Slack sends", 400)
        try:
            request = AsyncBoltRequest(body=body.decode(), headers={k: [v] for k, v in headers.items()})
            answer = await app.async_dispatch(request)
        except Exception:
            log.exception("a signed request could not be read", kind=kind)
            answer = BoltResponse(status=400, body="not what Slack sends")
        observe(kind, str(answer.status), time.monotonic() - started)
        return Response(answer.body, answer.status, headers=answer.first_headers_without_set_cookie())

    return handle


def payload_kind(body: bytes, content_type: str) -> str | None:
    """What Slack sends, by its own word for it; None where the shape is none of Slack's."""
    try:
        text = body.decode()
        if content_type.startswith("application/json"):
            payload = json.loads(text)
        else:
            form = parse_qs(text, keep_blank_values=True)
            payload = json.loads(form["payload"][0]) if "payload" in form else {k: v[0] for k, v in form.items()}
    except (ValueError, RecursionError):
        return None
    if not isinstance(payload, dict) or not payload:
        return None
    return "command" if "command" in payload else _word(payload.get("type"))


_KINDS = frozenset(
    {"block_actions", "view_submission", "view_closed", "block_suggestion", "event_callback", "url_verification"}
)


def _word(kind: Any) -> str:
    return kind if isinstance(kind, str) and kind in _KINDS else "other"


def _strange(body: dict[str, Any], who: Identity) -> bool:
    """Another workspace's, or another app's. Where we could not learn our app's id, the workspace alone decides."""
    if body.get("type") == "url_verification":
        return False
    team = body.get("team_id") or (body.get("team") or {}).get("id")
    home = (body.get("user") or {}).get("team_id") if isinstance(body.get("user"), dict) else None
    app = body.get("api_app_id")
    return team != who.team or bool(home and home != who.team) or bool(who.app and app and app != who.app)


def _turned_away(body: dict[str, Any], text: str) -> BoltResponse:
    """A polite 200 of the shape that this kind of request shows to the person; what was typed in a modal stays."""
    headers: dict[str, str | Sequence[str]] = {"content-type": "application/json; charset=utf-8"}
    if body.get("command"):
        answer: dict[str, Any] = {"response_type": "ephemeral", "text": text}
    elif body.get("type") == "view_submission" and (block := first_input(body.get("view") or {})):
        answer = {"response_action": "errors", "errors": {block: text[:2000]}}
    elif body.get("type") == "block_suggestion":
        answer = {"options": []}
    else:
        return BoltResponse(status=200, body="")
    return BoltResponse(status=200, body=json.dumps(answer), headers=headers)
