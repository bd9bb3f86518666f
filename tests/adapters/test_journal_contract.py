"""What every journal promises about writing: conflict, replay, names, all or nothing, order."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tests.adapters.writing import START, FakeClock, action, add, note, verified, write
from villagecall.errors import Conflict, KeyReused, NameTaken
from villagecall.ids import uuid7
from villagecall.journal import GENESIS, SYSTEM, Action, Head
from villagecall.ports import Journal, Place
from villagecall.vault import SealedRecord


async def test_an_append_is_read_back_as_it_was_written(journal: Journal) -> None:
    stream = uuid7()
    said = Action("case.opened", SYSTEM, START + timedelta(microseconds=1), {"item": "低保", "list": [1, None, True]})
    answer = await journal.append(write(stream, actions=(said,), state="快照\0".encode(), kind="case"))
    (entry,) = await journal.entries(stream)
    assert entry.action == said
    assert (entry.stream, entry.seq, entry.prev) == (stream, 1, GENESIS)
    assert entry.head == answer.head == await verified(journal, stream)
    assert entry.position == answer.position > 0
    snapshot = await journal.snapshot(stream)
    assert snapshot is not None
    assert (snapshot.kind, snapshot.state) == ("case", "快照\0".encode())


async def test_several_actions_of_one_append_stand_in_order(journal: Journal) -> None:
    stream = uuid7()
    answer = await journal.append(write(stream, Head(), "case.opened", "form.filled", "case.submitted"))
    entries = await journal.entries(stream)
    assert [entry.action.kind for entry in entries] == ["case.opened", "form.filled", "case.submitted"]
    assert [entry.seq for entry in entries] == [1, 2, 3]
    assert entries[-1].position == answer.position
    assert sorted(entry.position for entry in entries) == [entry.position for entry in entries]
    assert await verified(journal, stream) == answer.head


async def test_entries_after_a_sequence_number(journal: Journal) -> None:
    stream = uuid7()
    await journal.append(write(stream, Head(), "a", "b", "c"))
    entries = await journal.entries(stream, after=1)
    assert [entry.seq for entry in entries] == [2, 3]
    assert entries[0].prev == (await journal.entries(stream))[0].hash
    assert await journal.entries(stream, after=3) == []


async def test_what_is_not_there_is_none(journal: Journal) -> None:
    nobody = uuid7()
    assert await journal.snapshot(nobody) is None
    assert await journal.by_name("number:none") is None
    assert await journal.record(nobody) is None
    assert await journal.entries(nobody) == []
    assert await journal.raw(nobody) == []


@pytest.mark.parametrize("seq", [0, 1, 3])
async def test_a_wrong_sequence_is_a_conflict_and_writes_nothing(journal: Journal, seq: int) -> None:
    stream = uuid7()
    first = await add(journal, stream)
    second = await add(journal, stream, "form.filled")
    stale = {0: Head(), 1: first.head, 3: Head(3, second.head.hash)}[seq]
    with pytest.raises(Conflict):
        await journal.append(
            write(stream, stale, outbox=(note("t", "1"),), names=("number:9",), join=(Place("q", "1"),))
        )
    assert await verified(journal, stream) == second.head
    assert await journal.backlog() == {}
    assert await journal.by_name("number:9") is None
    assert await journal.count("q") == 0


async def test_the_right_number_with_the_wrong_hash_is_a_conflict(journal: Journal) -> None:
    stream = uuid7()
    await add(journal, stream)
    with pytest.raises(Conflict):
        await journal.append(write(stream, Head(1, b"\1" * 32)))


async def test_a_stream_that_is_not_there_cannot_be_continued(journal: Journal) -> None:
    with pytest.raises(Conflict):
        await journal.append(write(uuid7(), Head(1, b"\1" * 32)))


async def test_an_append_without_an_action_is_refused(journal: Journal) -> None:
    with pytest.raises(ValueError, match="at least one action"):
        await journal.append(write(uuid7(), actions=()))


async def test_a_replayed_key_answers_what_the_first_answered(journal: Journal) -> None:
    stream = uuid7()
    once = write(stream, Head(), "case.opened", "form.filled", outbox=(note("t", "1"),))
    first = await journal.append(once)
    later = await add(journal, stream, "case.submitted")
    again = await journal.append(once)
    assert again.replayed
    assert not first.replayed
    assert (again.head, again.position) == (first.head, first.position)
    assert await verified(journal, stream) == later.head
    assert await journal.backlog() == {"t": 1}


async def test_a_replay_with_the_present_head_writes_nothing_either(journal: Journal) -> None:
    stream = uuid7()
    first = await journal.append(write(stream, key="k"))
    again = await journal.append(write(stream, first.head, key="k", state=b"other", join=(Place("q", "1"),)))
    assert again.replayed
    snapshot = await journal.snapshot(stream)
    assert snapshot is not None
    assert (snapshot.head, snapshot.state) == (first.head, b"state after 1")
    assert await journal.count("q") == 0


async def test_a_key_used_for_another_stream_or_action_is_told(journal: Journal) -> None:
    stream, other = uuid7(), uuid7()
    first = await journal.append(write(stream, key="k"))
    with pytest.raises(KeyReused):
        await journal.append(write(other, key="k"))
    with pytest.raises(KeyReused):
        await journal.append(write(stream, first.head, "case.submitted", key="k"))
    assert await journal.snapshot(other) is None
    assert await verified(journal, stream) == first.head


async def test_the_same_write_sent_five_times_at_once_is_written_once(journal: Journal) -> None:
    stream = uuid7()
    once = write(stream, outbox=(note("issue", "1"),), names=("number:1",))
    answers = await asyncio.gather(*(journal.append(once) for _ in range(5)))
    assert len({answer.head for answer in answers}) == 1
    assert [answer.replayed for answer in answers].count(False) == 1
    assert len(await journal.entries(stream)) == 1
    assert await journal.backlog() == {"issue": 1}


async def test_a_name_leads_to_its_stream(journal: Journal) -> None:
    stream = uuid7()
    await journal.append(write(stream, names=("number:1", "login:甲")))
    for name in ("number:1", "login:甲"):
        snapshot = await journal.by_name(name)
        assert snapshot is not None
        assert snapshot.stream == stream
    await add(journal, stream, names=("number:1",))  # one's own name again is nothing new


async def test_a_name_of_another_stream_undoes_the_whole_write(journal: Journal) -> None:
    owner, other = uuid7(), uuid7()
    await journal.append(write(owner, names=("number:1",)))
    record = SealedRecord(uuid7(), other, "k1", b"nonce", b"sealed")
    with pytest.raises(NameTaken):
        await journal.append(
            write(
                other,
                outbox=(note("t", "1"),),
                names=("number:0", "number:1", "number:2"),
                join=(Place("q", "1"),),
                records=(record,),
                tokens=(b"token",),
                key="k",
            )
        )
    assert await journal.snapshot(other) is None
    assert await journal.entries(other) == []
    assert await journal.by_name("number:0") is None
    assert await journal.by_name("number:2") is None
    assert await journal.count("q") == 0
    assert await journal.backlog() == {}
    assert await journal.record(record.id) is None
    assert await journal.search([b"token"], [], 10) == []
    # And the key is free: it was never used.
    assert not (await journal.append(write(other, key="k"))).replayed


async def test_two_streams_that_want_one_name_at_once(journal: Journal) -> None:
    async def take() -> bool:
        try:
            await journal.append(write(uuid7(), names=("number:a", "number:b", "number:c")))
        except NameTaken:
            return False
        return True

    assert sum(await asyncio.gather(*(take() for _ in range(16)))) == 1


async def test_since_reads_every_stream_in_the_order_of_writing(journal: Journal) -> None:
    streams = [uuid7() for _ in range(3)]
    for at in range(9):
        await add(journal, streams[at % 3], "a", "b")
    whole = await journal.since(0, 100)
    assert [entry.stream for entry in whole] == [streams[at // 2 % 3] for at in range(18)]
    assert [entry.position for entry in whole] == sorted({entry.position for entry in whole})
    pieces, position = [], 0
    while piece := await journal.since(position, 4):
        assert len(piece) <= 4
        pieces += piece
        position = piece[-1].position
    assert pieces == whole
    for stream in streams:
        assert [entry for entry in whole if entry.stream == stream] == await journal.entries(stream)


async def test_streams_are_listed_once_each_in_pieces(journal: Journal) -> None:
    made = sorted([uuid7() for _ in range(7)])
    for stream in reversed(made):
        await add(journal, stream)
        await add(journal, stream)
    found, after = [], None
    while piece := await journal.streams(after, 3):
        found += piece
        after = piece[-1]
    assert found == made


async def test_64_writers_on_one_stream_lose_nothing(journal: Journal) -> None:
    stream = uuid7()
    await add(journal, stream)
    await asyncio.gather(*(add(journal, stream, "case.viewed", actions=(action("n", n=n),)) for n in range(64)))
    assert (await verified(journal, stream)).seq == 65
    entries = await journal.entries(stream)
    assert {entry.action.payload["n"] for entry in entries[1:]} == set(range(64))
    assert [entry.position for entry in entries] == sorted(entry.position for entry in entries)


async def test_64_writers_on_many_streams_lose_nothing(journal: Journal) -> None:
    streams = [uuid7() for _ in range(64)]

    async def life(stream: int) -> None:
        head = Head()
        for step in range(6):
            answer = await journal.append(
                write(streams[stream], head, outbox=(note("t", f"{stream}.{step}"),), join=(Place("q", str(step)),))
            )
            head = answer.head

    await asyncio.gather(*(life(at) for at in range(64)))
    for stream in streams:
        assert (await verified(journal, stream)).seq == 6
    assert await journal.count("q") == 64
    assert await journal.backlog() == {"t": 384}
    assert len(await journal.since(0, 1000)) == 384


async def test_a_reader_that_follows_misses_no_entry(journal: Journal) -> None:
    """64 writers write while somebody follows by cursor: whatever commits late is still met."""
    streams, met, position = [uuid7() for _ in range(64)], [], 0
    writing = asyncio.gather(*(add(journal, stream, *["a"] * (n % 5 + 1)) for n, stream in enumerate(streams * 4)))
    while True:
        finished = writing.done()
        piece = await journal.since(position, 50)
        met += [(entry.stream, entry.seq) for entry in piece]
        position = piece[-1].position if piece else position
        if finished and not piece:
            break
        await asyncio.sleep(0)
    await writing
    assert len(met) == len(set(met)) == sum((n % 5 + 1) for n in range(256))


async def test_numbers_count_from_one_and_stay(journal: Journal) -> None:
    assert [await journal.reserve("2026", key) for key in ("a", "b", "a", "c")] == [1, 2, 1, 3]
    assert await journal.reserve("2027", "a") == 1


async def test_numbers_asked_for_at_once_leave_no_gap(journal: Journal) -> None:
    keys = [f"case {at}" for at in range(32)] * 2
    numbers = await asyncio.gather(*(journal.reserve("2026", key) for key in keys))
    assert sorted(set(numbers)) == list(range(1, 33))
    assert numbers[:32] == numbers[32:]


async def test_the_journal_is_ready(journal: Journal, clock: FakeClock) -> None:
    assert await journal.ready()


async def test_the_lag_is_how_long_the_first_message_has_waited(journal: Journal, clock: FakeClock) -> None:
    assert await journal.lag() == {}
    await add(journal, uuid7(), outbox=(note("issue", "1"),))
    clock.pass_(30)
    await add(journal, uuid7(), outbox=(note("issue", "2"), note("print", "1")))
    clock.pass_(12)
    assert await journal.lag() == {"issue": 42.0, "print": 12.0}
    assert await journal.backlog() == {"issue": 2, "print": 1}
    (first,) = await journal.claim(["issue"], 1, 15)
    assert await journal.lag() == {"issue": 12.0, "print": 12.0}, "what is worked on is not late"
    await journal.done(first)
    await journal.claim(["issue"], 1, 15)
    assert await journal.lag() == {"issue": 0.0, "print": 12.0}
