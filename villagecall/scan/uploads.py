"""Uploads that come in pieces (tus 1.0) and survive a crash: each piece is sealed and on disk before it is
acknowledged. What lies here is encrypted; it is gone once the file is in the blobs."""

from __future__ import annotations

import asyncio
import json
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from villagecall.errors import BadRequest, Conflict, NotFound
from villagecall.scan.refusals import WrongOffset
from villagecall.vault import Vault, VaultError

KEEP_S = 7 * 24 * 3600
"""An upload that nobody goes on with is removed after a week."""


@dataclass(frozen=True, slots=True)
class Upload:
    """``received`` of ``length`` bytes are safe. ``person`` is who may go on with it."""

    file_id: UUID
    case_id: UUID
    person: UUID
    unit: str
    material: str
    name: str
    replaces: UUID | None
    length: int
    received: int = 0


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Uploads:
    """A folder of unfinished uploads: ``<id>.meta`` and ``<id>.part``, both sealed."""

    def __init__(self, folder: Path, vault: Vault) -> None:
        self._folder, self._vault = folder, vault
        self._locks: dict[UUID, asyncio.Lock] = {}

    def lock(self, file_id: UUID) -> asyncio.Lock:
        """One writer per upload."""
        return self._locks.setdefault(file_id, asyncio.Lock())

    def _meta(self, file_id: UUID) -> Path:
        return self._folder / f"{file_id}.meta"

    def _part(self, file_id: UUID) -> Path:
        return self._folder / f"{file_id}.part"

    async def create(self, upload: Upload) -> Upload:
        """Begin, or find the same upload begun before. Raises :class:`Conflict` for another one's id."""
        return await asyncio.to_thread(self._create, upload)

    def _create(self, upload: Upload) -> Upload:
        try:
            there = self._find(upload.file_id)
        except NotFound:
            there = None
        if there is not None:
            if (there.case_id, there.person, there.length) != (upload.case_id, upload.person, upload.length):
                raise Conflict
            return there
        self._folder.mkdir(parents=True, exist_ok=True)
        meta = {
            "case_id": str(upload.case_id),
            "person": str(upload.person),
            "unit": upload.unit,
            "material": upload.material,
            "name": upload.name,
            "replaces": str(upload.replaces) if upload.replaces else "",
            "length": upload.length,
        }
        sealed = self._vault.seal_bytes(upload.file_id.bytes, json.dumps(meta).encode())
        self._write(self._part(upload.file_id), b"", os.O_TRUNC)
        self._write(self._meta(upload.file_id), sealed, os.O_TRUNC)
        _sync(self._folder)
        return upload

    @staticmethod
    def _write(path: Path, data: bytes, how: int) -> None:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | how, 0o600)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(handle, view) :]
            os.fsync(handle)
        finally:
            os.close(handle)

    async def find(self, file_id: UUID) -> Upload:
        """Raises :class:`NotFound`."""
        return await asyncio.to_thread(self._find, file_id)

    def _find(self, file_id: UUID) -> Upload:
        try:
            meta = json.loads(self._vault.open_bytes(file_id.bytes, self._meta(file_id).read_bytes()))
        except (OSError, VaultError) as error:
            raise NotFound from error
        received = sum(size for _, size in self._pieces(file_id))
        return Upload(
            file_id,
            UUID(meta["case_id"]),
            UUID(meta["person"]),
            meta["unit"],
            meta["material"],
            meta["name"],
            UUID(meta["replaces"]) if meta["replaces"] else None,
            meta["length"],
            received,
        )

    def _pieces(self, file_id: UUID) -> list[tuple[bytes, int]]:
        """Sealed pieces with their plain sizes, without a last one that is torn or still being written."""
        path = self._part(file_id)
        try:
            raw = path.read_bytes()
        except OSError:
            return []
        at, found = 0, []
        while at + 16 <= len(raw):
            sealed, plain = struct.unpack_from(">QQ", raw, at)
            if at + 16 + sealed > len(raw):
                break
            found.append((raw[at + 16 : at + 16 + sealed], plain))
            at += 16 + sealed
        return found

    def _add(self, file_id: UUID, piece: bytes) -> None:
        """Behind the last whole piece: what a crash tore is cut away first, by the one writer there is."""
        path = self._part(file_id)
        whole = sum(16 + len(sealed) for sealed, _ in self._pieces(file_id))
        if path.stat().st_size > whole:
            os.truncate(path, whole)
        self._write(path, piece, os.O_APPEND)

    async def append(self, upload: Upload, offset: int, data: bytes) -> Upload:
        """Add a piece at ``offset``; durable when this returns. Raises :class:`WrongOffset`."""
        if offset != upload.received:
            raise WrongOffset
        if upload.received + len(data) > upload.length:
            raise BadRequest(field="Upload-Length")
        if data:
            sealed = self._vault.seal_bytes(upload.file_id.bytes + struct.pack(">Q", offset), data)
            piece = struct.pack(">QQ", len(sealed), len(data)) + sealed
            await asyncio.to_thread(self._add, upload.file_id, piece)
        return await self.find(upload.file_id)

    async def read(self, upload: Upload) -> bytes:
        """The whole file, once every byte is here."""

        def whole() -> bytes:
            found, offset = bytearray(), 0
            for sealed, plain in self._pieces(upload.file_id):
                found += self._vault.open_bytes(upload.file_id.bytes + struct.pack(">Q", offset), sealed)
                offset += plain
            return bytes(found)

        return await asyncio.to_thread(whole)

    async def drop(self, file_id: UUID) -> None:
        """Forget an upload that is safe elsewhere (or was given up)."""
        self._locks.pop(file_id, None)

        def remove() -> None:
            self._meta(file_id).unlink(missing_ok=True)
            self._part(file_id).unlink(missing_ok=True)

        await asyncio.to_thread(remove)

    async def sweep(self, now_s: float) -> int:
        """Remove what nobody went on with; gives how many."""

        def old() -> list[Path]:
            if not self._folder.is_dir():
                return []
            return [path for path in self._folder.glob("*.meta") if path.stat().st_mtime < now_s - KEEP_S]

        stale = await asyncio.to_thread(old)
        for path in stale:
            await self.drop(UUID(path.stem))
        return len(stale)
