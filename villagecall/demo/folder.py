"""The demonstration's folder: one process works in it, and what was half filled is filled anew."""

from __future__ import annotations

import fcntl
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from villagecall.errors import Hindrance
from villagecall.settings import Settings

MADE = ("villagecall.db", "villagecall.db-wal", "villagecall.db-shm", "blobs", "recordings", "uploads", "papers")
"""What filling brings about. The secrets and the seal stay, and so does whatever else lies in the folder."""


class FolderBusy(Hindrance):
    code: ClassVar[str] = "folder_busy"
    zh: ClassVar[str] = "已有一个演示在文件夹 {folder} 里运行。"
    en: ClassVar[str] = "Another demonstration works in the folder {folder}."
    todo_zh: ClassVar[str] = "请先结束它,或用 --data 换一个文件夹。"
    todo_en: ClassVar[str] = "End it first, or name another folder with --data."


class HalfFilled(Hindrance):
    code: ClassVar[str] = "half_filled"
    zh: ClassVar[str] = "上次的演示数据没有准备完,而数据库不在文件夹 {folder} 里,不能自动清空。"
    en: ClassVar[str] = "The demonstration was left half filled, and its database is not in {folder} to be emptied."
    todo_zh: ClassVar[str] = "请清空设置 database 所指的数据库,删除 {marker},再启动。"
    todo_en: ClassVar[str] = "Empty the database that the setting database names, delete {marker}, and start again."


def _marker(data: Path) -> Path:
    return data / "filling"


@contextmanager
def alone(data: Path) -> Iterator[None]:
    """Nobody else's while it lasts, however the process ends. Raises :class:`FolderBusy`."""
    with (data / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise FolderBusy(folder=data) from error
        yield


@contextmanager
def filling(data: Path) -> Iterator[None]:
    """Around everything that fills the county: what breaks off in between is seen at the next start."""
    _marker(data).touch()
    yield
    _marker(data).unlink()


def begin_anew(settings: Settings) -> None:
    """Removes a county that was left half filled, and says so. Raises :class:`HalfFilled`."""
    data, marker = settings.data, _marker(settings.data)
    if not marker.exists():
        return
    if settings.database:
        raise HalfFilled(folder=data, marker=marker)
    print("上次没有准备完,重新开始 the last start was broken off: beginning anew", file=sys.stderr, flush=True)
    for name in MADE:
        path = data / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    marker.unlink()
