"""A browser as far as media goes: aiortc with the offer of docs/PROTOCOL.md and a camera encoded beforehand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from time import monotonic
from typing import Any, Protocol
from uuid import UUID

import av
import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpTransceiver, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack
from aiortc.rtcconfiguration import RTCBundlePolicy

from villagecall.ports import MediaAnswer

RATE = 25
SECONDS = 2


@dataclass(frozen=True)
class Camera:
    """A picture of one grey value with a wandering bar, and a tone: told apart after decoding."""

    grey: int
    width: int = 160
    height: int = 120
    bitrate: int = 200_000


@lru_cache
def picture(camera: Camera) -> tuple[bytes, ...]:
    """VP8 frames of ``SECONDS``, a key frame each second."""
    encoder = av.CodecContext.create("libvpx", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = camera.width, camera.height, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, RATE), Fraction(RATE)
    encoder.bit_rate = camera.bitrate
    encoder.options = {
        "deadline": "realtime",
        "cpu-used": "8",
        "lag-in-frames": "0",
        "g": str(RATE),
        "keyint_min": "25",
    }
    noise = np.random.default_rng(camera.grey).integers(-6, 7, (camera.height, camera.width))
    frames = []
    for index in range(RATE * SECONDS):
        plane = np.clip(np.roll(noise, index * 5, axis=1) + camera.grey, 0, 255).astype(np.uint8)
        left = index * 8 % camera.width
        plane[:, left : left + 16] = 255 - camera.grey
        frame = av.VideoFrame.from_ndarray(plane, format="gray").reformat(format="yuv420p")
        frame.pts = index
        frames += [bytes(packet) for packet in encoder.encode(frame)]
    frames += [bytes(packet) for packet in encoder.encode(None)]
    return tuple(frames)


@lru_cache
def tone(camera: Camera) -> tuple[bytes, ...]:
    """Opus packets of 20 ms."""
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.format, encoder.layout = 48000, "s16", "stereo"
    encoder.bit_rate = 32000
    packets: list[bytes] = []
    time = np.arange(960 * 50 * SECONDS) / 48000
    wave = (8000 * np.sin(2 * np.pi * (200 + 2 * camera.grey) * time)).astype(np.int16)
    for index in range(50 * SECONDS):
        piece = np.repeat(wave[index * 960 : (index + 1) * 960], 2).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(piece, format="s16", layout="stereo")
        frame.sample_rate, frame.pts = 48000, index * 960
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return tuple(packets)


class Encoded(MediaStreamTrack):
    """Plays packets in a loop at the speed of life."""

    def __init__(self, kind: str, packets: tuple[bytes, ...], per_second: int) -> None:
        super().__init__()
        self.kind = kind
        self._packets = packets
        self._per_second = per_second
        self._begun: float | None = None
        self.sent = 0

    async def recv(self) -> av.Packet[Any]:
        now = monotonic()
        if self._begun is None:
            self._begun = now
        await asyncio.sleep(max(0.0, self._begun + self.sent / self._per_second - now))
        packet = av.Packet(self._packets[self.sent % len(self._packets)])
        packet.pts = packet.dts = self.sent
        packet.time_base = Fraction(1, self._per_second)
        self.sent += 1
        return packet


class Joined(Protocol):
    """What a browser needs of the engine: an answer to its offer."""

    async def join(self, call: UUID, me: UUID, offer: str, /, *, record: bool) -> MediaAnswer: ...


class Browser:
    """One connection; :meth:`join` again is what a reload does."""

    def __init__(self, engine: Joined, call: UUID, me: UUID, camera: Camera) -> None:
        self.engine, self.call, self.me, self.camera = engine, call, me, camera
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self.video = Encoded("video", picture(camera), RATE)
        self.audio = Encoded("audio", tone(camera), 50)
        self.slots: list[tuple[RTCRtpTransceiver, RTCRtpTransceiver]] = []
        self.answer: MediaAnswer | None = None

    async def offer(self) -> str:
        self.pc.addTransceiver(self.audio, direction="sendonly")
        self.pc.addTransceiver(self.video, direction="sendonly")
        for _ in range(3):
            pair = [self.pc.addTransceiver(kind, direction="recvonly") for kind in ("audio", "video")]
            self.slots.append((pair[0], pair[1]))
        await self.pc.setLocalDescription(await self.pc.createOffer())
        return self.pc.localDescription.sdp

    async def join(self, *, record: bool = True, patch: Callable[[str], str] = str) -> MediaAnswer:
        self.answer = await self.engine.join(self.call, self.me, patch(await self.offer()), record=record)
        await self.pc.setRemoteDescription(RTCSessionDescription(self.answer.sdp, "answer"))
        return self.answer

    async def picture(self, slot: int, frames: int = 1, within: float = 10) -> av.VideoFrame:
        """The last of so many frames seen in a slot."""
        track = self.slots[slot][1].receiver.track
        async with asyncio.timeout(within):
            for _ in range(frames):
                frame = await track.recv()
        assert isinstance(frame, av.VideoFrame)
        return frame

    async def sound(
        self, slot: int, frames: int = 10, within: float = 10
    ) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        """Samples heard in a slot."""
        track = self.slots[slot][0].receiver.track
        heard = []
        async with asyncio.timeout(within):
            for _ in range(frames):
                frame = await track.recv()
                assert isinstance(frame, av.AudioFrame)
                heard.append(frame.to_ndarray().reshape(-1, 2)[:, 0].astype(np.float64))
        return np.concatenate(heard)

    async def close(self) -> None:
        await self.pc.close()


def grey(frame: av.VideoFrame) -> int:
    """The middle grey of a decoded picture."""
    return int(np.median(frame.to_ndarray(format="gray")))
