"""Fixtures for all tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot import logs
from tests.world import Transport, World, make_world


@pytest.fixture(autouse=True)
def quiet_logs() -> None:
    """What the bot logs is there, as it is in production, for whoever reads a failure."""
    logs.configure("console", "WARNING")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A world over HTTP; nothing runs in it yet but the two sandboxes."""
    async with make_world(tmp_path) as made:
        yield made


@pytest.fixture(params=["http", "socket"])
async def either_world(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """The same over HTTP, and over Socket Mode."""
    transport: Transport = request.param
    async with make_world(tmp_path, transport) as made:
        yield made
