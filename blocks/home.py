"""The Home tab: the button that opens the form, the reader's own requests, and the organization's clusters.

One person sees it, and it stands as it was when they opened it: so moments are told in Slack's date tokens, and the
clusters with the moment at which Astro last listed them. However much there is, it stays within Slack's 100 blocks and
250 kB: each line has an end, each list a cap, and what is left out is counted.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from blocks.card import at_astro, said
from blocks.limits import BUTTON_TEXT
from blocks.parts import Block, actions, context, header, paragraphs, section
from blocks.text import (
    NOTHING,
    bold,
    clean,
    code,
    entities,
    escape,
    local_time,
    mention,
    mentions,
    plain,
    provider_name,
    truncate,
)

# A request takes a block and a cluster at worst one too, of 2500 and 700 characters when all of it has to be escaped.
# So these caps make 92 blocks and some 160 kB at most; a test builds such pages.
MOST_WAITING = 10
MOST_REQUESTS = 20
MOST_CLUSTERS = 50
_CLUSTERS_TEXT = 1000  # a section's worth of clusters: Slack folds longer texts away behind a "see more"

_LINK = re.compile(r"https://[!-;=?-{}~]{1,300}")  # printable ASCII without <, > and |, which have a meaning in links


@dataclass(frozen=True, kw_only=True)
class RequestLine:
    """A request, in one entry.

    Words of the API are unchanged, "" where there is none. `state` is one of those that the card knows, `changed_at`
    is aware, `link` the thread's address or "". `requester` (a Slack id) is named where there is one: on one's own
    requests it would say nothing.
    """

    request_id: str
    name: str
    provider: str
    region: str
    state: str
    changed_at: datetime
    status: str = ""
    health: str = ""
    link: str = ""
    requester: str = ""


@dataclass(frozen=True, kw_only=True)
class ClusterLine:
    """A cluster of the organization, in the API's words. `request_id` is "" where this bot did not make it."""

    name: str
    provider: str
    region: str
    status: str
    health: str
    request_id: str = ""


@dataclass(frozen=True, kw_only=True)
class HomeFacts:
    """What the Home tab of one person tells.

    `refusal` is policy's sentence for someone who may not ask for clusters, `ask` the Slack ids of those who can help.
    `waiting` are the requests that this person may decide on. The `more_…` counts are of what the caller left out.
    `clusters` is None as long as Astro has not listed them even once, and is not looked at where they are hidden, as
    from guests; `as_of` is when it last did.
    """

    may_request: bool
    refusal: str = ""
    ask: tuple[str, ...] = ()
    waiting: tuple[RequestLine, ...] = ()
    more_waiting: int = 0
    requests: tuple[RequestLine, ...]
    more_requests: int = 0
    clusters: tuple[ClusterLine, ...] | None
    more_clusters: int = 0
    clusters_hidden: bool = False
    as_of: datetime | None


def home(facts: HomeFacts, *, command: str = "/astro-cluster") -> Block:
    """The view that `views.publish` takes. A `state` that isn't known raises KeyError."""
    return {"type": "home", "blocks": list(_blocks(facts, command))}


def _blocks(facts: HomeFacts, command: str) -> Iterator[Block]:
    yield header("Astro clusters")
    yield section(
        "Ask for an Astro cluster here: you fill in a form, the bot asks for an approval where one is needed, "
        "and one thread tells you all that happens."
    )
    yield from _asking(facts)
    if facts.waiting or facts.more_waiting > 0:
        yield from _waiting(facts)
    yield from _own(facts, command)
    if not facts.clusters_hidden:
        yield from _clusters(facts)
    yield context(
        "Your requests are kept up to date here. To see the latest of the rest, go to another tab and come back."
    )


def _asking(facts: HomeFacts) -> Iterator[Block]:
    """The button, or why there is none and who can help."""
    if facts.may_request:
        label = plain("Create a cluster", BUTTON_TEXT)
        yield actions([{"type": "button", "action_id": "open_form", "text": label, "style": "primary"}])
        return
    refusal = facts.refusal.strip() or "You may not ask for clusters. Whoever runs the bot can change that."
    yield section(escape(refusal[:3000], 1500))
    if ask := [_id(one) for one in facts.ask if one.strip()]:
        yield section(f"Ask {mentions(ask, 'or')}.")


