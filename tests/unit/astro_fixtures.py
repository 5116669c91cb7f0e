"""Astro's answers as the fixture file keeps them, and JSON that nobody has written down."""

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from bot.clusters.catalog import Catalog
from bot.clusters.outcome import Answer

ASTRO: dict[str, Any] = json.loads((Path(__file__).parents[1] / "fixtures" / "astro.json").read_text())


def body(name: str) -> Any:
    """The body of this response."""
    return ASTRO["responses"][name]["body"]


def answer(name: str) -> Answer:
    """This response as the client hands it on."""
    response = ASTRO["responses"][name]
    if isinstance(response["body"], str):
        return Answer(response["status"], None, response["body"])
    return Answer(response["status"], response["body"], json.dumps(response["body"]))


def catalog() -> Catalog:
    """What Astro offers, with no clusters yet."""
    options = body("cluster_options_200_all")
    return Catalog.from_documents(
        {
            "options:DEDICATED": options,
            "options:HYBRID": options,
            "workspaces": body("list_workspaces_200")["workspaces"],
            "clusters": [],
        }
    )


def request(name: str) -> dict[str, Any]:
    """A fresh copy of this request's body."""
    copy: dict[str, Any] = json.loads(json.dumps(ASTRO["requests"][name]))
    return copy


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
