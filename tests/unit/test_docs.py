"""The documents stay true: each setting, command, button, scope, metric and word of the code is in them."""

import ast
import re
import tomllib
from functools import cache
from pathlib import Path
from types import NoneType
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry
from pydantic import BaseModel, SecretStr
from starlette.routing import Route

from blocks import request as buttons
from bot import metrics, settings, web
from bot.adapters.slack import SCOPES
from bot.cli import cli
from bot.clusters import lifecycle, policy
from bot.clusters.policy_file import ApprovalTerms, Channels, Limits, Members
from bot.listeners import commands
from bot.store import tables

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "ARCHITECTURE.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])
NAMES = {field.upper(): field for field in settings.Settings.model_fields}


@cache
def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def rows(name: str) -> list[list[str]]:
    """The cells of all tables of a page, without their headings' rules."""
    lines = [line for line in page(name).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if not set(line) <= set("|- ")]


def section(name: str, heading: str) -> str:
    """A chapter of a page, down to the next heading of its level or above."""
    level = heading.split(" ")[0]
    after = page(name).split(f"\n{heading}\n", 1)[1]
    return re.split(rf"^#{{1,{len(level)}}} ", after, maxsplit=1, flags=re.MULTILINE)[0]


@cache
def words_of_the_code() -> str:
    """Every text in the code that a person may read, one a line, its white space folded."""
    files = [path for room in ("bot", "blocks") for path in (ROOT / room).rglob("*.py") if "sandbox" not in path.parts]
    found = {
        node.value
        for path in files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return "\n".join(" ".join(text.split()) for text in found)


# --- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_the_readme_has_each_setting_with_its_default(name: str) -> None:
    field = settings.Settings.model_fields[NAMES[name]]
    row = next((row for row in rows("README.md") if row[0].split(" ")[0] == f"`{name}`"), None)
    assert row is not None, f"{name} has no row in the README"
    default = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
    if field.is_required():
        assert row[1] == "required"
    elif isinstance(default, NoneType):
        assert "`" not in row[1]
    else:
        assert row[1] == f"`{default}`"
    assert ("●" in row[0]) is (NAMES[name] in settings.SECRETS)


def test_the_readme_has_no_setting_that_the_code_does_not_know() -> None:
    listed = {cell for row in rows("README.md") for cell in re.findall(r"^`([A-Z][A-Z_]+)`", row[0])}
    assert listed == set(NAMES)


def test_the_example_of_settings_has_each_once_and_can_be_read() -> None:
    named = re.findall(r"^(?:# )?([A-Z_]+)=(.*)$", page(".env.example"), re.MULTILINE)
    assert sorted(name for name, _ in named) == sorted(NAMES)
    loaded = settings.load({}, dotenv=ROOT / ".env.example")
    assert loaded.socket_mode
    defaults = {name: value for name, value in named if f"# {name}=" in page(".env.example") and value}
    given = {
        **{name: "xoxb-x" for name in NAMES if settings.Settings.model_fields[NAMES[name]].is_required()},
        **defaults,
    }
    spelled_out = settings.load({**given, "SLACK_APP_TOKEN": "xapp-x"}, dotenv=Path("/nonexistent"))
    for name in defaults:
        assert getattr(spelled_out, NAMES[name]) == settings.Settings.model_fields[NAMES[name]].default, name


# --- commands, buttons, paths -----------------------------------------------------------------------------------------


def command_names() -> list[str]:
    return [each.name or (each.callback.__name__ if each.callback else "") for each in cli.registered_commands]


@pytest.mark.parametrize("name", command_names())
def test_the_readme_has_each_command(name: str) -> None:
    assert [f"`clusterbot {name}`"] in [row[:1] for row in rows("README.md")]


def subcommands() -> list[str]:
    """The words that the slash command's `match` knows."""
    tree = ast.parse(Path(commands.__file__).read_text(encoding="utf-8"))
    values = [node.value for node in ast.walk(tree) if isinstance(node, ast.MatchValue)]
    return [value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)]


def test_the_readme_has_each_subcommand_and_no_other() -> None:
    told = section("README.md", "## What people can do")
    assert set(re.findall(rf"`{commands.COMMAND} (\w+)`", told)) == set(subcommands()) != set()


def action_ids() -> set[str]:
    """Those on cards and posts, and whatever else in the code is named like one."""
    on_cards = {
        action
        for state in lifecycle.State
        for muted in (True, False)
        for action in lifecycle.actions(state, muted=muted)
    }
    named = set(re.findall(r"^[a-z]+_(?:request|item|form)$", words_of_the_code(), re.MULTILINE))
    return on_cards | set(buttons._LABELS) | named


@pytest.mark.parametrize("action_id", sorted(action_ids()))
def test_the_readme_has_each_button(action_id: str) -> None:
    told = section("README.md", "## What people can do")
    assert f"`{action_id}`" in told
    assert buttons._LABELS.get(action_id, "") in told


def test_the_pages_have_each_path_that_is_served() -> None:
    async def nothing() -> list[str]:
        return []

    async def silent() -> None:
        return None

    served = web.web_app(None, web.Gate([]), nothing, silent, CollectorRegistry())
    for route in served.routes:
        assert isinstance(route, Route)
        verb = "POST" if "POST" in (route.methods or ()) else "GET"
        assert f"`{verb} {route.path}`" in page("docs/operate.md")


def test_the_pages_have_each_metric() -> None:
    named = {
        family.name + ("_total" if family.type == "counter" else "")
        for family in metrics.Metrics().registry.collect()
        if not family.name.endswith("_created")
    }
    listed = {found for row in rows("docs/operate.md") for found in re.findall(r"^`(clusterbot_\w+)", row[0])}
    assert listed == named != set()


# --- Slack ------------------------------------------------------------------------------------------------------------


