"""The form compiler, by example: what each type becomes, what Slack keeps across redraws, where errors are said."""

import enum
import time
from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, StringConstraints
from slack_sdk.models.views import View

from blocks.form import Option, OverLimit, add_item, build, offered, place, read, remove_item, search
from tests.unit.slack_modal import Modal, as_view

FEW = (Option("oak", "Oak", "slow"), Option("elm", "Elm"))
MANY = tuple(Option(f"tree-{number}", f"Tree {number}") for number in range(150))


def element_of(annotation: Any, field: Any = None, /, **more: Any) -> dict[str, Any]:
    """The one input's element of a model with the one field `it`."""
    return input_of(annotation, field, **more)["element"]  # type: ignore[no-any-return]


def input_of(annotation: Any, field: Any = None, /, values: Mapping[str, Any] | None = None, **more: Any) -> Any:
    namespace = {"__annotations__": {"it": annotation}, "it": Field() if field is None else field}
    model: type[BaseModel] = type("One", (BaseModel,), namespace)
    blocks = build(model, values or {}, **more)
    Modal(blocks)
    return next(block for block in blocks if block["type"] == "input")


def labels(blocks: list[dict[str, Any]]) -> list[str]:
    return [block["label"]["text"] for block in blocks if block["type"] == "input"]


def remarks(blocks: list[dict[str, Any]]) -> list[str]:
    return [block["elements"][0]["text"] for block in blocks if block["type"] == "context"]


def ids(blocks: list[dict[str, Any]]) -> list[str]:
    return [block["block_id"] for block in blocks if block["type"] == "input"]


class Wood(enum.Enum):
    OAK = "oak"
    ELM = "elm"


