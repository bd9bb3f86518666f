"""Live session: what a stream costs the node, and how long the first picture takes.

Both are measured on the real thing: a publisher in a process of its own sends 640 × 480 at 25 pictures a
second with sound over ICE, DTLS and SRTP on loopback; pictures are timed in a real Chromium.
"""

from __future__ import annotations

import asyncio
import json
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import monotonic
from typing import NoReturn
from uuid import UUID, uuid4

import uvloop
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaRecorder, MediaRelay
from aiortc.mediastreams import MediaStreamTrack
from aiortc.rtcconfiguration import RTCConfiguration

from bench.figure import Figure
from tests.support.browser import RATE, Browser, Camera, Encoded
from tests.support.page import chromium, first_picture_ms, join, served
from villagecall.ports import MediaAnswer
from villagecall.signaling.node import AiortcNode
from villagecall.signaling.recording import verify

CAMERA = Camera(110, 640, 480, 700_000)
SETTLE_S = 3.0
MEASURE_S = 10.0
ROUNDS = 3
PICTURES = 24
GOAL_CORE = 0.03
GOAL_MS = 400.0


def run() -> list[Figure]:
    """Every figure of this group."""
    # The picture first: the streams of the other leave the machine busy for a while.
    picture = _first_picture()
    return [*_cost(), picture]


# ---------------------------------------------------------------- cost of a stream


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _cost() -> list[Figure]:
    """Node and aiortc's own recorder and relay, taking turns."""
    ours: list[float] = []
    recorder: list[float] = []
    relay: list[float] = []
    for _ in range(ROUNDS):
        ours.append(_server("node"))
        recorder.append(_server("recorder"))
        relay.append(_server("relay"))
    core, taped, passed = (statistics.median(values) for values in (ours, recorder, relay))
    name = "forward + record 640×480@25 with sound"
    return [
        Figure(
            name,
            f"{core:.4f} core",
            "aiortc MediaRecorder (records only)",
            f"{taped:.3f} core",
            core / taped,
            f"≤ {GOAL_CORE} core",
            core <= GOAL_CORE,
        ),
        Figure(
            name, f"{core:.4f} core", "aiortc MediaRelay (forwards only)", f"{passed:.3f} core", core / passed, "", None
        ),
    ]


def _server(kind: str) -> float:
    """The share of a core that a server of this kind uses for one stream, in a process of its own."""
    command = [sys.executable, "-m", "bench.live", kind]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return float(json.loads(done.stdout.splitlines()[-1])["core"])


class _Elsewhere:
    """A browser's engine whose node is in another process: offers and answers go through pipes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def offer(self, kind: str) -> str:
        assert self._process.stdout is not None
        while True:
            line = json.loads(await self._process.stdout.readline())
            if line["kind"] == kind:
                return str(line["sdp"])

    async def answer(self, sdp: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"sdp": sdp}).encode() + b"\n")
        await self._process.stdin.drain()


class _Piped:
    """The engine as the client process sees it."""

    async def join(self, call: UUID, me: UUID, offer: str, *, record: bool) -> MediaAnswer:
        print(json.dumps({"kind": "publish" if record else "watch", "sdp": offer}), flush=True)
        line = await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        return MediaAnswer(json.loads(line)["sdp"], ())


class _Quiet(Encoded):
    """Nobody's camera: a watcher that sends nothing, so that one stream is measured and not two."""

    async def recv(self) -> NoReturn:
        while True:
            await asyncio.sleep(3600)


async def _client() -> None:
    """A publisher and a watcher; the watcher's packets are thrown away before they are decoded."""
    publisher = Browser(_Piped(), uuid4(), uuid4(), CAMERA)
    watcher = Browser(_Piped(), uuid4(), uuid4(), CAMERA)
    watcher.video, watcher.audio = _Quiet("video", (), RATE), _Quiet("audio", (), 50)
    await publisher.join(record=True)
    await watcher.join(record=False)
    await asyncio.Event().wait()


