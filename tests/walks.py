"""A person at the create form, and what must hold after whatever they do there; written down apart from the code.

What the form should look like is not asked of the schema or the catalog, but of tests/offers.py.
"""

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple, cast

from blocks.limits import check_options, check_submission_answer, check_view
from bot.clusters import checks, schema
from bot.clusters.catalog import Catalog
from bot.clusters.faults import Fault
from bot.clusters.policy import Policy, RequestFacts, approval_for
from bot.clusters.schema import ApiVersion
from bot.services.choices import Choices
from bot.services.form import MORE, Forms, remarks_of
from bot.store.engine import Database
from bot.store.requests import Request
from tests.offers import GROUPS, Documents, Offers, fields_shown
from tests.unit.drawn import words
from tests.unit.slack_modal import Modal

View = dict[str, Any]
Content = str | tuple[str, ...] | None

_WHOLE = re.compile(r"\s*[+-]?[0-9]+\s*")


def refused(body: dict[str, Any], reason: str, faults: list[list[str]]) -> Request:
    """A request that came back from Astro; `faults` are pairs of a field's name and a sentence."""
    blank: dict[str, Any] = dict.fromkeys(each.name for each in fields(Request))
    told = {"message": "Astro refuses it.", "fields": faults}
    return Request(**{**blank, "body": body, "reason": reason, "refusal": told})


class Seen(NamedTuple):
    """One input as it stands on the screen."""

    block_id: str
    kind: str
    content: Content


@dataclass
class _Shelf:
    """Stands for `Choices`, of which the form wants the catalog alone."""

    catalog: Catalog


