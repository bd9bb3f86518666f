"""The wire of the browser socket (docs/PROTOCOL.md), without I/O.

Frames in are read by :mod:`villagecall.signaling.messages`. :class:`Wire` is what one connection remembers
of the protocol: greeting first, how many frames it may send, when it was last heard. The clock is passed
in (seconds of a monotonic clock). Frames out are bytes, ready for the socket: the same bytes serve every
receiver.
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from villagecall.errors import BadRequest, Refusal, TooManyRequests
from villagecall.signaling.messages import Frame, Hello, Refused, parse
from villagecall.signaling.refusals import HelloFirst

VERSION = 1
HEARTBEAT_S = 15
SILENT_S = 45.0
"""Nothing heard for three heartbeats: the path is gone, whatever the operating system still believes."""
MAX_FRAME = 64 * 1024
RATE_FRAMES = 60
RATE_WINDOW_S = 2.0
FLOOD_FRAMES = 600
"""Ten times the rate in one window is no page of ours: the socket is closed instead of answered."""


class Close:
    """Close codes (RFC 6455 section 7.4; 4000-4999 are ours)."""

    GOING = 1000
    RESTART = 1012
    SLOW = 1013
    POLICY = 1008
    TOO_BIG = 1009
    SIGNED_OUT = 4401
    ORIGIN = 4403
    SILENT = 4408
    REPLACED = 4409


# ---------------------------------------------------------------- one connection


class Flood(Exception):
    """Far more frames than any page sends: close with :attr:`Close.POLICY`."""


class Wire:
    """What one connection remembers of the protocol. Times are seconds of one monotonic clock.

    The rate is counted in windows of two seconds, the last window's count weighing in by what of it still
    lies within two seconds: 60 frames at once are fine, the 61st is not, and after two quiet seconds all
    is forgotten but the tail.
    """

    __slots__ = ("_before", "_count", "_window", "greeted", "heard")

    def __init__(self, now: float) -> None:
        self.greeted = False
        self.heard = now
        self._window = now
        self._count = self._before = 0

    def receive(self, raw: bytes | str, now: float) -> Frame:
        """Read a frame. Raises :class:`Refused`, or :class:`Flood`."""
        self.heard = now
        over = not self._within_rate(now)
        frame = parse(raw)
        if over:
            raise Refused(frame.id, TooManyRequests(seconds=int(RATE_WINDOW_S)))
        if not self.greeted:
            if type(frame) is not Hello:
                raise Refused(frame.id, HelloFirst())
            if frame.v != VERSION:
                raise Refused(frame.id, BadRequest(field="v"))
            self.greeted = True
        return frame

    def _within_rate(self, now: float) -> bool:
        passed = now - self._window
        if passed >= RATE_WINDOW_S:
            self._before = self._count if passed < 2 * RATE_WINDOW_S else 0
            self._window = now - passed % RATE_WINDOW_S
            self._count = 0
        self._count += 1
        if self._count + self._before <= RATE_FRAMES:
            return True
        if self._count > FLOOD_FRAMES:
            raise Flood
        return self._count + self._before * (1 - (now - self._window) / RATE_WINDOW_S) <= RATE_FRAMES

    def silent(self, now: float) -> bool:
        return now - self.heard > SILENT_S


# ---------------------------------------------------------------- frames out


def websocket_text(payload: bytes) -> bytes:
    """One unmasked, unfragmented text frame of a server (RFC 6455 section 5.2)."""
    size = len(payload)
    if size < 126:
        return b"\x81" + bytes((size,)) + payload
    if size < 65536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


def push(t: str, **fields: object) -> bytes:
    """A frame that the server sends by itself; UUIDs and aware datetimes may stand in it."""
    return websocket_text(orjson.dumps({"t": t, **fields}))


def ok(re: int, fields: Mapping[str, object] | None = None) -> bytes:
    """The answer to request ``re``."""
    if fields is None:  # the most frequent frame of all: its length is that of the number and 16
        return b'\x81%c{"t":"ok","re":%d}' % (16 + len(str(re)), re)
    return websocket_text(orjson.dumps({"t": "ok", "re": re, **fields}))


def error(re: int, refusal: Refusal) -> bytes:
    """The answer to request ``re`` when it is no; details that JSON does not know become text."""
    return websocket_text(orjson.dumps({"t": "error", "re": re, "error": refusal.as_json()}, default=str))