async def _measured(ready: Callable[[_Elsewhere], Awaitable[None]]) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.live", "client", stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        await ready(_Elsewhere(process))
        await asyncio.sleep(SETTLE_S)
        begun, used = monotonic(), _cpu()
        await asyncio.sleep(MEASURE_S)
        core = (_cpu() - used) / (monotonic() - begun)
    finally:
        process.kill()
        await process.wait()
    print(json.dumps({"core": core}), flush=True)


async def _node() -> None:
    with tempfile.TemporaryDirectory() as folder:
        node = AiortcNode(Path(folder), ["127.0.0.1"])
        call, publisher, watcher = uuid4(), uuid4(), uuid4()

        async def ready(elsewhere: _Elsewhere) -> None:
            offer = await elsewhere.offer("publish")
            await elsewhere.answer((await node.join(call, publisher, offer, record=True)).sdp)
            offer = await elsewhere.offer("watch")
            await elsewhere.answer((await node.join(call, watcher, offer, record=False)).sdp)

        await _measured(ready)
        [file] = await node.end(call)
        report = verify(file.path)
        assert report.ok
        assert report.ms > 1000 * MEASURE_S
        await node.close()


async def _aiortc(kind: str) -> None:
    """The same stream through aiortc's own means."""
    with tempfile.TemporaryDirectory() as folder:
        pcs: list[RTCPeerConnection] = []
        tracks: list[MediaStreamTrack] = []
        relay = MediaRelay()
        recorder = MediaRecorder(str(Path(folder) / "tape.mp4"))

        async def connect(elsewhere: _Elsewhere, role: str) -> None:
            pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
            pcs.append(pc)
            pc.on("track", tracks.append)
            await pc.setRemoteDescription(RTCSessionDescription(await elsewhere.offer(role), "offer"))
            if role == "watch" and kind == "relay":
                kinds = {t.kind: t for t in tracks}
                for transceiver in pc.getTransceivers()[2:4]:
                    transceiver.sender.replaceTrack(relay.subscribe(kinds[transceiver.kind]))
                    transceiver.direction = "sendonly"
            await pc.setLocalDescription(await pc.createAnswer())
            await elsewhere.answer(pc.localDescription.sdp)

        async def ready(elsewhere: _Elsewhere) -> None:
            await connect(elsewhere, "publish")
            if kind == "recorder":
                for track in tracks[:2]:
                    recorder.addTrack(track)
                await recorder.start()
            await connect(elsewhere, "watch")

        await _measured(ready)
        if kind == "recorder":
            await recorder.stop()
        for pc in pcs:
            await pc.close()


# ---------------------------------------------------------------- first picture


def _first_picture() -> Figure:
    times = sorted(uvloop.run(_pictures()))
    p95 = times[min(len(times) - 1, int(len(times) * 0.95))]
    return Figure(
        "offer → first picture in Chromium, loopback, p95",
        f"{p95:.0f} ms (p50 {statistics.median(times):.0f}, n {len(times)})",
        "through a node (goals.md, read)",
        "249 ms",
        p95 / 249,
        f"≤ {GOAL_MS:.0f} ms",
        p95 <= GOAL_MS,
    )


async def _pictures() -> list[float]:
    """A desk answers a village that waits in the call: again and again, each time a new connection."""
    with tempfile.TemporaryDirectory() as folder:
        node = AiortcNode(Path(folder))
        call, village, desk = uuid4(), uuid4(), uuid4()
        times = []
        async with served(node) as url, chromium() as browser:
            waiting, answering = await browser.new_page(), await browser.new_page()
            for page in (waiting, answering):
                await page.goto(url)
                await page.evaluate("camera()")
            await join(waiting, call, village)
            for turn in range(PICTURES):
                await join(answering, call, desk)
                ms = await asyncio.wait_for(first_picture_ms(answering), 30)
                if turn:
                    # The first one also starts Chromium's media stack.
                    times.append(ms)
                await asyncio.sleep(0.6)
        await node.close()
        return times


def main(kind: str) -> None:
    """A process of the measurement: ``client``, ``node``, ``recorder`` or ``relay``."""
    work = {"client": _client, "node": _node}.get(kind) or (lambda: _aiortc(kind))
    uvloop.run(work())


if __name__ == "__main__":
    main(sys.argv[1])
