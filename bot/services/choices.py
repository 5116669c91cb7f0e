"""What Astro offers, kept at hand: in memory for every form, in the database for the next start.

Refreshed in the background; no listener ever waits for Astro. A part that cannot be fetched keeps its last good copy.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import structlog

from bot.adapters.astro import Astro
from bot.clusters.catalog import Catalog, kept
from bot.errors import RemoteError
from bot.store import forms
from bot.store.engine import Database

FIRST_SECONDS = 3.0  # what a start waits for Astro

log = structlog.get_logger()


class Choices:
    """`catalog` is the newest copy; empty parts were never fetched."""

    def __init__(self, db: Database, astro: Astro) -> None:
        self._db = db
        self._fetch: Mapping[str, Callable[[], Awaitable[Any]]] = {
            "options:DEDICATED": lambda: astro.cluster_options("DEDICATED"),
            "options:HYBRID": lambda: astro.cluster_options("HYBRID"),
            "workspaces": astro.workspaces,
            "clusters": astro.clusters,
        }
        self._documents: dict[str, Any] = {}
        self.catalog = Catalog.from_documents({})
        self.fetched_at: datetime | None = None  # the oldest part's
        self.clusters_at: datetime | None = None
        self._began = time.monotonic()
        self._answered = False
        self._due = 0.0

    async def load(self) -> None:
        """Take the copies of the last run, so that a form opens well before Astro has answered."""
        async with self._db.read() as tx:
            copies = await forms.kept_choices(tx)
        self._documents = {name: document for name, (document, _) in copies.items()}
        self.fetched_at = min((at for _, at in copies.values()), default=None)
        self.clusters_at = copies["clusters"][1] if "clusters" in copies else None
        self._draw()

    async def refresh(self, *, every: float = 0.0, again: float = 0.0) -> float:
        """Ask Astro for every part at once; each that comes replaces its copy.

        Not before it is due: `every` seconds after a full answer, `again` after a partial one. Returns what is left.
        """
        if (rest := self._due - time.monotonic()) > 0:
            return rest
        whole = await self._refresh()
        self._due = time.monotonic() + (every if whole else again)
        return every if whole else again

    async def _refresh(self) -> bool:
        answers = await asyncio.gather(*(self._asked(name) for name in self._fetch))
        fresh = {name: document for name, document in zip(self._fetch, answers, strict=True) if document is not None}
        self._answered = True
        if not fresh:
            return False
        changed = {name: document for name, document in fresh.items() if self._documents.get(name) != document}
        self._documents.update(changed)
        if "clusters" in fresh:
            self.clusters_at = datetime.now(UTC)
        self._draw()
        whole = len(fresh) == len(self._fetch)
        if whole:
            self.fetched_at = datetime.now(UTC)
        if changed:
            async with self._db.write() as tx:
                for name, document in changed.items():
                    await forms.keep_choice(tx, name, document)
        return whole

    @property
    def tried(self) -> bool:
        """Whether Astro has been asked once: it answered, or has had its chance."""
        return self._answered or time.monotonic() - self._began > FIRST_SECONDS

    def saw_clusters(self, listed: list[dict[str, Any]]) -> None:
        """A sweep has just listed them all: the newest there is."""
        self._documents["clusters"] = kept("clusters", listed)
        self.clusters_at = datetime.now(UTC)
        self._draw()

    async def _asked(self, name: str) -> Any:
        try:
            return kept(name, await self._fetch[name]())
        except RemoteError as fault:
            log.warning("choices not refreshed; the last copy stays", part=name, fault=str(fault))
            return None

    def _draw(self) -> None:
        self.catalog = Catalog.from_documents(self._documents)
