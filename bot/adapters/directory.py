"""Who is this, and what do they belong to: Slack's user groups and profiles, Astro's roles.

Cached, because a listener may not wait; usable for ten minutes. Decisions ask afresh.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import structlog

from bot.adapters.astro import Astro
from bot.adapters.slack import Profile, Slack
from bot.clusters.policy import Lookups, Members, Person
from bot.errors import Refused, RemoteError

USABLE_SECONDS = 600.0
# No such group, or a plan without groups: nobody is in it, and whoever else the policy names still may.
NOBODY = frozenset({"no_such_subteam", "plan_upgrade_required"})
LONGEST_SECONDS = 10.0  # after which a look-up is given up for good
LOOKUP_SECONDS = 1.5  # what a person at a form may wait, inside Slack's three seconds

log = structlog.get_logger()
T = TypeVar("T")
LookUp = Callable[[str, float], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class _Known(Generic[T]):
    value: T
    at: float


class Directory:
    """`person()` never raises: what could not be looked up is unknown in its answer, and unknown denies."""

    def __init__(
        self, slack: Slack, astro: Astro, *, lookups: Callable[[], Lookups], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._slack, self._astro, self._lookups, self._clock = slack, astro, lookups, clock
        self._profiles: dict[str, _Known[Profile]] = {}
        self._groups: dict[str, _Known[frozenset[str]]] = {}
        self._roles: _Known[dict[str, str]] | None = None
        self._asking: dict[str, _Known[asyncio.Task[None]]] = {}  # whoever asks for the same waits for the same

    async def person(
        self, user: str, *, fresh: bool = False, timeout: float = LOOKUP_SECONDS, late: float = 0.0
    ) -> Person:
        """What is known of this person now; `fresh` asks again, within `timeout` seconds.

        An answer that comes later is kept all the same. Who tries again says by `late`, in seconds, how old the answer
        to the try before may be, or a Slack that takes its time would never be heard.
        """
        wanted = self._lookups()
        since = self._clock() - (late if fresh else USABLE_SECONDS)
        tasks: list[asyncio.Task[None]] = []
        if not self._since(self._profiles.get(user), since):
            tasks.append(self._asked("profile", user, self._into_profiles, since))
        tasks += [
            self._asked("usergroup", group, self._into_groups, since)
            for group in wanted.usergroups
            if not self._since(self._groups.get(group), since)
        ]
        if wanted.astro_roles and not self._since(self._roles, since):
            tasks.append(self._asked("astro roles", "", self._into_roles, since))
        await self._wait(tasks, timeout)
        return self._person(user, wanted, since=since)

    async def refresh(self, timeout: float = 10) -> None:
        """Ask again for all groups and roles, so that nobody at a form waits for them."""
        wanted, since = self._lookups(), self._clock()
        tasks = [self._asked("usergroup", group, self._into_groups, since) for group in wanted.usergroups]
        if wanted.astro_roles:
            tasks.append(self._asked("astro roles", "", self._into_roles, since))
        await self._wait(tasks, timeout)

    def listed(self, members: Members) -> frozenset[str] | None:
        """The Slack ids of all these people, from memory; None where they can't be counted (roles, or unknown)."""
        groups = [self._groups.get(group) for group in members.usergroups]
        if not members.ids or not all(self._usable(group) for group in groups):
            return None
        return frozenset(members.users).union(*(group.value for group in groups if group is not None))

    def _person(self, user: str, wanted: Lookups, *, since: float) -> Person:
        profile = self._value(self._profiles.get(user), since)
        groups = {group: self._value(self._groups.get(group), since) for group in wanted.usergroups}
        roles = self._value(self._roles, since)
        return Person(
            id=user,
            is_known=profile is not None,
            groups=None
            if any(members is None for members in groups.values())
            else frozenset(group for group, members in groups.items() if members and user in members),
            astro_known=roles is not None,
            astro_role=roles.get(profile.email.casefold()) if roles is not None and profile and profile.email else None,
            is_guest=profile.is_guest if profile else False,
            is_bot=profile.is_bot if profile else False,
            is_deleted=profile.is_deleted if profile else False,
            is_stranger=profile.is_stranger if profile else False,
        )

    def _usable(self, known: _Known[Any] | None) -> bool:
        return known is not None and self._clock() - known.at < USABLE_SECONDS

    def _since(self, known: _Known[Any] | None, since: float) -> bool:
        return known is not None and known.at >= since

    def _value(self, known: _Known[T] | None, since: float) -> T | None:
        return known.value if known is not None and known.at >= since else None

    async def stop(self) -> None:
        """Wait for nothing that is still being looked up."""
        tasks = [each.value for each in self._asking.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _asked(self, what: str, whom: str, look_up: LookUp, since: float) -> asyncio.Task[None]:
        """The look-up of this, under way since then or later. It goes on for longer than anybody waits for it."""
        key, now = f"{what} {whom}", self._clock()
        under_way = self._asking.get(key)
        # One that hangs is not waited for by everybody who comes later.
        if under_way is not None and under_way.at >= max(since, now - LOOKUP_SECONDS) and not under_way.value.done():
            return under_way.value
        task = asyncio.create_task(self._kept(what, look_up(whom, now)))
        self._asking[key] = _Known(task, now)
        return task

    async def _wait(self, tasks: Sequence[asyncio.Task[None]], timeout: float) -> None:
        if tasks:
            _, waiting = await asyncio.wait(tasks, timeout=timeout)
            if waiting:
                log.warning("look-ups take long; their answers are kept for the next try", count=len(waiting))

    async def _into_profiles(self, user: str, asked: float) -> None:
        profile = await self._slack.profile(user, timeout=LONGEST_SECONDS)
        self._profiles[user] = _newer(self._profiles.get(user), _Known(profile, asked))

    async def _into_groups(self, group: str, asked: float) -> None:
        try:
            members = await self._slack.usergroup(group, timeout=LONGEST_SECONDS)
        except Refused as fault:
            if fault.code not in NOBODY:
                raise
            log.warning("a user group of the policy can't be read", usergroup=group, fault=fault.reason)
            members = frozenset()
        self._groups[group] = _newer(self._groups.get(group), _Known(members, asked))

    async def _into_roles(self, _: str, asked: float) -> None:
        users = await self._astro.users(timeout=LONGEST_SECONDS)
        roles = {
            str(user.get("username") or "").casefold(): str(user.get("organizationRole") or "")
            for user in users
            if user.get("status") == "ACTIVE"
        }
        self._roles = _newer(self._roles, _Known(roles, asked))

    async def _kept(self, what: str, look_up: Coroutine[Any, Any, None]) -> None:
        try:
            await look_up
        except RemoteError as fault:
            log.warning("look-up failed", what=what, fault=str(fault))
        except Exception:
            log.exception("an answer to a look-up could not be read", what=what)


def _newer(old: _Known[T] | None, new: _Known[T]) -> _Known[T]:
    """The one that was asked for later: an answer that hung may come after the answer to a newer question."""
    return new if old is None or new.at >= old.at else old
