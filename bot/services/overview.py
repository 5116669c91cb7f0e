"""What people look at: the card of a request, from its row and from the bot's own past."""

from blocks import card as cards
from blocks.parts import Message
from bot.clusters.lifecycle import State
from bot.services.facts import card_facts, typical_minutes
from bot.store import requests
from bot.store.engine import Database, Transaction
from bot.store.requests import Request


class Overview:
    def __init__(self, db: Database, *, status_poll: float, health_poll: float) -> None:
        self._db, self._status_poll, self._health_poll = db, status_poll, health_poll

    async def card(self, tx: Transaction, request: Request) -> Message:
        """The card as the row stands now."""
        typical = typical_minutes(await requests.times_to_ready(tx))
        poll = self._health_poll if request.state == State.READY else self._status_poll
        return cards.card(card_facts(request, poll_seconds=poll, typical=typical))
