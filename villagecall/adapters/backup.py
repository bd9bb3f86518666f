"""A consistent copy of an installation, and the way back, both verified.

A backup is a folder: ``journal.db`` (SQLite, whatever the database was, so that a backup of PostgreSQL can be
read by anything and restored into either), ``blobs/`` (the stored bytes as they are, sealed ones stay
sealed), ``recordings/`` (calls that were not closed yet) and ``manifest.json`` with the SHA-256 of each file.
The database is copied first and the blobs after it: an action is appended only when its blobs are stored, so
every blob that the copy names is among them. The vault's keys are not in a backup: they are kept elsewhere.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import sqlalchemy as sa

from villagecall.adapters import migrate
from villagecall.adapters.blobs import Objects
from villagecall.adapters.blobs_local import LocalObjects, sync_folder
from villagecall.adapters.blobs_open import open_objects
from villagecall.adapters.journal_sql import bytes_of
from villagecall.adapters.postgres import DOWN
from villagecall.adapters.sql_schema import REVISION, Identifier, metadata
from villagecall.errors import Unavailable, VillagecallError
from villagecall.journal import BrokenChain, Head, verify
from villagecall.settings import Settings

FORMAT = 1
_ROWS = 2000


class BackupRefused(VillagecallError):
    """The backup cannot be written, or is not whole; the text says what is wrong."""


def _columns(table: sa.Table) -> list[str]:
    return [column.name for column in table.columns]


def _identifiers(table: sa.Table) -> list[int]:
    return [at for at, column in enumerate(table.columns) if column.type is Identifier]


def _insert(table: sa.Table) -> str:
    marks = ", ".join("?" for _ in table.columns)
    return f"insert into {table.name} ({', '.join(map(_quoted, _columns(table)))}) values ({marks})"  # noqa: S608


def _quoted(name: str) -> str:
    return f'"{name}"'


def _select(table: sa.Table) -> str:
    return f"select {', '.join(map(_quoted, _columns(table)))} from {table.name}"  # noqa: S608


# ---------------------------------------------------------------- the database


def _copy_sqlite(source: Path, target: Path) -> None:
    if not source.is_file():
        raise BackupRefused("there is no database yet")
    with sqlite3.connect(f"file:{source}?mode=ro", uri=True) as read, sqlite3.connect(target) as write:
        read.backup(write)
        write.execute("pragma journal_mode = delete")
    read.close()
    write.close()


def _place_sqlite(source: Path, target: Path) -> None:
    if target.exists():
        raise BackupRefused(f"{target} is there already")
    target.parent.mkdir(parents=True, exist_ok=True)
    # Under another name first: what is interrupted here is not taken for a database.
    part = target.with_name(target.name + ".part")
    shutil.copyfile(source, part)
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(target)
    sync_folder(target.parent)


async def _copy_postgres(url: str, target: Path) -> None:
    """All tables as of one moment."""
    await migrate.upgrade(f"sqlite:///{target}")
    write = sqlite3.connect(target, isolation_level=None)
    write.execute("pragma journal_mode = delete")
    connection = await asyncpg.connect(url, timeout=10)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            write.execute("begin")
            write.execute("delete from meta")
            for table in metadata.sorted_tables:
                insert, ids = _insert(table), _identifiers(table)
                rows: list[list[Any]] = []
                async for record in connection.cursor(_select(table), prefetch=_ROWS):
                    row = list(record)
                    for at in ids:
                        row[at] = row[at].bytes
                    rows.append(row)
                    if len(rows) == _ROWS:
                        write.executemany(insert, rows)
                        rows.clear()
                write.executemany(insert, rows)
            write.execute("commit")
    finally:
        await connection.close()
        write.close()


async def _fill_postgres(source: Path, url: str) -> None:
    await migrate.upgrade(url)
    read = sqlite3.connect(f"file:{source}?mode=ro", uri=True)
    connection = await asyncpg.connect(url, timeout=10)
    try:
        async with connection.transaction():
            if await connection.fetchval("select exists (select 1 from actions)"):
                raise BackupRefused("the database is not empty")
            await connection.execute("delete from meta")
            for table in metadata.sorted_tables:
                ids = _identifiers(table)
                cursor = read.execute(_select(table))
                while rows := cursor.fetchmany(_ROWS):
                    records = [_with_uuids(row, ids) for row in rows]
                    await connection.copy_records_to_table(table.name, records=records, columns=_columns(table))
            await connection.execute(
                "select setval(pg_get_serial_sequence('outbox', 'id'), greatest((select max(id) from outbox), 1))"
            )
    finally:
        await connection.close()
        read.close()


def _with_uuids(row: tuple[Any, ...], ids: list[int]) -> tuple[Any, ...]:
    values = list(row)
    for at in ids:
        values[at] = UUID(bytes=values[at])
    return tuple(values)


# ---------------------------------------------------------------- files


def _new_folder(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise BackupRefused(f"{folder} is not empty")
    folder.mkdir(parents=True, exist_ok=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "manifest.json")


async def _copy_objects(source: Objects, target: Objects) -> int:
    copied = 0
    async for name in source.names():
        data = await source.read(name)
        if data is not None:  # dropped meanwhile: its time was over
            await target.write(name, data)
            copied += 1
    return copied


def _copy_recordings(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)


# ---------------------------------------------------------------- the two commands


async def backup(settings: Settings, to: Path) -> dict[str, object]:
    """Copy everything into the new folder ``to`` and verify the copy. Works while the server runs."""
    _new_folder(to)
    url = sa.make_url(settings.database_url)
    if url.get_backend_name() == "sqlite":
        await asyncio.to_thread(_copy_sqlite, Path(url.database or ""), to / "journal.db")
    else:
        async with _reaching():
            await _copy_postgres(_plain(url), to / "journal.db")
    objects = open_objects(settings.blobs_spec, key=settings.s3_key, secret=settings.s3_secret)
    blobs = await _copy_objects(objects, LocalObjects(to / "blobs"))
    await objects.close()
    await asyncio.to_thread(_copy_recordings, settings.data / "recordings", to / "recordings")
    manifest: dict[str, object] = {
        "format": FORMAT,
        "revision": REVISION,
        "blobs": blobs,
        "files": await asyncio.to_thread(lambda: {str(path.relative_to(to)): _sha256(path) for path in _files(to)}),
    }
    (to / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    sync_folder(to)
    return await check(to)


async def check(backup_: Path) -> dict[str, object]:
    """Whether a backup is whole: every file as it was written, every chain, every snapshot at its chain's head."""
    try:
        manifest = json.loads((backup_ / "manifest.json").read_text(encoding="utf-8"))
        files: dict[str, str] = manifest["files"]
    except (OSError, ValueError, KeyError) as error:
        raise BackupRefused(f"{backup_} is not a backup") from error
    if manifest["format"] != FORMAT:
        raise BackupRefused(f"format {manifest['format']} is not known here")
    return await asyncio.to_thread(_check, backup_, files, int(manifest["blobs"]))


