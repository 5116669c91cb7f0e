"""The web edge: a gate that lets only Slack's signed requests through, the probes, and the metrics."""

import hashlib
import hmac
import time
from collections.abc import Awaitable, Callable, Sequence

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

MAX_BODY = 1_000_000  # bytes; Slack's largest payload, a view of 250 kB in a form, stays well below
MAX_AGE = 300.0  # seconds, Slack's own advice against replays

Handler = Callable[[bytes, dict[str, str]], Awaitable[Response]]
Ready = Callable[[], Awaitable[list[str]]]
Gauges = Callable[[], Awaitable[None]]


class Gate:
    """Whether a request comes from Slack: a signature over its raw bytes, made in the last five minutes.

    Any of `secrets` may have signed, so that one can be rotated. Compared in constant time.
    Rule: https://docs.slack.dev/authentication/verifying-requests-from-slack
    """

    def __init__(self, secrets: Sequence[str], *, clock: Callable[[], float] = time.time) -> None:
        self._secrets = [secret.encode() for secret in secrets]
        self._clock = clock

    def passes(self, body: bytes, timestamp: str, signature: str) -> bool:
        if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
            return False
        if abs(self._clock() - int(timestamp)) > MAX_AGE:
            return False
        given = signature.encode("utf-8", "surrogateescape")
        signed = b"v0:" + timestamp.encode() + b":" + body
        matches = [
            hmac.compare_digest(b"v0=" + hmac.new(secret, signed, hashlib.sha256).hexdigest().encode(), given)
            for secret in self._secrets
        ]
        return any(matches)


def web_app(handle: Handler | None, gate: Gate, ready: Ready, gauges: Gauges, registry: CollectorRegistry) -> Starlette:
    """The ASGI app.

    `handle` answers what came through the gate (None in Socket Mode, where nothing comes in here); `ready` tells why
    the bot is not; `gauges` brings the registry up to date before it is read.
    """

    async def events(request: Request) -> Response:
        try:
            body = await _limited_body(request)
        except ClientDisconnect:
            return PlainTextResponse("gone", 400)
        if body is None:
            return PlainTextResponse("too large", 413)
        timestamp = request.headers.get("x-slack-request-timestamp", "")
        if not gate.passes(body, timestamp, request.headers.get("x-slack-signature", "")):
            return PlainTextResponse("not signed by Slack", 401)
        if handle is None:
            return PlainTextResponse("this bot listens over Socket Mode", 404)
        return await handle(body, dict(request.headers))

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok")

    async def readyz(_: Request) -> Response:
        faults = await ready()
        return JSONResponse({"ready": not faults, "faults": faults}, 503 if faults else 200)

    async def metrics(_: Request) -> Response:
        await gauges()
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return Starlette(
        routes=[
            Route("/slack/events", events, methods=["POST"]),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", metrics),
        ]
    )


async def _limited_body(request: Request) -> bytes | None:
    """The raw body; None as soon as it passes the limit, whatever its length header says."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY:
            return None
        parts.append(part)
    return b"".join(parts)
