"""The text of many files' pages, one after the other in the reading process, kept on disk beside the view copies."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import structlog

from villagecall.scan.batch import OnDisk, Told
from villagecall.scan.text import Line, lines_of, rows_of
from villagecall.scan.textreader import NotRead, TextReader
from villagecall.settings import Settings

TRIES = 2
_log = structlog.get_logger(__name__)


def _beside(page: OnDisk) -> Path:
    return page.view.with_name(f"{page.view.name}.text")


async def read_to_disk(files: Sequence[Path], papers: Sequence[Sequence[OnDisk]], told: Told) -> None:
    """Read every page that is not empty. One that cannot be read stays a picture, with a line in the log."""
    reader, total, done = TextReader(Settings()), sum(map(len, papers)), 0
    try:
        for file, pages in zip(files, papers, strict=True):
            data = await asyncio.to_thread(file.read_bytes)
            for frame, page in enumerate(pages):
                lines = () if page.verdict.blank else await _tried(reader, data, frame, page)
                text = json.dumps(rows_of(lines), ensure_ascii=False)
                await asyncio.to_thread(_beside(page).write_text, text, encoding="utf-8")
                done += 1
                told(done, total)
    finally:
        await reader.close()


async def _tried(reader: TextReader, data: bytes, frame: int, page: OnDisk) -> tuple[Line, ...]:
    for attempt in range(1, TRIES + 1):
        try:
            return await reader.read(data, frame, page.verdict)
        except NotRead:
            _log.warning("text_not_read", page=frame + 1, attempt=attempt)
    return ()


def text_of(page: OnDisk) -> tuple[Line, ...]:
    """What :func:`read_to_disk` left there; nothing where it was not asked."""
    path = _beside(page)
    return lines_of(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else ()
