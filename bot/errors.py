"""Every error that this bot raises on purpose.

BotError
├── PersonError            the person can mend it: the message is shown to them as it stands
│   ├── NotAllowed         policy says no, and why
│   └── Stale              what they clicked is no longer so: somebody was first, or it has moved on
├── OperatorError          whoever runs the bot can mend it: one line each, no traceback, exit code with it
├── RemoteError            Slack or Astro did not do what was asked
│   ├── NothingSent        the request never left, so nothing happened there: safe to repeat
│   ├── Limited            told to wait (429); nothing happened there
│   ├── Refused            a definite no, with its code and words
│   └── NoAnswer           sent, and no usable answer came back: it may or may not have happened
└── Bug                    a rule of this house was broken; never shown beyond its id
    ├── IllegalStep        a step that the life of a request doesn't have
    └── OverLimit          blocks that Slack would refuse
"""

from collections.abc import Sequence


class BotError(Exception):
    """The root; catching it catches what we raise and nothing else."""


class PersonError(BotError):
    """Something the person who asked can mend. `str()` is a sentence for them: what happened, what to do now."""


class NotAllowed(PersonError):
    """Policy refuses; the message says why. `ask` holds the Slack ids of those who can help."""

    def __init__(self, reason: str, ask: Sequence[str] = ()) -> None:
        self.ask = tuple(ask)
        super().__init__(reason)


class Stale(PersonError):
    """What was clicked is no longer so; the message says what happened meanwhile, as a clause ("it was denied").

    `by` holds the Slack ids of those who decided it, where somebody did.
    """

    def __init__(self, what_happened: str, by: Sequence[str] = ()) -> None:
        self.by = tuple(by)
        super().__init__(what_happened)


class OperatorError(BotError):
    """What only the operator can mend: settings, policy, database.

    `lines` are printed one by one; `exit_code` is 2 for settings, policy and usage, 1 for anything else found at fault.
    """

    def __init__(self, lines: Sequence[str] | str, exit_code: int = 2) -> None:
        self.lines = [lines] if isinstance(lines, str) else list(lines)
        self.exit_code = exit_code
        super().__init__("; ".join(self.lines))


class RemoteError(BotError):
    """Slack or Astro did not do what was asked. `call` names the method, without any argument."""

    def __init__(self, call: str, reason: str) -> None:
        self.call = call
        self.reason = reason
        super().__init__(f"{call}: {reason}")


class NothingSent(RemoteError):
    """No connection was made: the other side never saw the request."""


class Limited(RemoteError):
    """429. `retry_after` in seconds, where the other side named one."""

    def __init__(self, call: str, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(call, "rate limited")


class Refused(RemoteError):
    """A definite no: `code` is Slack's error code, or Astro's HTTP status as text; `reason` its own words."""

    def __init__(self, call: str, code: str, reason: str = "") -> None:
        self.code = code
        super().__init__(call, reason or code)


class NoAnswer(RemoteError):
    """Sent, but a time-out, a reset, a 5xx or an unreadable reply leaves open whether it happened."""


class Bug(BotError):
    """Our own mistake; people are shown the request's id and a plain sentence, the log has the rest."""


class IllegalStep(Bug):
    """`lifecycle.py` does not know this step."""


class OverLimit(Bug):
    """What was about to leave breaks one of Slack's limits; the message names the limit and where."""
