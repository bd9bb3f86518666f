"""Identifiers: UUID version 7, made by whoever creates the thing, so that a retry is the same thing."""

from __future__ import annotations

import os
import time
from uuid import UUID


def uuid7(ms: int | None = None) -> UUID:
    """A new UUIDv7 (RFC 9562 section 5.7): 48 bits of Unix milliseconds, then 74 random bits."""
    stamp = time.time_ns() // 1_000_000 if ms is None else ms
    rand = int.from_bytes(os.urandom(10), "big")
    value = (stamp & (1 << 48) - 1) << 80
    value |= 0x7 << 76 | (rand >> 68) << 64  # version, rand_a (12 bits)
    value |= 0b10 << 62 | (rand & (1 << 62) - 1)  # variant, rand_b (62 bits)
    return UUID(int=value)
