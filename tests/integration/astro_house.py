"""A sandbox Astro and a client that talks to it, for the tests beside this file."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Literal

from bot.adapters.astro import Astro
from bot.sandbox.astro import AstroSandbox

Version = Literal["v1", "v1beta1"]
VERSIONS: tuple[Version, ...] = ("v1", "v1beta1")
TOKEN = "astro-sandbox-token"
FIXTURES: dict[str, Any] = json.loads((Path(__file__).parents[1] / "fixtures" / "astro.json").read_text())
AWS: dict[str, Any] = FIXTURES["requests"]["aws_min"]


class Clock:
    """Time that only tests move."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def client(
    sandbox: AstroSandbox,
    version: Version = "v1",
    *,
    token: str | Callable[[], str] = TOKEN,
    organization: str | None = None,
    root: str | None = None,
    observe: Callable[[str, str, float], None] | None = None,
) -> AsyncIterator[Astro]:
    astro = Astro(
        root=root or sandbox.url,
        version=version,
        organization=organization or sandbox.organization["id"],
        token=token,
        observe=observe,
    )
    try:
        yield astro
    finally:
        await astro.close()


@asynccontextmanager
async def raw_server(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    """A port whose every connection is handed to `talk`, for what no HTTP server would do."""
    conversations: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        conversations.add(task)
        try:
            await talk(reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for task in conversations:
            task.cancel()
        await asyncio.gather(*conversations, return_exceptions=True)
