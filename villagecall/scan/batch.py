"""Many files through the worker processes: answers in the order they were asked for, no more in hand than the
workers can hold, pages on disk instead of in memory."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from villagecall.case import Verdict
from villagecall.scan.pool import Judged, Pool
from villagecall.scan.quality import codes
from villagecall.scan.refusals import ScanRefusal
from villagecall.settings import Settings

MOST_WORKERS = 2
"""On any number of cores, so that parent and workers stay near 700 MB: each worker reaches 285 MB in a page."""
AHEAD = 2
"""Files in hand for each worker: one worked on, one read from disk meanwhile."""

Told = Callable[[int, int], None]
"""Called with pages done and pages known of so far."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that gave no page, in the words for it."""

    file: Path
    why: str


def workers() -> int:
    """As many as there are cores for this process, up to :data:`MOST_WORKERS`."""
    return max(1, min(len(os.sched_getaffinity(0)), MOST_WORKERS))


def why(error: OSError | ScanRefusal) -> str:
    """One line for a message: what it is, and what to do."""
    if isinstance(error, ScanRefusal):
        return f"{error.code}: " + " ".join(error.told().splitlines())
    return error.strerror or "cannot be read"


class Counted:
    """Pages done of pages known; a file counts as one page until it was opened."""

    def __init__(self, files: int, told: Told) -> None:
        self.done, self.total, self._told = 0, files, told

    def opened(self, frames: int) -> None:
        self.total += frames - 1

    def finished(self, pages: int = 1) -> None:
        self.done += pages
        self._told(self.done, self.total)


async def in_order(
    files: Sequence[Path], work: Callable[[int, Path], Awaitable[T]], at_once: int
) -> AsyncIterator[tuple[Path, T | Refused]]:
    """``work(position, file)`` for each file, ``at_once`` at a time; gives the answers in the order of ``files``.

    What a file cannot give comes as :class:`Refused`; whoever stops listening stops the work."""

    async def one(at: int, file: Path) -> T | Refused:
        try:
            return await work(at, file)
        except (OSError, ScanRefusal) as error:
            return Refused(file, why(error))

    waiting: deque[tuple[Path, asyncio.Task[T | Refused]]] = deque()
    left = iter(enumerate(files))
    try:
        while True:
            while len(waiting) < at_once and (following := next(left, None)) is not None:
                waiting.append((following[1], asyncio.create_task(one(*following))))
            if not waiting:
                return
            file, task = waiting[0]
            answer = await task
            waiting.popleft()
            yield file, answer
    finally:
        for _, task in waiting:
            task.cancel()
        await asyncio.gather(*(task for _, task in waiting), return_exceptions=True)


async def _pages(pool: Pool, key: str, file: Path, counted: Counted) -> AsyncIterator[Judged]:
    left = 1
    try:
        data = await asyncio.to_thread(file.read_bytes)
        left = frames = await pool.frames(key, data)
        counted.opened(frames)
        for frame in range(frames):
            judged = await pool.judge(key, data, frame)
            left -= 1
            counted.finished()
            yield judged
    except (OSError, ScanRefusal):
        counted.finished(left)  # nothing more is to be waited for
        raise


Corners = tuple[tuple[float, float], ...] | None


def seen(file: Path, verdict: Verdict, angle: float, quad: Corners, ms: int) -> dict[str, object]:
    """What ``scan inspect`` says of a page, in the terms of the evaluation: ``angle`` in degrees and ``quad`` in
    pixels, both finer than the verdict keeps them; ``ms`` of decoding and judging."""
    return {
        "file": str(file),
        "angle": round(angle, 4),
        "orientation": verdict.orientation,
        "quad": [list(corner) for corner in quad] if quad else None,
        "blank": verdict.blank,
        **codes(verdict.faults),
        "ms": ms,
    }


async def inspected(files: Sequence[Path], told: Told) -> AsyncIterator[list[dict[str, object]] | Refused]:
    """Per file what is seen on each of its pages (``page`` counts from 1 where there are several)."""
    count = min(workers(), len(files))
    pool, counted = Pool(Settings(scan_workers=count)), Counted(len(files), told)

    async def look(at: int, file: Path) -> list[dict[str, object]]:
        found = [
            seen(file, judged.verdict, judged.angle, judged.quad, judged.ms)
            async for judged in _pages(pool, str(at), file, counted)
        ]
        return found if len(found) == 1 else [{**each, "page": page} for page, each in enumerate(found, start=1)]

    try:
        async for _, answer in in_order(files, look, count * AHEAD):
            yield answer
    finally:
        await pool.close()


@dataclass(frozen=True, slots=True)
class OnDisk:
    """A page whose view copy lies in ``view``; ``width`` and ``height`` are its pixels, ``dpi`` of them to the inch
    (0 = unknown)."""

    view: Path
    width: int
    height: int
    dpi: int
    verdict: Verdict


async def judged_to_disk(files: Sequence[Path], folder: Path, told: Told) -> tuple[list[list[OnDisk]], list[Refused]]:
    """Every page of every file, judged; the view copies as files in ``folder``. And every file that cannot be read:
    a case file without a page of its own is none, and whoever puts that right wants to know of all at once."""
    count = min(workers(), len(files))
    pool, counted = Pool(Settings(scan_workers=count)), Counted(len(files), told)

    async def keep(at: int, file: Path) -> list[OnDisk]:
        kept: list[OnDisk] = []
        async for judged in _pages(pool, str(at), file, counted):
            path = folder / f"{at:06}-{len(kept):06}"
            await asyncio.to_thread(path.write_bytes, judged.view)
            kept.append(OnDisk(path, judged.width, judged.height, judged.dpi, judged.verdict))
        return kept

    papers: list[list[OnDisk]] = []
    refused: list[Refused] = []
    try:
        async for _, answer in in_order(files, keep, count * AHEAD):
            if isinstance(answer, Refused):
                refused.append(answer)
            else:
                papers.append(answer)
        return papers, refused
    finally:
        await pool.close()
