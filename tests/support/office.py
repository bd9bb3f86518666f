"""A working office: the small county with its case service on an in-memory journal, and a clerk's hands."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from tests.support.clock import FixedClock
from tests.support.county import County, small_county, small_vault
from villagecall.adapters.bus_local import LocalBus
from villagecall.adapters.memory import MemoryJournal
from villagecall.approval.service import Approval
from villagecall.case import Case
from villagecall.directory.model import Item, Person
from villagecall.ids import uuid7
from villagecall.journal import JSON, SYSTEM, Actor
from villagecall.ports import Bus, Journal
from villagecall.settings import Settings
from villagecall.vault import Vault

LI = {"name": "李桂芳", "id_number": "11010519491231002X", "phone": "13800130000", "address": "柳溪村3组12号"}
"""The applicant; the ID number is the worked example of GB 11643."""


def actor(person: Person) -> Actor:
    return Actor(str(person.person_id), person.unit, person.role.value)


def key() -> str:
    """A fresh idempotency key."""
    return str(uuid7())


def blob(text: str) -> dict[str, JSON]:
    return {"sha256": hashlib.sha256(text.encode()).hexdigest(), "size": len(text), "media_type": "image/jpeg"}


@dataclass
class Office:
    """``await office()`` builds one. Helpers do what the pages of the village and the desk do."""

    county: County
    approval: Approval
    bus: Bus
    journal: Journal
    vault: Vault
    clock: FixedClock
    forms: Mapping[str, dict[str, str]] = field(
        default_factory=lambda: {
            "LN-001": {"phone": "13800130000", "kind": "首次申领"},
            "SP-002": {"shop": "桂芳小吃", "address": "柳溪村口", "area": "32.5"},
            "CJ-003": {"phone": "13800130000"},
        }
    )

    async def draft(self, item: Item | None = None, clerk: Person | None = None) -> Case:
        item, clerk = item or self.county.card, clerk or self.county.willow_clerk
        return await self.approval.open(uuid7(), item.code, actor=actor(clerk), key=key())

    async def page(
        self, case: Case, material: str, *, fault: str = "", waiting: bool = False, clerk: Person | None = None
    ) -> UUID:
        """Scan one page: the file, its page, the verdict, as the scan room writes them."""
        file_id, page_id = uuid7(), uuid7()
        by = actor(clerk or self.county.willow_clerk)
        original = blob(str(page_id))
        name = f"{material}.jpg"
        file: JSON = {"file_id": str(file_id), "material": material, "name": name, "original": original}
        await self.approval.record(case.case_id, "file.received", {"file": file}, actor=by, key=key())
        page: JSON = {
            "page_id": str(page_id),
            "file_id": str(file_id),
            "material": material,
            "name": name,
            "original": original,
        }
        await self.approval.record(case.case_id, "page.added", {"page": page}, actor=SYSTEM, key=key())
        if not waiting:
            await self.judge(case, page_id, fault)
            read: dict[str, JSON] = {"file_id": str(file_id), "frames": 1}
            await self.approval.record(case.case_id, "file.read", read, actor=SYSTEM, key=key())
        return page_id

    async def judge(self, case: Case, page_id: UUID, fault: str = "") -> None:
        faults: list[JSON] = [{"code": fault, "zh": "这一页看不清,请重新扫描。", "en": "This page is not clear."}]
        payload: dict[str, JSON] = {
            "page_id": str(page_id),
            "verdict": {"ok": not fault, "faults": faults if fault else []},
            "view": blob("view"),
            "thumb": blob("thumb"),
            "width": 2480,
            "height": 3508,
        }
        await self.approval.record(case.case_id, "page.judged", payload, actor=SYSTEM, key=key())

    async def scan(self, case: Case) -> None:
        """Every necessary material, with all its pages."""
        for material in self.approval.item(case).materials:
            if material.necessary:
                for _ in range(material.pages):
                    await self.page(case, material.code)

    async def fill(self, case: Case) -> Case:
        by = actor(self.county.willow_clerk)
        await self.approval.enter_applicant(case.case_id, LI, None, actor=by, key=key())
        return await self.approval.fill_form(case.case_id, self.forms[case.item], actor=by, key=key())

    async def complete(self, item: Item | None = None) -> Case:
        """A draft that lacks nothing."""
        case = await self.draft(item)
        await self.scan(case)
        return await self.fill(case)

    async def accepted(self, item: Item | None = None) -> Case:
        case = await self.complete(item)
        return await self.approval.submit(case.case_id, actor=actor(self.county.willow_clerk), key=key())

    async def approved(self) -> Case:
        """A town case, approved by the east town's first window."""
        case = await self.accepted()
        officer = actor(self.county.east_officer)
        await self.approval.claim(case.case_id, actor=officer, key=key())
        return await self.approval.approve(case.case_id, "符合条件", actor=officer, key=key())

    async def issued(self, case: Case | None = None) -> Case:
        """As the issuing room writes it after the outbox told it to."""
        case = case or await self.approved()
        certificate: JSON = {"number": "优20260001", "code": "ABCD-1234", "blob": blob("certificate")}
        payload: dict[str, JSON] = {"certificate": certificate}
        return await self.approval.record(case.case_id, "certificate.issued", payload, actor=SYSTEM, key=key())

    async def refused(self) -> Case:
        """Refused by the east town, with the written voucher."""
        case, officer = await self.accepted(), actor(self.county.east_officer)
        await self.approval.refuse(case.case_id, ["age"], "", actor=officer, key=key())
        payload: dict[str, JSON] = {"voucher": {"number": "不1", "code": "EFGH-1234", "blob": blob("voucher")}}
        return await self.approval.record(case.case_id, "voucher.issued", payload, actor=SYSTEM, key=key())

    async def printed(self, case: Case | None = None) -> Case:
        case = case or await self.issued()
        by, print_id = actor(self.county.willow_clerk), str(uuid7())
        ticket: JSON = {"print_id": print_id, "digest": "0" * 64, "device": None, "copy_no": len(case.prints) + 1}
        await self.approval.record(case.case_id, "print.ticketed", {"print": ticket}, actor=by, key=key())
        done: dict[str, JSON] = {"print_id": print_id, "state": "done", "job": 7}
        return await self.approval.record(case.case_id, "print.reported", done, actor=by, key=key())


async def office() -> Office:
    """An office on the journal in memory."""
    clock, vault = FixedClock(), small_vault()
    journal = MemoryJournal(clock)
    return Office(*await _staffed(journal, vault, clock), journal=journal, vault=vault, clock=clock)


async def office_on(journal: Journal, clock: FixedClock) -> Office:
    """An office on any journal (one that tests do not look into)."""
    vault = small_vault()
    parts = await _staffed(journal, vault, clock)
    return Office(*parts, journal=journal, vault=vault, clock=clock)


async def _staffed(journal: Journal, vault: Vault, clock: FixedClock) -> tuple[County, Approval, LocalBus]:
    bus, county = LocalBus(), await small_county(journal, vault, clock)
    return county, Approval(journal, vault, county.directory, clock, bus, Settings()), bus
