"""Ticks: never two at once, never a wish lost, and honest about having died."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from bot.scheduler import STALE_SECONDS, STUCK_SECONDS, Scheduler, Tick


class Work:
    """What a tick calls: counts its runs, and holds each of them while the door is shut."""

    def __init__(self) -> None:
        self.runs = 0
        self.inside = 0
        self.most = 0
        self.door = asyncio.Event()
        self.door.set()
        self.due: float | None = None
        self.faults: list[Exception] = []
        self.changed = asyncio.Condition()

    async def __call__(self) -> float | None:
        self.runs += 1
        self.inside += 1
        self.most = max(self.most, self.inside)
        async with self.changed:
            self.changed.notify_all()
        try:
            await self.door.wait()
            if self.faults:
                raise self.faults.pop()
            return self.due
        finally:
            self.inside -= 1

    async def ran(self, times: int) -> None:
        async with asyncio.timeout(2), self.changed:
            await self.changed.wait_for(lambda: self.runs >= times)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


Make = Callable[..., Tick]


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    ticks: list[Tick] = []

    def made(work: Callable[[], Awaitable[float | None]], seconds: float = 60.0, **more: Clock) -> Tick:
        ticks.append(Tick("name", work, seconds=seconds, **more))
        return ticks[-1]

    yield made
    for tick in ticks:
        await tick.stop()


async def settled() -> None:
    """Until everything that is ready to run has run."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_poke_runs_the_work_at_once(make: Make) -> None:
    work = Work()
    make(work).poke()
    await work.ran(1)


async def test_runs_never_overlap_and_pokes_meanwhile_make_one_more_run(make: Make) -> None:
    work = Work()
    tick = make(work)
    work.door.clear()
    tick.poke()
    await work.ran(1)
    for _ in range(5):
        tick.poke()
    await settled()
    assert work.runs == 1
    work.door.set()
    await work.ran(2)
    await settled()
    assert (work.runs, work.most) == (2, 1)


async def test_work_that_says_when_it_is_due_is_run_then(make: Make) -> None:
    work = Work()
    work.due = 0.02
    make(work).poke()
    await work.ran(3)


async def test_what_is_due_after_the_next_tick_is_left_to_it(make: Make) -> None:
    work = Work()
    work.due = 60.0
    tick = make(work, seconds=60.0)
    tick.poke()
    await work.ran(1)
    await settled()
    assert tick._timer is None


async def test_work_that_fails_runs_again_at_the_next_poke(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    work = Work()
    work.faults = [RuntimeError("the database is away")]
    tick = make(work)
    tick.poke()
    await work.ran(1)
    await settled()
    tick.poke()
    await work.ran(2)
    assert [record.levelname for record in caplog.records] == ["ERROR"]


async def test_a_poke_during_a_run_that_fails_is_not_lost(make: Make) -> None:
    work = Work()
    tick = make(work)
    work.door.clear()
    work.faults = [RuntimeError("the database is away")]
    tick.poke()
    await work.ran(1)
    tick.poke()
    work.door.set()
    await work.ran(2)


async def test_a_stopped_tick_runs_no_more(make: Make) -> None:
    work = Work()
    tick = make(work)
    work.door.clear()
    tick.poke()
    await work.ran(1)
    await tick.stop()
    assert work.inside == 0  # the run under way was cancelled
    work.door.set()
    tick.poke()
    await tick.fire()
    await settled()
    assert work.runs == 1


async def test_a_tick_that_stopped_firing_says_so(make: Make) -> None:
    clock = Clock()
    tick = make(Work(), seconds=1.0, clock=clock)
    clock.now += STALE_SECONDS
    assert tick.fault == ""
    clock.now += 1
    assert tick.fault == "the name tick has not run for 31 s"
    await tick.fire()
    assert (tick.fault, tick.age) == ("", 0)


async def test_a_slow_tick_is_granted_three_of_its_intervals(make: Make) -> None:
    clock = Clock()
    tick = make(Work(), seconds=3600.0, clock=clock)
    clock.now += 3 * 3600
    assert tick.fault == ""
    clock.now += 1
    assert "has not run" in tick.fault


async def test_work_that_never_ends_is_found_out_although_the_tick_still_fires(make: Make) -> None:
    clock, work = Clock(), Work()
    tick = make(work, seconds=1.0, clock=clock)
    work.door.clear()
    tick.poke()
    await work.ran(1)
    clock.now += STUCK_SECONDS + 1
    await tick.fire()
    assert tick.fault == "the name tick is stuck"
    work.door.set()
    await work.ran(2)
    await settled()
    assert tick.fault == ""


async def test_the_scheduler_starts_every_tick_at_once_and_then_at_its_interval() -> None:
    quick, slow = Work(), Work()
    scheduler = Scheduler([Tick("quick", quick, seconds=0.02), Tick("slow", slow, seconds=3600)])
    scheduler.start()
    await quick.ran(3)
    await slow.ran(1)
    assert (slow.runs, scheduler.faults) == (1, [])
    await scheduler.stop()
    ran = quick.runs
    scheduler.poke({"quick"})
    await settled()
    assert quick.runs == ran


async def test_a_commit_pokes_those_it_names_and_nobody_else() -> None:
    works = {name: Work() for name in ("create", "deliver")}
    scheduler = Scheduler([Tick(name, work, seconds=3600) for name, work in works.items()])
    scheduler.poke({"deliver", "home:U1"})
    await works["deliver"].ran(1)
    assert works["create"].runs == 0
    await scheduler.stop()
