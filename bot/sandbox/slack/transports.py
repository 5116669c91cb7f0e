"""How what people do reaches the app: signed HTTP posts here, Socket Mode in `socket_mode`."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol
from urllib.parse import urlencode

import aiohttp

from bot.sandbox.slack.elements import Json

Kind = Literal["command", "interactive", "event"]
# Slack's rule for commands, clicks, submissions, options and events alike.
ANSWER_SECONDS = 3.0


@dataclass(frozen=True)
class Delivery:
    """One thing that the app is told. `again` counts from 0; above that it is a redelivery, for the reason `why`."""

    kind: Kind
    payload: Json
    again: int = 0
    why: str = ""


@dataclass(frozen=True)
class Answer:
    """What came back. `failure` is set where nothing did: `timeout` or `unreachable`; `seconds` is how long it took."""

    status: int = 0
    body: str = ""
    failure: Literal["", "timeout", "unreachable"] = ""
    seconds: float = 0.0
    content_type: str = ""
    no_retry: bool = False

    @property
    def accepted(self) -> bool:
        return self.failure == "" and self.status == 200

    def json(self) -> Any:
        """The body read as JSON. ValueError where it is none."""
        return json.loads(self.body)


class Transport(Protocol):
    """A way to the app; both of them keep Slack's three seconds."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def deliver(self, delivery: Delivery) -> Answer: ...


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """Slack's v0 signature: HMAC-SHA256 over version, timestamp and the raw body."""
    return "v0=" + hmac.new(secret.encode(), b"v0:%d:" % timestamp + body, hashlib.sha256).hexdigest()


class HttpTransport:
    """Posts to one URL, as an app set up with a request URL gets them. The caller may change `url` and `secret`."""

    def __init__(self, *, secret: str, clock: Callable[[], float]) -> None:
        self.url = ""
        self.secret = secret
        self.clock = clock
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True, limit=0))

    async def stop(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def deliver(self, delivery: Delivery) -> Answer:
        """Post it and wait for the answer, three seconds at most. RuntimeError where nobody said whereto."""
        if self._session is None or not self.url:
            raise RuntimeError("start the sandbox and set its app_url before anybody does anything")
        body, headers = self.request(delivery)
        began = time.monotonic()
        try:
            async with (
                asyncio.timeout(ANSWER_SECONDS),
                self._session.post(self.url, data=body, headers=headers, allow_redirects=False) as response,
            ):
                text = await response.text()
                no_retry = response.headers.get("x-slack-no-retry") == "1"
                seconds = time.monotonic() - began
                return Answer(response.status, text, "", seconds, response.content_type, no_retry)
        except TimeoutError:
            return Answer(failure="timeout", seconds=time.monotonic() - began)
        except aiohttp.ClientError:
            return Answer(failure="unreachable", seconds=time.monotonic() - began)

    def request(self, delivery: Delivery) -> tuple[bytes, dict[str, str]]:
        """The raw body and the headers of this delivery, signed now."""
        if delivery.kind == "event":
            body, content_type = json.dumps(delivery.payload).encode(), "application/json"
        else:
            command = delivery.kind == "command"
            form = delivery.payload if command else {"payload": json.dumps(delivery.payload)}
            body, content_type = urlencode(form).encode(), "application/x-www-form-urlencoded"
        timestamp = int(self.clock())
        headers = {
            "content-type": content_type,
            "user-agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "x-slack-request-timestamp": str(timestamp),
            "x-slack-signature": sign(self.secret, timestamp, body),
        }
        if delivery.again:
            headers |= {"x-slack-retry-num": str(delivery.again), "x-slack-retry-reason": delivery.why}
        return body, headers