class TestEachTypeHasItsElement:
    def test_a_literal_is_a_select_of_its_values(self) -> None:
        element = element_of(Literal["red", "blue"])
        assert element["type"] == "static_select"
        assert [option["value"] for option in element["options"]] == ["red", "blue"]
        assert element["action_id"] == "value"

    def test_an_enum_is_a_select_of_its_values(self) -> None:
        element = element_of(Wood, values={"it": Wood.ELM})
        assert [option["value"] for option in element["options"]] == ["oak", "elm"]
        assert element["initial_option"] == element["options"][1]

    def test_numbers_of_a_literal_come_back_as_numbers(self) -> None:
        class Ladder(BaseModel):
            rungs: Literal[3, 5]

        assert read(Ladder, Modal(build(Ladder, {"rungs": 5})).view).values == {"rungs": 5}

    def test_up_to_a_hundred_choices_are_listed(self) -> None:
        element = element_of(str, Field(json_schema_extra={"choices": "trees"}), choices={"trees": FEW})
        assert element["type"] == "static_select"
        assert element["options"][0] == {
            "text": {"type": "plain_text", "text": "Oak"},
            "value": "oak",
            "description": {"type": "plain_text", "text": "slow"},
        }

    def test_choices_with_groups_are_listed_under_headings(self) -> None:
        trees = (Option("fir", group="Needles"), Option("oak", group="Leaves"), Option("yew", group="Needles"))
        element = element_of(
            str, Field(json_schema_extra={"choices": "trees"}), choices={"trees": trees}, values={"it": "yew"}
        )
        assert "options" not in element
        assert [group["label"]["text"] for group in element["option_groups"]] == ["Needles", "Leaves"]
        assert [option["value"] for option in element["option_groups"][0]["options"]] == ["fir", "yew"]
        assert element["initial_option"]["value"] == "yew"

    def test_more_than_a_hundred_choices_are_searched_for(self) -> None:
        element = element_of(
            str, Field(json_schema_extra={"choices": "trees"}), choices={"trees": MANY}, values={"it": "tree-149"}
        )
        assert element["type"] == "external_select"
        assert element["min_query_length"] == 0
        assert element["initial_option"] == {"text": {"type": "plain_text", "text": "Tree 149"}, "value": "tree-149"}

    def test_a_list_of_choices_takes_several(self) -> None:
        field = Field(max_length=2, json_schema_extra={"choices": "trees"})
        few = element_of(list[str], field, choices={"trees": FEW}, values={"it": ["elm"]})
        assert few["type"] == "multi_static_select"
        assert few["initial_options"] == [few["options"][1]]
        assert few["max_selected_items"] == 2
        assert element_of(list[str], field, choices={"trees": MANY})["type"] == "multi_external_select"
        assert element_of(list[Wood])["type"] == "multi_static_select"

    def test_a_bool_is_one_box_to_tick_and_never_required(self) -> None:
        block = input_of(bool, values={"it": True})
        assert block["element"]["type"] == "checkboxes"
        assert len(block["element"]["options"]) == 1
        assert block["element"]["initial_options"] == block["element"]["options"]
        assert block["optional"] is True

    def test_an_int_is_a_number_with_its_bounds_as_strings(self) -> None:
        element = element_of(int, Field(gt=0, le=30), values={"it": 7})
        assert element == {
            "type": "number_input",
            "action_id": "value",
            "is_decimal_allowed": False,
            "min_value": "1",
            "max_value": "30",
            "initial_value": "7",
        }

    def test_bounds_are_found_wherever_pydantic_takes_them(self) -> None:
        inside = element_of(Annotated[int, Field(ge=2, lt=9)] | None, Field(default=None))
        assert (inside["min_value"], inside["max_value"]) == ("2", "8")
        strict = element_of(Annotated[str, StringConstraints(min_length=3, max_length=9)])
        assert (strict["min_length"], strict["max_length"]) == (3, 9)

    def test_text_has_the_example_as_placeholder_and_its_lengths_as_bounds(self) -> None:
        assert element_of(str, Field(min_length=2, max_length=20, examples=["Ann"])) == {
            "type": "plain_text_input",
            "action_id": "value",
            "placeholder": {"type": "plain_text", "text": "Ann"},
            "min_length": 2,
            "max_length": 20,
        }

    def test_long_text_gets_several_lines(self) -> None:
        assert element_of(str, Field(max_length=1000))["multiline"] is True

    def test_longer_text_than_slack_can_hold_is_bounded_by_slack(self) -> None:
        assert element_of(str, Field(max_length=9000))["max_length"] == 3000

    def test_other_types_are_typed_as_text(self) -> None:
        assert element_of(IPv4Network, values={"it": IPv4Network("10.0.0.0/8")})["initial_value"] == "10.0.0.0/8"

    def test_a_list_without_choices_takes_one_a_line(self) -> None:
        class Tools(BaseModel):
            tools: list[str]

        modal = Modal(build(Tools, {"tools": ["saw", "axe"]}))
        assert modal.input("tools")["element"]["initial_value"] == "saw\naxe"
        modal.type("tools", "saw\r\n\n  \nfile")
        assert read(Tools, modal.view).values == {"tools": ["saw", "file"]}

    @pytest.mark.parametrize("known", [{}, {"trees": ()}])
    def test_without_a_list_of_choices_free_text_is_taken(self, known: dict[str, Any]) -> None:
        element = element_of(str, Field(examples=["oak"], json_schema_extra={"choices": "trees"}), choices=known)
        assert element["type"] == "plain_text_input"
        assert element["placeholder"]["text"] == "oak"

    def test_types_that_no_input_can_hold_are_refused_by_name(self) -> None:
        class Inner(BaseModel):
            name: str

        with pytest.raises(TypeError, match=r"One\.it"):
            element_of(dict[str, str])
        with pytest.raises(TypeError, match=r"One\.it"):
            element_of(Inner)


class TestLabels:
    def test_title_and_short_description_are_shown(self) -> None:
        block = input_of(str, Field(title="Name", description="As on the door."))
        assert block["label"] == {"type": "plain_text", "text": "Name"}
        assert block["hint"] == {"type": "plain_text", "text": "As on the door."}

    def test_a_long_description_is_left_out(self) -> None:
        assert "hint" not in input_of(str, Field(description="x" * 151))

    def test_without_a_title_the_key_is_made_readable(self) -> None:
        class Door(BaseModel):
            maxNodeCount: int
            house_number: int

        assert labels(build(Door, {})) == ["Max node count", "House number"]

    def test_choices_are_cut_to_what_slack_shows(self) -> None:
        element = element_of(
            str, Field(json_schema_extra={"choices": "c"}), choices={"c": [Option("v", "l" * 80, "d" * 80)]}
        )
        assert element["options"][0]["text"]["text"] == "l" * 74 + "…"
        assert element["options"][0]["description"]["text"] == "d" * 74 + "…"

    def test_an_alias_is_the_name_that_counts(self) -> None:
        class Door(BaseModel):
            number: int = Field(alias="houseNumber")

        modal = Modal(build(Door, {"houseNumber": 3}))
        assert ids(modal.blocks) == ["houseNumber"]
        assert read(Door, modal.view).values == {"houseNumber": 3}


