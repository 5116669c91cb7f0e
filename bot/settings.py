"""The environment → `Settings`. Names and defaults are the public contract; the README lists them.

A secret may stand in a file instead: `SLACK_BOT_TOKEN_FILE=/run/secrets/slack` is read in place of `SLACK_BOT_TOKEN`.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from bot.clusters.wording import sentence
from bot.errors import OperatorError

SECRETS = ("slack_bot_token", "slack_signing_secret", "slack_app_token", "astro_api_token", "database_url")
SLACK_API = "https://slack.com/api/"
ASTRO_API = "https://api.astronomer.io"


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be a URL like https://host/path")
    _ = parts.port  # raises ValueError where the port is none
    return value


def _slack_url(value: str) -> str:
    if not _http_url(value).endswith("/api/"):
        raise ValueError("must end in /api/")
    return value


def _bot_token(value: SecretStr) -> SecretStr:
    if not re.match(r"^(xoxe\.)?xoxb-\S+$", value.get_secret_value()):
        raise ValueError("must be a bot token, which begins with xoxb-")
    return value


def _app_token(value: SecretStr) -> SecretStr:
    if not re.match(r"^xapp-\S+$", value.get_secret_value()):
        raise ValueError("must be an app-level token, which begins with xapp-")
    return value


def _organization(value: str) -> str:
    if not re.match(r"^[A-Za-z0-9_-]{1,64}$", value):
        raise ValueError("must be the id of an organization: letters and digits")
    return value


def _database_url(value: SecretStr) -> SecretStr:
    url = value.get_secret_value()
    if not re.match(r"^(sqlite:///(?!:memory:).+|postgres(ql)?://.+)$", url):
        raise ValueError("must be sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME")
    return value


YEAR = 365 * 86400.0
Seconds = Annotated[float, Field(ge=0, le=YEAR, allow_inf_nan=False)]


class Settings(BaseModel):
    """Everything that is set from outside. Immutable; secrets never show in `repr`."""

    model_config = ConfigDict(frozen=True, str_strip_whitespace=True, hide_input_in_errors=True)

    slack_bot_token: Annotated[SecretStr, AfterValidator(_bot_token)]
    slack_signing_secret: SecretStr | None = None
    slack_app_token: Annotated[SecretStr, AfterValidator(_app_token)] | None = None
    slack_api_url: Annotated[str, AfterValidator(_slack_url)] = SLACK_API
    astro_api_token: SecretStr
    astro_organization_id: Annotated[str, AfterValidator(_organization)]
    astro_api_url: Annotated[str, AfterValidator(_http_url)] = ASTRO_API
    astro_api_version: Literal["v1", "v1beta1"] = "v1"
    database_url: Annotated[SecretStr, AfterValidator(_database_url)] = SecretStr("sqlite:///clusterbot.db")
    policy_file: Path = Path("policy.toml")
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 3000
    status_poll_seconds: Seconds = 30
    health_poll_seconds: Seconds = 300
    create_spacing_seconds: Seconds = 60
    uncertain_grace_seconds: Seconds = 900
    slack_settle_seconds: Seconds = 30
    lease_seconds: Annotated[float, Field(gt=0, le=YEAR, allow_inf_nan=False)] = 90
    log_format: Literal["json", "console"] = "json"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @model_validator(mode="before")
    @classmethod
    def _folded(cls, values: dict[str, Any]) -> dict[str, Any]:
        folds = {"log_format": str.lower, "log_level": str.upper}
        return {k: folds[k](v) if k in folds and isinstance(v, str) else v for k, v in values.items()}

    @property
    def socket_mode(self) -> bool:
        return self.slack_app_token is not None

    @property
    def signing_secrets(self) -> tuple[str, ...]:
        """All that are valid now: several, comma-separated, while one is being rotated."""
        raw = self.slack_signing_secret.get_secret_value() if self.slack_signing_secret else ""
        return tuple(part.strip() for part in raw.split(",") if part.strip())

    @property
    def create_timeout(self) -> float:
        """Seconds that the create call may take: well under the lease, so that nobody takes over while it runs."""
        return self.lease_seconds * 2 / 3

    @property
    def send_deadline(self) -> float:
        """Seconds after the write-ahead within which the create call must leave, else it stays (5 s by default)."""
        return self.lease_seconds / 18


def load(environ: Mapping[str, str] | None = None, *, dotenv: Path = Path(".env")) -> Settings:
    """Settings from the environment, with `.env` beneath it.

    Raises:
        OperatorError: one line for each missing or malformed variable, each naming it; never with its value.
    """
    given = {**dotenv_values(dotenv), **(os.environ if environ is None else environ)}
    values: dict[str, Any] = {}
    faults: list[str] = []
    for field in Settings.model_fields:
        name = field.upper()
        text, file = given.get(name), given.get(f"{name}_FILE") if field in SECRETS else None
        if not text and file:
            try:
                text = Path(file).read_text().strip()
            except (OSError, UnicodeDecodeError) as fault:
                faults.append(f"{name}_FILE: cannot be read ({type(fault).__name__})")
                continue
        if text and text.strip():
            values[field] = text.strip()
    named = {line.split("_FILE")[0] for line in faults}
    try:
        settings = Settings(**values)
    except ValidationError as error:
        faults += [_line(fault) for fault in error.errors() if str(fault["loc"][0]).upper() not in named]
    over_http = not values.get("slack_app_token")
    if over_http and not values.get("slack_signing_secret", "").strip(" ,") and "SLACK_SIGNING_SECRET" not in named:
        faults.append("SLACK_SIGNING_SECRET: missing (or set SLACK_APP_TOKEN to use Socket Mode)")
    if faults:
        raise OperatorError(faults)
    return settings


def _line(fault: Any) -> str:
    name = str(fault["loc"][0]).upper()
    if fault["type"] == "missing":
        return f"{name}: missing"
    said = sentence(fault).rstrip(".").removeprefix("This ")
    return f"{name}: {said[0].lower()}{said[1:]}"
