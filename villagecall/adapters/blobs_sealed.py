"""Blobs encrypted at rest. Their address stays the SHA-256 of the plaintext.

Stored form: ``VCB1``, then frames: four bytes of length (big endian), then ``Vault.seal_bytes`` of up to
4 MiB. Each frame is bound to the address, its number, and whether it is the last, so that frames cannot be
dropped, swapped or put under another address.
"""

from __future__ import annotations

import asyncio
import struct
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import IO

from villagecall.adapters.blobs import CHUNK, PlainBlobs, checked, digest
from villagecall.errors import Damaged, NotFound
from villagecall.ports import Blob
from villagecall.vault import Vault, VaultError

_MAGIC = b"VCB1"
_LENGTH = struct.Struct(">I")


def _context(sha256: str, number: int, last: bool) -> bytes:
    return bytes.fromhex(sha256) + struct.pack(">I?", number, last)


class SealedBlobs:
    """See :class:`villagecall.ports.Blobs`. Wraps blobs stored as they are, in a folder or on S3."""

    def __init__(self, blobs: PlainBlobs, vault: Vault) -> None:
        self._objects = blobs.objects
        self._vault = vault

    async def put(self, data: bytes | Path, media_type: str) -> Blob:
        sha256, size = await asyncio.to_thread(digest, data)
        stored = await self._objects.size(sha256)
        await self._store(sha256, size, data, replace=stored is not None and not _sound(stored, size))
        return Blob(sha256, size, media_type)

    async def _store(self, sha256: str, size: int, data: bytes | Path, *, replace: bool) -> None:
        if isinstance(data, bytes) and size <= CHUNK:
            sealed = _MAGIC + await asyncio.to_thread(self._frame, sha256, 0, data, True)
            await self._objects.write(sha256, sealed, replace=replace)
            return
        # Large ones go through a file: memory holds one frame at a time.
        with tempfile.NamedTemporaryFile(prefix="villagecall-sealed-") as file:
            await asyncio.to_thread(self._seal_into, file, sha256, size, data)
            await self._objects.write(sha256, Path(file.name), replace=replace)

    def _seal_into(self, target: IO[bytes], sha256: str, size: int, data: bytes | Path) -> None:
        target.write(_MAGIC)
        frames = max(1, -(-size // CHUNK))
        for number, piece in enumerate(_pieces(data)):
            target.write(self._frame(sha256, number, piece, number == frames - 1))
        target.flush()

    def _frame(self, sha256: str, number: int, piece: bytes, last: bool) -> bytes:
        sealed = self._vault.seal_bytes(_context(sha256, number, last), piece)
        return _LENGTH.pack(len(sealed)) + sealed

    async def get(self, sha256: str) -> bytes:
        stored = await self._objects.read(checked(sha256))
        if stored is None:
            raise NotFound
        return await asyncio.to_thread(self._open, sha256, stored)

    def _open(self, sha256: str, stored: bytes) -> bytes:
        if not stored.startswith(_MAGIC):
            raise Damaged
        plain, at, number = [], len(_MAGIC), 0
        try:
            while at < len(stored):
                (length,) = _LENGTH.unpack_from(stored, at)
                end = at + _LENGTH.size + length
                context = _context(sha256, number, end >= len(stored))
                plain.append(self._vault.open_bytes(context, stored[at + _LENGTH.size : end]))
                at, number = end, number + 1
        except (VaultError, struct.error) as error:
            raise Damaged from error
        data = b"".join(plain)
        if digest(data)[0] != sha256:
            raise Damaged
        return data

    async def reseal(self, sha256: str) -> bool:
        """The same contents under the current key (rotation). False: it was under that key already."""
        stored = await self._objects.read(checked(sha256))
        if stored is None:
            raise NotFound
        name = self._vault.current.encode()
        at = len(_MAGIC) + _LENGTH.size
        if stored[at : at + 1 + len(name)] == bytes([len(name)]) + name:
            return False
        data = await asyncio.to_thread(self._open, sha256, stored)
        await self._store(sha256, len(data), data, replace=True)
        return True

    def addresses(self) -> AsyncIterator[str]:
        """Every blob there is, in no particular order."""
        return self._objects.names()

    async def has(self, sha256: str) -> bool:
        return await self._objects.size(checked(sha256)) is not None

    async def drop(self, sha256: str) -> None:
        await self._objects.delete(checked(sha256))

    async def ready(self) -> bool:
        return await self._objects.ready()

    async def close(self) -> None:
        await self._objects.close()


def _pieces(data: bytes | Path) -> Iterator[bytes]:
    if isinstance(data, bytes):
        yield from (data[at : at + CHUNK] for at in range(0, max(1, len(data)), CHUNK))
        return
    with data.open("rb") as file:
        piece = file.read(CHUNK)
        yield piece
        while piece := file.read(CHUNK):
            yield piece


def _sound(stored: int, size: int) -> bool:
    """Whether a stored length fits this content: a torn object is written anew."""
    frames = max(1, -(-size // CHUNK))
    least = len(_MAGIC) + size + frames * (_LENGTH.size + 1 + 12 + 16)
    return least <= stored <= least + frames * 255  # key ids differ in length
