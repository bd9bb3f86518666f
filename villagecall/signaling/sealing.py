"""Recordings into the case: blob first, then the action, then the file goes.

Three moments lead here: the outbox message of an ended call, the start of the server (files that a killed
process left open), and a repetition of either. Each file has an id made of what it is, so that however
often it comes by it is one recording of the case.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import UUID, uuid5

import structlog

from villagecall.errors import NotFound
from villagecall.journal import JSON, SYSTEM
from villagecall.ports import Blobs, Cases, Delivery, MediaEngine, RecordingFile
from villagecall.signaling.recording import sidecar
from villagecall.signaling.service import call_name

_log = structlog.get_logger(__name__)


def recording_id(call_id: UUID, file: RecordingFile) -> UUID:
    """The same file is the same recording: call, participant and the head of its chain name it."""
    return uuid5(call_id, f"{file.participant}:{file.chain}")


class Sealing:
    """Puts closed recordings into the blobs and into their case."""

    def __init__(self, cases: Cases, media: MediaEngine, blobs: Blobs) -> None:
        self._cases, self._media, self._blobs = cases, media, blobs
        self._lock = asyncio.Lock()
        self._waiting: dict[UUID, list[RecordingFile]] = {}
        """Files that the engine has handed over and that are not in their case yet."""

    async def consume(self, delivery: Delivery) -> None:
        """The outbox consumer of topic ``recording``: ``{case_id, call_id}``."""
        payload = delivery.message.payload
        await self.call_ended(UUID(str(payload["case_id"])), UUID(str(payload["call_id"])))

    async def call_ended(self, case_id: UUID, call_id: UUID) -> None:
        """Close the call's media and seal what was recorded. Repeating it is harmless, and needed when it
        raises: the engine hands a file over once, here it waits until it is sealed."""
        async with self._lock:
            self._waiting.setdefault(call_id, []).extend(await self._media.end(call_id))
            await self._seal_waiting(case_id, call_id)

    async def recover(self) -> None:
        """Take over what a process that is gone left behind; once, before the first connection."""
        async with self._lock:
            for call_id, file in await self._media.recover():
                self._waiting.setdefault(call_id, []).append(file)
        await self.retry()

    async def retry(self) -> None:
        """Seal what still waits. What fails (the blobs do not answer) goes on waiting."""
        async with self._lock:
            for call_id in list(self._waiting):
                try:
                    case = await self._cases.find(call_name(call_id))
                    if case is None:
                        _log.error(
                            "recording_without_case", call=str(call_id)
                        )  # its files stay for a person to look at
                        del self._waiting[call_id]
                    else:
                        await self._seal_waiting(case.case_id, call_id)
                except Exception:
                    _log.exception("recording_not_sealed", call=str(call_id))

    async def _seal_waiting(self, case_id: UUID, call_id: UUID) -> None:
        files = self._waiting[call_id]
        while files:
            await self._seal(case_id, call_id, files[0])
            files.pop(0)
        del self._waiting[call_id]

    async def _seal(self, case_id: UUID, call_id: UUID, file: RecordingFile) -> None:
        sealed, lines = recording_id(call_id, file), sidecar(file.path)
        try:
            case = await self._cases.get(case_id)
        except NotFound:
            _log.error("recording_without_case", call=str(call_id))
            return
        if all(one.recording_id != sealed for one in case.recordings):
            gaps: list[JSON] = [[start, end] for start, end in file.gaps]
            recording: dict[str, JSON] = {
                "recording_id": str(sealed),
                "call_id": str(call_id),
                "participant": str(file.participant),
                "blob": await self._keep(file.path, "video/webm"),
                "lines": await self._keep(lines, "application/x-ndjson") if lines.exists() else None,
                "ms": file.ms,
                "chain": file.chain,
                "gaps": gaps,
            }
            await self._cases.record(
                case_id, "recording.closed", {"recording": recording}, actor=SYSTEM, key=f"recording:{sealed}"
            )
        for path in (file.path, lines):
            await asyncio.to_thread(path.unlink, missing_ok=True)

    async def _keep(self, path: Path, media_type: str) -> JSON:
        blob = await self._blobs.put(path, media_type)
        return {"sha256": blob.sha256, "size": blob.size, "media_type": blob.media_type}