class House(BaseModel):
    """Nothing to do with clusters."""

    class Room(BaseModel):
        floor: int | None = Field(None, title="Floor")
        name: str = Field(title="Room name")
        heated: bool | None = Field(None, title="Heated")

    note: str | None = Field(None, title="Note", json_schema_extra={"group": "Words"})
    kind: Literal["flat", "villa"] = Field("flat", title="Kind", json_schema_extra={"group": "Basics", "redraws": True})
    owner: str = Field(title="Owner", json_schema_extra={"group": "Basics"})
    pool: str | None = Field(
        None, title="Pool", json_schema_extra={"group": "Garden", "when": {"kind": ["villa"]}, "note": "Deep water."}
    )
    depth: int | None = Field(
        None, ge=1, le=5, title="Depth", json_schema_extra={"group": "Garden", "when": {"pool": True}}
    )
    gardener: str | None = Field(
        None, title="Gardener", json_schema_extra={"group": "Garden", "required_when": {"kind": ["villa"]}}
    )
    tree: str | None = Field(None, title="Tree", json_schema_extra={"choices": "trees"})
    rooms: list[Room] | None = Field(None, title="Rooms", json_schema_extra={"max_items": 3, "item": "room"})


TREES = {"trees": FEW}


class TestWhatIsShown:
    def test_required_fields_stand_above_optional_ones(self) -> None:
        assert labels(build(House, {}, choices=TREES)) == ["Owner", "Note", "Kind", "Gardener", "Tree"]

    def test_what_becomes_required_moves_up_and_loses_optional(self) -> None:
        blocks = build(House, {"kind": "villa"}, choices=TREES)
        assert labels(blocks)[:2] == ["Owner", "Gardener"]
        assert [block["block_id"] for block in blocks if block["type"] == "input" and not block.get("optional")] == [
            "owner",
            "gardener",
        ]

    def test_a_field_is_shown_only_when_its_condition_holds(self) -> None:
        assert "Pool" not in labels(build(House, {"kind": "flat"}))
        assert "Pool" in labels(build(House, {"kind": "villa"}))

    def test_a_hidden_field_counts_as_empty_for_others(self) -> None:
        assert "Depth" in labels(build(House, {"kind": "villa", "pool": "round"}))
        assert "Depth" not in labels(build(House, {"kind": "flat", "pool": "round"}))

    def test_a_note_is_said_once_its_field_has_a_value(self) -> None:
        assert "Deep water." not in remarks(build(House, {"kind": "villa"}))
        assert "Deep water." in remarks(build(House, {"kind": "villa", "pool": "round"}))

    def test_a_field_that_shapes_the_rest_reports_at_once(self) -> None:
        blocks = {block["block_id"]: block for block in build(House, {}) if block["type"] == "input"}
        assert blocks["kind"]["dispatch_action"] is True
        assert "dispatch_action" not in blocks["owner"]

    def test_a_prefix_keeps_two_forms_in_one_view_apart(self) -> None:
        class Request(BaseModel):
            reason: str

        modal = Modal([*build(House, {"owner": "Ann"}), *build(Request, {"reason": "home"}, prefix="request.")])
        assert "request.reason" in ids(modal.blocks)
        assert read(Request, modal.view, prefix="request.").values == {"reason": "home"}
        assert read(House, modal.view).values == {"owner": "Ann", "kind": "flat"}


