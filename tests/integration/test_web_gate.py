"""The web edge: only what Slack signed comes in, nonsense never breaks it, and the probes tell the truth."""

import asyncio
import contextlib
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import psycopg
import pytest

from bot.sandbox.slack.courier import Courier
from bot.sandbox.slack.faults import Fault
from bot.sandbox.slack.transports import Answer, Delivery, sign
from bot.store import migrate
from tests.postgres import Postgres
from tests.world import World, make_world

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
SECRET = "sandbox-signing-secret"


class Edge:
    """A started bot, and whatever anyone may send to it."""

    def __init__(self, world: World, client: httpx.AsyncClient) -> None:
        self.world, self.client = world, client

    async def post(
        self,
        body: bytes,
        content_type: str | None = FORM,
        *,
        secret: str = SECRET,
        timestamp: str | None = None,
        **headers: Any,
    ) -> httpx.Response:
        """A request signed with `secret` over this very timestamp; a header named here takes the place of ours."""
        at = str(int(time.time())) if timestamp is None else timestamp
        signature = sign(secret, int(at), body) if re.fullmatch(r"-?\d+", at) else "v0=" + "0" * 64
        sent: dict[str, Any] = {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": signature}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        if content_type is not None:
            sent["Content-Type"] = content_type
        return await self.client.post(
            f"{self.world.url}/slack/events", content=body, headers={k: v for k, v in sent.items() if v != "absent"}
        )

    async def interaction(self, payload: Any) -> httpx.Response:
        return await self.post(urlencode({"payload": json.dumps(payload)}).encode())

    async def event(self, payload: Any) -> httpx.Response:
        return await self.post(json.dumps(payload).encode(), JSON)

    async def get(self, path: str) -> httpx.Response:
        return await self.client.get(f"{self.world.url}{path}")

    def command(self, text: str = "help", **changes: str) -> bytes:
        ws = self.world.slack.workspace
        fields = {
            "team_id": ws.team_id,
            "api_app_id": ws.app_id,
            "channel_id": self.world.general.id,
            "user_id": self.world.alice.id,
            "user_name": "alice",
            "command": "/astro-cluster",
            "text": text,
            "trigger_id": ws.new_trigger(self.world.alice.id),
        }
        return urlencode(fields | changes).encode()


@contextlib.asynccontextmanager
async def edge_of(world: World, **environ: str) -> AsyncIterator[Edge]:
    async with world.running(**environ), httpx.AsyncClient(timeout=5) as client:
        yield Edge(world, client)


@pytest.fixture
async def edge(world: World) -> AsyncIterator[Edge]:
    async with edge_of(world) as made:
        yield made


async def test_what_slack_signs_comes_in(edge: Edge) -> None:
    answer = await edge.post(edge.command())
    assert answer.status_code == 200
    assert "/astro-cluster create" in answer.json()["text"] + str(answer.json()["blocks"])


UNSIGNED: list[dict[str, Any]] = [
    {"X_Slack_Signature": "absent"},
    {"X_Slack_Request_Timestamp": "absent"},
    {"X_Slack_Signature": "absent", "X_Slack_Request_Timestamp": "absent"},
    {"X_Slack_Signature": ""},
    {"X_Slack_Signature": "v0="},
    {"X_Slack_Signature": "v0=" + "0" * 64},
    {"X_Slack_Signature": "v1=" + "0" * 64},
    {"X_Slack_Signature": "v0=é".encode()},
    {"X_Slack_Signature": b"v0=\xff\xfe"},
    {"X_Slack_Request_Timestamp": b"\xb2\xb3"},
    {"secret": "another"},
    {"secret": SECRET.upper()},
    *({"timestamp": each} for each in ("abc", "", "1.5", "+1", "-5", "0", "1" * 400, "1e9", "-301", "+310")),
]


async def test_what_slack_did_not_sign_just_now_is_401(edge: Edge) -> None:
    let_in = {}
    for given in UNSIGNED:
        age = given.get("timestamp", "")
        stamp = {"timestamp": str(int(time.time()) + int(age))} if age in ("-301", "+310") else {}
        answer = await edge.post(edge.command("create"), **{**given, **stamp})
        if (answer.status_code, answer.text) != (401, "not signed by Slack"):
            let_in[repr(given)] = answer.status_code
    assert let_in == {}
    assert edge.world.slack.calls_to("views.open") == []


async def test_a_signature_of_another_body_is_401(edge: Edge) -> None:
    body = edge.command()
    stamp = str(int(time.time()))
    answer = await edge.post(body + b"&x=1", timestamp=stamp, X_Slack_Signature=sign(SECRET, int(stamp), body))
    assert answer.status_code == 401


async def test_five_minutes_are_granted_to_the_clocks(edge: Edge) -> None:
    answers = [await edge.post(edge.command(), timestamp=str(int(time.time()) - age)) for age in (-290, 0, 290)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]


async def test_while_the_secret_is_rotated_both_are_good(world: World) -> None:
    async with edge_of(world, SLACK_SIGNING_SECRET=f" old , {SECRET},") as edge:
        answers = [await edge.post(edge.command(), secret=each) for each in ("old", SECRET, "", ",", "older")]
    assert [answer.status_code for answer in answers] == [200, 200, 401, 401, 401]


# What is signed and yet nothing that Slack sends.
NONSENSE: dict[str, tuple[bytes, str | None]] = {
    "nothing": (b"", FORM),
    "nothing as JSON": (b"", JSON),
    "half an object": (b"payload={", FORM),
    "a list": (b"payload=[1]", FORM),
    "a number": (b"payload=1", FORM),
    "null in a form": (b"payload=null", FORM),
    "JSON null": (b"null", JSON),
    "a JSON list": (b"[1]", JSON),
    "a JSON string": (b'"x"', JSON),
    "JSON that breaks off": (b'{"type":', JSON),
    "not UTF-8": (b"\xff\xfe\xfd", FORM),
    "not UTF-8 in JSON": (b'{"type":"\xff"}', JSON),
    "a NUL": (b"\x00", FORM),
    "no content type": (b'{"type":"event_callback"}', None),
    "no content type, a form": (b"payload=[1]", None),
    "another content type": (b"<xml/>", "application/xml"),
    "deeper than anyone reads": (b"[" * 100_000, JSON),
    "an empty object": (b"{}", JSON),
    "a key alone": (b"payload", FORM),
}


async def test_signed_nonsense_is_a_400_at_worst_and_unsigned_it_is_401(edge: Edge) -> None:
    signed = {what: (await edge.post(*sent)).status_code for what, sent in NONSENSE.items()}
    unsigned = {what: (await edge.post(*sent, secret="another")).status_code for what, sent in NONSENSE.items()}
    assert {what: status for what, status in signed.items() if status not in (200, 400)} == {}
    assert {what: status for what, status in unsigned.items() if status != 401} == {}
    assert (await edge.post(edge.command())).status_code == 200


# Of Slack's outer shape, and wrong inside: each key holds what it never holds.
WRONG_INSIDE: list[dict[str, Any]] = [
    {"type": "block_actions"},
    {"type": "block_actions", "actions": []},
    {"type": "block_actions", "actions": "x"},
    {"type": "block_actions", "actions": [None]},
    {"type": "block_actions", "actions": [{}]},
    {"type": "block_actions", "actions": [{"action_id": "approve_request"}]},
    {"type": "block_actions", "actions": [{"action_id": "approve_request", "value": {"a": 1}}]},
    {"type": "block_actions", "actions": [{"action_id": "refresh_request", "value": "' OR 1=1"}], "user": "U"},
    {"type": "block_actions", "actions": [{"action_id": "value", "block_id": "x"}], "view": "x"},
    {"type": "block_actions", "actions": [{"action_id": "nobody_knows", "block_id": 1}]},
    {"type": "view_submission"},
    {"type": "view_submission", "view": None},
    {"type": "view_submission", "view": "x"},
    {"type": "view_submission", "view": {"callback_id": "create_cluster"}},
    {"type": "view_submission", "view": {"callback_id": "create_cluster", "state": [], "blocks": 1}},
    {"type": "view_submission", "view": {"callback_id": "create_cluster", "private_metadata": 5, "state": {}}},
    {"type": "view_submission", "view": {"callback_id": "deny_request", "state": {"values": []}}},
    {"type": "view_submission", "view": {"callback_id": "deny_request", "state": {"values": {"request.reason": 1}}}},
    {"type": "view_submission", "view": {"callback_id": "nobody_knows"}},
    {"type": "view_closed", "view": {"callback_id": "create_cluster"}},
    {"type": "block_suggestion"},
    {"type": "block_suggestion", "action_id": "value", "block_id": "region", "value": 5, "view": {"state": "x"}},
    {"type": "block_suggestion", "action_id": "nobody_knows", "block_id": "x", "value": "x"},
    {"type": "shortcut", "callback_id": "x"},
    {"type": "message_action", "callback_id": "x"},
    {"type": "nobody_knows"},
    {"type": 5},
    {"type": {"a": 1}},
    {"type": None},
]


async def test_an_interaction_of_a_wrong_shape_breaks_nothing(edge: Edge) -> None:
    ws = edge.world.slack.workspace
    known = {"team": {"id": ws.team_id}, "api_app_id": ws.app_id, "user": {"id": edge.world.alice.id}}
    teams: list[Any] = [None, 5, "T0SANDBOX", [], {"id": {}}, {"id": "T0SANDBOX"}]
    sent = [{**known, **payload} for payload in WRONG_INSIDE]
    sent += WRONG_INSIDE
    sent += [{"type": "view_submission", "team": team, "user": team, "view": team} for team in teams]
    assert await _broken(sent, edge.interaction) == {}


EVENTS: list[dict[str, Any]] = [
    {},
    {"event": None},
    {"event": "x"},
    {"event": {"type": "app_home_opened"}},
    {"event": {"type": "app_home_opened", "user": 5, "tab": []}},
    {"event": {"type": "message", "text": "hello"}},
    {"event": {"type": 5}},
    {"event": {}, "authorizations": 5},
]


async def test_an_event_of_a_wrong_shape_breaks_nothing(edge: Edge) -> None:
    ws = edge.world.slack.workspace
    outer = {"type": "event_callback", "team_id": ws.team_id, "api_app_id": ws.app_id, "event_id": "Ev1"}
    assert await _broken([outer | event for event in EVENTS], edge.event) == {}


async def _broken(sent: list[dict[str, Any]], send: Callable[[Any], Awaitable[httpx.Response]]) -> dict[str, int]:
    """What was answered neither by 200 nor by 400, and how."""
    answers = {json.dumps(payload): (await send(payload)).status_code for payload in sent}
    return {payload: status for payload, status in answers.items() if status not in (200, 400)}


async def test_what_is_well_formed_and_unknown_is_answered_politely(edge: Edge) -> None:
    ws = edge.world.slack.workspace
    known = {"team": {"id": ws.team_id}, "api_app_id": ws.app_id, "user": {"id": edge.world.alice.id}}
    command = await edge.post(edge.command(command="/nobody-knows"))
    assert command.status_code == 200
    assert command.json()["text"]
    action = {"type": "block_actions", "actions": [{"action_id": "nobody_knows", "block_id": "b", "type": "button"}]}
    for payload in (
        action,
        {"type": "view_submission", "view": {"type": "modal", "callback_id": "nobody_knows", "blocks": []}},
        {"type": "shortcut", "callback_id": "nobody_knows"},
    ):
        assert (await edge.interaction(known | payload)).status_code == 200
    outer = {"team_id": ws.team_id, "api_app_id": ws.app_id}
    for event in ({"type": "event_callback", "event": {"type": "nobody_knows"}}, {"type": "app_rate_limited"}):
        assert (await edge.event(outer | event)).status_code == 200


async def test_a_body_of_more_than_a_megabyte_is_413(edge: Edge) -> None:
    for size in (1_000_001, 3_000_000):
        answer = await edge.post(b"x" * size)
        assert (answer.status_code, answer.text) == (413, "too large")
    assert (await edge.post(b"text=" + b"x" * (1_000_000 - 5))).status_code == 200


async def test_slacks_challenge_comes_back_when_it_is_signed(edge: Edge) -> None:
    assert await edge.world.slack.verifies_url()
    body = json.dumps({"type": "url_verification", "challenge": "c"}).encode()
    assert (await edge.post(body, JSON, secret="another")).status_code == 401


async def test_slacks_challenge_comes_back_before_slack_has_told_us_who_we_are(world: World) -> None:
    world.slack.faults.next("auth.test", Fault.refused("fatal_error"), times=None)
    async with world.started():
        assert await world.slack.verifies_url()


async def test_an_ssl_check_without_a_signature_is_401(edge: Edge) -> None:
    answer = await edge.client.post(f"{edge.world.url}/slack/events", data={"ssl_check": "1", "token": "x"})
    assert answer.status_code == 401


async def test_a_command_from_another_team_or_app_is_answered_and_changes_nothing(edge: Edge) -> None:
    for change in ({"team_id": "T0ELSEWHERE"}, {"api_app_id": "A0ANOTHER"}):
        answer = await edge.post(edge.command("create", **change))
        assert answer.status_code == 200
        assert answer.json()["response_type"] == "ephemeral"
        assert "another Slack workspace" in answer.json()["text"]
    assert edge.world.slack.calls_to("views.open") == []


async def test_a_submission_from_another_team_or_app_is_answered_and_stores_nothing(edge: Edge) -> None:
    world = edge.world
    form = await world.opens_form()
    form.fill("name", "prod")
    kept = Kept()
    await Courier(world.slack.workspace, kept).submission(form.user, form.view)
    for change in ({"team": {"id": "T0ELSEWHERE"}}, {"api_app_id": "A0ANOTHER"}):
        answer = await edge.interaction(kept.deliveries[0].payload | change)
        assert answer.status_code == 200
        [told] = answer.json()["errors"].values()  # beside a field, so that what was typed stays
        assert "another Slack workspace" in told
    assert world.general.messages == []
    assert (await form.submit()).closed  # the right one still can
    await world.card("prod")


async def test_what_somebody_of_another_team_does_in_ours_is_answered_and_changes_nothing(edge: Edge) -> None:
    """Slack Connect: the team is ours, and the user's own is another."""
    world = edge.world
    form = await world.opens_form()
    form.fill("name", "prod")
    kept = Kept()
    courier = Courier(world.slack.workspace, kept)
    await courier.submission(form.user, form.view)
    await courier.suggestion(form.user, form.view, *form._field("region"), "us")
    button = {"type": "button", "action_id": "add_item", "value": "k8sTags", "block_id": "b"}
    await courier.click_in_view(form.user, form.view, button)
    answers = []
    for delivery in kept.deliveries:
        user = delivery.payload["user"] | {"team_id": "T0ELSEWHERE"}
        answers.append(await edge.interaction(delivery.payload | {"user": user}))
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert "another Slack workspace" in str(answers[0].json()["errors"])
    assert answers[1].json() == {"options": []}
    assert answers[2].text == ""
    assert world.slack.calls_to("views.update") == []
    assert (await form.submit()).closed  # one of ours still can
    await world.card("prod")
    assert len(world.general.messages) == 1


class Kept:
    """A way to the app on which everything stays lying."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def deliver(self, delivery: Delivery) -> Answer:
        self.deliveries.append(delivery)
        return Answer(failure="unreachable")


async def test_there_is_nothing_else_to_be_had(edge: Edge) -> None:
    assert (await edge.get("/")).status_code == 404
    assert (await edge.get("/slack/events")).status_code == 405
    assert (await edge.client.post(f"{edge.world.url}/metrics")).status_code == 405


# --- probes -----------------------------------------------------------------------------------------------------------


async def test_a_bot_that_lives_and_can_work_says_so(edge: Edge) -> None:
    assert ((await edge.get("/healthz")).status_code, (await edge.get("/healthz")).text) == (200, "ok")
    ready = await edge.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"ready": True, "faults": []})


async def test_before_slack_has_answered_the_bot_is_not_ready_and_says_why(world: World) -> None:
    world.slack.faults.next("auth.test", Fault.page(502), times=None)
    async with world.started(), httpx.AsyncClient() as client:
        edge = Edge(world, client)
        await world.slack.until(lambda: len(world.slack.calls_to("auth.test")) >= 2)  # it keeps asking
        ready = await edge.get("/readyz")
        assert ready.status_code == 503
        assert "Slack has not answered yet" in ready.json()["faults"]
        assert (await edge.get("/healthz")).status_code == 200
        command = await edge.post(edge.command("create"))
        assert command.status_code == 200
        assert command.json()["text"]
        world.slack.faults.clear()
        await world.ready()


async def test_astro_being_away_does_not_make_the_bot_unready(world: World) -> None:
    await world.astro.stop()
    async with world.running():
        pass


async def test_a_database_that_is_gone_makes_the_bot_unready_until_it_is_back(world: World, postgres: Postgres) -> None:
    url = postgres.migrated()
    async with edge_of(world, DATABASE_URL=url) as edge:
        postgres.shut(url)
        faults = (await edge.get("/readyz")).json()["faults"]
        assert any(fault.startswith("the database") for fault in faults), faults
        assert (await edge.get("/healthz")).status_code == 200
        assert (await edge.get("/metrics")).status_code == 200
        assert (await edge.post(edge.command("create"))).status_code < 500
        postgres.open(url)
        await world.ready()


async def test_a_database_file_that_was_taken_away_makes_the_bot_unready(edge: Edge) -> None:
    (edge.world.folder / "bot.db").unlink()
    ready = await edge.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["faults"] == ["the database does not answer (its file is gone)"]


async def test_a_database_of_another_shape_makes_the_bot_unready(world: World, postgres: Postgres) -> None:
    url = postgres.migrated()
    async with edge_of(world, DATABASE_URL=url) as edge:
        with psycopg.connect(url) as connection:
            connection.execute("UPDATE alembic_version SET version_num = '0000'")
        ready = await edge.get("/readyz")
    assert ready.json()["faults"] == [migrate.NEWER]


async def test_in_socket_mode_the_bot_is_ready_once_the_socket_is_and_takes_nothing_over_http(tmp_path: Path) -> None:
    async with make_world(tmp_path, "socket") as world, edge_of(world) as edge:
        assert (await edge.get("/healthz")).status_code == 200
        assert (await edge.get("/metrics")).status_code == 200
        assert (await edge.post(edge.command())).status_code == 404
        assert (await edge.post(edge.command(), secret="another")).status_code == 401


METRICS = {
    "clusterbot_ack_seconds",
    "clusterbot_call_seconds",
    "clusterbot_creates_total",
    "clusterbot_requests",
    "clusterbot_outbox_entries",
    "clusterbot_outbox_oldest_seconds",
    "clusterbot_tick_age_seconds",
    "clusterbot_choices_age_seconds",
}


async def test_the_metrics_count_what_happened_and_name_nobody(edge: Edge) -> None:
    world = edge.world
    card = await world.asks("prod-aws")
    await world.told(card, "`CREATED`")
    await edge.post(b"payload=[1]")
    text = (await edge.get("/metrics")).text
    samples = {line.split("{")[0].split(" ")[0] for line in text.splitlines() if not line.startswith("#")}
    names = {re.sub(r"_(bucket|count|sum|created)$", "", sample) for sample in samples}
    assert names >= METRICS
    assert 'clusterbot_ack_seconds_count{kind="view_submission",result="200"} 1.0' in text
    assert 'clusterbot_ack_seconds_count{kind="malformed",result="400"} 1.0' in text
    assert 'clusterbot_creates_total{outcome="accepted"} 1.0' in text
    assert 'clusterbot_call_seconds_count{method="create_cluster",result="200",service="astro"} 1.0' in text
    assert re.search(r'clusterbot_requests{state="(PROVISIONING|READY)"} 1.0', text)
    for secret in ("prod-aws", world.alice.id, world.general.id, "alice", "CL-"):
        assert secret not in text


async def test_answers_come_while_many_come_at_once(edge: Edge) -> None:
    answers = await asyncio.gather(*(edge.post(edge.command()) for _ in range(32)))
    assert [answer.status_code for answer in answers] == [200] * 32
