"""RTCP as this node speaks it: reports, NACK, PLI, REMB (pure).

RFC 3550 section 6, RFC 4585 section 6, RFC 5104 section 4.3, draft-alvestrand-rmcat-remb-03. Parsing is
aiortc's; what is built here is built for the hot path of a node.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct

from aiortc.rtp import (
    AnyRtcpPacket,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSrPacket,
    pack_remb_fci,
    unpack_remb_fci,
)

__all__ = [
    "AnyRtcpPacket",
    "ReportBlock",
    "RtcpPsfbPacket",
    "RtcpRrPacket",
    "RtcpRtpfbPacket",
    "RtcpSrPacket",
    "nack",
    "ntp_middle",
    "ntp_seconds",
    "parse",
    "parse_remb",
    "pli",
    "receiver_report",
    "remb",
    "sender_report",
]

NTP_EPOCH = 2208988800
"""Seconds from 1900-01-01 to 1970-01-01 (RFC 3550 section 4)."""

PSFB_PLI = 1
PSFB_FIR = 4
PSFB_REMB = 15
RTPFB_NACK = 1

_FEEDBACK = Struct("!BBHII")
_REPORT = Struct("!IBBHIIII")
_SR = Struct("!BBHIIIIII")
_RR = Struct("!BBHI")
_PAIR = Struct("!HH")


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """One reception report (RFC 3550 section 6.4.1). ``fraction`` in 1/256, ``jitter`` in time stamp units."""

    ssrc: int
    fraction: int
    lost: int
    highest: int
    jitter: int
    lsr: int
    dlsr: int


def parse(data: bytes) -> list[AnyRtcpPacket]:
    """The packets of a compound. ValueError: malformed."""
    try:
        return RtcpPacket.parse(data)
    except (IndexError, struct.error) as error:
        raise ValueError("RTCP packet is malformed") from error


def nack(sender: int, media: int, lost: Sequence[int]) -> bytes:
    """Generic NACK for 16-bit sequence numbers in ascending order, wrapping allowed (RFC 4585 section 6.2.1)."""
    pairs: list[tuple[int, int]] = []
    for sequence in lost:
        if pairs:
            pid, mask = pairs[-1]
            ahead = (sequence - pid - 1) & 0xFFFF
            if ahead < 16:
                pairs[-1] = (pid, mask | (1 << ahead))
                continue
        pairs.append((sequence & 0xFFFF, 0))
    head = _FEEDBACK.pack(0x80 | RTPFB_NACK, 205, 2 + len(pairs), sender, media)
    return head + b"".join(_PAIR.pack(*pair) for pair in pairs)


def pli(sender: int, media: int) -> bytes:
    """Picture loss indication (RFC 4585 section 6.3.1)."""
    return _FEEDBACK.pack(0x80 | PSFB_PLI, 206, 2, sender, media)


def remb(sender: int, bitrate: int, ssrcs: list[int]) -> bytes:
    """Receiver estimated maximum bitrate, bit/s."""
    return bytes(RtcpPsfbPacket(fmt=PSFB_REMB, ssrc=sender, media_ssrc=0, fci=pack_remb_fci(bitrate, ssrcs)))


def parse_remb(fci: bytes) -> int | None:
    """The bitrate of a REMB, None when it is another application message."""
    try:
        return unpack_remb_fci(fci)[0]
    except (ValueError, struct.error, IndexError):
        return None


def receiver_report(sender: int, blocks: Sequence[ReportBlock]) -> bytes:
    """RFC 3550 section 6.4.2; at most 31 blocks."""
    parts = [_RR.pack(0x80 | len(blocks), 201, 1 + 6 * len(blocks), sender)]
    for block in blocks:
        lost = max(-0x800000, min(block.lost, 0x7FFFFF)) & 0xFFFFFF
        parts.append(
            _REPORT.pack(
                block.ssrc,
                block.fraction,
                lost >> 16,
                lost & 0xFFFF,
                block.highest & 0xFFFFFFFF,
                block.jitter,
                block.lsr,
                block.dlsr,
            )
        )
    return b"".join(parts)


def sender_report(ssrc: int, ntp: int, timestamp: int, packets: int, octets: int) -> bytes:
    """RFC 3550 section 6.4.1 without report blocks; ``ntp`` is the 64-bit NTP time."""
    return _SR.pack(
        0x80,
        200,
        6,
        ssrc,
        ntp >> 32,
        ntp & 0xFFFFFFFF,
        timestamp & 0xFFFFFFFF,
        packets & 0xFFFFFFFF,
        octets & 0xFFFFFFFF,
    )


def ntp_seconds(ntp: int) -> float:
    """Unix seconds of a 64-bit NTP time."""
    return ntp / (1 << 32) - NTP_EPOCH


def ntp_middle(ntp: int) -> int:
    """The middle 32 bits, as reports echo them (LSR)."""
    return (ntp >> 16) & 0xFFFFFFFF
