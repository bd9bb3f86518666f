"""A promise is kept at least once: woken by the hint, found by the poll, tried again after a failure."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.adapters.writing import FakeClock, add, note, write
from villagecall.adapters.bus_local import LocalBus
from villagecall.adapters.clock import SystemClock
from villagecall.adapters.memory import MemoryJournal
from villagecall.adapters.sql import open_journal
from villagecall.announcing import STREAM, Announcing
from villagecall.errors import Conflict, NameTaken, Unavailable
from villagecall.ids import uuid7
from villagecall.journal import JSON, Head
from villagecall.outbox import HINT, Outbox, retry_in
from villagecall.ports import Append, Appended, Consumer, Delivery


class Room:
    """A consumer that remembers what it was given; ``fails`` times it refuses."""

    def __init__(self, fails: int = 0, seconds: float = 0) -> None:
        self.fails, self.seconds = fails, seconds
        self.given: list[Delivery] = []
        self.at_once = self.most = 0
        self.met = asyncio.Event()

    async def __call__(self, delivery: Delivery) -> None:
        self.given.append(delivery)
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            await asyncio.sleep(self.seconds)
            if len(self.given) <= self.fails:
                raise RuntimeError("李桂芳 could not be served")
        finally:
            self.at_once -= 1
        self.met.set()


class DeafBus:
    """A bus that loses everything: what is left is the poll."""

    async def publish(self, topic: str, message: Mapping[str, JSON]) -> None:
        raise Unavailable(part="bus")

    def subscribe(self, *topics: str) -> AbstractAsyncContextManager[AsyncIterator[tuple[str, dict[str, JSON]]]]:
        return LocalBus().subscribe(*topics)

    async def ready(self) -> bool:
        return False

    async def close(self) -> None:
        return None


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def journal(clock: FakeClock) -> MemoryJournal:
    return MemoryJournal(clock)


def outbox(journal: MemoryJournal | Announcing, clock: FakeClock, **consumers: Consumer) -> Outbox:
    return Outbox(journal, LocalBus(), clock, consumers)


async def test_each_message_goes_to_the_consumer_of_its_topic(journal: MemoryJournal, clock: FakeClock) -> None:
    issue, print_ = Room(), Room()
    box = outbox(journal, clock, issue=issue, print=print_)
    stream = uuid7()
    await add(journal, stream, outbox=(note("issue", "1", case="x"), note("print", "1"), note("other", "1")))
    assert await box.drain() == 2
    (delivery,) = issue.given
    assert (delivery.message, delivery.stream, delivery.attempt) == (note("issue", "1", case="x"), stream, 1)
    assert len(print_.given) == 1
    assert await journal.backlog() == {"other": 1}  # nobody here serves it; another process may
    assert box.counts == {("delivered", "issue"): 1, ("delivered", "print"): 1}
    assert box.looked == clock.now()


async def test_draining_follows_what_a_consumer_brings_about(journal: MemoryJournal, clock: FakeClock) -> None:
    stream = uuid7()
    served: list[int] = []

    async def consume(delivery: Delivery) -> None:
        step = int(delivery.message.key)
        served.append(step)
        if step < 5:
            await add(journal, stream, "step", key=f"step {step}", outbox=(note("step", str(step + 1)),))

    await add(journal, stream, outbox=(note("step", "1"),))
    assert await outbox(journal, clock, step=consume).drain() == 5
    assert served == [1, 2, 3, 4, 5]


async def test_a_consumer_that_fails_gets_it_again_later_and_later(journal: MemoryJournal, clock: FakeClock) -> None:
    room = Room(fails=3)
    box = outbox(journal, clock, issue=room)
    await add(journal, uuid7(), outbox=(note("issue", "1"),))
    for attempt, wait in ((1, 0.5), (2, 1), (3, 2)):
        assert await box.drain() == 1
        clock.pass_(wait - 0.1)
        assert await box.drain() == 0
        clock.pass_(0.2)
        assert len(room.given) == attempt
    assert await box.drain() == 1
    assert [delivery.attempt for delivery in room.given] == [1, 2, 3, 4]
    assert await journal.backlog() == {}
    assert box.counts == {("failed", "issue"): 3, ("delivered", "issue"): 1}


async def test_the_wait_doubles_up_to_five_minutes() -> None:
    assert [retry_in(attempt) for attempt in (1, 2, 3, 10, 11, 5000)] == [0.5, 1, 2, 256, 300, 300]


async def test_a_failure_is_logged_without_what_it_was_about(journal: MemoryJournal, clock: FakeClock) -> None:
    await add(journal, uuid7(), outbox=(note("issue", "1", name="李桂芳"),))
    with capture_logs() as logs:
        await outbox(journal, clock, issue=Room(fails=1)).drain()
    assert [(line["event"], line["topic"], line["why"]) for line in logs] == [
        ("outbox.failed", "issue", "RuntimeError")
    ]
    assert "李桂芳" not in str(logs)


async def test_no_more_at_once_than_the_topic_allows(journal: MemoryJournal, clock: FakeClock) -> None:
    many, few = Room(seconds=0.01), Room(seconds=0.01)
    box = Outbox(journal, LocalBus(), clock, {"many": many, "few": few}, parallel={"few": 1})
    notes = [note(topic, str(at)) for at in range(12) for topic in ("many", "few")]
    await add(journal, uuid7(), outbox=tuple(notes))
    assert await box.drain() == 24
    assert (many.most, few.most) == (4, 1)


async def test_the_hint_wakes_it_long_before_the_poll() -> None:
    bus, room = LocalBus(), Room()
    journal = Announcing(MemoryJournal(), bus)
    box = Outbox(journal, bus, SystemClock(), {"issue": room}, poll_s=60)
    await box.start()
    await box.start()  # once is enough
    await asyncio.sleep(0.05)
    await add(journal, uuid7(), outbox=(note("issue", "1"),))
    await asyncio.wait_for(room.met.wait(), 5)
    await box.stop()
    assert len(room.given) == 1


async def test_the_poll_finds_it_without_any_hint() -> None:
    bus, room = DeafBus(), Room()
    journal = Announcing(MemoryJournal(), bus)
    box = Outbox(journal, bus, SystemClock(), {"issue": room}, poll_s=0.05)
    await box.start()
    await add(journal, uuid7(), outbox=(note("issue", "1"),))
    await asyncio.wait_for(room.met.wait(), 5)
    await box.stop()


async def test_a_killed_process_hands_its_messages_on() -> None:
    """Stopping without patience is what a kill does: the lease ends, and another process takes over."""
    journal = MemoryJournal()
    stuck, room = Room(seconds=3600), Room()
    await add(journal, uuid7(), outbox=(note("issue", "1"),))
    dying = Outbox(journal, LocalBus(), SystemClock(), {"issue": stuck}, lease_s=0.3)
    await dying.start()
    while not stuck.given:
        await asyncio.sleep(0.01)
    await dying.stop(patience_s=0)
    living = Outbox(journal, LocalBus(), SystemClock(), {"issue": room}, poll_s=0.05)
    await living.start()
    await asyncio.wait_for(room.met.wait(), 5)
    await living.stop()
    assert room.given[0].attempt == 2
    assert await journal.backlog() == {}


async def test_a_slow_consumer_keeps_its_lease() -> None:
    journal, slow, other = MemoryJournal(), Room(seconds=0.6), Room()
    await add(journal, uuid7(), outbox=(note("scan", "1"),))
    first = Outbox(journal, LocalBus(), SystemClock(), {"scan": slow}, lease_s=0.2, poll_s=0.05)
    second = Outbox(journal, LocalBus(), SystemClock(), {"scan": other}, lease_s=0.2, poll_s=0.05)
    await first.start()
    while not slow.given:
        await asyncio.sleep(0.01)
    await second.start()
    await asyncio.wait_for(slow.met.wait(), 5)
    await first.stop()
    await second.stop()
    assert (len(slow.given), other.given) == (1, [])


async def test_stopping_waits_for_what_is_being_worked_on() -> None:
    journal, room = MemoryJournal(), Room(seconds=0.1)
    await add(journal, uuid7(), outbox=(note("issue", "1"),))
    box = Outbox(journal, LocalBus(), SystemClock(), {"issue": room})
    await box.start()
    while not room.given:
        await asyncio.sleep(0.01)
    await box.stop()
    assert room.met.is_set()
    assert await journal.backlog() == {}


async def test_a_stop_that_comes_together_with_a_hint_is_not_lost() -> None:
    """``asyncio.wait_for`` of Python 3.11 swallows a cancellation in that instant; then nothing ever stopped."""
    bus = LocalBus()
    for _ in range(20):
        outbox = Outbox(MemoryJournal(), bus, SystemClock(), {"letter": Room()}, poll_s=30)
        await outbox.start()
        await asyncio.sleep(0.005)
        outbox._wake.set()
        async with asyncio.timeout(5):
            await outbox.stop()


async def test_a_journal_that_is_away_is_waited_for() -> None:
    class Failing(MemoryJournal):
        away = True

        async def claim(self, *args: Any, **options: Any) -> list[Delivery]:
            if self.away:
                raise Unavailable(part="database")
            return await super().claim(*args, **options)

    journal, room = Failing(), Room()
    await add(journal, uuid7(), outbox=(note("issue", "1"),))
    box = Outbox(journal, LocalBus(), SystemClock(), {"issue": room}, poll_s=0.02)
    await box.start()
    await asyncio.sleep(0.1)
    assert room.given == []
    journal.away = False
    await asyncio.wait_for(room.met.wait(), 5)
    await box.stop()


async def test_every_committed_append_is_announced_and_counted() -> None:
    bus = LocalBus()
    journal = Announcing(MemoryJournal(), bus)
    stream = uuid7()
    first = write(stream, Head(), "case.opened", "form.filled", outbox=(note("b", "1"), note("a", "1"), note("a", "2")))
    async with bus.subscribe(STREAM, HINT) as hints:
        await journal.append(first)
        assert await anext(hints) == (
            STREAM,
            {"stream": str(stream), "kind": "case", "seq": 2, "actions": ["case.opened", "form.filled"]},
        )
        assert await anext(hints) == (HINT, {"topics": ["a", "b"]})
        await journal.append(first)
        assert (await anext(hints))[0] == STREAM
    with pytest.raises(Conflict):
        await journal.append(write(stream))
    await journal.append(write(uuid7(), names=("n",)))
    with pytest.raises(NameTaken):
        await journal.append(write(uuid7(), names=("n",)))
    assert journal.counts == {"appends": 2, "replays": 1, "conflicts": 1, "refusals": 1}


async def test_a_bus_that_hangs_delays_no_append() -> None:
    class Hanging(LocalBus):
        async def publish(self, topic: str, message: Mapping[str, JSON]) -> None:
            await asyncio.sleep(0.5)

    journal = Announcing(MemoryJournal(), Hanging())
    started = time.monotonic()
    for _ in range(50):
        await journal.append(write(uuid7()))
    assert time.monotonic() - started < 0.4
    assert isinstance(await journal.append(write(uuid7())), Appended)


async def test_a_promise_exists_if_and_only_if_its_append_committed(tmp_path: Path) -> None:
    journal, _ = await open_journal(f"sqlite:///{tmp_path}/journal.db")
    room = Room()
    box = Outbox(journal, LocalBus(), SystemClock(), {"issue": room})
    stream = uuid7()
    winner = Append(stream, "case", Head(), write(stream).actions, b"", "a", outbox=(note("issue", "winner"),))
    loser = Append(stream, "case", Head(), write(stream).actions, b"", "b", outbox=(note("issue", "loser"),))
    await journal.append(winner)
    with pytest.raises(Conflict):
        await journal.append(loser)
    await box.drain()
    assert [delivery.message.key for delivery in room.given] == ["winner"]
    await journal.close()
