"""Socket Mode: the same listeners over a WebSocket that the bot opens, where Slack can't reach it by HTTP."""

import asyncio
import contextlib
import json
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import structlog
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app
from slack_bolt.async_app import AsyncApp
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from bot.adapters.slack import TOKEN_REFUSED

GOODBYE_SECONDS = 1.0  # how long the other side may take to say that it has heard us leave
PING_SECONDS = 3.0  # how soon a connection that the other side closed is noticed
REMEMBERED = 10_000  # envelopes; Slack redelivers one within minutes, if at all

log = structlog.get_logger()


class _Client(SocketModeClient):
    """The SDK's client, which connects anew once where it would twice.

    A `disconnect` frame and the closing of its connection each ask for a new one; the second would throw the first's
    away, and whatever Slack has just sent over it.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._turn = asyncio.Lock()

    async def connect_to_new_endpoint(self, force: bool = False) -> None:
        before = self.current_session
        async with self._turn:
            if before is None or self.current_session is before or not await self.is_connected():
                await super().connect_to_new_endpoint(force)

    async def disconnect(self) -> None:
        """Leave, whatever the other side says to it; the SDK's `close` then gives back all the rest."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_SECONDS):
                await super().disconnect()  # type: ignore[no-untyped-call]  # the SDK has no types there


class Socket:
    """Keeps one connection up, and hands each envelope to Bolt once, however often it comes.

    The SDK's client reconnects by itself on `disconnect` frames, closed connections and missing pongs.
    """

    def __init__(self, app: AsyncApp, app_token: str, observe: Callable[[str, str, float], None]) -> None:
        self._app, self._observe = app, observe
        self._client = _Client(
            app_token=app_token,
            web_client=app.client,
            ping_interval=PING_SECONDS,
            logger=logging.getLogger("slack_sdk.socket_mode"),
        )
        self._client.socket_mode_request_listeners.append(self._handle)
        self._answers: OrderedDict[str, asyncio.Task[dict[str, Any] | None]] = OrderedDict()

    async def start(self) -> str:
        """Connect, however long it takes. Returns Slack's word where it definitely refuses the token."""
        while True:
            try:
                await self._client.connect_to_new_endpoint(force=True)
            except SlackApiError as fault:
                code = str(fault.response.get("error") or "")
                log.error("Slack refuses the socket", fault=code)  # noqa: TRY400  # an operator's fault, no traceback
                if code in TOKEN_REFUSED:
                    return code
            except Exception as fault:
                log.warning("the socket could not be opened; trying again", fault=type(fault).__name__)
            else:
                return ""
            await asyncio.sleep(1)

    async def connected(self) -> bool:
        return bool(await self._client.is_connected())

    async def stop(self) -> None:
        """Leave within a second or so: the other side's goodbye isn't waited for any longer."""
        await self._client.close()  # type: ignore[no-untyped-call]  # the SDK has no types there
        if self._client.message_processor is not None:
            self._client.message_processor.cancel()

    async def _handle(self, client: AsyncBaseSocketModeClient, envelope: SocketModeRequest) -> None:
        """Answer an envelope; one that comes again, after a reconnect, gets the first one's answer."""
        key = _identity(envelope)
        answer = self._answers.get(key)
        if answer is None:
            answer = self._answers[key] = asyncio.create_task(self._dispatched(envelope))
            while len(self._answers) > REMEMBERED:
                self._answers.popitem(last=False)
        response = SocketModeResponse(envelope_id=envelope.envelope_id, payload=await asyncio.shield(answer))
        await client.send_socket_mode_response(response)

    async def _dispatched(self, envelope: SocketModeRequest) -> dict[str, Any] | None:
        started = time.monotonic()
        answer = await run_async_bolt_app(self._app, envelope)
        self._observe(envelope.type, str(answer.status), time.monotonic() - started)
        return _payload(answer)


def _identity(envelope: SocketModeRequest) -> str:
    """What is the same when Slack sends something again, in an envelope with another id."""
    payload = envelope.payload
    known = next((payload[key] for key in ("event_id", "trigger_id") if payload.get(key)), envelope.envelope_id)
    return f"{envelope.type}:{known}"


def _payload(answer: BoltResponse) -> dict[str, Any] | None:
    """Bolt's answer as Socket Mode wants it; what isn't a 200 is acked all the same, or Slack would send it again."""
    if answer.status != 200 or not answer.body:
        return None
    if answer.headers.get("content-type", [""])[0].startswith("application/json"):
        body: dict[str, Any] = json.loads(answer.body)
        return body
    return {"text": answer.body}