class TestInitialValues:
    def test_a_default_is_filled_in_at_first(self) -> None:
        assert read(House, Modal(build(House, {})).view).values == {"kind": "flat"}

    def test_a_default_that_was_cleared_does_not_come_back(self) -> None:
        modal = Modal(build(House, {}))
        modal.choose("kind")
        reading = read(House, modal.view)
        modal.update(build(House, reading.values, previous=reading))
        assert read(House, modal.view).values == {}

    def test_a_choice_that_is_not_offered_is_dropped(self) -> None:
        assert "initial_option" not in element_of(
            str, Field(json_schema_extra={"choices": "c"}), choices={"c": FEW}, values={"it": "ash"}
        )
        several = element_of(
            list[str], Field(json_schema_extra={"choices": "c"}), choices={"c": MANY}, values={"it": ["ash", "tree-3"]}
        )
        assert [option["value"] for option in several["initial_options"]] == ["tree-3"]

    def test_a_value_out_of_bounds_is_shown_all_the_same(self) -> None:
        number = element_of(int, Field(ge=1, le=5), values={"it": 9})
        assert number["initial_value"] == "9"
        assert "max_value" not in number
        assert number["min_value"] == "1"
        assert element_of(str, Field(max_length=3), values={"it": "abcdef"})["initial_value"] == "abcdef"

    def test_letters_cannot_be_put_into_a_number(self) -> None:
        assert "initial_value" not in element_of(int, values={"it": "nine"})


def redrawn(modal: Modal, model: type[BaseModel] = House, choices: Any = None, **changed: Any) -> Modal:
    """The modal after a redraw in which the caller changed some values (None: forgot them)."""
    reading = read(model, modal.view)
    modal.update(build(model, {**reading.values, **changed}, choices=choices or TREES, previous=reading))
    return modal


class TestRedraw:
    def test_what_was_typed_survives_under_its_block_id(self) -> None:
        modal = Modal(build(House, {}, choices=TREES))
        modal.type("owner", "  Ann ")
        modal.choose("kind", "villa")
        redrawn(modal)
        assert "owner" in ids(modal.blocks)
        assert read(House, modal.view).values == {"owner": "  Ann ", "kind": "villa"}

    def test_letters_typed_into_a_number_survive(self) -> None:
        modal = Modal(build(House, {"kind": "villa", "pool": "round"}, choices=TREES))
        modal.type("depth", "deep")
        redrawn(modal)
        assert modal.state["depth"]["value"]["value"] == "deep"
        assert read(House, modal.view).values["depth"] == "deep"

    def test_a_number_out_of_bounds_survives(self) -> None:
        modal = Modal(build(House, {"kind": "villa", "pool": "round"}, choices=TREES))
        modal.type("depth", "99")
        redrawn(modal)
        assert read(House, modal.view).values["depth"] == 99
        assert modal.input("depth")["element"]["max_value"] == "5"

    def test_a_value_the_caller_changed_gets_a_new_block_each_time(self) -> None:
        modal = Modal(build(House, {"owner": "Ann"}, choices=TREES))
        redrawn(modal, owner="Bob")
        assert modal.input("owner#1")["element"]["initial_value"] == "Bob"
        redrawn(modal, owner="Cid")
        assert modal.input("owner#2")["element"]["initial_value"] == "Cid"
        redrawn(modal)
        assert read(House, modal.view).ids[("owner",)] == "owner#2"
        assert read(House, modal.view).values["owner"] == "Cid"

    def test_a_value_the_caller_forgot_is_forgotten_by_slack(self) -> None:
        modal = redrawn(Modal(build(House, {"owner": "Ann"}, choices=TREES)), owner=None)
        assert "initial_value" not in modal.input("owner#1")["element"]
        assert "owner" not in read(House, modal.view).values

    def test_a_choice_no_longer_offered_is_forgotten(self) -> None:
        modal = Modal(build(House, {"tree": "oak"}, choices=TREES))
        redrawn(modal, choices={"trees": (Option("elm"), Option("ash"))})
        assert "tree#1" in ids(modal.blocks)
        assert "tree" not in read(House, modal.view).values

    def test_a_choice_still_offered_is_kept(self) -> None:
        modal = Modal(build(House, {"tree": "oak"}, choices=TREES))
        redrawn(modal, choices={"trees": (Option("ash"), Option("oak"))})
        assert "tree" in ids(modal.blocks)
        assert read(House, modal.view).values["tree"] == "oak"

    def test_another_element_is_another_block_with_the_same_value(self) -> None:
        modal = Modal(build(House, {"tree": "tree-9"}))
        assert modal.input("tree")["element"]["type"] == "plain_text_input"
        redrawn(modal, choices={"trees": MANY})
        assert modal.input("tree#1")["element"]["type"] == "external_select"
        redrawn(modal, choices={"trees": MANY[:20]})
        assert modal.input("tree#2")["element"]["type"] == "static_select"
        assert read(House, modal.view).values["tree"] == "tree-9"

    def test_another_model_keeps_the_fields_that_both_have(self) -> None:
        class Boat(BaseModel):
            owner: str
            sails: int = 2

        modal = Modal(build(House, {"owner": "Ann"}, choices=TREES))
        modal.type("owner", "Bob")
        reading = read(House, modal.view)
        modal.update(build(Boat, reading.values, previous=reading))
        assert ids(modal.blocks) == ["owner", "sails"]
        assert read(Boat, modal.view).values == {"owner": "Bob", "sails": 2}


