"""The journal of the embedded installation: SQLite, durable at each answer."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import orjson

from villagecall.adapters import sqlite_parts
from villagecall.adapters.journal_sql import REPLAYED, SqlReadings, replayed
from villagecall.adapters.sql_schema import micros
from villagecall.adapters.sqlite import Sqlite, Undo, dialect
from villagecall.adapters.sqlite_rows import fetch_rows, run_rows
from villagecall.adapters.writes import Prepared, pack, prepare
from villagecall.errors import Conflict, KeyReused, NameTaken, Refusal
from villagecall.journal import Head
from villagecall.ports import Append, Appended, Clock

_REPLAYED = dialect(REPLAYED)
_NOTHING = (Head().seq, Head().hash)
# The heads come as one value: each row would be a step of its own, see ``sqlite_rows``.
_HEADS = "select json_group_array(json_array(hex(stream), seq, hex(hash))) from streams where stream in ({})"
_OWNERS = "select name, stream from names where name in ({})"
_STREAM = (
    "insert into streams (kind, seq, hash, state, stream) values {} on conflict (stream) do update"
    " set kind = excluded.kind, seq = excluded.seq, hash = excluded.hash, state = excluded.state"
)
_ACTION = "insert into actions (stream, seq, raw, hash, key, count) values {}"
_OUTBOX = "insert into outbox (topic, key, stream, payload, due) values {} on conflict (topic, key) do nothing"
_NAME = "insert into names (name, stream) values {} on conflict (name) do nothing"
_LEAVE = "delete from places where (stream, list) in (values {})"
_JOIN = (
    "insert into places (stream, list, sort) values {} on conflict (stream, list) do update set sort = excluded.sort"
)
_FORGET = "delete from tokens where stream in ({})"
_REMEMBER = "insert into tokens (token, stream) values {} on conflict do nothing"
_RECORD = "insert or replace into records (id, stream, key_id, nonce, ciphertext) values {}"


class SqliteJournal(SqlReadings):
    """See :class:`villagecall.ports.Journal`."""

    _database: Sqlite

    def __init__(self, database: Sqlite, clock: Clock) -> None:
        super().__init__(database, clock)
        self._last: int | None = None  # position, as far as nobody else has written since
        self._set_up = False

    async def append(self, write: Append) -> Appended:
        return await self._database.write_together(self._append, prepare(write), at_once=self._at_once)

    def _at_once(self, connection: sqlite3.Connection, group: Sequence[Prepared]) -> list[Appended] | None:
        """All by one statement that commits, or None and nothing: then :meth:`_append` looks closer."""
        if len({(prepared.stream, prepared.write.expected.seq) for prepared in group}) < len(group):
            return None  # two that follow the same head: one of them will be refused
        if not self._set_up:
            sqlite_parts.set_up(connection)
            self._set_up = True
        position, self._last = self._last, None
        if position is None:
            position = connection.execute("select coalesce(max(position), 0) from actions").fetchone()[0]
        if not sqlite_parts.store(connection, group, position, micros(self._clock.now())):
            return None
        answers = []
        for prepared in group:
            position += len(prepared.entries)
            answers.append(Appended(prepared.head, position))
        self._last = position
        return answers

    def _append(self, connection: sqlite3.Connection, group: Sequence[Prepared]) -> list[Appended | Refusal]:
        """In the writer's transaction, which undoes what an exception leaves half done.

        First everything is judged, each write as if those before it had been written; then the rows of all
        that are accepted are written table by table; then the refused ones learn why.
        """
        self._last = None
        accepted, judged = self._judge(connection, group)
        try:
            last = self._store(connection, accepted)
        except sqlite3.IntegrityError:  # a key was used before, and yet the head is the expected one
            if len(group) > 1:
                raise
            answer = self._known(connection, group[0])
            if answer is None:
                raise
            if isinstance(answer, Refusal):
                raise answer from None
            raise Undo(answer) from None
        position = last - sum(len(prepared.entries) for prepared in accepted)
        answers: list[Appended | Refusal] = []
        for prepared, refusal in zip(group, judged, strict=True):
            if refusal is None:
                position += len(prepared.entries)
                answers.append(Appended(prepared.head, position))
            else:
                answers.append(self._known(connection, prepared) or refusal)
        return answers

    @staticmethod
    def _judge(
        connection: sqlite3.Connection, group: Sequence[Prepared]
    ) -> tuple[list[Prepared], list[Refusal | None]]:
        """Who is accepted, and for each of the group the refusal or None. Nothing is written."""
        heads: dict[bytes, tuple[int, bytes]] = {}
        for (rows,) in fetch_rows(connection, _HEADS, {prepared.stream for prepared in group}):
            for stream, seq, digest in orjson.loads(rows):
                heads[bytes.fromhex(stream)] = seq, bytes.fromhex(digest)
        wanted = {name for prepared in group for name in prepared.names}
        owners: dict[str, bytes] = dict(fetch_rows(connection, _OWNERS, wanted))
        accepted, judged = [], list[Refusal | None]()
        for prepared in group:
            stream, expected = prepared.stream, prepared.write.expected
            refusal: Refusal | None = None
            if heads.get(stream, _NOTHING) != (expected.seq, expected.hash):
                refusal = Conflict()
            else:
                for name in prepared.names:
                    if owners.get(name, stream) != stream:
                        refusal = NameTaken(name=name)
                        break
            if refusal is None:
                accepted.append(prepared)
                heads[stream] = prepared.head.seq, prepared.head.hash
                for name in prepared.names:
                    owners[name] = stream
            judged.append(refusal)
        return accepted, judged

    @staticmethod
    def _known(connection: sqlite3.Connection, prepared: Prepared) -> Appended | Refusal | None:
        """What the key's first use answered, or that it was for something else; None: the key is new."""
        known = connection.execute(_REPLAYED, (prepared.write.key,)).fetchone()
        try:
            return replayed(known, prepared) if known else None
        except KeyReused as refusal:
            return refusal

    def _store(self, connection: sqlite3.Connection, accepted: Sequence[Prepared]) -> int:
        """The rows of all, one table after the other. Gives the last position."""
        now = micros(self._clock.now())
        streams: dict[bytes, Prepared] = {}
        actions: list[object] = []
        outbox: list[object] = []
        for prepared in accepted:
            stream = prepared.stream
            key: str | None = prepared.write.key
            count: int | None = len(prepared.entries)
            streams[stream] = prepared
            for seq, raw, digest in prepared.entries:
                actions += (stream, seq, raw, digest, key, count)
                key = count = None
            for m in prepared.outbox:
                outbox += (m.topic, m.key, stream, pack(m.payload), micros(m.not_before) if m.not_before else now)
        moved: list[object] = []
        for stream, prepared in streams.items():
            moved += (prepared.write.kind, prepared.head.seq, prepared.head.hash, prepared.write.state, stream)
        run_rows(connection, _STREAM, 5, moved)
        last = run_rows(connection, _ACTION, 6, actions)
        run_rows(connection, _OUTBOX, 5, outbox)
        self._store_rest(connection, accepted)
        return last

    @staticmethod
    def _store_rest(connection: sqlite3.Connection, accepted: Sequence[Prepared]) -> None:
        """What is looked things up by. Of two writes for one place the later one counts."""
        names: list[object] = []
        places: dict[tuple[bytes, str], str | None] = {}
        forgotten: set[bytes] = set()
        tokens: dict[bytes, set[bytes]] = {}
        records: list[object] = []
        for prepared in accepted:
            stream = prepared.stream
            for name in prepared.names:
                names += (name, stream)
            for list_ in prepared.leave:
                places[stream, list_] = None
            for list_, sort in prepared.join:
                places[stream, list_] = sort
            if prepared.forget:
                forgotten.add(stream)
                tokens[stream] = set(prepared.tokens)
            else:
                tokens.setdefault(stream, set()).update(prepared.tokens)
            for r in prepared.write.records:
                records += (r.id.bytes, r.stream.bytes, r.key_id, r.nonce, r.ciphertext)
        run_rows(connection, _NAME, 2, names)
        run_rows(connection, _LEAVE, 2, [part for place, sort in places.items() if sort is None for part in place])
        run_rows(
            connection,
            _JOIN,
            3,
            [part for place, sort in places.items() if sort is not None for part in (*place, sort)],
        )
        run_rows(connection, _FORGET, 1, list(forgotten))
        run_rows(
            connection,
            _REMEMBER,
            2,
            [part for stream, some in tokens.items() for token in some for part in (token, stream)],
        )
        run_rows(connection, _RECORD, 5, records)

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
