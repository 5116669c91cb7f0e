"""The Home tab: what a person asked for, what the organization has, and the button that opens the form.

Drawn when it is opened, and again when something of its owner's changes while it was opened lately: Slack doesn't say
when somebody leaves it.
"""

import asyncio
import time
from collections.abc import Callable

import structlog

from blocks import home
from blocks.home import ClusterLine, HomeFacts, RequestLine
from bot.adapters.directory import Directory
from bot.adapters.slack import Slack
from bot.clusters import policy
from bot.clusters.policy import Action, Policy
from bot.errors import RemoteError
from bot.services.choices import Choices
from bot.services.story import HOME
from bot.store import outbox, requests
from bot.store.engine import Database

LATELY_SECONDS = 3600.0
CALM_SECONDS = 1.0  # changes that come together make one drawing
MINE = 20
CLUSTERS = 100

log = structlog.get_logger()


class Homes:
    def __init__(
        self,
        db: Database,
        slack: Slack,
        directory: Directory,
        choices: Choices,
        policy: Callable[[], Policy],
        workspace_url: Callable[[], str],
    ) -> None:
        self._db, self._slack, self._directory, self._choices = db, slack, directory, choices
        self._policy, self._workspace_url = policy, workspace_url
        self._opened: dict[str, float] = {}
        self._waiting: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def opened(self, person: str) -> None:
        self._opened[person] = time.monotonic()
        await self._draw(person)

    def touched(self, wakes: set[str]) -> None:
        """Called after each commit: the tabs of those whose requests changed are drawn again in a moment."""
        for person in (wake.removeprefix(HOME) for wake in wakes if wake.startswith(HOME)):
            lately = time.monotonic() - self._opened.get(person, -LATELY_SECONDS) < LATELY_SECONDS
            if lately and person not in self._waiting:
                self._waiting.add(person)
                task = asyncio.create_task(self._draw_soon(person))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _draw_soon(self, person: str) -> None:
        await asyncio.sleep(CALM_SECONDS)
        self._waiting.discard(person)  # what changes while it is drawn has it drawn once more
        try:
            await self._draw(person)
        except RemoteError as fault:
            log.warning("a Home tab was not drawn; it is when it is opened again", fault=str(fault))
        except Exception:
            log.exception("a Home tab could not be drawn")

    async def _draw(self, person: str) -> None:
        await self._slack.publish_home(person, home.home(await self._facts(person)))

    async def _facts(self, person: str) -> HomeFacts:
        who = await self._directory.person(person)
        decision = policy.decide(self._policy(), who, Action.OPEN, None)
        async with self._db.read() as tx:
            mine, in_all = await requests.of_person(tx, person, limit=MINE)
            places = await outbox.places(tx, [request.id for request in mine])
            ours = await requests.ids_by_cluster(tx)
        clusters = self._choices.catalog.clusters
        outsider = who.is_guest or who.is_stranger or not who.is_known
        return HomeFacts(
            may_request=decision.allowed,
            refusal=decision.reason,
            ask=decision.ask,
            requests=tuple(
                RequestLine(
                    request_id=request.id,
                    name=request.name,
                    provider=request.provider,
                    region=str(request.body["region"]),
                    state=request.state,
                    status=request.status,
                    health=request.health,
                    changed_at=request.changed_at,
                    link=self._link(*places[request.id]) if request.id in places else "",
                )
                for request in mine
            ),
            more_requests=in_all - len(mine),
            clusters=None
            if clusters is None
            else tuple(
                ClusterLine(
                    name=each.name,
                    provider=each.provider,
                    region=each.region,
                    status=each.status,
                    health=each.health,
                    request_id=ours.get(each.id, ""),
                )
                for each in clusters[:CLUSTERS]
            ),
            more_clusters=max(0, len(clusters or ()) - CLUSTERS),
            clusters_hidden=outsider,
            as_of=self._choices.clusters_at,
        )

    def _link(self, channel: str, ts: str) -> str:
        url = self._workspace_url()
        return f"{url}archives/{channel}/p{ts.replace('.', '')}" if url.startswith("https://") else ""
