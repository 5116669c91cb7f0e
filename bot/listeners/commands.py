"""`/astro-cluster`: reads the word, asks a service, answers in the ack."""

import asyncio
from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from blocks import notices
from blocks.parts import Message
from bot.clusters.policy import Decision
from bot.listeners.edge import Edge, Where, where_of
from bot.services.form import TITLE

COMMAND = "/astro-cluster"
QUICK_SECONDS = 0.5  # so long the ack waits for a look-up; a slower one goes on behind a skeleton


def register(app: AsyncApp, edge: Edge) -> None:
    @app.command(COMMAND)
    async def command(ack: AsyncAck, body: dict[str, Any]) -> None:
        words = str(body.get("text") or "").split()
        match words[0].casefold() if words else "create":
            case "create":
                await _create(edge, ack, body)
            case "help":
                await ack(**_only_to_them(await _help(edge, where_of(body))))
            case other:
                unknown, listed = notices.unknown_subcommand(COMMAND, other), await _help(edge, where_of(body))
                blocks = [*unknown["blocks"], *listed["blocks"]]
                await ack(**_only_to_them({"text": f"{unknown['text']}\n{listed['text']}", "blocks": blocks}))


@dataclass(frozen=True)
class Opening:
    """What has to be known before the form opens: whether it may, and what to say on top of it."""

    decision: Decision
    remark: str


async def _create(edge: Edge, ack: AsyncAck, body: dict[str, Any]) -> None:
    where = where_of(body)
    looking = await _looking(edge, where)
    if looking.done() and not (decision := looking.result().decision).allowed:
        await ack(**_only_to_them(notices.not_allowed(decision.reason, decision.ask, decision.where)))
        return
    await ack()
    edge.after_ack(_open_form(edge, where, str(body.get("trigger_id") or ""), looking), where)


async def open_or_refuse(edge: Edge, where: Where, trigger_id: str) -> None:
    """The same from a button, where there is no ack to answer in: a refusal is shown as a modal."""
    await _open_form(edge, where, trigger_id, await _looking(edge, where))


async def _looking(edge: Edge, where: Where) -> asyncio.Task[Opening]:
    """The look-ups, under way and mostly done, as the answers are in memory."""

    async def look() -> Opening:
        may, remark = edge.submitter.may_open(where.person, where.channel), edge.places.remark(where.channel)
        return Opening(*await asyncio.gather(may, remark))

    looking = asyncio.create_task(look())
    await asyncio.wait([looking], timeout=QUICK_SECONDS)
    return looking


async def _open_form(edge: Edge, where: Where, trigger_id: str, looking: asyncio.Task[Opening]) -> None:
    """Open the form; behind a skeleton where the answers are still to come, as the trigger lives for 3 s only."""
    skeleton = ""
    if not looking.done():
        skeleton = str((await edge.slack.open_view(trigger_id, notices.skeleton_view(TITLE)))["id"])
    opening = await looking
    if opening.decision.allowed:
        view = edge.forms.fresh(await edge.forms.begin(where.person, where.channel), opening.remark)
    else:
        refusal = notices.not_allowed(opening.decision.reason, opening.decision.ask, opening.decision.where)
        view = notices.notice_view(TITLE, refusal["text"])
    if skeleton:
        await edge.slack.update_view(skeleton, view)
    else:
        await edge.slack.open_view(trigger_id, view)


async def _help(edge: Edge, where: Where) -> Message:
    may_request, may_approve = await edge.submitter.may_what(where.person)
    return notices.help_text(COMMAND, may_request, may_approve)


def _only_to_them(message: Message) -> dict[str, Any]:
    return {"response_type": "ephemeral", "text": message["text"], "blocks": message["blocks"]}
