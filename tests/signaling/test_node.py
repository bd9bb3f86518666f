"""The node with real ICE, DTLS and SRTP on loopback: who sees whom, what is recorded, what happens when a line goes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import pytest

from tests.signaling.test_matroska import decoded
from tests.support.browser import Browser, Camera, grey
from villagecall.errors import NotFound, Unavailable
from villagecall.ports import MediaEngine
from villagecall.signaling import node as node_module
from villagecall.signaling.node import AiortcNode
from villagecall.signaling.recording import verify
from villagecall.signaling.room import MediaFull
from villagecall.signaling.sdp import OfferRefused

VILLAGE, TOWN, DISTRICT = Camera(60), Camera(120), Camera(190)


class Hall:
    """A node, its events, and the browsers that visit it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.node = AiortcNode(folder, ["127.0.0.1"])
        self.call = uuid4()
        self.events: list[tuple[UUID, str]] = []
        self.browsers: list[Browser] = []
        self.node.listen(self.heard)

    async def heard(self, call: UUID, participant: UUID, event: str) -> None:
        assert call == self.call
        self.events.append((participant, event))

    async def enter(self, camera: Camera, me: UUID | None = None, *, record: bool = True) -> Browser:
        browser = Browser(self.node, self.call, me or uuid4(), camera)
        self.browsers.append(browser)
        await browser.join(record=record)
        return browser

    async def until(self, who: UUID, event: str, within: float = 10) -> None:
        async with asyncio.timeout(within):
            while (who, event) not in self.events:
                await asyncio.sleep(0.02)

    async def shown(self, browser: Browser) -> list[UUID | None]:
        return [slot.participant for slot in await self.node.slots(self.call, browser.me)]

    async def close(self) -> None:
        for browser in self.browsers:
            await browser.close()
        await self.node.close()


@pytest.fixture
async def hall(tmp_path: Path) -> AsyncIterator[Hall]:
    hall = Hall(tmp_path / "recordings")
    yield hall
    await hall.close()


def test_it_is_a_media_engine(tmp_path: Path) -> None:
    engine: MediaEngine = AiortcNode(tmp_path)
    assert engine is not None


async def test_two_parties_see_and_hear_each_other_and_are_recorded(hall: Hall) -> None:
    village = await hall.enter(VILLAGE)
    town = await hall.enter(TOWN)
    assert [s.participant for s in (town.answer.slots if town.answer else ())] == [village.me, None, None]
    await hall.until(village.me, "slots")
    assert await hall.shown(village) == [town.me, None, None]
    seen = await asyncio.gather(village.picture(0, 10), town.picture(0, 10))
    assert [grey(frame) for frame in seen] == pytest.approx([TOWN.grey, VILLAGE.grey], abs=4)
    heard = await village.sound(0, 20)
    strongest = np.argmax(np.abs(np.fft.rfft(heard))) * 48000 / len(heard)
    assert strongest == pytest.approx(200 + 2 * TOWN.grey, abs=10)
    await asyncio.sleep(2)
    stats = await hall.node.stats(hall.call, village.me)
    assert 0 <= stats.loss_permille < 50
    files = await hall.node.end(hall.call)
    assert {file.participant for file in files} == {village.me, town.me}
    for file in files:
        report = verify(file.path)
        assert report.ok
        assert (report.chain, report.ms) == (file.chain, file.ms)
        pictures, sounds = decoded(file.path)
        assert pictures > 40
        assert sounds > 80
    assert {event for _, event in hall.events} == {"connected", "slots"}
    assert await hall.node.end(hall.call) == ()