def clicked(modal: Modal, action: str, path: str) -> Modal:
    """The modal after a click on Add or Remove."""
    reading = read(House, modal.view)
    reading = add_item(reading, path) if action == "add_item" else remove_item(reading, path)
    modal.update(build(House, reading.values, choices=TREES, previous=reading))
    return modal


class TestRepeatedGroups:
    def test_a_group_is_a_heading_and_a_button_at_first(self) -> None:
        modal = Modal(build(House, {}))
        assert {"type": "header", "text": {"type": "plain_text", "text": "Rooms"}} in modal.blocks
        assert modal.buttons() == [("add_item", "rooms", "Add room")]

    def test_an_item_has_its_inputs_and_its_own_button(self) -> None:
        modal = clicked(Modal(build(House, {})), "add_item", "rooms")
        assert ids(modal.blocks)[-3:] == ["rooms.0.name", "rooms.0.floor", "rooms.0.heated"]
        assert modal.buttons() == [("remove_item", "rooms.0", "Remove room"), ("add_item", "rooms", "Add room")]

    def test_indices_never_shift_and_are_never_used_twice(self) -> None:
        modal = clicked(clicked(Modal(build(House, {})), "add_item", "rooms"), "add_item", "rooms")
        modal.type("rooms.1.name", "Attic")
        clicked(modal, "remove_item", "rooms.0")
        assert read(House, modal.view).indices == {"rooms": (1,)}
        assert read(House, modal.view).values["rooms"] == [{"name": "Attic"}]
        clicked(modal, "remove_item", "rooms.1")
        clicked(modal, "add_item", "rooms")
        assert read(House, modal.view).indices == {"rooms": (2,)}
        assert "name" not in read(House, modal.view).values["rooms"][0]

    def test_reading_counts_items_without_gaps(self) -> None:
        modal = Modal(build(House, {"rooms": [{"name": "A"}, {"name": "B"}, {"name": "C"}]}))
        clicked(modal, "remove_item", "rooms.1")
        reading = read(House, modal.view)
        assert reading.values["rooms"] == [{"name": "A"}, {"name": "C"}]
        assert reading.ids[("rooms", 1, "name")] == "rooms.2.name"

    def test_a_button_clicked_twice_removes_once(self) -> None:
        reading = read(House, Modal(build(House, {"rooms": [{"name": "A"}, {"name": "B"}]})).view)
        once = remove_item(reading, "rooms.0")
        assert remove_item(once, "rooms.0") == once

    @pytest.mark.parametrize("path", ["doors", "", "rooms.0", "owner"])
    def test_a_group_that_does_not_exist_gets_no_item(self, path: str) -> None:
        reading = read(House, Modal(build(House, {})).view)
        assert add_item(reading, path) == reading

    @pytest.mark.parametrize("path", ["rooms", "rooms.9", "rooms.x", "doors.0", "", "rooms.-1", "rooms.²"])
    def test_an_item_that_does_not_exist_is_not_removed(self, path: str) -> None:
        reading = read(House, Modal(build(House, {"rooms": [{"name": "A"}]})).view)
        assert remove_item(reading, path) == reading

    def test_the_most_items_are_said_in_place_of_the_button(self) -> None:
        modal = Modal(build(House, {"rooms": [{"name": "A"}, {"name": "B"}, {"name": "C"}]}))
        assert "That is the most this form can hold: 3 rooms." in remarks(modal.blocks)
        assert ("add_item", "rooms", "Add room") not in modal.buttons()
        clicked(modal, "remove_item", "rooms.2")
        assert ("add_item", "rooms", "Add room") in modal.buttons()
        clicked(modal, "add_item", "rooms")
        assert read(House, modal.view).indices == {"rooms": (0, 1, 3)}

    def test_no_button_where_another_item_would_pass_a_hundred_blocks(self) -> None:
        class Item(BaseModel):
            a: str
            b: str
            c: str

        class Long(BaseModel):
            items: list[Item] = Field(json_schema_extra={"item": "entry"})

        # A heading, four blocks an item, the line: 24 items are 98 blocks, and 25 would be 102.
        full = build(Long, {"items": [{"a": str(number)} for number in range(24)]})
        assert len(full) == 98
        assert remarks(full) == ["That is the most this form can hold: 24 entries."]
        assert not remarks(build(Long, {"items": [{"a": str(number)} for number in range(23)]}))
        assert remarks(build(Long, {"items": [{"a": str(number)} for number in range(23)]}, reserve=3))

    def test_no_button_where_another_item_would_pass_250_kb(self) -> None:
        class Item(BaseModel):
            tree: str = Field(json_schema_extra={"choices": "trees"})

        class Heavy(BaseModel):
            items: list[Item]

        trees = {"trees": [Option(f"{number:0>150}", "l" * 75, "d" * 75) for number in range(100)]}
        held = 0
        modal = Modal(build(Heavy, {}, choices=trees))
        while any(action == "add_item" for action, _, _ in modal.buttons()):
            reading = add_item(read(Heavy, modal.view), "items")
            modal.update(build(Heavy, reading.values, choices=trees, previous=reading))
            held += 1
        assert 3 <= held <= 8
        assert remarks(modal.blocks) == [f"That is the most this form can hold: {held} items."]

    def test_room_is_kept_for_what_a_later_choice_brings_in(self) -> None:
        extra = {f"more{number}": (str | None, Field(None, json_schema_extra={"when": {"mode": ["full"]}}))
                 for number in range(60)}  # fmt: skip

        class Item(BaseModel):
            name: str

        namespace: dict[str, Any] = {
            "__annotations__": {
                "mode": Literal["bare", "full"],
                **{key: kind for key, (kind, _) in extra.items()},
                "items": list[Item],
            },
            **{key: field for key, (_, field) in extra.items()},
        }
        model: type[BaseModel] = type("Growing", (BaseModel,), namespace)
        modal = Modal(build(model, {"mode": "bare"}))
        while any(action == "add_item" for action, _, _ in modal.buttons()):
            reading = add_item(read(model, modal.view), "items")
            modal.update(build(model, reading.values, previous=reading))
        reading = read(model, modal.view)
        assert len(build(model, {**reading.values, "mode": "full"}, previous=reading)) <= 100

    def test_a_number_stays_used_while_its_group_is_hidden(self) -> None:
        class Item(BaseModel):
            name: str

        class Shop(BaseModel):
            kind: Literal["open", "shut"] = "open"
            items: list[Item] | None = Field(None, json_schema_extra={"when": {"kind": ["open"]}})

        modal = Modal(build(Shop, {"items": [{"name": "A"}]}))
        for kind in ("shut", "shut", "open"):
            reading = read(Shop, modal.view)
            modal.update(build(Shop, {**reading.values, "kind": kind}, previous=reading))
            modal.choose(read(Shop, modal.view).ids[("kind",)], kind)
        reading = add_item(read(Shop, modal.view), "items")
        assert reading.indices == {"items": (1,)}

    def test_an_item_list_within_an_item_is_refused(self) -> None:
        class Leaf(BaseModel):
            name: str

        class Branch(BaseModel):
            leaves: list[Leaf]

        class Tree(BaseModel):
            branches: list[Branch]

        with pytest.raises(TypeError, match=r"Tree\.branches"):
            build(Tree, {})


