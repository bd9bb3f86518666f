"""RTP packets as bytes: what a forwarding node reads and rewrites, and nothing more (pure).

RFC 3550 (header, reception statistics), RFC 8285 (header extensions), RFC 4588 (retransmission format),
RFC 7741 (VP8 payload). Functions work on whole packets; none of them keeps a reference to its argument.
"""

from __future__ import annotations

from struct import Struct

HEADER = Struct("!BBHII")
"""First byte, marker and payload type, sequence number, time stamp, SSRC (RFC 3550 section 5.1)."""
HEADER_LENGTH = 12
SEQ_TS_SSRC = Struct("!HII")
U16 = Struct("!H")
U32 = Struct("!I")

ONE_BYTE_PROFILE = 0xBEDE
"""RFC 8285 section 4.2; the two-byte form is never negotiated by this node."""

ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"

RING_SIZE = 512
"""Packets kept for retransmission: about 4 s of a 1 Mbit/s picture, a power of two; 0.6 MB a picture."""


def payload_bounds(packet: bytes | bytearray) -> tuple[int, int]:
    """``(start, end)`` of the payload, without CSRCs, extensions and padding. ValueError: malformed."""
    size = len(packet)
    if size < HEADER_LENGTH:
        raise ValueError("RTP packet is shorter than its header")
    first = packet[0]
    if first >> 6 != 2:
        raise ValueError("RTP version is not 2")
    start = HEADER_LENGTH + 4 * (first & 0x0F)
    if first & 0x10:
        if size < start + 4:
            raise ValueError("RTP header extension is truncated")
        start += 4 + 4 * U16.unpack_from(packet, start + 2)[0]
    end = size
    if first & 0x20:
        padding = packet[-1]
        if not padding:
            raise ValueError("RTP padding length is zero")
        end -= padding
    if start > end:
        raise ValueError("RTP payload is truncated")
    return start, end


def extension_table(source: dict[str, int], target: dict[str, int]) -> bytes:
    """Sixteen bytes: the target's extension id at the place of the source's id, 0 where it has none."""
    table = bytearray(16)
    for uri, id_ in source.items():
        if 0 < id_ < 15:
            table[id_] = target.get(uri, 0)
    return bytes(table)


def rewrite_extensions(packet: bytearray, table: bytes, stamp_id: int, stamp: bytes) -> None:
    """Give every header extension the receiver's id, in place; the length never changes.

    An extension the receiver does not know becomes padding (RFC 8285 section 4.2: id 0 is one byte of
    padding), so that no foreign mid or identifier ever arrives. ``stamp`` (3 bytes) replaces the value of
    the extension whose new id is ``stamp_id``: absolute send times of different senders do not compare, and
    the receiver estimates the path from this node. Does nothing to a packet without extensions.
    """
    first = packet[0]
    if not first & 0x10:
        return
    at = HEADER_LENGTH + 4 * (first & 0x0F)
    end = at + 4 + 4 * U16.unpack_from(packet, at + 2)[0]
    profile = U16.unpack_from(packet, at)[0]
    at += 4
    if end > len(packet):
        return
    if profile != ONE_BYTE_PROFILE:
        packet[at:end] = bytes(end - at)
        return
    while at < end:
        head = packet[at]
        if not head:
            at += 1
            continue
        after = at + 2 + (head & 0x0F)
        if head >> 4 == 15 or after > end:
            # Id 15 stops the parsing (RFC 8285 section 4.2); what follows is unknown.
            packet[at:end] = bytes(end - at)
            return
        id_ = table[head >> 4]
        if id_:
            packet[at] = (id_ << 4) | (head & 0x0F)
            if id_ == stamp_id and after - at == 4:
                packet[at + 1 : after] = stamp
        else:
            packet[at:after] = bytes(after - at)
        at = after


def abs_send_time(now: float) -> bytes:
    """Seconds as the 24-bit 6.18 fixed point of abs-send-time."""
    return (int(now * 262144) & 0xFFFFFF).to_bytes(3, "big")


def unwrap_rtx(packet: bytes | bytearray, payload_type: int, ssrc: int) -> bytes | None:
    """The original packet of a retransmission (RFC 4588 section 4); None when it carries only padding."""
    start, end = payload_bounds(packet)
    if end - start < 3:
        return None
    original = bytearray(packet[:start])
    original += packet[start + 2 : end]
    original[0] &= ~0x20
    original[1] = (packet[1] & 0x80) | payload_type
    original[2:4] = packet[start : start + 2]
    U32.pack_into(original, 8, ssrc)
    return bytes(original)


