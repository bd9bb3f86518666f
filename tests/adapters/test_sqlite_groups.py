"""Writes that come at the same time are stored together, and end as if they had come one after the other."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.adapters.writing import FakeClock, note, verified, write
from villagecall.adapters import sqlite_parts
from villagecall.adapters.memory import MemoryJournal
from villagecall.adapters.sql import open_journal
from villagecall.adapters.writes import Prepared
from villagecall.errors import Conflict, Refusal
from villagecall.ids import uuid7
from villagecall.journal import Head
from villagecall.ports import Append, Journal, Place
from villagecall.vault import SealedRecord

STREAMS = [UUID(int=n + 1) for n in range(12)]
LISTS = st.sampled_from(["a", "b", "乙"])
NAMES = ("n1", "n2", "n3", "n4")

drafts = st.fixed_dictionaries(
    {
        "stream": st.sampled_from(STREAMS),
        "stale": st.sampled_from([False, False, False, False, True]),
        "kinds": st.lists(st.sampled_from(["opened", "filled"]), min_size=1, max_size=3),
        "names": st.lists(st.sampled_from(NAMES), max_size=1),
        "messages": st.lists(st.integers(0, 30), max_size=2),
        "join": st.lists(st.builds(Place, LISTS, st.sampled_from(["", "1", "十"])), max_size=2),
        "leave": st.lists(LISTS, max_size=1),
        "tokens": st.none() | st.lists(st.sampled_from([b"1", b"2"]), max_size=2),
        "more_tokens": st.lists(st.sampled_from([b"2", b"3"]), max_size=2),
        "record": st.none() | st.integers(1, 3),
        "twice": st.sampled_from([False, False, False, True]),
    }
)


def appends(draft: dict[str, Any], heads: dict[UUID, Head], key: str) -> list[Append]:
    stream = draft["stream"]
    one = write(
        stream,
        Head(9, b"\1" * 32) if draft["stale"] else heads.get(stream, Head()),
        *draft["kinds"],
        key=key,
        names=tuple(draft["names"]),
        outbox=tuple(note("t", str(n), n=n) for n in draft["messages"]),
        join=tuple(draft["join"]),
        leave=tuple(draft["leave"]),
        tokens=None if draft["tokens"] is None else tuple(draft["tokens"]),
        more_tokens=tuple(draft["more_tokens"]),
        records=() if draft["record"] is None else (SealedRecord(UUID(int=draft["record"]), stream, key, b"n", b"c"),),
    )
    return [one, one] if draft["twice"] else [one]


async def answer(journal: Journal, one: Append) -> object:
    try:
        return await journal.append(one)
    except Refusal as refusal:
        return type(refusal)


async def stored(journal: Journal) -> list[object]:
    whole: list[object] = [await journal.since(0, 1000), await journal.backlog(), await journal.records(None, 10)]
    for stream in await journal.streams(None, 100):
        whole += (stream, await verified(journal, stream), await journal.snapshot(stream))
    whole += [await journal.by_name(name) for name in NAMES]
    whole += [await journal.page(list_) for list_ in ("a", "b", "乙")]
    whole += [await journal.search([token], [], 100) for token in (b"1", b"2")]
    return [*whole, await journal.claim(["t"], 100, 1)]


@settings(max_examples=25, deadline=None)
@given(rounds=st.lists(st.lists(drafts, min_size=1, max_size=24), min_size=1, max_size=4), beside=st.booleans())
async def test_a_group_ends_as_its_writes_one_by_one(rounds: list[list[dict[str, Any]]], beside: bool) -> None:
    """``beside``: other work is in the group too, so that the whole is one transaction of many statements."""
    clock = FakeClock()
    with tempfile.TemporaryDirectory() as folder:
        model: Journal = MemoryJournal(clock)
        journal, _ = await open_journal(f"sqlite:///{folder}/journal.db", clock=clock)
        heads: dict[UUID, Head] = {}
        for at, drawn in enumerate(rounds):
            group = [one for n, draft in enumerate(drawn) for one in appends(draft, heads, f"{at}-{n}")]
            expected = [await answer(model, one) for one in group]
            others = [journal.reserve("scope", f"{at}-{n}") for n in range(len(group))] if beside else []
            found, _ = await asyncio.gather(
                asyncio.gather(*(answer(journal, one) for one in group)), asyncio.gather(*others)
            )
            assert found == expected
            for stream in STREAMS:
                snapshot = await model.snapshot(stream)
                if snapshot is not None:
                    heads[stream] = snapshot.head
        assert await stored(journal) == await stored(model)
        await journal.close()


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many writes each single statement carried."""
    carried: list[int] = []
    store = sqlite_parts.store

    def counted(connection: sqlite3.Connection, group: list[Prepared], last: int, now: int) -> bool:
        taken = store(connection, group, last, now)
        if taken:
            carried.append(len(group))
        return taken

    monkeypatch.setattr(sqlite_parts, "store", counted)
    return carried


async def test_64_callers_share_few_statements(tmp_path: Path, statements: list[int]) -> None:
    journal, _ = await open_journal(f"sqlite:///{tmp_path}/journal.db")
    await asyncio.gather(*(journal.append(write(uuid7(), names=(f"n:{n}",))) for n in range(64)))
    assert sum(statements) == 64
    assert len(statements) <= 8
    await journal.close()


async def test_a_write_of_more_parts_than_one_statement_takes(tmp_path: Path, statements: list[int]) -> None:
    journal, _ = await open_journal(f"sqlite:///{tmp_path}/journal.db")
    stream, tokens = uuid7(), tuple(b"%d" % n for n in range(sqlite_parts.ROWS + 1))
    await journal.append(write(stream, tokens=tokens, join=(Place("q", "1"),)))
    assert statements == []
    for token in (tokens[0], tokens[-1]):
        assert [found.stream for found in await journal.search([token], ["q"], 2)] == [stream]
    await journal.close()


async def test_a_position_that_another_process_took_is_not_taken_again(tmp_path: Path, statements: list[int]) -> None:
    one, _ = await open_journal(f"sqlite:///{tmp_path}/journal.db")
    other, _ = await open_journal(f"sqlite:///{tmp_path}/journal.db")
    positions = [(await (one, other, other)[n % 3].append(write(uuid7(), Head(), "a", "b"))).position for n in range(9)]
    assert positions == [2 * n + 2 for n in range(9)]
    assert [entry.position for entry in await one.since(0, 100)] == list(range(1, 19))
    assert 0 < len(statements) < 9
    with pytest.raises(Conflict):
        await one.append(write(uuid7(), Head(1, b"x" * 32)))
    await one.close()
    await other.close()
