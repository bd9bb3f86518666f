"""The journal and the sessions in memory: for tests, and the model the other journals are held against.

Nothing here awaits between reading and writing, so each method is one transaction.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from villagecall.adapters.clock import SystemClock
from villagecall.adapters.writes import Prepared, cursor, limited, prepare, uncursor
from villagecall.errors import Conflict, KeyReused, NameTaken
from villagecall.journal import Entry, Head
from villagecall.ports import Append, Appended, Clock, Delivery, ListPage, Message, Session, Snapshot
from villagecall.vault import SealedRecord


@dataclass(slots=True)
class _Row:
    """An outbox row. ``due``: not before this; a lease moves it into the future."""

    id: int
    message: Message
    stream: UUID
    due: datetime
    attempt: int = 0
    done: bool = False


class MemoryJournal:
    """See :class:`villagecall.ports.Journal`."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._log: list[Entry] = []
        self._chains: dict[UUID, list[tuple[Entry, bytes]]] = {}
        self._snapshots: dict[UUID, Snapshot] = {}
        self._keys: dict[str, tuple[UUID, str, Appended]] = {}
        self._names: dict[str, UUID] = {}
        self._lists: dict[str, dict[UUID, str]] = {}
        self._order: dict[str, list[tuple[str, UUID]]] = {}
        self._records: dict[UUID, SealedRecord] = {}
        self._tokens: dict[bytes, set[UUID]] = {}
        self._carried: dict[UUID, set[bytes]] = {}
        self._rows: dict[tuple[str, str], _Row] = {}
        self._numbers: dict[str, dict[str, int]] = {}

    async def append(self, write: Append) -> Appended:
        prepared = prepare(write)
        known = self._keys.get(write.key)
        if known is not None:
            stream, kind, answer = known
            if (stream, kind) != (write.stream, prepared.kind):
                raise KeyReused
            return replace(answer, replayed=True)
        present = self._snapshots.get(write.stream)
        if (present.head if present else Head()) != write.expected:
            raise Conflict
        for name in prepared.names:
            if self._names.get(name, write.stream) != write.stream:
                raise NameTaken(name=name)
        return self._store(prepared)

    def _store(self, prepared: Prepared) -> Appended:
        write, stream = prepared.write, prepared.write.stream
        chain = self._chains.setdefault(stream, [])
        prev = write.expected.hash
        for action, (seq, raw, digest) in zip(write.actions, prepared.entries, strict=True):
            placed = Entry(stream, seq, action, prev, digest, len(self._log) + 1)
            prev = digest
            self._log.append(placed)
            chain.append((placed, raw))
        self._snapshots[stream] = Snapshot(stream, write.kind, prepared.head, write.state)
        self._names.update(dict.fromkeys(prepared.names, stream))
        for list_ in (*prepared.leave, *dict(prepared.join)):
            self._leave(list_, stream)
        for list_, sort in prepared.join:
            self._lists.setdefault(list_, {})[stream] = sort
            insort(self._order.setdefault(list_, []), (sort, stream))
        self._records.update({record.id: record for record in write.records})
        carried = self._carried.setdefault(stream, set())
        if prepared.forget:
            for token in carried:
                self._tokens[token].discard(stream)
            carried.clear()
        carried.update(prepared.tokens)
        for token in prepared.tokens:
            self._tokens.setdefault(token, set()).add(stream)
        for message in prepared.outbox:
            due = message.not_before or self._clock.now()
            row = _Row(len(self._rows) + 1, message, stream, due)
            self._rows.setdefault((message.topic, message.key), row)
        answer = Appended(prepared.head, len(self._log))
        self._keys[write.key] = (stream, prepared.kind, answer)
        return answer

    def _leave(self, list_: str, stream: UUID) -> None:
        sort = self._lists.get(list_, {}).pop(stream, None)
        if sort is not None:
            order = self._order[list_]
            del order[bisect_left(order, (sort, stream))]

    async def entries(self, stream: UUID, after: int = 0) -> list[Entry]:
        return [entry for entry, _ in self._chains.get(stream, [])[max(0, after) :]]

    async def raw(self, stream: UUID) -> list[tuple[int, bytes, bytes]]:
        return [(entry.seq, raw, entry.hash) for entry, raw in self._chains.get(stream, [])]

    async def since(self, position: int, limit: int) -> list[Entry]:
        start = max(0, position)
        return self._log[start : start + limited(limit)]

    async def streams(self, after: UUID | None, limit: int) -> list[UUID]:
        return sorted(stream for stream in self._snapshots if after is None or stream > after)[: limited(limit)]

    async def snapshot(self, stream: UUID) -> Snapshot | None:
        return self._snapshots.get(stream)

    async def by_name(self, name: str) -> Snapshot | None:
        stream = self._names.get(name)
        return self._snapshots[stream] if stream else None

    async def page(self, list_: str, after: str | None = None, limit: int = 50, *, reverse: bool = False) -> ListPage:
        order, limit = self._order.get(list_, []), limited(limit)
        if reverse:
            end = len(order) if after is None else bisect_left(order, uncursor(after))
            found = order[max(0, end - limit) : end][::-1]
            more = end > limit
        else:
            start = 0 if after is None else bisect_right(order, uncursor(after))
            found = order[start : start + limit]
            more = start + limit < len(order)
        return ListPage(
            tuple(self._snapshots[stream] for _, stream in found), cursor(*found[-1]) if found and more else None
        )

    async def count(self, list_: str) -> int:
        return len(self._lists.get(list_, {}))

    async def search(self, tokens: Sequence[bytes], lists: Sequence[str], limit: int) -> list[Snapshot]:
        if not tokens:
            return []
        found = set.intersection(*(self._tokens.get(token, set()) for token in tokens))
        if lists:
            found = {stream for stream in found if any(stream in self._lists.get(list_, {}) for list_ in lists)}
        return [self._snapshots[stream] for stream in sorted(found, reverse=True)[: limited(limit)]]

    async def record(self, record_id: UUID) -> SealedRecord | None:
        return self._records.get(record_id)

    async def records(self, after: UUID | None, limit: int) -> list[SealedRecord]:
        ids = sorted(record_id for record_id in self._records if after is None or record_id > after)
        return [self._records[record_id] for record_id in ids[: limited(limit)]]

    async def reseal(self, record: SealedRecord) -> None:
        present = self._records.get(record.id)
        if present and not present.erased and present.key_id != record.key_id:
            self._records[record.id] = replace(record, stream=present.stream)

    async def erase(self, record_id: UUID) -> None:
        present = self._records.get(record_id)
        if present:
            self._records[record_id] = replace(present, nonce=b"", ciphertext=b"")

    async def claim(self, topics: Sequence[str], limit: int, lease_s: float) -> list[Delivery]:
        now = self._clock.now()
        due = [row for row in self._rows.values() if not row.done and row.due <= now and row.message.topic in topics]
        taken = sorted(due, key=lambda row: (row.due, row.id))[: limited(limit)]
        for row in taken:
            row.due, row.attempt = now + timedelta(seconds=lease_s), row.attempt + 1
        taken.sort(key=lambda row: row.id)  # the longest due are chosen, and handed out in the order they came
        return [Delivery(row.id, row.message, row.stream, row.attempt) for row in taken]

    def _row(self, delivery: Delivery) -> _Row:
        return self._rows[delivery.message.topic, delivery.message.key]

    async def done(self, delivery: Delivery) -> None:
        self._row(delivery).done = True

    async def failed(self, delivery: Delivery, retry_in_s: float, why: str) -> None:
        await self.extend(delivery, retry_in_s)

    async def extend(self, delivery: Delivery, lease_s: float) -> None:
        row = self._row(delivery)
        if row.attempt == delivery.attempt and not row.done:
            row.due = self._clock.now() + timedelta(seconds=lease_s)

    async def backlog(self) -> dict[str, int]:
        return dict(Counter(row.message.topic for row in self._rows.values() if not row.done))

    async def lag(self) -> dict[str, float]:
        now, found = self._clock.now(), dict[str, float]()
        for row in self._rows.values():
            if not row.done:
                late = max(0.0, (now - row.due).total_seconds())
                found[row.message.topic] = max(late, found.get(row.message.topic, 0.0))
        return found

    async def reserve(self, scope: str, key: str) -> int:
        numbers = self._numbers.setdefault(scope, {})
        return numbers.setdefault(key, len(numbers) + 1)

    async def ready(self) -> bool:
        return True

    async def close(self) -> None:
        return None


class MemorySessions:
    """See :class:`villagecall.ports.Sessions`. ``get`` gives what is stored; the caller looks at ``expires``."""

    def __init__(self) -> None:
        self._sessions: dict[bytes, Session] = {}

    async def put(self, session: Session) -> None:
        self._sessions[session.digest] = session

    async def get(self, digest: bytes) -> Session | None:
        return self._sessions.get(digest)

    async def extend(self, digest: bytes, expires: datetime) -> None:
        if digest in self._sessions:
            self._sessions[digest] = replace(self._sessions[digest], expires=expires)

    async def drop(self, digest: bytes) -> None:
        self._sessions.pop(digest, None)

    async def drop_person(self, person: UUID) -> list[bytes]:
        dropped = [digest for digest, session in self._sessions.items() if session.person == person]
        for digest in dropped:
            del self._sessions[digest]
        return dropped

    async def sweep(self, now: datetime) -> int:
        ended = [digest for digest, session in self._sessions.items() if session.expires <= now]
        for digest in ended:
            del self._sessions[digest]
        return len(ended)
