"""What every listener needs: the services, and a way to go on after the ack without losing the person."""

import asyncio
import uuid
import weakref
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import structlog

from blocks import notices
from blocks.parts import Message
from bot.adapters.directory import Directory
from bot.adapters.slack import Slack
from bot.errors import NotAllowed, PersonError, RemoteError, Stale
from bot.services import story
from bot.services.decide import Decider
from bot.services.form import Forms
from bot.services.home import Homes
from bot.services.places import Places
from bot.services.submit import Submitter
from bot.services.watch import Watcher
from bot.store.engine import Database

log = structlog.get_logger()


@dataclass(frozen=True)
class Where:
    """Who did something, and where an answer for them alone can be put ("" where there is no channel)."""

    person: str
    channel: str


@dataclass
class Edge:
    """The services behind the listeners, and the tasks that follow an ack."""

    db: Database
    slack: Slack
    directory: Directory
    forms: Forms
    submitter: Submitter
    decider: Decider
    watcher: Watcher
    homes: Homes
    places: Places
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _views: "weakref.WeakValueDictionary[str, asyncio.Lock]" = field(default_factory=weakref.WeakValueDictionary)

    def after_ack(self, work: Coroutine[Any, Any, None], where: Where, *, about: str = "") -> None:
        """Go on in a task of its own; whatever goes wrong there is told to the person in one sentence."""
        task = asyncio.create_task(self._guarded(work, where, about))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def one_at_a_time(self, view_id: str) -> asyncio.Lock:
        """The lock under which this modal is redrawn, so that redraws keep the order of the choices."""
        lock = self._views.get(view_id)
        if lock is None:
            self._views[view_id] = lock = asyncio.Lock()
        return lock

    async def drain(self, seconds: float) -> None:
        await self.db.drain(self.tasks, seconds)

    async def tell(self, where: Where, message: Message) -> None:
        """Say something that only this person should read: stored first, sent as soon as Slack takes it."""
        async with self.db.write() as tx:
            await story.whisper(tx, where.person, where.channel, message, key=uuid.uuid4().hex)

    async def _guarded(self, work: Coroutine[Any, Any, None], where: Where, about: str) -> None:
        with structlog.contextvars.bound_contextvars(request=about, person=where.person):
            try:
                try:
                    await work
                except NotAllowed as refusal:
                    await self.tell(where, notices.not_allowed(str(refusal), refusal.ask))
                except Stale as meanwhile:
                    await self.tell(where, notices.late_click(str(meanwhile), meanwhile.by))
                except PersonError as mistake:
                    await self.tell(where, notices.not_allowed(str(mistake)))
                except RemoteError as fault:
                    log.warning("Slack or Astro did not do it after the ack", fault=str(fault))
                    await self.tell(where, notices.not_in_time())
            except Exception:
                reference = about or uuid.uuid4().hex[:12]
                log.exception("something went wrong after the ack", reference=reference)
                await self._apologize(where, reference)

    async def _apologize(self, where: Where, reference: str) -> None:
        try:
            await self.tell(where, notices.something_went_wrong(reference))
        except Exception:
            log.exception("the person could not be told", reference=reference)


def where_of(body: dict[str, Any]) -> Where:
    """Who and where, from any of Slack's payloads."""
    person = body.get("user_id") or (body.get("user") or {}).get("id") or ""
    channel = body.get("channel_id") or (body.get("channel") or {}).get("id") or ""
    return Where(str(person), str(channel))
