"""The state of the sandbox's Astro: its organization, its clusters, and how tests move them about."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.sandbox.astro_life import Cluster, Life, Script, Step, as_time, usual_life
from bot.sandbox.astro_offers import Json, options
from bot.sandbox.astro_people import organization as an_organization
from bot.sandbox.astro_people import users as usual_users
from bot.sandbox.astro_people import workspaces as some_workspaces


class AstroState:
    """One organization: everything but the HTTP around it.

    Args:
        organization: its id.
        clock: seconds, from anywhere; the lives of clusters follow it, and so do the times in answers.
        build_seconds: how long a cluster takes to CREATED, by that clock.
        workspaces: how many, or their names, or whole Workspaces.
        users: whole users (see `astro_people.user`), else four usual ones.

    Attributes:
        clusters: by id. `creates`: the body of every create that made a cluster.
        scripts: lives of clusters to be made, by name; `script`: that of all others.
        commit_delay: seconds, by the clock, until lists show a cluster that was made through the API.
        options, workspaces, users, organization: what is answered; tests may change them.
    """

    def __init__(
        self,
        organization: str,
        clock: Callable[[], float] = time.monotonic,
        build_seconds: float = 3.0,
        workspaces: int | Sequence[str | Json] = 3,
        users: list[Json] | None = None,
    ) -> None:
        self.clock = clock
        self.script: Script = usual_life(build_seconds)
        self.scripts: dict[str, Script] = {}
        self.commit_delay = 0.0
        self.options = options()
        self.organization = an_organization(organization)
        self.workspaces = some_workspaces(organization, workspaces)
        self.users = usual_users() if users is None else users
        self.clusters: dict[str, Cluster] = {}
        self.creates: list[Json] = []
        self._epoch = (datetime.now(UTC), clock())

    def add(self, body: Json, script: Script | None = None, *, age: float = 0.0) -> Cluster:
        """A cluster that nobody asked this API for. `age` in seconds; its life begins now all the same.

        `body` is a create request's; without a script it is CREATED and HEALTHY for good.
        """
        return self.keep(body, script or (Step("CREATED", "HEALTHY"),), age, 0.0)

    def find(self, name_or_id: str) -> Cluster:
        """The cluster of this id or name. Raises KeyError when there is none."""
        for cluster in self.clusters.values():
            if name_or_id in (cluster.id, cluster.name):
                return cluster
        raise KeyError(name_or_id)

    def status(self, name_or_id: str) -> str:
        """Its status now, without counting as a poll."""
        return self.find(name_or_id).life.at(self.clock()).status

    def set_status(self, name_or_id: str, status: str, **more: Any) -> None:
        """From now on this status, for good; the script is over. `more` are fields of the answer to override."""
        cluster = self.find(name_or_id)
        now = self.clock()
        step = cluster.life.at(now)
        cluster.more |= more
        cluster.life.become(Step(status, step.health, step.details), now)

    def set_health(self, name_or_id: str, value: str, details: Sequence[Json] = ()) -> None:
        """From now on this health, for good; the script is over."""
        cluster = self.find(name_or_id)
        now = self.clock()
        cluster.life.become(Step(cluster.life.at(now).status, value, tuple(details)), now)

    def remove(self, name_or_id: str) -> None:
        """Gone: 404 from now on."""
        del self.clusters[self.find(name_or_id).id]

    def keep(self, body: Json, script: Script, age: float, delay: float) -> Cluster:
        """A new cluster, `age` seconds old, that lists show after `delay` seconds."""
        now = self.clock()
        offer = self.options[body["cloudProvider"]]
        cluster = Cluster(
            body=body,
            life=Life(script, now),
            created=now - age,
            seen_from=now + delay,
            organization=self.organization["id"],
            database=offer["defaultDatabaseInstance"]["name"],
            node=offer["defaultNodeInstance"]["name"],
        )
        self.clusters[cluster.id] = cluster
        return cluster

    def moment(self, seconds: float) -> datetime:
        """The time of day that the clock's `seconds` stand for."""
        began, at = self._epoch
        return began + timedelta(seconds=seconds - at)

    def shown(self, cluster: Cluster) -> Json:
        """The cluster as somebody who asks now gets it; that counts as a poll."""
        step = cluster.life.read(self.clock())
        updated = max(cluster.created, cluster.life.since)
        return cluster.answer(step, as_time(self.moment(cluster.created)), as_time(self.moment(updated)))
