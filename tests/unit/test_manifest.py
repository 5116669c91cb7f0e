"""app_manifest.yml asks Slack for exactly what the code uses, within Slack's limits, and can be turned to HTTP."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import bot
from blocks.notices import help_text
from bot.adapters.slack import SCOPES, SCOPES_BY_METHOD
from bot.listeners.commands import COMMAND

ROOT = Path(bot.__file__).parent.parent
MANIFEST = ROOT / "app_manifest.yml"
HTTP_URL = "https://bot.example.com/slack/events"

# The bot scopes of each method of the Web API, by its page at https://docs.slack.dev/reference/methods. Where a method
# takes any one of several, each is for another kind of conversation; users.info has two, as e-mails need their own.
SCOPES_OF = {
    "auth.test": set(),
    "bots.info": {"users:read"},
    "chat.postEphemeral": {"chat:write"},
    "chat.postMessage": {"chat:write"},
    "chat.update": {"chat:write"},
    "conversations.history": {"channels:history", "groups:history", "im:history"},
    "conversations.info": {"channels:read", "groups:read", "im:read"},
    "conversations.join": {"channels:join"},
    "conversations.open": {"im:write"},
    "conversations.replies": {"channels:history", "groups:history", "im:history"},
    "usergroups.users.list": {"usergroups:read"},
    "users.info": {"users:read", "users:read.email"},
    "views.open": set(),
    "views.publish": set(),
    "views.update": set(),
}
# Slack's schema of a manifest: https://docs.slack.dev/reference/app-manifest
KEYS: dict[str, set[str]] = {
    "": {"_metadata", "display_information", "features", "oauth_config", "settings"},
    "_metadata": {"major_version", "minor_version"},
    "display_information": {"name", "description", "long_description", "background_color"},
    "features": {"app_home", "bot_user", "slash_commands", "shortcuts", "unfurl_domains", "workflow_steps"},
    "features.app_home": {"home_tab_enabled", "messages_tab_enabled", "messages_tab_read_only_enabled"},
    "features.bot_user": {"display_name", "always_online"},
    "features.slash_commands": {"command", "url", "description", "should_escape", "usage_hint"},
    "oauth_config": {"scopes", "redirect_urls"},
    "oauth_config.scopes": {"bot", "user"},
    "settings": {
        "allowed_ip_address_ranges",
        "event_subscriptions",
        "interactivity",
        "org_deploy_enabled",
        "socket_mode_enabled",
        "token_rotation_enabled",
    },
    "settings.event_subscriptions": {"request_url", "bot_events", "user_events"},
    "settings.interactivity": {"is_enabled", "request_url", "message_menu_options_url"},
}


@pytest.fixture
def manifest() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(MANIFEST.read_text())
    return read


def methods_called() -> set[str]:
    """Every method of the Web API that the adapter calls on the SDK's client, by the SDK's own names for them."""
    tree = ast.parse((ROOT / "bot/adapters/slack.py").read_text())
    names = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "client"
    }
    by_sdk = {method.replace(".", "_"): method for method in SCOPES_OF}
    assert names <= by_sdk.keys(), "a method without its scopes in the table above"
    return {by_sdk[name] for name in names}


def commands_listened_to() -> set[str]:
    found: set[str] = set()
    for path in (ROOT / "bot/listeners").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "command":
                found.add(ast.unparse(node.args[0]))
    return found


def events_listened_to() -> set[str]:
    text = "".join(path.read_text() for path in (ROOT / "bot/listeners").glob("*.py"))
    return set(re.findall(r'@app\.event\("(\w+)"\)', text))


def test_it_asks_for_exactly_the_scopes_that_the_calls_need(manifest: dict[str, Any]) -> None:
    needed = {"commands"}.union(*(SCOPES_OF[method] for method in methods_called()))
    asked = manifest["oauth_config"]["scopes"]["bot"]
    assert sorted(asked) == sorted(needed)
    assert len(asked) == len(set(asked))
    assert "user" not in manifest["oauth_config"]["scopes"]


def test_the_check_of_a_running_bot_looks_for_the_same_scopes(manifest: dict[str, Any]) -> None:
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == SCOPES
    assert SCOPES_BY_METHOD.keys() == methods_called()


def test_nothing_but_the_adapter_calls_the_web_api() -> None:
    calls = re.compile(r"client\.(chat|conversations|users|usergroups|views|bots|auth|files|reactions)_\w+|api_call\(")
    others = [path for path in (ROOT / "bot").rglob("*.py") if "sandbox" not in path.parts]
    found = [path.name for path in others if calls.search(path.read_text()) and path.name != "slack.py"]
    assert found == []


def test_every_scope_says_why_it_is_needed() -> None:
    lines = MANIFEST.read_text().splitlines()
    start = lines.index("    bot:") + 1
    scopes = [line for line in lines[start : lines.index("settings:")] if line.strip()]
    assert [line for line in scopes if not re.fullmatch(r"      - [\w:.]+ # .{5,}", line)] == []


def test_its_commands_and_events_are_those_that_are_listened_to(manifest: dict[str, Any]) -> None:
    assert [each["command"] for each in manifest["features"]["slash_commands"]] == [COMMAND]
    assert commands_listened_to() == {"COMMAND"}
    assert set(manifest["settings"]["event_subscriptions"]["bot_events"]) == events_listened_to()


def test_the_hint_names_every_word_that_the_help_explains(manifest: dict[str, Any]) -> None:
    explained = set(re.findall(rf"\*{COMMAND} (\w+)\*", str(help_text(COMMAND, True, True)["blocks"])))
    assert explained
    assert set(re.findall(r"\w+", manifest["features"]["slash_commands"][0]["usage_hint"])) == explained


def test_people_and_channels_in_a_command_arrive_as_ids(manifest: dict[str, Any]) -> None:
    assert manifest["features"]["slash_commands"][0]["should_escape"] is True


def test_every_key_is_one_that_slack_knows(manifest: dict[str, Any]) -> None:
    def unknown(node: Any, path: str = "") -> list[str]:
        if isinstance(node, list):
            return [fault for each in node for fault in unknown(each, path)]
        if not isinstance(node, dict):
            return []
        inside = [unknown(each, f"{path}.{key}".strip(".")) for key, each in node.items()]
        return [f"{path}.{key}" for key in node.keys() - KEYS[path]] + [fault for each in inside for fault in each]

    assert unknown(manifest) == []


def test_its_texts_are_within_slacks_limits(manifest: dict[str, Any]) -> None:
    shown, features = manifest["display_information"], manifest["features"]
    assert len(shown["name"]) <= 35
    assert len(shown["description"]) <= 140
    assert re.fullmatch(r"#[0-9a-fA-F]{6}", shown["background_color"])
    assert re.fullmatch(r"[a-z0-9._-]{1,80}", features["bot_user"]["display_name"])
    command = features["slash_commands"][0]
    assert re.fullmatch(r"/[a-z0-9_-]{1,31}", command["command"])
    assert len(command["description"]) <= 2000
    assert len(command["usage_hint"]) <= 1000


def test_the_home_tab_buttons_and_direct_messages_are_on(manifest: dict[str, Any]) -> None:
    assert manifest["features"]["app_home"] == {
        "home_tab_enabled": True,
        "messages_tab_enabled": True,
        "messages_tab_read_only_enabled": True,
    }
    assert manifest["settings"]["interactivity"]["is_enabled"] is True
    assert manifest["settings"]["org_deploy_enabled"] is False
    assert manifest["settings"]["token_rotation_enabled"] is False


def test_over_the_socket_it_needs_no_url(manifest: dict[str, Any]) -> None:
    assert manifest["settings"]["socket_mode_enabled"] is True
    assert HTTP_URL not in str(manifest)


def test_the_lines_for_http_give_every_url_that_slack_needs_then() -> None:
    text = re.sub(r"# (\w+: https://\S+ # HTTP)", r"\1", MANIFEST.read_text())
    over_http = yaml.safe_load(text.replace("socket_mode_enabled: true", "socket_mode_enabled: false"))
    settings = over_http["settings"]
    assert settings["event_subscriptions"]["request_url"] == HTTP_URL
    assert settings["interactivity"]["request_url"] == HTTP_URL
    assert settings["interactivity"]["message_menu_options_url"] == HTTP_URL
    assert over_http["features"]["slash_commands"][0]["url"] == HTTP_URL
    assert text.count(HTTP_URL) == 4
