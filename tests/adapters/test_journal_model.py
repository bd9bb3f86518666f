"""Any sequence of writes does to SQLite what it does to the model in memory."""

from __future__ import annotations

import asyncio
import operator
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.adapters.writing import FakeClock, note, verified, write
from villagecall.adapters.memory import MemoryJournal
from villagecall.adapters.sql import open_journal
from villagecall.errors import Refusal
from villagecall.journal import Head
from villagecall.ports import Journal, Place
from villagecall.vault import SealedRecord

STREAMS = [UUID(int=n + 1) for n in range(4)]
few = st.integers(0, 3)
streams = st.sampled_from(STREAMS)
lists = st.sampled_from(["a", "b", "乙"])
tokens = st.sampled_from([b"1", b"2", b"3"])
places = st.lists(st.builds(Place, lists, st.sampled_from(["", "1", "十", "é"])), max_size=3).map(tuple)


class Twins(RuleBasedStateMachine):
    """Every rule is done to both, and both must answer alike."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = FakeClock()
        self.heads: dict[UUID, list[Head]] = {stream: [Head()] for stream in STREAMS}
        self.model: Journal = MemoryJournal(self.clock)
        self.journal = self.run(self.open())

    def run(self, work: Any) -> Any:
        return self.runner.run(work)

    async def open(self) -> Journal:
        return (await open_journal(f"sqlite:///{Path(self.folder.name)}/journal.db", clock=self.clock))[0]

    def both(self, work: Callable[[Journal], Awaitable[Any]]) -> Any:
        async def answer(journal: Journal) -> Any:
            try:
                return await work(journal)
            except Refusal as refusal:
                return type(refusal)

        expected, found = self.run(answer(self.model)), self.run(answer(self.journal))
        assert found == expected
        return expected

    @rule(
        stream=streams,
        back=st.sampled_from([0, 0, 0, 1, 2]),
        key=st.integers(0, 30),
        kinds=st.lists(st.sampled_from(["opened", "filled"]), min_size=1, max_size=3),
        names=st.lists(st.sampled_from(["n1", "n2", "n3"]), max_size=2),
        messages=st.lists(st.tuples(st.sampled_from(["t", "u"]), few), max_size=3),
        join=places,
        leave=st.lists(lists, max_size=2),
        carried=st.none() | st.lists(tokens, max_size=3),
        more=st.lists(tokens, max_size=2),
        record=st.none() | few,
    )
    def append(
        self,
        stream: UUID,
        back: int,
        key: int,
        kinds: list[str],
        names: list[str],
        messages: list[tuple[str, int]],
        join: tuple[Place, ...],
        leave: list[str],
        carried: list[bytes] | None,
        more: list[bytes],
        record: int | None,
    ) -> None:
        heads = self.heads[stream]
        one = write(
            stream,
            heads[max(0, len(heads) - 1 - back)],
            *kinds,
            key=str(key),
            names=tuple(names),
            outbox=tuple(note(topic, str(n), n=n) for topic, n in messages),
            join=join,
            leave=tuple(leave),
            tokens=None if carried is None else tuple(carried),
            more_tokens=tuple(more),
            records=()
            if record is None
            else (SealedRecord(UUID(int=record + 1), stream, "k1", b"n", bytes([key + 1])),),
        )
        answer = self.both(lambda journal: journal.append(one))
        if not isinstance(answer, type) and not answer.replayed:
            heads.append(answer.head)

    @rule(list_=lists, limit=st.integers(1, 3), reverse=st.booleans())
    def page(self, list_: str, limit: int, reverse: bool) -> None:
        after: str | None = None
        while True:
            page = self.both(operator.methodcaller("page", list_, after, limit, reverse=reverse))
            after = page.next
            if after is None:
                break

    @rule(wanted=st.lists(tokens, max_size=2), within=st.lists(lists, max_size=2), limit=st.integers(1, 3))
    def search(self, wanted: list[bytes], within: list[str], limit: int) -> None:
        self.both(lambda journal: journal.search(wanted, within, limit))

    @rule(topics=st.lists(st.sampled_from(["t", "u"]), max_size=2), limit=st.integers(1, 3), end=few)
    def consume(self, topics: list[str], limit: int, end: int) -> None:
        for delivery in self.both(lambda journal: journal.claim(topics[:1], limit, 30)):
            if end == 1:
                self.both(operator.methodcaller("done", delivery))
            elif end == 2:
                self.both(operator.methodcaller("failed", delivery, 10, "why"))

    @rule(seconds=st.sampled_from([5, 31]))
    def time_passes(self, seconds: int) -> None:
        self.clock.pass_(seconds)

    @rule(number=few)
    def erase(self, number: int) -> None:
        self.both(lambda journal: journal.erase(UUID(int=number + 1)))

    @rule(number=few, key=few)
    def reserve(self, number: int, key: int) -> None:
        self.both(lambda journal: journal.reserve(str(number), str(key)))

    @rule(number=few, key_id=st.sampled_from(["k1", "k2"]))
    def reseal(self, number: int, key_id: str) -> None:
        self.both(
            lambda journal: journal.reseal(SealedRecord(UUID(int=number + 1), STREAMS[0], key_id, b"m", b"again"))
        )

    @rule()
    def restart(self) -> None:
        self.run(self.journal.close())
        self.journal = self.run(self.open())

    @invariant()
    def the_same_is_stored(self) -> None:
        async def everything(journal: Journal) -> list[Any]:
            whole: list[Any] = [await journal.since(0, 1000), await journal.backlog(), await journal.records(None, 10)]
            for stream in await journal.streams(None, 10):
                whole += (stream, await verified(journal, stream), await journal.entries(stream, 1))
            for name in ("n1", "n2", "n3"):
                whole.append(await journal.by_name(name))
            for list_ in ("a", "b", "乙"):
                whole.append(await journal.count(list_))
            return whole

        self.both(everything)

    def teardown(self) -> None:
        self.run(self.journal.close())
        self.runner.close()
        self.folder.cleanup()


Twins.TestCase.settings = settings(
    max_examples=8, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
test_sqlite_does_what_the_model_does = Twins.TestCase
