"""Reading Astro's words, poll by poll."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clusters.lifecycle import State
from bot.clusters.status import Change, HealthDetail, Seen, Watched, observe, seen
from tests.unit.astro_fixtures import ASTRO, body, json_values

NOW = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
GONE = None
START = Watched(State.PROVISIONING)
HEALTHY = Watched(State.READY, "CREATED", "HEALTHY")


def look(status: str = "CREATED", health: str = "") -> Seen:
    return Seen("c1", "prod", status, health)


def polls(watched: Watched, *sightings: Seen | None) -> tuple[Watched, list[list[tuple[str, str]]]]:
    """What was told, poll by poll, as (kind, word)."""
    told: list[list[tuple[str, str]]] = []
    for number, sighting in enumerate(sightings):
        watched, changes = observe(watched, sighting, NOW + timedelta(seconds=30 * number))
        told.append([(change.kind, change.word) for change in changes])
    return watched, told


def statuses(watched: Watched, *words: str) -> tuple[Watched, list[list[tuple[str, str]]]]:
    return polls(watched, *(look(word) for word in words))


def test_a_status_is_told_once_and_only_when_it_changes() -> None:
    watched, told = statuses(START, "", "CREATING", "CREATING", "", "CREATING")
    assert told == [[], [("status", "CREATING")], [], [], []]
    assert watched.state is State.PROVISIONING


def test_created_is_believed_at_the_second_sight_and_told_once_as_ready() -> None:
    watched, told = statuses(START, "CREATING", "CREATED", "CREATED", "CREATED")
    assert told == [[("status", "CREATING")], [], [("ready", "CREATED")], []]
    assert (watched.state, watched.status, watched.ready) == (State.READY, "CREATED", True)


def test_a_fleeting_created_is_not_told() -> None:
    watched, told = statuses(START, "CREATED", "UPGRADE_PENDING", "CREATED", "", "CREATED", "CREATED")
    assert told == [[], [("status", "UPGRADE_PENDING")], [], [], [], [("ready", "CREATED")]]
    assert watched.ready


def test_an_unknown_word_is_told_as_it_stands_and_means_pending() -> None:
    watched, told = statuses(START, "HIBERNATING_2031")
    assert told == [[("status", "HIBERNATING_2031")]]
    assert watched.state is State.PROVISIONING


@pytest.mark.parametrize("word", ["CREATE_FAILED", "ACCESS_DENIED"])
def test_a_creation_can_fail(word: str) -> None:
    watched, told = statuses(START, "CREATING", word, word)
    assert told == [[("status", "CREATING")], [("failed", word)], []]
    assert watched.state is State.FAILED


def test_a_second_failure_of_the_same_kind_is_told_again() -> None:
    again = Watched(State.PROVISIONING, "CREATE_FAILED")
    watched, told = statuses(again, "CREATE_FAILED")
    assert told == [[("failed", "CREATE_FAILED")]]
    assert watched.state is State.FAILED


@pytest.mark.parametrize("word", ["UPDATING", "UPDATE_FAILED", "CREATE_FAILED", "ACCESS_DENIED", "FAILING_OVER", "NEW"])
def test_once_ready_other_words_are_told_and_it_stays_ready(word: str) -> None:
    watched, told = statuses(HEALTHY, word, word, "CREATED", "CREATED", "CREATED")
    assert told == [[("status", word)], [], [], [("status", "CREATED")], []]
    assert watched.state is State.READY


def test_health_is_not_followed_before_the_cluster_is_ready() -> None:
    _, told = polls(START, look("CREATING", "UNHEALTHY"), look("CREATING", "UNHEALTHY"))
    assert told == [[("status", "CREATING")], []]


@pytest.mark.parametrize("word", ["HEALTHY", "UNKNOWN", "UNHEALTHY", "SOMETHING_NEW"])
def test_the_first_health_after_ready_is_told_with_it(word: str) -> None:
    _, told = polls(START, look("CREATED", word), look("CREATED", word), look("CREATED", word))
    assert told == [[], [("ready", "CREATED"), ("health", word)], []]


def test_later_health_is_told_at_the_second_equal_poll_in_a_row() -> None:
    words = ["UNHEALTHY", "HEALTHY", "UNHEALTHY", "UNKNOWN", "UNHEALTHY", "UNHEALTHY", "UNHEALTHY", ""]
    watched, told = polls(HEALTHY, *(look(health=word) for word in words))
    assert told == [[], [], [], [], [], [("health", "UNHEALTHY")], [], []]
    assert watched.health == "UNHEALTHY"


def test_the_details_come_with_the_change_of_health() -> None:
    sick = seen(body("get_200_unhealthy_with_details"))
    watched, _ = observe(HEALTHY, sick, NOW)
    _, changes = observe(watched, sick, NOW)
    assert changes == (Change("health", "UNHEALTHY", sick.details),)
    assert sick.details[0] == HealthDetail(
        "UNHEALTHY", "(invented) Component A is not reporting ready.", "CRITICAL", "example-component-a"
    )


@pytest.mark.parametrize("before", [START, HEALTHY])
def test_two_absences_in_a_row_are_a_deletion(before: Watched) -> None:
    watched, told = polls(before, GONE, GONE, GONE)
    assert told == [[], [("deleted", "")], []]
    assert watched.state is State.DELETED


def test_a_sighting_between_two_absences_takes_the_first_back() -> None:
    watched, told = polls(HEALTHY, GONE, look(health="HEALTHY"), GONE)
    assert told == [[], [], []]
    assert (watched.state, watched.missing) == (State.READY, 1)


def test_an_absence_breaks_a_row_of_equal_polls() -> None:
    _, told = polls(START, look("CREATED"), GONE, look("CREATED"), look("CREATED"))
    assert told == [[], [], [], [("ready", "CREATED")]]


def test_it_is_known_since_when_a_status_stands() -> None:
    watched, _ = statuses(START, "", "CREATING", "CREATING")
    assert watched.status_since == NOW + timedelta(seconds=30)


@pytest.mark.parametrize("state", [state for state in State if state not in (State.PROVISIONING, State.READY)])
def test_a_request_that_is_not_watched_is_left_alone(state: State) -> None:
    watched, told = polls(Watched(state), look("CREATED", "HEALTHY"), GONE, GONE)
    assert (watched, told) == (Watched(state), [[], [], []])


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("happy_create", ["CREATING", "CREATED", "HEALTHY"]),
        ("fleeting_created", ["CREATING", "UPGRADE_PENDING", "CREATED", "HEALTHY"]),
        ("create_failed", ["CREATING", "CREATE_FAILED"]),
    ],
)
def test_whole_lives_are_told_without_noise(script: str, expected: list[str]) -> None:
    watched, told = START, []
    for name in ASTRO["scripts"][script]:
        watched, changes = observe(watched, seen(body(name)), NOW)
        told += [change.word for change in changes]
    assert told == expected


words = st.sampled_from(["", "CREATING", "CREATED", "CREATE_FAILED", "UPDATING", "UPDATE_FAILED", "ODD"]) | st.text()
healths = st.sampled_from(["", "HEALTHY", "UNHEALTHY", "UNKNOWN", "ODD"])
sightings = st.none() | st.builds(look, words, healths)


@given(st.lists(sightings, max_size=30))
def test_any_sequence_of_words_is_read_and_ready_is_told_at_most_once(sequence: Sequence[Seen | None]) -> None:
    watched, told = polls(START, *sequence)
    flat = [each for poll in told for each in poll]
    kinds = [kind for kind, _ in flat]
    assert kinds.count("ready") <= 1
    assert kinds.count("failed") + kinds.count("deleted") <= 1
    if watched.ready:
        assert "ready" in kinds
    if "failed" in kinds:
        assert "ready" not in kinds
    for kind in ("status", "health"):  # a word is never told twice running, and never an empty one
        same = [word for each, word in flat if each == kind or (kind == "status" and each == "ready")]
        assert all(one != other for one, other in pairwise(same))
        assert all(same)


@given(st.lists(sightings, max_size=12))
def test_what_is_remembered_survives_being_stored(sequence: Sequence[Seen | None]) -> None:
    watched, _ = polls(START, *sequence)
    assert Watched.recall(watched.state, watched.status, watched.health, watched.memory()) == watched
    assert Watched.recall(State.READY, "CREATED", "HEALTHY", {"older": 1}) == HEALTHY


@given(st.dictionaries(st.sampled_from(["id", "name", "status", "healthStatus", "x"]), json_values))
def test_no_cluster_whatsoever_makes_the_reading_raise(cluster: dict[str, object]) -> None:
    found = seen(cluster)
    assert isinstance(found.status, str)
    assert observe(START, found, NOW)


def test_whatever_is_in_the_details_is_read_as_text() -> None:
    health = {"value": "UNHEALTHY", "details": [7, {"code": 1, "description": "d", "component": None}]}
    assert seen({"healthStatus": health}).details == (HealthDetail(description="d"),)
