"""What the SQLite and the PostgreSQL journal have in common: readings, records, the end of a delivery.

Statements are written with ``$1`` and understood by both. Rows come as plain sequences.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

from villagecall.adapters.sql_schema import micros
from villagecall.adapters.writes import Prepared, cursor, limited, uncursor, unpack
from villagecall.errors import KeyReused
from villagecall.journal import GENESIS, Entry, Head, parse_body
from villagecall.ports import Appended, Clock, Delivery, ListPage, Message, Snapshot
from villagecall.vault import SealedRecord

Row = Sequence[Any]

_ENTRY = (
    "select a.position, a.raw, p.hash, a.hash from actions a"
    " left join actions p on p.stream = a.stream and p.seq = a.seq - 1"
)
_SNAPSHOT = "s.stream, s.kind, s.seq, s.hash, s.state"
_RECORD = "select id, stream, key_id, nonce, ciphertext from records"
_LOWEST = UUID(int=0)


class Database(Protocol):
    """A database that reads and writes; failures of the database itself are ``errors.Unavailable``."""

    async def fetch(self, sql: str, *args: object) -> Sequence[Row]: ...

    async def execute(self, sql: str, *args: object) -> Sequence[Row]:
        """One durable write; rows where it says ``returning``."""
        ...

    async def ready(self) -> bool: ...

    async def close(self) -> None: ...


def uuid_of(value: Any) -> UUID:
    return value if isinstance(value, UUID) else UUID(bytes=bytes(value))


def bytes_of(value: Any) -> bytes:
    """What SQLite gives for a column of bytes that somebody has put a text into: the verifier judges it."""
    return value.encode(errors="surrogateescape") if isinstance(value, str) else bytes(value)


def snapshot_of(row: Row) -> Snapshot:
    stream, kind, seq, digest, state = row
    return Snapshot(uuid_of(stream), kind, Head(seq, bytes(digest)), bytes(state))


def _entry_of(row: Row) -> Entry:
    position, raw, prev, digest = row
    stream, seq, action = parse_body(raw)
    return Entry(stream, seq, action, GENESIS if prev is None else bytes(prev), bytes(digest), position)


def _record_of(row: Row) -> SealedRecord:
    record_id, stream, key_id, nonce, ciphertext = row
    return SealedRecord(uuid_of(record_id), uuid_of(stream), key_id, bytes(nonce), bytes(ciphertext))


def delivery_of(row: Row) -> Delivery:
    row_id, topic, key, stream, payload, attempt = row
    return Delivery(row_id, Message(topic, key, unpack(bytes(payload))), uuid_of(stream), attempt)


REPLAYED = """select f.stream, f.raw, l.seq, l.hash, l.position from actions f
 join actions l on l.stream = f.stream and l.seq = f.seq + f.count - 1 where f.key = $1"""
"""The append that a key was used for: its stream, first action, and the head it reached."""


def replayed(row: Row, prepared: Prepared) -> Appended:
    """The first answer again, or :class:`KeyReused`."""
    stream, raw, seq, digest, position = row
    if (uuid_of(stream), parse_body(raw)[2].kind) != (prepared.write.stream, prepared.kind):
        raise KeyReused
    return Appended(Head(seq, bytes(digest)), position, replayed=True)


TAKEN = "select 1 from names where name = $1 and stream <> $2"


def claim_sql(*, skip_locked: bool) -> str:
    """Take due rows of one topic: the lease moves ``due`` behind it."""
    lock = " for update skip locked" if skip_locked else ""
    return f"""update outbox set due = $3, attempt = attempt + 1 where id in (
 select id from outbox where topic = $1 and done = 0 and due <= $2 order by due, id limit $4{lock})
 returning id, topic, key, stream, payload, attempt"""  # noqa: S608


class SqlReadings:
    """The part of :class:`villagecall.ports.Journal` that is the same on both databases."""

    since_sql = f"{_ENTRY} where a.position > $1 order by a.position limit $2"
    claim_sql = claim_sql(skip_locked=False)

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def entries(self, stream: UUID, after: int = 0) -> list[Entry]:
        rows = await self._database.fetch(
            f"{_ENTRY} where a.stream = $1 and a.seq > $2 order by a.seq", stream, max(0, after)
        )
        return [_entry_of(row) for row in rows]

    async def raw(self, stream: UUID) -> list[tuple[int, bytes, bytes]]:
        rows = await self._database.fetch("select seq, raw, hash from actions where stream = $1 order by seq", stream)
        return [(seq, bytes_of(raw), bytes_of(digest)) for seq, raw, digest in rows]

    async def since(self, position: int, limit: int) -> list[Entry]:
        rows = await self._database.fetch(self.since_sql, max(0, position), limited(limit))
        return [_entry_of(row) for row in rows]

    async def streams(self, after: UUID | None, limit: int) -> list[UUID]:
        # The all-zero id is nobody's, so it stands for "from the start" in one statement.
        rows = await self._database.fetch(
            "select stream from streams where stream > $1 order by stream limit $2", after or _LOWEST, limited(limit)
        )
        return [uuid_of(row[0]) for row in rows]

    async def snapshot(self, stream: UUID) -> Snapshot | None:
        rows = await self._database.fetch(f"select {_SNAPSHOT} from streams s where s.stream = $1", stream)  # noqa: S608
        return snapshot_of(rows[0]) if rows else None

    async def by_name(self, name: str) -> Snapshot | None:
        rows = await self._database.fetch(
            f"select {_SNAPSHOT} from names n join streams s on s.stream = n.stream where n.name = $1",  # noqa: S608
            name,
        )
        return snapshot_of(rows[0]) if rows else None

    async def page(self, list_: str, after: str | None = None, limit: int = 50, *, reverse: bool = False) -> ListPage:
        limit = limited(limit)
        order, beyond = ("desc", "<") if reverse else ("asc", ">")
        where, args = "", [list_, limit + 1]
        if after is not None:
            where = f" and (p.sort, p.stream) {beyond} ($3, $4)"
            args += uncursor(after)
        # The place rows are cut to the page first; snapshots are fetched for these only.
        sql = f"""select {_SNAPSHOT}, q.sort from (select p.stream, p.sort from places p
 where p.list = $1{where} order by p.sort {order}, p.stream {order} limit $2) q
 join streams s on s.stream = q.stream order by q.sort {order}, q.stream {order}"""  # noqa: S608
        rows = await self._database.fetch(sql, *args)
        found = tuple(snapshot_of(row[:5]) for row in rows[:limit])
        more = len(rows) > limit
        return ListPage(found, cursor(rows[limit - 1][5], found[-1].stream) if more else None)

    async def count(self, list_: str) -> int:
        rows = await self._database.fetch("select count(*) from places where list = $1", list_)
        return int(rows[0][0])

    async def search(self, tokens: Sequence[bytes], lists: Sequence[str], limit: int) -> list[Snapshot]:
        if not tokens:
            return []
        wanted = sorted(set(tokens))
        args: list[object] = [*wanted, *sorted(set(lists)), limited(limit)]
        also = "".join(
            f" join tokens t{at} on t{at}.token = ${at} and t{at}.stream = t1.stream"
            for at in range(2, len(wanted) + 1)
        )
        within = ",".join(f"${at}" for at in range(len(wanted) + 1, len(args)))
        where = (
            f" and exists (select 1 from places p where p.stream = t1.stream and p.list in ({within}))"  # noqa: S608
            if within
            else ""
        )
        sql = f"""select {_SNAPSHOT} from (select t1.stream from tokens t1{also} where t1.token = $1{where}
 order by t1.stream desc limit ${len(args)}) q
 join streams s on s.stream = q.stream order by q.stream desc"""  # noqa: S608
        return [snapshot_of(row) for row in await self._database.fetch(sql, *args)]

    async def record(self, record_id: UUID) -> SealedRecord | None:
        rows = await self._database.fetch(f"{_RECORD} where id = $1", record_id)
        return _record_of(rows[0]) if rows else None

    async def records(self, after: UUID | None, limit: int) -> list[SealedRecord]:
        rows = await self._database.fetch(
            f"{_RECORD} where id > $1 order by id limit $2", after or _LOWEST, limited(limit)
        )
        return [_record_of(row) for row in rows]

    async def reseal(self, record: SealedRecord) -> None:
        # Only from another key: what was written meanwhile is under the current key and newer.
        await self._database.execute(
            "update records set key_id = $2, nonce = $3, ciphertext = $4"
            " where id = $1 and key_id <> $2 and length(ciphertext) > 0",
            record.id,
            record.key_id,
            record.nonce,
            record.ciphertext,
        )

    async def erase(self, record_id: UUID) -> None:
        await self._database.execute("update records set nonce = $2, ciphertext = $2 where id = $1", record_id, b"")

    def _later(self, seconds: float) -> int:
        return micros(self._clock.now() + timedelta(seconds=seconds))

    async def claim(self, topics: Sequence[str], limit: int, lease_s: float) -> list[Delivery]:
        found: list[Delivery] = []
        for topic in sorted(set(topics)):
            if (left := limited(limit) - len(found)) > 0:
                rows = await self._database.execute(self.claim_sql, topic, self._later(0), self._later(lease_s), left)
                found += [delivery_of(row) for row in rows]
        return sorted(found, key=lambda delivery: delivery.id)

    async def done(self, delivery: Delivery) -> None:
        await self._database.execute("update outbox set done = $2 where id = $1", delivery.id, self._later(0))

    async def failed(self, delivery: Delivery, retry_in_s: float, why: str) -> None:
        # Whoever took the message over has a higher attempt; its lease is not ours to end.
        await self._database.execute(
            "update outbox set due = $3, why = $4 where id = $1 and attempt = $2 and done = 0",
            delivery.id,
            delivery.attempt,
            self._later(retry_in_s),
            why[:500],
        )

    async def extend(self, delivery: Delivery, lease_s: float) -> None:
        await self._database.execute(
            "update outbox set due = $3 where id = $1 and attempt = $2 and done = 0",
            delivery.id,
            delivery.attempt,
            self._later(lease_s),
        )

    async def backlog(self) -> dict[str, int]:
        rows = await self._database.fetch("select topic, count(*) from outbox where done = 0 group by topic")
        return {topic: int(count) for topic, count in rows}

    async def lag(self) -> dict[str, float]:
        rows = await self._database.fetch("select topic, min(due) from outbox where done = 0 group by topic")
        now = self._later(0)
        return {topic: max(0, now - int(due)) / 1e6 for topic, due in rows}

    async def ready(self) -> bool:
        return await self._database.ready()

    async def close(self) -> None:
        await self._database.close()
