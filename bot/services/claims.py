"""A claimed request: looked up at Astro, held, or put back until it is due again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from blocks import thread as posts
from bot.adapters.astro import Astro
from bot.clusters.lifecycle import State
from bot.errors import Refused, RemoteError
from bot.services import story
from bot.services.facts import told
from bot.services.story import Step
from bot.store import requests
from bot.store.engine import Database, Transaction
from bot.store.requests import Request

LONGEST_BACKOFF = 12.0  # seconds
HELD = "Held: Astro refuses the bot's own access"
SILENT = "Astro does not answer. Nothing is lost: the bot keeps trying."


@dataclass(frozen=True)
class Timing:
    """Seconds, all from the settings: see settings.py for what each means."""

    lease: float
    spacing: float
    grace: float
    create_timeout: float
    send_deadline: float

    @property
    def look_up(self) -> float:
        """What the look-ups before the write-ahead may take, so that they fit into the lease."""
        return min(10.0, self.lease / 4)

    @property
    def absence_gap(self) -> float:
        """How far apart the two absences lie that count as one: a minute, or less where the grace is short."""
        return min(60.0, self.grace / 4)


class Claims:
    """What the creator and the resolver do with a row that they have claimed."""

    def __init__(self, db: Database, astro: Astro, timing: Timing) -> None:
        self._db, self._astro, self._timing = db, astro, timing

    async def listed(self, request: Request) -> list[dict[str, Any]] | None:
        """What Astro lists under the request's name; None where it couldn't say, with the row put back."""
        try:
            return await self._astro.clusters(names=[request.name], timeout=self._timing.look_up)
        except Refused as fault:
            await self.hold(request, fault.reason)
        except RemoteError:
            await self.put_back(request, notice=SILENT)
        return None

    async def hold(self, request: Request, message: str) -> None:
        async with self._db.write() as tx:
            await self.held(tx, request, message)

    async def held(self, tx: Transaction, request: Request, message: str) -> None:
        notice = f"{HELD} ({message}). The operator must mend it; then it goes on."
        news = [] if request.notice == notice else [posts.held(told(request), message)]
        changes = {
            **released(tx.now + self.backoff(request)),
            "retry_count": request.retry_count + 1,
            "notice": notice,
        }
        to = State.QUEUED if request.state == State.SUBMITTING else None
        if to or news:
            step = Step("create.held", to=to, changes=changes, posts=news, data={"message": message})
            await story.take(tx, request, step)
        else:
            await requests.release(tx, request, next_at=changes["next_at"], retry_count=changes["retry_count"])

    async def put_back(self, request: Request, *, notice: str) -> None:
        async with self._db.write() as tx:
            await story.remark(tx, request, notice)
            next_at = tx.now + self.backoff(request)
            await requests.release(tx, request, next_at=next_at, retry_count=request.retry_count + 1)

    def backoff(self, request: Request) -> timedelta:
        longest = LONGEST_BACKOFF
        if request.state == State.UNCERTAIN:
            longest = min(longest, max(0.2, self._timing.grace / 4))
        return timedelta(seconds=min(longest, 0.5 * 2 ** min(request.retry_count, 6)))


def released(next_at: datetime | None = None) -> dict[str, Any]:
    """The columns that give a claim back within a step; the row is due again at `next_at`, or at once."""
    return {"lease_owner": None, "lease_until": None, "next_at": next_at}
