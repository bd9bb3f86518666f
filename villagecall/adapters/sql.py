"""Opens the journal that a URL names."""

from __future__ import annotations

from pathlib import Path

from villagecall.adapters import migrate as migrations
from villagecall.adapters.clock import SystemClock
from villagecall.adapters.journal_postgres import PostgresJournal
from villagecall.adapters.journal_sqlite import SqliteJournal
from villagecall.adapters.memory import MemoryJournal, MemorySessions
from villagecall.adapters.postgres import Postgres
from villagecall.adapters.sessions_sql import SqlSessions
from villagecall.adapters.sqlite import Sqlite
from villagecall.ports import Clock, Journal, Sessions


async def open_journal(
    url: str, *, clock: Clock | None = None, connections: int = 16, migrate: bool = False
) -> tuple[Journal, Sessions]:
    """``sqlite:///file`` (``sqlite:////absolute``), ``postgresql://user:password@host:port/name``, ``memory:``.

    SQLite belongs to this program and is migrated when it is opened. PostgreSQL is migrated only where
    ``migrate`` says so, else :class:`villagecall.adapters.migrate.SchemaOutdated` names the command.
    Raises :class:`villagecall.errors.Unavailable` when the server does not answer. The caller closes the journal;
    the sessions share its connections.
    """
    clock = clock or SystemClock()
    if url == "memory:":
        return MemoryJournal(clock), MemorySessions()
    parsed = migrations.address(url)
    if parsed.get_backend_name() == "sqlite":
        await migrations.upgrade_if_needed(url)
        sqlite = Sqlite(Path(parsed.database or ""))
        return SqliteJournal(sqlite, clock), SqlSessions(sqlite)
    if migrate:
        await migrations.upgrade(url)
    await migrations.check(url)
    postgres = await Postgres.open(url, connections)
    journal = PostgresJournal(postgres, clock)
    await journal.settle()
    return journal, SqlSessions(postgres)
