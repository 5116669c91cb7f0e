"""The create form as a view: opened, redrawn, read.

The form is the request's schema plus what only we ask for (the reason). What it offers comes from the catalog within
policy's limits. Nothing here asks Astro, and nothing that travels through a client is believed: the modal carries the
id of its row in `forms`, and the row knows who opened it, where, and under which key its request is stored.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, Field

from blocks import form as compiler
from blocks import limits, notices
from blocks.form import Block, Option, Reading
from blocks.text import provider_name, type_name
from bot.clusters import policy, schema
from bot.clusters.catalog import Catalog
from bot.clusters.faults import Fault
from bot.clusters.policy import Policy
from bot.clusters.schema import ApiVersion
from bot.errors import PersonError
from bot.services.choices import Choices
from bot.store import forms
from bot.store.engine import Database
from bot.store.forms import Form
from bot.store.requests import Request

CALLBACK = "create_cluster"
TITLE = "Create a cluster"
OURS = "request."  # the prefix of what is not in the API
_SHAPING = ("cloudProvider", "type")  # the fields on which the model and its defaults hang
_ALERTS = 5  # as many as leave the form in sight

NO_COPY = "Astro's choices are not here yet. Write region, ranges and instances by hand; Astro checks them."
MORE = "Astro has more against it than fits in here. The thread of the request has all of it."


class _ReasonRequired(BaseModel):
    reason: Annotated[
        str, Field(title="Why do you need it?", description="The approver reads this.", max_length=1000, min_length=1)
    ]


class _ReasonOptional(BaseModel):
    reason: Annotated[str | None, Field(title="Why do you need it?", max_length=1000)] = None


@dataclass(frozen=True)
class Draft:
    """A view's content: the request as typed, the reason, and where each stands in the view."""

    values: dict[str, Any]
    reason: str
    api: Reading
    ours: Reading