def wrap_rtx(packet: bytes | bytearray, payload_type: int, ssrc: int, sequence: int) -> bytearray:
    """A retransmission of ``packet`` in a stream of its own (RFC 4588 section 4)."""
    start, end = payload_bounds(packet)
    rtx = bytearray(packet[:start])
    rtx += packet[2:4]
    rtx += packet[start:end]
    rtx[0] &= ~0x20
    rtx[1] = (packet[1] & 0x80) | payload_type
    U16.pack_into(rtx, 2, sequence)
    U32.pack_into(rtx, 8, ssrc)
    return rtx


# ---------------------------------------------------------------- VP8 (RFC 7741)


def vp8_start(packet: bytes, start: int, end: int) -> tuple[int, bool]:
    """``(offset of the VP8 data, is the beginning of a frame)``; RFC 7741 section 4.2. ValueError: truncated.

    A frame begins where S = 1 and the partition index is 0.
    """
    if start >= end:
        raise ValueError("VP8 payload is empty")
    first = packet[start]
    at = start + 1
    if first & 0x80:
        if at >= end:
            raise ValueError("VP8 descriptor is truncated")
        extension = packet[at]
        at += 1
        if extension & 0x80:
            if at >= end:
                raise ValueError("VP8 descriptor is truncated")
            at += 2 if packet[at] & 0x80 else 1
        if extension & 0x40:
            at += 1
        if extension & 0x30:
            at += 1
    if at >= end:
        raise ValueError("VP8 descriptor is truncated")
    return at, bool(first & 0x10) and not first & 0x0F


def vp8_keyframe(packet: bytes) -> bool:
    """Is this the first packet of a key frame: P bit of the payload header 0 (RFC 7741 section 4.3)."""
    try:
        start, end = payload_bounds(packet)
        at, begins = vp8_start(packet, start, end)
    except ValueError:
        return False
    return begins and not packet[at] & 0x01


def vp8_size(frame: bytes) -> tuple[int, int] | None:
    """Width and height of a VP8 key frame (RFC 6386 section 9.1); None for other frames."""
    if len(frame) < 10 or frame[0] & 0x01 or frame[3:6] != b"\x9d\x01\x2a":
        return None
    return ((frame[7] << 8) | frame[6]) & 0x3FFF, ((frame[9] << 8) | frame[8]) & 0x3FFF


# ---------------------------------------------------------------- sequence, buffer, statistics


def extend(reference: int, value: int, bits: int) -> int:
    """The unwrapped number nearest to ``reference`` whose low ``bits`` are ``value``."""
    half = 1 << (bits - 1)
    return reference + ((value - reference + half) & ((1 << bits) - 1)) - half


class Ring:
    """The last packets of a stream by their unwrapped sequence number, for retransmission."""

    __slots__ = ("_packets", "_sequences")

    def __init__(self) -> None:
        self._sequences = [-1] * RING_SIZE
        self._packets: list[bytes] = [b""] * RING_SIZE

    def put(self, sequence: int, packet: bytes) -> bool:
        """Keep it; False when this very packet is here already (a duplicate)."""
        at = sequence & (RING_SIZE - 1)
        if self._sequences[at] == sequence:
            return False
        self._sequences[at] = sequence
        self._packets[at] = packet
        return True

    def get(self, sequence: int) -> bytes | None:
        at = sequence & (RING_SIZE - 1)
        return self._packets[at] if self._sequences[at] == sequence else None


class Reception:
    """What a receiver reports about one SSRC (RFC 3550 sections 6.4.1, A.3 and A.8)."""

    __slots__ = ("_expected_before", "_rate", "_received_before", "_transit", "base", "highest", "jitter", "received")

    def __init__(self, clock_rate: int, sequence: int) -> None:
        self._rate = clock_rate
        self.base = self.highest = sequence
        self.received = 0
        self.jitter = 0.0
        self._transit: float | None = None
        self._expected_before = 0
        self._received_before = 0

    def count(self, sequence: int, timestamp: int, now: float) -> None:
        """A packet with this unwrapped sequence number arrived at ``now`` (s)."""
        self.received += 1
        if sequence > self.highest:
            self.highest = sequence
            transit = now * self._rate - timestamp
            if self._transit is not None:
                change = abs(transit - self._transit)
                # A wrap of the 32-bit time stamp or a pause of the source is not jitter.
                if change < self._rate:
                    self.jitter += (change - self.jitter) / 16
            self._transit = transit

    @property
    def lost(self) -> int:
        """Packets lost so far; duplicates may make it negative (RFC 3550 section A.3)."""
        return self.highest - self.base + 1 - self.received

    def interval(self) -> int:
        """The share lost since the last call, in 1/256 (RFC 3550 section A.3)."""
        expected = self.highest - self.base + 1
        expected_now = expected - self._expected_before
        received_now = self.received - self._received_before
        self._expected_before = expected
        self._received_before = self.received
        lost = expected_now - received_now
        if expected_now <= 0 or lost <= 0:
            return 0
        return min(255, (lost << 8) // expected_now)
