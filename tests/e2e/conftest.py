"""Over which transports the end-to-end tests run: HTTP, and with TRANSPORTS=both Socket Mode as well."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.world import Transport, World, make_world

TRANSPORTS: list[Transport] = ["http", "socket"] if os.environ.get("TRANSPORTS") == "both" else ["http"]


@pytest.fixture(params=TRANSPORTS)
async def world(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """A world; nothing runs in it yet but the two sandboxes."""
    transport: Transport = request.param
    async with make_world(tmp_path, transport) as made:
        yield made
