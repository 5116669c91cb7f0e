"""The form compiler on models made at random: what goes in comes out, and survives whatever people click."""

import enum
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, create_model

from blocks.form import Option, OverLimit, Reading, add_item, build, read, remove_item
from tests.unit.slack_modal import Modal

CHOICES = {
    "few": tuple(Option(f"few-{number}", f"Few {number}", group="AB"[number % 2]) for number in range(7)),
    "many": tuple(Option(f"many-{number}") for number in range(120)),
}
PROPERTY = settings(max_examples=120, deadline=None)


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Kind:
    """A type that a field can have, and its values in normal form."""

    annotation: Any
    values: st.SearchStrategy[Any]
    extra: dict[str, Any]
    bounds: dict[str, Any]


def unique(*values: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=4, unique=True)


TEXT = st.text(min_size=1, max_size=30).filter(lambda text: bool(text.strip()))
LINE = TEXT.filter(lambda text: "\n" not in text and not text.endswith("\r"))
FEW = [option.value for option in CHOICES["few"]]
MANY = [option.value for option in CHOICES["many"]]
KINDS = {
    "text": Kind(str, TEXT, {}, {}),
    "short text": Kind(str, TEXT.filter(lambda text: 2 <= len(text) <= 9), {}, {"min_length": 2, "max_length": 9}),
    "number": Kind(int, st.integers(-5, 99), {}, {"ge": -5, "lt": 100}),
    "tick": Kind(bool, st.just(True), {}, {}),
    "literal": Kind(Literal["x", "y", 3], st.sampled_from(["x", "y", 3]), {}, {}),
    "enum": Kind(Colour, st.sampled_from(["red", "blue"]), {}, {}),
    "several of an enum": Kind(list[Colour], unique("red", "blue"), {}, {}),
    "one of few": Kind(str, st.sampled_from(FEW), {"choices": "few"}, {}),
    "one of many": Kind(str, st.sampled_from(MANY), {"choices": "many"}, {}),
    "several of few": Kind(list[str], unique(*FEW), {"choices": "few"}, {}),
    "several of many": Kind(list[str], unique(*MANY), {"choices": "many"}, {}),
    "one without choices": Kind(str, TEXT, {"choices": "unknown"}, {}),
    "lines": Kind(list[str], st.lists(LINE, min_size=1, max_size=3), {}, {}),
    "numbers": Kind(list[int], st.lists(st.integers(), min_size=1, max_size=3), {}, {}),
}


@dataclass(frozen=True)
class Spec:
    """One random field; `shown_for` are the values of the field `mode` for which it is shown, None: always."""

    key: str
    kind: str
    optional: bool
    default: Any
    shown_for: tuple[str, ...] | None
    note: str
    redraws: bool

    def field(self) -> tuple[Any, Any]:
        kind = KINDS[self.kind]
        extra: dict[str, Any] = {**kind.extra, "note": self.note, "redraws": self.redraws}
        if self.shown_for is not None:
            extra["when"] = {"mode": list(self.shown_for)}
        told: dict[str, Any] = {**kind.bounds, "json_schema_extra": extra}
        if self.default is not None:
            return kind.annotation, Field(self.default, **told)
        return (kind.annotation | None, Field(None, **told)) if self.optional else (kind.annotation, Field(**told))


@dataclass(frozen=True)
class Form:
    """A random model: single fields, and one or two lists of models."""

    specs: tuple[Spec, ...]
    groups: dict[str, tuple[Spec, ...]]
    model: type[BaseModel]

    def shown(self, values: dict[str, Any]) -> dict[str, Any]:
        """The values of the fields that are shown: what Slack can give back."""
        mode = values.get("mode")
        hidden = {spec.key for spec in self.specs if spec.shown_for is not None and mode not in spec.shown_for}
        return {key: value for key, value in values.items() if key not in hidden}


@st.composite
def specs(draw: st.DrawFn, names: str, most: int, *, conditional: bool) -> tuple[Spec, ...]:
    made = []
    for number in range(draw(st.integers(1, most))):
        kind = draw(st.sampled_from(sorted(KINDS)))
        made.append(
            Spec(
                key=f"{names}{number}",
                kind=kind,
                optional=draw(st.booleans()),
                default=draw(st.none() | KINDS[kind].values),
                shown_for=draw(st.none() | unique("a", "b").map(tuple)) if conditional else None,
                note=draw(st.sampled_from(["", "Mind this."])),
                redraws=draw(st.booleans()),
            )
        )
    return tuple(made)


