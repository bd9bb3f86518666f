"""Uploads (tus 1.0) and pages. Handlers only parse, ask the scan room and answer."""

from __future__ import annotations

import asyncio
import base64
import gzip
from datetime import datetime
from uuid import UUID

import structlog
from aiohttp import ClientPayloadError, web

from villagecall.case import Case
from villagecall.directory.model import Item, Role
from villagecall.errors import BadRequest, NotFound
from villagecall.http.context import Answer, Context, handles
from villagecall.http.models.case import TurnPage
from villagecall.http.views import views
from villagecall.scan.casefile import Cover, Sheet, bundle
from villagecall.scan.text import read
from villagecall.scan.uploads import Upload

_log = structlog.get_logger(__name__)
TUS = "1.0.0"
PIECE = 8 * 2**20
"""The most that one request may carry of an upload."""
_PICTURE_ONLY = "default-src 'none'; img-src data:; sandbox"
_PRIVATE = "private, max-age=86400, immutable"


def _metadata(header: str) -> dict[str, str]:
    """``Upload-Metadata``: comma-separated ``key base64`` (tus 1.0, Creation extension)."""
    found: dict[str, str] = {}
    for entry in header.split(","):
        key, _, value = entry.strip().partition(" ")
        if not key:
            continue
        try:
            found[key] = base64.b64decode(value, validate=True).decode()
        except ValueError:  # no base64, or no UTF-8 in it
            raise BadRequest(field="Upload-Metadata") from None
    return found