def manifest() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(page("app_manifest.yml"))
    return document


def test_the_pages_say_what_each_scope_is_for() -> None:
    listed = [cell for row in rows("docs/slack.md") for cell in re.findall(r"^`([a-z.:]+)`$", row[0])]
    assert sorted(listed) == sorted(SCOPES) == sorted(manifest()["oauth_config"]["scopes"]["bot"])


def test_the_pages_name_the_settings_that_http_needs() -> None:
    told = section("docs/slack.md", "## Over HTTP, behind a proxy")
    for name in (
        "settings.socket_mode_enabled",
        "settings.interactivity.request_url",
        "settings.interactivity.message_menu_options_url",
        "settings.event_subscriptions.request_url",
        "features.slash_commands[0].url",
    ):
        assert f"`{name}" in told
    assert [each["command"] for each in manifest()["features"]["slash_commands"]] == [commands.COMMAND]


# --- policy -----------------------------------------------------------------------------------------------------------


def policy_keys() -> list[tuple[str, str]]:
    tables_: dict[str, type[BaseModel]] = {
        "requesters": Members,
        "approvers": Members,
        "approval": ApprovalTerms,
        "limits": Limits,
        "channels": Channels,
    }
    return [(table, key) for table, model in tables_.items() for key in model.model_fields]


@pytest.mark.parametrize(("table", "key"), policy_keys())
def test_the_pages_and_the_example_have_each_key_of_the_policy(table: str, key: str) -> None:
    assert re.search(rf"`(?:{table}\.)?{key}`", page("docs/policy.md"))
    assert key in tomllib.loads(page("policy.example.toml"))[table]


def test_the_pages_have_each_table_of_the_policy() -> None:
    for table in policy.Policy.model_fields:
        assert f"[{table}]" in page("docs/policy.md")
        assert table in tomllib.loads(page("policy.example.toml"))


def test_the_example_of_a_policy_states_the_defaults() -> None:
    example, defaults = policy.load(page("policy.example.toml")), policy.load("")
    assert (example.approval, example.limits, example.channels) == (
        defaults.approval,
        defaults.limits,
        defaults.channels,
    )
    assert not example.requesters.nobody


def test_the_table_of_defaults_is_that_of_the_code() -> None:
    defaults = policy.load("")
    told = {row[0].strip("`"): row[1] for row in rows("docs/policy.md") if len(row) == 3 and row[1].startswith("`")}
    values: dict[str, Any] = {**dict(defaults.approval)}
    values |= {f"limits.{key}": value for key, value in dict(defaults.limits).items()}
    values |= {f"channels.{key}": value for key, value in dict(defaults.channels).items()}
    assert {key: tomllib.loads(f"x = {cell.strip('`')}")["x"] for key, cell in told.items()} == {
        key: list(value) if isinstance(value, tuple) else value for key, value in values.items()
    }


@pytest.mark.parametrize("text", re.findall(r"^```toml\n(.*?)^```", page("docs/policy.md"), re.MULTILINE | re.DOTALL))
def test_each_example_in_the_pages_is_a_policy_that_lets_somebody_in(text: str) -> None:
    read = policy.load(text)
    assert not read.requesters.nobody
    assert not read.approval.required or not read.approvers.nobody


# --- words ------------------------------------------------------------------------------------------------------------


def quoted_words() -> list[str]:
    """What people see, as the headings of the troubleshooting page quote it; Slack's own words aside."""
    parts = re.split(r"^### ", page("docs/troubleshooting.md"), flags=re.MULTILINE)[1:]
    quoted = [part.split("\n", 1) for part in parts if part.startswith('"') and "Slack's words" not in part]
    return [heading.strip('"') for heading, _ in quoted]


def reasons() -> list[str]:
    return re.findall(
        r"`([^`]+)`", "\n".join(_first_cells(section("docs/operate.md", "## Probes").split("Reasons")[1]))
    )


def _first_cells(text: str) -> list[str]:
    return [line.split("|")[1] for line in text.splitlines() if line.startswith("|")]


@pytest.mark.parametrize("words", [*quoted_words(), *reasons()])
def test_the_words_that_the_pages_explain_are_the_code_s_own(words: str) -> None:
    for part in re.split("|".join(["…", *(f"{name}(?:_FILE)?:" for name in NAMES)]), words):
        assert part.strip(" ()") in words_of_the_code()


def test_there_are_words_to_look_up() -> None:
    assert len(quoted_words()) > 20
    assert len(reasons()) > 5


# --- the house --------------------------------------------------------------------------------------------------------


def modules() -> list[str]:
    rooms = ["bot", "bot/listeners", "bot/services", "bot/clusters", "bot/adapters", "bot/store", "blocks"]
    found = [path for room in rooms for path in (ROOT / room).glob("*.py") if path.name != "__init__.py"]
    return sorted({path.name for path in found})


@pytest.mark.parametrize("name", modules())
def test_the_architecture_names_each_module(name: str) -> None:
    assert name in section("ARCHITECTURE.md", "## The rooms")


def test_the_architecture_names_each_table() -> None:
    listed = {cell for row in rows("ARCHITECTURE.md") for cell in re.findall(r"^`(\w+)`$", row[0])}
    assert listed == set(tables.metadata.tables)


def test_the_architecture_names_each_state() -> None:
    told = section("ARCHITECTURE.md", "## The life of a request")
    assert [state for state in lifecycle.State if state not in told] == []


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_the_links_between_the_pages_lead_somewhere(path: Path) -> None:
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", path.read_text(encoding="utf-8")):
        there = path.parent / target if target else path
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), anchor


def test_the_changelog_has_a_place_for_what_is_to_come() -> None:
    assert "\n## [Unreleased]\n" in page("CHANGELOG.md")
