"""Socket Mode: the app connects to us, and what people do comes to it in envelopes that it acknowledges.

Source of the frames: Slack's page on Socket Mode. Served by aiohttp on a port of its own.
"""

import asyncio
import contextlib
import json
import secrets
import time
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from bot.sandbox.slack.elements import Json
from bot.sandbox.slack.transports import ANSWER_SECONDS, Answer, Delivery
from bot.sandbox.slack.workspace import Workspace

LOOPBACK = "127.0.0.1"
# Slack's rule: more connections than these are turned away.
MOST_CONNECTIONS = 10
ENVELOPE_TYPES = {"command": "slash_commands", "interactive": "interactive", "event": "events_api"}


@dataclass(eq=False)
class Connection:
    """One websocket of the app, and the envelopes it got, in order."""

    socket: web.WebSocketResponse
    request: web.Request = field(repr=False)
    envelopes: list[Json] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)


class SocketTransport:
    """Hands each envelope to one connection, in turn. `connections` are those that are open, the oldest first."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.connections: list[Connection] = []
        self._port = 0
        self._runner: web.AppRunner | None = None
        self._tickets: set[str] = set()
        self._unanswered: dict[str, asyncio.Future[Any]] = {}
        self._turn = 0
        self._last: Delivery | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/link", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, LOOPBACK, 0)
        await site.start()
        self._port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        for connection in list(self.connections):
            await connection.socket.close(code=WSCloseCode.GOING_AWAY)
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def link(self) -> str:
        """A URL for one connection, as `apps.connections.open` answers it. It works once."""
        ticket = secrets.token_hex(16)
        self._tickets.add(ticket)
        return f"ws://{LOOPBACK}:{self._port}/link?ticket={ticket}&app_id={self.workspace.app_id}"

    async def deliver(self, delivery: Delivery) -> Answer:
        """Send it to one connection and wait three seconds for its acknowledgement."""
        if not self.connections:
            return Answer(failure="unreachable")
        self._last = delivery
        connection = self.connections[self._turn % len(self.connections)]
        self._turn += 1
        envelope = _envelope(delivery)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._unanswered[envelope["envelope_id"]] = answer
        connection.envelopes.append(envelope)
        began = time.monotonic()
        try:
            await connection.socket.send_json(envelope)
            async with asyncio.timeout(ANSWER_SECONDS):
                payload = await answer
        except TimeoutError:
            return Answer(failure="timeout", seconds=time.monotonic() - began)
        except ConnectionError:
            return Answer(failure="unreachable", seconds=time.monotonic() - began)
        finally:
            del self._unanswered[envelope["envelope_id"]]
        body = "" if payload is None else json.dumps(payload)
        return Answer(200, body, "", time.monotonic() - began, "application/json")

    async def redeliver(self) -> Answer:
        """Send the last thing once more, in a new envelope that says so. RuntimeError where nothing was sent yet."""
        if self._last is None:
            raise RuntimeError("nothing was delivered yet")
        return await self.deliver(replace(self._last, again=self._last.again + 1, why="timeout"))

    async def disconnect(self, reason: str = "refresh_requested", *, close: bool = True) -> None:
        """Tell every connection to leave, and close it: `warning`, `refresh_requested` or `link_disabled`."""
        for connection in list(self.connections):
            await _goodbye(connection.socket, reason)
            if close:
                await connection.socket.close()

    def drop(self) -> None:
        """Cut every connection without a word, as a lost network does."""
        for connection in list(self.connections):
            if connection.request.transport is not None:
                connection.request.transport.abort()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=401, text="this link was used or never given")
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if len(self.connections) >= MOST_CONNECTIONS:
            await _goodbye(socket, "too_many_websockets")
            await socket.close()
            return socket
        connection = Connection(socket, request)
        self.connections.append(connection)
        try:
            await socket.send_json(self._hello())
            self.workspace.touch()
            await self._listen(connection)
        finally:
            self.connections.remove(connection)
            self._lost(connection)
            self.workspace.touch()
        return socket

    async def _listen(self, connection: Connection) -> None:
        # A client that vanishes while we greet or close it ends the conversation, which is all there is to it.
        with contextlib.suppress(ConnectionError):
            async for frame in connection.socket:
                if frame.type == WSMsgType.TEXT:
                    self._acknowledge(connection, frame.data)

    def _acknowledge(self, connection: Connection, text: str) -> None:
        try:
            frame = json.loads(text)
            envelope_id, payload = frame["envelope_id"], frame.get("payload")
        except (ValueError, KeyError, TypeError, AttributeError):
            self.workspace.refusals.append(f"socket: no acknowledgement: {text[:200]}")
            return
        connection.acknowledged.append(envelope_id)
        waiting = self._unanswered.get(envelope_id)
        if waiting is not None and not waiting.done():
            waiting.set_result(payload)

    def _lost(self, connection: Connection) -> None:
        """Nobody will answer what this connection was sent and hasn't acknowledged."""
        for envelope in connection.envelopes:
            waiting = self._unanswered.get(envelope["envelope_id"])
            if waiting is not None and not waiting.done():
                waiting.set_exception(ConnectionResetError("the connection was lost before the acknowledgement"))

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self.connections),
            "connection_info": {"app_id": self.workspace.app_id},
            "debug_info": {"host": "sandbox", "build_number": 1, "approximate_connection_time": 18060},
        }


async def _goodbye(socket: web.WebSocketResponse, reason: str) -> None:
    await socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {"host": "sandbox"}})


def _envelope(delivery: Delivery) -> Json:
    envelope: Json = {
        "envelope_id": secrets.token_hex(16),
        "type": ENVELOPE_TYPES[delivery.kind],
        "payload": delivery.payload,
        "accepts_response_payload": delivery.kind != "event",
    }
    if delivery.kind == "event" or delivery.again:
        envelope |= {"retry_attempt": delivery.again, "retry_reason": delivery.why}
    return envelope
