"""Scanning over HTTP: an upload in pieces, the verdict, the views, the case file; for those who may see them."""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import cv2
import numpy as np
import pikepdf
import pytest
import pytest_asyncio
from pikepdf import pdfa

from tests.support import hostile, pages, svg
from tests.support.site import Answer, Browser, Site, open_site
from villagecall.directory.model import Person
from villagecall.ids import uuid7

pytestmark = pytest.mark.asyncio(loop_scope="module")
SMALL = (620, 877)
FORM = pages.encoded(pages.form(1, SMALL), dpi=200)
ASKEW = pages.encoded(pages.askew(pages.letter(2, SMALL), 7.0), dpi=200)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with open_site(tmp_path_factory.mktemp("site"), work=True) as opened:
        yield opened


class Counter:
    """A clerk at a case, with the scanner at hand."""

    def __init__(self, browser: Browser, case_id: str) -> None:
        self.browser, self.case_id, self.path = browser, case_id, f"/api/v1/cases/{case_id}"

    async def create(self, length: int, data: bytes | None = None, **facts: str) -> Answer:
        facts = {"file_id": str(uuid7()), "material": "id"} | facts
        meta = ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in facts.items())
        headers = {"Tus-Resumable": "1.0.0", "Upload-Length": str(length), "Upload-Metadata": meta}
        if data is not None:
            headers["Content-Type"] = "application/offset+octet-stream"
        return await self.browser.request("POST", f"{self.path}/files", data=data, headers=headers)

    async def append(self, location: str, offset: int, data: bytes) -> Answer:
        headers = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)}
        return await self.browser.request("PATCH", location, data=data, headers={"Tus-Resumable": "1.0.0"} | headers)

    async def case(self) -> dict[str, Any]:
        found: dict[str, Any] = (await self.browser.get(self.path)).json()["case"]
        return found

    async def scan(self, data: bytes, **facts: str) -> str:
        """Upload in one go; the file's id."""
        answer = await self.create(len(data), data, **facts)
        assert answer.status == 201, answer.raw
        return str(answer.json()["file_id"])

    async def pages(self, count: int) -> list[dict[str, Any]]:
        """The judged pages, once there are ``count``."""
        async with asyncio.timeout(15):
            while True:
                found = [page for page in (await self.case())["pages"] if page["state"] != "waiting"]
                if len(found) >= count:
                    return found
                await asyncio.sleep(0.05)


async def at_the_counter(site: Site, person: Person | None = None) -> Counter:
    browser = await site.browser(person or site.county.willow_clerk)
    answer = await browser.post("/api/v1/cases", {"case_id": str(uuid7()), "item": "LN-001"})
    return Counter(browser, answer.json()["case"]["case_id"])


def picture(answer: Answer) -> pages.Image:
    assert (answer.status, answer.headers["Content-Type"]) == (200, "image/jpeg")
    found = cv2.imdecode(np.frombuffer(answer.raw, np.uint8), cv2.IMREAD_COLOR)
    assert found is not None
    return np.asarray(found, np.uint8)


def drawn(answer: Answer) -> tuple[int, int]:
    """Width and height of a page that is sent in layers."""
    assert (answer.status, answer.headers["Content-Type"]) == (200, "image/svg+xml")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    page = svg.root(answer.raw)
    return int(page["width"]), int(page["height"])


class TestUploading:
    async def test_in_three_pieces(self, site: Site) -> None:
        counter = await at_the_counter(site)
        begun = await counter.create(len(ASKEW))
        location = begun.headers["Location"]
        assert (begun.status, begun.headers["Upload-Offset"]) == (201, "0")
        third = len(ASKEW) // 3
        for offset in (0, third, 2 * third):
            piece = ASKEW[offset:] if offset == 2 * third else ASKEW[offset : offset + third]
            answer = await counter.append(location, offset, piece)
            assert (answer.status, int(answer.headers["Upload-Offset"])) == (204, offset + len(piece))
        (page,) = await counter.pages(1)
        assert (page["state"], page["faults"], page["material"]) == ("fine", [], "id")
        assert page["straightened_mdeg"] == pytest.approx(7000, abs=100)

    async def test_how_far_it_is(self, site: Site) -> None:
        counter = await at_the_counter(site)
        location = (await counter.create(len(FORM), FORM[:1000])).headers["Location"]
        answer = await counter.browser.request("HEAD", location)
        assert (answer.status, answer.headers["Upload-Offset"]) == (200, "1000")
        assert answer.headers["Cache-Control"] == "no-store"

    async def test_a_piece_sent_twice_is_told_to_look_again(self, site: Site) -> None:
        counter = await at_the_counter(site)
        location = (await counter.create(len(FORM), FORM[:1000])).headers["Location"]
        answer = await counter.append(location, 0, FORM[:1000])
        assert (answer.status, answer.json()["code"]) == (409, "wrong_offset")

    async def test_created_again_after_a_lost_answer(self, site: Site) -> None:
        counter = await at_the_counter(site)
        file_id = await counter.scan(FORM)
        await counter.pages(1)
        again = await counter.create(len(FORM), file_id=file_id)
        assert (again.status, again.headers["Upload-Offset"]) == (201, str(len(FORM)))
        assert len((await counter.case())["pages"]) == 1

    @pytest.mark.parametrize(
        ("length", "facts", "status"),
        [
            (100, {"material": "passport"}, 400),
            (100, {"file_id": "../../etc/passwd"}, 400),
            (100, {"replaces": "none"}, 400),
            (-5, {}, 400),
            (0, {}, 422),
            (2**40, {}, 413),
        ],
    )
    async def test_what_is_not_begun(self, site: Site, length: int, facts: dict[str, str], status: int) -> None:
        counter = await at_the_counter(site)
        assert (await counter.create(length, None, **facts)).status == status

    async def test_another_village_cannot_go_on_with_it(self, site: Site) -> None:
        counter = await at_the_counter(site)
        location = (await counter.create(len(FORM), FORM[:1000])).headers["Location"]
        stranger = Counter(await site.browser(site.county.stone_clerk), counter.case_id)
        assert (await stranger.append(location, 1000, FORM[1000:])).status in (403, 404)
        assert (await stranger.browser.request("HEAD", location)).status in (403, 404)

    async def test_a_file_that_is_none_is_refused_with_a_reason(self, site: Site) -> None:
        counter = await at_the_counter(site)
        await counter.scan(b"MZ" + bytes(200))
        async with asyncio.timeout(20):
            while not (refused := (await counter.case())["refused_files"]):
                await asyncio.sleep(0.05)
        assert refused[0]["code"] == "not_an_image"
        assert "打不开" in refused[0]["zh"]


