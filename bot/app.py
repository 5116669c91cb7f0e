"""The one place where parts are made and joined. Nothing else in the bot constructs anything that another part uses."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import stamina
import structlog
from starlette.applications import Starlette

from bot.adapters.astro import Astro
from bot.adapters.directory import Directory
from bot.adapters.slack import TOKEN_REFUSED, Identity, Slack
from bot.clusters import policy as policies
from bot.clusters.policy import Policy
from bot.errors import Refused, RemoteError
from bot.listeners import register
from bot.listeners.bolt import bolt_app, handler
from bot.listeners.edge import Edge
from bot.listeners.socket import Socket
from bot.metrics import Metrics
from bot.scheduler import Scheduler, Tick
from bot.services import claims, deliver, watch
from bot.services.choices import Choices
from bot.services.create import Creator
from bot.services.decide import Decider
from bot.services.deliver import Deliverer
from bot.services.form import Forms
from bot.services.home import Homes
from bot.services.housekeep import Housekeeper
from bot.services.overview import Overview
from bot.services.places import Places
from bot.services.submit import Submitter
from bot.services.watch import Watcher
from bot.settings import Settings
from bot.store import migrate
from bot.store.engine import Clock, Database, utc_now
from bot.web import Gate, web_app

CHOICES_SECONDS = 60.0  # how often Astro is asked what it offers
RETRY_SECONDS = 5.0  # and how soon again where it didn't answer
DIRECTORY_SECONDS = 240.0  # well within the ten minutes for which an answer may be used

log = structlog.get_logger()


@dataclass
class Bot:
    """A bot that can be started, served and stopped. `refused` says which token Slack definitely refuses, if any."""

    settings: Settings
    db: Database
    slack: Slack
    astro: Astro
    choices: Choices
    scheduler: Scheduler
    creator: Creator
    deliverer: Deliverer
    edge: Edge
    web: Starlette
    socket: Socket | None = None
    identity: Identity | None = None
    refused: str = ""
    refusal: asyncio.Event = field(default_factory=asyncio.Event)
    _connecting: asyncio.Task[None] | None = None
    _stopped: bool = False

    async def start(self) -> None:
        """Begin to work. Neither Slack nor Astro need be there: both are asked until they answer."""
        await self.choices.load()
        self.scheduler.start()
        if self.socket is not None:
            self._connecting = asyncio.create_task(self._connect(self.socket))

    async def _connect(self, socket: Socket) -> None:
        if code := await socket.start():
            self.refused = f"SLACK_APP_TOKEN: Slack refuses it ({code})"
            self.refusal.set()

    async def identify(self) -> float | None:
        """Ask Slack who we are, until it says so."""
        if self.identity is not None or self.refused:
            return None
        try:
            self.identity = await self.slack.identify()
        except Refused as fault:
            if fault.code in TOKEN_REFUSED:
                self.refused = f"SLACK_BOT_TOKEN: Slack refuses it ({fault.code})"
                self.refusal.set()
            log.error("Slack refuses the bot", fault=fault.reason)  # noqa: TRY400  # no traceback for an operator's fault
            return RETRY_SECONDS
        except RemoteError as fault:
            log.warning("Slack does not answer; trying again", fault=str(fault))
            return 1.0
        if not self.identity.app:
            log.warning("the app's id could not be learnt: requests are told apart by workspace alone")
        log.info("known to Slack", team=self.identity.team, app=self.identity.app)
        return None

    async def unready(self) -> list[str]:
        """Why the bot should get no traffic; empty: it should."""
        faults = list(self.scheduler.faults)
        if fault := await migrate.fault(self.db):
            faults.append(fault)
        if self.identity is None:
            faults.append(self.refused or "Slack has not answered yet")
        if self.socket is not None and not await self.socket.connected():
            faults.append("the socket to Slack is not connected")
        if not self.choices.tried:
            faults.append("what Astro offers has not been asked for yet")
        return faults

    async def stop(self, seconds: float = 8.0) -> None:
        """No new work; what is in flight gets `seconds` to end, and is resolvable if it doesn't. Twice is once."""
        if self._stopped:
            return
        self._stopped = True
        if self._connecting is not None:
            self._connecting.cancel()
        if self.socket is not None:
            await self.socket.stop()  # nothing new comes in; the other side may take its time to say goodbye
        async with self.db.between_writes():
            await self.scheduler.stop()
            await self.edge.homes.stop()
        async with asyncio.TaskGroup() as group:
            for part in (self.edge, self.creator, self.deliverer):
                group.create_task(part.drain(seconds))
        await self.edge.directory.stop()
        await self.close()

    async def close(self) -> None:
        """Give back every connection. May be called twice, and without a start."""
        await self.slack.close()
        await self.astro.close()
        await self.db.close()