@dataclass
class Desk:
    """An open form, the person before it, and the bot's part behind it; Slack between them is the `Modal`."""

    documents: Documents
    policy: Policy
    version: ApiVersion
    modal: Modal = field(init=False)
    drawn: View = field(init=False)
    used: dict[str, set[int]] = field(init=False)

    def __post_init__(self) -> None:
        self._shelf = _Shelf(Catalog.from_documents(self.documents))
        # Drawing and reading touch no database, and of the choices only their catalog.
        database, choices = cast("Database", None), cast("Choices", self._shelf)
        self.forms = Forms(database, choices, lambda: self.policy, self.version)
        self.open(self.forms.fresh("F1"))

    @property
    def offers(self) -> Offers:
        return Offers(self.documents, self.policy)

    @property
    def view(self) -> View:
        """The view as it travels in payloads."""
        return copy.deepcopy({**self.drawn, "state": {"values": self.modal.state}})

    def open(self, drawn: View) -> None:
        assert check_view(drawn) == []
        self.modal, self.drawn = Modal(drawn["blocks"]), drawn
        self._clock = 1_000_000  # far beyond any number that drawing by drawing leads to
        self.used = {group: self.indices(group) for group in GROUPS}

    def world_changes(self, documents: Documents, policy: Policy) -> None:
        """Astro's choices have been fetched anew, or somebody has edited the policy."""
        self.documents, self.policy = documents, policy
        self._shelf.catalog = Catalog.from_documents(documents)

    # What is on the screen

    def seen(self) -> dict[str, Seen]:
        """Each input by its path, from top to bottom."""
        inputs = [block for block in self.modal.blocks if block["type"] == "input"]
        paths = [str(block["block_id"]).partition("#")[0] for block in inputs]
        assert len(set(paths)) == len(paths), "one path, two inputs"
        return {path: self._seen(block) for path, block in zip(paths, inputs, strict=True)}

    def _seen(self, block: View) -> Seen:
        entry = self.modal.state[block["block_id"]]["value"]
        content: Content = entry.get("value") or None
        if "selected_options" in entry:
            content = tuple(option["value"] for option in entry["selected_options"]) or None
        elif entry.get("selected_option"):
            content = entry["selected_option"]["value"]
        return Seen(block["block_id"], block["element"]["type"], content)

    def content(self, path: str) -> Any:
        found = self.seen().get(path)
        return found.content if found else None

    @property
    def shape(self) -> tuple[str | None, str | None]:
        return self.content("cloudProvider"), self.content("type")

    def indices(self, group: str) -> set[int]:
        ids = [str(block.get("block_id", "")).split(".") for block in self.modal.blocks]
        return {int(parts[1]) for parts in ids if parts[0] == group and len(parts) > 1 and parts[1].isdigit()}

    def buttons(self, action_id: str) -> list[str]:
        return [value for action, value, _ in self.modal.buttons() if action == action_id]

    def values(self) -> tuple[dict[str, Any], str]:
        """(what the inputs hold, by the API's names, blanks left out; the reason)."""
        values: dict[str, Any] = {}
        live = {group: sorted(self.indices(group)) for group in GROUPS}
        for group, indices in live.items():
            if indices:
                values[group] = [{} for _ in indices]
        for path, seen in self.seen().items():
            place, (group, number, name) = values, ("", "", path)
            if path.partition(".")[0] in GROUPS:
                group, number, name = path.split(".")
                place = values[group][live[group].index(int(number))]
            value = _value(name, seen)
            if value is not None:
                place[name] = value
        return values, values.pop("request.reason", "")

    # What a person does

    def type(self, path: str, text: str | None) -> None:
        self.modal.type(self.seen()[path].block_id, text)

    def choose(self, path: str, *values: str) -> None:
        self.modal.choose(self.seen()[path].block_id, *values)

    def options(self, path: str, query: str = "") -> list[str]:
        """What the input offers: its own list, or what the bot finds for these letters."""
        seen = self.seen()[path]
        element = self.modal.input(seen.block_id)["element"]
        if not seen.kind.endswith("external_select"):
            return [option["value"] for option in element["options"]]
        found = self.forms.search(seen.block_id, self.view, query)
        assert check_options({"options": found}) == []
        offered = self.offers.values(path, *self.shape, self.content("region")) or set()
        assert {option["value"] for option in found} <= offered
        return [option["value"] for option in found]

    def most(self, path: str) -> int | None:
        """How many Slack lets somebody choose."""
        element = self.modal.input(self.seen()[path].block_id)["element"]
        return cast("int | None", element.get("max_selected_items"))

    def reported(self, path: str) -> bool:
        """Whether a choice in this input is told to the bot at once."""
        return bool(self.modal.input(self.seen()[path].block_id).get("dispatch_action"))

    def redraw(self, action: Mapping[str, Any], meanwhile: Callable[[], None] = lambda: None) -> None:
        """The bot answers an action; `meanwhile` is what the person does before the answer comes."""
        drawn_for = self._drawn_for()
        drawn = self.forms.redraw(self.view, action)
        meanwhile()
        before = self.seen()
        self._show(drawn)
        self._nothing_lost(before, *drawn_for)

    def hurry(self, first: tuple[str, str], second: tuple[str, str]) -> None:
        """Two choices one right after the other: the second is made before the first is answered."""
        drawn_for = self._drawn_for()
        self.choose(first[0], first[1])
        one = self.view
        self.choose(second[0], second[1])
        before, other = self.seen(), self.view
        self._show(self.forms.redraw(one, {"action_id": "value"}))
        self._clock += 1000
        self._show(self.forms.redraw(other, {"action_id": "value"}, version=self._clock))
        self._nothing_lost(before, *drawn_for)

    def add(self, group: str, meanwhile: Callable[[], None] = lambda: None) -> str:
        """Returns the path of the new item."""
        before = self.indices(group)
        self.redraw({"action_id": "add_item", "value": group}, meanwhile)
        (new,) = self.indices(group) - before
        assert self.indices(group) - {new} == before
        assert new not in self.used[group], "an index was used twice"
        self.used[group].add(new)
        path = f"{group}.{new}"
        assert {name: self.content(f"{path}.{name}") for name in GROUPS[group]} == dict.fromkeys(GROUPS[group])
        return path

    def remove(self, path: str, meanwhile: Callable[[], None] = lambda: None) -> None:
        group, _, index = path.partition(".")
        before = self.indices(group)
        self.redraw({"action_id": "remove_item", "value": path}, meanwhile)
        assert self.indices(group) == before - {int(index)}
        assert not [other for other in self.seen() if other.startswith(f"{path}.")]

    def submit(self, taken: Sequence[str] = ()) -> tuple[dict[str, Any] | None, dict[str, str]]:
        """(the body that Astro would get, or None; what stands beside which block)."""
        view, (values, reason) = self.view, self.values()
        draft = self.forms.read(view)
        assert (draft.values, draft.reason) == (values, reason)
        limits = self.policy.limits
        checked = checks.check(
            draft.values, api_version=self.version, catalog=self._shelf.catalog, limits=limits, taken=taken
        )
        faults = list(checked.faults)
        if not reason and approval_for(self.policy, RequestFacts(requester="U1", body=draft.values)).required:
            faults.append(Fault(("request", "reason"), "Say why you need it."))
        beside, above = self.forms.place(draft, faults)
        seen = self.seen()
        assert {*beside} <= {each.block_id for each in seen.values()}
        for fault in faults:
            path = self._path(fault.loc)
            places = [beside.get(seen[path].block_id, "")] if path in seen else [*beside.values(), *above]
            assert any(fault.message in said for said in places), f"{fault} is not said in its place"
        if beside:
            assert check_submission_answer({"response_action": "errors", "errors": beside}, view) == []
        elif above:
            self.refused(above)
        if checked.request is None:
            assert faults
            return None, beside
        sent = schema.body(checked.request)
        assert sent == _stripped(values)
        return (sent if not faults else None), beside

    def refused(self, alerts: Sequence[str]) -> None:
        """The submission is answered by the same form with these sentences on top."""
        before, draft = self.seen(), self.forms.read(self.view)
        remarks = remarks_of(self.view)
        drawn = self.forms.draw("F1", draft.values, draft.reason, previous=draft, alerts=alerts, remarks=remarks)
        self._show(drawn)
        self._nothing_lost(before, *self._drawn_for(), moved=False)

    def again(self, request: Request) -> None:
        """The form of a request that was refused opens, filled; nothing that can be had is missing."""
        drawn = self.forms.again("F2", request)
        self.open(drawn)
        held, asked = self.seen(), _flat(request.body) | {"request.reason": request.reason}
        for path, seen in held.items():
            assert seen.content == self._still_offered(path, seen.kind, asked.get(path) or None), path
        said, faults = words(drawn), (request.refusal or {}).get("fields", ())
        unsaid = [message for _, message in faults if message not in said]
        assert not unsaid or (MORE in said and len(faults) > len(unsaid) + 4)

    # What must hold

    def _path(self, loc: tuple[str | int, ...]) -> str:
        """Where a field stands on the screen, as items are numbered there."""
        if loc[0] == "request" or (loc[0] in GROUPS and len(loc) > 2):
            live = sorted(self.indices(str(loc[0])))
            loc = (loc[0], *(live[part] if isinstance(part, int) else part for part in loc[1:]))
            return ".".join(map(str, loc))
        return str(loc[0])

    def _show(self, drawn: View) -> None:
        assert check_view(drawn) == []
        self.modal.update(drawn["blocks"])
        self.drawn = drawn

    def _drawn_for(self) -> tuple[str | None, str | None]:
        """The provider and type that the form on the screen was drawn for, whatever has been chosen since."""
        chosen = []
        for path in ("cloudProvider", "type"):
            element = self.modal.input(self.seen()[path].block_id)["element"]
            chosen.append(element.get("initial_option", {}).get("value"))
        return chosen[0], chosen[1]

    def _still_offered(self, path: str, kind: str, content: Content) -> Content:
        """What of this an input of this kind can hold now."""
        if kind.startswith("multi_") and isinstance(content, str):
            content = tuple(line for line in content.split("\n") if line.strip())
        if kind == "plain_text_input" and isinstance(content, tuple):
            content = "\n".join(content)
        offered = self.offers.values(path, *self.shape, self.content("region"))
        if offered is None or content is None:
            return content
        if isinstance(content, tuple):
            return tuple(each for each in content if each in offered) or None
        return content if content in offered else None

    def _nothing_lost(
        self, before: Mapping[str, Seen], provider: str | None, kind: str | None, *, moved: bool = True
    ) -> None:
        """What was typed stands where it stood, unless it was an untouched default or can no longer be had."""
        after, (now_provider, now_kind) = self.seen(), self.shape
        if now_provider and now_kind:
            single = {path for path in after if path.partition(".")[0] not in GROUPS}
            assert single == fields_shown(
                now_provider, now_kind, bool((self.content("drRegion") or "").strip()), self.version
            )
        for path, now in after.items():
            default = self.offers.default(path, now_provider, now_kind)
            if path not in before:
                assert now.content in (None, default), f"{path} appeared with {now.content}"
                continue
            was = before[path]
            expected = self._still_offered(path, now.kind, was.content)
            if moved and default and was.content == self.offers.default(path, provider, kind):
                expected = default
            if moved and path == "region" and expected is None:
                expected = default
            assert _alike(now.kind, now.content, expected), f"{path} held {was.content!r}, now {now.content!r}"
            if now.content == was.content and now.kind == was.kind:
                assert now.block_id == was.block_id, f"{path} moved, and would lose what is typed meanwhile"


