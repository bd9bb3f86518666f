"""What was acknowledged is there after a restart, a kill, a dump, a server that went away."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import asyncpg
import psutil
import pytest

from tests.adapters.writing import START, FakeClock, add, note, verified, write
from tests.real.postgres import PostgresServer
from tests.real.process import free_ports
from villagecall.adapters import postgres as adapter
from villagecall.adapters.sql import open_journal
from villagecall.errors import Unavailable
from villagecall.ids import uuid7
from villagecall.journal import Head
from villagecall.ports import Journal, Place, Session
from villagecall.vault import SealedRecord

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("journal_url", ["sqlite", "postgres"], indirect=True)
async def test_everything_is_there_after_a_restart(journal_url: str, clock: FakeClock) -> None:
    stream, record = uuid7(), SealedRecord(uuid7(), uuid7(), "k", b"nonce", b"sealed")
    journal, sessions = await open_journal(journal_url, clock=clock)
    parts = {"names": ("number:1",), "join": (Place("q", "1"),), "records": (record,), "tokens": (b"t",)}
    once = write(stream, Head(), "a", "b", outbox=(note("issue", "1"),), **parts)
    first = await journal.append(once)
    await journal.reserve("2026", "a")
    await sessions.put(Session(b"d", uuid7(), "csrf", START, START))
    await journal.close()
    journal, sessions = await open_journal(journal_url, clock=clock)
    assert await verified(journal, stream) == first.head
    again = await journal.append(once)
    assert (again.replayed, again.head, again.position) == (True, first.head, first.position)
    found = await journal.by_name("number:1")
    assert found is not None
    assert found.stream == stream
    assert await journal.count("q") == 1
    assert await journal.record(record.id) == record
    assert len(await journal.search([b"t"], ["q"], 1)) == 1
    assert await journal.backlog() == {"issue": 1}
    assert await journal.reserve("2026", "b") == 2
    assert await sessions.get(b"d") is not None
    later = await add(journal, stream)
    assert [entry.position for entry in await journal.since(first.position, 10)] == [later.position]
    await journal.close()


@pytest.mark.parametrize("milliseconds", [40, 200, 700])
async def test_a_killed_writer_has_kept_everything_it_acknowledged(tmp_path: Path, milliseconds: int) -> None:
    url = f"sqlite:///{tmp_path}/journal.db"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.adapters.appending", url, "16"], stdout=subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    time.sleep(milliseconds / 1000)
    process.kill()
    said = [line.split() for line in (first + process.stdout.read()).decode().splitlines()]
    process.stdout.close()
    process.wait()
    assert said
    journal, _ = await open_journal(url)
    acknowledged: dict[UUID, Head] = {}
    for name, seq, digest in said:
        acknowledged[UUID(name)] = Head(int(seq), bytes.fromhex(digest))
    appends = 0
    for stream, head in acknowledged.items():
        stored = await verified(journal, stream)
        assert stored.seq >= head.seq
        assert head in [entry.head for entry in await journal.entries(stream)]
    for stream in await journal.streams(None, 1000):
        stored = await verified(journal, stream)
        assert stored.seq % 2 == 0  # both actions of an append, or none
        appends += stored.seq // 2
    assert await journal.backlog() == {"t": appends}  # and with each its promise
    await journal.close()


async def test_a_second_process_reads_and_writes_the_same_sqlite(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/journal.db"
    one, _ = await open_journal(url)
    other, _ = await open_journal(url)
    stream = uuid7()
    await asyncio.gather(*(add(one if n % 2 else other, stream) for n in range(20)))
    assert await verified(one, stream) == await verified(other, stream)
    await one.close()
    await other.close()


async def test_a_closed_journal_is_unavailable(tmp_path: Path) -> None:
    journal, _ = await open_journal(f"sqlite:///{tmp_path}/journal.db")
    await journal.close()
    await journal.close()
    with pytest.raises(Unavailable):
        await journal.append(write(uuid7()))
    assert not await journal.ready()


async def test_an_unforeseen_failure_undoes_one_write_and_not_its_neighbours(tmp_path: Path) -> None:
    """64 writes share a transaction; the ones with a state that SQLite cannot hold fail alone."""
    journal, _ = await open_journal(f"sqlite:///{tmp_path}/journal.db")
    writes = [write(uuid7(), outbox=(note("t", str(n)),), names=(f"n:{n}",)) for n in range(64)]
    broken = [write(one.stream, tokens=("not bytes\ud800",)) if n % 8 == 0 else one for n, one in enumerate(writes)]
    answers = await asyncio.gather(*(journal.append(one) for one in broken), return_exceptions=True)
    for n, (one, answer) in enumerate(zip(writes, answers, strict=True)):
        if n % 8 == 0:
            assert isinstance(answer, Exception)
            assert await journal.snapshot(one.stream) is None
        else:
            assert (await verified(journal, one.stream)).seq == 1
    assert await journal.backlog() == {"t": 56}
    await journal.close()


@pytest.fixture
async def postgres_journal(postgres_url: str) -> AsyncIterator[Journal]:
    journal, _ = await open_journal(postgres_url)
    yield journal
    await journal.close()


async def test_a_transaction_that_commits_late_is_not_stepped_over(
    postgres_journal: Journal, postgres_url: str
) -> None:
    """The late one took its number first; what came after it waits in ``since`` until it is in."""
    journal, slow = postgres_journal, await asyncpg.connect(postgres_url)
    early, late, after = uuid7(), uuid7(), uuid7()
    await add(journal, early)
    seen = await journal.since(0, 10)
    assert [entry.stream for entry in seen] == [early]
    transaction = slow.transaction()
    await transaction.start()
    (entry,) = (await journal.entries(early))[:1]
    await slow.execute(
        "insert into actions (position, stream, seq, raw, hash)"
        " select pg_current_xact_id()::text::bigint * 4096, $1, 1, raw, hash from actions where stream = $2",
        late,
        early,
    )
    answer = await add(journal, after)
    assert await journal.since(entry.position, 10) == []  # committed, and yet held back
    await transaction.commit()
    await slow.close()
    positions = [entry.position for entry in await journal.since(entry.position, 10)]
    assert len(positions) == 2
    assert positions == sorted(positions)
    assert positions[-1] == answer.position


async def test_positions_go_on_behind_those_of_a_dump(postgres_url: str) -> None:
    """A cluster filled from a dump counts its transactions from the start; the journal's order must not."""
    journal, _ = await open_journal(postgres_url)
    stream = uuid7()
    await add(journal, stream)
    await journal.close()
    connection = await asyncpg.connect(postgres_url)
    await connection.execute("update actions set position = position + (1::bigint << 40)")
    await connection.close()
    journal, _ = await open_journal(postgres_url)
    (restored,) = await journal.since(0, 10)
    answer = await add(journal, stream)
    assert answer.position > restored.position
    assert [entry.seq for entry in await journal.since(restored.position, 10)] == [2]
    await journal.close()
    journal, _ = await open_journal(postgres_url)  # once is enough
    assert (await add(journal, stream)).position - answer.position < 4096 * 1000
    await journal.close()