def build(settings: Settings, policy: Policy, *, clock: Clock = utc_now) -> Bot:
    """Every part, joined; nothing runs yet."""
    stamina.instrumentation.set_on_retry_hooks([])  # the Astro client's own words about a failure say more
    metrics = Metrics()
    db = Database(settings.database_url.get_secret_value(), clock=clock)
    call_timeout = min(10.0, settings.lease_seconds * 2 / 3)
    slack = Slack(
        settings.slack_bot_token.get_secret_value(),
        base_url=settings.slack_api_url,
        timeout=call_timeout,
        observe=lambda method, result, seconds: metrics.call("slack", method, result, seconds),
    )
    astro = Astro(
        root=settings.astro_api_url.rstrip("/"),
        version=settings.astro_api_version,
        organization=settings.astro_organization_id,
        token=settings.astro_api_token.get_secret_value(),
        observe=lambda method, result, seconds: metrics.call("astro", method, result, seconds),
    )

    def current() -> Policy:
        return policy

    directory = Directory(slack, astro, lookups=lambda: policies.lookups(policy))
    choices = Choices(db, astro)
    forms = Forms(db, choices, current, settings.astro_api_version)
    submitter = Submitter(
        db,
        forms,
        choices,
        directory,
        current,
        organization=settings.astro_organization_id,
        api_version=settings.astro_api_version,
    )
    overview = Overview(
        db,
        status_poll=settings.status_poll_seconds,
        health_poll=settings.health_poll_seconds,
    )
    watcher = Watcher(
        db,
        astro,
        watch.Timing(settings.status_poll_seconds, settings.health_poll_seconds),
        saw=choices.saw_clusters,
    )
    creator = Creator(
        db,
        astro,
        directory,
        current,
        claims.Timing(
            lease=settings.lease_seconds,
            spacing=settings.create_spacing_seconds,
            grace=settings.uncertain_grace_seconds,
            create_timeout=settings.create_timeout,
            send_deadline=settings.send_deadline,
        ),
        observe=lambda outcome: metrics.creates.labels(outcome).inc(),
    )
    timing = deliver.Timing(settings.lease_seconds, settings.slack_settle_seconds, call_timeout)
    deliverer = Deliverer(db, slack, overview.card, timing)
    decider = Decider(db, directory, astro, current)
    housekeeper = Housekeeper(db, metrics)
    bot: Bot
    homes = Homes(db, slack, directory, choices, current, lambda: bot.identity.url if bot.identity is not None else "")
    edge = Edge(db, slack, directory, forms, submitter, decider, watcher, homes, Places(slack, current))

    async def refresh_choices() -> float | None:
        return await choices.refresh(every=CHOICES_SECONDS, again=RETRY_SECONDS)

    async def refresh_directory() -> float | None:
        await directory.refresh()
        return None

    async def identify() -> float | None:
        return await bot.identify()

    scheduler = Scheduler(
        [
            Tick("identify", identify, seconds=RETRY_SECONDS),
            Tick("create", creator.run, seconds=1.0),
            Tick("watch", watcher.run, seconds=min(1.0, max(0.2, settings.status_poll_seconds))),
            Tick("deliver", deliverer.run, seconds=0.5),
            Tick("expire", decider.expire, seconds=1.0),
            Tick("choices", refresh_choices, seconds=1.0),
            Tick("directory", refresh_directory, seconds=DIRECTORY_SECONDS),
            Tick("tidy", housekeeper.tidy, seconds=3600.0),
        ]
    )

    def wake(names: set[str]) -> None:
        scheduler.poke(names)
        homes.touched(names)

    db.on_commit = wake
    bolt = bolt_app(slack.client(), lambda: bot.identity, edge.tell)
    register(bolt, edge)
    observe = _observe_acks(metrics)

    async def ready() -> list[str]:
        return await bot.unready()

    async def gauges() -> None:
        if choices.fetched_at is not None:
            metrics.choices_age.set((utc_now() - choices.fetched_at).total_seconds())
        for tick in scheduler.ticks.values():
            metrics.tick_age.labels(tick.name).set(tick.age)
        try:
            await housekeeper.count()
        except Exception as fault:  # what the process itself counts is wanted most when the database is away
            log.warning("the database could not be counted", fault=type(fault).__name__)

    web = web_app(
        None if settings.socket_mode else handler(bolt, observe),
        Gate(settings.signing_secrets),
        ready,
        gauges,
        metrics.registry,
    )
    token = settings.slack_app_token
    socket = Socket(bolt, token.get_secret_value(), observe) if token is not None else None
    bot = Bot(settings, db, slack, astro, choices, scheduler, creator, deliverer, edge, web, socket)
    return bot


def _observe_acks(metrics: Metrics) -> Callable[[str, str, float], None]:
    def observe(kind: str, result: str, seconds: float) -> None:
        metrics.acks.labels(kind, result).observe(seconds)

    return observe
