"""A journal that tells the bus about every committed append, and counts."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from villagecall.errors import Conflict, Refusal, Unavailable
from villagecall.journal import JSON, Entry
from villagecall.ports import Append, Appended, Bus, Delivery, Journal, ListPage, Snapshot
from villagecall.vault import SealedRecord

HINT = "outbox"
"""Bus topic: ``{"topics": [...]}`` have something to deliver."""

STREAM = "stream"
"""Bus topic: ``{"stream", "kind", "seq", "actions": [kinds]}`` after each committed append."""

WAITING = 1000
"""Hints that wait for a slow bus; beyond it they are dropped, which a hint may be."""

RESULTS = ("appends", "replays", "conflicts", "refusals", "unavailable")
"""What an append may come to; a replay is one that was there already."""


class Announcing:
    """See :class:`villagecall.ports.Journal`.

    Hints go out behind the caller's back: a bus that is slow or away costs an append nothing.
    ``counts`` is by :data:`RESULTS`.
    """

    def __init__(self, journal: Journal, bus: Bus) -> None:
        self._journal = journal
        self._bus = bus
        self._hints: asyncio.Queue[tuple[str, dict[str, JSON]]] = asyncio.Queue(WAITING)
        self._telling: asyncio.Task[None] | None = None
        self.counts: Counter[str] = Counter()

    async def append(self, write: Append) -> Appended:
        try:
            answer = await self._journal.append(write)
        except Refusal as refusal:
            self.counts[_counted(refusal)] += 1
            raise
        self.counts["replays" if answer.replayed else "appends"] += 1
        # A replay is announced too: whoever wrote first may have died before its hint went out.
        kinds: list[JSON] = [action.kind for action in write.actions]
        self._tell(STREAM, {"stream": str(write.stream), "kind": write.kind, "seq": answer.head.seq, "actions": kinds})
        if write.outbox:
            topics: list[JSON] = [*sorted({message.topic for message in write.outbox})]
            self._tell(HINT, {"topics": topics})
        return answer

    def _tell(self, topic: str, hint: dict[str, JSON]) -> None:
        with suppress(asyncio.QueueFull):
            self._hints.put_nowait((topic, hint))
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._publish())

    async def _publish(self) -> None:
        while not self._hints.empty():
            topic, hint = self._hints.get_nowait()
            with suppress(Unavailable):
                await self._bus.publish(topic, hint)

    async def close(self) -> None:
        if self._telling is not None:
            await asyncio.gather(self._telling, return_exceptions=True)
        await self._journal.close()

    # The readings and the rest are the journal's own.

    async def entries(self, stream: UUID, after: int = 0) -> list[Entry]:
        return await self._journal.entries(stream, after)

    async def raw(self, stream: UUID) -> list[tuple[int, bytes, bytes]]:
        return await self._journal.raw(stream)

    async def since(self, position: int, limit: int) -> list[Entry]:
        return await self._journal.since(position, limit)

    async def streams(self, after: UUID | None, limit: int) -> list[UUID]:
        return await self._journal.streams(after, limit)

    async def snapshot(self, stream: UUID) -> Snapshot | None:
        return await self._journal.snapshot(stream)

    async def by_name(self, name: str) -> Snapshot | None:
        return await self._journal.by_name(name)

    async def page(self, list_: str, after: str | None = None, limit: int = 50, *, reverse: bool = False) -> ListPage:
        return await self._journal.page(list_, after, limit, reverse=reverse)

    async def count(self, list_: str) -> int:
        return await self._journal.count(list_)

    async def search(self, tokens: Sequence[bytes], lists: Sequence[str], limit: int) -> list[Snapshot]:
        return await self._journal.search(tokens, lists, limit)

    async def record(self, record_id: UUID) -> SealedRecord | None:
        return await self._journal.record(record_id)

    async def records(self, after: UUID | None, limit: int) -> list[SealedRecord]:
        return await self._journal.records(after, limit)

    async def reseal(self, record: SealedRecord) -> None:
        await self._journal.reseal(record)

    async def erase(self, record_id: UUID) -> None:
        await self._journal.erase(record_id)

    async def claim(self, topics: Sequence[str], limit: int, lease_s: float) -> list[Delivery]:
        return await self._journal.claim(topics, limit, lease_s)

    async def done(self, delivery: Delivery) -> None:
        await self._journal.done(delivery)

    async def failed(self, delivery: Delivery, retry_in_s: float, why: str) -> None:
        await self._journal.failed(delivery, retry_in_s, why)

    async def extend(self, delivery: Delivery, lease_s: float) -> None:
        await self._journal.extend(delivery, lease_s)

    async def backlog(self) -> dict[str, int]:
        return await self._journal.backlog()

    async def lag(self) -> dict[str, float]:
        return await self._journal.lag()

    async def reserve(self, scope: str, key: str) -> int:
        return await self._journal.reserve(scope, key)

    async def ready(self) -> bool:
        return await self._journal.ready()


def _counted(refusal: Refusal) -> str:
    if isinstance(refusal, Conflict):
        return "conflicts"
    return "unavailable" if isinstance(refusal, Unavailable) else "refusals"