@st.composite
def forms(draw: st.DrawFn) -> Form:
    own = draw(specs("own", 7, conditional=True))
    groups = {f"list{number}": draw(specs("inner", 3, conditional=False)) for number in range(draw(st.integers(0, 2)))}
    fields: dict[str, Any] = {"mode": (Literal["a", "b"] | None, None)}
    fields |= {spec.key: spec.field() for spec in own}
    for key, inner in groups.items():
        item = create_model(f"Item{key}", **{spec.key: spec.field() for spec in inner})  # type: ignore[call-overload]
        fields[key] = (list[item], Field(json_schema_extra={"max_items": 4}))
    return Form(own, groups, create_model("Random", **fields))


@st.composite
def values_for(draw: st.DrawFn, some: tuple[Spec, ...]) -> dict[str, Any]:
    """Values in normal form. A field with a default has one, as the default would be filled in."""
    return {spec.key: draw(KINDS[spec.kind].values) for spec in some if spec.default is not None or draw(st.booleans())}


@st.composite
def filled(draw: st.DrawFn) -> tuple[Form, dict[str, Any]]:
    form = draw(forms())
    values = draw(values_for(form.specs))
    if mode := draw(st.sampled_from([None, "a", "b"])):
        values["mode"] = mode
    for key, inner in form.groups.items():
        if items := draw(st.lists(values_for(inner), max_size=3)):
            values[key] = items
    return form, form.shown(values)


def state_of(form: Form, modal: Modal) -> Reading:
    return read(form.model, modal.view)


@PROPERTY
@given(filled())
def test_what_goes_into_a_form_comes_out_of_it(given_: tuple[Form, dict[str, Any]]) -> None:
    form, values = given_
    modal = Modal(build(form.model, values, choices=CHOICES))  # Modal refuses what Slack would refuse
    assert state_of(form, modal).values == values


@PROPERTY
@given(filled())
def test_under_a_prefix_too_and_beside_another_form(given_: tuple[Form, dict[str, Any]]) -> None:
    form, values = given_
    both = [*build(form.model, {}, choices=CHOICES), *build(form.model, values, choices=CHOICES, prefix="second.")]
    if len(both) <= 100:
        assert read(form.model, Modal(both).view, prefix="second.").values == values


@PROPERTY
@given(filled())
def test_a_redraw_without_change_changes_nothing(given_: tuple[Form, dict[str, Any]]) -> None:
    form, values = given_
    modal = Modal(build(form.model, values, choices=CHOICES))
    before = state_of(form, modal)
    modal.update(build(form.model, before.values, choices=CHOICES, previous=before))
    assert state_of(form, modal) == before


@PROPERTY
@given(filled(), st.data())
def test_any_values_can_be_put_over_any_others(given_: tuple[Form, dict[str, Any]], data: st.DataObject) -> None:
    form, values = given_
    modal = Modal(build(form.model, values, choices=CHOICES))
    reading = state_of(form, modal)
    mode = {"mode": reading.values["mode"]} if "mode" in reading.values else {}  # the same fields stay visible
    wanted = form.shown({**data.draw(values_for(form.specs)), **mode})
    for key, inner in form.groups.items():
        held = len(reading.indices[key])
        if held:
            wanted[key] = data.draw(st.lists(values_for(inner), min_size=held, max_size=held))
    modal.update(build(form.model, wanted, choices=CHOICES, previous=reading))
    assert state_of(form, modal).values == wanted


