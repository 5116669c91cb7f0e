"""structlog, as JSON or for a console, to standard error; nothing secret or personal passes."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

# Tokens, signatures, response URLs, trigger ids and e-mails, wherever they turn up in a line.
_SECRETS = re.compile(
    r"xox[a-z]-[\w-]+|xapp-[\w-]+|(?<=Bearer )\S+|v0=[0-9a-f]{64}|https://hooks\.slack\.com/\S+"
    r"|\b\d{6,}\.\d{6,}\.[0-9a-f]{16,}\b|[\w.+-]+@[\w-]+\.[\w.-]+|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
)
HIDDEN = "[hidden]"


def redact(value: Any) -> Any:
    """`value` with everything secret in its texts replaced, at any depth; what a log can't hold becomes text first."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict):
        return {redact(key): redact(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(each) for each in value]
    return _SECRETS.sub(HIDDEN, str(value))


def _redacted(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: redact(value) for key, value in line.items()}


def configure(form: str, level: str) -> None:
    """Send every log line, ours and the libraries', through one chain. `form` is json or console."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    ending: list[Any] = (
        [structlog.processors.format_exc_info, _redacted, structlog.processors.JSONRenderer()]
        if form == "json"
        else [
            structlog.processors.format_exc_info,
            _redacted,
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("slack_bolt", "slack_sdk", "httpx", "httpcore", "apscheduler", "uvicorn", "aiosqlite", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)  # at INFO they write URLs, bodies and a line a tick
    # Bolt warns at each start that `authorize` takes the token's place, which is what we want.
    logging.getLogger("clusterbot.bolt").setLevel(logging.ERROR)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        cache_logger_on_first_use=False,
    )
