"""From a scanned ID card to a suggestion on the form, a hit of the search and words in the case file; for those
who may, and without a trace of it in the clear. The recogniser is the real one."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from tests.http.test_files import Counter, at_the_counter
from tests.real.plaintext import found_in
from tests.support.office import LI, actor, blob
from tests.support.site import Site, open_site
from villagecall.demo import papers
from villagecall.directory.codes import id_check
from villagecall.ids import uuid7
from villagecall.journal import JSON, SYSTEM
from villagecall.scan.text import Line, kept

pytestmark = pytest.mark.asyncio(loop_scope="module")
WHO = papers.Bearer("欧阳海燕", "990101195603122" + "12", "青禾区柳溪镇白杨树湾三组 12 号")
NUMBER = WHO.id_number + id_check(WHO.id_number)


@dataclass
class Read:
    """A draft with one page on which a card was read."""

    site: Site
    folder: Path
    counter: Counter
    page_id: str
    said: list[Any]
    """What was logged since the site opened."""

    async def suggestions(self) -> dict[str, Any]:
        answer = await self.counter.browser.get(f"{self.counter.path}/suggestions")
        assert answer.status == 200, answer.raw
        assert answer.headers["Cache-Control"] == "no-store"
        found: dict[str, Any] = answer.json()
        return found

    async def enter(self, **applicant: str) -> list[str]:
        """Enter the applicant; the codes of the hints then."""
        put = await self.counter.browser.put(f"{self.counter.path}/applicant", {"applicant": applicant})
        assert put.status == 200, put.raw
        return [hint["code"] for hint in (await self.suggestions())["hints"]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def read(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Read]:
    folder = tmp_path_factory.mktemp("site")
    with capture_logs() as said:
        async with open_site(folder, work=True, scan_text=True, database="") as site:
            counter = await at_the_counter(site)
            card = papers.idcard(papers.Bearer(WHO.name, NUMBER, WHO.address))
            await counter.scan(papers.jpeg(papers.askew(card, 1.5)))
            (page,) = await counter.pages(1)
            async with asyncio.timeout(60):
                while (await site.services.approval.get(UUID(counter.case_id))).pages[0].text is None:
                    await asyncio.sleep(0.05)
            yield Read(site, folder, counter, page["page_id"], said)


async def test_the_card_is_offered_to_the_clerk_who_has_it_in_hand(read: Read) -> None:
    assert (await read.suggestions())["cards"] == [
        {
            "page_id": read.page_id,
            "name": WHO.name,
            "id_number": NUMBER,
            "address": WHO.address.replace(" ", ""),
            "sex": "女",
            "people": "汉",
            "birth": "1956-03-12",
        }
    ]
    assert (await read.counter.case())["applicant"] is None, "nothing is entered by itself"


async def test_what_is_entered_is_compared_with_it(read: Read) -> None:
    assert await read.enter(name=WHO.name, id_number=NUMBER) == []
    assert await read.enter(name="欧阳海雁", id_number=NUMBER) == ["card_name"]
    assert await read.enter(name=WHO.name, id_number=LI["id_number"]) == ["card_number"]


async def test_the_case_is_found_by_words_on_the_card(read: Read) -> None:
    for q in ("杨树", "白杨树湾", "海燕 柳溪"):
        answer = await read.counter.browser.get(f"/api/v1/cases?q={q}")
        assert [line["case_id"] for line in answer.json()["cases"]] == [read.counter.case_id], q
    foreign = await read.site.browser(read.site.county.hill_clerk)
    assert (await foreign.get("/api/v1/cases?q=白杨树湾")).json()["cases"] == []
    supervisor = await read.site.browser(read.site.county.supervisor)
    assert (await supervisor.get("/api/v1/cases?q=白杨树湾")).json()["cases"] == []


async def test_the_case_file_can_be_searched(read: Read, tmp_path: Path) -> None:
    made = await read.counter.browser.get(f"{read.counter.path}/casefile.pdf")
    assert made.status == 200
    path = tmp_path / "case.pdf"
    path.write_bytes(made.raw)
    text = subprocess.run(["pdftotext", "-f", "2", path, "-"], capture_output=True, check=True, timeout=30)
    assert NUMBER in text.stdout.decode()
    assert "白杨树湾" in text.stdout.decode()


async def test_a_desk_sees_it_masked_and_the_clerk_no_more_after_submitting(read: Read) -> None:
    """As it is with the applicant's entries; looking at them in full is recorded with its purpose."""
    site, county = read.site, read.site.county
    counter = await at_the_counter(site)
    page_id = await with_card(site, counter)
    await counter.browser.put(f"{counter.path}/applicant", {"applicant": {"name": "王刚", "id_number": NUMBER}})
    await accept(site, counter.case_id)
    after = await counter.browser.get(f"{counter.path}/suggestions")
    assert after.json() == {"cards": [], "hints": []}
    officer = await site.browser(county.east_officer)
    seen = (await officer.get(f"{counter.path}/suggestions")).json()
    assert seen["cards"] == [
        {
            "page_id": page_id,
            "name": "欧**燕",
            "id_number": f"9901{'*' * 10}{NUMBER[-4:]}",
            "address": "青禾区******",
            "sex": "",
            "people": "",
            "birth": "",
        }
    ]
    assert [hint["code"] for hint in seen["hints"]] == ["card_name"]
    for person in (county.west_officer, county.hill_clerk):
        assert (await (await site.browser(person)).get(f"{counter.path}/suggestions")).status == 404


