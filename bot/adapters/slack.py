"""Slack's Web API, as far as the bot calls it: one gateway, no retries, each failure said for what it proves.

`slack_sdk` repeats a call by itself when the connection drops, which doubles posts; here `retry_handlers` is empty, and
a connection serves one call only, so that a stale keep-alive connection can't leave a post's outcome open.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from blocks import limits
from bot.errors import Limited, NoAnswer, NothingSent, OverLimit, Refused, RemoteError

# Slack's own words for "it may have happened all the same" (documentation of chat.postMessage).
OPEN_ENDED = frozenset({"internal_error", "fatal_error", "request_timeout", "service_unavailable", "accesslimited"})
LIMITED = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
# A definite no to the token itself: nothing works until the operator acts.
TOKEN_REFUSED = frozenset(
    {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "not_allowed_token_type"}
)
# What each call needs (Slack's page of each method); the manifest asks for exactly these and `commands`.
SCOPES_BY_METHOD: Mapping[str, frozenset[str]] = {
    "auth.test": frozenset(),
    "bots.info": frozenset({"users:read"}),
    "views.open": frozenset(),
    "views.update": frozenset(),
    "views.publish": frozenset(),
    "chat.postMessage": frozenset({"chat:write"}),
    "chat.update": frozenset({"chat:write"}),
    "chat.postEphemeral": frozenset({"chat:write"}),
    "conversations.open": frozenset({"im:write"}),
    "conversations.join": frozenset({"channels:join"}),
    "conversations.info": frozenset({"channels:read", "groups:read", "im:read"}),
    "conversations.replies": frozenset({"channels:history", "groups:history", "im:history"}),
    "conversations.history": frozenset({"channels:history", "groups:history", "im:history"}),
    "users.info": frozenset({"users:read", "users:read.email"}),
    "usergroups.users.list": frozenset({"usergroups:read"}),
}
SCOPES = frozenset({"commands"}).union(*SCOPES_BY_METHOD.values())
METADATA_EVENT = "clusterbot_entry"

Observe = Callable[[str, str, float], None]


@dataclass(frozen=True)
class Identity:
    """Whom Slack takes us for. `app` is empty where bots.info could not tell."""

    team: str
    user: str
    bot: str
    app: str = ""
    url: str = ""  # of the workspace, ends in /
    scopes: frozenset[str] | None = None  # None: Slack did not say


@dataclass(frozen=True)
class Profile:
    """What users.info tells of a person. `email` only where the scope users:read.email is granted."""

    id: str
    email: str
    is_bot: bool
    is_guest: bool
    is_deleted: bool
    is_stranger: bool


class Slack:
    """The calls. Every one raises NothingSent, Limited, Refused or NoAnswer, and nothing else of the kind.

    `timeout` is in seconds; `observe(method, result, seconds)` feeds the metrics.
    """

    def __init__(self, token: str, *, base_url: str, timeout: float = 10, observe: Observe | None = None) -> None:
        self._token = token
        self._base_url = base_url
        self._timeout = timeout
        self._observe = observe or (lambda *_: None)
        self._team = ""
        self._session: aiohttp.ClientSession | None = None
        self._client: AsyncWebClient | None = None

    def client(self) -> AsyncWebClient:
        """The SDK's client on our session; made at the first call, inside the running loop."""
        if self._client is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True, limit=100))
            self._client = AsyncWebClient(
                token=self._token, base_url=self._base_url, session=self._session, retry_handlers=[]
            )
        return self._client

    async def close(self) -> None:
        if self._session:
            await self._session.close()

    async def identify(self) -> Identity:
        client = self.client()
        answer = await self._call("auth.test", lambda: client.auth_test())
        bot_id, scopes = str(answer.get("bot_id") or ""), str(answer.get("_scopes") or "")
        self._team = str(answer["team_id"])
        return Identity(
            team=self._team,
            user=str(answer.get("user_id") or ""),
            bot=bot_id,
            app=await self._app_of(bot_id),
            url=str(answer.get("url") or ""),
            scopes=frozenset(each.strip() for each in scopes.split(",")) if scopes else None,
        )

    async def _app_of(self, bot_id: str) -> str:
        """The id of our app, "" where it can't be learnt: then the workspace alone tells ours from strangers."""
        client = self.client()
        try:
            answer = await self._call("bots.info", lambda: client.bots_info(bot=bot_id))
        except RemoteError:
            return ""
        return str((answer.get("bot") or {}).get("app_id") or "")

    async def open_view(self, trigger_id: str, view: Mapping[str, Any], *, timeout: float = 2) -> dict[str, Any]:
        client = self.client()
        answer = await self._call(
            "views.open", lambda: client.views_open(trigger_id=trigger_id, view=_sound_view(view)), timeout
        )
        return dict(answer.get("view") or {})

    async def update_view(
        self, view_id: str, view: Mapping[str, Any], *, hash: str | None = None, timeout: float = 2
    ) -> dict[str, Any]:
        client = self.client()
        extra = {"hash": hash} if hash else {}
        answer = await self._call(
            "views.update", lambda: client.views_update(view_id=view_id, view=_sound_view(view), **extra), timeout
        )
        return dict(answer.get("view") or {})

    async def publish_home(self, user: str, view: Mapping[str, Any], *, timeout: float = 2) -> None:
        client = self.client()
        await self._call("views.publish", lambda: client.views_publish(user_id=user, view=_sound_view(view)), timeout)

    async def post(
        self, channel: str, message: Mapping[str, Any], *, thread: str | None = None, entry: str | None = None
    ) -> str:
        """Post a message; returns its ts. `entry` is the opaque id by which it can be found again."""
        client = self.client()
        body: dict[str, Any] = {
            **_sound_message(message),
            "channel": channel,
            "unfurl_links": False,
            "unfurl_media": False,
        }
        if thread:
            body["thread_ts"] = thread
        if entry:
            body["metadata"] = {"event_type": METADATA_EVENT, "event_payload": {"entry": entry}}
        answer = await self._call("chat.postMessage", lambda: client.chat_postMessage(**body))
        return str(answer["ts"])

    async def edit(self, channel: str, ts: str, message: Mapping[str, Any]) -> None:
        client = self.client()
        body = _sound_message(message)
        await self._call("chat.update", lambda: client.chat_update(channel=channel, ts=ts, **body))

    async def whisper(self, channel: str, user: str, message: Mapping[str, Any]) -> None:
        """A message in `channel` that only `user` sees."""
        client = self.client()
        body = _sound_message(message)
        await self._call("chat.postEphemeral", lambda: client.chat_postEphemeral(channel=channel, user=user, **body))

    async def dm(self, user: str) -> str:
        """The channel of the direct messages with this person."""
        client = self.client()
        answer = await self._call("conversations.open", lambda: client.conversations_open(users=user))
        return str(answer["channel"]["id"])

    async def join(self, channel: str) -> None:
        client = self.client()
        await self._call("conversations.join", lambda: client.conversations_join(channel=channel))

    async def may_post(self, channel: str, *, timeout: float) -> bool:
        """Whether the bot can post here, or could by joining. Refused (channel_not_found) where it can't look."""
        client = self.client()
        answer = await self._call("conversations.info", lambda: client.conversations_info(channel=channel), timeout)
        found = answer["channel"]
        return not found.get("is_archived") and bool(
            found.get("is_member") or found.get("is_im") or not found.get("is_private")
        )

    async def find(self, channel: str, entry: str, *, thread: str | None, oldest: float) -> str | None:
        """The ts of our message that carries `entry` in its metadata, over all pages; None: it isn't there."""
        client = self.client()
        method = "conversations.replies" if thread else "conversations.history"
        read = client.conversations_replies if thread else client.conversations_history
        cursor = ""
        while True:
            page: dict[str, Any] = {
                "channel": channel,
                "oldest": f"{oldest:.6f}",
                "include_all_metadata": True,
                "limit": 200,
                **({"cursor": cursor} if cursor else {}),
                **({"ts": thread} if thread else {}),
            }
            answer = await self._call(method, partial(read, **page))
            for message in answer.get("messages", []):
                payload = (message.get("metadata") or {}).get("event_payload") or {}
                if payload.get("entry") == entry:
                    return str(message["ts"])
            cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                return None

    async def profile(self, user: str, *, timeout: float) -> Profile:
        client = self.client()
        answer = (await self._call("users.info", lambda: client.users_info(user=user), timeout))["user"]
        team = str(answer.get("team_id") or "")
        return Profile(
            id=user,
            email=str((answer.get("profile") or {}).get("email") or ""),
            is_bot=bool(answer.get("is_bot")),
            is_guest=bool(answer.get("is_restricted") or answer.get("is_ultra_restricted")),
            is_deleted=bool(answer.get("deleted")),
            # Slack Connect: people of other workspaces in a shared channel.
            is_stranger=bool(answer.get("is_stranger") or (team and self._team and team != self._team)),
        )

    async def usergroup(self, usergroup: str, *, timeout: float) -> frozenset[str]:
        """The members of a user group."""
        client = self.client()
        answer = await self._call(
            "usergroups.users.list", lambda: client.usergroups_users_list(usergroup=usergroup), timeout
        )
        return frozenset(str(user) for user in answer.get("users", []))

    async def _call(
        self, method: str, call: Callable[[], Awaitable[Any]], timeout: float | None = None
    ) -> dict[str, Any]:
        started = time.monotonic()
        result = "ok"
        try:
            async with asyncio.timeout(timeout or self._timeout):
                response = await call()
            data = response.data
            if not isinstance(data, dict):
                raise NoAnswer(method, "not JSON")
            return {**data, "_scopes": response.headers.get("x-oauth-scopes", "")}
        except (SlackApiError, aiohttp.ClientError, TimeoutError, json.JSONDecodeError, UnicodeDecodeError) as fault:
            told = _classified(method, fault)
            result = told.code if isinstance(told, Refused) else type(told).__name__
            raise told from None
        finally:
            self._observe(method, result, time.monotonic() - started)


