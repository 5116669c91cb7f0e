"""Fixtures for all tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot import logs
from tests.postgres import LEFT_OUT, database_url, empty_url, postgres
from tests.world import Transport, World, make_world

__all__ = ["database_url", "empty_url", "postgres"]


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


def pytest_unconfigure(config: pytest.Config) -> None:
    """The very last line of the output: what this machine lacks, and how to get it."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or hasattr(config, "workerinput"):
        return
    reasons = [str(each.longrepr[2]) for each in reporter.stats.get("skipped", ())]
    lacks = sorted({reason.partition(LEFT_OUT)[2] for reason in reasons if LEFT_OUT in reason})
    if lacks:
        reporter.write_line(f"Some tests were left out, as this machine lacks: {', '.join(lacks)}")
