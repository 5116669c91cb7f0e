"""Nothing that a person or Astro wrote pings, links or formats, in any message or view that leaves the bot.

Every public function that makes one is called with hostile words, and what Slack would parse is compared with the same
message made from harmless ones: tokens in angle brackets are only those made of ids and times, and there are no more
marks of formatting than the bot set itself. A function that nobody called here fails the first test.
"""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from types import ModuleType
from typing import Any, Literal

import pytest
from hypothesis import given
from pydantic import BaseModel, Field

from blocks import card, home, notices, thread
from blocks.card import CardFacts
from blocks.form import Option, build, place, read
from blocks.home import ClusterLine, HomeFacts, RequestLine
from blocks.limits import check_message, check_view
from blocks.thread import HealthDetail
from tests.unit.slack_modal import Modal
from tests.unit.test_card import ALL_BUTTONS, STATES
from tests.unit.test_text import FORMATS, hostile

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
LINK = "https://acme.slack.com/archives/C1/p1"
USER, GROUP, CHANNEL = "U0ALICE", "S0456", "C0789"
TOKENS = re.compile(
    rf"<@{USER}>|<!subteam\^{GROUP}>|<#{CHANNEL}>|<{re.escape(LINK)}\|Open the thread>"
    r"|<!date\^\d+\^\{date_short_pretty\} \{time\}\|\d{4}-\d\d-\d\d \d\d:\d\d UTC>"
)
UNSEEN = re.compile("[\u202a-\u202e\u2066-\u2069\ud800-\udfff\x00-\x08]")
HARMLESS = "word"

Make = Callable[[str], Any]


def facts(words: str, state: str = "PROVISIONING") -> CardFacts:
    """A request whose every word is somebody else's; ids and times are ours."""
    return CardFacts(
        request_id="CL-7F3K2",
        name=words,
        requester=USER,
        provider=words,
        region=words,
        type=words,
        state=state,
        status=words,
        health=words,
        network=words,
        cluster_id=words,
        warnings=(words, words),
        buttons=tuple(ALL_BUTTONS),
        decided_by=(USER, GROUP),
        requested_at=NOON,
        changed_at=NOON,
        decided_at=NOON,
        submitted_at=NOON,
        ready_at=NOON,
        notice=words,
        reason=words,
        typical=(34, 52),
        quorum=2,
    )


def details(words: str) -> list[HealthDetail]:
    whole = HealthDetail(description=words, component=words, severity=words)
    return [whole, replace(whole, component=""), replace(whole, severity=""), HealthDetail(description=words)] * 4


def home_facts(words: str) -> HomeFacts:
    request = RequestLine(
        request_id="CL-7F3K2",
        name=words,
        provider=words,
        region=words,
        state="READY",
        changed_at=NOON,
        status=words,
        health=words,
        link=LINK,
        requester=USER,
    )
    cluster = ClusterLine(name=words, provider=words, region=words, status=words, health=words, request_id="CL-7F3K2")
    return HomeFacts(
        may_request=False,
        refusal=words,
        ask=(USER, GROUP),
        waiting=(request,),
        requests=(request,),
        more_requests=2,
        clusters=(cluster, cluster),
        as_of=NOON,
    )


def a_card(state: str, words: str) -> Any:
    return card.card(facts(words, state), why=words, thread_url=LINK)


