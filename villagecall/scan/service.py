"""Uploads in, judged pages out: what the pages, the outbox and the case file ask of this room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID, uuid5

import structlog

from villagecall.case import Case, File, FileRefusal, Page, Verdict
from villagecall.errors import BadRequest, NotFound, TooLarge
from villagecall.journal import JSON, SYSTEM, Actor
from villagecall.ports import Blob, Blobs, Bus, Cases, Clock, Consumer, Delivery, Message, Stored
from villagecall.scan import layers
from villagecall.scan.duplicates import TOPIC as DUPLICATE
from villagecall.scan.duplicates import numbered, twice
from villagecall.scan.pool import Judged, Pool
from villagecall.scan.refusals import EmptyFile, NothingToReplace, ScanRefusal
from villagecall.scan.texts import TOPIC as TEXT
from villagecall.scan.uploads import Upload, Uploads
from villagecall.settings import Settings
from villagecall.vault import Vault

TOPIC = "scan"
DRAWN = 64
"""Pages that are kept as a browser shows them: a clerk and an officer look at the same ones."""
_log = structlog.get_logger(__name__)


def page_id(file_id: UUID, frame: int) -> UUID:
    """A page of a file is the same page however often it is read."""
    return uuid5(file_id, str(frame))


def _standing(case: Case, replaced: UUID) -> UUID:
    """What stands in the place of a page: of two uploads for one page the later one replaces the earlier."""
    page = case.page(replaced)
    while page is not None and page.replaced_by is not None:
        replaced, page = page.replaced_by, case.page(page.replaced_by)
    return replaced


def _compared(case: Case, page: Page, verdict: Verdict) -> Verdict:
    """The verdict, with ``duplicate`` where the very same bytes are in the case already. What looks alike only is laid
    on each other later (:mod:`villagecall.scan.duplicates`)."""
    if verdict.blank:
        return verdict
    numbers = numbered(case)
    for other in case.live_pages():
        same_bytes = other.original.sha256 == page.original.sha256 and other.frame == page.frame
        if same_bytes and other.file_id != page.file_id:
            return verdict.scanned_twice(twice(numbers[other.page_id]))
    return verdict


def _ref(blob: Blob) -> dict[str, JSON]:
    return {"sha256": blob.sha256, "size": blob.size, "media_type": blob.media_type}


@dataclass(frozen=True, slots=True)
class Shown:
    """What is sent of a page's view copy."""

    data: bytes
    media_type: str
    gzipped: bool = False


