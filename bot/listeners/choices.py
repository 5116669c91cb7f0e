"""External selects: what fits the letters typed so far, from memory."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.listeners.edge import Edge


def register(app: AsyncApp, edge: Edge) -> None:
    @app.options("value")
    async def options(ack: AsyncAck, body: dict[str, Any]) -> None:
        block_id, query = str(body.get("block_id") or ""), str(body.get("value") or "")
        await ack(options=edge.forms.search(block_id, body.get("view") or {}, query))