async def with_card(site: Site, counter: Counter) -> str:
    """A page on which the card's lines were read."""
    case_id, file_id, page_id = UUID(counter.case_id), str(uuid7()), str(uuid7())
    by = site.county.willow_clerk
    file: dict[str, JSON] = {"file_id": file_id, "material": "id", "name": "居民身份证", "original": blob(file_id)}
    page: dict[str, JSON] = {"page_id": page_id, **file}
    judged: dict[str, JSON] = {
        "page_id": page_id,
        "verdict": {"ok": True},
        "view": blob("v"),
        "thumb": blob("t"),
        "width": 1654,
        "height": 2339,
    }
    record = site.services.approval.record
    await record(case_id, "file.received", {"file": dict(file)}, actor=actor(by), key=str(uuid7()))
    await record(case_id, "page.added", {"page": page}, actor=SYSTEM, key=str(uuid7()))
    await record(case_id, "page.judged", judged, actor=SYSTEM, key=str(uuid7()))
    await record(case_id, "file.read", {"file_id": file_id, "frames": 1}, actor=SYSTEM, key=str(uuid7()))
    lines = [
        Line(f"姓名 {WHO.name}", 330, 160, 110, 16),
        Line(f"住址 {WHO.address}", 330, 240, 230, 16),
        Line(f"公民身份号码 {NUMBER}", 330, 300, 340, 20),
    ]
    view = str(blob("v")["sha256"])
    await site.services.approval.keep_text(case_id, UUID(page_id), view, kept(lines), key=str(uuid7()))
    return page_id


async def accept(site: Site, case_id: str) -> None:
    """As if the papers were complete."""
    by, record = actor(site.county.willow_clerk), site.services.approval.record
    await record(UUID(case_id), "case.submitted", {"number": "N1"}, actor=by, key=str(uuid7()))
    await record(UUID(case_id), "case.accepted", {"stage": "town"}, actor=SYSTEM, key=str(uuid7()))


async def test_no_word_of_it_lies_in_the_clear(read: Read) -> None:
    assert (read.folder / "villagecall.db").exists()
    words = [NUMBER, WHO.name, "海燕", "白杨树湾", "1956年3月12日"]
    assert found_in(read.folder, words) == []
    assert {"text_reader_started", "request"} <= {line["event"] for line in read.said}
    assert found_in(repr(read.said).encode(), words) == []