async def test_a_third_joins_without_disturbing_the_two(hall: Hall) -> None:
    village, town = await hall.enter(VILLAGE), await hall.enter(TOWN)
    await asyncio.gather(village.picture(0), town.picture(0))
    district = await hall.enter(DISTRICT)
    assert await hall.shown(village) == [town.me, district.me, None]
    assert await hall.shown(town) == [village.me, district.me, None]
    assert await hall.shown(district) == [village.me, town.me, None]
    seen = await asyncio.gather(
        village.picture(0, 5), village.picture(1, 5), district.picture(0, 5), district.picture(1, 5)
    )
    assert [grey(f) for f in seen] == pytest.approx([TOWN.grey, DISTRICT.grey, VILLAGE.grey, TOWN.grey], abs=4)
    await hall.node.leave(hall.call, town.me)
    assert await hall.shown(village) == [None, district.me, None]
    again = await hall.enter(TOWN)
    assert await hall.shown(village) == [again.me, district.me, None], "the lowest free slot"
    assert grey(await village.picture(0, 40)) == pytest.approx(TOWN.grey, abs=4)


async def test_a_reload_keeps_the_place_and_goes_on_in_the_same_recording(hall: Hall) -> None:
    village, town = await hall.enter(VILLAGE), await hall.enter(TOWN)
    await town.picture(0, 20)
    # The old connection is not closed by the browser: a reload leaves it to the node.
    again = await hall.enter(VILLAGE, village.me)
    assert await hall.shown(town) == [village.me, None, None]
    assert await hall.shown(again) == [town.me, None, None]
    assert grey(await town.picture(0, 40)) == pytest.approx(VILLAGE.grey, abs=4)
    assert grey(await again.picture(0, 5)) == pytest.approx(TOWN.grey, abs=4)
    files = await hall.node.end(hall.call)
    assert len(files) == 2
    tape = next(file for file in files if file.participant == village.me)
    assert verify(tape.path).ok
    pictures, _ = decoded(tape.path)
    assert pictures > 45


async def test_a_closed_page_is_noticed_at_once(hall: Hall) -> None:
    village = await hall.enter(VILLAGE)
    await hall.until(village.me, "connected")
    await village.close()
    await hall.until(village.me, "disconnected", within=2)


async def test_a_dead_path_is_noticed_within_five_seconds(hall: Hall) -> None:
    village = await hall.enter(VILLAGE)
    await hall.until(village.me, "connected")
    # The machine is switched off: nothing arrives any more, nobody says goodbye.
    transport = village.pc.getTransceivers()[0].sender.transport.transport
    for protocol in transport._connection._protocols:
        protocol.transport.abort()
    await hall.until(village.me, "disconnected", within=5)


async def test_who_leaves_is_forgotten_and_their_recording_kept(hall: Hall) -> None:
    village, town = await hall.enter(VILLAGE), await hall.enter(TOWN, record=False)
    await town.picture(0, 10)
    await hall.node.leave(hall.call, village.me)
    await hall.node.leave(hall.call, village.me)
    with pytest.raises(NotFound):
        await hall.node.slots(hall.call, village.me)
    assert await hall.shown(town) == [None, None, None]
    back = await hall.enter(VILLAGE, village.me)
    await town.picture(0, 30)
    files = await hall.node.end(hall.call)
    assert [file.participant for file in files] == [village.me, village.me], "the town did not ask to be recorded"
    assert sorted(f.path.name for f in files) == [f"{back.me}-2.webm", f"{back.me}.webm"]
    assert all(verify(file.path).ok for file in files)


async def test_four_can_take_part_and_a_fifth_is_told(hall: Hall) -> None:
    for _ in range(4):
        browser = Browser(hall.node, hall.call, uuid4(), VILLAGE)
        hall.browsers.append(browser)
        await hall.node.join(hall.call, browser.me, await browser.offer(), record=False)
    fifth = Browser(hall.node, hall.call, uuid4(), VILLAGE)
    hall.browsers.append(fifth)
    offer = await fifth.offer()
    with pytest.raises(MediaFull):
        await hall.node.join(hall.call, fifth.me, offer, record=False)
    assert None not in await hall.shown(hall.browsers[0])


async def test_a_bad_offer_leaves_nothing_behind(hall: Hall) -> None:
    browser = Browser(hall.node, hall.call, uuid4(), VILLAGE)
    hall.browsers.append(browser)
    offer = (await browser.offer()).replace("VP8", "VP9")
    with pytest.raises(OfferRefused):
        await hall.node.join(hall.call, browser.me, offer, record=True)
    with pytest.raises(NotFound):
        await hall.node.stats(hall.call, browser.me)
    assert await hall.node.end(hall.call) == ()