async def test_without_a_server_it_is_unavailable_at_once() -> None:
    with pytest.raises(Unavailable):
        await open_journal(f"postgresql://village@127.0.0.1:{free_ports(1)[0]}/village")


async def test_a_server_that_dies_and_comes_back() -> None:
    server = await asyncio.to_thread(lambda: PostgresServer(durable=True))
    try:
        journal, sessions = await open_journal(await server.database())
        stream = uuid7()
        kept = [await add(journal, stream) for _ in range(5)]
        appending = [asyncio.create_task(journal.append(write(uuid7()))) for _ in range(32)]
        await asyncio.to_thread(server.kill, signal.SIGKILL)
        answers = await asyncio.gather(*appending, return_exceptions=True)
        failures = [answer for answer in answers if isinstance(answer, BaseException)]
        assert [failure for failure in failures if not isinstance(failure, Unavailable)] == []
        assert not await journal.ready()
        for attempt in (journal.append(write(uuid7())), journal.snapshot(stream), journal.claim(["t"], 1, 1)):
            with pytest.raises(Unavailable):
                await attempt
        with pytest.raises(Unavailable):
            await sessions.get(b"d")
        server.restart()
        await asyncio.to_thread(server.wait_again)
        assert await verified(journal, stream) == kept[-1].head
        assert await journal.ready()
        await add(journal, stream)
        await journal.close()
    finally:
        await asyncio.to_thread(server.stop)


async def test_a_silent_server_hangs_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "ANSWER_S", 0.8)
    monkeypatch.setattr(adapter, "CONNECT_S", 0.8)
    server = await asyncio.to_thread(PostgresServer)
    try:
        journal, _ = await open_journal(await server.database())
        await add(journal, uuid7())
        processes = [psutil.Process(server.process.pid), *psutil.Process(server.process.pid).children()]
        for process in processes:
            process.suspend()
        started = time.monotonic()
        with pytest.raises(Unavailable):
            await journal.append(write(uuid7()))
        assert not await journal.ready()
        assert time.monotonic() - started < 8
        for process in processes:
            process.resume()
        await add(journal, uuid7())
        await journal.close()
    finally:
        await asyncio.to_thread(server.stop)