CARDS: Mapping[str, Make] = {f"card {state}": partial(a_card, state) for state in STATES}
THREAD: Mapping[str, Make] = {
    "asked": lambda it: thread.asked(facts(it), [(it, it)] * 3, USER, it, f"Somebody has to approve it: <@{USER}>."),
    "approved": lambda it: thread.approved(facts(it), USER, 1),
    "denied": lambda it: thread.denied(facts(it), USER, it),
    "not_sent": lambda it: thread.not_sent(facts(it), it),
    "expired": lambda it: thread.expired(facts(it)),
    "cancelled": lambda it: thread.cancelled(facts(it), USER),
    "reminded": lambda it: thread.reminded(facts(it), [USER, GROUP]),
    "retried": lambda it: thread.retried(facts(it), USER),
    "accepted": lambda it: thread.accepted(facts(it), it),
    "adopted": lambda it: thread.adopted(facts(it), USER, it),
    "status_changed": lambda it: thread.status_changed(facts(it), it),
    "ready": lambda it: thread.ready(facts(it), it),
    "failed": lambda it: thread.failed(facts(it), it),
    "slow": lambda it: thread.slow(facts(it), 3),
    "deleted": lambda it: thread.deleted(facts(it)),
    "health_changed": lambda it: thread.health_changed(facts(it), it, details(it), True),
    "flapping": lambda it: thread.flapping(facts(it), 4),
    "calm": lambda it: thread.calm(facts(it), it, 4),
    "name_taken": lambda it: thread.name_taken(facts(it)),
    "rejected": lambda it: thread.rejected(facts(it), it, [(it, it)] * 12),
    "held": lambda it: thread.held(facts(it), it),
    "surfaced": lambda it: thread.surfaced(facts(it), it),
    "uncertain": lambda it: thread.uncertain(facts(it)),
    "needs_attention": lambda it: thread.needs_attention(facts(it), [USER, GROUP]),
    "abandoned": lambda it: thread.abandoned(facts(it), USER),
}
NOTICES: Mapping[str, Make] = {
    "help_text": lambda it: notices.help_text(it, True, True),
    "not_allowed": lambda it: notices.not_allowed(it, [USER, GROUP], [CHANNEL]),
    "unknown_subcommand": lambda it: notices.unknown_subcommand(it, it),
    "late_click": lambda it: notices.late_click(it, [USER]),
    "something_went_wrong": notices.something_went_wrong,
    "not_in_time": lambda _: notices.not_in_time(),
    "dead_button": lambda _: notices.dead_button(),
    "nothing_new": lambda _: notices.nothing_new(),
    "starting_up": lambda _: notices.starting_up(),
    "wrong_workspace": lambda _: notices.wrong_workspace(),
    "alert": notices.alert,
    "ways_on": lambda _: notices.ways_on([USER, GROUP], [CHANNEL]),
    "notice_view": lambda it: notices.notice_view("A refusal", notices.not_allowed(it, [USER])["text"]),
    "skeleton_view": notices.skeleton_view,
    "deny_view": lambda it: notices.deny_view("CL-7F3K2", it),
    "adopt_view": lambda it: notices.adopt_view("CL-7F3K2", it),
}
HOME: Mapping[str, Make] = {"home": lambda it: home.home(home_facts(it))}


class Item(BaseModel):
    name: str
    size: int


class Asked(BaseModel):
    name: str = Field(title="Name", description="What it is called.", max_length=100)
    kind: Literal["one", "two"]
    region: str = Field(json_schema_extra={"choices": "regions"})
    more: list[str] = Field(default=[], json_schema_extra={"choices": "regions"})
    items: list[Item] = []


def a_form(words: str) -> dict[str, Any]:
    """A modal with somebody else's words in values, choices, errors beside fields and above them all."""
    offered = {"regions": [Option("r1", words, words, words), Option("r2", words)]}
    values = {"name": words[:50], "kind": "one", "region": "r1", "items": [{"name": words, "size": 3}]}
    errors = {("name",): words, ("items", 0, "size"): words, ("gone",): words}
    blocks = [notices.alert(words), *build(Asked, values, choices=offered, errors=errors)]
    return modal(blocks)


def modal(blocks: list[dict[str, Any]]) -> dict[str, Any]:
    texts = {key: {"type": "plain_text", "text": "Create"} for key in ("title", "submit")}
    return {"type": "modal", "blocks": blocks, **texts}


ALL: Mapping[str, Make] = {**CARDS, **THREAD, **NOTICES, **HOME, "form": a_form}


