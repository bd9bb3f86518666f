"""Playing a call's recording."""

from __future__ import annotations

import pytest
import pytest_asyncio

from tests.support.office import key
from tests.support.site import Site
from villagecall.ids import uuid7
from villagecall.journal import JSON, SYSTEM

SOUND = bytes(range(256)) * 40


@pytest_asyncio.fixture(loop_scope="module")
async def url(site: Site) -> str:
    """A case with one recording; its address."""
    all_ = site.services
    case, recording = await site.office().accepted(), uuid7()
    blob = await all_.blobs.put(SOUND, "video/webm")
    kept: dict[str, JSON] = {
        "recording_id": str(recording),
        "call_id": str(uuid7()),
        "participant": str(uuid7()),
        "blob": {"sha256": blob.sha256, "size": blob.size, "media_type": blob.media_type},
        "ms": 1000,
        "chain": "ab" * 32,
        "gaps": [],
    }
    await all_.approval.record(case.case_id, "recording.closed", {"recording": kept}, actor=SYSTEM, key=key())
    return f"/api/v1/cases/{case.case_id}/recordings/{recording}"


@pytest.mark.asyncio(loop_scope="module")
async def test_whole_and_in_pieces(site: Site, url: str) -> None:
    officer = await site.browser(site.county.east_officer)
    whole = await officer.get(url)
    assert (whole.status, whole.raw) == (200, SOUND)
    assert whole.headers["Content-Type"] == "video/webm"
    assert whole.headers["Accept-Ranges"] == "bytes"
    for asked, piece, said in (
        ("bytes=0-99", SOUND[:100], "bytes 0-99/10240"),
        ("bytes=10000-", SOUND[10000:], "bytes 10000-10239/10240"),
        ("bytes=-40", SOUND[-40:], "bytes 10200-10239/10240"),
    ):
        part = await officer.get(url, headers={"Range": asked})
        assert (part.status, part.raw, part.headers["Content-Range"]) == (206, piece, said)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_piece_that_is_not_there(site: Site, url: str) -> None:
    officer = await site.browser(site.county.east_officer)
    for asked in ("bytes=20000-", "bytes=9-1", "pages=1-2"):
        answer = await officer.get(url, headers={"Range": asked})
        assert (answer.status, answer.code) == (416, "range")


@pytest.mark.asyncio(loop_scope="module")
async def test_who_may_not_read_the_case_does_not_find_it(site: Site, url: str) -> None:
    for person, status in (
        (site.county.west_officer, 404),
        (site.county.stone_clerk, 404),
        (site.county.admin, 403),
        (site.county.supervisor, 200),
    ):
        assert (await (await site.browser(person)).get(url)).status == status
    assert (await site.nobody().get(url)).status == 401
    officer = await site.browser(site.county.east_officer)
    assert (await officer.get(url.rpartition("/")[0] + f"/{uuid7()}")).status == 404
