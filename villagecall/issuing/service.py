"""Certificates of cases: issued exactly once by the outbox, sealed, stored, checked, printed.

The outbox may deliver a message twice, to two processes, or again after a crash anywhere in between. The
number is reserved under the case's id, so every attempt has the same; the action is appended under the
case's id, so one attempt wins; the bytes of an attempt that lost are dropped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

import structlog

from villagecall.case import Case, Ref
from villagecall.directory.model import Item, Unit
from villagecall.directory.service import Directory
from villagecall.errors import NotFound, Refusal
from villagecall.issuing import number as numbers
from villagecall.issuing import preview, render
from villagecall.issuing.sheet import REFUSAL_TITLE, Holder, Sheet, compose, local_day, official_name, refusal, years_on
from villagecall.issuing.tickets import Tickets
from villagecall.journal import JSON, SYSTEM, stamp
from villagecall.ports import Blob, Blobs, Cases, Clock, Consumer, Delivery, Journal, Signer, Stored
from villagecall.settings import Settings
from villagecall.vault import Vault, mask_name

VOUCHER_WORD = "不予"
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Check:
    """The answer to a verification code. ``state``: valid, expired, unknown. Facts are masked."""

    state: Literal["valid", "expired", "unknown"]
    number: str = ""
    title: str = ""
    holder: str = ""
    unit_name: str = ""
    issued: datetime | None = None
    valid_until: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class _Made:
    """An attempt: its bytes are stored, its action is not yet written."""

    number: str
    code: str
    pdf: Blob
    picture: Blob
    payload: dict[str, JSON]


@dataclass(eq=False)
class Issuing:
    """``Issuing(cases, journal, blobs, signer, directory, vault, clock, settings)``."""

    cases: Cases
    journal: Journal
    blobs: Blobs
    signer: Signer
    directory: Directory
    vault: Vault
    clock: Clock
    settings: Settings
    tickets: Tickets = field(init=False)

    def __post_init__(self) -> None:
        self.tickets = Tickets(self.cases, self.journal, self.blobs, self.vault)

    def consumers(self) -> Mapping[str, Consumer]:
        """The outbox topics this room answers."""
        return {"issue": self.issue, "voucher": self.voucher}

    # ------------------------------------------------------------ issuing

    async def issue(self, delivery: Delivery) -> None:
        """The certificate of an approved case. A case in any other state is left as it is."""
        case = await self.cases.get(UUID(str(delivery.message.payload["case_id"])))
        item = self.directory.item(case.item, case.item_version)
        if case.state != "approved" or case.certificate is not None or item.template is None:
            return
        number = await self._number(case, item.template.word)
        code = numbers.new_code()
        county, unit = self._deciding(case)
        sheet = compose(
            case,
            item,
            item.template,
            Holder(**await self._holder(case)),
            await self._entries(case.form),
            number=number,
            code=code,
            unit=official_name(unit, county),
            village=self.directory.unit(case.village).name,
            url=self._url(code),
            issued=self.clock.now(),
            photo=await self._photo(case, item) if item.template.photo else None,
        )
        await self._issue(case, sheet, unit, "certificate.issued", "certificate", "准予")

    async def voucher(self, delivery: Delivery) -> None:
        """The written refusal with its reasons (Licensing Law art. 38)."""
        case = await self.cases.get(UUID(str(delivery.message.payload["case_id"])))
        if case.state != "refused" or case.voucher is not None:
            return
        item = self.directory.item(case.item, case.item_version)
        number = await self._number(case, (item.template.word if item.template else "审") + VOUCHER_WORD)
        code = numbers.new_code()
        county, unit = self._deciding(case)
        sheet = refusal(
            case,
            item,
            Holder(**await self._holder(case)),
            number=number,
            code=code,
            unit=official_name(unit, county),
            url=self._url(code),
            issued=self.clock.now(),
        )
        await self._issue(case, sheet, unit, "voucher.issued", "voucher", "不予")

    async def _number(self, case: Case, word: str) -> str:
        scope, year = numbers.scope(word, case.decided or self.clock.now())
        serial = await self.journal.reserve(scope, str(case.case_id))
        return str(numbers.Number(word, year, serial))

    def _url(self, code: str) -> str:
        return f"{self.settings.base_url}/v/{code}"

    def _deciding(self, case: Case) -> tuple[Unit | None, Unit]:
        """The county and the unit whose decision it was."""
        last = next((step for step in reversed(case.steps) if step.result in ("approved", "refused")), None)
        unit = self.directory.unit(last.unit if last else case.queue_unit or case.town)
        county = unit
        while county.parent:
            try:
                county = self.directory.unit(county.parent)
            except NotFound:
                return None, unit
        return county, unit

    async def _entries(self, ref: Ref | None) -> dict[str, str]:
        record = await self.journal.record(ref.record) if ref else None
        if record is None or record.erased:
            return {}
        return {key: str(value) for key, value in self.vault.open(record).items()}

    async def _holder(self, case: Case) -> dict[str, str]:
        entries = await self._entries(case.applicant)
        return {key: entries.get(key, "") for key in ("name", "id_number", "phone", "address")}

    async def _photo(self, case: Case, item: Item) -> bytes | None:
        """The newest page of the material that is the photo, cut to a portrait."""
        wanted = {material.code for material in item.materials if material.photo}
        pages = [page for page in case.live_pages() if page.material in wanted and page.view]
        if not pages or pages[-1].view is None:
            return None
        # A photo is kept as one picture; should a page have been taken for writing, its thumbnail is one.
        kept = pages[-1].view if pages[-1].view.media_type == "image/jpeg" else pages[-1].thumb
        return await asyncio.to_thread(preview.portrait, await self.blobs.get(kept.sha256)) if kept else None

    async def _issue(self, case: Case, sheet: Sheet, unit: Unit, kind: str, field_: str, reason: str) -> None:
        made = await self._make(case, sheet, unit, field_, reason)
        names = (f"certificate:{made.number}", f"code:{made.code}")
        try:
            after = await self.cases.record(
                case.case_id,
                kind,
                made.payload,
                actor=SYSTEM,
                key=f"{kind}:{case.case_id}",
                stored=Stored(names=names),
            )
        except Refusal:
            await self._drop(made)  # a plain no: nothing of this attempt is in the journal
            raise
        kept = after.certificate if kind == "certificate.issued" else after.voucher
        if kept is None or kept.blob.sha256 != made.pdf.sha256:
            await self._drop(made)
            return
        _log.info("certificate_issued", case=str(case.case_id), kind=kind, number=made.number)

    async def _make(self, case: Case, sheet: Sheet, unit: Unit, field_: str, reason: str) -> _Made:
        plain = await asyncio.to_thread(render.render, sheet)
        sealed = await self.signer.seal(plain, unit=sheet.unit, reason=reason, at=sheet.issued)
        png = await asyncio.to_thread(preview.picture, sealed)
        pdf = await self.blobs.put(sealed, "application/pdf")
        picture = await self.blobs.put(png, "image/png")
        payload: dict[str, JSON] = {
            field_: {
                "number": sheet.number,
                "code": sheet.code,
                "blob": _blob(pdf),
                "preview": _blob(picture),
            },
            # Every use of the seal is on record: whose decision, which certificate, which bytes.
            "seal": {"unit": unit.code, "serial": self.signer.serial, "at": stamp(self.clock.now())},
            "unsealed": render.sha256(plain),
        }
        return _Made(sheet.number, sheet.code, pdf, picture, payload)

    async def _drop(self, made: _Made) -> None:
        """Bytes of an attempt that lost. Sealed bytes are never twice the same, so nobody else's go."""
        await self.blobs.drop(made.pdf.sha256)
        await self.blobs.drop(made.picture.sha256)

    # ------------------------------------------------------------ reading

    async def picture(self, case: Case) -> bytes:
        """The preview (PNG) of the case's certificate or voucher. Raises ``NotFound``."""
        paper = case.certificate or case.voucher
        if paper is None or paper.preview is None:
            raise NotFound
        return await self.blobs.get(paper.preview.sha256)

    async def check(self, typed: str) -> Check:
        """What anybody may know who holds the code: genuine or not, and the masked facts."""
        code = numbers.read_code(typed)
        case = await self.cases.find(f"code:{code}") if code else None
        papers = (case.certificate, case.voucher) if case else ()
        paper = next((each for each in papers if each and each.code == code), None)
        if case is None or paper is None:
            return Check("unknown")
        item = self.directory.item(case.item, case.item_version)
        county, unit = self._deciding(case)
        holder = (await self._holder(case))["name"]
        title, until = REFUSAL_TITLE, None
        if paper == case.certificate and item.template is not None:
            title = item.template.title
            if item.template.valid_years:
                until = years_on(local_day(paper.issued), item.template.valid_years)
        over = until is not None and local_day(self.clock.now()) > until
        return Check(
            "expired" if over else "valid",
            number=paper.number,
            title=title,
            holder=mask_name(holder),
            unit_name=official_name(unit, county),
            issued=paper.issued,
            valid_until=until.isoformat() if until else "",
            sha256=paper.blob.sha256,
        )


def _blob(blob: Blob) -> dict[str, JSON]:
    return {"sha256": blob.sha256, "size": blob.size, "media_type": blob.media_type}