class Scans:
    """One for the application. ``page_image`` methods raise :class:`NotFound` for what is not there."""

    def __init__(
        self, cases: Cases, blobs: Blobs, bus: Bus, pool: Pool, vault: Vault, clock: Clock, settings: Settings
    ) -> None:
        self._cases, self._blobs, self._bus, self._pool = cases, blobs, bus, pool
        self._clock, self._settings = clock, settings
        self._drawn: dict[str, bytes] = {}
        self._uploads = Uploads(settings.data / "uploads", vault)

    def consumers(self) -> Mapping[str, Consumer]:
        return {TOPIC: self.judge}

    @property
    def folder(self) -> Path:
        return self._settings.data / "uploads"

    async def warm(self) -> None:
        """Start a worker and sweep what was given up, so that the first page does not wait."""
        await self._uploads.sweep(self._clock.now().timestamp())
        await self._pool.warm()

    # ------------------------------------------------------------ uploads

    async def begin(self, upload: Upload) -> Upload:
        """Start an upload (or find it). Raises :class:`TooLarge`, :class:`EmptyFile`, :class:`NothingToReplace`."""
        limit = self._settings.upload_limit_mib
        if upload.length > limit * 2**20:
            raise TooLarge(limit_mib=limit)
        if upload.length <= 0:
            raise EmptyFile
        case = await self._cases.get(upload.case_id)
        if any(file.file_id == upload.file_id for file in case.files):
            return replace(upload, received=upload.length)  # it is safe already: a retry of a lost answer
        old = case.page(upload.replaces) if upload.replaces else None
        if upload.replaces and (old is None or not old.live or old.material != upload.material):
            raise NothingToReplace
        return await self._uploads.create(upload)

    async def upload(self, file_id: UUID) -> Upload:
        return await self._uploads.find(file_id)

    async def write(self, file_id: UUID, offset: int, data: bytes, *, actor: Actor) -> Upload:
        """Add a piece; with the last one the file becomes part of its case."""
        async with self._uploads.lock(file_id):
            upload = await self._uploads.append(await self._uploads.find(file_id), offset, data)
            if upload.received == upload.length:
                await self._receive(upload, actor)
            return upload

    async def _receive(self, upload: Upload, actor: Actor) -> None:
        blob = await self._blobs.put(await self._uploads.read(upload), "application/octet-stream")
        payload: dict[str, JSON] = {
            "file": {
                "file_id": str(upload.file_id),
                "material": upload.material,
                "name": upload.name,
                "original": _ref(blob),
                "replaces": str(upload.replaces) if upload.replaces else None,
            }
        }
        promise: dict[str, JSON] = {"case_id": str(upload.case_id), "file_id": str(upload.file_id)}
        await self._cases.record(
            upload.case_id,
            "file.received",
            payload,
            actor=actor,
            key=f"file:{upload.file_id}",
            stored=Stored(outbox=(Message(TOPIC, str(upload.file_id), promise),)),
        )
        await self._uploads.drop(upload.file_id)

    # ------------------------------------------------------------ judging

    async def judge(self, delivery: Delivery) -> None:
        """Outbox consumer of topic ``scan``: read a file's pages, or say why it is not taken."""
        payload = delivery.message.payload
        case_id, file_id = UUID(str(payload["case_id"])), UUID(str(payload["file_id"]))
        case = await self._cases.get(case_id)
        file = next((each for each in case.files if each.file_id == file_id), None)
        if file is None or file.frames or any(each.file_id == file_id for each in case.refused_files):
            return
        data = await self._blobs.get(file.original.sha256)
        try:
            total = await self._pool.frames(file.original.sha256, data)
            await self._told(case_id, file_id, 0, total)
            for frame in range(total):
                case = await self._page(case, file, frame, data)
                await self._told(case_id, file_id, frame + 1, total)
        except ScanRefusal as refusal:
            told = FileRefusal(
                file_id=file_id,
                material=file.material,
                name=file.name,
                code=refusal.code,
                zh=f"{refusal.say(refusal.zh)}{refusal.say(refusal.todo_zh)}",
                en=f"{refusal.say(refusal.en)} {refusal.say(refusal.todo_en)}",
            )
            refused: dict[str, JSON] = {"file": told.model_dump(mode="json")}
            await self._cases.record(case_id, "file.refused", refused, actor=SYSTEM, key=f"file:{file_id}:refused")
            return
        read: dict[str, JSON] = {"file_id": str(file_id), "frames": total}
        await self._cases.record(case_id, "file.read", read, actor=SYSTEM, key=f"file:{file_id}:read")

    async def _told(self, case_id: UUID, file_id: UUID, done: int, total: int) -> None:
        await self._bus.publish(TOPIC, {"case_id": str(case_id), "file_id": str(file_id), "done": done, "total": total})

    async def _page(self, case: Case, file: File, frame: int, data: bytes) -> Case:
        identity = page_id(file.file_id, frame)
        there = case.page(identity)
        if there is not None and there.verdict is not None:
            return case
        judged = await self._pool.judge(file.original.sha256, data, frame)
        page = Page(
            page_id=identity,
            file_id=file.file_id,
            material=file.material,
            name=file.name,
            original=file.original,
            frame=frame,
        )
        added: dict[str, JSON] = {"page": page.model_dump(mode="json", exclude_defaults=True)}
        if file.replaces is not None and frame == 0:
            added["replaces"] = str(_standing(case, file.replaces))
        if there is None:
            case = await self._cases.record(
                case.case_id, "page.added", added, actor=SYSTEM, key=f"page:{identity}:added"
            )
        return await self._record(case, page, judged, 0, SYSTEM, f"page:{identity}:judged")

    async def _record(self, case: Case, page: Page, judged: Judged, turned: int, actor: Actor, key: str) -> Case:
        view = await self._blobs.put(judged.view, layers.media_type(judged.view))
        thumb = await self._blobs.put(judged.thumb, "image/jpeg")
        verdict = _compared(case, page, judged.verdict)
        payload: dict[str, JSON] = {
            "page_id": str(page.page_id),
            "verdict": verdict.model_dump(mode="json"),
            "view": _ref(view),
            "thumb": _ref(thumb),
            "width": judged.width,
            "height": judged.height,
            "dpi": judged.dpi,
            "turned": turned,
            "phash": judged.phash,
        }
        # What the clerk does not wait for. An empty page has nothing to read, and every other one looks like it.
        after: dict[str, JSON] = {"case_id": str(case.case_id), "page_id": str(page.page_id), "view": view.sha256}
        topics = () if verdict.blank else (DUPLICATE, TEXT) if self._settings.scan_text else (DUPLICATE,)
        stored = Stored(outbox=tuple(Message(topic, key, after) for topic in topics))
        return await self._cases.record(case.case_id, "page.judged", payload, actor=actor, key=key, stored=stored)

    # ------------------------------------------------------------ pages

    def _found(self, case: Case, wanted: UUID) -> Page:
        page = case.page(wanted)
        if page is None:
            raise NotFound
        return page

    async def turn(self, case: Case, wanted: UUID, degrees: int, *, actor: Actor, key: str) -> Case:
        """Turn a page clockwise by a quarter, a half or three; the view is made anew from the original."""
        page = self._found(case, wanted)
        if page.verdict is None or degrees not in (90, 180, 270):
            raise BadRequest(field="degrees")
        turned = (page.turned + degrees) % 360
        data = await self._blobs.get(page.original.sha256)
        judged = await self._pool.judge(page.original.sha256, data, page.frame, turned)
        return await self._record(case, page, judged, turned, actor, key)

    async def remove(self, case: Case, wanted: UUID, *, actor: Actor, key: str) -> Case:
        """Take a page out of the case; its bytes and its line in the journal stay."""
        self._found(case, wanted)
        payload: dict[str, JSON] = {"page_id": str(wanted)}
        return await self._cases.record(case.case_id, "page.removed", payload, actor=actor, key=key)

    async def picture(self, case: Case, wanted: UUID, *, thumb: bool = False) -> bytes:
        """The view copy as it is kept (JPEG or :class:`layers.Layers`), or the thumbnail (JPEG)."""
        page = self._found(case, wanted)
        ref = page.thumb if thumb else page.view
        if ref is None:
            raise NotFound
        return await self._blobs.get(ref.sha256)

    async def shown(self, case: Case, wanted: UUID) -> Shown:
        """The view copy as a browser shows it."""
        page = self._found(case, wanted)
        if page.view is None:
            raise NotFound
        key = page.view.sha256
        if page.view.media_type != layers.MEDIA_TYPE:
            return Shown(await self._blobs.get(key), page.view.media_type)
        made = self._drawn.pop(key, None)
        if made is None:
            data = await self._blobs.get(key)
            made = layers.svg(layers.Layers.unpack(data), await self._pool.mask(key, data))
        self._drawn[key] = made
        while len(self._drawn) > DRAWN:
            del self._drawn[next(iter(self._drawn))]
        return Shown(made, "image/svg+xml", gzipped=True)

    async def region(self, case: Case, wanted: UUID, box: tuple[int, int, int, int]) -> bytes:
        """JPEG of a piece of the original at full resolution; ``box`` x, y, w, h in per mille of the view."""
        page = self._found(case, wanted)
        if page.verdict is None or min(box[2:]) <= 0 or box[0] + box[2] > 1000 or box[1] + box[3] > 1000:
            raise BadRequest(field="x,y,w,h")
        data = await self._blobs.get(page.original.sha256)
        return await self._pool.region(page.original.sha256, data, page.frame, page.verdict, page.turned, box)
