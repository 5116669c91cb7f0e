"""The Home tab: drawn when it is opened, and again when something of its owner's changes soon after."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.listeners.commands import open_or_refuse
from bot.listeners.edge import Edge, Where, where_of


def register(app: AsyncApp, edge: Edge) -> None:
    @app.event("app_home_opened")
    async def opened(ack: AsyncAck, event: dict[str, Any]) -> None:
        await ack()
        if event.get("tab", "home") == "home":
            where = Where(str(event.get("user") or ""), "")
            edge.after_ack(edge.homes.opened(where.person), where)

    @app.action("open_form")
    async def open_form(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        where = where_of(body)
        edge.after_ack(open_or_refuse(edge, where, str(body.get("trigger_id") or "")), where)
