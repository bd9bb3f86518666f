"""Worker processes for decoding: a crash, a hang or too much memory costs one page's retry, no more."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any

import structlog

from villagecall.case import Verdict
from villagecall.scan import layers, wire
from villagecall.scan.alike import Likeness
from villagecall.scan.refusals import REFUSALS, EmptyFile, WorkerLost
from villagecall.settings import Settings

START_S = 60.0
LULL_S = 2.0
"""So long nobody has waited for a worker before one is given to what nobody waits for."""
PATIENCE_S = 60.0
"""The longest that this waits for such a lull."""
TRIES = 2
PAGES = 400
"""A worker is replaced after so many pages: what a decoder leaks does not add up."""

_log = structlog.get_logger(__name__)


class _Lost(Exception):
    """The worker died, hung, or said something that is no answer."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A page as the worker saw it."""

    verdict: Verdict
    angle: float
    """Degrees counter-clockwise, finer than the verdict keeps it."""
    quad: tuple[tuple[float, float], ...] | None
    """The verdict's corners, not rounded."""
    ms: int
    """Wall time of decoding and judging."""
    width: int
    height: int
    dpi: int
    """Of the view, 0 = unknown."""
    phash: str
    view: bytes
    thumb: bytes


@dataclass(slots=True, eq=False)
class _Worker:
    process: asyncio.subprocess.Process
    document: str = ""
    pages: int = 0

    async def ask(self, head: dict[str, Any], data: bytes) -> tuple[dict[str, Any], list[bytes]]:
        try:
            await wire.ask(self.process, head, data)
            return await wire.heard(self.process)
        except (OSError, EOFError, ValueError) as error:
            raise _Lost from error

    async def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()


class Pool:
    """``scan_workers`` processes, started when first needed and kept warm."""

    def __init__(self, settings: Settings, *, lull_s: float = LULL_S) -> None:
        self._settings, self._lull_s = settings, lull_s
        self._lull = asyncio.Event()
        self._lull.set()
        self._until_lull: asyncio.TimerHandle | None = None
        self.size = max(1, settings.scan_workers)
        self._idle: list[_Worker | None] = [None] * self.size
        self._free = asyncio.Semaphore(self.size)
        self._all: set[_Worker] = set()
        self._closed = False
        self.lost = 0
        """Workers that had to be replaced since the start."""

    @property
    def busy(self) -> int:
        """Workers that have a question before them."""
        return self.size - len(self._idle)

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes there are."""
        return tuple(worker.process.pid for worker in self._all)

    async def warm(self) -> None:
        """Start a worker before the first page asks for it."""
        worker = await self._take("")
        try:
            worker = worker or await self._start()
        finally:
            self._give(worker)

    async def _take(self, key: str) -> _Worker | None:
        """An idle worker, best one that holds the file already; None = one may be started."""
        await self._free.acquire()
        best = max(self._idle, key=lambda each: 0 if each is None else 2 if each.document == key else 1)
        self._idle.remove(best)
        return best

    def _give(self, worker: _Worker | None) -> None:
        self._idle.append(worker)
        self._free.release()

    async def _start(self) -> _Worker:
        process = await wire.spawn("villagecall.scan.worker", self._settings.scan_memory_mib)
        worker = _Worker(process)
        self._all.add(worker)
        try:
            async with asyncio.timeout(START_S):
                await wire.heard(process)
        except (TimeoutError, EOFError, ValueError) as error:
            await self._drop(worker)
            raise _Lost from error
        return worker

    def _wanted(self) -> None:
        """Somebody waits for a worker: the lull begins anew."""
        self._lull.clear()
        if self._until_lull is not None:
            self._until_lull.cancel()
        self._until_lull = asyncio.get_running_loop().call_later(self._lull_s, self._lull.set)

    async def _drop(self, worker: _Worker) -> None:
        self._all.discard(worker)
        await worker.kill()

    async def _ask(self, head: dict[str, Any], key: str, data: bytes) -> tuple[dict[str, Any], list[bytes]]:
        """Ask a worker; one that is lost is replaced and the question asked once more."""
        if not data:  # a worker would take it for the file that it has
            raise EmptyFile
        if head["op"] != "alike":
            self._wanted()
        for attempt in range(1, TRIES + 1):
            worker = await self._take(key)
            try:
                worker = worker or await self._start()
                async with asyncio.timeout(self._settings.scan_timeout_s):
                    answer, parts = await worker.ask(head, b"" if key and worker.document == key else data)
                worker.document = "" if "refused" in answer else key
                worker.pages += 1
                if worker.pages >= PAGES:
                    await self._drop(worker)
                    worker = None
            except (_Lost, TimeoutError):
                self.lost += 1
                _log.warning("scan_worker_lost", op=head["op"], attempt=attempt)
                if worker is not None:
                    await self._drop(worker)
                    worker = None
                continue
            except BaseException:
                if worker is not None:
                    await self._drop(worker)
                    worker = None
                raise
            finally:
                self._give(worker)
            if "refused" in answer:
                raise REFUSALS.get(answer["refused"], WorkerLost)(**answer["details"])
            return answer, parts
        raise WorkerLost

    async def frames(self, key: str, data: bytes) -> int:
        """How many pages a file has. Raises a :class:`ScanRefusal` for what is no page."""
        answer, _ = await self._ask({"op": "open"}, key, data)
        return int(answer["frames"])

    async def mask(self, key: str, view: bytes) -> bytes:
        """The mask of a page in layers as PNG; ``key`` names the view."""
        _, (png,) = await self._ask({"op": "mask"}, f"view {key}", view)
        return png

    async def alike(self, one: bytes, other: bytes) -> Likeness:
        """How much two view copies are the same sheet; nobody waits for it, so pages go first. Raises
        :class:`WorkerLost` where one cannot be read."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await self._lull.wait()
        answer, _ = await self._ask({"op": "alike", "split": len(one)}, "", one + other)
        return Likeness(float(answer["agree"]), int(answer["left"]), int(answer["features"]))

    async def judge(self, key: str, data: bytes, frame: int, turned: int = 0) -> Judged:
        """Judge one page. ``key`` names the file, so that a worker that has it need not get it again."""
        answer, (view, thumb) = await self._ask({"op": "judge", "frame": frame, "turned": turned}, key, data)
        try:
            layers.media_type(view)
        except layers.NotLayers:
            raise WorkerLost from None
        return Judged(
            Verdict.model_validate(answer["verdict"]),
            float(answer["angle"]),
            tuple((float(x), float(y)) for x, y in answer["quad"]) if answer["quad"] else None,
            int(answer["ms"]),
            int(answer["width"]),
            int(answer["height"]),
            int(answer["dpi"]),
            str(answer["phash"]),
            view,
            thumb,
        )

    async def region(
        self, key: str, data: bytes, frame: int, verdict: Verdict, turned: int, box: tuple[int, int, int, int]
    ) -> bytes:
        """JPEG of a piece of the original (per mille), straightened as the view was."""
        head = {
            "op": "region",
            "frame": frame,
            "quad": verdict.quad,
            "angle": verdict.angle_mdeg / 1000,
            "orientation": verdict.orientation,
            "turned": turned,
            "box": box,
        }
        _, (picture,) = await self._ask(head, key, data)
        return picture

    async def close(self) -> None:
        if self._until_lull is not None:
            self._until_lull.cancel()
        for worker in list(self._all):
            await self._drop(worker)
