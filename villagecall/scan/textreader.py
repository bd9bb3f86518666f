"""The one process that reads text, started when a page waits for it and stopped when none has come for a while."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import structlog

from villagecall.case import Verdict
from villagecall.errors import VillagecallError
from villagecall.scan import wire
from villagecall.scan.text import BadText, Line, lines_of
from villagecall.settings import Settings

START_S = 120.0
READ_S = 180.0
"""The most that a page may take. It runs behind everything else, so this is not a measure of its work."""
IDLE_S = 120.0
PAGES = 300
"""The process is replaced after so many pages: what a library leaks does not add up."""

_log = structlog.get_logger(__name__)


class NotRead(VillagecallError):
    """The page was not read this time: the process was lost, stopped, or too slow."""


class TextReader:
    """Reads one page at a time. ``pid`` is that of the process, 0 while there is none."""

    def __init__(self, settings: Settings, *, idle_s: float = IDLE_S) -> None:
        self._memory, self._idle_s = settings.scan_text_memory_mib, idle_s
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._pages = 0
        self._resting: asyncio.TimerHandle | None = None
        self._stopping: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def pid(self) -> int:
        return self._process.pid if self._process is not None else 0

    async def read(self, data: bytes, frame: int, verdict: Verdict, turned: int = 0) -> tuple[Line, ...]:
        """The lines of page ``frame`` of the uploaded file ``data``, placed as its view is.

        A page that the recogniser cannot take has none. Raises :class:`NotRead`.
        """
        asked = {"frame": frame, "verdict": verdict.model_dump(mode="json"), "turned": turned}
        async with self._turn:
            if self._resting is not None:
                self._resting.cancel()
            try:
                said = await self._ask(asked, data)
                lines = lines_of(said.get("lines", []))
            except BaseException as error:
                await self._stop()
                if isinstance(error, (OSError, EOFError, ValueError, TimeoutError, BadText)):
                    raise NotRead("the reading process was lost") from error
                raise
            self._pages += 1
            if self._pages >= PAGES:
                await self._stop()
            self._resting = asyncio.get_running_loop().call_later(self._idle_s, self._rest)
            return lines

    async def _ask(self, head: dict[str, Any], data: bytes) -> dict[str, Any]:
        if self._closed:
            raise NotRead("the server stops")
        process = self._process or await self._start()
        async with asyncio.timeout(READ_S):
            await wire.ask(process, head, data)
            said, _ = await wire.heard(process)
            return said

    async def _start(self) -> asyncio.subprocess.Process:
        self._process = process = await wire.spawn("villagecall.scan.textworker", self._memory)
        self._pages = 0
        async with asyncio.timeout(START_S):
            await wire.heard(process)
        _log.info("text_reader_started")
        return process

    def _rest(self) -> None:
        """Nothing was read for a while: the memory is given back."""
        task = asyncio.get_running_loop().create_task(self._stop_if_free())
        self._stopping.add(task)
        task.add_done_callback(self._stopping.discard)

    async def _stop_if_free(self) -> None:
        if not self._turn.locked():
            async with self._turn:
                await self._stop()

    async def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()

    async def close(self) -> None:
        """A page being read is given up; it is promised in the journal and will be read another time."""
        self._closed = True
        if self._resting is not None:
            self._resting.cancel()
        await self._stop()
        await asyncio.gather(*self._stopping, return_exceptions=True)
