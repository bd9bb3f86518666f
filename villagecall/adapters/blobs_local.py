"""Blobs in a folder, named by their SHA-256, durable when ``put`` returns."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from villagecall.adapters.blobs import PlainBlobs
from villagecall.errors import Unavailable


def sync_folder(folder: Path) -> None:
    """Make a folder's list of names survive power loss."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


class LocalObjects:
    """See :class:`villagecall.adapters.blobs.Objects`: ``<folder>/ab/cd/<name>``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: set[Path] = set()

    def _path(self, name: str) -> Path:
        return self._folder / name[:2] / name[2:4] / name

    def _folder_of(self, path: Path) -> Path:
        """The folder of ``path``, there and synced, each level once per process."""
        parent = path.parent
        if parent not in self._made:
            missing = [level for level in (parent, *parent.parents) if not level.is_dir()]
            parent.mkdir(parents=True, exist_ok=True)
            for level in {parent, parent.parent, self._folder, *(level.parent for level in missing)}:
                sync_folder(level)
            self._made.add(parent)
        return parent

    async def write(self, name: str, data: bytes | Path, *, replace: bool = False) -> None:
        await asyncio.to_thread(self._write, name, data, replace)

    def _write(self, name: str, data: bytes | Path, replace: bool) -> None:
        path = self._path(name)
        try:
            folder = self._folder_of(path)
            if not path.exists() or replace:
                self._write_new(path, folder, data)
            # Also when it was there: its writer may not have come to this line yet.
            sync_folder(folder)
        except OSError as error:
            raise Unavailable(part="blobs") from error

    def _write_new(self, path: Path, folder: Path, data: bytes | Path) -> None:
        fd, temporary = tempfile.mkstemp(prefix=".", dir=folder)
        try:
            with os.fdopen(fd, "wb") as file:
                if isinstance(data, bytes):
                    file.write(data)
                else:
                    with data.open("rb") as source:
                        shutil.copyfileobj(source, file, 1 << 20)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(0o440)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    async def read(self, name: str) -> bytes | None:
        try:
            return await asyncio.to_thread(self._path(name).read_bytes)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unavailable(part="blobs") from error

    async def size(self, name: str) -> int | None:
        try:
            return (await asyncio.to_thread(self._path(name).stat)).st_size
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unavailable(part="blobs") from error

    async def delete(self, name: str) -> None:
        await asyncio.to_thread(self._delete, self._path(name))

    def _delete(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
            if path.parent.is_dir():
                sync_folder(path.parent)
        except OSError as error:
            raise Unavailable(part="blobs") from error

    async def names(self) -> AsyncIterator[str]:
        for shelf in sorted(self._folder.glob("??/??")):
            for name in await asyncio.to_thread(_names, shelf):
                if not name.startswith("."):
                    yield name

    async def ready(self) -> bool:
        def writable() -> bool:
            self._folder.mkdir(parents=True, exist_ok=True)
            return os.access(self._folder, os.W_OK | os.X_OK)

        try:
            return await asyncio.to_thread(writable)
        except OSError:
            return False

    async def close(self) -> None:
        return None


class LocalBlobs(PlainBlobs):
    """Blobs in a folder as they are; for sealed ones see :mod:`villagecall.adapters.blobs_sealed`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(LocalObjects(folder))


def _names(shelf: Path) -> list[str]:
    return sorted(path.name for path in shelf.iterdir())