class TestPages:
    async def test_what_is_seen_is_straight_and_made_here(self, site: Site) -> None:
        counter = await at_the_counter(site)
        await counter.scan(ASKEW)
        (page,) = await counter.pages(1)
        path = f"{counter.path}/pages/{page['page_id']}"
        view, thumb = [await counter.browser.get(f"{path}/{kind}") for kind in ("view", "thumb")]
        assert drawn(view) == (page["width"], page["height"])
        assert picture(thumb).shape[1] == 220
        assert ASKEW not in (view.raw, thumb.raw)
        region = await counter.browser.get(f"{path}/region?x=100&y=100&w=300&h=200")
        assert picture(region).shape[1] == pytest.approx(0.3 * 620, rel=0.2)

    async def test_an_empty_one_is_told_and_not_refused(self, site: Site) -> None:
        counter = await at_the_counter(site)
        await counter.scan(pages.encoded(pages.blank(5, size=SMALL), dpi=200))
        (page,) = await counter.pages(1)
        assert (page["state"], page["blank"], page["faults"]) == ("fine", True, [])

    @pytest.mark.parametrize("query", ["x=900&y=0&w=200&h=100", "x=0&y=0&w=0&h=0", "x=-1", "x=ten"])
    async def test_a_region_outside_the_page(self, site: Site, query: str) -> None:
        counter = await at_the_counter(site)
        await counter.scan(FORM)
        (page,) = await counter.pages(1)
        answer = await counter.browser.get(f"{counter.path}/pages/{page['page_id']}/region?{query}")
        assert answer.status == 400

    async def test_turned_by_the_clerk(self, site: Site) -> None:
        counter = await at_the_counter(site)
        await counter.scan(FORM)
        (page,) = await counter.pages(1)
        path = f"{counter.path}/pages/{page['page_id']}"
        answer = await counter.browser.post(f"{path}/turn", {"degrees": 90})
        (turned,) = answer.json()["case"]["pages"]
        assert (turned["width"], turned["height"]) == (page["height"], page["width"])
        assert drawn(await counter.browser.get(f"{path}/view"))[0] == page["height"]

    async def test_removed_it_is_out_of_the_case_but_not_out_of_the_world(self, site: Site) -> None:
        counter = await at_the_counter(site)
        await counter.scan(FORM)
        (page,) = await counter.pages(1)
        assert (await counter.browser.delete(f"{counter.path}/pages/{page['page_id']}")).status == 200
        case = await site.services.approval.get(UUID(counter.case_id))
        assert case.live_pages() == ()
        assert await site.services.blobs.get(case.pages[0].original.sha256) == FORM

    async def test_another_village_sees_none_of_it(self, site: Site) -> None:
        counter = await at_the_counter(site)
        await counter.scan(FORM)
        (page,) = await counter.pages(1)
        stranger = await site.browser(site.county.stone_clerk)
        for kind in ("view", "thumb", "region"):
            assert (await stranger.get(f"{counter.path}/pages/{page['page_id']}/{kind}")).status == 404
        assert (await stranger.get(f"{counter.path}/casefile.pdf")).status == 404


async def test_the_case_file_holds_every_page_the_replaced_one_last(site: Site) -> None:
    counter = await at_the_counter(site)
    first = await counter.scan(hostile.tiff([pages.form(4, (400, 566)), pages.letter(5, (400, 566))]))
    old, _ = await counter.pages(2)
    assert first
    await counter.scan(FORM, replaces=old["page_id"])
    async with asyncio.timeout(15):
        while True:
            case = await site.services.approval.get(UUID(counter.case_id))
            if sum(page.view is not None for page in case.pages) == 3:
                break
            await asyncio.sleep(0.05)
    assert [page.live for page in case.pages].count(True) == 2
    answer = await counter.browser.get(f"{counter.path}/casefile.pdf")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/pdf")
    with pikepdf.open(io.BytesIO(answer.raw)) as made:
        assert len(made.pages) == 4
        with made.open_outline() as outline:
            titles = [item.title for item in outline.root]
        assert pdfa.check(made, "2b").violations in ([], ())
    assert titles[:2] == ["封面", "居民身份证"]
    assert titles[2] == "已替换或删除的页"
