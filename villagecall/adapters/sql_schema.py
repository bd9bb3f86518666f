"""The tables of the journal, for SQLite and PostgreSQL alike.

Times are microseconds since 1970 (UTC). Texts compare by code point on both (``COLLATE "C"``), so that a
list has one order whatever database it lies in. There are no foreign keys: rows that belong together are
written in one transaction by one statement, and nothing is ever deleted from the journal.
A test holds these tables against what the migrations make.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

REVISION = "0001"
"""The migration this code needs."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Identifier: sa.types.TypeEngine[Any] = sa.LargeBinary(16).with_variant(postgresql.UUID(as_uuid=True), "postgresql")
Name: sa.types.TypeEngine[Any] = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
Number: sa.types.TypeEngine[Any] = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Bytes = sa.LargeBinary

metadata = sa.MetaData()

streams = sa.Table(
    "streams",
    metadata,
    sa.Column("stream", Identifier, primary_key=True),
    sa.Column("kind", Name, nullable=False),
    sa.Column("seq", Number, nullable=False),
    sa.Column("hash", Bytes, nullable=False),
    sa.Column("state", Bytes, nullable=False),
    postgresql_with={"fillfactor": "70"},
)
"""The head of each stream and its snapshot. Room is left in each page, for updates that touch no index."""

actions = sa.Table(
    "actions",
    metadata,
    sa.Column("position", Number, primary_key=True, autoincrement=False),
    sa.Column("stream", Identifier, nullable=False),
    sa.Column("seq", Number, nullable=False),
    sa.Column("raw", Bytes, nullable=False),
    sa.Column("hash", Bytes, nullable=False),
    sa.Column("key", Name),
    sa.Column("count", Number),
    sa.Index("actions_stream_seq", "stream", "seq", unique=True),
    sa.Index(
        "actions_key",
        "key",
        unique=True,
        postgresql_where=sa.text("key IS NOT NULL"),
        sqlite_where=sa.text("key IS NOT NULL"),
    ),
)
"""The journal. The first action of an append carries its idempotency key and how many actions it had."""

names = sa.Table(
    "names",
    metadata,
    sa.Column("name", Name, primary_key=True),
    sa.Column("stream", Identifier, nullable=False),
)

places = sa.Table(
    "places",
    metadata,
    sa.Column("stream", Identifier, primary_key=True),
    sa.Column("list", Name, primary_key=True),
    sa.Column("sort", Name, nullable=False),
    sa.Index("places_order", "list", "sort", "stream"),
    sqlite_with_rowid=False,
)

tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("token", Bytes, primary_key=True),
    sa.Column("stream", Identifier, primary_key=True),
    sa.Index("tokens_stream", "stream"),
    sqlite_with_rowid=False,
)

records = sa.Table(
    "records",
    metadata,
    sa.Column("id", Identifier, primary_key=True),
    sa.Column("stream", Identifier, nullable=False),
    sa.Column("key_id", Name, nullable=False),
    sa.Column("nonce", Bytes, nullable=False),
    sa.Column("ciphertext", Bytes, nullable=False),
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", Number, sa.Identity(always=False), primary_key=True),
    sa.Column("topic", Name, nullable=False),
    sa.Column("key", Name, nullable=False),
    sa.Column("stream", Identifier, nullable=False),
    sa.Column("payload", Bytes, nullable=False),
    sa.Column("due", Number, nullable=False),
    sa.Column("attempt", Number, nullable=False, server_default="0"),
    sa.Column("done", Number, nullable=False, server_default="0"),
    sa.Column("why", sa.Text, nullable=False, server_default=""),
    sa.Index("outbox_topic_key", "topic", "key", unique=True),
    sa.Index(
        "outbox_due",
        "topic",
        "due",
        "id",
        postgresql_where=sa.text("done = 0"),
        sqlite_where=sa.text("done = 0"),
    ),
)
"""Promises. ``due`` is not-before, and the end of the lease while a consumer works on the row."""

counters = sa.Table(
    "counters",
    metadata,
    sa.Column("scope", Name, primary_key=True),
    sa.Column("last", Number, nullable=False),
)

numbers = sa.Table(
    "numbers",
    metadata,
    sa.Column("scope", Name, primary_key=True),
    sa.Column("key", Name, primary_key=True),
    sa.Column("number", Number, nullable=False),
    sqlite_with_rowid=False,
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("digest", Bytes, primary_key=True),
    sa.Column("person", Identifier, nullable=False),
    sa.Column("csrf", sa.Text, nullable=False),
    sa.Column("created", Number, nullable=False),
    sa.Column("expires", Number, nullable=False),
    sa.Index("sessions_person", "person"),
    sa.Index("sessions_expires", "expires"),
)

meta = sa.Table(
    "meta",
    metadata,
    sa.Column("name", Name, primary_key=True),
    sa.Column("value", Number, nullable=False),
)
"""``shift``: see ``journal_postgres``."""


def micros(at: datetime) -> int:
    """Microseconds since 1970."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def moment(value: int) -> datetime:
    """The reverse of :func:`micros`."""
    return _EPOCH + timedelta(microseconds=value)
