"""The bus inside one process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from villagecall.journal import JSON

BACKLOG = 10_000
"""Hints that wait for one slow listener; beyond it the oldest are dropped, which a hint may be."""

Hint = tuple[str, dict[str, JSON]]


class Mailbox:
    """The hints waiting for one listener."""

    def __init__(self, topics: tuple[str, ...]) -> None:
        self._whole = frozenset(topic for topic in topics if not topic.endswith("*"))
        self._prefixes = tuple(topic[:-1] for topic in topics if topic.endswith("*"))
        self._queue: asyncio.Queue[Hint] = asyncio.Queue()

    def wants(self, topic: str) -> bool:
        return topic in self._whole or topic.startswith(self._prefixes)

    def put(self, topic: str, message: Mapping[str, JSON]) -> None:
        if self._queue.qsize() >= BACKLOG:
            self._queue.get_nowait()
        self._queue.put_nowait((topic, dict(message)))

    async def hints(self) -> AsyncIterator[Hint]:
        while True:
            yield await self._queue.get()


class LocalBus:
    """See :class:`villagecall.ports.Bus`."""

    def __init__(self) -> None:
        self._mailboxes: set[Mailbox] = set()

    async def publish(self, topic: str, message: Mapping[str, JSON]) -> None:
        for mailbox in self._mailboxes:
            if mailbox.wants(topic):
                mailbox.put(topic, message)

    @asynccontextmanager
    async def subscribe(self, *topics: str) -> AsyncIterator[AsyncIterator[Hint]]:
        mailbox = Mailbox(topics)
        self._mailboxes.add(mailbox)
        try:
            yield mailbox.hints()
        finally:
            self._mailboxes.discard(mailbox)

    async def ready(self) -> bool:
        return True

    async def close(self) -> None:
        self._mailboxes.clear()
