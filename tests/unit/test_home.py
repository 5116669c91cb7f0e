"""The Home tab: what it shows to whom, and that Slack takes it however much there is to show."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from blocks.home import MOST_CLUSTERS, MOST_REQUESTS, MOST_WAITING, ClusterLine, HomeFacts, RequestLine, home
from blocks.limits import HOME_BLOCKS, VIEW_BYTES, check_view, size_of
from blocks.parts import Block
from tests.unit.drawn import markup, words
from tests.unit.test_card import HOSTILE, STATES

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
OURS = re.compile(
    r"<@[A-Za-z0-9]{1,40}>|<!subteam\^S[A-Za-z0-9]{1,39}>|<!date\^-?\d+\^[^<>]*>|<https://[^\s<>|]+\|Open the thread>"
)

REQUEST = RequestLine(
    request_id="CL-7F3K2",
    name="prod-aws",
    provider="AWS",
    region="us-east-1",
    state="PROVISIONING",
    status="CREATING",
    changed_at=NOON,
    link="https://x.slack.com/archives/C1/p1?a=1&b=2",
)
CLUSTER = ClusterLine(
    name="prod-aws", provider="AWS", region="us-east-1", status="CREATED", health="HEALTHY", request_id="CL-7F3K2"
)
FACTS = HomeFacts(
    may_request=True,
    requests=(
        replace(REQUEST, request_id="CL-2B2B2", name="data", state="READY", status="CREATED", health="UNHEALTHY"),
        replace(REQUEST, changed_at=NOON + timedelta(minutes=1)),
        replace(
            REQUEST, request_id="CL-1A1A1", name="lab", provider="GCP", region="europe-west1", state="DENIED", link=""
        ),
    ),
    clusters=(
        replace(CLUSTER, name="Zoo", provider="AZURE", region="westeurope", health="UNKNOWN", request_id=""),
        CLUSTER,
        replace(CLUSTER, name="new", status="", health="", request_id=""),
    ),
    as_of=NOON,
)
EMPTY = HomeFacts(may_request=True, requests=(), clusters=(), as_of=NOON)


def shown(facts: HomeFacts) -> str:
    """Every word on the tab, which Slack would take."""
    view = home(facts)
    assert check_view(view) == []
    return words(view)


def drawn(facts: HomeFacts) -> str:
    """The tab in a few lines of text."""
    view = home(facts)
    assert check_view(view) == []
    return "\n".join(line for block in view["blocks"] for line in _block(block))


def _block(block: Block) -> Iterator[str]:
    match block:
        case {"type": "header", "text": text}:
            yield f"# {text['text']}"
        case {"type": "section", "text": text}:
            yield from text["text"].splitlines()
        case {"type": "context", "elements": [text]}:
            yield f"-- {text['text']}"
        case {"type": "actions", "elements": [button]}:
            yield f"[ {button['text']['text']} = {button['action_id']} {button['style']} ]"
        case _:
            raise AssertionError(f"how does one draw this? {block}")


def test_the_tab_of_someone_who_may_ask(snapshot: SnapshotAssertion) -> None:
    assert drawn(FACTS) == snapshot


def test_the_tab_of_someone_who_may_not_ask(snapshot: SnapshotAssertion) -> None:
    refusal = "You are in none of the groups that may ask for clusters."
    facts = replace(FACTS, may_request=False, refusal=refusal, ask=("S0456", "U0ANN"), requests=())
    assert drawn(facts) == snapshot


def test_the_tab_of_someone_who_decides(snapshot: SnapshotAssertion) -> None:
    waits = replace(REQUEST, state="AWAITING_APPROVAL", status="", requester="U0ALICE")
    longer = replace(waits, name="lab", request_id="CL-1A1A1", changed_at=NOON - timedelta(hours=2))
    assert drawn(replace(EMPTY, waiting=(waits, longer), more_waiting=2)) == snapshot


def test_the_tab_on_the_first_day(snapshot: SnapshotAssertion) -> None:
    assert drawn(EMPTY) == snapshot


def test_the_tab_as_slack_takes_it(snapshot: SnapshotAssertion) -> None:
    assert home(replace(FACTS, requests=FACTS.requests[:1])) == snapshot


def test_who_may_not_ask_gets_no_button() -> None:
    def buttons(facts: HomeFacts) -> list[str]:
        rows = [block["elements"] for block in home(facts)["blocks"] if block["type"] == "actions"]
        return [button["action_id"] for row in rows for button in row]

    assert buttons(FACTS) == ["open_form"]
    assert buttons(replace(FACTS, may_request=False, refusal="No.")) == []


def test_a_refusal_without_a_reason_still_says_who_can_change_it() -> None:
    assert "Whoever runs the bot can change that." in shown(replace(EMPTY, may_request=False))


def test_clusters_that_nobody_has_listed_yet_are_not_called_none() -> None:
    text = shown(replace(EMPTY, clusters=None, as_of=None))
    assert "Astro has not told the bot yet" in text
    assert "no cluster yet" not in text


def test_from_guests_the_clusters_are_hidden_altogether() -> None:
    text = shown(replace(FACTS, clusters_hidden=True, more_clusters=5))
    assert not re.search(r"organization|westeurope|Zoo|more|told it", text)
    assert "Your requests" in text


def test_a_cluster_that_was_not_asked_for_here_is_marked() -> None:
    [own], [strange] = (
        [line for line in drawn(FACTS).splitlines() if f"*{name}*  " in line] for name in ("prod-aws", "Zoo")
    )
    assert own.endswith("CL-7F3K2")
    assert strange.endswith("made outside this bot")


def test_the_newest_request_is_on_top_and_clusters_go_by_name() -> None:
    requests = tuple(replace(REQUEST, name=f"r{n}", changed_at=NOON + timedelta(hours=n)) for n in (2, 3, 1))
    clusters = tuple(replace(CLUSTER, name=name) for name in ("b", "C", "a"))
    text = shown(replace(FACTS, requests=requests, clusters=clusters))
    assert re.findall(r"\*(\w+)\*", text) == ["r3", "r2", "r1", "a", "b", "C"]


@pytest.mark.parametrize("state", STATES)
def test_no_state_of_ours_is_ever_read(state: str) -> None:
    text = shown(replace(FACTS, requests=(replace(REQUEST, state=state, status="CREATED", health="HEALTHY"),)))
    assert not re.search(rf"\b({'|'.join(STATES)})\b", text)


@pytest.mark.parametrize(
    ("state", "has_words"), [("PROVISIONING", True), ("READY", True), ("DELETED", False), ("QUEUED", False)]
)
def test_astro_s_words_stand_where_they_still_hold(state: str, has_words: bool) -> None:
    request = replace(REQUEST, state=state, status="CREATED", health="UNHEALTHY")
    text = shown(replace(EMPTY, requests=(request,)))
    assert ("Status `CREATED` · Health `UNHEALTHY`" in text) == has_words


def test_a_state_that_nobody_knows_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        home(replace(EMPTY, requests=(replace(REQUEST, state="NEW_STATE"),)))


@pytest.mark.parametrize(
    "link",
    [
        "",
        "javascript:alert(1)",
        "http://x.io",
        "https://x|y",
        "https://x y",
        "https://\u202ex",
        "https://",
        "https://x> <!here>",
        "https://" + "x" * 5000,
    ],
)
def test_a_link_that_is_none_is_left_out(link: str) -> None:
    assert "thread>" not in shown(replace(EMPTY, requests=(replace(REQUEST, link=link),)))


def test_a_name_of_several_lines_stays_one_line() -> None:
    text = shown(replace(EMPTY, requests=(replace(REQUEST, name="a\n*b* is ready\r\u2028c"),)))
    assert "*a ∗b∗ is ready c* is being built by Astro" in text


def test_what_does_not_fit_is_counted_with_what_the_caller_left_out() -> None:
    many = replace(
        FACTS,
        waiting=(replace(REQUEST, name="mine to decide"),) * (MOST_WAITING + 1),
        more_waiting=2,
        requests=(replace(REQUEST, name="my own"),) * (MOST_REQUESTS + 4),
        more_requests=33,
        clusters=(replace(CLUSTER, name="there"),) * (MOST_CLUSTERS + 1),
        more_clusters=0,
    )
    text = shown(many)
    assert re.findall(r"… and (\d+) more", text) == ["3", "37", "1"]
    assert [text.count(f"*{name}*") for name in ("mine to decide", "my own", "there")] == [
        MOST_WAITING,
        MOST_REQUESTS,
        MOST_CLUSTERS,
    ]


def test_nothing_left_out_is_nothing_said() -> None:
    assert "more" not in shown(FACTS)


def test_the_remark_names_the_command_that_shows_the_rest() -> None:
    view = home(replace(FACTS, more_requests=1), command="/other")
    assert "`/other list` shows them." in words(view)


@pytest.mark.parametrize("text", [*HOSTILE, *'&`*字"', "\ud800", "\n", "", "x"], ids=lambda text: ascii(text[:12]))
def test_the_fullest_page_of_the_worst_text_is_one_that_slack_takes(text: str) -> None:
    view = home(_crowded(text * 2000, link="https://x.io/" + "&" * 287))
    assert check_view(view) == []
    assert len(view["blocks"]) <= HOME_BLOCKS
    assert size_of(view) <= VIEW_BYTES
    assert "<" not in OURS.sub("", markup(view))


def _crowded(text: str, link: str) -> HomeFacts:
    request = RequestLine(
        request_id=text,
        name=text,
        provider=text,
        region=text,
        state="READY",
        status=text,
        health=text,
        changed_at=NOON,
        link=link,
        requester=text,
    )
    cluster = ClusterLine(name=text, provider=text, region=text, status=text, health=text, request_id=text)
    return HomeFacts(
        may_request=False,
        refusal=text,
        ask=(text,) * 50,
        waiting=(request,) * 500,
        more_waiting=10**9,
        requests=(request,) * 500,
        more_requests=10**9,
        clusters=(cluster,) * 500,
        more_clusters=10**9,
        as_of=NOON,
    )


FOREIGN = st.one_of(
    st.text(st.characters(), max_size=300),  # lone surrogates too
    st.sampled_from(HOSTILE),
    st.text("&<>*_~`:@|!#\\\"' \n\r\u2028\u202eaU0", max_size=60),
)
WHEN = st.datetimes(
    datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.sampled_from([UTC, timezone(timedelta(hours=9))])
)
REQUESTS = st.builds(
    RequestLine,
    request_id=FOREIGN,
    name=FOREIGN,
    provider=FOREIGN,
    region=FOREIGN,
    state=st.sampled_from(STATES),
    status=FOREIGN,
    health=FOREIGN,
    changed_at=WHEN,
    link=FOREIGN.map(lambda end: f"https://{end}") | FOREIGN,
    requester=FOREIGN,
)
CLUSTERS = st.builds(
    ClusterLine, name=FOREIGN, provider=FOREIGN, region=FOREIGN, status=FOREIGN, health=FOREIGN, request_id=FOREIGN
)


def _many(lines: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    """A few different lines, perhaps many times over."""
    few = st.lists(lines, max_size=3).map(tuple)
    return st.builds(lambda some, times: some * times, few, st.sampled_from([1, 7, 100]))


@given(
    st.builds(
        HomeFacts,
        may_request=st.booleans(),
        refusal=FOREIGN,
        ask=st.lists(FOREIGN, max_size=12).map(tuple),
        waiting=_many(REQUESTS),
        more_waiting=st.integers(),
        requests=_many(REQUESTS),
        more_requests=st.integers(),
        clusters=st.none() | _many(CLUSTERS),
        more_clusters=st.integers(),
        clusters_hidden=st.booleans(),
        as_of=st.none() | WHEN,
    )
)
def test_whatever_there_is_to_show_slack_takes_it_and_nobody_is_pinged(facts: HomeFacts) -> None:
    view = home(facts)
    assert check_view(view) == []
    assert "<" not in OURS.sub("", markup(view))
