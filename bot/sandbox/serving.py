"""One ASGI app on a loopback port, on the caller's own event loop."""

import asyncio
import contextlib
import contextvars
import logging
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

LOOPBACK = "127.0.0.1"
# How long `stop` lets open requests finish; what still hangs after that is cancelled.
GRACE_SECONDS = 1
# Long, so that a client never finds its idle connection closed just as it sends: whoever wants that asks for it.
KEEP_ALIVE_SECONDS = 300

# True in whatever runs for one of our servers. uvicorn's loggers serve all servers of a process, and a cut
# connection is an error to it: here it is done on purpose, while the bot's own server beside us must stay heard.
_ours: contextvars.ContextVar[bool] = contextvars.ContextVar("served_by_the_sandbox", default=False)


def _not_ours(record: logging.LogRecord) -> bool:
    return not _ours.get()


class _Quick(uvicorn.Server):
    """uvicorn without its tenths of a second at the end, of which hundreds of tests would make minutes.

    Signals belong to whoever embeds us, so none is taken over.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ending = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        while not self.ending.is_set():
            await self.on_tick(0)  # renews the Date header
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.ending.wait(), 1.0)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()  # an idle one closes, a busy one once it has answered
        if tasks := set(self.server_state.tasks):
            _, left = await asyncio.wait(tasks, timeout=GRACE_SECONDS)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)  # in which asyncio tells them, and closes their sockets


class Server:
    """Serve `app` on 127.0.0.1. Port 0 takes any free one; `port` and `url` tell which after `start`.

    No signal handler is installed, nothing is logged, and the app gets no lifespan events.
    `date_header=False` leaves the Date header to the app, for one that lives by a clock of its own.
    """

    def __init__(self, app: Any, port: int = 0, *, date_header: bool = True) -> None:
        self.app = app
        self.port = port
        self.date_header = date_header
        self._server: _Quick | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """The root, such as `http://127.0.0.1:53211`, without a slash at the end."""
        return f"http://{LOOPBACK}:{self.port}"

    async def start(self) -> None:
        """Listen, and return once connections are answered. Raises OSError when the port is taken."""
        if self._task is not None:
            return
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            # Without it, a stopped server's port would stay taken for a minute.
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((LOOPBACK, self.port))
        except OSError:
            listening.close()
            raise
        self.port = int(listening.getsockname()[1])
        config = uvicorn.Config(
            self.app,
            http=H11Protocol,
            log_config=None,
            lifespan="off",
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            server_header=False,
            date_header=self.date_header,
        )
        for name in ("uvicorn.error", "uvicorn.access"):
            logging.getLogger(name).addFilter(_not_ours)
        self._server = _Quick(config)
        context = contextvars.copy_context()
        context.run(_ours.set, True)
        self._task = asyncio.create_task(self._server.serve([listening]), name=f"serving:{self.port}", context=context)
        while not self._server.started:
            if self._task.done():
                self._task.result()
                raise OSError(f"the server on port {self.port} ended before it began")
            await asyncio.sleep(0.005)

    async def stop(self) -> None:
        """Stop listening, give open requests a second, cancel the rest, and return when all is closed."""
        if self._task is None or self._server is None:
            return
        task, server = self._task, self._server
        self._task = self._server = None
        server.ending.set()
        await task

    def cut(self, client: tuple[str, int]) -> None:
        """Close the connection from that peer (`scope["client"]`) at once, whatever was being said on it."""
        if self._server is None:
            return
        for connection in list(self._server.server_state.connections):
            if isinstance(connection, H11Protocol) and connection.client == tuple(client):
                connection.transport.close()
