"""A fault that a person can mend, and where it stands in the request."""

from dataclasses import dataclass

Loc = tuple[str | int, ...]


@dataclass(frozen=True)
class Fault:
    """`loc` is the API path of the field to change, as in ("nodePools", 0, "name"); `message` a sentence for people."""

    loc: Loc
    message: str
