"""What Slack tells the app, in the shapes that Slack uses. Source of the shapes: Slack's reference of payloads."""

import secrets
from dataclasses import replace

from bot.sandbox.slack.chat import post_json
from bot.sandbox.slack.elements import Json
from bot.sandbox.slack.transports import Answer, Delivery, Transport
from bot.sandbox.slack.views import view_json
from bot.sandbox.slack.workspace import Account, Conversation, Post, View, Workspace, new_id

# How a command's payload names a channel that isn't public.
NAMES_OF_KINDS = {"private": "privategroup", "im": "directmessage"}


class Courier:
    """Makes payloads and hands them to the transport. `root` is the workspace's own URL, for the response URLs."""

    def __init__(self, workspace: Workspace, transport: Transport) -> None:
        self.workspace = workspace
        self.transport = transport
        self.root = "https://hooks.slack.invalid"

    async def command(self, user: Account, where: Conversation, command: str, text: str) -> Answer:
        """A slash command."""
        ws = self.workspace
        payload = {
            "token": "legacy",
            "team_id": user.team_id,
            "team_domain": ws.domain,
            "channel_id": where.id,
            "channel_name": NAMES_OF_KINDS.get(where.kind, where.name),
            "user_id": user.id,
            "user_name": user.name,
            "command": command,
            "text": text,
            "api_app_id": ws.app_id,
            "is_enterprise_install": "false",
            "response_url": self._response_url("commands"),
            "trigger_id": ws.new_trigger(user.id),
        }
        return await self.transport.deliver(Delivery("command", payload))

    async def click_in_view(self, user: Account, view: View, action: Json) -> Answer:
        """block_actions from a modal or the Home tab, with everything that was typed there."""
        payload = self._interaction("block_actions", user, view_id=view.id if view.body["type"] == "modal" else None)
        payload |= {
            "container": {"type": "view", "view_id": view.id},
            "view": view_json(self.workspace, view),
            "actions": [action | {"action_ts": self.workspace.new_ts()}],
        }
        return await self._interactive(payload)

    async def click_in_message(self, user: Account, post: Post, action: Json) -> Answer:
        """block_actions from a message. An ephemeral one isn't shown to the app again, only named."""
        ws = self.workspace
        where = ws.conversations[post.channel]
        container = {"type": "message", "message_ts": post.ts, "channel_id": post.channel}
        payload = self._interaction("block_actions", user)
        payload |= {
            "container": container | {"is_ephemeral": post.only_for is not None},
            "channel": {"id": where.id, "name": NAMES_OF_KINDS.get(where.kind, where.name)},
            "state": {"values": {}},
            "response_url": self._response_url("actions"),
            "actions": [action | {"action_ts": ws.new_ts()}],
        }
        if post.thread_ts:
            payload["container"]["thread_ts"] = post.thread_ts
        if post.only_for is None:
            payload["message"] = post_json(ws, post, metadata=True)
        return await self._interactive(payload)

    async def submission(self, user: Account, view: View) -> Answer:
        """view_submission."""
        payload = self._interaction("view_submission", user, view_id=view.id)
        payload |= {"view": view_json(self.workspace, view), "response_urls": []}
        return await self._interactive(payload)

    async def closed(self, user: Account, view: View, *, cleared: bool) -> Answer:
        """view_closed; `cleared` where the whole stack was closed at once."""
        payload = self._interaction("view_closed", user, trigger=False)
        payload |= {"view": view_json(self.workspace, view), "is_cleared": cleared}
        return await self._interactive(payload)

    async def suggestion(self, user: Account, view: View, block: Json, element: Json, typed: str) -> Answer:
        """block_suggestion: which options to offer for what was typed."""
        payload = self._interaction("block_suggestion", user, trigger=False)
        payload |= {
            "container": {"type": "view", "view_id": view.id},
            "view": view_json(self.workspace, view),
            "block_id": block["block_id"],
            "action_id": element["action_id"],
            "value": typed,
        }
        return await self._interactive(payload)

    async def event(self, event: Json) -> Answer:
        """An event_callback. Where it isn't accepted it comes once more at once; Slack's later retries are left out."""
        ws = self.workspace
        payload = {
            "token": "legacy",
            "team_id": ws.team_id,
            "api_app_id": ws.app_id,
            "type": "event_callback",
            "event": event | {"event_ts": ws.new_ts()},
            "event_id": new_id("Ev"),
            "event_time": int(ws.clock()),
            "is_ext_shared_channel": False,
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": ws.team_id,
                    "user_id": ws.bot_user,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
        }
        delivery = Delivery("event", payload)
        answer = await self.transport.deliver(delivery)
        if answer.accepted or answer.no_retry:
            return answer
        why = {"timeout": "http_timeout", "unreachable": "connection_failed"}.get(answer.failure, "http_error")
        return await self.transport.deliver(replace(delivery, again=1, why=why))

    async def home_opened(self, user: Account) -> Answer:
        """app_home_opened, with the view that was published before, if any."""
        ws = self.workspace
        event: Json = {"type": "app_home_opened", "user": user.id, "tab": "home"}
        event["channel"] = ws.dm_between(ws.bot_user, user.id).id
        if user.id in ws.homes:
            event["view"] = view_json(ws, ws.views[ws.homes[user.id]])
        return await self.event(event)

    async def url_verification(self) -> bool:
        """Whether the app echoes a signed challenge, as Slack asks when a request URL is entered."""
        challenge = secrets.token_urlsafe(24)
        payload = {"token": "legacy", "type": "url_verification", "challenge": challenge}
        answer = await self.transport.deliver(Delivery("event", payload))
        if not answer.accepted:
            return False
        try:
            return bool(answer.json() == {"challenge": challenge})
        except ValueError:
            return answer.body == challenge

    async def _interactive(self, payload: Json) -> Answer:
        return await self.transport.deliver(Delivery("interactive", payload))

    def _interaction(self, kind: str, user: Account, *, view_id: str | None = None, trigger: bool = True) -> Json:
        ws = self.workspace
        payload: Json = {
            "type": kind,
            "team": {"id": user.team_id, "domain": ws.domain},
            "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team_id},
            "api_app_id": ws.app_id,
            "token": "legacy",
            "enterprise": None,
            "is_enterprise_install": False,
        }
        if trigger:
            payload["trigger_id"] = ws.new_trigger(user.id, view_id)
        return payload

    def _response_url(self, kind: str) -> str:
        return f"{self.root}/{kind}/{self.workspace.team_id}/{secrets.token_hex(8)}"
