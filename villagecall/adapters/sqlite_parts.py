"""A group of appends as one statement, which is its own transaction.

Python lets the other threads run while SQLite runs a statement, and gets its turn back when they let it: a
writer of many statements stands waiting beside a busy event loop longer than it works. So the writer's
connection has a view of *parts*, each row something to store, and triggers that store it; one insert takes
a whole group, checks it, writes it and commits it, and the loop runs meanwhile. It takes all or nothing:
anything out of the ordinary (another head, a key or name that was used, a position that another process
took) ends it, and then :mod:`villagecall.adapters.journal_sqlite` looks at each write.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import cache

from villagecall.adapters.sql_schema import micros
from villagecall.adapters.writes import Prepared, pack

ROWS = 1024
"""Parts of one statement at most."""

_FIRST, _NEXT, _ACTION, _MESSAGE, _NAME, _LEAVE, _JOIN, _FORGET, _TOKEN, _RECORD = range(10)
_STEP = 16  # statements are kept for numbers of rows that are multiples of it; the rest is filled up
_FILL = (None,) * 8

_TRIGGERS = {
    _FIRST: "insert into streams (stream, kind, seq, hash, state) values (new.a, new.b, new.c, new.d, new.e);",
    _NEXT: """update streams set kind = new.b, seq = new.c, hash = new.d, state = new.e
 where stream = new.a and seq = new.f and hash = new.g; select raise(abort, 'conflict') where changes() = 0;""",
    _ACTION: """insert into actions (position, stream, seq, raw, hash, key, count)
 values (new.a, new.b, new.c, new.d, new.e, new.f, new.g);""",
    _MESSAGE: """insert into outbox (topic, key, stream, payload, due)
 values (new.a, new.b, new.c, new.d, new.e) on conflict (topic, key) do nothing;""",
    _NAME: """insert into names (name, stream) values (new.a, new.b) on conflict (name) do nothing;
 select raise(abort, 'taken') from names where name = new.a and stream <> new.b;""",
    _LEAVE: "delete from places where stream = new.a and list = new.b;",
    _JOIN: """insert into places (stream, list, sort) values (new.a, new.b, new.c)
 on conflict (stream, list) do update set sort = excluded.sort;""",
    _FORGET: "delete from tokens where stream = new.a;",
    _TOKEN: "insert into tokens (token, stream) values (new.a, new.b) on conflict do nothing;",
    _RECORD: """insert or replace into records (id, stream, key_id, nonce, ciphertext)
 values (new.a, new.b, new.c, new.d, new.e);""",
}


def set_up(connection: sqlite3.Connection) -> None:
    """The view and its triggers, which live as long as the connection and only for it."""
    columns = ", ".join(f"null as {name}" for name in ("part", *"abcdefg"))
    connection.execute("pragma temp_store = memory")
    connection.execute(f"create temp view if not exists parts as select {columns}")
    for part, body in _TRIGGERS.items():
        connection.execute(
            f"create temp trigger if not exists part_{part} instead of insert on parts"
            f" when new.part = {part} begin {body} end"
        )


@cache
def _statement(rows: int) -> str:
    return f"insert into parts values {','.join(['(?,?,?,?,?,?,?,?)'] * rows)}"  # noqa: S608


def store(connection: sqlite3.Connection, group: Sequence[Prepared], last: int, now: int) -> bool:
    """Store and commit all, with positions that follow ``last``; False if they are too many for one statement.

    ``now`` is in microseconds. Raises ``sqlite3.IntegrityError``, and has written nothing, if it does not fit.
    """
    values: list[object] = []
    for prepared in group:
        last = _gather(values, prepared, last, now)
    rows = len(values) // 8
    if rows > ROWS:
        return False
    if rows > _STEP and rows % _STEP:
        values += _FILL * (_STEP - rows % _STEP)
    connection.execute(_statement(len(values) // 8), values)
    return True


def _gather(values: list[object], prepared: Prepared, last: int, now: int) -> int:
    """The parts of one write behind the others. Gives its last position."""
    write, stream, head = prepared.write, prepared.stream, prepared.head
    was = write.expected
    if was.seq:
        values += (_NEXT, stream, write.kind, head.seq, head.hash, write.state, was.seq, was.hash)
    else:
        values += (_FIRST, stream, write.kind, head.seq, head.hash, write.state, None, None)
    key: str | None = write.key
    count: int | None = len(prepared.entries)
    for seq, raw, digest in prepared.entries:
        last += 1
        values += (_ACTION, last, stream, seq, raw, digest, key, count)
        key = count = None
    for m in prepared.outbox:
        due = micros(m.not_before) if m.not_before else now
        values += (_MESSAGE, m.topic, m.key, stream, pack(m.payload), due, None, None)
    for name in prepared.names:
        values += (_NAME, name, stream, *_FILL[3:])
    for list_ in prepared.leave:
        values += (_LEAVE, stream, list_, *_FILL[3:])
    for list_, sort in prepared.join:
        values += (_JOIN, stream, list_, sort, *_FILL[4:])
    if prepared.forget:
        values += (_FORGET, stream, *_FILL[2:])
    for token in prepared.tokens:
        values += (_TOKEN, token, stream, *_FILL[3:])
    for r in write.records:
        values += (_RECORD, r.id.bytes, r.stream.bytes, r.key_id, r.nonce, r.ciphertext, None, None)
    return last
