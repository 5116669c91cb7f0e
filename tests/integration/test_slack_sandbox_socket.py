"""In Socket Mode the same things reach the app through its own connections, each through one of them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import SlackSandbox
from bot.sandbox.slack.socket_mode import MOST_CONNECTIONS, SocketTransport
from tests.integration.slack_house import modal, text_input

Listener = Callable[[SocketModeRequest], Any]


@pytest.fixture
async def slack() -> AsyncIterator[SlackSandbox]:
    async with SlackSandbox(transport="socket") as sandbox:
        yield sandbox


@pytest.fixture
def socket(slack: SlackSandbox) -> SocketTransport:
    assert slack.socket is not None
    return slack.socket


@pytest.fixture
async def connects(
    slack: SlackSandbox, socket: SocketTransport
) -> AsyncIterator[Callable[[Listener], Awaitable[SocketModeClient]]]:
    """Makes an app of slack_sdk's own; it acknowledges with what `listener` returns, and not at all for `...`."""
    async with AsyncExitStack() as stack:

        async def connect(listener: Listener) -> SocketModeClient:
            client = SocketModeClient(slack.app_token, web_client=AsyncWebClient(base_url=slack.url))

            async def acknowledge(to: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
                said = listener(request)
                if said is not ...:
                    await to.send_socket_mode_response(SocketModeResponse(request.envelope_id, said))

            client.socket_mode_request_listeners.append(acknowledge)
            before = len(socket.connections)
            stack.push_async_callback(client.close)
            await client.connect()  # type: ignore[no-untyped-call]
            await slack.until(lambda: len(socket.connections) > before)
            return client

        yield connect


async def test_a_command_comes_in_an_envelope_and_its_answer_goes_back(slack: SlackSandbox, connects: Any) -> None:
    heard: list[SocketModeRequest] = []

    def listener(request: SocketModeRequest) -> dict[str, str]:
        heard.append(request)
        return {"text": "Hello"}

    await connects(listener)
    reply = await slack.person("alice").types("/astro-cluster help")
    assert (reply.status, reply.text) == (200, "Hello")
    (request,) = heard
    assert (request.type, request.payload["command"]) == ("slash_commands", "/astro-cluster")
    assert request.accepts_response_payload is True
    assert request.retry_attempt is None


async def test_a_submission_is_answered_through_the_socket(slack: SlackSandbox, connects: Any) -> None:
    triggers: list[str] = []

    def listener(request: SocketModeRequest) -> dict[str, Any] | None:
        triggers.append(request.payload["trigger_id"])
        if request.payload.get("type") == "view_submission":
            return {"response_action": "errors", "errors": {"name": "taken"}}
        return None

    await connects(listener)
    alice = slack.person("alice")
    await alice.types("/astro-cluster create")
    client = AsyncWebClient(token=slack.bot_token, base_url=slack.url)
    await client.views_open(trigger_id=triggers[-1], view=modal(text_input("name", initial_value="prod-aws")))
    form = await alice.sees_modal()
    assert (await form.submit()).errors == {"name": "taken"}


async def test_envelopes_go_to_one_connection_each(slack: SlackSandbox, socket: SocketTransport, connects: Any) -> None:
    got: list[list[SocketModeRequest]] = [[], []]
    for box in got:
        await connects(lambda request, box=box: box.append(request))
    for _ in range(4):
        await slack.person("alice").types("/astro-cluster help")
    assert [len(box) for box in got] == [2, 2]
    assert len({request.envelope_id for box in got for request in box}) == 4
    assert [len(connection.acknowledged) for connection in socket.connections] == [2, 2]


async def test_without_a_connection_nothing_arrives(slack: SlackSandbox) -> None:
    reply = await slack.person("alice").types("/astro-cluster help")
    assert reply.text == '/astro-cluster failed with the error "dispatch_failed"'


async def test_an_event_without_an_acknowledgement_comes_again(slack: SlackSandbox, connects: Any) -> None:
    heard: list[SocketModeRequest] = []

    def listener(request: SocketModeRequest) -> Any:
        heard.append(request)
        return ... if len(heard) == 1 else None

    await connects(listener)
    assert (await slack.person("alice").opens_home()).status == 200
    assert [request.retry_attempt for request in heard] == [0, 1]
    assert heard[1].retry_reason == "http_timeout"
    assert heard[0].payload["event_id"] == heard[1].payload["event_id"]


async def test_a_redelivery_is_marked_and_carries_the_same_payload(
    slack: SlackSandbox, socket: SocketTransport, connects: Any
) -> None:
    heard: list[SocketModeRequest] = []
    await connects(heard.append)
    await slack.person("alice").types("/astro-cluster create")
    assert (await socket.redeliver()).accepted
    first, second = heard
    assert (second.retry_attempt, second.retry_reason) == (1, "timeout")
    assert first.payload == second.payload
    assert first.envelope_id != second.envelope_id


@pytest.mark.parametrize("reason", ["refresh_requested", "warning"])
async def test_an_app_that_is_told_to_leave_comes_back(
    slack: SlackSandbox, socket: SocketTransport, connects: Any, reason: str
) -> None:
    await connects(lambda request: {"text": "here again"})
    (before,) = socket.connections
    await socket.disconnect(reason)
    await slack.until(lambda: [each for each in socket.connections if each is not before])
    assert (await slack.person("alice").types("/astro-cluster help")).text == "here again"


async def test_a_lost_connection_loses_what_was_not_acknowledged(
    slack: SlackSandbox, socket: SocketTransport, connects: Any
) -> None:
    got = asyncio.Event()

    def listener(request: SocketModeRequest) -> Any:
        got.set()
        return ...

    client = await connects(listener)
    client.auto_reconnect_enabled = False
    typing = asyncio.create_task(slack.person("alice").types("/astro-cluster create"))
    await got.wait()
    socket.drop()
    assert (await typing).text == '/astro-cluster failed with the error "dispatch_failed"'
    await slack.until(lambda: not socket.connections)


async def test_a_link_works_once_and_ten_connections_are_the_most(slack: SlackSandbox, socket: SocketTransport) -> None:
    client = AsyncWebClient(token=slack.app_token, base_url=slack.url)
    async with aiohttp.ClientSession() as session:
        link, held = "", []
        for number in range(1, MOST_CONNECTIONS + 1):
            link = str((await client.apps_connections_open(app_token=slack.app_token))["url"])
            held.append(await session.ws_connect(link))
            hello = await held[-1].receive_json()
            assert (hello["type"], hello["num_connections"]) == ("hello", number)
            assert hello["debug_info"]["approximate_connection_time"] > 0
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(link)
        one_more = await session.ws_connect(socket.link())
        assert (await one_more.receive_json())["reason"] == "too_many_websockets"
    await slack.until(lambda: not socket.connections)


async def test_bolt_works_with_it_unchanged(slack: SlackSandbox, socket: SocketTransport) -> None:
    client = AsyncWebClient(token=slack.bot_token, base_url=slack.url)
    app = AsyncApp(client=client, token=slack.bot_token)

    @app.command("/astro-cluster")
    async def create(ack: Any, command: dict[str, str], client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=command["trigger_id"], view=modal(text_input("name")))

    @app.view("create_cluster")
    async def submitted(ack: Any) -> None:
        await ack({"response_action": "errors", "errors": {"name": "taken"}})

    handler = AsyncSocketModeHandler(app, slack.app_token, web_client=AsyncWebClient(base_url=slack.url))
    await handler.connect_async()  # type: ignore[no-untyped-call]
    try:
        await slack.until(lambda: socket.connections)
        alice = slack.person("alice")
        assert (await alice.types("/astro-cluster create")).status == 200
        form = await alice.sees_modal()
        form.fill("name", "prod-aws")
        assert (await form.submit()).errors == {"name": "taken"}
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]
