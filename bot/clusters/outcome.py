"""What an answer to the create call proves: that it happened, that it did not, or nothing at all.

The call has no idempotency key, and each cluster costs money, so a guess is dear either way. Everything that is not
known to be a definite answer proves nothing and is looked up by name instead: `matches` says whether a cluster that is
listed under the name is the one that the lost call made.
"""

import ipaddress
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.errors import Limited, NothingSent, RemoteError

# Statuses by which the server says that it read the request and did nothing. 400, 404 and 412 are Astro's own (its API
# page lists them for this call); the others are HTTP's, and mean the same in any server or proxy that sends them.
_REFUSALS = frozenset({400, 404, 405, 406, 410, 411, 412, 413, 414, 415, 417, 422, 428, 431})
# Our access is at fault, not the request: the token (401), its rights (403), a proxy that wants a login of us (407).
_NO_ACCESS = frozenset({401, 403, 407})

# Astro's words for a name in use: "cluster name X already exists". We looked before we called and the name was free, so
# such an answer may be to a second copy of our own call, which something between us and Astro has repeated.
_NAME_IN_USE = re.compile(r"already\s+(exists|taken|in\s+use)", re.IGNORECASE)

_LONGEST_WORDS = 1000
_LONGEST_ID = 64


@dataclass(frozen=True)
class Answer:
    """Any HTTP answer to the create call.

    `body` is the parsed JSON, or None where it is none; `text` the body as text; `retry_after` in seconds; `date` is
    the server's own clock (its Date header).
    """

    status: int
    body: Any
    text: str
    retry_after: float | None = None
    date: datetime | None = None


@dataclass(frozen=True)
class Accepted:
    """Astro took the request: this is the cluster's id, never to be dropped, and the cluster as answered."""

    cluster_id: str
    cluster: Mapping[str, Any]


@dataclass(frozen=True)
class Rejected:
    """A definite no, in Astro's words. `field_errors` are (field, message) pairs, where Astro names fields."""

    message: str
    field_errors: tuple[tuple[str, str], ...] = ()
    request_id: str = ""
    status: int = 0


@dataclass(frozen=True)
class TryLater:
    """Nothing happened there; the same call may be made again, after `retry_after` seconds where Astro names a time."""

    reason: str
    retry_after: float | None = None


@dataclass(frozen=True)
class Held:
    """Astro refuses the bot itself (401, 403). No call can succeed until the operator mends its access."""

    message: str
    status: int


@dataclass(frozen=True)
class Unknown:
    """It may or may not have happened; only looking at Astro can tell."""

    reason: str


Outcome = Accepted | Rejected | TryLater | Held | Unknown


def prove(answer: Answer | RemoteError) -> Outcome:
    """What is known after the call. Never raises; whatever isn't listed here is `Unknown`."""
    if isinstance(answer, RemoteError):
        return _without_answer(answer)
    if 200 <= answer.status < 300:
        return _accepted(answer)
    if answer.status == 429:
        return TryLater("Astro asked us to slow down.", _seconds(answer.retry_after))
    if answer.status in _NO_ACCESS:
        return Held(words(answer), answer.status)
    if answer.status in _REFUSALS:
        return _refused(answer)
    return Unknown(words(answer))


def _without_answer(error: RemoteError) -> Outcome:
    if isinstance(error, NothingSent):
        return TryLater("Astro could not be reached.")
    if isinstance(error, Limited):
        return TryLater("Astro asked us to slow down.", _seconds(error.retry_after))
    return Unknown(f"No usable answer came back ({error.reason}).")


def _accepted(answer: Answer) -> Outcome:
    cluster_id = answer.body.get("id") if isinstance(answer.body, Mapping) else None
    if not is_id(cluster_id):
        return Unknown(f"Astro answered {answer.status} without a cluster's id.")
    return Accepted(str(cluster_id), answer.body)


def _refused(answer: Answer) -> Outcome:
    pairs = _field_errors(answer.body)
    said = " ".join([words(answer), *(message for _, message in pairs)])
    if _NAME_IN_USE.search(said):
        return Unknown(words(answer))
    request_id = answer.body.get("requestId") if isinstance(answer.body, Mapping) else None
    return Rejected(words(answer), pairs, request_id if isinstance(request_id, str) else "", answer.status)


def words(answer: Answer) -> str:
    """Astro's own message, else the text where it is plain, else the bare status. Untrusted: escape before showing."""
    message = answer.body.get("message") if isinstance(answer.body, Mapping) else None
    if isinstance(message, str) and message.strip():
        return message.strip()[:_LONGEST_WORDS]
    text = answer.text.strip()
    if text and not text.startswith(("<", "{", "[")):  # a proxy's HTML page, or JSON without a message, helps nobody
        return text[:_LONGEST_WORDS]
    return f"Astro answered with status {answer.status} and no message."


def _field_errors(body: Any) -> tuple[tuple[str, str], ...]:
    listed = body.get("fieldErrors") if isinstance(body, Mapping) else None
    found = []
    for each in listed if isinstance(listed, list) else []:
        if not isinstance(each, Mapping):
            continue
        field, message, code = (each.get(key) for key in ("field", "message", "code"))
        said = next((text for text in (message, code) if isinstance(text, str) and text.strip()), "")
        if isinstance(field, str) and said:
            found.append((field.strip(), said.strip()[:_LONGEST_WORDS]))
    return tuple(found)


def is_id(value: Any) -> bool:
    """Whether this can be a cluster's id. Astro's are 25 lower-case letters and digits; we only ask that it be harmless
    in a path and fit its column, as an id that came back must not be lost for its looks."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= _LONGEST_ID
        and value.isprintable()
        and not re.search(r"[\s/]", value)
        and value not in (".", "..")
    )


def _seconds(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) or value < 0 else float(value)


def moment(value: Any) -> datetime | None:
    """A timestamp as Astro writes it, with or without fractions of a second; None where it is none."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


_SAME_WORD = ("name", "cloudProvider", "type", "region")
_SAME_RANGE = (
    "vpcSubnetRange",
    "secondaryVpcCidr",
    "podSubnetRange",
    "serviceSubnetRange",
    "servicePeeringRange",
    "drVpcSubnetRange",
    "drSecondaryVpcCidr",
    "drPodSubnetRange",
    "drServiceSubnetRange",
    "drServicePeeringRange",
)


def matches(cluster: Mapping[str, Any], body: Mapping[str, Any], *, not_before: datetime, skew: timedelta) -> bool:
    """Whether this listed cluster is the one that our unanswered call made.

    Args:
        cluster: as Astro lists it.
        body: what we sent.
        not_before: when the name was last seen to be absent, by the server's clock where it is known.
        skew: how far the clocks may be apart.

    Name, provider, type and region must be equal to the letter, the creation time must fit, and no range or DR region
    that was sent may be contradicted. A range that Astro doesn't (yet) repeat contradicts nothing.
    """
    created = moment(cluster.get("createdAt"))
    # Astro may cut the time to whole seconds, so ours is cut as well.
    if created is None or created < (not_before - skew).replace(microsecond=0):
        return False
    if any(cluster.get(key) != body.get(key) for key in _SAME_WORD):
        return False
    if (cluster.get("drRegion") or "") != (body.get("drRegion") or ""):
        return False
    return all(_same_range(cluster.get(key), body[key]) for key in _SAME_RANGE if body.get(key))


def _same_range(theirs: Any, ours: Any) -> bool:
    if not theirs:
        return True
    try:
        return ipaddress.ip_network(str(theirs).strip()) == ipaddress.ip_network(str(ours).strip())
    except ValueError:
        return str(theirs).strip() == str(ours).strip()
