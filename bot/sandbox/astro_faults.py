"""What can go wrong between a client and Astro, on demand."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

CALLS = ("create", "list", "get", "delete", "options", "workspaces", "users", "organization")
EVERY_CALL = "*"

# What the client gets: Astro's own answer, half of it, the one that the fault brings, "already exists", or nothing.
Reply = Literal["own", "half", "given", "taken", "none"]


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong with one request. The class methods below name the usual ones.

    Attributes:
        reply: what the client gets to see.
        made: whether the request is carried out all the same.
        seconds: real time that passes before the reply.
        late: carried out only after those seconds, not before.
        status, content, headers: the reply that is given.
    """

    reply: Reply
    made: bool = False
    seconds: float = 0.0
    late: bool = False
    status: int = 200
    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def answer(
        cls,
        status: int,
        message: str = "Internal server error",
        *,
        fields: Mapping[str, str] | None = None,
        body: Any = None,
        made: bool = False,
    ) -> "Fault":
        """A JSON answer: `body` as it is, else Astro's error with this message and, for `fields`, its `fieldErrors`."""
        if body is None:
            body = {"message": message, "requestId": "ceece673-a6c1-4774-9b4a-95dd1fa9c282", "statusCode": status}
            if fields is not None:
                body["fieldErrors"] = [{"field": key, "code": "invalid", "message": fields[key]} for key in fields]
        return cls.raw(status, json.dumps(body), "application/json", made=made)

    @classmethod
    def raw(
        cls,
        status: int,
        text: str | bytes,
        content_type: str = "text/html",
        *,
        headers: Mapping[str, str] | None = None,
        made: bool = False,
    ) -> "Fault":
        """Any answer at all."""
        content = text.encode() if isinstance(text, str) else text
        return cls(
            "given", made, status=status, content=content, headers={"Content-Type": content_type, **(headers or {})}
        )

    @classmethod
    def bad_gateway(cls, *, made: bool = False) -> "Fault":
        """A proxy's 502 page; with `made`, Astro itself had done what was asked."""
        return cls.raw(502, "<html><body>Bad Gateway</body></html>", made=made)

    @classmethod
    def limited(cls, retry_after: float | str | None = None) -> "Fault":
        """429, which Astro says in plain text. It documents no Retry-After; a proxy may send one."""
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        return cls.raw(429, "Too Many Requests", "text/plain", headers=headers)

    @classmethod
    def hang(cls, seconds: float, *, late: bool = False) -> "Fault":
        """The right answer after so many seconds. What was asked happens at once; with `late`, only then, too."""
        return cls("own", made=True, seconds=seconds, late=late)

    @classmethod
    def drop(cls) -> "Fault":
        """Carried out, and the connection closed without a word."""
        return cls("none", made=True)

    @classmethod
    def drop_before(cls) -> "Fault":
        """The connection closed before anything happened."""
        return cls("none")

    @classmethod
    def half(cls) -> "Fault":
        """Carried out; a whole head and half of the body come back."""
        return cls("half", made=True)

    @classmethod
    def taken(cls) -> "Fault":
        """A create that works and is answered as if the name had been taken: what a proxy's own retry looks like."""
        return cls("taken", made=True)


class Faults:
    """What is to go wrong next, by call. First come, first served; what is meant for one call goes before `*`."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[tuple[Fault, int | None]]] = {}

    def next(self, call: str, fault: Fault, times: int | None = 1) -> None:
        """Let the next `times` requests of this call meet `fault`; None: all of them, until `clear`.

        `call` is one of `CALLS`, or `*` for any. Raises ValueError for another.
        """
        if call not in (*CALLS, EVERY_CALL):
            raise ValueError(f"{call!r} is no call; there are {', '.join(CALLS)} and {EVERY_CALL}")
        self._waiting.setdefault(call, []).append((fault, times))

    def clear(self, call: str | None = None) -> None:
        """Nothing more is to go wrong: with this call, or at all."""
        if call is None:
            self._waiting.clear()
        else:
            self._waiting.pop(call, None)

    def take(self, call: str) -> Fault | None:
        """The fault that a request of this call meets now; it is used up by that."""
        for key in (call, EVERY_CALL):
            if waiting := self._waiting.get(key):
                fault, times = waiting[0]
                if times is not None and times <= 1:
                    del waiting[0]
                elif times is not None:
                    waiting[0] = (fault, times - 1)
                return fault
        return None
