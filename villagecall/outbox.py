"""Delivers the promises of the journal: each outbox message to its consumer, at least once.

A message exists if and only if its append was committed. It is found by a hint on the bus within
milliseconds and by a poll within a second; it is held under a lease that is renewed while its consumer
works; a consumer that fails gets it again, later and later. Consumers are idempotent by the message's key.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime

import structlog

from villagecall.announcing import HINT, Announcing
from villagecall.errors import Refusal, Unavailable
from villagecall.ports import Bus, Clock, Consumer, Delivery, Journal

__all__ = ["HINT", "Announcing", "Outbox", "retry_in"]

POLL_S = 1.0
LEASE_S = 15.0
FIRST_RETRY_S = 0.5
LAST_RETRY_S = 300.0
PARALLEL = 4
"""Messages of one topic worked on at once by one process, where the topic has no number of its own."""

log = structlog.get_logger(__name__)


def retry_in(attempt: int) -> float:
    """Seconds until the next try: .5, 1, 2, 4 … 300."""
    return float(min(LAST_RETRY_S, FIRST_RETRY_S * 2 ** min(attempt - 1, 20)))


class Outbox:
    """Runs the consumers of this process.

    ``counts`` has ``delivered`` and ``failed`` by topic; ``looked`` is when it last asked the journal, so that
    an outbox that stands still is seen.
    ``parallel`` says for a topic how many of its messages are worked on at once.
    """

    def __init__(
        self,
        journal: Journal,
        bus: Bus,
        clock: Clock,
        consumers: Mapping[str, Consumer],
        *,
        parallel: Mapping[str, int] | None = None,
        poll_s: float = POLL_S,
        lease_s: float = LEASE_S,
    ) -> None:
        self._journal = journal
        self._bus = bus
        self._clock = clock
        self._consumers = dict(consumers)
        self._free = {topic: (parallel or {}).get(topic, PARALLEL) for topic in consumers}
        self._poll_s, self._lease_s = poll_s, lease_s
        self._wake = asyncio.Event()
        self._working: set[asyncio.Task[None]] = set()
        self._loops: list[asyncio.Task[None]] = []
        self.counts: Counter[tuple[str, str]] = Counter()
        self.looked: datetime | None = None

    async def start(self) -> None:
        """Deliver in the background until :meth:`stop`."""
        if not self._loops:
            self._loops = [asyncio.create_task(self._run()), asyncio.create_task(self._listen())]

    async def stop(self, patience_s: float = 10.0) -> None:
        """Take nothing new, wait for what is being worked on; what takes longer is handed out again."""
        await _cancelled(self._loops)
        self._loops = []
        if self._working:
            await asyncio.wait(self._working, timeout=patience_s)
        await _cancelled(self._working)

    async def drain(self) -> int:
        """Deliver everything that is due now, also what that brings about; gives how many were taken."""
        taken = 0
        while True:
            more = await self._take()
            taken += more
            if self._working:
                await asyncio.wait(self._working, return_when=asyncio.FIRST_COMPLETED)
            elif not more:
                return taken

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self._take()
            except Unavailable:
                log.warning("outbox.journal_unavailable")
                await asyncio.sleep(self._poll_s)
            # Not wait_for: in Python 3.11 it loses a cancellation that comes together with the wake-up.
            with suppress(TimeoutError):
                async with asyncio.timeout(self._poll_s):
                    await self._wake.wait()

    async def _listen(self) -> None:
        async with self._bus.subscribe(HINT) as hints:
            async for _, message in hints:
                topics = message.get("topics")
                if not isinstance(topics, list) or any(topic in self._consumers for topic in topics):
                    self._wake.set()

    async def _take(self) -> int:
        """Claim as many messages as there are free hands."""
        taken = 0
        for topic, free in list(self._free.items()):
            if free:
                deliveries = await self._journal.claim([topic], free, self._lease_s)
                self._free[topic] -= len(deliveries)
                for delivery in deliveries:
                    task = asyncio.create_task(self._deliver(delivery))
                    self._working.add(task)
                    task.add_done_callback(self._finished)
                taken += len(deliveries)
        self.looked = self._clock.now()
        return taken

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._working.discard(task)
        self._wake.set()
        if not task.cancelled() and (error := task.exception()):
            log.error("outbox.broken", error=type(error).__name__)

    async def _deliver(self, delivery: Delivery) -> None:
        topic = delivery.message.topic
        said = log.bind(topic=topic, id=delivery.id, attempt=delivery.attempt)
        renewing = asyncio.create_task(self._renew(delivery))
        try:
            await self._consumers[topic](delivery)
        except Exception as error:
            # Neither the log nor the row takes the error's text: it may quote what the message was about.
            why = error.code if isinstance(error, Refusal) else type(error).__name__
            self.counts["failed", topic] += 1
            said.warning("outbox.failed", why=why, retry_in_s=retry_in(delivery.attempt))
            with suppress(Unavailable):  # then its lease ends by itself
                await self._journal.failed(delivery, retry_in(delivery.attempt), why)
        else:
            self.counts["delivered", topic] += 1
            said.debug("outbox.delivered")
            with suppress(Unavailable):  # it will come again, and the consumer knows it by its key
                await self._journal.done(delivery)
        finally:
            self._free[topic] += 1
            await _cancelled([renewing])

    async def _renew(self, delivery: Delivery) -> None:
        while True:
            await asyncio.sleep(self._lease_s / 3)
            with suppress(Unavailable):
                await self._journal.extend(delivery, self._lease_s)


async def _cancelled(tasks: Iterable[asyncio.Task[None]]) -> None:
    pending = list(tasks)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
