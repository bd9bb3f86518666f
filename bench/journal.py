"""Durable appends per second, PostgreSQL and SQLite, beside bare anchors in the same run.

Ours is ``Journal.append`` with everything it does: canonical bytes, hash chain, idempotency key, expected
head, snapshot, outbox message. The anchors store the same bytes and check nothing. Rounds are interleaved,
ours and anchors by turns; the figure is the median of the ratios of neighbouring rounds.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import asyncpg
import uvloop

from bench.figure import Figure
from tests.real.postgres import PostgresServer
from villagecall.adapters.sql import open_journal
from villagecall.adapters.sqlite import connect
from villagecall.ids import uuid7
from villagecall.journal import GENESIS, JSON, SYSTEM, Action, Head, body
from villagecall.ports import Append, Journal, Message

CALLERS = 64
CONNECTIONS = 16
ROUNDS = 7
SECONDS = 2.0
STATE = b"x" * 600
PAYLOAD: dict[str, JSON] = {"item": "LN-001", "village": "510811101201", "note": "材料齐全,符合条件", "pages": 3}
AT = datetime(2026, 11, 2, 1, tzinfo=UTC)

Round = Callable[[], Awaitable[float]]


def _action() -> Action:
    return Action("case.submitted", SYSTEM, AT, PAYLOAD)


async def _rate(work: Callable[[int], Awaitable[None]]) -> float:
    """How often ``work(caller)`` is done per second by all callers together."""
    until = time.perf_counter() + SECONDS
    done = [0] * CALLERS

    async def call(caller: int) -> None:
        while time.perf_counter() < until:
            await work(caller)
            done[caller] += 1

    started = time.perf_counter()
    await asyncio.gather(*(call(caller) for caller in range(CALLERS)))
    return sum(done) / (time.perf_counter() - started)


def _ours(journal: Journal) -> Round:
    """Each caller lives the life of a case: ten actions, then the next case; a message with every action."""
    streams, heads = [uuid7() for _ in range(CALLERS)], [Head()] * CALLERS

    async def work(caller: int) -> None:
        if heads[caller].seq == 10:
            streams[caller], heads[caller] = uuid7(), Head()
        key = uuid7().hex
        stream = streams[caller]
        message = Message("bench", key, {"case": str(stream)})
        write = Append(stream, "case", heads[caller], (_action(),), STATE, key, outbox=(message,))
        heads[caller] = (await journal.append(write)).head

    return lambda: _rate(work)


_ANCHOR = """with a as (insert into anchor_actions (stream, seq, raw) values ($1, $2, $3)),
 s as (insert into anchor_streams (stream, seq, state) values ($1, $2, $4)
 on conflict (stream) do update set seq = excluded.seq, state = excluded.state)
 insert into anchor_outbox (stream, payload) values ($1, $5)"""
_ANCHOR_TABLES = """create table anchor_actions (stream uuid, seq bigint, raw bytea, primary key (stream, seq));
 create table anchor_streams (stream uuid primary key, seq bigint, state bytea);
 create table anchor_outbox (id bigserial primary key, stream uuid, payload bytea)"""


def _anchor_postgres(pool: asyncpg.Pool) -> Round:
    """One statement, three inserts, the same callers and connections, bytes made once."""
    streams, sequences = [uuid7() for _ in range(CALLERS)], [0] * CALLERS
    raw = body(uuid7(), 1, _action())

    async def work(caller: int) -> None:
        if sequences[caller] == 10:
            streams[caller], sequences[caller] = uuid7(), 0
        sequences[caller] += 1
        await pool.execute(_ANCHOR, streams[caller], sequences[caller], raw, STATE, b'{"case":"x"}')

    return lambda: _rate(work)


async def _postgres() -> Figure:
    server = await asyncio.to_thread(lambda: PostgresServer(durable=True))
    try:
        url = await server.database()
        journal, _ = await open_journal(url, connections=CONNECTIONS)
        await server.execute(_ANCHOR_TABLES, url.rsplit("/", 1)[1])
        pool = await asyncpg.create_pool(url, min_size=CONNECTIONS, max_size=CONNECTIONS)
        ours, (anchor,), (ratio,) = await _interleaved(_ours(journal), _anchor_postgres(pool))
        await pool.close()
        await journal.close()
    finally:
        await asyncio.to_thread(server.stop)
    return Figure(
        "durable appends/s, PostgreSQL, 64 callers",
        f"{ours:,.0f}",
        "one-statement asyncpg",
        f"{anchor:,.0f}",
        ratio,
        "≥ 0.5 ×",
        ratio >= 0.5,
    )


class _OneByOne:
    """One fsync per transaction: a thread that commits each caller's statements by themselves, and checks nothing."""

    def __init__(self, path: Path) -> None:
        self._connection = connect(path)
        self._jobs: queue.SimpleQueue[tuple[list[tuple[str, tuple[object, ...]]], asyncio.Future[None]] | None]
        self._jobs = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        execute = self._connection.execute
        while job := self._jobs.get():
            statements, answer = job
            execute("begin immediate")
            for sql, values in statements:
                execute(sql, values)
            execute("commit")
            answer.get_loop().call_soon_threadsafe(answer.set_result, None)

    async def write(self, *statements: tuple[str, tuple[object, ...]]) -> None:
        answer = asyncio.get_running_loop().create_future()
        self._jobs.put((list(statements), answer))
        await answer

    def close(self) -> None:
        self._jobs.put(None)
        self._thread.join()
        self._connection.close()