def _check(folder: Path, files: dict[str, str], blobs: int) -> dict[str, object]:
    for name, wanted in files.items():
        path = folder / name
        if not path.is_file() or _sha256(path) != wanted:
            raise BackupRefused(f"{name} is missing or changed")
    with sqlite3.connect(f"file:{folder / 'journal.db'}?mode=ro", uri=True) as connection:
        streams = actions = 0
        heads = connection.execute("select stream, seq, hash from streams").fetchall()
        for stream, seq, digest in heads:
            stored = connection.execute(
                "select seq, raw, hash from actions where stream = ? order by seq", (stream,)
            ).fetchall()
            try:
                rows = [(number, bytes_of(raw), bytes_of(link)) for number, raw, link in stored]
                head = verify(UUID(bytes=stream), rows)
            except BrokenChain as error:
                raise BackupRefused(str(error)) from error
            if head != Head(seq, digest):
                raise BackupRefused(f"stream {UUID(bytes=stream)}: the snapshot is not at the head")
            streams, actions = streams + 1, actions + len(stored)
        if connection.execute("select count(*) from actions").fetchone()[0] != actions:
            raise BackupRefused("there are actions of no stream")
    connection.close()
    return {"streams": streams, "actions": actions, "blobs": blobs, "files": len(files), "verified": True}


async def restore(settings: Settings, source: Path) -> dict[str, object]:
    """Fill an empty installation from a verified backup. The server must not be running on it."""
    found = await check(source)
    url = sa.make_url(settings.database_url)
    if url.get_backend_name() == "sqlite":
        await asyncio.to_thread(_place_sqlite, source / "journal.db", Path(url.database or ""))
        await migrate.upgrade(settings.database_url)
    else:
        async with _reaching():
            await _fill_postgres(source / "journal.db", _plain(url))
    objects = open_objects(settings.blobs_spec, key=settings.s3_key, secret=settings.s3_secret)
    restored = await _copy_objects(LocalObjects(source / "blobs"), objects)
    await objects.close()
    await asyncio.to_thread(_copy_recordings, source / "recordings", settings.data / "recordings")
    return {**found, "blobs": restored}


@asynccontextmanager
async def _reaching() -> AsyncIterator[None]:
    """A server that is away is ``Unavailable``; a long copy has all the time it needs."""
    try:
        yield
    except DOWN as error:
        raise Unavailable(part="database") from error


def _plain(url: sa.URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)
