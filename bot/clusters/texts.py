"""Kinds of text that a request is made of. All bounds are ours: Astro publishes none."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field

from bot.clusters import networks

# They turn the reading direction of what follows them, in our messages as well as in Astro's pages.
_BIDIRECTIONAL = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Controls, and separators of lines and paragraphs.
_UNSEEN = frozenset({"Cc", "Zl", "Zp"})


def _visible(value: str) -> str:
    """Text in which nothing is hidden, so that what is approved is what was read."""
    if any(character in _BIDIRECTIONAL or unicodedata.category(character) in _UNSEEN for character in value):
        raise ValueError("This holds a control character that cannot be seen. Type it anew instead of pasting it.")
    return value


def _secondary(value: str) -> str:
    # Astro's: "Secondary CIDR for pod networking (size: /16 to /20)".
    return networks.sized(value, largest=16, smallest=20)


Visible = Annotated[str, AfterValidator(_visible)]
Word = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_visible)]
Cidr = Annotated[str, Field(max_length=50), AfterValidator(networks.cidr)]
SecondaryCidr = Annotated[Cidr, AfterValidator(_secondary)]
