"""Whether a request can be told where it is asked for: where the bot can't post, the form says so."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from bot.adapters.slack import Slack
from bot.clusters.policy import Policy
from bot.errors import Refused, RemoteError

USABLE_SECONDS = 300.0
LOOKUP_SECONDS = 1.0
TOLD_IN_DM = "The bot can't post in this channel, so it will tell you all in a direct message. Or invite it first."


@dataclass(frozen=True)
class _Known:
    closed: bool
    at: float


class Places:
    """Remembers for a while which channels are closed to the bot."""

    def __init__(self, slack: Slack, policy: Callable[[], Policy]) -> None:
        self._slack, self._policy = slack, policy
        self._known: dict[str, _Known] = {}

    async def remark(self, channel: str) -> str:
        """What a person should know before they ask here; "" where all is well, or nobody can tell."""
        if not channel or self._policy().channels.post_in:
            return ""  # told where policy says, or in direct messages as it is
        known = self._known.get(channel)
        # Closed ones are asked about anew: the remark tells people to invite the bot, and they do.
        if known is None or known.closed or time.monotonic() - known.at > USABLE_SECONDS:
            known = await self._asked(channel)
        return TOLD_IN_DM if known is not None and known.closed else ""

    async def _asked(self, channel: str) -> _Known | None:
        try:
            closed = not await self._slack.may_post(channel, timeout=LOOKUP_SECONDS)
        except Refused as fault:
            if fault.code != "channel_not_found":  # private and not invited, or somebody else's direct messages
                return None
            closed = True
        except RemoteError:
            return None
        self._known[channel] = _Known(closed, time.monotonic())
        return self._known[channel]
