"""Settings: what the environment may say, and the one line for each thing that it says wrong."""

from pathlib import Path

import pytest

from bot.errors import OperatorError
from bot.settings import SECRETS, Settings, load

NOWHERE = Path("/nonexistent")
GOOD = {
    "SLACK_BOT_TOKEN": "xoxb-1",
    "SLACK_SIGNING_SECRET": "s1",
    "ASTRO_API_TOKEN": "astro-token",
    "ASTRO_ORGANIZATION_ID": "clm88r8hi000008jwhzxu5crg",
}
DEFAULTS = {
    "slack_app_token": None,
    "slack_api_url": "https://slack.com/api/",
    "astro_api_url": "https://api.astronomer.io",
    "astro_api_version": "v1",
    "policy_file": Path("policy.toml"),
    "host": "127.0.0.1",
    "port": 3000,
    "status_poll_seconds": 30,
    "health_poll_seconds": 300,
    "create_spacing_seconds": 60,
    "uncertain_grace_seconds": 900,
    "slack_settle_seconds": 30,
    "lease_seconds": 90,
    "log_format": "json",
    "log_level": "INFO",
}
SECONDS = [name.upper() for name in Settings.model_fields if name.endswith("_seconds")]


def settings(**changes: str) -> Settings:
    return load({**GOOD, **changes}, dotenv=NOWHERE)


def faults(environ: dict[str, str]) -> list[str]:
    with pytest.raises(OperatorError) as refused:
        load(environ, dotenv=NOWHERE)
    assert refused.value.exit_code == 2
    return refused.value.lines


def fault(**changes: str) -> str:
    [line] = faults({**GOOD, **changes})
    return line


def test_what_is_not_set_has_the_documented_default() -> None:
    made = settings()
    assert {name: getattr(made, name) for name in DEFAULTS} == DEFAULTS
    assert made.database_url.get_secret_value() == "sqlite:///clusterbot.db"


def test_every_required_setting_that_is_missing_gets_a_line_that_names_it() -> None:
    assert faults({}) == [
        "SLACK_BOT_TOKEN: missing",
        "ASTRO_API_TOKEN: missing",
        "ASTRO_ORGANIZATION_ID: missing",
        "SLACK_SIGNING_SECRET: missing (or set SLACK_APP_TOKEN to use Socket Mode)",
    ]


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("empty", ["", "  ", "\n"], ids=repr)
def test_an_empty_setting_is_a_missing_one(name: str, empty: str) -> None:
    assert fault(**{name: empty}).startswith(f"{name}: missing")


def test_with_an_app_token_it_is_socket_mode_and_needs_no_signing_secret() -> None:
    made = settings(SLACK_APP_TOKEN="xapp-1", SLACK_SIGNING_SECRET="")
    assert made.socket_mode
    assert made.signing_secrets == ()
    assert not settings().socket_mode


@pytest.mark.parametrize("nothing", [",", " , ,", ", "], ids=repr)
def test_commas_alone_are_no_signing_secret(nothing: str) -> None:
    assert fault(SLACK_SIGNING_SECRET=nothing).startswith("SLACK_SIGNING_SECRET: missing")


def test_several_signing_secrets_stand_side_by_side_during_rotation() -> None:
    assert settings(SLACK_SIGNING_SECRET=" new , old,").signing_secrets == ("new", "old")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, value) for name in ("SLACK_API_URL", "ASTRO_API_URL") for value in ("x", "ftp://h/api/", "http://")),
        ("SLACK_API_URL", "https://slack.com/"),
        ("SLACK_API_URL", "https://slack.com/api"),
        ("ASTRO_API_URL", "https://h:99999"),
        ("ASTRO_API_URL", "https://h/?a=1"),
        ("ASTRO_API_VERSION", "v2"),
        ("ASTRO_ORGANIZATION_ID", "a/b"),
        ("DATABASE_URL", "mysql://h/d"),
        ("DATABASE_URL", "clusterbot.db"),
        ("DATABASE_URL", "sqlite://"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("PORT", "x"),
        ("PORT", "-1"),
        ("PORT", "65536"),
        ("LOG_FORMAT", "xml"),
        ("LOG_LEVEL", "LOUD"),
        *((name, value) for name in SECONDS for value in ("x", "-1", "-0.1", "inf", "nan", "31536001", "1e300")),
        ("LEASE_SECONDS", "0"),
    ],
)
def test_a_malformed_setting_gets_one_line_that_names_it(name: str, value: str) -> None:
    line = fault(**{name: value})
    assert line.startswith(f"{name}: ")
    assert "\n" not in line


