"""The issuing room on top of a working office: real rendering, a real seal, blobs in a folder."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp
from uuid import UUID

import cv2
import numpy as np

from tests.support.office import Office, actor, key
from tests.support.office import office as open_office
from tests.support.site import Site
from villagecall.adapters.blobs_local import LocalBlobs
from villagecall.case import Case
from villagecall.ids import uuid7
from villagecall.issuing import seal_keys
from villagecall.issuing.devices import Devices
from villagecall.issuing.seal import PyHankoSigner, demonstration_stamper
from villagecall.issuing.seal_keys import SealKeys
from villagecall.issuing.service import Issuing
from villagecall.journal import JSON, SYSTEM
from villagecall.ports import Blob, Blobs, Delivery, Message, Signer
from villagecall.settings import Settings


@lru_cache
def demo_keys() -> SealKeys:
    """One demonstration CA a test process: making it takes a moment."""
    return seal_keys.demonstration(Path(mkdtemp(prefix="villagecall-seal-")) / "seal")


def demo_signer() -> PyHankoSigner:
    return PyHankoSigner(demo_keys(), demonstration_stamper(demo_keys()))


def message(topic: str, case: Case) -> Delivery:
    """An outbox message as the dispatcher hands it over."""
    return Delivery(1, Message(topic, str(case.case_id), {"case_id": str(case.case_id)}), case.case_id, 1)


@lru_cache
def face() -> bytes:
    """A portrait on blue, on a white sheet: as a photo comes out of the scanner."""
    sheet = np.full((900, 700, 3), 255, np.uint8)
    photo = np.full((560, 420, 3), (200, 150, 60), np.uint8)
    cv2.circle(photo, (210, 210), 110, (150, 180, 225), -1)
    cv2.ellipse(photo, (210, 560), (190, 190), 0, 180, 360, (70, 60, 120), -1)
    sheet[160:720, 140:560] = photo
    return cv2.imencode(".jpg", sheet)[1].tobytes()


@dataclass
class Press:
    """``await press(folder)`` builds one."""

    office: Office
    issuing: Issuing
    devices: Devices
    blobs: Blobs
    signer: Signer
    settings: Settings

    async def with_photo(self, case: Case) -> None:
        """Put a real portrait behind the photo page of a case."""
        page = next(page for page in (await self.office.approval.get(case.case_id)).pages if page.material == "photo")
        view = await self.blobs.put(face(), "image/jpeg")
        payload: dict[str, JSON] = {
            "page_id": str(page.page_id),
            "verdict": {"ok": True, "faults": []},
            "view": as_json(view),
            "thumb": as_json(view),
            "width": 700,
            "height": 900,
        }
        await self.office.approval.record(case.case_id, "page.judged", payload, actor=SYSTEM, key=key())

    async def approved(self) -> Case:
        """A card with a photo, approved by the town."""
        case = await self.office.accepted()
        await self.with_photo(case)
        officer = actor(self.office.county.east_officer)
        await self.office.approval.claim(case.case_id, actor=officer, key=key())
        return await self.office.approval.approve(case.case_id, "符合条件", actor=officer, key=key())

    async def refused(self) -> Case:
        case = await self.office.accepted()
        officer = actor(self.office.county.east_officer)
        await self.office.approval.claim(case.case_id, actor=officer, key=key())
        return await self.office.approval.refuse(case.case_id, ("age",), "", actor=officer, key=key())

    async def issued(self) -> Case:
        case = await self.approved()
        await self.issuing.issue(message("issue", case))
        return await self.office.approval.get(case.case_id)

    async def ticket(self, case: Case, *, reason: str = "", device: UUID | None = None) -> str:
        clerk = actor(self.office.county.willow_clerk)
        made = await self.issuing.tickets.create(case.case_id, uuid7(), actor=clerk, device=device, reason=reason)
        return made.secret

    async def pdf(self, case: Case) -> bytes:
        assert case.certificate is not None
        return await self.blobs.get(case.certificate.blob.sha256)


def as_json(blob: Blob) -> dict[str, JSON]:
    return {"sha256": blob.sha256, "size": blob.size, "media_type": blob.media_type}


async def press(folder: Path, office: Office | None = None) -> Press:
    office = office or await open_office()
    settings = Settings(data=folder, public_url="http://cun.example")
    blobs, signer = LocalBlobs(folder / "blobs"), demo_signer()
    issuing = Issuing(
        office.approval,
        office.journal,
        blobs,
        signer,
        office.county.directory,
        office.vault,
        office.clock,
        settings,
    )
    devices = Devices(office.journal, office.county.directory, office.bus, office.clock)
    return Press(office, issuing, devices, blobs, signer, settings)


def press_at(site: Site) -> Press:
    """The same hands at a running server."""
    services = site.services
    return Press(
        site.office(),
        services.issuing,
        services.devices,
        services.blobs,
        services.issuing.signer,
        services.settings,
    )
