"""The scan room in an office, with real workers and blobs, and its outbox by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from tests.support.office import Office, actor, office
from villagecall.adapters.blobs_open import open_blobs
from villagecall.case import Case
from villagecall.ids import uuid7
from villagecall.ports import Blobs
from villagecall.scan.duplicates import Duplicates
from villagecall.scan.pool import Pool
from villagecall.scan.service import Scans
from villagecall.scan.uploads import Upload
from villagecall.settings import Settings


class Room:
    """The scan room in an office; ``deliver`` is the outbox."""

    def __init__(self, office: Office, blobs: Blobs, pool: Pool, folder: Path) -> None:
        self.office, self.blobs, self.pool = office, blobs, pool
        settings = Settings(data=folder, upload_limit_mib=8)
        parts = (office.approval, blobs, office.bus, pool, office.vault, office.clock, settings)
        self.scans = Scans(*parts)
        self.consumers = {**self.scans.consumers(), **Duplicates(office.approval, blobs, pool).consumers()}

    def upload(self, case: Case, length: int, **changes: object) -> Upload:
        clerk = self.office.county.willow_clerk
        facts: dict[str, Any] = {"file_id": uuid7(), "material": "id", "name": "居民身份证", "replaces": None} | changes
        return Upload(case_id=case.case_id, person=clerk.person_id, unit=clerk.unit, length=length, **facts)

    async def send(self, case: Case, data: bytes, **changes: object) -> UUID:
        """Upload a whole file."""
        begun = await self.scans.begin(self.upload(case, len(data), **changes))
        by = actor(self.office.county.willow_clerk)
        await self.scans.write(begun.file_id, 0, data, actor=by)
        return begun.file_id

    async def deliver(self) -> None:
        """Everything that was promised, and what that brought about, once."""
        for topic, consumer in self.consumers.items():
            for delivery in await self.office.journal.claim([topic], 10, 60):
                await consumer(delivery)
                await self.office.journal.done(delivery)

    async def scanned(self, case: Case, data: bytes, **changes: object) -> Case:
        await self.send(case, data, **changes)
        await self.deliver()
        return await self.office.approval.get(case.case_id)

    async def actions(self, case: Case) -> list[str]:
        return [entry.action.kind for entry in await self.office.journal.entries(case.case_id)]


@asynccontextmanager
async def scan_room(folder: Path) -> AsyncIterator[Room]:
    pool, staffed = Pool(Settings(), lull_s=0), await office()
    yield Room(staffed, open_blobs(folder / "blobs", vault=staffed.vault), pool, folder)
    await pool.close()