def test_a_malformed_secret_is_not_repeated() -> None:
    assert "pa55" not in fault(DATABASE_URL="mysql://bot:pa55@h/d")


def test_everything_that_is_wrong_is_said_at_once() -> None:
    lines = faults({**GOOD, "PORT": "x", "LEASE_SECONDS": "-1", "SLACK_BOT_TOKEN": "", "SLACK_SIGNING_SECRET": ""})
    assert [line.split(":")[0] for line in lines] == [
        "SLACK_BOT_TOKEN",
        "PORT",
        "LEASE_SECONDS",
        "SLACK_SIGNING_SECRET",
    ]


@pytest.mark.parametrize("name", SECONDS)
def test_seconds_take_fractions(name: str) -> None:
    assert getattr(settings(**{name: "0.25"}), name.lower()) == 0.25


@pytest.mark.parametrize("name", [name for name in SECONDS if name != "LEASE_SECONDS"])
def test_seconds_take_zero_where_it_makes_sense(name: str) -> None:
    assert getattr(settings(**{name: "0"}), name.lower()) == 0


def test_words_are_taken_in_any_case_and_with_space_around() -> None:
    made = settings(LOG_LEVEL=" debug ", LOG_FORMAT="JSON", SLACK_BOT_TOKEN=" xoxb-1\n")
    assert (made.log_level, made.log_format) == ("DEBUG", "json")
    assert made.slack_bot_token.get_secret_value() == "xoxb-1"


@pytest.mark.parametrize("name", [name.upper() for name in SECRETS])
def test_a_secret_may_stand_in_a_file(tmp_path: Path, name: str) -> None:
    formed = {"DATABASE_URL": "sqlite:///a.db", "SLACK_BOT_TOKEN": "xoxb-a", "SLACK_APP_TOKEN": "xapp-a"}
    secret = formed.get(name, "from-a-file")
    (tmp_path / "secret").write_text(f"{secret}\n")
    made = load({**GOOD, name: "", f"{name}_FILE": str(tmp_path / "secret")}, dotenv=NOWHERE)
    assert getattr(made, name.lower()).get_secret_value() == secret


def test_a_secret_that_is_set_itself_goes_before_its_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from-a-file")
    made = settings(ASTRO_API_TOKEN_FILE=str(tmp_path / "secret"))
    assert made.astro_api_token.get_secret_value() == "astro-token"


def test_a_secrets_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    assert fault(SLACK_BOT_TOKEN="", SLACK_BOT_TOKEN_FILE=str(tmp_path / "none")) == (
        "SLACK_BOT_TOKEN_FILE: cannot be read (FileNotFoundError)"
    )
    assert fault(SLACK_SIGNING_SECRET="", SLACK_SIGNING_SECRET_FILE=str(tmp_path)) == (
        "SLACK_SIGNING_SECRET_FILE: cannot be read (IsADirectoryError)"
    )


def test_an_empty_secrets_file_is_a_missing_secret(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("\n")
    assert fault(ASTRO_API_TOKEN="", ASTRO_API_TOKEN_FILE=str(tmp_path / "secret")) == "ASTRO_API_TOKEN: missing"


def test_the_environment_goes_before_dotenv(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=4000\nHOST=0.0.0.0\n")
    made = load({**GOOD, "PORT": "5000"}, dotenv=tmp_path / ".env")
    assert (made.port, made.host) == (5000, "0.0.0.0")


def test_secrets_show_in_no_text_of_the_settings() -> None:
    made = settings(SLACK_APP_TOKEN="xapp-1", DATABASE_URL="postgresql://bot:pa55@h/d")
    for secret in ("xoxb-1", "s1", "xapp-1", "astro-token", "pa55"):
        assert secret not in repr(made) + str(made) + made.model_dump_json()


def test_a_create_ends_well_before_its_lease_and_leaves_early_in_it() -> None:
    assert (settings().create_timeout, settings().send_deadline) == (60, 5)
    short = settings(LEASE_SECONDS="3")
    assert short.send_deadline < short.create_timeout < 3


@pytest.mark.parametrize("name", ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"])
def test_a_token_of_another_kind_is_malformed(name: str) -> None:
    assert fault(**{name: "abc"}).startswith(f"{name}: must be ")
