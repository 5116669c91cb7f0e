"""The buttons on cards and posts. A button carries an id and nothing else; the row is the truth."""

import re
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from blocks import notices
from bot.clusters.outcome import is_id
from bot.clusters.policy import Action
from bot.errors import PersonError
from bot.listeners.edge import Edge, Where, where_of
from bot.services.facts import followed_by
from bot.store.requests import Request

Decide = Callable[[str, str], Awaitable[Request]]
Work = Callable[[dict[str, Any], Where], Coroutine[Any, Any, None]]


def register(app: AsyncApp, edge: Edge) -> None:
    decider = edge.decider
    simple: dict[str, Decide] = {
        "approve_request": decider.approve,
        "cancel_request": decider.cancel,
        "retry_request": decider.retry,
        "abandon_request": decider.abandon,
        "mute_request": decider.mute,
        "unmute_request": decider.unmute,
    }
    for action_id, decide in simple.items():
        _on_click(app, edge, action_id, partial(_decided, decide))
    for action_id, work in {
        "refresh_request": _refreshed,
        "edit_request": _edit,
        "deny_request": _ask_why,
        "adopt_request": _ask_which,
    }.items():
        _on_click(app, edge, action_id, partial(work, edge))
    _register_modals(app, edge)

    @app.action(re.compile(".*"))
    async def unknown(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        where = where_of(body)
        if not body.get("view"):
            edge.after_ack(edge.tell(where, notices.dead_button()), where)


def _on_click(app: AsyncApp, edge: Edge, action_id: str, work: Work) -> None:
    @app.action(action_id)
    async def clicked(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        where = where_of(body)
        edge.after_ack(work(body, where), where, about=_id(body))


def _register_modals(app: AsyncApp, edge: Edge) -> None:
    @app.view("deny_request")
    async def denied(ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        reason = _typed(view, "request.reason")
        if not reason:
            await ack(response_action="errors", errors={"request.reason": "Say why: the requester reads it."})
            return
        await ack()
        request_id = str(view.get("private_metadata") or "")
        where = await _beside(edge, request_id, where_of(body).person)
        edge.after_ack(_done(edge.decider.deny(where.person, request_id, reason)), where, about=request_id)

    @app.view("adopt_request")
    async def adopted(ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        cluster_id = _typed(view, "request.clusterId")
        if not is_id(cluster_id):
            told = "That is not a cluster's id. In Astro it stands in the cluster's details."
            await ack(response_action="errors", errors={"request.clusterId": told})
            return
        await ack()
        request_id = str(view.get("private_metadata") or "")
        where = await _beside(edge, request_id, where_of(body).person)
        edge.after_ack(_done(edge.decider.adopt(where.person, request_id, cluster_id)), where, about=request_id)


async def _beside(edge: Edge, request_id: str, person: str) -> Where:
    """Where the request is told: a modal doesn't say from where it was opened."""
    try:
        return Where(person, (await edge.decider.find(request_id)).channel)
    except PersonError:
        return Where(person, "")


async def _decided(decide: Decide, body: dict[str, Any], where: Where) -> None:
    await decide(where.person, _id(body))


async def _done(work: Awaitable[Request]) -> None:
    await work


async def _refreshed(edge: Edge, body: dict[str, Any], where: Where) -> None:
    request = await edge.decider.may_soon(where.person, _id(body), Action.REFRESH)  # it makes the bot call Astro
    if not await edge.watcher.refresh(request.id):
        await edge.tell(where, notices.nothing_new())


async def _ask_why(edge: Edge, body: dict[str, Any], where: Where) -> None:
    request = await edge.decider.may_soon(where.person, _id(body), Action.DENY)
    await edge.slack.open_view(_trigger(body), notices.deny_view(request.id, request.name))


async def _ask_which(edge: Edge, body: dict[str, Any], where: Where) -> None:
    request = await edge.decider.may_soon(where.person, _id(body), Action.ADOPT)
    await edge.slack.open_view(_trigger(body), notices.adopt_view(request.id, request.name))


async def _edit(edge: Edge, body: dict[str, Any], where: Where) -> None:
    request = await edge.decider.may_soon(where.person, _id(body), Action.EDIT)
    if following := followed_by(request):
        raise PersonError(f"This request was sent again as {following} already. Go on there.")
    if request.state not in ("REJECTED", "DENIED", "EXPIRED", "FAILED"):
        raise PersonError("This request can't be edited any more: it has moved on. Its card says where it stands.")
    form_id = await edge.forms.begin(where.person, request.channel, follows=request.id)
    await edge.slack.open_view(_trigger(body), edge.forms.again(form_id, request))


def _id(body: dict[str, Any]) -> str:
    return str((body.get("actions") or [{}])[0].get("value") or "")


def _trigger(body: dict[str, Any]) -> str:
    return str(body.get("trigger_id") or "")


def _typed(view: dict[str, Any], block_id: str) -> str:
    values = (view.get("state") or {}).get("values") or {}
    return str(((values.get(block_id) or {}).get("value") or {}).get("value") or "").strip()
