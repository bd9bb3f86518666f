"""Blobs over a store of named objects: what is the same for a folder and for S3."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

from villagecall.errors import Damaged, NotFound
from villagecall.ports import Blob

CHUNK = 4 << 20


class Objects(Protocol):
    """Durable bytes under names of hexadecimal digits. A write is whole or not there."""

    async def write(self, name: str, data: bytes | Path, *, replace: bool = False) -> None:
        """Store; an existing object of that name stays as it is unless ``replace``."""
        ...

    async def read(self, name: str) -> bytes | None: ...

    async def size(self, name: str) -> int | None:
        """Stored bytes, None when it is not there."""
        ...

    async def delete(self, name: str) -> None: ...

    def names(self) -> AsyncIterator[str]:
        """Every name, in no particular order."""
        ...

    async def ready(self) -> bool: ...

    async def close(self) -> None: ...


def digest(data: bytes | Path) -> tuple[str, int]:
    """SHA-256 (hex) and size."""
    if isinstance(data, bytes):
        return hashlib.sha256(data).hexdigest(), len(data)
    with data.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
        return found, file.tell()


def checked(sha256: str) -> str:
    """An address from outside must not name anything else: 64 hexadecimal digits or :class:`NotFound`."""
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise NotFound
    return sha256


class PlainBlobs:
    """Blobs stored as they are. See :class:`villagecall.ports.Blobs`."""

    def __init__(self, objects: Objects) -> None:
        self.objects = objects

    async def put(self, data: bytes | Path, media_type: str) -> Blob:
        sha256, size = await asyncio.to_thread(digest, data)
        stored = await self.objects.size(sha256)
        # A different size is a damaged object: the bytes at hand are the right ones.
        await self.objects.write(sha256, data, replace=stored not in (None, size))
        return Blob(sha256, size, media_type)

    async def get(self, sha256: str) -> bytes:
        data = await self.objects.read(checked(sha256))
        if data is None:
            raise NotFound
        if (await asyncio.to_thread(digest, data))[0] != sha256:
            raise Damaged
        return data

    async def has(self, sha256: str) -> bool:
        return await self.objects.size(checked(sha256)) is not None

    async def drop(self, sha256: str) -> None:
        await self.objects.delete(checked(sha256))

    def addresses(self) -> AsyncIterator[str]:
        """Every blob there is, in no particular order."""
        return self.objects.names()

    async def ready(self) -> bool:
        return await self.objects.ready()

    async def close(self) -> None:
        await self.objects.close()
