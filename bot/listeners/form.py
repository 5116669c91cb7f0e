"""The create form: redrawn while it is filled in, and submitted."""

import time
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from blocks import notices
from bot.errors import PersonError, Refused
from bot.listeners.edge import Edge, Where, where_of
from bot.services.form import CALLBACK, remarks_of
from bot.services.submit import Submitted


def register(app: AsyncApp, edge: Edge) -> None:
    @app.view(CALLBACK)
    async def submitted(ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        try:
            result = await edge.submitter.submit(where_of(body).person, view)
        except PersonError as mistake:
            await ack(response_action="errors", errors={first_input(view): str(mistake)})
            return
        await ack(**_answer(edge, view, result))

    for action_id in ("value", "add_item", "remove_item"):

        @app.action(action_id)
        async def changed(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
            await ack()
            view = body.get("view") or {}
            if view.get("callback_id") == CALLBACK:
                edge.after_ack(_redraw(edge, view, action), Where(where_of(body).person, ""))


def _answer(edge: Edge, view: dict[str, Any], result: Submitted) -> dict[str, Any]:
    """What the ack says: nothing closes the form, faults stand beside their fields, the rest on top of all as typed."""
    if result.request is not None or result.draft is None:
        return {}
    if result.beside:
        errors = dict(result.beside)
        if result.alerts:
            first = next(iter(errors))
            errors[first] = " ".join([errors[first], *result.alerts])
        return {"response_action": "errors", "errors": errors}
    draft = result.draft
    form_id = str(view.get("private_metadata") or "")
    drawn = edge.forms.draw(
        form_id,
        draft.values,
        draft.reason,
        previous=draft,
        alerts=result.alerts,
        ways_on=notices.ways_on(result.ask, result.where),
        remarks=remarks_of(view),
    )
    return {"response_action": "update", "view": drawn}


async def _redraw(edge: Edge, view: dict[str, Any], action: dict[str, Any]) -> None:
    view_id = str(view["id"])
    async with edge.one_at_a_time(view_id):
        drawn = edge.forms.redraw(view, action)
        try:
            await edge.slack.update_view(view_id, drawn, hash=str(view.get("hash") or "") or None)
        except Refused as fault:
            if fault.code != "hash_conflict":
                raise
            # An earlier choice was redrawn meanwhile; this one is the newer and knows all that was chosen. What the
            # earlier one filled in must not be taken for the newer one's, so new blocks are numbered by the clock.
            newer = edge.forms.redraw(view, action, version=time.time_ns() // 1_000_000)
            await edge.slack.update_view(view_id, newer)


def first_input(view: dict[str, Any]) -> str:
    """Where an error goes that belongs to no field."""
    return next((str(b["block_id"]) for b in view.get("blocks", []) if b.get("type") == "input"), "")