def _waiting(facts: HomeFacts) -> Iterator[Block]:
    """What waits for this person's decision, the longest wait first."""
    lines = sorted(facts.waiting, key=lambda line: line.changed_at)
    yield header("Waiting for your decision")
    yield from (section(_request(line)) for line in lines[:MOST_WAITING])
    yield from _more(lines, MOST_WAITING, facts.more_waiting, "Decide on some of these, and the next ones come up.")


def _own(facts: HomeFacts, command: str) -> Iterator[Block]:
    """The reader's requests, the newest change first."""
    lines = sorted(facts.requests, key=lambda line: line.changed_at, reverse=True)
    yield header("Your requests")
    yield from (section(_request(line)) for line in lines[:MOST_REQUESTS])
    yield from _more(lines, MOST_REQUESTS, facts.more_requests, f"{code(f'{command[:50]} list')} shows them.")
    if not lines and facts.more_requests <= 0:
        yield section("You have not asked for a cluster yet.")


def _clusters(facts: HomeFacts) -> Iterator[Block]:
    """The organization's clusters by name, whoever made them."""
    yield header("Clusters of the organization")
    if facts.clusters is None:
        yield section("Astro has not told the bot yet which clusters there are. Come back to this tab in a minute.")
        return
    lines = sorted(facts.clusters, key=lambda line: _one_line(line.name).casefold())
    yield from map(section, paragraphs(map(_cluster, lines[:MOST_CLUSTERS]), _CLUSTERS_TEXT))
    yield from _more(lines, MOST_CLUSTERS, facts.more_clusters, "Astro shows all of them.")
    if not lines and facts.more_clusters <= 0:
        yield section("The organization has no cluster yet.")
    if facts.as_of is not None:
        yield context(f"As Astro told it {local_time(facts.as_of)}")


def _request(line: RequestLine) -> str:
    where = [_place(line.provider, line.region), _short(line.request_id, 40)]
    if line.requester.strip():
        where.append(f"asked for by {mention(_id(line.requester))}")
    where.append(f"last change {local_time(line.changed_at)}")
    if _LINK.fullmatch(line.link):
        where.append(f"<{entities(line.link)}|Open the thread>")
    words = _astros_words(line) if at_astro(line.state) else []
    return " · ".join([f"{bold(_short(line.name, 150))} {said(line.state)}", *words]) + "\n" + " · ".join(where)


def _astros_words(line: RequestLine) -> list[str]:
    pairs = (("Status", line.status), ("Health", line.health))
    return [f"{label} {_word(word)}" for label, word in pairs if word.strip()]


def _cluster(line: ClusterLine) -> str:
    origin = _short(line.request_id, 40) if line.request_id.strip() else "made outside this bot"
    status, health = _word(line.status), _word(line.health)
    return (
        f"{bold(_short(line.name, 150))}  {_place(line.provider, line.region)} · "
        f"Status {status} · Health {health} · {origin}"
    )


def _more(lines: Sequence[object], shown: int, more: int, where: str) -> Iterator[Block]:
    """How many there are beyond what is shown, and where they are; nothing where these are all."""
    left_out = max(0, len(lines) - shown) + max(0, more)
    if left_out:
        yield context(f"… and {left_out} more. {where}")


def _place(provider: str, region: str) -> str:
    return " · ".join([_short(provider_name(provider), 40), _short(region, 60)])


def _short(text: str, limit: int) -> str:
    """Somebody's words on one line, so that a name can't look like a line of ours."""
    return escape(_one_line(text), limit) or NOTHING


def _word(text: str) -> str:
    return code(truncate(_one_line(text), 40))


def _id(text: str) -> str:
    """A Slack id; what is longer than any id is none, and the … at its end keeps it from being taken for one."""
    return truncate(_one_line(text), 40)


def _one_line(text: str) -> str:
    return " ".join(clean(text[:1000]).split())
