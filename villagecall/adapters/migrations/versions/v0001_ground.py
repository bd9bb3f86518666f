"""The journal, its snapshots, lists, names, tokens, records, outbox and sessions.

There is no way back down: a journal is never taken away by a command; a backup is restored instead.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ID: sa.types.TypeEngine[Any] = sa.LargeBinary(16).with_variant(postgresql.UUID(as_uuid=True), "postgresql")
_NAME: sa.types.TypeEngine[Any] = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_INT: sa.types.TypeEngine[Any] = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _column(name: str, kind: Any, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=options.pop("nullable", False), **options)


def upgrade() -> None:
    op.create_table(
        "streams",
        sa.Column("stream", _ID, primary_key=True),
        _column("kind", _NAME),
        _column("seq", _INT),
        _column("hash", sa.LargeBinary),
        _column("state", sa.LargeBinary),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_table(
        "actions",
        sa.Column("position", _INT, primary_key=True, autoincrement=False),
        _column("stream", _ID),
        _column("seq", _INT),
        _column("raw", sa.LargeBinary),
        _column("hash", sa.LargeBinary),
        _column("key", _NAME, nullable=True),
        _column("count", _INT, nullable=True),
    )
    op.create_index("actions_stream_seq", "actions", ["stream", "seq"], unique=True)
    keyed = sa.text("key IS NOT NULL")
    op.create_index("actions_key", "actions", ["key"], unique=True, postgresql_where=keyed, sqlite_where=keyed)
    op.create_table("names", sa.Column("name", _NAME, primary_key=True), _column("stream", _ID))
    op.create_table(
        "places",
        sa.Column("stream", _ID, primary_key=True),
        sa.Column("list", _NAME, primary_key=True),
        _column("sort", _NAME),
        sqlite_with_rowid=False,
    )
    op.create_index("places_order", "places", ["list", "sort", "stream"])
    op.create_table(
        "tokens",
        sa.Column("token", sa.LargeBinary, primary_key=True),
        sa.Column("stream", _ID, primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_index("tokens_stream", "tokens", ["stream"])
    op.create_table(
        "records",
        sa.Column("id", _ID, primary_key=True),
        _column("stream", _ID),
        _column("key_id", _NAME),
        _column("nonce", sa.LargeBinary),
        _column("ciphertext", sa.LargeBinary),
    )
    op.create_table(
        "outbox",
        sa.Column("id", _INT, sa.Identity(always=False), primary_key=True),
        _column("topic", _NAME),
        _column("key", _NAME),
        _column("stream", _ID),
        _column("payload", sa.LargeBinary),
        _column("due", _INT),
        _column("attempt", _INT, server_default="0"),
        _column("done", _INT, server_default="0"),
        _column("why", sa.Text, server_default=""),
    )
    op.create_index("outbox_topic_key", "outbox", ["topic", "key"], unique=True)
    waiting = sa.text("done = 0")
    op.create_index("outbox_due", "outbox", ["topic", "due", "id"], postgresql_where=waiting, sqlite_where=waiting)
    op.create_table("counters", sa.Column("scope", _NAME, primary_key=True), _column("last", _INT))
    op.create_table(
        "numbers",
        sa.Column("scope", _NAME, primary_key=True),
        sa.Column("key", _NAME, primary_key=True),
        _column("number", _INT),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sessions",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        _column("person", _ID),
        _column("csrf", sa.Text),
        _column("created", _INT),
        _column("expires", _INT),
    )
    op.create_index("sessions_person", "sessions", ["person"])
    op.create_index("sessions_expires", "sessions", ["expires"])
    meta = op.create_table("meta", sa.Column("name", _NAME, primary_key=True), _column("value", _INT))
    op.bulk_insert(meta, [{"name": "shift", "value": 0}])
