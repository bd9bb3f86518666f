"""A whole call with the real node: offers through the hub, pictures through the node, recordings in the case."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
from aiortc import RTCSessionDescription

from tests.signaling.hall import Hall, Tab
from tests.signaling.test_hub import active
from tests.support.browser import Browser, Camera, grey
from tests.support.office import office as open_office
from villagecall.adapters.blobs_local import LocalBlobs
from villagecall.case import Case
from villagecall.signaling.node import AiortcNode
from villagecall.signaling.recording import sidecar, verify

VILLAGE, TOWN = Camera(60), Camera(180)


async def enter(hall: Hall, tab: Tab, call: UUID, camera: Camera) -> Browser:
    """What a page does: its offer and the answer go over its socket."""
    assert hall.node is not None
    browser = Browser(hall.node, call, tab.id, camera)
    answer = await tab.call("media.offer", call, sdp=await browser.offer())
    assert answer["t"] == "ok", answer
    assert len(answer["slots"]) == 3
    await browser.pc.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
    return browser


@pytest.fixture
async def real(tmp_path: Path) -> AsyncIterator[Hall]:
    hall = Hall(await open_office(), tmp_path, node=AiortcNode(tmp_path / "recordings", ["127.0.0.1"]))
    await hall.open()
    yield hall
    await hall.hub.close()
    if hall.node is not None:
        await hall.node.close()


async def until(tab: Tab, t: str, within: float = 10) -> None:
    async with asyncio.timeout(within):
        while not tab.got(t):
            await asyncio.sleep(0.02)


async def both_see_each_other(hall: Hall) -> tuple[Tab, Tab, UUID, UUID, tuple[Browser, Browser]]:
    village, desk, call, case_id = await active(hall)
    await village.call("call.consent", call)
    browsers = (await enter(hall, village, call, VILLAGE), await enter(hall, desk, call, TOWN))
    seen = await asyncio.gather(*(browser.picture(0, 25) for browser in browsers))
    assert [grey(frame) for frame in seen] == pytest.approx([TOWN.grey, VILLAGE.grey], abs=4)
    await until(village, "call.media")
    assert village.last("call.media")["slots"][0]["participant"] == str(desk.id)
    return village, desk, call, case_id, browsers


async def kept(hall: Hall, case: Case, folder: Path) -> None:
    """Both recordings are in the case and verify from their blobs alone."""
    blobs = LocalBlobs(hall.folder / "blobs")
    assert len(case.recordings) == 2
    for recording in case.recordings:
        path = folder / f"{recording.recording_id}.webm"
        path.write_bytes(await blobs.get(recording.blob.sha256))
        assert recording.lines is not None
        sidecar(path).write_bytes(await blobs.get(recording.lines.sha256))
        report = verify(path)
        assert report.ok
        assert (report.chain, report.ms, report.gaps) == (recording.chain, recording.ms, recording.gaps)
        assert recording.ms > 500
    assert not list((hall.folder / "recordings").glob("*/*"))


async def deliver(hall: Hall) -> None:
    for delivery in await hall.office.journal.claim(["recording"], 10, 60):
        await hall.hub.consume(delivery)
        await hall.office.journal.done(delivery)


async def test_a_call_from_ring_to_sealed_recording(real: Hall, tmp_path: Path) -> None:
    village, desk, call, case_id, browsers = await both_see_each_other(real)
    await asyncio.sleep(1.2)
    await real.hub._quality()
    assert desk.last("call.quality")["word"] == "good"
    await village.call("call.end", call)
    await deliver(real)
    for browser in browsers:
        await browser.close()
    await kept(real, await real.office.approval.get(case_id), tmp_path)


async def test_a_server_that_stops_in_the_middle_of_a_call_loses_nothing(real: Hall, tmp_path: Path) -> None:
    """The node closes its recordings when the server goes; the next one finds them and the call goes on."""
    village, desk, call, case_id, browsers = await both_see_each_other(real)
    await asyncio.sleep(1)
    assert real.node is not None
    await real.hub.close()
    await real.node.close()
    for browser in browsers:
        await browser.close()
    real.node = AiortcNode(tmp_path / "recordings", ["127.0.0.1"])
    await real.open()
    await kept(real, await real.office.approval.get(case_id), tmp_path)
    for tab in (village, desk):
        await tab.open()
        assert tab.welcome["call"]["state"] == "active"
    await (await enter(real, village, call, VILLAGE)).close()


async def test_what_is_no_offer_is_refused_in_words(real: Hall) -> None:
    village, _, call, _ = await active(real)
    await village.call("call.consent", call)
    answer = await village.call("media.offer", call, sdp="not an offer")
    assert answer["error"]["zh"]
    assert answer["error"]["code"] not in ("unavailable", "refused")
    early = await village.call("media.candidate", call, candidate={"candidate": "x"})
    assert early["error"]["code"] == "not_found"  # no connection to give it to
