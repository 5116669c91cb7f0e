"""What Slack sends in. A listener reads, asks a service, answers; what takes longer goes on after the ack."""

from slack_bolt.async_app import AsyncApp

from bot.listeners import choices, commands, decisions, form, home
from bot.listeners.edge import Edge


def register(app: AsyncApp, edge: Edge) -> None:
    """Every listener there is. `decisions` comes last: it also answers buttons that nobody knows."""
    for kind in (commands, form, choices, home, decisions):
        kind.register(app, edge)
