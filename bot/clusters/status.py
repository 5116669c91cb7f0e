"""Reading Astro's words: what a poll says of a cluster, and what of it is news.

Astro has no list of meanings and its words grow in number (status went from five to nine in two years), so a word that
is not known here is passed on as it stands and means "still on its way". Three of its habits decide the rest:

- `status` can be `""` just after the creation;
- `CREATED` can be fleeting, with work still going on behind it: it is believed when seen twice in a row;
- `healthStatus` flickers: a change is believed when seen twice in a row.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Any, Literal

from bot.clusters.lifecycle import State

CREATED = "CREATED"
LONGEST_WORD = 64  # what is kept of a word; Astro's longest today has 15 letters
# The end of a creation that did not work. Astro gives no reason with either.
_FAILURES = frozenset({"CREATE_FAILED", "ACCESS_DENIED"})
# A single 404 may be a hiccup of Astro's; two in a row are believed.
_BELIEVED_ABSENCES = 2

Kind = Literal["status", "health", "ready", "failed", "deleted"]


@dataclass(frozen=True)
class HealthDetail:
    """One line of healthStatus.details; free strings all of them."""

    code: str = ""
    description: str = ""
    severity: str = ""
    component: str = ""


@dataclass(frozen=True)
class Seen:
    """A cluster as one poll shows it; `status` and `health` are Astro's words, `""` where it gives none."""

    id: str
    name: str
    status: str
    health: str
    details: tuple[HealthDetail, ...] = ()


@dataclass(frozen=True)
class Change:
    """Something to be told: `word` is Astro's own, `details` those of a change of health."""

    kind: Kind
    word: str
    details: tuple[HealthDetail, ...] = ()


@dataclass(frozen=True)
class Watched:
    """What is remembered between two polls; flat, so that it can be stored.

    `status` and `health` are the words last announced, `pending_*` a word seen once that waits to be seen again;
    `missing` counts 404s in a row; `status_since` is when `status` was first seen, by our clock.
    """

    state: State
    status: str = ""
    health: str = ""
    pending_status: str = ""
    pending_health: str = ""
    missing: int = 0
    status_since: datetime | None = None

    @property
    def ready(self) -> bool:
        return self.state is State.READY

    def memory(self) -> dict[str, Any]:
        """The part that has no column of its own, as JSON."""
        kept = {name: value for name, value in asdict(self).items() if name not in ("state", "status", "health")}
        return kept | {"status_since": self.status_since.isoformat() if self.status_since else None}

    @classmethod
    def recall(cls, state: State, status: str, health: str, memory: Mapping[str, Any]) -> "Watched":
        """The inverse of `memory`; what isn't in it is as at the beginning."""
        names = {field.name for field in fields(cls)} - {"state", "status", "health"}
        kept = {name: value for name, value in memory.items() if name in names}
        since = kept.pop("status_since", None)
        return cls(state, status, health, **kept, status_since=datetime.fromisoformat(since) if since else None)


def seen(cluster: Mapping[str, Any]) -> Seen:
    """A cluster from Astro's JSON. Never raises; what is missing or of the wrong kind reads as `""`."""
    health = cluster.get("healthStatus")
    health = health if isinstance(health, Mapping) else {}
    details = health.get("details")
    return Seen(
        id=_text(cluster, "id"),
        name=_text(cluster, "name"),
        status=_text(cluster, "status")[:LONGEST_WORD],
        health=_text(health, "value")[:LONGEST_WORD],
        details=tuple(
            HealthDetail(**{field.name: _text(each, field.name) for field in fields(HealthDetail)})
            for each in (details if isinstance(details, list) else [])
            if isinstance(each, Mapping)
        ),
    )


def _text(each: Mapping[str, Any], key: str) -> str:
    value = each.get(key)
    return value.strip() if isinstance(value, str) else ""


def observe(watched: Watched, seen: Seen | None, now: datetime) -> tuple[Watched, tuple[Change, ...]]:
    """What is remembered after this poll, and what is news. `seen` is None where a GET said 404.

    Whoever wants to tell flapping from change does it between this and the thread: here each believed change is news.
    """
    if watched.state not in (State.PROVISIONING, State.READY):
        return watched, ()
    if seen is None:
        return _missed(watched)
    watched, by_status = _status(replace(watched, missing=0), seen.status, now)
    # The sighting that makes a cluster ready speaks of its health as well: the first word after READY is news.
    watched, by_health = _health(watched, seen) if watched.ready else (watched, ())
    return watched, by_status + by_health


def _missed(watched: Watched) -> tuple[Watched, tuple[Change, ...]]:
    # What was seen before an absence and after it was not seen twice in a row.
    watched = replace(watched, missing=watched.missing + 1, pending_status="", pending_health="")
    if watched.missing < _BELIEVED_ABSENCES:
        return watched, ()
    return replace(watched, state=State.DELETED), (Change("deleted", ""),)


def _status(watched: Watched, word: str, now: datetime) -> tuple[Watched, tuple[Change, ...]]:
    if word == CREATED:
        return _created(watched, now)
    watched = replace(watched, pending_status="")
    if word in _FAILURES and watched.state is State.PROVISIONING:
        return replace(watched, state=State.FAILED, status=word, status_since=now), (Change("failed", word),)
    if not word or word == watched.status:
        return watched, ()
    return replace(watched, status=word, status_since=now), (Change("status", word),)


def _created(watched: Watched, now: datetime) -> tuple[Watched, tuple[Change, ...]]:
    if watched.ready and watched.status == CREATED:
        return watched, ()
    if watched.pending_status != CREATED:
        return replace(watched, pending_status=CREATED), ()
    believed = replace(watched, state=State.READY, status=CREATED, pending_status="", status_since=now)
    return believed, (Change("status" if watched.ready else "ready", CREATED),)


def _health(watched: Watched, seen: Seen) -> tuple[Watched, tuple[Change, ...]]:
    word = seen.health
    if not word or word == watched.health:
        return replace(watched, pending_health=""), ()
    first = not watched.health
    if not first and word != watched.pending_health:
        return replace(watched, pending_health=word), ()
    return replace(watched, health=word, pending_health=""), (Change("health", word, seen.details),)
