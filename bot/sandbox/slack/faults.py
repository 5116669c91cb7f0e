"""What can go wrong with a call to Slack's Web API, on demand, and Slack's rate limits."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

GATEWAY_PAGE = "<html><body><h1>502 Bad Gateway</h1></body></html>"


@dataclass(frozen=True)
class Fault:
    """One mishap. `done`: the method takes effect although the caller isn't told so.

    Without `error`, `status`, `drop` or `cut` it is only slow: it waits `hang` seconds and then does its work;
    with `done` as well, it does its work first and then waits.
    """

    error: str = ""
    status: int = 0
    body: str = ""
    content_type: str = "text/html"
    retry_after: int | None = None
    hang: float = 0.0
    drop: bool = False
    cut: bool = False
    done: bool = False

    @classmethod
    def refused(cls, error: str, *, done: bool = False) -> "Fault":
        """`{"ok": false, "error": error}`; with `done`, as Slack's `internal_error` may have happened all the same."""
        return cls(error=error, done=done)

    @classmethod
    def page(cls, status: int = 502, body: str = GATEWAY_PAGE, *, done: bool = False) -> "Fault":
        """An HTTP status with a body that isn't Slack's."""
        return cls(status=status, body=body, done=done)

    @classmethod
    def limited(cls, retry_after: int = 1) -> "Fault":
        """429 with `Retry-After`, in seconds."""
        return cls(error="ratelimited", status=429, retry_after=retry_after)

    @classmethod
    def slow(cls, seconds: float, *, done: bool = False) -> "Fault":
        """The answer comes `seconds` late; the effect too, unless `done`."""
        return cls(hang=seconds, done=done)

    @classmethod
    def dropped(cls, *, done: bool = False) -> "Fault":
        """The connection is cut without an answer, before or after the method took effect."""
        return cls(drop=True, done=done)

    @classmethod
    def cut_reply(cls) -> "Fault":
        """It took effect, and the connection is cut in the middle of the answer."""
        return cls(cut=True, done=True)

    @property
    def takes_effect(self) -> bool:
        return self.done or not (self.error or self.status or self.drop or self.cut)


class Faults:
    """Mishaps in waiting, by method name; `*` stands for any method. First come, first served, the named ones first."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[tuple[Fault, int | None]]] = {}

    def next(self, method: str, fault: Fault, times: int | None = 1) -> None:
        """The next `times` calls of `method` meet this fault; None: all of them until `clear`."""
        self._waiting.setdefault(method, []).append((fault, times))

    def clear(self, method: str | None = None) -> None:
        """Take back what was ordered, for one method or for all."""
        if method is None:
            self._waiting.clear()
        else:
            self._waiting.pop(method, None)

    def take(self, method: str) -> Fault | None:
        """The fault that this call meets, if any."""
        for key in (method, "*"):
            if waiting := self._waiting.get(key):
                fault, times = waiting[0]
                if times is None:
                    return fault
                if times > 1:
                    waiting[0] = (fault, times - 1)
                else:
                    waiting.pop(0)
                return fault
        return None


@dataclass
class _Bucket:
    tokens: float
    at: float


@dataclass
class Rates:
    """Token buckets by Slack's tiers (calls a minute); chat.postMessage is one a second a channel, with short bursts.

    Off unless `on`. Source: Slack's page on rate limits.
    """

    clock: Callable[[], float]
    on: bool = False
    per_minute: Mapping[int, float] = field(default_factory=lambda: {1: 1, 2: 20, 3: 50, 4: 100})
    post_burst: int = 3
    _buckets: dict[str, _Bucket] = field(default_factory=dict)

    def wait(self, method: str, tier: int, channel: str = "") -> int | None:
        """None where the call may pass, else the whole seconds to wait."""
        if not self.on:
            return None
        if tier == 0:
            return self._take(f"{method}/{channel}", 1.0, self.post_burst)
        a_minute = self.per_minute[tier]
        return self._take(method, a_minute / 60, a_minute)

    def _take(self, key: str, a_second: float, burst: float) -> int | None:
        now = self.clock()
        bucket = self._buckets.setdefault(key, _Bucket(burst, now))
        bucket.tokens = min(burst, bucket.tokens + (now - bucket.at) * a_second)
        bucket.at = now
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return None
        return max(1, math.ceil((1 - bucket.tokens) / a_second))
