"""A Slack workspace on loopback: the Web API that the app calls, and people who use the app."""

import inspect
import time
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Literal, Self, TypeVar

from bot.sandbox.serving import Server
from bot.sandbox.slack.courier import Courier
from bot.sandbox.slack.faults import Faults, Rates
from bot.sandbox.slack.people import Person
from bot.sandbox.slack.posts import Channel
from bot.sandbox.slack.socket_mode import SocketTransport
from bot.sandbox.slack.transports import HttpTransport, Transport
from bot.sandbox.slack.web_api import Call, WebApi
from bot.sandbox.slack.workspace import Account, Conversation, Usergroup, Workspace, new_id

T = TypeVar("T")
# Whatever the methods that we answer may need; a test of a missing scope names fewer.
ALL_SCOPES = (
    "channels:history",
    "channels:join",
    "channels:read",
    "chat:write",
    "commands",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "usergroups:read",
    "users:read",
    "users:read.email",
)
BOT_TOKEN, SIGNING_SECRET, APP_TOKEN = "xoxb-sandbox", "sandbox-signing-secret", "xapp-sandbox"
OTHER_TEAM = "T0ELSEWHERE"


class SlackSandbox:
    """The workspace and everything to steer it with. Set `app_url` (HTTP) before anybody does anything.

    `clock` gives epoch seconds and decides on trigger ids, timestamps, signatures and rate limits; the three seconds
    for an answer are real ones. `workspace` is the bare state, `transport` the way to the app.
    """

    def __init__(
        self,
        *,
        bot_token: str = BOT_TOKEN,
        signing_secret: str = SIGNING_SECRET,
        app_token: str = APP_TOKEN,
        scopes: Iterable[str] = ALL_SCOPES,
        clock: Callable[[], float] = time.time,
        transport: Literal["http", "socket"] = "http",
        commands: Iterable[str] = ("/astro-cluster",),
        port: int = 0,
    ) -> None:
        self.workspace = Workspace(clock=clock, scopes=scopes)
        self.http = HttpTransport(secret=signing_secret, clock=clock)
        self.socket = SocketTransport(self.workspace) if transport == "socket" else None
        self.transport: Transport = self.socket or self.http
        self.courier = Courier(self.workspace, self.transport)
        link = self.socket.link if self.socket else None
        self.api = WebApi(self.workspace, bot_token=bot_token, app_token=app_token, link=link)
        self.bot_token, self.app_token = bot_token, app_token
        self.commands = set(commands)
        self._server = Server(self.api, port)
        self._people: dict[str, Person] = {}

    async def start(self) -> None:
        """Serve the Web API, and the socket where that is the transport."""
        await self._server.start()
        self.courier.root = self._server.url
        await self.transport.start()

    async def stop(self) -> None:
        """Stop both; what was said and done stays readable."""
        await self.transport.stop()
        await self._server.stop()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    # Set-up

    @property
    def url(self) -> str:
        """The root of the Web API, ending in `/api/`."""
        return f"{self._server.url}/api/"

    @property
    def app_url(self) -> str:
        """Where the app takes what Slack sends, such as `http://127.0.0.1:3000/slack/events`."""
        return self.http.url

    @app_url.setter
    def app_url(self, url: str) -> None:
        self.http.url = url

    @property
    def signing_secret(self) -> str:
        return self.http.secret

    @signing_secret.setter
    def signing_secret(self, secret: str) -> None:
        self.http.secret = secret

    def person(
        self,
        name: str,
        *,
        email: str = "",
        guest: bool = False,
        deleted: bool = False,
        bot: bool = False,
        stranger: bool = False,
    ) -> Person:
        """The person of this name, who joins now where there is none. `stranger`: from another workspace."""
        if name not in self._people:
            team = OTHER_TEAM if stranger else self.workspace.team_id
            account = Account(new_id("U"), name, name.title(), email, team, guest, deleted, bot, stranger)
            self.workspace.accounts[account.id] = account
            self._people[name] = Person(self.courier, account, self.commands)
        return self._people[name]

    def usergroup(self, group_id: str, members: Sequence[Person], *, name: str = "") -> Usergroup:
        """Make a user group, or give it other members."""
        group = Usergroup(group_id, name or group_id.lower(), [member.id for member in members])
        self.workspace.usergroups[group_id] = group
        return group

    def channel(
        self, name: str, *, members: Sequence[Person] = (), private: bool = False, bot: bool = False
    ) -> Channel:
        """The channel of this name, made now where there is none. `bot`: whether the bot is in."""
        for known in self.workspace.conversations.values():
            if known.name == name and known.kind != "im":
                return Channel(self.workspace, known)
        users = {member.id for member in members} | ({self.workspace.bot_user} if bot else set())
        made = Conversation(new_id("C"), name, "private" if private else "public", users)
        self.workspace.conversations[made.id] = made
        return Channel(self.workspace, made)

    def dm(self, one: Person, other: Person) -> Channel:
        """The DM of two people, which the bot can't see."""
        return Channel(self.workspace, self.workspace.dm_between(one.id, other.id))

    # Steering and looking

    @property
    def scopes(self) -> set[str]:
        """The scopes granted to the bot; change them at will."""
        return self.workspace.scopes

    @property
    def faults(self) -> Faults:
        return self.api.faults

    @property
    def rates(self) -> Rates:
        """Rate limits; off until `rates.on = True`."""
        return self.api.rates

    @property
    def calls(self) -> list[Call]:
        """Every request to the Web API so far, the oldest first."""
        return self.api.calls

    def calls_to(self, method: str) -> list[Call]:
        """The requests to one method."""
        return [call for call in self.calls if call.method == method]

    @property
    def refusals(self) -> list[str]:
        """Answers of the app that Slack couldn't take, and calls to places that are none of the app's business."""
        return self.workspace.refusals

    async def verifies_url(self) -> bool:
        """Whether the app echoes a signed url_verification challenge."""
        return await self.courier.url_verification()

    async def until(self, predicate: Callable[[], T | None], timeout: float = 10, *, what: str = "") -> T:
        """Wait until the predicate is true and return its answer; it is asked again whenever the workspace changes.

        TimeoutError after `timeout` seconds, saying `what` was waited for (by default the predicate's source).
        """
        return await self.workspace.until(predicate, timeout=timeout, what=what or _source(predicate))


def _source(predicate: Callable[[], object]) -> str:
    try:
        return inspect.getsource(predicate).strip()
    except (OSError, TypeError):
        return repr(predicate)
