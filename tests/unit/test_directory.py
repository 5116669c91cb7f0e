"""What is known of people, when answers hang and overtake each other."""

import asyncio
from typing import cast

from bot.adapters.astro import Astro
from bot.adapters.directory import Directory
from bot.adapters.slack import Profile, Slack
from bot.clusters.policy import Lookups


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class SlowSlack:
    """Answers each question when it is told to, in any order."""

    def __init__(self) -> None:
        self.asked: list[asyncio.Future[Profile]] = []

    async def profile(self, user: str, *, timeout: float) -> Profile:
        self.asked.append(asyncio.get_running_loop().create_future())
        return await self.asked[-1]


def profile(*, guest: bool) -> Profile:
    return Profile(id="U1", email="", is_bot=False, is_guest=guest, is_deleted=False, is_stranger=False)


async def test_an_answer_that_hung_does_not_replace_the_answer_to_a_newer_question() -> None:
    slack, clock = SlowSlack(), Clock()
    directory = Directory(
        cast(Slack, slack), cast(Astro, None), lookups=lambda: Lookups((), astro_roles=False), clock=clock
    )
    assert not (await directory.person("U1", timeout=0.01)).is_known
    clock.now += 5
    newer = asyncio.create_task(directory.person("U1", fresh=True, timeout=1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    first, second = slack.asked
    second.set_result(profile(guest=True))
    assert (await newer).is_guest
    first.set_result(profile(guest=False))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (await directory.person("U1")).is_guest
    await directory.stop()