@dataclass
class Person:
    """Somebody who types, chooses, adds and removes; knows what the form should hold, and which indices were used."""

    form: Form
    modal: Modal
    held: dict[str, Any]
    used: dict[str, set[int]]

    def specs_at(self, loc: tuple[str | int, ...]) -> Spec | None:
        some = self.form.groups.get(str(loc[0])) if len(loc) > 1 else self.form.specs
        return next((spec for spec in some or () if spec.key == loc[-1]), None)

    def put(self, loc: tuple[str | int, ...], value: Any) -> None:
        place: dict[Any, Any] = self.held if len(loc) == 1 else self.held[str(loc[0])][loc[1]]
        if value is None:
            place.pop(loc[-1], None)
        else:
            place[loc[-1]] = value

    def fill(self, data: st.DataObject) -> None:
        """Types or chooses something, or clears it; into a number perhaps rubbish."""
        reading = state_of(self.form, self.modal)
        loc = data.draw(st.sampled_from(sorted(reading.ids, key=str)))
        block_id = reading.ids[loc]
        spec = self.specs_at(loc)
        values = KINDS[spec.kind].values if spec else st.sampled_from(["a", "b"])
        value = data.draw(st.none() | values)
        element = self.modal.input(block_id)["element"]["type"]
        if element == "number_input":
            text = data.draw(st.sampled_from([None, "1e", "007", "--", "42", " 5 ", "1234567"]))
            self.modal.type(block_id, text)
            value = int(text) if text and text.strip().isdigit() else text
        elif element == "plain_text_input":
            text = "\n".join(str(line) for line in value) if isinstance(value, list) else value
            self.modal.type(block_id, text)
        elif element == "checkboxes":
            self.modal.choose(block_id, *(["true"] if value else []))
        else:
            chosen = value if isinstance(value, list) else [] if value is None else [value]
            self.modal.choose(block_id, *(str(each) for each in chosen))
        self.put(loc, value)

    def add(self, data: st.DataObject) -> Reading | None:
        reading = state_of(self.form, self.modal)
        offered = [value for action, value, _ in self.modal.buttons() if action == "add_item"]
        if not offered:
            return None
        path = data.draw(st.sampled_from(offered))
        added = add_item(reading, path)
        index = added.indices[path][-1]
        assert index not in self.used[path]
        self.used[path].add(index)
        defaults = {spec.key: spec.default for spec in self.form.groups[path] if spec.default is not None}
        self.held.setdefault(path, []).append(dict(defaults))
        return added

    def remove(self, data: st.DataObject) -> Reading | None:
        reading = state_of(self.form, self.modal)
        offered = [value for action, value, _ in self.modal.buttons() if action == "remove_item"]
        if not offered:
            return None
        path = data.draw(st.sampled_from(offered))
        group, number = path.split(".")
        del self.held[group][reading.indices[group].index(int(number))]
        if not self.held[group]:
            del self.held[group]
        return remove_item(reading, path)

    def redraw(self, reading: Reading | None) -> None:
        """What the bot does after a click; what Slack held for untouched fields must still stand there as typed."""
        reading = reading or state_of(self.form, self.modal)
        before = {block_id: entry["value"] for block_id, entry in self.modal.state.items()}
        appearing = {
            spec.key: spec.default
            for spec in self.form.specs
            if spec.default is not None and (spec.key,) not in reading.ids
        }
        self.held = self.form.shown({**appearing, **self.held})
        self.modal.update(build(self.form.model, reading.values, choices=CHOICES, previous=reading))
        after = state_of(self.form, self.modal)
        for loc, block_id in after.ids.items():
            if loc in reading.ids:
                assert block_id == reading.ids[loc]
                assert self.modal.state[block_id]["value"] == before[block_id]


@PROPERTY
@given(filled(), st.data())
def test_whatever_people_click_and_type_is_what_the_form_holds(
    given_: tuple[Form, dict[str, Any]], data: st.DataObject
) -> None:
    form, values = given_
    modal = Modal(build(form.model, values, choices=CHOICES))
    used = {key: set(state_of(form, modal).indices[key]) for key in form.groups}
    person = Person(form, modal, state_of(form, modal).values, used)
    for _ in range(data.draw(st.integers(1, 6))):
        reading: Reading | None = None
        match data.draw(st.sampled_from(["fill", "fill", "add", "remove"])):
            case "fill":
                person.fill(data)
            case "add":
                reading = person.add(data)
            case "remove":
                reading = person.remove(data)
        person.redraw(reading)
        assert state_of(form, modal).values == person.held


@PROPERTY
@given(filled(), st.data())
def test_text_beyond_what_slack_holds_is_refused_by_name(
    given_: tuple[Form, dict[str, Any]], data: st.DataObject
) -> None:
    form, values = given_
    texts = [spec.key for spec in form.specs if spec.kind in ("text", "lines", "one without choices")]
    visible = [key for key in texts if key in form.shown(dict.fromkeys(texts) | {"mode": values.get("mode")})]
    if visible:
        key = data.draw(st.sampled_from(visible))
        with pytest.raises(OverLimit, match="3000"):
            build(form.model, {**values, key: "x" * data.draw(st.integers(3001, 5000))}, choices=CHOICES)
