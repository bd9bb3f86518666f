"""The text of a page: read after its verdict, sealed, found by words, and no trace of it in the clear."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from tests.support import pages
from tests.support.office import Office, actor, key, office
from villagecall.adapters.blobs_open import open_blobs
from villagecall.case import Case, Verdict
from villagecall.demo import papers
from villagecall.ids import uuid7
from villagecall.ports import Delivery
from villagecall.scan.pool import Pool
from villagecall.scan.service import TOPIC as SCAN
from villagecall.scan.service import Scans
from villagecall.scan.text import Line, read
from villagecall.scan.textreader import NotRead, TextReader
from villagecall.scan.texts import TOPIC, TRIES, Texts
from villagecall.scan.uploads import Upload
from villagecall.settings import Settings

pytestmark = pytest.mark.asyncio(loop_scope="module")
SMALL = (620, 877)
LETTER = pages.encoded(pages.letter(3, SMALL), dpi=200)


class Quick(TextReader):
    """A reader that reads what it is told to, and fails when it is told to: the recogniser has tests of its own."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.lines: tuple[Line, ...] = (Line("残疾人证明", 100, 100, 300, 20),)
        self.fails = 0
        self.asked = 0

    async def read(self, data: bytes, frame: int, verdict: Verdict, turned: int = 0) -> tuple[Line, ...]:
        self.asked += 1
        if self.fails:
            self.fails -= 1
            raise NotRead("told to fail")
        return self.lines


@dataclass
class Room:
    office: Office
    scans: Scans
    texts: Texts
    reader: Quick

    async def scanned(self, data: bytes = LETTER) -> Case:
        """A case with one judged page whose text is promised, not read."""
        case = await self.office.draft()
        by, clerk = actor(self.office.county.willow_clerk), self.office.county.willow_clerk
        upload = Upload(
            file_id=uuid7(), case_id=case.case_id, person=clerk.person_id, unit=clerk.unit, material="id",
            name="居民身份证", replaces=None, length=len(data),
        )  # fmt: skip
        await self.scans.begin(upload)
        await self.scans.write(upload.file_id, 0, data, actor=by)
        for delivery in await self.office.journal.claim([SCAN], 10, 60):
            await self.scans.judge(delivery)
            await self.office.journal.done(delivery)
        return await self.office.approval.get(case.case_id)

    async def promised(self) -> list[Delivery]:
        return await self.office.journal.claim([TOPIC], 10, 60)

    async def read_all(self) -> None:
        for delivery in await self.promised():
            await self.texts.read(delivery)
            await self.office.journal.done(delivery)

    async def case(self, case: Case) -> Case:
        return await self.office.approval.get(case.case_id)

    async def found(self, q: str) -> list[UUID]:
        page = await self.office.approval.cases(self.office.county.east_officer, q=q)
        return [line.case.case_id for line in page.cases]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool() -> AsyncIterator[Pool]:
    opened = Pool(Settings())
    yield opened
    await opened.close()


@pytest_asyncio.fixture(loop_scope="module")
async def room(tmp_path: Path, pool: Pool) -> Room:
    staffed, settings = await office(), Settings(data=tmp_path)
    blobs = open_blobs(tmp_path / "blobs", vault=staffed.vault)
    scans = Scans(staffed.approval, blobs, staffed.bus, pool, staffed.vault, staffed.clock, settings)
    reader = Quick(settings)
    return Room(staffed, scans, Texts(staffed.approval, blobs, reader, settings), reader)


