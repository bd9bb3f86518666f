"""From packets to frames with times, for the recording (pure): nothing is decoded.

RFC 7741 (VP8 payload), RFC 7587 (Opus payload: a packet is a frame), RFC 3550 section 6.4.1 (sender
reports tie time stamps to a wall clock, which keeps sound and picture together).
"""

from __future__ import annotations

from collections.abc import Callable

from villagecall.signaling import rtp

WAIT_VIDEO_S = 0.9
"""How long a missing packet of the picture may still be retransmitted."""
WAIT_AUDIO_S = 0.15
"""Sound is not retransmitted; this only puts back into order."""

Emit = Callable[[int, bytes, bool], None]
"""``(ms, frame, key)``."""


class MediaClock:
    """Turns RTP time stamps into ms of the recording.

    The first packet's arrival sets the origin. From the first sender report on, the source's own wall clock
    decides, shifted by one offset that sound and picture of a connection share (``Axis``).
    """

    __slots__ = ("_axis", "_last", "_ms", "_rate", "_reference", "_timestamp")

    def __init__(self, rate: int, axis: Axis) -> None:
        self._rate = rate
        self._axis = axis
        self._timestamp: int | None = None
        self._reference = 0
        self._ms = 0.0
        self._last = -1

    def ms(self, timestamp: int, now_ms: float) -> int:
        """Never runs backwards within a track."""
        if self._timestamp is None:
            self._timestamp = self._reference = timestamp
            self._ms = now_ms
        self._reference = rtp.extend(self._reference, timestamp, 32)
        value = self._ms + (self._reference - self._timestamp) * 1000 / self._rate
        if abs(value - now_ms) > 10_000:
            # The source jumped (a new encoder, a suspended machine): its arrival is the better time.
            self._timestamp, self._ms, value = self._reference, now_ms, now_ms
        self._last = max(self._last + 1, round(value))
        return self._last

    def report(self, ntp: float, timestamp: int, now_ms: float) -> None:
        """A sender report: at wall-clock ``ntp`` (s) the time stamp was ``timestamp``."""
        if self._timestamp is None:
            return
        at = self._axis.ms(ntp, now_ms)
        self._ms = at
        self._timestamp = rtp.extend(self._reference, timestamp, 32)


class Axis:
    """Where a source's wall clock stands on the recording's axis; shared by its sound and picture."""

    __slots__ = ("_offset",)

    def __init__(self) -> None:
        self._offset: float | None = None

    def ms(self, ntp: float, now_ms: float) -> float:
        at = ntp * 1000
        # The first report sets it; a wall clock that was put right by more than a second sets it again.
        if self._offset is None or abs(at + self._offset - now_ms) > 1000:
            self._offset = now_ms - at
        return at + self._offset


class Frames:
    """Puts packets of one source into order and gives whole frames.

    ``lost`` is called when a piece of the picture is missing for good: frames are left out until the next
    key frame, because what refers to a missing frame would show something that was not there.
    """

    def __init__(
        self, *, video: bool, clock: MediaClock, started: float, emit: Emit, lost: Callable[[float], None]
    ) -> None:
        self._video = video
        self._clock = clock
        self._started = started
        self._emit = emit
        self._lost = lost
        self._wait = WAIT_VIDEO_S if video else WAIT_AUDIO_S
        self._next: int | None = None
        self._held: dict[int, tuple[bytes, int, float]] = {}
        self._parts: list[bytes] = []
        self._broken = video

    def packet(self, packet: bytes, sequence: int, timestamp: int, now: float) -> None:
        """A packet under its unwrapped sequence number, once."""
        if self._next is None:
            self._next = sequence
        if sequence == self._next and not self._held:
            self._next += 1
            self._take(packet, timestamp, now)
        elif sequence >= self._next:
            self._held[sequence] = (packet, timestamp, now)
            self._drain(now)

    def report(self, ntp: float, timestamp: int, now: float) -> None:
        self._clock.report(ntp, timestamp, (now - self._started) * 1000)

    def tick(self, now: float) -> None:
        """Stop waiting for what is overdue."""
        if self._held:
            self._drain(now)

    def finish(self, now: float) -> None:
        """The connection is over: give what is there."""
        self._drain(now + self._wait + 1)

    def _drain(self, now: float) -> None:
        held = self._held
        while held and self._next is not None:
            entry = held.pop(self._next, None)
            if entry is not None:
                self._next += 1
                self._take(*entry)
                continue
            first = min(held)
            if now - held[first][2] < self._wait:
                return
            self._next = first
            self._miss(now)

    def _miss(self, now: float) -> None:
        if self._video:
            self._parts.clear()
            self._broken = True
            self._lost(now)

    def _take(self, packet: bytes, timestamp: int, now: float) -> None:
        try:
            start, end = rtp.payload_bounds(packet)
        except ValueError:
            self._miss(now)
            return
        if start == end:
            return
        if not self._video:
            self._emit(self._clock.ms(timestamp, (now - self._started) * 1000), packet[start:end], True)
            return
        try:
            at, begins = rtp.vp8_start(packet, start, end)
        except ValueError:
            self._miss(now)
            return
        if begins:
            self._parts = [packet[at:end]]
        elif self._parts:
            self._parts.append(packet[at:end])
        else:
            return
        if packet[1] & 0x80:
            self._frame(timestamp, now)

    def _frame(self, timestamp: int, now: float) -> None:
        parts = self._parts
        frame = parts[0] if len(parts) == 1 else b"".join(parts)
        self._parts = []
        key = not frame[0] & 0x01
        if self._broken and not key:
            self._lost(now)
            return
        self._broken = False
        self._emit(self._clock.ms(timestamp, (now - self._started) * 1000), frame, key)
