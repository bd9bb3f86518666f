"""The journal of the county installation: PostgreSQL, one statement for each append.

The statement moves the head only from the expected one; everything else it inserts is selected from that
move, so a conflict writes nothing and returns no row. Only then is it asked why.

**Positions.** ``since`` must never step over an append that commits late. A position is the number of the
writing transaction (``pg_current_xact_id``) times 4096 plus the place in the append; ``since`` reads below
``pg_snapshot_xmin``, the oldest transaction that may still be running. Whatever commits later has a higher
number, so a cursor cannot pass it. A cluster that was filled from a dump starts its numbers anew; ``meta.shift``
is then raised so that positions go on behind the highest (:meth:`PostgresJournal.settle`).
"""

from __future__ import annotations

from functools import lru_cache

import asyncpg

from villagecall.adapters.journal_sql import REPLAYED, TAKEN, SqlReadings, claim_sql, replayed
from villagecall.adapters.postgres import Postgres, answering
from villagecall.adapters.sql_schema import micros
from villagecall.adapters.writes import MAX_ACTIONS, Prepared, pack, prepare
from villagecall.errors import Conflict, NameTaken, Unavailable
from villagecall.journal import Head
from villagecall.ports import Append, Appended, Clock

_SHIFT = "(select value from meta where name = 'shift')"
_SETTLE_LOCK = 0x76696C6D
_TRIES = 5

_FIRST = """insert into streams (stream, kind, seq, hash, state) values ($1, $2, $3, $4, $5)
 on conflict (stream) do nothing returning 1"""
_NEXT = """update streams set kind = $2, seq = $3, hash = $4, state = $5
 where stream = $1 and seq = $6 and hash = $7 returning 1"""

# One part of the statement each: SQL with {} for its parameters, all of them selected from the moved head.
_PARTS = {
    "outbox": """insert into outbox (topic, key, stream, payload, due)
 select m.topic, m.key, $1, m.payload, m.due
 from head, unnest({}::text[], {}::text[], {}::bytea[], {}::bigint[]) m (topic, key, payload, due)
 on conflict (topic, key) do nothing""",
    # A name of another stream becomes null here, which the column refuses: the whole statement is undone.
    "names": """insert into names (name, stream) select n, $1 from head, unnest({}::text[]) n
 on conflict (name) do update set stream = case when names.stream = excluded.stream then names.stream end""",
    "leave": "delete from places using head where stream = $1 and list = any({}::text[])",
    "join": """insert into places (stream, list, sort)
 select $1, j.list, j.sort from head, unnest({}::text[], {}::text[]) j (list, sort)
 on conflict (stream, list) do update set sort = excluded.sort""",
    # A hashed subquery: compared one by one, a case with long papers would take a second.
    "forget": "delete from tokens using head where stream = $1 and token not in (select unnest({}::bytea[]))",
    "tokens": """insert into tokens (token, stream) select t, $1 from head, unnest({}::bytea[]) t
 on conflict do nothing""",
    "records": """insert into records (id, stream, key_id, nonce, ciphertext)
 select r.* from head, unnest({}::uuid[], {}::uuid[], {}::text[], {}::bytea[], {}::bytea[]) r
 on conflict (id) do update set stream = excluded.stream, key_id = excluded.key_id,
 nonce = excluded.nonce, ciphertext = excluded.ciphertext""",
}


@lru_cache(maxsize=512)
def statement(first: bool, several: bool, parts: tuple[str, ...]) -> str:
    """The append for a write that has these parts; few combinations occur, each is prepared once."""
    used = 5 if first else 7
    ctes = [f"head as ({_FIRST if first else _NEXT})"]
    ctes.append(f"base as (select (pg_current_xact_id()::text::bigint + {_SHIFT}) * {MAX_ACTIONS} as position)")
    seq, raw, digest, key, number = (f"${used + at}" for at in range(1, 6))
    if several:
        columns = f"{seq}::bigint[], {raw}::bytea[], {digest}::bytea[]"
        rows = f"unnest({columns}) with ordinality a (seq, raw, hash, n)"
    else:
        rows = f"(values ({seq}::bigint, {raw}::bytea, {digest}::bytea, 1)) a (seq, raw, hash, n)"
    ctes.append(
        f"""acts as (insert into actions (position, stream, seq, raw, hash, key, count)
 select base.position + a.n - 1, $1, a.seq, a.raw, a.hash,
 case when a.n = 1 then {key}::text end, case when a.n = 1 then {number}::bigint end
 from head, base, {rows} returning position)"""  # noqa: S608
    )
    used += 5
    for name in parts:
        wants = _PARTS[name].count("{}")
        ctes.append(f"{name}_part as ({_PARTS[name].format(*(f'${used + at + 1}' for at in range(wants)))})")
        used += wants
    return f"with {', '.join(ctes)} select max(position) from acts"  # noqa: S608