def _classified(method: str, fault: Exception) -> NothingSent | Limited | Refused | NoAnswer:
    if isinstance(fault, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return NothingSent(method, "no connection")
    if not isinstance(fault, SlackApiError):
        return NoAnswer(method, type(fault).__name__)
    response: Any = fault.response
    status = int(getattr(response, "status_code", 0) or getattr(response, "status", 0))
    data = getattr(response, "data", None)
    code = str(data.get("error") or "") if isinstance(data, dict) else ""
    if status == 429 or code in LIMITED:
        return Limited(method, _seconds(response.headers.get("Retry-After")))
    if status >= 500 or code in OPEN_ENDED or not code:
        return NoAnswer(method, code or f"HTTP {status}")
    needed = data.get("needed") if isinstance(data, dict) else None
    return Refused(method, code, f"{code} ({needed})" if needed else code)


def _seconds(value: str | None) -> float | None:
    try:
        return max(0.0, float(value)) if value is not None else None
    except ValueError:
        return None


def _sound_view(view: Mapping[str, Any]) -> dict[str, Any]:
    return _sound("view", view, limits.check_view(view))


def _sound_message(message: Mapping[str, Any]) -> dict[str, Any]:
    return _sound("message", message, limits.check_message(message))


def _sound(what: str, payload: Mapping[str, Any], problems: list[limits.Problem]) -> dict[str, Any]:
    if problems:
        first = problems[0]
        raise OverLimit(f"{what}: {first.code} at {first.pointer}: {first.message} ({len(problems)} in all)")
    return dict(payload)