class TestPlacingErrors:
    def placed(self, *errors: tuple[tuple[str | int, ...], str], **values: Any) -> tuple[dict[str, str], list[str]]:
        return place(errors, House, read(House, Modal(build(House, values, choices=TREES)).view))

    def test_beside_its_field(self) -> None:
        assert self.placed((("owner",), "Too short.")) == ({"owner": "Too short."}, [])

    def test_several_on_one_field_are_said_together(self) -> None:
        assert self.placed((("owner",), "Too short."), (("owner",), "Not a name.")) == (
            {"owner": "Too short. Not a name."},
            [],
        )

    def test_under_the_block_id_of_the_day(self) -> None:
        modal = redrawn(Modal(build(House, {"owner": "Ann"}, choices=TREES)), owner="Bob")
        assert place([(("owner",), "No.")], House, read(House, modal.view))[0] == {"owner#1": "No."}

    def test_within_a_list_that_one_input_holds(self) -> None:
        assert self.placed((("owner", 2), "Third is wrong."))[0] == {"owner": "Third is wrong."}

    def test_of_a_hidden_field_beside_the_nearest_of_its_group(self) -> None:
        assert self.placed((("pool",), "Too cold."), kind="flat") == ({"gardener": "Pool: Too cold."}, [])
        assert self.placed((("depth",), "Too deep."), kind="villa") == ({"pool": "Depth: Too deep."}, [])

    def test_without_any_such_field_it_is_left_to_be_said_on_top(self) -> None:
        class Lone(BaseModel):
            on: bool
            hidden: str | None = Field(None, title="Hidden", json_schema_extra={"when": {"on": True}})

        reading = read(Lone, Modal(build(Lone, {})).view)
        assert place([(("hidden",), "Wrong."), ((), "All wrong."), (("what",), "?")], Lone, reading) == (
            {},
            ["Hidden: Wrong.", "All wrong.", "?"],
        )

    def test_in_a_list_of_models(self) -> None:
        rooms = [{"name": "A"}, {"name": "B"}]
        modal = Modal(build(House, {"rooms": rooms}, choices=TREES))
        reading = remove_item(read(House, modal.view), "rooms.0")
        modal.update(build(House, reading.values, choices=TREES, previous=reading))
        reading = read(House, modal.view)
        assert place([(("rooms", 0, "floor"), "High.")], House, reading)[0] == {"rooms.1.floor": "High."}
        assert place([(("rooms", 0), "Odd.")], House, reading)[0] == {"rooms.1.name": "Odd."}
        assert place([(("rooms",), "Few.")], House, reading)[0] == {"rooms.1.name": "Rooms: Few."}
        assert place([(("rooms", 7, "name"), "?")], House, reading)[0] == {"rooms.1.name": "Room name: ?"}

    def test_on_a_list_without_items_it_is_left(self) -> None:
        assert self.placed((("rooms",), "Needs one.")) == ({}, ["Rooms: Needs one."])

    def test_a_form_reopened_says_them_under_their_fields(self) -> None:
        blocks = build(
            House,
            {"kind": "villa", "pool": "round", "rooms": [{"name": "A"}]},
            choices=TREES,
            errors={("pool",): "Too round.", ("rooms", 0, "name"): "Taken.", ("zip",): "Unknown."},
        )
        Modal(blocks)
        assert remarks(blocks[:1]) == ["⚠ Unknown."]
        at = [block.get("block_id") for block in blocks].index("pool")
        assert remarks(blocks[at + 1 : at + 3]) == ["⚠ Too round.", "Deep water."]
        at = [block.get("block_id") for block in blocks].index("rooms.0.name")
        assert remarks(blocks[at + 1 : at + 2]) == ["⚠ Taken."]


