"""From packets to frames: order, waiting, what is lost, and one axis for sound and picture."""

from __future__ import annotations

from functools import lru_cache
from random import Random

import pytest

from tests.signaling.test_rtp import a_packet
from tests.support.browser import Camera, picture
from villagecall.signaling.frames import WAIT_VIDEO_S, Axis, Frames, MediaClock


class Tape:
    """Frames as they come out, and the losses that were noticed."""

    def __init__(self, *, video: bool = True, axis: Axis | None = None) -> None:
        self.frames: list[tuple[int, bytes, bool]] = []
        self.losses: list[float] = []
        self.into = Frames(
            video=video,
            clock=MediaClock(90000 if video else 48000, axis or Axis()),
            started=0.0,
            emit=lambda ms, data, key: self.frames.append((ms, data, key)),
            lost=self.losses.append,
        )

    def data(self) -> list[bytes]:
        return [data for _, data, _ in self.frames]


def packets(frames: tuple[bytes, ...], piece: int = 400) -> list[tuple[bytes, int, int, float]]:
    """``(packet, sequence, time stamp, arrival)``, each frame in pieces (RFC 7741)."""
    out: list[tuple[bytes, int, int, float]] = []
    for number, frame in enumerate(frames):
        pieces = [frame[at : at + piece] for at in range(0, len(frame), piece)]
        for at, part in enumerate(pieces):
            descriptor = b"\x10" if at == 0 else b"\x00"
            sequence = len(out)
            packet = a_packet(sequence & 0xFFFF, number * 3600, descriptor + part, marker=at == len(pieces) - 1)
            out.append((packet, sequence, number * 3600, number * 0.04))
    return out


@lru_cache
def filmed() -> tuple[bytes, ...]:
    """Two seconds of a made-up camera."""
    return picture(Camera(90))[:50]


def test_frames_are_put_together_again_byte_for_byte() -> None:
    tape = Tape()
    for packet in packets(filmed()):
        tape.into.packet(*packet)
    assert tape.data() == list(filmed())
    assert [ms for ms, _, _ in tape.frames] == [n * 40 for n in range(50)]
    assert [n for n, (_, _, key) in enumerate(tape.frames) if key] == [0, 25]


@pytest.mark.parametrize("seed", range(8))
def test_order_does_not_matter_within_the_waiting_time(seed: int) -> None:
    tape = Tape()
    mixed = packets(filmed())
    chance = Random(seed)
    first, rest = mixed[:1], mixed[1:]
    rest.sort(key=lambda p: p[3] + chance.uniform(0, WAIT_VIDEO_S / 2))
    for packet, sequence, timestamp, _ in first + rest:
        tape.into.packet(packet, sequence, timestamp, 1.0)
    assert tape.data() == list(filmed())
    assert not tape.losses


def test_what_stays_missing_costs_the_frames_up_to_the_next_key_frame() -> None:
    tape = Tape()
    sent = packets(filmed())
    gone = next(n for n, (_, _, timestamp, _) in enumerate(sent) if timestamp == 10 * 3600)
    for n, packet in enumerate(sent):
        if n != gone:
            tape.into.packet(*packet)
        tape.into.tick(packet[3])
    assert tape.data() == [*filmed()[:10], *filmed()[25:]], "nothing is shown that was not there"
    assert tape.losses, "a key frame was asked for"


def test_at_the_end_what_is_there_is_given() -> None:
    tape = Tape(video=False)
    for n in (0, 1, 3, 4):
        tape.into.packet(a_packet(n, n * 960, bytes([n])), n, n * 960, n * 0.02)
    assert tape.data() == [b"\x00", b"\x01"]
    tape.into.finish(0.1)
    assert tape.data() == [b"\x00", b"\x01", b"\x03", b"\x04"]


def test_padding_and_broken_descriptors_are_no_frames() -> None:
    tape = Tape()
    tape.into.packet(a_packet(0, 0, b""), 0, 0, 0.0)
    tape.into.packet(a_packet(1, 0, b"\x90", marker=1), 1, 0, 0.0)
    tape.into.packet(b"\x10", 2, 0, 0.0)
    assert tape.frames == []


def test_sender_reports_bring_sound_and_picture_together() -> None:
    """Encoding delayed the picture by 200 ms; the source's own clock knows when it was taken."""
    axis = Axis()
    sound, sight = Tape(video=False, axis=axis), Tape(axis=axis)
    for n in range(100):
        sound.into.packet(a_packet(n, 5000 + n * 960, b"s"), n, 5000 + n * 960, n * 0.02)
        if n == 20:
            sound.into.report(1000.4, 5000 + 20 * 960, 0.4)
    for n in range(50):
        if n == 10:
            sight.into.report(1000.4, 777 + 10 * 3600, 0.6)
        sight.into.packet(a_packet(n, 777 + n * 3600, b"\x10\x00f", marker=1), n, 777 + n * 3600, 0.2 + n * 0.04)
    assert sound.frames[-1][0] == 99 * 20
    assert sight.frames[-1][0] == 49 * 40


def test_time_never_runs_backwards_and_a_jump_is_taken_from_the_arrival() -> None:
    clock = MediaClock(90000, Axis())
    assert clock.ms(1000, 0) == 0
    assert clock.ms(1000 + 3600, 41) == 40
    assert clock.ms(1000, 50) == 41
    assert clock.ms(1000 + 90000 * 1000, 5000) == 5000
    assert clock.ms(1000 + 90000 * 1000 + 3600, 5040) == 5040


def test_the_time_stamp_may_wrap() -> None:
    clock = MediaClock(48000, Axis())
    assert clock.ms(0xFFFFFFFF - 479, 0) == 0
    assert clock.ms(480, 20) == 20