@dataclass(frozen=True)
class Shape:
    """What Slack would make of a text: tokens, and how many marks there are that could format."""

    tokens: tuple[str, ...]
    backticks: int
    edges: tuple[int, int, int]


def parsed(thing: Any) -> list[str]:
    """Every text that Slack parses: mrkdwn objects, and a message's own `text`."""
    return [
        *([thing["text"]] if isinstance(thing, dict) and isinstance(thing.get("text"), str) else []),
        *marked(thing),
    ]


def marked(thing: Any) -> Iterator[str]:
    match thing:
        case {"type": "mrkdwn", "text": str(text)}:
            yield text
        case {"type": "plain_text"}:
            return
        case dict():
            for part in thing.values():
                yield from marked(part)
        case list():
            for part in thing:
                yield from marked(part)


def shape(text: str) -> Shape:
    bare = TOKENS.sub("", text)
    words = re.sub(r"`[^`\n]*`", "", bare)  # in code nothing else is looked for
    edges = tuple(len(re.findall(rf"(?<![A-Za-z0-9])\{mark}|\{mark}(?![A-Za-z0-9])", words)) for mark in "*_~")
    return Shape(tuple(TOKENS.findall(text)), bare.count("`"), (edges[0], edges[1], edges[2]))


def public(module: ModuleType) -> set[str]:
    return {
        name
        for name, each in inspect.getmembers(module, inspect.isfunction)
        if each.__module__ == module.__name__ and not name.startswith("_")
    }


@pytest.mark.parametrize(
    ("module", "made"),
    [
        (thread, set(THREAD)),
        (notices, set(NOTICES)),
        (home, set(HOME)),
        (card, {"card", "said", "at_astro"}),  # of which the last two take and give words of our own
    ],
    ids=["thread", "notices", "home", "card"],
)
def test_every_kind_of_message_and_view_is_looked_at(module: ModuleType, made: set[str]) -> None:
    assert public(module) == made


@pytest.mark.parametrize("kind", ALL)
@given(words=hostile)
def test_foreign_words_ping_link_and_hide_nothing(kind: str, words: str) -> None:
    for text in parsed(ALL[kind](words)):
        left = TOKENS.sub("", text)
        assert not re.search(r"[<>]|&(?!(amp|lt|gt);)", left), text
        assert not UNSEEN.search(text), text


@pytest.mark.parametrize("kind", ALL)
@given(words=hostile.filter(lambda words: any("a" <= letter <= "z" for letter in words)))
def test_foreign_words_format_nothing(kind: str, words: str) -> None:
    made, meant = ALL[kind](words), ALL[kind](HARMLESS)
    texts, expected = list(marked(made)), list(marked(meant))
    if len(texts) == len(expected):  # long words take more blocks
        assert list(map(shape, texts)) == list(map(shape, expected))
    for text in texts:
        left = re.sub(r"`[^`\n]*`", "", TOKENS.sub("", text))
        for pattern in FORMATS[2:]:
            assert not pattern.search(left), (pattern.pattern, text)


@pytest.mark.parametrize("kind", ALL)
def test_at_their_longest_they_are_still_what_slack_takes(kind: str) -> None:
    for words in ("&<" * 40, "😀" * 60, "*_~`" * 25):
        made = ALL[kind](words)
        if isinstance(made, list) or made.get("type") == "alert":
            made = modal(made if isinstance(made, list) else [made])
        found = check_view(made) if made.get("type") in ("modal", "home") else check_message(made)
        assert found == []


@given(words=hostile)
def test_what_a_submission_is_told_beside_a_field_is_what_was_said(words: str) -> None:
    modal = Modal(build(Asked, {"name": "prod", "kind": "one"}))
    beside, above = place([(("name",), words)], Asked, read(Asked, modal.view))
    assert (beside, above) == ({"name": words}, [])  # Slack shows these as they stand
