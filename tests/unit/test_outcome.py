"""What an answer to the create call proves, and which listed cluster a lost call has made."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clusters.outcome import (
    Accepted,
    Answer,
    Held,
    Outcome,
    Rejected,
    TryLater,
    Unknown,
    is_id,
    matches,
    moment,
    prove,
)
from bot.errors import Limited, NoAnswer, NothingSent, Refused, RemoteError
from tests.unit.astro_fixtures import answer, body, json_values, request

CALL = "create_cluster"


def said(status: int, message: str = "no", **more: Any) -> Answer:
    return Answer(status, {"message": message, "requestId": "r-1", "statusCode": status, **more}, message)


@pytest.mark.parametrize(
    ("fixture", "kind"),
    [
        ("create_200_creating_aws", Accepted),
        ("get_200_empty_status_race", Accepted),
        ("error_400_field_errors", Rejected),
        ("error_404", Rejected),
        ("error_412", Rejected),
        ("error_401", Held),
        ("error_403", Held),
        ("error_429_not_json", TryLater),
        ("error_400_duplicate_name", Unknown),
        ("error_409_workflow_running", Unknown),
        ("error_500", Unknown),
        ("error_502_html", Unknown),
        ("delete_cluster_204", Unknown),
        ("list_clusters_200_empty", Unknown),
    ],
)
def test_each_known_answer_proves_what_it_proves(fixture: str, kind: type[Outcome]) -> None:
    assert type(prove(answer(fixture))) is kind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (NothingSent(CALL, "connection refused"), TryLater),
        (Limited(CALL, 7), TryLater),
        (NoAnswer(CALL, "read time-out"), Unknown),
        (Refused(CALL, "418"), Unknown),
        (RemoteError(CALL, "something new"), Unknown),
    ],
)
def test_without_an_answer_only_what_never_left_is_safe_to_repeat(error: RemoteError, kind: type[Outcome]) -> None:
    assert type(prove(error)) is kind


def test_the_id_and_the_cluster_come_with_the_acceptance() -> None:
    proof = prove(answer("create_200_creating_aws"))
    assert proof == Accepted("cmi0a1b2c000001aws0creat1", body("create_200_creating_aws"))


@pytest.mark.parametrize("found", [None, "", 7, "a/b", "a b", "a\nb", "..", "x" * 65, ["a"], "a\x00"])
def test_a_success_without_a_usable_id_proves_nothing(found: object) -> None:
    assert not is_id(found)
    assert isinstance(prove(Answer(200, {"id": found}, "")), Unknown)


@pytest.mark.parametrize("found", ["clm7k8tgw000008jz97i37y81", "short", "With-Dash_1", "x" * 64])
def test_an_id_is_kept_whatever_its_looks(found: str) -> None:
    assert prove(Answer(201, {"id": found}, "")) == Accepted(found, {"id": found})


def test_a_refusal_carries_astros_words_and_its_field_errors() -> None:
    proof = prove(answer("error_400_field_errors"))
    assert proof == Rejected(
        "Invalid request: vpcSubnetRange is required",
        (("vpcSubnetRange", "vpcSubnetRange is required"),),
        "0b5b6b0e-5c0e-4c57-9d0f-2a0f6d3f7a11",
        400,
    )


def test_field_errors_of_the_wrong_shape_are_left_out_and_a_code_stands_in_for_a_message() -> None:
    listed = [7, {"field": 1, "message": "x"}, {"field": "a"}, {"field": "region", "code": "required", "message": ""}]
    proof = prove(said(400, fieldErrors=listed))
    assert isinstance(proof, Rejected)
    assert proof.field_errors == (("region", "required"),)


def test_a_name_that_exists_after_it_was_absent_may_be_our_own_even_in_a_field_error() -> None:
    hidden = said(400, "Invalid request", fieldErrors=[{"field": "name", "message": "cluster name x Already Exists"}])
    assert isinstance(prove(hidden), Unknown)


def test_a_refusal_without_words_still_says_something() -> None:
    html = prove(Answer(400, None, "<html>Bad Request</html>"))
    assert html == Rejected("Astro answered with status 400 and no message.", (), "", 400)
    assert prove(Answer(400, None, " too big ")) == Rejected("too big", (), "", 400)


@pytest.mark.parametrize(("given", "kept"), [(12.0, 12.0), (0.0, 0.0), (-1.0, None), (math.inf, None), (None, None)])
def test_only_a_sensible_time_to_wait_is_passed_on(given: float | None, kept: float | None) -> None:
    proof = prove(Answer(429, None, "Too Many Requests", retry_after=given))
    assert isinstance(proof, TryLater)
    assert proof.retry_after == kept


@pytest.mark.parametrize("status", [100, 302, 303, 307, 402, 408, 409, 418, 421, 425, 499, 500, 502, 503, 504, 599, 0])
def test_a_status_that_is_not_known_to_be_definite_proves_nothing(status: int) -> None:
    assert isinstance(prove(said(status)), Unknown)


astro_like = st.fixed_dictionaries(
    {},
    optional={
        "id": json_values,
        "message": json_values | st.just("already exists"),
        "requestId": json_values,
        "fieldErrors": json_values | st.lists(st.fixed_dictionaries({"field": json_values, "message": json_values})),
    },
)


@given(st.integers(0, 999), json_values | astro_like, st.text(max_size=20), st.none() | st.floats(allow_nan=True))
def test_no_answer_whatsoever_makes_it_raise(status: int, parsed: object, text: str, wait: float | None) -> None:
    proof = prove(Answer(status, parsed, text, retry_after=wait))
    assert isinstance(proof, Accepted | Rejected | TryLater | Held | Unknown)
    # The two dear mistakes: a creation taken for a refusal, and a repeat after one that may have worked.
    if isinstance(proof, Rejected):
        assert 400 <= status < 500
    if isinstance(proof, TryLater):
        assert status == 429
    if isinstance(proof, Accepted):
        assert 200 <= status < 300
        assert is_id(proof.cluster_id)


# --- is it ours? ------------------------------------------------------------------------------------------------------

SENT = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
SKEW = timedelta(minutes=1)


def ours(changes: dict[str, Any] | None = None, **sent: Any) -> bool:
    asked = {**request("aws_min"), "secondaryVpcCidr": "100.64.0.0/19", **sent}
    listed = {**body("create_200_creating_aws"), **(changes or {})}
    return matches(listed, asked, not_before=SENT, skew=SKEW)


def test_a_cluster_as_asked_for_and_made_since_is_ours() -> None:
    assert ours()


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Analytics-prod"},
        {"cloudProvider": "GCP"},
        {"type": "HYBRID"},
        {"region": "us-west-2"},
        {"vpcSubnetRange": "172.20.0.0/19"},
        {"secondaryVpcCidr": "100.64.32.0/19"},
        {"drRegion": "us-west-2"},
        {"createdAt": "2026-11-24T13:58:59Z"},
        {"createdAt": "yesterday"},
        {"createdAt": None},
        {"createdAt": 7},
    ],
)
def test_a_cluster_that_differs_or_is_older_is_not(changes: dict[str, Any]) -> None:
    assert not ours(changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"createdAt": "2026-11-24T13:59:00Z"},  # within the skew
        {"createdAt": "2026-11-24T14:00:00.123456789Z"},
        {"createdAt": "2026-11-24T15:59:59+02:00"},
        {"secondaryVpcCidr": None},  # not repeated yet
        {"vpcSubnetRange": ""},
        {"vpcSubnetRange": " 172.20.0.0/20"},
    ],
)
def test_what_does_not_contradict_does_not_matter(changes: dict[str, Any]) -> None:
    assert ours(changes)


def test_a_time_cut_to_whole_seconds_is_no_time_before() -> None:
    listed = {**body("create_200_creating_aws"), "createdAt": "2026-11-24T14:00:00Z"}
    just_after = SENT + timedelta(milliseconds=400)
    assert matches(listed, request("aws_min"), not_before=just_after, skew=timedelta(0))


def test_a_cluster_with_disaster_recovery_is_ours_only_if_we_asked_for_it() -> None:
    assert ours({"drRegion": "us-west-2"}, drRegion="us-west-2")
    assert not ours(drRegion="us-west-2")


@given(st.dictionaries(st.sampled_from(sorted(body("create_200_creating_aws"))), json_values))
def test_no_listed_cluster_makes_it_raise(changes: dict[str, Any]) -> None:
    assert ours(changes) in (True, False)


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_reads_back(at: datetime) -> None:
    assert moment(at.isoformat()) == at
    assert moment(at.replace(tzinfo=None).isoformat()) == at
