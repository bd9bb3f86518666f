"""A call's recording, for whoever may read its case."""

from __future__ import annotations

from typing import ClassVar

from aiohttp import web

from villagecall.errors import NotFound, Refusal
from villagecall.http.context import Answer, Context, handles


class NoSuchRange(Refusal):
    """A piece that the recording does not have (RFC 9110 section 15.5.17)."""

    code: ClassVar[str] = "range"
    status: ClassVar[int] = 416
    zh: ClassVar[str] = "录像没有这一段。"
    en: ClassVar[str] = "The recording has no such piece."
    todo_zh: ClassVar[str] = "请从头播放。"
    todo_en: ClassVar[str] = "Play it from the beginning."


@handles("recording")
async def recording(context: Context) -> Answer:
    """The WebM as it was recorded, whole or the piece that a player asks for (RFC 9110 section 14)."""
    wanted = context.uuid("recording_id")
    found = next((one for one in context.the_case.recordings if one.recording_id == wanted), None)
    if found is None:
        raise NotFound
    size = found.blob.size
    start, stop = _piece(context.request, size)
    data = await context.services.blobs.get(found.blob.sha256)
    headers = {"Accept-Ranges": "bytes", "Cache-Control": "private, max-age=3600", "ETag": f'"{found.blob.sha256}"'}
    whole = (start, stop) == (0, size)
    if not whole:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    return web.Response(
        body=data if whole else data[start:stop],
        status=200 if whole else 206,
        content_type="video/webm",
        headers=headers,
    )


def _piece(request: web.Request, size: int) -> tuple[int, int]:
    """Which bytes are asked for, the whole where nothing is. Raises :class:`NoSuchRange`."""
    try:
        asked = request.http_range
    except ValueError:
        raise NoSuchRange from None
    start, stop, _ = asked.indices(size)
    if start >= stop and size:
        raise NoSuchRange
    return start, stop
