"""APScheduler: a few interval ticks, each calling one service. The rows are the truth; a tick only looks for due ones.

Memory job store: nothing is pickled and nothing is lost, as every job is made anew at start. `coalesce`, one instance,
no misfire grace: a tick that comes late does what is due then.
"""

import asyncio
import contextvars
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

STALE_SECONDS = 30.0  # a tick that hasn't fired for this long is dead
AGAIN_SECONDS = 0.2  # how soon after a failure the work that was wanted meanwhile is tried
STUCK_SECONDS = 300.0  # work that runs for this long will not end: every call it makes has a time-out

log = structlog.get_logger()


class Tick:
    """One service, run at an interval, at once when poked, and when it said that something will be due.

    Runs never overlap; a poke during a run makes another run follow.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], Awaitable[float | None]],
        *,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name, self.seconds = name, seconds
        self._work, self._clock = work, clock
        self._again = False
        self._stopped = False
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._fired = self._began = clock()

    async def fire(self) -> None:
        """What APScheduler calls."""
        self._fired = self._clock()
        self.poke()

    def poke(self) -> None:
        if self._stopped:
            return
        self._again = True
        if self._task is None or self._task.done():
            # In a context of its own: whoever poked has bound their request and person to their log lines, not to ours.
            self._task = asyncio.create_task(self._run(), name=f"tick {self.name}", context=contextvars.Context())

    async def _run(self) -> None:
        while self._again:
            self._again = False
            self._began = self._clock()
            try:
                due = await self._work()
            except Exception:
                log.exception("a tick failed; it runs again", tick=self.name)
                if self._again:  # poked meanwhile; not at once, as it may fail as fast as it is poked
                    self._wake_in(AGAIN_SECONDS)
                return
            if due is not None and due < self.seconds:
                self._wake_in(due)

    def _wake_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(max(seconds, 0.01), self.poke)

    @property
    def age(self) -> float:
        """Seconds since it last fired."""
        return self._clock() - self._fired

    @property
    def fault(self) -> str:
        """Why it isn't fresh; empty: it is."""
        if self.age > max(STALE_SECONDS, 3 * self.seconds):
            return f"the {self.name} tick has not run for {self.age:.0f} s"
        if self._task is not None and not self._task.done() and self._clock() - self._began > STUCK_SECONDS:
            return f"the {self.name} tick is stuck"
        return ""

    async def stop(self) -> None:
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


class Scheduler:
    """The ticks, under APScheduler."""

    def __init__(self, ticks: list[Tick]) -> None:
        self.ticks = {tick.name: tick for tick in ticks}
        self._scheduler: Any = AsyncIOScheduler(
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )

    def start(self) -> None:
        """Start every tick, each once at once."""
        for tick in self.ticks.values():
            self._scheduler.add_job(tick.fire, "interval", seconds=tick.seconds, id=tick.name)
            tick.poke()
        self._scheduler.start()

    def poke(self, names: set[str]) -> None:
        """What a commit calls: whoever has something to do starts now."""
        for name in names & self.ticks.keys():
            self.ticks[name].poke()

    @property
    def faults(self) -> list[str]:
        return [tick.fault for tick in self.ticks.values() if tick.fault]

    async def stop(self) -> None:
        """No new runs; those under way are cancelled between two transactions at most."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        for tick in self.ticks.values():
            await tick.stop()