class Forms:
    """Builds the form for one policy and one API version."""

    def __init__(self, db: Database, choices: Choices, policy: Callable[[], Policy], api_version: ApiVersion) -> None:
        self._db, self._choices, self._current, self._api_version = db, choices, policy, api_version

    async def begin(self, person: str, channel: str, *, follows: str | None = None) -> str:
        """A new row for a form that this person opens; returns the id that the modal carries."""
        form_id = secrets.token_urlsafe(12)
        row = {"id": form_id, "submit_key": secrets.token_urlsafe(24), "person": person, "channel": channel}
        async with self._db.write() as tx:
            await forms.add(tx, {**row, "follows": follows})
        return form_id

    async def row(self, view: Mapping[str, Any], person: str) -> Form:
        """The row behind a view that came back.

        Raises:
            PersonError: there is none, or somebody else opened it.
        """
        async with self._db.read() as tx:
            row = await forms.get(tx, str(view.get("private_metadata") or ""))
        if row is None or row.person != person:
            raise PersonError("This form is too old to be used. Copy what you need, and open it again.")
        return row

    def fresh(self, form_id: str, remark: str = "") -> dict[str, Any]:
        """The form as it opens: the first allowed provider and type, their defaults filled in; `remark` on top."""
        allowed = self._current().limits
        starts = [{"cloudProvider": provider, "type": allowed.types[0]} for provider in allowed.providers]
        # The first with a region that the policy allows, as far as it is known what there is.
        fitting = [each for each in starts if self._region_names(each) or not self._choices.catalog.options_for(each)]
        values: dict[str, Any] = (fitting or starts)[0]
        remarks = [notices.alert(remark, "info")] if remark else []
        return self.draw(form_id, values | self._defaults(values), remarks=remarks)

    def again(self, form_id: str, request: Request) -> dict[str, Any]:
        """The form filled with what was asked before, and beside its field what Astro had against it."""
        values, refusal = dict(request.body), request.refusal or {}
        drawn = self.draw(form_id, values, request.reason)
        visible = compiler.read(self._model(values), drawn).ids
        beside: dict[compiler.Loc, str] = {}
        above: list[str] = []
        for field, message in refusal.get("fields", ()):
            loc = schema.loc_of(field)
            if loc in visible:
                beside[loc] = f"{beside[loc]} {message}" if loc in beside else message
            else:
                above.append(f"{schema.title_of(loc) or field}: {message}")
        if not beside and not above and refusal.get("message"):
            above.append(str(refusal["message"]))
        # Each sentence takes a block, and Slack has room for a hundred; one is kept for saying that there is more.
        alerts = above[:_ALERTS]
        room = limits.MODAL_BLOCKS - len(drawn["blocks"]) - len(alerts) - 1
        errors = dict(list(beside.items())[: max(room, 0)])
        if len(alerts) < len(above) or len(errors) < len(beside):
            alerts.append(MORE)
        return self.draw(form_id, values, request.reason, errors=errors, alerts=alerts)

    def draw(
        self,
        form_id: str,
        values: Mapping[str, Any],
        reason: str = "",
        *,
        previous: Draft | None = None,
        errors: Mapping[compiler.Loc, str] | None = None,
        alerts: Sequence[str] = (),
        ways_on: Sequence[Block] = (),
        remarks: Sequence[Block] = (),
        version: int = 0,
    ) -> dict[str, Any]:
        """The view for these values. With `previous`, what was typed there stays where its block is the same.

        `alerts` are about this drawing, and `ways_on` are blocks under them; `remarks` are blocks that stay on top for
        as long as the form lives.
        """
        model = self._model(values)
        catalog = self._choices.catalog
        top = [*remarks, *(notices.alert(text) for text in alerts), *ways_on]
        if catalog.options_for(values) is None:
            top.append(notices.alert(NO_COPY))
        ours = compiler.build(
            self._extras(values),
            {"reason": reason} if reason else {},
            prefix=OURS,
            previous=previous.ours if previous else None,
        )
        body = compiler.build(
            model,
            dict(values),
            choices=self._offered(values),
            previous=previous.api if previous else None,
            errors=errors or {},
            reserve=len(top) + len(ours),
            version=version,
        )
        return {
            "type": "modal",
            "callback_id": CALLBACK,
            "private_metadata": form_id,
            "title": {"type": "plain_text", "text": TITLE},
            "submit": {"type": "plain_text", "text": "Ask for it" if self._needs_approval(values) else "Create"},
            "close": {"type": "plain_text", "text": "Cancel"},
            "blocks": [*top, *body, *ours],
        }

    def read(self, view: Mapping[str, Any]) -> Draft:
        """What the person has filled in, whatever the view's variant."""
        chosen = compiler.read(schema.variant("AWS", self._api_version), _only(view, _SHAPING))
        api = compiler.read(self._model(chosen.values), view)
        ours = compiler.read(_ReasonOptional, view, prefix=OURS)
        return Draft(dict(api.values), str(ours.values.get("reason") or ""), api, ours)

    def redraw(self, view: Mapping[str, Any], action: Mapping[str, Any], *, version: int = 0) -> dict[str, Any]:
        """The form after a choice that shapes the rest, or after Add or Remove.

        `version`: where the view on the screen is no longer this one, a number that no drawing of it has used.
        """
        draft = self.read(view)
        api = draft.api
        match action.get("action_id"):
            case "add_item":
                api = compiler.add_item(api, str(action.get("value")))
            case "remove_item":
                api = compiler.remove_item(api, str(action.get("value")))
        values = self._reshaped(dict(api.values), seen=api, drawn_for=_drawn_for(view))
        return self.draw(
            str(view.get("private_metadata") or ""),
            values,
            draft.reason,
            previous=Draft(values, draft.reason, api, draft.ours),
            remarks=remarks_of(view),
            version=version,
        )

    def place(self, draft: Draft, faults: Sequence[Fault]) -> tuple[dict[str, str], list[str]]:
        """(sentence by block id, sentences that fit beside no field)."""
        listed = [(fault.loc, fault.message) for fault in faults if fault.loc[:1] != ("request",)]
        beside, above = compiler.place(listed, self._model(draft.values), draft.api)
        mine = [(fault.loc[1:], fault.message) for fault in faults if fault.loc[:1] == ("request",)]
        beside_mine, above_mine = compiler.place(mine, _ReasonOptional, draft.ours)
        return {**beside, **beside_mine}, [*above, *above_mine]

    def search(self, block_id: str, view: Mapping[str, Any], query: str) -> list[dict[str, Any]]:
        """The options of an external select that fit what is being typed, from memory."""
        values = self.read(view).values
        model, choices = self._model(values), self._offered(values)
        return compiler.search(compiler.offered(model, block_id, choices=choices), query)

    # --- what the form is made of -------------------------------------------------------------------------------------

    def _model(self, values: Mapping[str, Any]) -> type[BaseModel]:
        provider = str(values.get("cloudProvider") or "")
        known = provider if provider in schema.PROVIDERS else self._current().limits.providers[0]
        return schema.variant(known, self._api_version)

    def _needs_approval(self, values: Mapping[str, Any]) -> bool:
        return policy.approval_for(self._current(), policy.RequestFacts(requester="", body=dict(values))).required

    def _extras(self, values: Mapping[str, Any]) -> type[BaseModel]:
        return _ReasonRequired if self._needs_approval(values) else _ReasonOptional

    def _defaults(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return schema.defaults(
            str(values.get("cloudProvider")), str(values.get("type")), self._choices.catalog, self._api_version
        )

    def _reshaped(self, values: dict[str, Any], *, seen: Reading, drawn_for: Mapping[str, Any]) -> dict[str, Any]:
        """Values for the provider and type chosen now: untouched defaults become the new ones, typed input stays.

        Untouched is what equals the default of the provider and type that the form was drawn for, and an empty field
        where there was none. Another provider's default is something that a person has typed.
        """
        model = self._model(values)
        values = {name: value for name, value in values.items() if name in model.model_fields}
        visible = {loc[0] for loc in seen.ids}
        before = self._defaults(drawn_for)
        for name, default in self._defaults(values).items():
            untouched = values.get(name) == before.get(name)
            appearing = name not in visible
            unchosen = name == "region" and values.get(name) not in self._region_names(values)
            if untouched or (appearing and name not in values) or unchosen:
                values[name] = default
        return values

    def _region_names(self, values: Mapping[str, Any]) -> set[str]:
        return {option.value for option in self._offered(values).get("regions", ())}

    def _offered(self, values: Mapping[str, Any]) -> dict[str, list[Option]]:
        allowed = self._current().limits
        offered = {
            "providers": [Option(p, provider_name(p)) for p in allowed.providers],
            "types": [Option(t, type_name(t)) for t in allowed.types],
        }
        return offered | _catalog_options(self._choices.catalog, values, allowed.regions)


def remarks_of(view: Mapping[str, Any]) -> list[Block]:
    """What was said on top when the form opened, to be said again by every later drawing of it."""
    return [
        {key: block[key] for key in ("type", "text", "level")}
        for block in view.get("blocks", ())
        if block.get("type") == "alert" and block.get("level") == "info"
    ]


def _catalog_options(
    catalog: Catalog, values: Mapping[str, Any], allowed_regions: Sequence[str]
) -> dict[str, list[Option]]:
    offered: dict[str, list[Option]] = {}
    if catalog.workspaces is not None:
        offered["workspaces"] = [Option(each.id, each.name) for each in catalog.workspaces]
    options = catalog.options_for(values)
    if options is None:
        return offered
    regions = [each for each in options.regions if not allowed_regions or each.name in allowed_regions]
    offered["regions"] = [Option(each.name) for each in regions]
    # A region that isn't offered isn't shown as chosen either, so it bans nothing.
    banned = next((each.banned for each in regions if each.name == values.get("region")), frozenset[str]())
    for name, instances in (("databaseInstances", options.databases), ("nodeInstances", options.nodes)):
        offered[name] = [
            Option(i.name, i.name, f"{i.cpu} CPU, {i.memory}" if i.cpu and i.memory else "")
            for i in instances
            if i.name not in banned
        ]
    return offered


def _drawn_for(view: Mapping[str, Any]) -> dict[str, Any]:
    """The provider and type with which this view was drawn, whatever has been chosen in it since."""
    chosen = {
        str(block["block_id"]).split("#")[0]: (block.get("element") or {}).get("initial_option") or {}
        for block in _only(view, _SHAPING)["blocks"]
    }
    return {name: option.get("value") for name, option in chosen.items()}


def _only(view: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    blocks: list[Block] = [b for b in view.get("blocks", []) if str(b.get("block_id", "")).split("#")[0] in names]
    return {"blocks": blocks, "state": view.get("state") or {}}
