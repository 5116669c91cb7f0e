"""What an external select shows while somebody types in it, served from memory."""

from collections.abc import Sequence

from blocks import limits
from blocks.form.elements import option_object
from blocks.form.parts import Block, Option


def search(options: Sequence[Option], query: str, limit: int = limits.OPTIONS) -> list[Block]:
    """Up to `limit` options that have every word of the query in their label, value or description, whatever the case.

    Those whose label or value begins with the query come first, then those with a word that does, then the others; each
    in the order given. An empty query finds them all.
    """
    wanted = " ".join(query.casefold().split())
    words = wanted.split()
    ranked: tuple[list[Option], list[Option], list[Option]] = ([], [], [])
    for option in options:
        label = option.label.casefold()
        value = option.value.casefold()
        everything = f"{label}\n{value}\n{option.description.casefold()}"
        if all(word in everything for word in words):
            if label.startswith(wanted) or value.startswith(wanted):
                ranked[0].append(option)
            elif f" {wanted}" in f" {label} {value}":
                ranked[1].append(option)
            else:
                ranked[2].append(option)
    best = [option for rank in ranked for option in rank]
    return [option_object(option) for option in best[:limit]]
