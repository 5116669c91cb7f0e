"""One step in a request's life, told: the row, the audit event and what is to be said, in the caller's transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from blocks.parts import Message
from bot.clusters import lifecycle
from bot.clusters.lifecycle import State
from bot.store import events, outbox, requests
from bot.store.engine import Transaction
from bot.store.requests import Request

BOT = "bot"
HOME = "home:"  # prefix of the wake that keeps the requester's Home tab fresh


@dataclass(frozen=True)
class Step:
    """What happens to a request.

    `to` is its next state (None: it stays where it is); `kind` names the event; `changes` are columns to write with it;
    `posts` are said in its thread, in order; `data` and `rule` stand in the audit trail.
    """

    kind: str
    actor: str = BOT
    to: State | None = None
    changes: Mapping[str, Any] | None = None
    posts: Sequence[Message] = ()
    data: Mapping[str, Any] | None = None
    rule: str = ""


async def take(tx: Transaction, request: Request, step: Step) -> Request:
    """Take the step, if nobody took another since `request` was read.

    Raises:
        Stale: somebody did. Nothing is written, as the transaction must end with it.
        IllegalStep: the life of a request has no such step.
    """
    changes = dict(step.changes or {})
    if step.to is not None:
        changes["state"] = lifecycle.step(State(request.state), step.to).value
    changed = await requests.change(tx, request, {**changes, "changed_at": tx.now})
    event = await events.add(
        tx,
        step.kind,
        actor=step.actor,
        request_id=request.id,
        before=request.state,
        after=changed.state,
        rule=step.rule,
        data=step.data,
    )
    await say(tx, changed, step.posts, key=f"{event}")
    await outbox.want_card(tx, request.id, changed.version)
    tx.wakes.add(f"{HOME}{request.requester}")
    if changed.state in (State.QUEUED, State.UNCERTAIN):
        tx.wakes.add("create")
    return changed


async def say(tx: Transaction, request: Request, posts: Sequence[Message], *, key: str) -> None:
    """Say these in the request's thread; under the same key they are said once."""
    for number, post in enumerate(posts):
        await outbox.append(tx, request.id, "post", post, dedupe_key=f"{request.id}:{key}:{number}")


async def remark(tx: Transaction, request: Request, notice: str) -> Request:
    """Put a passing remark on the card, or take it back with `""`; the same remark again changes nothing."""
    if request.notice == notice:
        return request
    changed = await requests.change(tx, request, {"notice": notice})
    await outbox.want_card(tx, request.id, changed.version)
    return changed


async def whisper(tx: Transaction, person: str, channel: str, message: Message, *, key: str) -> None:
    """Say something that only this person should read: where they are, else in their DM."""
    thread = f"notice:{person}"
    await outbox.open_thread(tx, thread, channel)
    payload = {"channel": channel, "person": person, "message": message}
    await outbox.append(tx, thread, "notice", payload, dedupe_key=f"{thread}:{key}")
