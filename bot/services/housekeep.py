"""What has to be tidied, and counted, now and then."""

from datetime import timedelta

from bot.metrics import Metrics
from bot.store import forms, outbox, pace, requests
from bot.store.engine import Database

FORM_LIFE = timedelta(days=14)  # a modal that is open for longer has been forgotten


PACE_LIFE = timedelta(days=1)


class Housekeeper:
    def __init__(self, db: Database, metrics: Metrics) -> None:
        self._db, self._metrics = db, metrics
        self._states: set[str] = set()

    async def tidy(self) -> float | None:
        async with self._db.write() as tx:
            await forms.forget_older(tx, tx.now - FORM_LIFE)
            await pace.forget_older(tx, tx.now - PACE_LIFE)
        return None

    async def count(self) -> None:
        """Bring the gauges up to date; called when somebody asks for them."""
        async with self._db.read() as tx:
            states = await requests.count_by_state(tx)
            depth, oldest = await outbox.depth(tx)
            now = tx.now
        self._states |= states.keys()
        for state in self._states:
            self._metrics.requests.labels(state).set(states.get(state, 0))
        self._metrics.outbox_depth.set(depth)
        self._metrics.outbox_age.set((now - oldest).total_seconds() if oldest else 0)
