"""Socket Mode: the same job while connections come and go."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.world import World, make_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with make_world(tmp_path, "socket") as made:
        yield made


async def readiness(world: World) -> tuple[int, str]:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{world.url}/readyz")
    return answer.status_code, answer.text


async def connected(world: World) -> None:
    socket = world.slack.socket
    assert socket is not None
    await world.slack.until(lambda: socket.connections, timeout=15, what="a connection of the bot")


@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
async def test_a_connection_that_slack_ends_is_replaced_and_the_job_goes_on(world: World, reason: str) -> None:
    socket = world.slack.socket
    assert socket is not None
    async with world.running():
        for number in range(3):
            before = list(socket.connections)
            await socket.disconnect(reason)
            await world.slack.until(
                lambda before=before: socket.connections and socket.connections != before, what="a new connection"
            )
            await world.asks(f"prod-{number}")
        await world.told(await world.card("prod-2"), "`HEALTHY`")
    assert sorted(body["name"] for body in world.astro.creates) == ["prod-0", "prod-1", "prod-2"]


async def test_a_lost_network_is_noticed_told_by_readyz_and_mended(world: World) -> None:
    socket = world.slack.socket
    assert socket is not None
    async with world.running():
        world.slack.faults.next("apps.connections.open", _away(), times=3)
        socket.drop()
        async with asyncio.timeout(10):
            while (await readiness(world))[0] == 200:
                await asyncio.sleep(0.02)
        assert "the socket to Slack is not connected" in (await readiness(world))[1]
        await connected(world)
        await world.ready()
        await world.asks("prod-aws")


def _away() -> object:
    from bot.sandbox.slack import Fault

    return Fault.refused("internal_error")


async def test_what_slack_sends_again_after_a_reconnect_is_not_done_twice(world: World) -> None:
    socket = world.slack.socket
    assert socket is not None
    async with world.running():
        form = await world.opens_form()
        form.fill("name", "prod-aws")
        assert (await form.submit()).closed
        await socket.disconnect("refresh_requested")
        await connected(world)
        again = await socket.redeliver()
        assert (again.status, again.body) == (200, "{}") or again.body == ""
        await world.told(await world.card("prod-aws"), "`HEALTHY`")
    assert [body["name"] for body in world.astro.creates] == ["prod-aws"]
    assert len([each for each in world.general.messages if "prod-aws" in each.text]) == 1


async def test_a_command_that_comes_again_opens_one_form(world: World) -> None:
    socket = world.slack.socket
    assert socket is not None
    async with world.running():
        await world.opens_form()
        await socket.redeliver()
        assert len(world.slack.calls_to("views.open")) == 1


async def test_an_app_token_that_slack_refuses_is_told_by_its_name(world: World) -> None:
    async with world.started(SLACK_APP_TOKEN="xapp-wrong") as bot:
        await asyncio.wait_for(bot.refusal.wait(), 10)
        assert bot.refused == "SLACK_APP_TOKEN: Slack refuses it (invalid_auth)"


async def test_http_is_closed_to_slack_in_socket_mode(world: World) -> None:
    async with world.running():
        async with httpx.AsyncClient() as client:
            answer = await client.post(f"{world.url}/slack/events", content=b"{}")
        assert answer.status_code == 401


async def test_the_bot_leaves_within_two_seconds_though_slack_never_says_goodbye(world: World) -> None:
    socket = world.slack.socket
    assert socket is not None
    async with world.running() as bot:
        [deaf] = [connection.request.transport for connection in socket.connections]
        assert isinstance(deaf, asyncio.Transport)
        deaf.pause_reading()  # so it never hears that the bot wants to leave
        began = time.monotonic()
        await bot.stop(2.0)
        took = time.monotonic() - began
        deaf.abort()
    assert took < 2
