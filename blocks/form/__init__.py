"""Any pydantic model as a Slack form: input blocks out, the state of a view in, values and the places of errors back.

    build(model, values)      → blocks of a modal
    read(model, view)         → Reading: values, and what a redraw needs to know
    add_item, remove_item     → the Reading after a click on the buttons of a repeated group
    place(errors, ...)        → errors by block_id
    offered, search           → what an external select shows while somebody types

`read(build(model, values)).values == values` for values in normal form. The annotations that a model may carry stand in
`blocks.form.fields`, the elements that types become in `blocks.form.elements`, what block_ids mean in
`blocks.form.planning`. Nothing here knows what any form is about.
"""

from blocks.form.drawing import build
from blocks.form.parts import Block, Choices, Loc, Option, OverLimit, Reading, Values
from blocks.form.placing import place
from blocks.form.reading import add_item, offered, read, remove_item
from blocks.form.searching import search

__all__ = [
    "Block",
    "Choices",
    "Loc",
    "Option",
    "OverLimit",
    "Reading",
    "Values",
    "add_item",
    "build",
    "offered",
    "place",
    "read",
    "remove_item",
    "search",
]
