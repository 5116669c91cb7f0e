"""A workspace, a clock that tests own, and a tiny Starlette app that plays the bot."""

import inspect
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.sandbox.serving import Server
from bot.sandbox.slack import SlackSandbox

Json = dict[str, Any]


class Clock:
    """Epoch seconds that move only when told to."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Heard:
    """One thing that Slack sent: the payload, and the headers in lower case."""

    payload: Json
    headers: dict[str, str] = field(repr=False)

    @property
    def type(self) -> str:
        return str(self.payload.get("type", "command"))


@dataclass
class Bot:
    """Verifies each request with Slack's own code, remembers it, and answers what `answer` says (nothing, at first)."""

    slack: SlackSandbox
    client: AsyncWebClient
    heard: list[Heard] = field(default_factory=list)
    answer: Callable[[Heard], Any | Awaitable[Any]] = lambda heard: None

    async def handle(self, request: Request) -> Response:
        body = await request.body()
        headers = {key.lower(): value for key, value in request.headers.items()}
        if not SignatureVerifier(self.slack.signing_secret).is_valid_request(body, headers):
            return Response("bad signature", 401)
        if headers["content-type"] == "application/json":
            payload = json.loads(body)
        else:
            form = {key: values[0] for key, values in parse_qs(body.decode(), keep_blank_values=True).items()}
            payload = json.loads(form["payload"]) if "payload" in form else form
        heard = Heard(payload, headers)
        self.heard.append(heard)
        said = self.answer(heard)
        if inspect.isawaitable(said):
            said = await said
        if isinstance(said, Response):
            return said
        if isinstance(said, str):
            return Response(said, media_type="text/plain")
        return Response() if said is None else JSONResponse(said)

    async def error(self, method: str, **args: Any) -> str:
        """The error that a call meets; "" where it is fine."""
        try:
            await self.client.api_call(method, json=args)
        except SlackApiError as refused:
            return str(refused.response["error"])
        return ""

    async def messages(self, method: str, **args: Any) -> list[str]:
        """What Slack says about a call that it refuses."""
        try:
            await self.client.api_call(method, json=args)
        except SlackApiError as refused:
            return list(refused.response["response_metadata"]["messages"])
        raise AssertionError(f"{method} was not refused")

    async def opens(self, view: Json) -> str:
        """Open a modal with the trigger of the latest thing heard; its id."""
        opened = await self.client.views_open(trigger_id=self.heard[-1].payload["trigger_id"], view=view)
        return str(opened["view"]["id"])


@asynccontextmanager
async def house(**settings: Any) -> AsyncIterator[tuple[SlackSandbox, Bot]]:
    """A workspace with the bot installed, both serving on loopback."""
    async with SlackSandbox(**settings) as slack:
        bot = Bot(slack, AsyncWebClient(token=slack.bot_token, base_url=slack.url, retry_handlers=[]))
        server = Server(Starlette(routes=[Route("/slack/events", bot.handle, methods=["POST"])]))
        await server.start()
        slack.app_url = f"{server.url}/slack/events"
        try:
            yield slack, bot
        finally:
            await server.stop()


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def option(value: str, label: str = "") -> Json:
    return {"text": plain(label or value), "value": value}


def text_input(path: str, label: str = "", **element: Any) -> Json:
    block: Json = {"type": "input", "block_id": path, "label": plain(label or path)}
    block["optional"] = element.pop("optional", False)
    block["dispatch_action"] = element.pop("dispatch_action", False)
    return block | {"element": {"type": "plain_text_input", "action_id": "value"} | element}


def select(path: str, values: list[str], **element: Any) -> Json:
    offered = {} if element.get("type") == "external_select" else {"options": [option(value) for value in values]}
    return text_input(path, **({"type": "static_select"} | offered | element))


def modal(*blocks: Json, **more: Any) -> Json:
    view: Json = {
        "type": "modal",
        "title": plain("Create a cluster"),
        "submit": plain("Create"),
        "blocks": list(blocks),
    }
    return view | {"callback_id": "create_cluster"} | more


def button(action_id: str, value: str = "", label: str = "", **more: Any) -> Json:
    return {"type": "button", "action_id": action_id, "value": value or "-", "text": plain(label or action_id)} | more


def actions(*elements: Json, block_id: str = "buttons") -> Json:
    return {"type": "actions", "block_id": block_id, "elements": list(elements)}


def section(text: str) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}
