"""How the server and its decoding processes speak: frames over pipes.

A request is ``<length><JSON><length><bytes>``, an answer ``<length><JSON>`` and the parts its ``parts`` list
names. Lengths are 8 bytes, big-endian. JSON and not pickle: what decoded a hostile file may be hostile now.
"""

from __future__ import annotations

import asyncio
import json
import os
import struct
import sys
from typing import Any, BinaryIO

_LENGTH = struct.Struct(">Q")
_PIECE = 2**20
_MOST_HEAD = 2**21
_MOST_PART = 2**26

# ------------------------------------------------------------ the server's side


async def spawn(module: str, memory_mib: int) -> asyncio.subprocess.Process:
    """Start ``python -m module``, one thread, nothing of the server's environment; it says :func:`heard` once when
    it is ready. Raises ``OSError``."""
    env = {"PATH": os.environ.get("PATH", ""), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        str(memory_mib),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=env,
        limit=2**22,
    )


async def ask(process: asyncio.subprocess.Process, head: dict[str, Any], data: bytes) -> None:
    """Send a request. Raises ``OSError``, and ``EOFError`` where there is no pipe."""
    pipe = process.stdin
    if pipe is None:
        raise EOFError
    raw = json.dumps(head).encode()
    pipe.write(_LENGTH.pack(len(raw)) + raw + _LENGTH.pack(len(data)))
    for at in range(0, len(data), _PIECE):  # a pipe that is given all at once keeps a copy of all
        pipe.write(memoryview(data)[at : at + _PIECE])
        await pipe.drain()
    await pipe.drain()


async def heard(process: asyncio.subprocess.Process) -> tuple[dict[str, Any], list[bytes]]:
    """One answer. Raises ``OSError``, ``EOFError``, and ``ValueError`` for what is no answer."""
    pipe = process.stdout
    if pipe is None:
        raise EOFError
    (size,) = _LENGTH.unpack(await pipe.readexactly(_LENGTH.size))
    if size > _MOST_HEAD:
        raise ValueError(size)
    said = json.loads(await pipe.readexactly(size))
    parts = said.get("parts") if isinstance(said, dict) else None
    if not isinstance(parts, list) or not all(isinstance(part, int) and 0 <= part <= _MOST_PART for part in parts):
        raise ValueError("parts")
    return said, [await pipe.readexactly(part) for part in parts]


# ------------------------------------------------------------ the process's side


def pipes() -> tuple[BinaryIO, BinaryIO]:
    """Where requests come in and answers go out. What a library prints goes nowhere near them."""
    inward, outward = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return inward, outward


def request(inward: BinaryIO) -> tuple[dict[str, Any], bytes]:
    """The next request. Raises ``EOFError`` when there is none any more."""
    asked: dict[str, Any] = json.loads(_exactly(inward, _size(inward)))
    return asked, _exactly(inward, _size(inward))


def answer(outward: BinaryIO, said: dict[str, Any], *parts: bytes) -> None:
    raw = json.dumps({**said, "parts": [len(part) for part in parts]}).encode()
    outward.write(_LENGTH.pack(len(raw)) + raw)
    for part in parts:
        outward.write(part)
    outward.flush()


def _size(stream: BinaryIO) -> int:
    (size,) = _LENGTH.unpack(_exactly(stream, _LENGTH.size))
    return int(size)


def _exactly(stream: BinaryIO, size: int) -> bytes:
    found = bytearray()
    while len(found) < size:
        piece = stream.read(size - len(found))
        if not piece:
            raise EOFError
        found += piece
    return bytes(found)