async def test_candidates_may_trickle(hall: Hall) -> None:
    browser = Browser(hall.node, hall.call, uuid4(), VILLAGE)
    hall.browsers.append(browser)
    lines: list[str] = []

    def hold_back(sdp: str) -> str:
        lines.extend(line.removeprefix("a=") for line in sdp.splitlines() if line.startswith("a=candidate"))
        return "".join(
            line for line in sdp.splitlines(keepends=True) if not line.startswith(("a=candidate", "a=end-of"))
        )

    await browser.join(patch=hold_back)
    for line in lines:
        await hall.node.candidate(hall.call, browser.me, {"candidate": line, "sdpMid": "0"})
    await hall.node.candidate(hall.call, browser.me, {"candidate": "", "sdpMid": "0"})
    await hall.node.candidate(hall.call, browser.me, None)
    await hall.until(browser.me, "connected")
    with pytest.raises(OfferRefused):
        await hall.node.candidate(hall.call, browser.me, {"candidate": "candidate:nonsense"})
    with pytest.raises(NotFound):
        await hall.node.candidate(hall.call, uuid4(), None)


async def test_who_never_connects_is_given_up(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_module, "CONNECT_S", 0.5)
    browser = Browser(hall.node, hall.call, uuid4(), VILLAGE)
    await hall.node.join(hall.call, browser.me, await browser.offer(), record=False)
    await browser.close()
    await hall.until(browser.me, "disconnected", within=5)


async def test_recordings_of_a_killed_node_are_closed_by_the_next(hall: Hall) -> None:
    village, town = await hall.enter(VILLAGE), await hall.enter(TOWN)
    await asyncio.gather(village.picture(0, 40), town.picture(0, 40))
    await asyncio.sleep(1)
    # A copy taken while it runs is what a kill leaves behind.
    left = hall.folder.parent / "left" / str(hall.call)
    left.mkdir(parents=True)
    for path in (hall.folder / str(hall.call)).iterdir():
        (left / path.name).write_bytes(path.read_bytes())
    successor = AiortcNode(left.parent, ["127.0.0.1"])
    found = await successor.recover()
    assert {(call, file.participant) for call, file in found} == {(hall.call, village.me), (hall.call, town.me)}
    for _, file in found:
        assert verify(file.path).ok
        assert decoded(file.path)[0] >= 20
    assert await successor.recover() == found, "until somebody takes them away"
    for _, file in found:
        file.path.unlink()
    (left / "stray.webm").write_bytes(b"not ours")
    assert await successor.recover() == ()
    await successor.close()


async def test_a_listener_that_fails_does_not_silence_the_others(tmp_path: Path) -> None:
    hall = Hall(tmp_path)
    heard: list[str] = []

    async def broken(call: UUID, participant: UUID, event: str) -> None:
        raise RuntimeError(event)

    async def working(call: UUID, participant: UUID, event: str) -> None:
        heard.append(event)

    hall.node.listen(broken)
    hall.node.listen(working)
    village = await hall.enter(VILLAGE, record=False)
    await hall.until(village.me, "connected")
    assert heard == ["connected"]
    await hall.close()


async def test_when_all_media_ports_are_taken_the_answer_says_try_again(tmp_path: Path) -> None:
    hall = Hall(tmp_path)
    first = await hall.enter(VILLAGE, record=False)
    assert first.answer is not None
    port = int(re.findall(r"a=candidate:\S+ 1 udp \d+ \S+ (\d+)", first.answer.sdp)[0])
    crowded = AiortcNode(tmp_path, ["127.0.0.1"], (port, port))
    second = Browser(crowded, hall.call, uuid4(), TOWN)
    hall.browsers.append(second)
    with pytest.raises(Unavailable):
        await second.join(record=False)
    await crowded.close()
    await hall.close()
