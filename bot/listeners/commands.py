"""`/astro-cluster`: reads the word, asks a service, answers in the ack."""

import asyncio
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from blocks import notices
from blocks.parts import Message
from bot.clusters.policy import Decision
from bot.listeners.edge import Edge, Where, where_of

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


async def _create(edge: Edge, ack: AsyncAck, body: dict[str, Any]) -> None:
    where = where_of(body)
    deciding = await _deciding(edge, where)
    if deciding.done() and not (decision := deciding.result()).allowed:
        await ack(**_only_to_them(notices.not_allowed(decision.reason, decision.ask)))
        return
    await ack()
    edge.after_ack(open_form(edge, where, str(body.get("trigger_id") or ""), deciding), where)


async def open_or_refuse(edge: Edge, where: Where, trigger_id: str) -> None:
    """The same from a button, where there is no ack to answer in: a refusal is shown as a modal."""
    await open_form(edge, where, trigger_id, await _deciding(edge, where))


async def _deciding(edge: Edge, where: Where) -> "asyncio.Task[Decision]":
    """Whether they may open the form: under way, and mostly done, as it is known from memory."""
    deciding = asyncio.create_task(edge.submitter.may_open(where.person, where.channel))
    await asyncio.wait([deciding], timeout=QUICK_SECONDS)
    return deciding


async def open_form(edge: Edge, where: Where, trigger_id: str, deciding: "asyncio.Task[Decision]") -> None:
    """Open the form; behind a skeleton where the decision is still to come, as the trigger lives for 3 s only."""
    skeleton = ""
    if not deciding.done():
        skeleton = str((await edge.slack.open_view(trigger_id, notices.skeleton_view("Create a cluster")))["id"])
    decision = await deciding
    if decision.allowed:
        view = edge.forms.fresh(await edge.forms.begin(where.person, where.channel))
    else:
        view = notices.notice_view("Create a cluster", notices.not_allowed(decision.reason, decision.ask)["text"])
    if skeleton:
        await edge.slack.update_view(skeleton, view)
    else:
        await edge.slack.open_view(trigger_id, view)


async def _help(edge: Edge, where: Where) -> Message:
    may_request, may_approve = await edge.submitter.may_what(where.person)
    return notices.help_text(COMMAND, may_request, may_approve)


def _only_to_them(message: Message) -> dict[str, Any]:
    return {"response_type": "ephemeral", "text": message["text"], "blocks": message["blocks"]}
