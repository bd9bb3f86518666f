"""The hash chain beside a recording (pure): what a line says, how it is bound, where sound or picture is missing.

Each line of ``<name>.webm.chain`` is a JSON object ``{seq, offset, length, ms, …, hash}`` about one piece
of the file: the header (seq 0), then each cluster, at last a closing line. ``hash`` (hex) is
SHA-256(previous hash ‖ the piece's bytes ‖ the line's other fields as canonical JSON): neither the file nor
the line can change alone, and no piece can be left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from villagecall.signaling.matroska import AUDIO, VIDEO, Block

ZERO = bytes(32)
HOLE_MS = {AUDIO: 300, VIDEO: 1500}
"""Longest time without a frame of the track that is not a gap: sound comes every 20 ms, a dim camera may
give one picture a second."""


def bind(previous: bytes, piece: bytes, fields: Mapping[str, object]) -> bytes:
    """The hash of a line; ``fields`` without ``hash``."""
    said = json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()
    digest = sha256(previous)
    digest.update(piece)
    digest.update(said)
    return digest.digest()


def line(previous: bytes, piece: bytes, fields: dict[str, object]) -> tuple[bytes, bytes]:
    """``(hash, the line as bytes)``."""
    value = bind(previous, piece, fields)
    return value, json.dumps({**fields, "hash": value.hex()}, separators=(",", ":")).encode() + b"\n"


@dataclass(slots=True)
class Holes:
    """Where a recording has no sound or no picture, in whole seconds ``[from, to)`` of its own time."""

    last: dict[int, int] = field(default_factory=dict)
    found: list[tuple[int, int]] = field(default_factory=list)

    def add(self, blocks: Iterable[Block]) -> list[tuple[int, int]]:
        """Take a cluster's frames; the holes that they end."""
        new: list[tuple[int, int]] = []
        for block in blocks:
            last = self.last.get(block.track, 0)
            if block.ms - last > HOLE_MS.get(block.track, HOLE_MS[VIDEO]):
                new.append(_seconds(last, block.ms))
            self.last[block.track] = max(last, block.ms)
        self.found += new
        return new

    def close(self, ms: int) -> tuple[tuple[int, int], ...]:
        """All holes of a recording that ends at ``ms``, joined and in order."""
        found = list(self.found)
        for track, limit in HOLE_MS.items():
            last = self.last.get(track, 0)
            if ms - last > limit:
                found.append(_seconds(last, ms))
        return join(found)


def _seconds(from_ms: int, to_ms: int) -> tuple[int, int]:
    return from_ms // 1000, -(-to_ms // 1000)


def join(spans: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Overlapping and touching spans as one."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)
