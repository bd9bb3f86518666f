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

    async def consume(self, delivery: Delivery) -> None:
        """The outbox consumer of topic ``recording``: ``{case_id, call_id}``."""
        payload = delivery.message.payload
        await self.call_ended(UUID(str(payload["case_id"])), UUID(str(payload["call_id"])))

    async def call_ended(self, case_id: UUID, call_id: UUID) -> None:
        """Close the call's media and seal what was recorded. Repeating it is harmless."""
        async with self._lock:
            for file in await self._media.end(call_id):
                await self._seal(case_id, call_id, file)

    async def recover(self) -> int:
        """Seal what a killed process left behind; how many files."""
        async with self._lock:
            files = await self._media.recover()
            for call_id, file in files:
                case = await self._cases.find(call_name(call_id))
                if case is None:
                    _log.error("recording_without_case", call=str(call_id))  # kept on disk for a person to look at
                    continue
                await self._seal(case.case_id, call_id, file)
            return len(files)

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