class TestLimits:
    def test_more_than_a_hundred_inputs(self) -> None:
        namespace: dict[str, Any] = {"__annotations__": {f"f{number}": str for number in range(101)}}
        with pytest.raises(OverLimit, match="100 blocks"):
            build(type("Wide", (BaseModel,), namespace), {})

    def test_blocks_that_the_caller_needs_count(self) -> None:
        build(House, {})
        with pytest.raises(OverLimit, match="100 blocks"):
            build(House, {}, reserve=99)

    def test_more_than_250_kb(self) -> None:
        namespace: dict[str, Any] = {
            "__annotations__": {f"f{number}": str for number in range(10)},
            **{f"f{number}": Field(json_schema_extra={"choices": "c"}) for number in range(10)},
        }
        choices = {"c": [Option(f"{number:0>150}", "l" * 75, "d" * 75) for number in range(100)]}
        with pytest.raises(OverLimit, match="250000 bytes"):
            build(type("Heavy", (BaseModel,), namespace), {}, choices=choices)

    @pytest.mark.parametrize("value", ["", "v" * 151])
    def test_an_option_value_is_never_cut(self, value: str) -> None:
        with pytest.raises(OverLimit, match="1 to 150 characters"):
            element_of(str, Field(json_schema_extra={"choices": "c"}), choices={"c": [Option(value, "label")]})

    @pytest.mark.parametrize(
        ("annotation", "field", "values", "limit"),
        [
            (str, Field(), {"it": "x" * 3001}, "3000"),
            (list[str], Field(), {"it": ["x" * 2000, "y" * 2000]}, "3000"),
            (str, Field(title="t" * 2001), {}, "2000"),
            (str, Field(min_length=3001), {}, "3000"),
            (str, Field(json_schema_extra={"note": "n" * 3001}), {"it": "x"}, "3000"),
            (str, Field(alias="a" * 256), {}, "255"),
        ],
    )
    def test_the_limit_that_is_broken_is_named(self, annotation: Any, field: Any, values: Any, limit: str) -> None:
        with pytest.raises(OverLimit, match=limit):
            element_of(annotation, field, values=values)

    def test_a_long_error_is_cut_and_not_refused(self) -> None:
        blocks = build(House, {}, errors={("owner",): "x" * 9000})
        Modal(blocks)
        assert any(remark.endswith("…") for remark in remarks(blocks))


