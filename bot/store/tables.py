"""The tables. Rows are the truth: whatever runs, restarts or replicates reads them and nothing else.

Times are UTC. No column holds a secret, a name of a person or an e-mail: people stand here by their Slack ids.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    text,
)
from sqlalchemy.engine import Dialect


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime. SQLite keeps no zone, so it goes in and comes out naive there."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without its zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Serial = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up only on INTEGER

# A name is held by a request in one of these states (lifecycle.LIVE; a test compares the two).
HOLDS_NAME = text(
    "state IN ('AWAITING_APPROVAL', 'QUEUED', 'SUBMITTING', 'UNCERTAIN', 'NEEDS_ATTENTION', 'PROVISIONING')"
)


def _time(name: str, **kwargs: Any) -> Column[Any]:
    return Column(name, UtcDateTime(), **kwargs)


forms = Table(
    "forms",
    metadata,
    Column("id", String(32), primary_key=True),  # travels in the modal's private_metadata, and means nothing elsewhere
    Column("submit_key", String(64), nullable=False, unique=True),  # never leaves this side
    Column("person", String(32), nullable=False),
    Column("channel", String(32), nullable=False),
    Column("follows", String(16)),  # the request that is tried again
    _time("opened_at", nullable=False),
)

requests = Table(
    "requests",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("submit_key", String(64), nullable=False, unique=True),
    Column("organization", String(64), nullable=False),
    Column("requester", String(32), nullable=False),
    Column("channel", String(32), nullable=False),  # where it was asked for; where it is told stands in threads
    Column("follows", String(16)),
    Column("name", String(100), nullable=False),
    Column("name_key", String(200), nullable=False),  # casefolded
    Column("provider", String(16), nullable=False),
    Column("api_version", String(16), nullable=False),
    Column("body", JSON, nullable=False),
    Column("spec_hash", String(64), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("warnings", JSON, nullable=False),
    Column("labels", JSON, nullable=False),  # names behind the ids in body, as the requester saw them
    Column("state", String(32), nullable=False),
    Column("version", Integer, nullable=False),
    Column("approval", JSON, nullable=False),
    _time("expires_at"),
    # the worker's claim
    Column("lease_owner", String(64)),
    _time("lease_until"),
    Column("fence", Integer, nullable=False, default=0),
    _time("next_at"),
    Column("retry_count", Integer, nullable=False, default=0),
    Column("notice", Text, nullable=False, default=""),  # the one passing remark on the card
    # what Astro says
    Column("cluster_id", String(64), unique=True),
    Column("refusal", JSON),  # its words, and its fieldErrors
    Column("status", String(64), nullable=False, default=""),
    Column("health", String(64), nullable=False, default=""),
    Column("watch", JSON, nullable=False),  # what is remembered between two polls
    Column("muted", Boolean, nullable=False, default=False),
    _time("requested_at", nullable=False),
    _time("decided_at"),
    _time("submitted_at"),
    _time("ready_at"),
    _time("changed_at", nullable=False),
    Index(
        "uq_requests_live_name",
        "organization",
        "name_key",
        unique=True,
        sqlite_where=HOLDS_NAME,
        postgresql_where=HOLDS_NAME,
    ),
    Index("ix_requests_state_next_at", "state", "next_at"),
    Index("ix_requests_requester", "requester"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("request_id", String(16), ForeignKey("requests.id"), nullable=False, index=True),
    Column("fence", Integer, nullable=False),
    _time("precheck_at", nullable=False),
    _time("recorded_at", nullable=False),
    _time("answered_at"),
    Column("outcome", String(32), nullable=False, default=""),  # empty: nobody knows yet
    Column("detail", Text, nullable=False, default=""),
    Column("cluster_id", String(64)),  # kept even where the request could not take it
)

events = Table(
    "events",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    _time("at", nullable=False),
    Column("request_id", String(16), index=True),
    Column("kind", String(48), nullable=False),
    Column("actor", String(64), nullable=False),  # a Slack id, or "bot"
    Column("before", String(32), nullable=False, default=""),
    Column("after", String(32), nullable=False, default=""),
    Column("rule", String(64), nullable=False, default=""),
    Column("data", JSON, nullable=False),
)

threads = Table(
    "threads",
    metadata,
    Column("key", String(40), primary_key=True),  # a request's id, or "notice:U123": what only one person reads
    Column("channel", String(32), nullable=False),
    Column("root_ts", String(32)),  # the card, once it is posted
    Column("next_seq", Integer, nullable=False, default=0),
    _time("due_at", index=True),  # when its sender should look next; null: nothing to say
    Column("card_wanted", Integer, nullable=False, default=0),  # the request's version that the card should show
    Column("card_shown", Integer, nullable=False, default=0),
    Column("lease_owner", String(64)),
    _time("lease_until"),
    Column("fence", Integer, nullable=False, default=0),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", String(32), primary_key=True),  # opaque: it stands in the message's metadata, which anyone can read
    Column("thread", String(40), ForeignKey("threads.key"), nullable=False),
    Column("seq", Integer, nullable=False),  # within its thread; sent in this order
    Column("kind", String(16), nullable=False),  # card, post, notice
    Column("payload", JSON, nullable=False),
    Column("dedupe_key", String(120), nullable=False, unique=True),
    Column("state", String(16), nullable=False),  # pending, sending, unknown, sent, parked
    Column("attempts", Integer, nullable=False, default=0),
    _time("created_at", nullable=False),
    _time("next_at", nullable=False),
    _time("sending_at"),
    _time("sent_at"),
    Column("channel", String(32)),
    Column("ts", String(32)),
    Column("fault", String(200), nullable=False, default=""),
    Index("ix_outbox_thread_seq", "thread", "seq"),
)

not_before = Table(
    "not_before",
    metadata,
    # A thing that must wait: "create:AWS", "post:C123", "method:chat.postMessage", "sweep:status". One row a thing,
    # moved by compare-and-set, so that restarts and replicas share every pace.
    Column("key", String(80), primary_key=True),
    _time("at", nullable=False),
)

choices = Table(
    "choices",
    metadata,
    # The last good copy of what Astro offers: "options:DEDICATED", "workspaces", "clusters".
    Column("name", String(40), primary_key=True),
    Column("document", JSON, nullable=False),
    _time("fetched_at", nullable=False),
)
