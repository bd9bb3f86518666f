"""``villagecall migrate``, ``backup``, ``restore`` and ``vault rotate``."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol
from uuid import UUID

from villagecall.adapters import backup, migrate
from villagecall.adapters.blobs_sealed import SealedBlobs
from villagecall.ports import Blobs, Journal
from villagecall.settings import load
from villagecall.vault import SealedRecord, Vault


class Opened(Protocol):
    """What rotation needs of the running parts."""

    @property
    def journal(self) -> Journal: ...
    @property
    def blobs(self) -> Blobs: ...
    @property
    def vault(self) -> Vault: ...


Opener = Callable[[Path | None], AbstractAsyncContextManager[Opened]]


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser], open_app: Opener) -> None:
    """Add the commands. ``open_app`` opens the installation that the configuration names."""
    one = subparsers.add_parser("migrate", help="把数据库结构升级到最新 the database schema, up to now")
    one.set_defaults(run=_migrate)
    two = subparsers.add_parser(
        "backup", help="备份全部数据并核验,可在运行时进行 a consistent copy of everything, verified; the server may run"
    )
    two.add_argument("to", type=Path, metavar="TO", help="一个新文件夹 a new folder")
    two.set_defaults(run=_backup)
    three = subparsers.add_parser("restore", help="用备份恢复一个空的系统 fill an empty installation from a backup")
    three.add_argument("source", type=Path, metavar="FROM", help="backup 写出的文件夹 a folder that backup wrote")
    three.set_defaults(run=_restore)
    vault = subparsers.add_parser("vault", help="个人信息的加密密钥 the keys of personal data")
    kinds = vault.add_subparsers(required=True, metavar="COMMAND")
    rotate = kinds.add_parser(
        "rotate", help="用当前密钥重新加密全部数据 re-seal every record and blob under the current key"
    )
    rotate.set_defaults(run=lambda args: _rotate(args, open_app))
    for parser in (one, two, three, rotate):
        parser.add_argument("--config", type=Path, help="设置文件 settings file (TOML)")


def _say(answer: object) -> int:
    print(json.dumps(answer, ensure_ascii=False))
    return 0


def _migrate(args: argparse.Namespace) -> int:
    return _say({"revision": asyncio.run(migrate.upgrade(load(args.config).database_url))})


def _backup(args: argparse.Namespace) -> int:
    answer = asyncio.run(backup.backup(load(args.config), args.to))
    print("The vault's keys are not in the backup: keep the settings elsewhere.", file=sys.stderr)
    return _say(answer)


def _restore(args: argparse.Namespace) -> int:
    return _say(asyncio.run(backup.restore(load(args.config), args.source)))


def _rotate(args: argparse.Namespace, open_app: Opener) -> int:
    async def run() -> dict[str, object]:
        async with open_app(args.config) as parts:
            return await rotate(parts.journal, parts.blobs, parts.vault)

    return _say(asyncio.run(run()))


async def rotate(journal: Journal, blobs: Blobs, vault: Vault) -> dict[str, object]:
    """Everything under the current key; may be interrupted and run again. Afterwards old keys can go.

    Gives ``{"key", "records", "blobs"}``: how many were under another key.
    """
    records = 0
    async for record in _records(journal):
        if not record.erased and record.key_id != vault.current:
            await journal.reseal(vault.rotate(record))
            records += 1
    resealed = 0
    if isinstance(blobs, SealedBlobs):
        async for address in blobs.addresses():
            resealed += await blobs.reseal(address)
    return {"key": vault.current, "records": records, "blobs": resealed}


async def _records(journal: Journal) -> AsyncIterator[SealedRecord]:
    after: UUID | None = None
    while piece := await journal.records(after, 500):
        for record in piece:
            yield record
        after = piece[-1].id
