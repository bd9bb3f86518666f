"""The journal of the embedded installation: SQLite, durable at each answer."""

from __future__ import annotations

import sqlite3

from villagecall.adapters.journal_sql import REPLAYED, TAKEN, SqlReadings, replayed
from villagecall.adapters.sql_schema import micros
from villagecall.adapters.sqlite import Sqlite, Undo, dialect
from villagecall.adapters.writes import Prepared, pack, prepare
from villagecall.errors import Conflict, NameTaken
from villagecall.journal import Head
from villagecall.ports import Append, Appended, Clock

_REPLAYED, _TAKEN = dialect(REPLAYED), dialect(TAKEN)
_FIRST = "insert into streams (kind, seq, hash, state, stream) values (?, ?, ?, ?, ?) on conflict (stream) do nothing"
_NEXT = "update streams set kind = ?, seq = ?, hash = ?, state = ? where stream = ? and seq = ? and hash = ?"
_ACTION = "insert into actions (stream, seq, raw, hash, key, count) values (?, ?, ?, ?, ?, ?)"
_OUTBOX = (
    "insert into outbox (topic, key, stream, payload, due) values (?, ?, ?, ?, ?) on conflict (topic, key) do nothing"
)
_NAME = "insert into names (name, stream) values (?, ?) on conflict (name) do nothing"
_LEAVE = "delete from places where stream = ? and list = ?"
_JOIN = (
    "insert into places (stream, list, sort) values (?, ?, ?)"
    " on conflict (stream, list) do update set sort = excluded.sort"
)
_FORGET = "delete from tokens where stream = ?"
_TOKEN = "insert into tokens (token, stream) values (?, ?)"  # noqa: S105
_RECORD = "insert or replace into records (id, stream, key_id, nonce, ciphertext) values (?, ?, ?, ?, ?)"


class SqliteJournal(SqlReadings):
    """See :class:`villagecall.ports.Journal`."""

    _database: Sqlite

    def __init__(self, database: Sqlite, clock: Clock) -> None:
        super().__init__(database, clock)

    async def append(self, write: Append) -> Appended:
        prepared = prepare(write)
        return await self._database.write(lambda connection: self._append(connection, prepared))

    def _append(self, connection: sqlite3.Connection, prepared: Prepared) -> Appended:
        """In the writer's transaction, which undoes what an exception leaves half done."""
        write, head, stream = prepared.write, prepared.head, prepared.write.stream.bytes
        moved = (write.kind, head.seq, head.hash, write.state, stream)
        if write.expected == Head():
            changed = connection.execute(_FIRST, moved)
        else:
            changed = connection.execute(_NEXT, (*moved, write.expected.seq, write.expected.hash))
        if not changed.rowcount:
            return self._refused(connection, prepared)
        try:
            position = self._store_actions(connection, prepared)
        except sqlite3.IntegrityError:  # the key was used before, and yet the head is the expected one
            raise Undo(self._refused(connection, prepared)) from None
        for name in prepared.names:
            taken = not connection.execute(_NAME, (name, stream)).rowcount
            if taken and connection.execute(_TAKEN, (name, stream)).fetchone():
                raise NameTaken(name=name)
        if prepared.outbox:
            now = micros(self._clock.now())
            for m in prepared.outbox:
                due = micros(m.not_before) if m.not_before else now
                connection.execute(_OUTBOX, (m.topic, m.key, stream, pack(m.payload), due))
        self._store_rest(connection, prepared)
        return Appended(head, position)

    @staticmethod
    def _refused(connection: sqlite3.Connection, prepared: Prepared) -> Appended:
        """Why nothing was written: the key was there before, or somebody else wrote first."""
        known = connection.execute(_REPLAYED, (prepared.write.key,)).fetchone()
        if known is None:
            raise Conflict
        return replayed(known, prepared)

    @staticmethod
    def _store_actions(connection: sqlite3.Connection, prepared: Prepared) -> int:
        position, stream = 0, prepared.write.stream.bytes
        key: tuple[str | None, int | None] = (prepared.write.key, len(prepared.entries))
        for entry, raw in prepared.entries:
            position = connection.execute(_ACTION, (stream, entry.seq, raw, entry.hash, *key)).lastrowid or 0
            key = (None, None)
        return position

    @staticmethod
    def _store_rest(connection: sqlite3.Connection, prepared: Prepared) -> None:
        stream = prepared.write.stream.bytes
        if prepared.leave:
            connection.executemany(_LEAVE, [(stream, list_) for list_ in prepared.leave])
        if prepared.join:
            connection.executemany(_JOIN, [(stream, list_, sort) for list_, sort in prepared.join])
        if prepared.tokens is not None:
            connection.execute(_FORGET, (stream,))
            connection.executemany(_TOKEN, [(token, stream) for token in prepared.tokens])
        if prepared.write.records:
            connection.executemany(
                _RECORD,
                [(r.id.bytes, r.stream.bytes, r.key_id, r.nonce, r.ciphertext) for r in prepared.write.records],
            )

    async def reserve(self, scope: str, key: str) -> int:
        known = await self._database.fetch("select number from numbers where scope = $1 and key = $2", scope, key)
        return int(known[0][0]) if known else await self._database.write(lambda c: _reserve(c, scope, key))


def _reserve(connection: sqlite3.Connection, scope: str, key: str) -> int:
    known = connection.execute("select number from numbers where scope = ? and key = ?", (scope, key)).fetchone()
    if known:
        return int(known[0])
    number = connection.execute(
        "insert into counters (scope, last) values (?, 1)"
        " on conflict (scope) do update set last = last + 1 returning last",
        (scope,),
    ).fetchone()[0]
    connection.execute("insert into numbers (scope, key, number) values (?, ?, ?)", (scope, key, number))
    return int(number)