class TestReading:
    async def test_comes_after_the_verdict(self, room: Room) -> None:
        case = await room.scanned()
        assert case.pages[0].verdict is not None
        assert case.pages[0].text is None
        await room.read_all()
        assert (await room.case(case)).pages[0].text is not None

    async def test_is_sealed_and_committed_to(self, room: Room) -> None:
        case = await room.scanned()
        await room.read_all()
        page = (await room.case(case)).pages[0]
        assert page.text is not None
        record = await room.office.journal.record(page.text.record)
        assert record is not None
        assert room.office.vault.commitment(record) == page.text.commitment
        assert "残疾".encode() not in record.ciphertext
        assert read(await room.office.approval.text_of(page)) == room.reader.lines

    async def test_nothing_of_it_stands_in_the_journal(self, room: Room) -> None:
        case = await room.scanned()
        await room.read_all()
        raw = b"".join(each for _, each, _ in await room.office.journal.raw(case.case_id))
        snapshot = await room.office.journal.snapshot(case.case_id)
        assert snapshot is not None
        assert "残疾".encode() not in raw + snapshot.state

    async def test_told_twice_it_is_written_once(self, room: Room) -> None:
        case = await room.scanned()
        (delivery,) = await room.promised()
        await room.texts.read(delivery)
        await room.texts.read(delivery)
        kinds = [entry.action.kind for entry in await room.office.journal.entries(case.case_id)]
        assert kinds.count("page.read") == 1

    async def test_two_at_once_write_it_once(self, room: Room) -> None:
        case = await room.scanned()
        (delivery,) = await room.promised()
        await asyncio.gather(room.texts.read(delivery), room.texts.read(delivery))
        kinds = [entry.action.kind for entry in await room.office.journal.entries(case.case_id)]
        assert kinds.count("page.read") == 1

    async def test_an_empty_page_is_not_read(self, room: Room) -> None:
        await room.scanned(pages.encoded(pages.blank(4, size=SMALL), dpi=200))
        assert await room.promised() == []

    async def test_a_page_that_was_turned_is_read_anew(self, room: Room) -> None:
        case = await room.scanned()
        await room.read_all()
        by = actor(room.office.county.willow_clerk)
        await room.scans.turn(await room.case(case), case.pages[0].page_id, 90, actor=by, key=key())
        assert (await room.case(case)).pages[0].text is None
        await room.read_all()
        assert (await room.case(case)).pages[0].text is not None

    async def test_what_was_read_of_the_page_as_it_lay_before_is_dropped(self, room: Room) -> None:
        case = await room.scanned()
        view = case.pages[0].view
        assert view is not None
        by = actor(room.office.county.willow_clerk)
        await room.scans.turn(case, case.pages[0].page_id, 180, actor=by, key=key())
        late = await room.office.approval.keep_text(
            case.case_id, case.pages[0].page_id, view.sha256, {"words": "倒过来"}, key=key()
        )
        assert late.pages[0].text is None

    async def test_a_removed_page_is_not_read(self, room: Room) -> None:
        case = await room.scanned()
        by = actor(room.office.county.willow_clerk)
        await room.scans.remove(case, case.pages[0].page_id, actor=by, key=key())
        await room.read_all()
        assert room.reader.asked == 0

    async def test_after_the_decision_too(self, room: Room) -> None:
        """Nothing waits for it, so it may be late."""
        case = await room.scanned()
        by = actor(room.office.county.willow_clerk)
        await room.office.approval.withdraw(case.case_id, "不办了", actor=by, key=key())
        await room.read_all()
        assert (await room.case(case)).pages[0].text is not None


class TestFailing:
    async def test_costs_the_page_nothing(self, room: Room) -> None:
        case = await room.scanned()
        room.reader.fails = 1
        (delivery,) = await room.promised()
        with pytest.raises(NotRead):
            await room.texts.read(delivery)
        assert (await room.case(case)).pages[0].verdict == case.pages[0].verdict
        await room.texts.read(replace(delivery, attempt=2))
        assert (await room.case(case)).pages[0].text is not None

    async def test_is_given_up_in_the_end(self, room: Room) -> None:
        case = await room.scanned()
        room.reader.fails = 1
        (delivery,) = await room.promised()
        await room.texts.read(replace(delivery, attempt=TRIES))
        assert (await room.case(case)).pages[0].text is None

    async def test_switched_off_nothing_is_promised_or_read(self, room: Room, tmp_path: Path, pool: Pool) -> None:
        case = await room.scanned()
        (delivery,) = await room.promised()
        off = replace(Settings(data=tmp_path), scan_text=False)
        blobs = open_blobs(tmp_path / "blobs", vault=room.office.vault)
        await Texts(room.office.approval, blobs, room.reader, off).read(delivery)
        assert room.reader.asked == 0
        staffed = room.office
        room.scans = Scans(staffed.approval, blobs, staffed.bus, pool, staffed.vault, staffed.clock, off)
        await room.scanned()
        assert await room.promised() == []
        assert (await room.case(case)).pages[0].text is None


class TestTheReader:
    """The real recogniser in its own process."""

    async def test_reads_a_card_that_lies_upside_down_and_gives_its_memory_back(self) -> None:
        reader = TextReader(Settings(), idle_s=0.3)
        who = papers.Bearer("李桂芳", "11010519491231002X", "青禾区柳溪镇柳溪村三组 12 号")
        data = papers.jpeg(papers.upside_down(papers.idcard(who)))
        try:
            lines = await reader.read(data, 0, Verdict(ok=True, orientation=180))
            pid = reader.pid
            assert pid
            assert Path(f"/proc/{pid}/stat").read_text(encoding="ascii").split()[18] == "19", "nice: behind all others"
            assert any("11010519491231002X" in line.text for line in lines)
            assert await reader.read(b"\xff\xd8\xff no picture", 0, Verdict(ok=True)) == ()
            async with asyncio.timeout(10):
                while reader.pid or Path(f"/proc/{pid}").exists():
                    await asyncio.sleep(0.05)
        finally:
            await reader.close()

    async def test_closed_while_it_reads_it_lets_go_at_once(self) -> None:
        reader = TextReader(Settings())
        reading = asyncio.create_task(reader.read(LETTER, 0, Verdict(ok=True)))
        while not reader.pid:
            await asyncio.sleep(0.02)
        await reader.close()
        with pytest.raises(NotRead):
            await reading
        with pytest.raises(NotRead):
            await reader.read(LETTER, 0, Verdict(ok=True))