def _uuid(value: str, field: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        raise BadRequest(field=field) from None


def _number(context: Context, header: str) -> int:
    try:
        value = int(context.request.headers.get(header, ""))
    except ValueError:
        raise BadRequest(field=header) from None
    if value < 0:
        raise BadRequest(field=header)
    return value


def _answer(upload: Upload, status: int) -> web.Response:
    headers = {
        "Tus-Resumable": TUS,
        "Upload-Offset": str(upload.received),
        "Upload-Length": str(upload.length),
        "Cache-Control": "no-store",
    }
    if status == 201:
        headers["Location"] = f"/api/v1/files/{upload.file_id}"
        body = {"file_id": str(upload.file_id), "received": upload.received, "length": upload.length}
        return web.json_response(body, status=201, headers=headers)
    return web.Response(status=status, headers=headers)


async def _body(context: Context, most: int) -> bytes:
    """The request's bytes; what came before the line broke counts, and is what tus keeps."""
    found = bytearray()
    try:
        async for piece in context.request.content.iter_chunked(65536):
            found += piece
            if len(found) > min(most, PIECE):
                raise BadRequest(field="Content-Length")
    except (ConnectionError, ClientPayloadError):
        _log.info("upload_cut", received=len(found))
    return bytes(found)


@handles("create_file")
async def create_file(context: Context) -> Answer:
    """tus creation, with the first bytes where they come along (creation-with-upload)."""
    services, caller, case = context.services, context.caller, context.the_case
    meta = _metadata(context.request.headers.get("Upload-Metadata", ""))
    material = meta.get("material", "")
    item = services.approval.item(case)
    if not any(each.code == material for each in item.materials):
        raise BadRequest(field="material")
    services.approval.check(case, "file.received", caller.actor)
    upload = await services.scans.begin(
        Upload(
            file_id=_uuid(meta.get("file_id", ""), "file_id"),
            case_id=case.case_id,
            person=caller.person.person_id,
            unit=caller.person.unit,
            material=material,
            # The name a villager's file has may be the villager's: only what kind of paper it is, is kept.
            name=next(each.name for each in item.materials if each.code == material),
            replaces=_uuid(meta["replaces"], "replaces") if meta.get("replaces") else None,
            length=_number(context, "Upload-Length"),
        )
    )
    if context.request.can_read_body and upload.received == 0:
        data = await _body(context, upload.length)
        upload = await services.scans.write(upload.file_id, 0, data, actor=caller.actor)
    return _answer(upload, 201)


async def _own(context: Context) -> Upload:
    """The upload, if it is of the caller's village; else it does not exist."""
    upload = await context.services.scans.upload(context.uuid("file_id"))
    if upload.unit != context.caller.person.unit:
        raise NotFound
    return upload


@handles("append_file")
async def append_file(context: Context) -> Answer:
    upload = await _own(context)
    data = await _body(context, upload.length - upload.received)
    offset = _number(context, "Upload-Offset")
    return _answer(await context.services.scans.write(upload.file_id, offset, data, actor=context.caller.actor), 204)


@handles("file")
async def file(context: Context) -> Answer:
    return _answer(await _own(context), 200)


@handles("remove_page")
async def remove_page(context: Context) -> Answer:
    services, caller = context.services, context.caller
    done = await services.scans.remove(context.the_case, context.uuid("page_id"), actor=caller.actor, key=context.key)
    return await views(services).reply(done, caller.person)


@handles("turn_page")
async def turn_page(context: Context) -> Answer:
    services, caller = context.services, context.caller
    done = await services.scans.turn(
        context.the_case,
        context.uuid("page_id"),
        context.body(TurnPage).degrees,
        actor=caller.actor,
        key=context.key,
    )
    return await views(services).reply(done, caller.person)


def _picture(context: Context, data: bytes) -> web.Response:
    # Our own encoding of our own pixels; what was uploaded is never served as it came.
    return web.Response(body=data, content_type="image/jpeg", headers={"Cache-Control": _PRIVATE})


@handles("page_view")
async def page_view(context: Context) -> Answer:
    found = await context.services.scans.shown(context.the_case, context.uuid("page_id"))
    # Made here of parts in base64; and should somebody open it by itself, nothing in it could run.
    headers = {"Cache-Control": _PRIVATE, "Content-Security-Policy": _PICTURE_ONLY, "Vary": "Accept-Encoding"}
    data = found.data
    if found.gzipped and "gzip" in context.request.headers.get("Accept-Encoding", ""):
        headers["Content-Encoding"] = "gzip"
    elif found.gzipped:
        data = gzip.decompress(data)
    return web.Response(body=data, content_type=found.media_type, headers=headers)


@handles("page_thumb")
async def page_thumb(context: Context) -> Answer:
    found = await context.services.scans.picture(context.the_case, context.uuid("page_id"), thumb=True)
    return _picture(context, found)


@handles("page_region")
async def page_region(context: Context) -> Answer:
    box = (
        context.number("x", 0, 0, 1000),
        context.number("y", 0, 0, 1000),
        context.number("w", 1000, 1, 1000),
        context.number("h", 1000, 1, 1000),
    )
    return _picture(context, await context.services.scans.region(context.the_case, context.uuid("page_id"), box))


def _cover(case: Case, item: Item, village: str, at: datetime) -> Cover:
    counted = [
        f"{material.name} {sum(page.material == material.code for page in case.live_pages())} 页"
        for material in item.materials
    ]
    lines = (
        ("编号", case.number or "未提交"),
        ("事项", item.name),
        ("受理村", village),
        ("收件时间", at.strftime("%Y-%m-%d")),
        ("页数", str(len(case.live_pages()))),
    )
    return Cover(item.name, lines, at, case.number, f"case {case.case_id} head {case.head}", tuple(counted))


@handles("casefile")
async def casefile(context: Context) -> Answer:
    """The case file of what is in the case now; replaced pages stand last, marked."""
    services, case = context.services, context.the_case
    item = services.approval.item(case)
    worker = context.caller.person.role is not Role.SUPERVISOR  # who searches no personal data gets none to copy out
    order = {material.code: at for at, material in enumerate(item.materials)}
    names = {material.code: material.name for material in item.materials}
    pages = sorted(
        (page for page in case.pages if page.view is not None),
        key=lambda page: (not page.live, order.get(page.material, len(order))),
    )
    sheets = [
        Sheet(
            await services.scans.picture(case, page.page_id),
            page.width,
            page.height,
            page.dpi,
            names.get(page.material, page.material) if page.live else "已替换或删除的页",
            ""
            if page.live
            else f"{names.get(page.material, page.material)} {'已替换' if page.replaced_by else '已删除'}",
            text=read(await services.approval.text_of(page)) if worker else (),
        )
        for page in pages
    ]
    at = case.submitted or case.opened or services.clock.now()
    cover = _cover(case, item, services.directory.unit_name(case.village), at)
    made = await asyncio.to_thread(bundle, cover, sheets)
    name = case.number or str(case.case_id)
    return web.Response(
        body=made,
        content_type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{name}.pdf"', "Cache-Control": "no-store"},
    )