class PostgresJournal(SqlReadings):
    """See :class:`villagecall.ports.Journal`."""

    since_sql = SqlReadings.since_sql.replace(
        "order by",
        f"and a.position < (pg_snapshot_xmin(pg_current_snapshot())::text::bigint + {_SHIFT}) * {MAX_ACTIONS} order by",
    )
    claim_sql = claim_sql(skip_locked=True)

    _database: Postgres

    def __init__(self, database: Postgres, clock: Clock) -> None:
        super().__init__(database, clock)

    async def append(self, write: Append) -> Appended:
        prepared = prepare(write)
        sql, args = self._statement(prepared)
        for _ in range(_TRIES):
            try:
                async with answering():
                    position = await self._database.pool.fetchval(sql, *args)
            except asyncpg.UniqueViolationError:  # the key, whatever the head says
                position = None
            except asyncpg.NotNullViolationError as error:
                if error.table_name != "names":
                    raise
                await self._refuse_name(prepared)
                continue  # the other stream's append was undone meanwhile
            except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError):
                continue
            if position is not None:
                return Appended(prepared.head, position)
            return await self._refused(prepared)
        raise Unavailable(part="database")

    def _statement(self, prepared: Prepared) -> tuple[str, list[object]]:
        write, head, entries = prepared.write, prepared.head, prepared.entries
        first = write.expected == Head()
        args: list[object] = [write.stream, write.kind, head.seq, head.hash, write.state]
        if not first:
            args += (write.expected.seq, write.expected.hash)
        if len(entries) > 1:
            args += (list(column) for column in zip(*entries, strict=True))
        else:
            args += entries[0]
        args += (write.key, len(entries))
        parts = self._parts(prepared)
        for columns in parts.values():
            args += columns
        return statement(first, len(entries) > 1, tuple(parts)), args

    def _parts(self, prepared: Prepared) -> dict[str, list[list[object]]]:
        """The parts that this write has, in the order of ``_PARTS``, each with its columns."""
        parts: dict[str, list[list[object]]] = {}
        if prepared.outbox:
            now = self._later(0)
            parts["outbox"] = [
                [m.topic for m in prepared.outbox],
                [m.key for m in prepared.outbox],
                [pack(m.payload) for m in prepared.outbox],
                [micros(m.not_before) if m.not_before else now for m in prepared.outbox],
            ]
        if prepared.names:
            parts["names"] = [list(prepared.names)]
        if prepared.leave:
            parts["leave"] = [list(prepared.leave)]
        if prepared.join:
            parts["join"] = [list(column) for column in zip(*prepared.join, strict=True)]
        if prepared.forget:
            parts["forget"] = [list(prepared.tokens)]
        if prepared.tokens:
            parts["tokens"] = [list(prepared.tokens)]
        if records := {record.id: record for record in prepared.write.records}.values():
            parts["records"] = [
                list(column)
                for column in zip(*((r.id, r.stream, r.key_id, r.nonce, r.ciphertext) for r in records), strict=True)
            ]
        return parts

    async def _refused(self, prepared: Prepared) -> Appended:
        """Why nothing was written: the key was there before, or somebody else wrote first."""
        rows = await self._database.fetch(REPLAYED, prepared.write.key)
        if not rows:
            raise Conflict
        return replayed(rows[0], prepared)

    async def _refuse_name(self, prepared: Prepared) -> None:
        for name in prepared.names:
            if await self._database.fetch(TAKEN, name, prepared.write.stream):
                raise NameTaken(name=name)

    async def reserve(self, scope: str, key: str) -> int:
        known = "select number from numbers where scope = $1 and key = $2"
        if rows := await self._database.fetch(known, scope, key):
            return int(rows[0][0])
        await self._database.execute("insert into counters (scope, last) values ($1, 0) on conflict do nothing", scope)
        async with self._database.transaction() as connection:
            # The counter's row lock makes one key after the other: no number is skipped, none given twice.
            last = await connection.fetchval("select last from counters where scope = $1 for update", scope)
            number = await connection.fetchval(known, scope, key)
            if number is None:
                number = last + 1
                await connection.execute("update counters set last = $2 where scope = $1", scope, number)
                await connection.execute(
                    "insert into numbers (scope, key, number) values ($1, $2, $3)", scope, key, number
                )
        return int(number)

    async def settle(self) -> None:
        """Once at the start: positions go on behind the highest, also in a cluster filled from a dump."""
        async with self._database.transaction() as connection:
            await connection.execute("select pg_advisory_xact_lock($1)", _SETTLE_LOCK)
            await connection.execute(
                f"""update meta set value = value + missing from (
 select coalesce((select max(position) / {MAX_ACTIONS} + 1 from actions), 0)
 - (pg_snapshot_xmin(pg_current_snapshot())::text::bigint + {_SHIFT}) as missing) m
 where name = 'shift' and missing > 0"""  # noqa: S608
            )