class TestSearch:
    OPTIONS = (
        Option("ws-1", "Data science", "Paris team"),
        Option("ws-2", "Science data", "Lyon"),
        Option("ws-3", "Finance", "data of PARIS"),
        Option("data-4", "Archive"),
        Option("ws-5", "The data lake"),
    )

    def found(self, query: str) -> list[str]:
        return [option["value"] for option in search(self.OPTIONS, query)]

    def test_all_words_must_occur_somewhere_whatever_their_case(self) -> None:
        assert self.found("paris DATA") == ["ws-1", "ws-3"]

    def test_what_begins_with_the_query_comes_first(self) -> None:
        assert self.found("data") == ["ws-1", "data-4", "ws-2", "ws-5", "ws-3"]

    def test_nothing_typed_finds_all(self) -> None:
        assert len(self.found("  ")) == 5

    def test_what_is_nowhere_finds_nothing(self) -> None:
        assert self.found("rome") == []

    def test_no_more_than_a_hundred(self) -> None:
        assert len(search(MANY, "tree")) == 100

    def test_five_thousand_options_are_searched_at_once(self) -> None:
        options = [Option(f"ws-{number}", f"Workspace number {number}", "of some team") for number in range(5000)]
        took = []
        for _ in range(5):
            start = time.perf_counter()
            assert search(options, "number 49")[0]["value"] == "ws-49"
            took.append(time.perf_counter() - start)
        assert min(took) < 0.05

    def test_the_list_to_search_is_found_by_block_id(self) -> None:
        class Yard(BaseModel):
            class Bed(BaseModel):
                plant: str = Field(json_schema_extra={"choices": "plants"})

            tree: str = Field(json_schema_extra={"choices": "trees"})
            beds: list[Bed]

        choices = {"trees": MANY, "plants": FEW}
        assert offered(Yard, "tree#3", choices=choices) == MANY
        assert offered(Yard, "beds.12.plant", choices=choices) == FEW
        assert offered(Yard, "yard.tree", choices=choices, prefix="yard.") == MANY
        for unknown in ("yard.tree", "beds", "beds.x.plant", "beds.1.tree", "tree.1", ""):
            assert offered(Yard, unknown, choices=choices) == ()


def test_a_view_without_state_reads_as_empty() -> None:
    reading = read(House, as_view(build(House, {"owner": "Ann"})))
    assert reading.values == {}
    assert ("owner",) in reading.ids


def test_a_form_is_a_legal_view_for_slack_sdk_too() -> None:
    blocks = build(House, {"kind": "villa", "pool": "x", "rooms": [{"name": "A"}]}, choices={"trees": MANY})
    view = as_view(blocks)
    made = View(type="modal", title="A form", submit="Send", blocks=view["blocks"]).to_dict()
    assert [block["type"] for block in made["blocks"]] == [block["type"] for block in blocks]