def _value(name: str, seen: Seen) -> Any:
    """A value as the API has it, None for a blank; what is no number stays text."""
    content = seen.content
    if content is None or isinstance(content, tuple):
        return (True if seen.kind == "checkboxes" else list(content)) if content else None
    if name == "workspaceIds":
        return [line.removesuffix("\r") for line in content.split("\n") if line.strip()] or None
    if not content.strip():
        return None
    return int(content) if seen.kind == "number_input" and _WHOLE.fullmatch(content) else content


def _alike(kind: str, one: Content, other: Content) -> bool:
    """A number may be written anew, as 7 for " 7 "."""
    if kind == "number_input" and isinstance(one, str) and isinstance(other, str) and _WHOLE.fullmatch(other):
        return bool(_WHOLE.fullmatch(one)) and int(one) == int(other)
    return one == other


def _stripped(value: Any) -> Any:
    match value:
        case str():
            return value.strip()
        case dict():
            return {name: _stripped(each) for name, each in value.items()}
        case list():
            return [_stripped(each) for each in value]
    return value


def _flat(body: Mapping[str, Any]) -> dict[str, Content]:
    """A body as inputs would show it, by path."""
    flat: dict[str, Content] = {}
    for name, value in body.items():
        if name in GROUPS:
            flat |= {f"{name}.{at}.{key}": each for at, item in enumerate(value) for key, each in _flat(item).items()}
        elif value is True:
            flat[name] = ("true",)
        else:
            flat[name] = tuple(value) if isinstance(value, list) else str(value)
    return flat
