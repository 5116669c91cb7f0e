"""Who is this, and what do they belong to: Slack's user groups and profiles, Astro's roles.

Cached, because a listener may not wait; usable for ten minutes. Decisions ask afresh.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
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
LOOKUP_SECONDS = 1.5  # what a person at a form may wait, inside Slack's three seconds

log = structlog.get_logger()
T = TypeVar("T")


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

    async def person(self, user: str, *, fresh: bool = False, timeout: float = LOOKUP_SECONDS) -> Person:
        """What is known of this person now; `fresh` asks again, within `timeout` seconds."""
        wanted = self._lookups()
        tasks: list[Coroutine[Any, Any, None]] = []
        if fresh or not self._usable(self._profiles.get(user)):
            tasks.append(self._look_up_profile(user, timeout))
        tasks += [
            self._look_up_group(group, timeout)
            for group in wanted.usergroups
            if fresh or not self._usable(self._groups.get(group))
        ]
        if wanted.astro_roles and (fresh or not self._usable(self._roles)):
            tasks.append(self._look_up_roles(timeout))
        started = self._clock()
        await asyncio.gather(*tasks)
        return self._person(user, wanted, since=started if fresh else started - USABLE_SECONDS)

    async def refresh(self, timeout: float = 10) -> None:
        """Ask again for all groups and roles, so that nobody at a form waits for them."""
        wanted = self._lookups()
        await asyncio.gather(*(self._look_up_group(group, timeout) for group in wanted.usergroups))
        if wanted.astro_roles:
            await self._look_up_roles(timeout)

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

    def _value(self, known: _Known[T] | None, since: float) -> T | None:
        return known.value if known is not None and known.at >= since else None

    async def _look_up_profile(self, user: str, timeout: float) -> None:
        await self._kept("profile", self._into_profiles(user, timeout), timeout)

    async def _into_profiles(self, user: str, timeout: float) -> None:
        self._profiles[user] = _Known(await self._slack.profile(user, timeout=timeout), self._clock())

    async def _look_up_group(self, group: str, timeout: float) -> None:
        await self._kept("usergroup", self._into_groups(group, timeout), timeout)

    async def _into_groups(self, group: str, timeout: float) -> None:
        try:
            members = await self._slack.usergroup(group, timeout=timeout)
        except Refused as fault:
            if fault.code not in NOBODY:
                raise
            log.warning("a user group of the policy can't be read", usergroup=group, fault=fault.reason)
            members = frozenset()
        self._groups[group] = _Known(members, self._clock())

    async def _look_up_roles(self, timeout: float) -> None:
        await self._kept("astro roles", self._into_roles(timeout), timeout)

    async def _into_roles(self, timeout: float) -> None:
        users = await self._astro.users(timeout=timeout)
        roles = {
            str(user.get("username") or "").casefold(): str(user.get("organizationRole") or "")
            for user in users
            if user.get("status") == "ACTIVE"
        }
        self._roles = _Known(roles, self._clock())

    async def _kept(self, what: str, look_up: Coroutine[Any, Any, None], timeout: float) -> None:
        try:
            async with asyncio.timeout(timeout):
                await look_up
        except (RemoteError, TimeoutError) as fault:
            log.warning("look-up failed", what=what, fault=str(fault) or "time-out")