_LEAN_TABLES = """create table actions (stream blob, seq int, raw blob, primary key (stream, seq));
 create table streams (stream blob primary key, seq int, state blob);
 create table outbox (id integer primary key, stream blob, payload blob);"""


def _lean(anchor: _OneByOne) -> Round:
    """The least that could be called an append: no hash, no key, no index beside the primary keys."""
    raw, numbers = body(uuid7(), 1, _action()), count(1)
    streams = [uuid7().bytes for _ in range(CALLERS)]

    async def work(caller: int) -> None:
        stream, seq = streams[caller], next(numbers)
        await anchor.write(
            ("insert into actions values (?, ?, ?)", (stream, seq, raw)),
            ("insert or replace into streams values (?, ?, ?)", (stream, seq, STATE)),
            ("insert into outbox (stream, payload) values (?, ?)", (stream, b'{"case":"x"}')),
        )

    return lambda: _rate(work)


def _same_rows(anchor: _OneByOne) -> Round:
    """The rows that ours stores, in the tables and indexes that ours has; the bytes made once."""
    raw = body(uuid7(), 1, _action())
    streams, sequences = [uuid7().bytes for _ in range(CALLERS)], [0] * CALLERS

    async def work(caller: int) -> None:
        if sequences[caller] == 10:
            streams[caller], sequences[caller] = uuid7().bytes, 0
        sequences[caller] += 1
        stream, seq, key = streams[caller], sequences[caller], uuid7().hex
        await anchor.write(
            (
                "insert into streams (stream, kind, seq, hash, state) values (?, ?, ?, ?, ?) on conflict (stream)"
                " do update set kind = excluded.kind, seq = excluded.seq, hash = excluded.hash, state = excluded.state",
                (stream, "case", seq, GENESIS, STATE),
            ),
            (
                "insert into actions (stream, seq, raw, hash, key, count) values (?, ?, ?, ?, ?, ?)",
                (stream, seq, raw, GENESIS, key, 1),
            ),
            (
                "insert into outbox (topic, key, stream, payload, due) values (?, ?, ?, ?, ?)",
                ("bench", key, stream, b'{"case":"0199c7a1-7c5e-7000-8000-000000000000"}', 1),
            ),
        )

    return lambda: _rate(work)


async def _sqlite() -> list[Figure]:
    """Beside two anchors: one stores the same rows, the other the least that could be called an append."""
    with tempfile.TemporaryDirectory(prefix="villagecall-bench-") as folder:
        journal, _ = await open_journal(f"sqlite:///{folder}/ours.db")
        await (await open_journal(f"sqlite:///{folder}/same.db"))[0].close()  # makes the tables
        with closing(sqlite3.connect(f"{folder}/lean.db")) as made:
            made.executescript(_LEAN_TABLES)
        same, lean = (_OneByOne(Path(folder) / name) for name in ("same.db", "lean.db"))
        ours, anchors, ratios = await _interleaved(_ours(journal), _same_rows(same), _lean(lean))
        same.close()
        lean.close()
        await journal.close()
    return [
        Figure(
            "durable appends/s, SQLite synchronous=FULL, 64 callers",
            f"{ours:,.0f}",
            f"one fsync per transaction, {what}",
            f"{anchor:,.0f}",
            ratio,
            "≥ 2.5 ×",
            ratio >= 2.5,
        )
        for what, anchor, ratio in zip(("the same rows", "fewer indexes"), anchors, ratios, strict=True)
    ]


async def _interleaved(ours: Round, *anchors: Round) -> tuple[float, list[float], list[float]]:
    """Medians of ours, of each anchor and of the ratios within a turn; the first turn warms up."""
    turns = [[await one() for one in (ours, *anchors)] for _ in range(ROUNDS + 1)][1:]
    first, *others = zip(*turns, strict=True)
    return (
        statistics.median(first),
        [statistics.median(other) for other in others],
        [statistics.median(a / b for a, b in zip(first, other, strict=True)) for other in others],
    )


def run() -> list[Figure]:
    """On the loop that the server runs on."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return [runner.run(_postgres()), *runner.run(_sqlite())]
