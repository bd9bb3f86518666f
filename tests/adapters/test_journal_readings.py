"""What every journal promises about lists, search, personal records and the outbox."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from random import Random
from uuid import UUID

import pytest

from tests.adapters.writing import FakeClock, add, note, write
from villagecall.errors import BadRequest
from villagecall.ids import uuid7
from villagecall.ports import Journal, Message, Place
from villagecall.vault import SealedRecord, Vault


async def listed(journal: Journal, list_: str, limit: int = 100, *, reverse: bool = False) -> list[UUID]:
    """The whole list, read page by page."""
    found: list[UUID] = []
    after: str | None = None
    while True:
        page = await journal.page(list_, after, limit, reverse=reverse)
        assert len(page.snapshots) <= limit
        found += [snapshot.stream for snapshot in page.snapshots]
        after = page.next
        if after is None:
            return found


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
@pytest.mark.parametrize("reverse", [False, True])
async def test_a_list_is_read_by_pages_in_order(journal: Journal, limit: int, reverse: bool) -> None:
    made: list[tuple[str, UUID]] = []
    for sort in ("b", "a", "丙", "甲", "a", "B", ""):
        stream = uuid7()
        await add(journal, stream, join=(Place("queue:1", sort), Place("other", "x")))
        made.append((sort, stream))
    # By code point, then by id, whatever the database's language is.
    assert await listed(journal, "queue:1", limit, reverse=reverse) == [
        stream for _, stream in sorted(made, reverse=reverse)
    ]
    assert await journal.count("queue:1") == 7


async def test_an_empty_list_has_an_empty_page(journal: Journal) -> None:
    page = await journal.page("nothing")
    assert (page.snapshots, page.next) == ((), None)
    assert await journal.count("nothing") == 0


async def test_a_cursor_that_nobody_gave_is_a_bad_request(journal: Journal) -> None:
    for nonsense in ("x", "é", "AAAA", "=" * 30):
        with pytest.raises(BadRequest):
            await journal.page("q", nonsense)


async def test_a_place_moves_and_is_left(journal: Journal) -> None:
    first, second = uuid7(), uuid7()
    await add(journal, first, join=(Place("q", "1"),))
    await add(journal, second, join=(Place("q", "2"),))
    await add(journal, first, join=(Place("q", "3"),))
    assert await listed(journal, "q") == [second, first]
    await add(journal, second, leave=("q", "never joined"), join=(Place("done", "1"),))
    assert await listed(journal, "q") == [first]
    assert await listed(journal, "done") == [second]


async def test_joining_and_leaving_at_once_is_moving(journal: Journal) -> None:
    stream = uuid7()
    await add(journal, stream, join=(Place("q", "1"),))
    await add(journal, stream, leave=("q",), join=(Place("q", "2"),))
    assert await listed(journal, "q") == [stream]


async def test_a_page_holds_what_stands_there_while_places_move(journal: Journal) -> None:
    """A cursor means "behind this place": one who moved behind it comes again, nobody is skipped."""
    streams = [uuid7() for _ in range(6)]
    for at, stream in enumerate(streams):
        await add(journal, stream, join=(Place("q", str(at)),))
    page = await journal.page("q", None, 3)
    await add(journal, streams[0], join=(Place("q", "9"),))
    await add(journal, streams[4], leave=("q",))
    rest = await journal.page("q", page.next, 10)
    assert [snapshot.stream for snapshot in rest.snapshots] == [streams[3], streams[5], streams[0]]


async def test_lists_show_the_present_snapshot(journal: Journal) -> None:
    stream = uuid7()
    await add(journal, stream, join=(Place("q", "1"),))
    answer = await add(journal, stream, state="新".encode())
    (snapshot,) = (await journal.page("q")).snapshots
    assert (snapshot.head, snapshot.state) == (answer.head, "新".encode())


VAULT = Vault({"k1": bytes(range(32))}, "k1", bytes(32))
FAMILY, GIVEN = "王李张刘陈", "伟芳娜敏静丽强磊军洋"


async def test_every_two_character_name_is_found(journal: Journal) -> None:
    names = sorted({family + given for family in FAMILY for given in GIVEN})
    streams = {name: uuid7() for name in names}
    await asyncio.gather(
        *(journal.append(write(stream, tokens=tuple(VAULT.name_tokens(name)))) for name, stream in streams.items())
    )
    for name, stream in streams.items():
        assert [found.stream for found in await journal.search(VAULT.query(name), [], 10)] == [stream]


async def test_search_asks_for_all_pieces_within_the_lists_one_may_see(journal: Journal) -> None:
    near, far, other = uuid7(), uuid7(), uuid7()
    for stream, village in ((near, "village:1"), (far, "village:2")):
        tokens = tuple(VAULT.tokens(name="欧阳桂芳", id_number="11010519491231002X", phone="13800000000"))
        await add(journal, stream, tokens=tokens, join=(Place(village, "1"), Place("all", "1")))
    await add(journal, other, tokens=tuple(VAULT.tokens(name="欧阳桂花")), join=(Place("village:1", "2"),))

    async def find(text: str, *lists: str, limit: int = 10) -> list[UUID]:
        return [snapshot.stream for snapshot in await journal.search(VAULT.query(text), lists, limit)]

    assert set(await find("欧阳")) == {near, far, other}
    assert set(await find("阳桂芳")) == {near, far}
    assert await find("欧阳桂芳", "village:1") == [near]
    assert set(await find("桂芳", "village:1", "village:2", "all")) == {near, far}
    assert await find("002X", "village:2") == [far]
    assert await find("11010519491231002x", "village:3") == []
    assert await find("欧芳") == []
    assert len(await find("欧阳", limit=2)) == 2
    assert await journal.search([], [], 10) == []


async def test_new_tokens_replace_the_old_ones_and_none_keeps_them(journal: Journal) -> None:
    stream = uuid7()
    await add(journal, stream, tokens=(b"a", b"b"))
    await add(journal, stream)
    assert len(await journal.search([b"a", b"b"], [], 10)) == 1
    await add(journal, stream, tokens=(b"b", b"c"))
    assert await journal.search([b"a"], [], 10) == []
    assert len(await journal.search([b"b", b"c"], [], 10)) == 1
    await add(journal, stream, tokens=())
    assert await journal.search([b"b"], [], 10) == []


async def test_more_tokens_join_those_there_are(journal: Journal) -> None:
    stream = uuid7()
    await add(journal, stream, more_tokens=(b"a", b"b"))
    await add(journal, stream, more_tokens=(b"b", b"c"))
    assert len(await journal.search([b"a", b"b", b"c"], [], 10)) == 1
    await add(journal, stream, tokens=(b"d",), more_tokens=(b"e",))
    assert await journal.search([b"a"], [], 10) == []
    assert len(await journal.search([b"d", b"e"], [], 10)) == 1


async def test_a_record_is_kept_replaced_and_erased(journal: Journal) -> None:
    stream, record_id = uuid7(), uuid7()
    first = VAULT.seal(record_id, stream, {"name": "李桂芳"})
    second = VAULT.seal(record_id, stream, {"name": "李桂花"})
    await add(journal, stream, records=(first.record,))
    await add(journal, stream, records=(second.record,))
    kept = await journal.record(record_id)
    assert kept is not None
    assert VAULT.open(kept) == {"name": "李桂花"}
    assert VAULT.commitment(kept) == second.commitment
    await journal.erase(record_id)
    erased = await journal.record(record_id)
    assert erased is not None
    assert erased.erased
    assert (erased.id, erased.stream) == (record_id, stream)
    await journal.erase(uuid7())  # what is not there is erased already


async def test_rotation_reseals_every_record_and_revives_none(journal: Journal) -> None:
    stream = uuid7()
    rotated = Vault({"k1": bytes(range(32)), "k2": b"\2" * 32}, "k2", bytes(32))
    sealed = [VAULT.seal(uuid7(), stream, {"n": n}) for n in range(7)]
    await add(journal, stream, records=tuple(one.record for one in sealed))
    await journal.erase(sealed[3].record.id)
    newer = rotated.seal(sealed[5].record.id, stream, {"n": "newer"})
    stale = await journal.record(sealed[5].record.id)
    assert stale is not None
    await add(journal, stream, records=(newer.record,))
    after: UUID | None = None
    met: list[SealedRecord] = []
    while piece := await journal.records(after, 2):
        met += piece
        after = piece[-1].id
        for record in piece:
            if not record.erased:
                await journal.reseal(rotated.rotate(record))
    await journal.reseal(rotated.rotate(stale))  # read before the newer contents came: must not win
    await journal.reseal(rotated.rotate(sealed[3].record))  # read before it was erased
    assert [record.id for record in met] == sorted(one.record.id for one in sealed)
    for at, one in enumerate(sealed):
        present = await journal.record(one.record.id)
        assert present is not None
        if at == 3:
            assert present.erased
        else:
            assert present.key_id == "k2"
            assert rotated.open(present) == {"n": "newer" if at == 5 else at}
            assert rotated.commitment(present) == (newer if at == 5 else one).commitment


async def test_a_message_is_handed_out_once_per_lease(journal: Journal, clock: FakeClock) -> None:
    stream = uuid7()
    await add(journal, stream, outbox=(note("issue", "1", case="甲", n=1), note("print", "1")))
    (delivery,) = await journal.claim(["issue"], 10, 30)
    assert (delivery.message, delivery.stream, delivery.attempt) == (note("issue", "1", case="甲", n=1), stream, 1)
    assert await journal.claim(["issue"], 10, 30) == []
    clock.pass_(31)
    (again,) = await journal.claim(["issue"], 10, 30)
    assert (again.id, again.attempt) == (delivery.id, 2)
    await journal.done(again)
    clock.pass_(31)
    assert await journal.claim(["issue"], 10, 30) == []
    assert await journal.backlog() == {"print": 1}


async def test_a_failed_message_comes_again_later(journal: Journal, clock: FakeClock) -> None:
    await add(journal, uuid7(), outbox=(note("issue", "1"),))
    (delivery,) = await journal.claim(["issue"], 10, 30)
    await journal.failed(delivery, 5, "PrinterOff")
    clock.pass_(4)
    assert await journal.claim(["issue"], 10, 30) == []
    clock.pass_(2)
    (again,) = await journal.claim(["issue"], 10, 30)
    assert again.attempt == 2


async def test_who_lost_the_lease_cannot_end_the_others(journal: Journal, clock: FakeClock) -> None:
    await add(journal, uuid7(), outbox=(note("issue", "1"),))
    (slow,) = await journal.claim(["issue"], 10, 30)
    clock.pass_(31)
    (_quick,) = await journal.claim(["issue"], 10, 30)
    await journal.failed(slow, 0, "late")
    await journal.extend(slow, 0)
    assert await journal.claim(["issue"], 10, 30) == []


async def test_a_lease_can_be_made_longer(journal: Journal, clock: FakeClock) -> None:
    await add(journal, uuid7(), outbox=(note("issue", "1"),))
    (delivery,) = await journal.claim(["issue"], 10, 30)
    clock.pass_(20)
    await journal.extend(delivery, 30)
    clock.pass_(20)
    assert await journal.claim(["issue"], 10, 30) == []
    clock.pass_(11)
    assert len(await journal.claim(["issue"], 10, 30)) == 1


async def test_a_message_waits_for_its_time(journal: Journal, clock: FakeClock) -> None:
    at = clock.now() + timedelta(minutes=5)
    await add(journal, uuid7(), outbox=(Message("due", "1", {}, at), note("due", "2")))
    assert [d.message.key for d in await journal.claim(["due"], 10, 30)] == ["2"]
    clock.pass_(301)
    assert {d.message.key for d in await journal.claim(["due"], 10, 30)} == {"1", "2"}


async def test_a_message_key_is_promised_once(journal: Journal, clock: FakeClock) -> None:
    stream = uuid7()
    await add(journal, stream, outbox=(note("issue", "1", n=1),))
    await add(journal, stream, outbox=(note("issue", "1", n=2), note("issue", "2"), note("print", "1")))
    assert await journal.backlog() == {"issue": 2, "print": 1}
    for delivery in await journal.claim(["issue", "print"], 10, 30):
        await journal.done(delivery)
    await add(journal, stream, outbox=(note("issue", "1", n=3),))
    assert await journal.backlog() == {}


async def test_messages_come_oldest_first_and_no_more_than_asked(journal: Journal, clock: FakeClock) -> None:
    stream = uuid7()
    for at in range(5):
        await add(journal, stream, outbox=(note("a" if at % 2 else "b", str(at)),))
        clock.pass_(1)
    assert [d.message.key for d in await journal.claim(["b"], 2, 30)] == ["0", "2"]
    assert [d.message.key for d in await journal.claim(["a", "b", "c"], 10, 30)] == ["1", "3", "4"]
    assert await journal.claim([], 10, 30) == []


async def test_eight_consumers_never_share_a_message(journal: Journal) -> None:
    stream = uuid7()
    await add(journal, stream, outbox=tuple(note("t", str(at)) for at in range(100)))
    taken: list[int] = []

    async def consume(seed: int) -> None:
        random = Random(seed)
        while deliveries := await journal.claim(["t"], random.randint(1, 9), 60):
            for delivery in deliveries:
                taken.append(delivery.id)
                await journal.done(delivery)

    await asyncio.gather(*(consume(seed) for seed in range(8)))
    assert len(taken) == len(set(taken)) == 100
    assert await journal.backlog() == {}
