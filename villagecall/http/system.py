"""The machine room and the built pages."""

from __future__ import annotations

import mimetypes
from functools import cache
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

import orjson
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from villagecall.errors import NotFound, Unavailable
from villagecall.http import openapi
from villagecall.http.context import Context, handles
from villagecall.http.metrics import METRICS

PAGES = Path(__file__).parent / "pages"
_FOREVER = "public, max-age=31536000, immutable"
_TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
    ".wasm": "application/wasm",
}


class PagesMissing(Unavailable):
    code: ClassVar[str] = "pages_missing"
    zh: ClassVar[str] = "页面文件还没有生成。"
    en: ClassVar[str] = "The pages have not been built."
    todo_zh: ClassVar[str] = "请管理员在安装目录运行 make pages。"
    todo_en: ClassVar[str] = "The administrator runs: make pages."


@handles("healthz")
async def healthz(context: Context) -> web.Response:
    """Alive: the loop answers. Says nothing of the parts behind."""
    return web.Response(text="ok\n")


@handles("readyz")
async def readyz(context: Context) -> web.Response:
    """Ready to work: every part that holds data answers. 503 names the ones that do not."""
    all_ = context.services
    parts = {
        "journal": await all_.journal.ready(),
        "bus": await all_.bus.ready(),
        "blobs": await all_.blobs.ready(),
    }
    ready = all(parts.values())
    body = orjson.dumps({"ready": ready, "parts": parts})
    return web.Response(body=body, status=200 if ready else 503, content_type="application/json")


@handles("metrics")
async def metrics(context: Context) -> web.Response:
    body = await context.request.app[METRICS].expose(context.services)
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


@cache
def description() -> bytes:
    """Made once; it is the same for every request."""
    return openapi.document()


@handles("openapi")
async def describe(context: Context) -> web.Response:
    return web.Response(body=description(), content_type="application/json")


def _page(name: str) -> web.FileResponse:
    """A built page; the browser asks each time and is told 304 when nothing changed."""
    path = PAGES / f"{name}.html"
    if not path.is_file():
        raise PagesMissing
    return web.FileResponse(path, headers={"Cache-Control": "no-cache", "Content-Type": "text/html; charset=utf-8"})


@handles("public_page")
async def public_page(context: Context) -> web.FileResponse:
    return _page("public")


@handles("terminal_page")
async def terminal_page(context: Context) -> web.FileResponse:
    return _page("terminal")


@handles("second_page")
async def second_page(context: Context) -> web.FileResponse:
    return _page("second")


@handles("desk_page")
async def desk_page(context: Context) -> web.FileResponse:
    return _page("desk")


@handles("admin_page")
async def admin_page(context: Context) -> web.FileResponse:
    return _page("admin")


@handles("receipt_page")
async def receipt_page(context: Context) -> web.Response:
    """Where the QR code of a receipt leads: the progress part of the public page."""
    number = quote(context.request.match_info["number"], safe="")
    return web.Response(status=302, headers={"Location": f"/?n={number}#progress"})


@handles("asset")
async def asset(context: Context) -> web.FileResponse:
    """A built file. Names carry a hash of the contents, so they may be kept for ever; a ``.br`` or
    ``.gz`` beside the file is sent to browsers that take it."""
    root = PAGES / "assets"
    path = root / context.request.match_info["path"]
    if ".." in path.parts or not path.is_file() or not path.resolve().is_relative_to(root.resolve()):
        raise NotFound
    kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    headers = {"Cache-Control": _FOREVER, "Content-Type": kind}
    if path.name.startswith("sw"):
        # A service worker is looked for again each time, and serves the whole site from below /assets.
        headers |= {"Cache-Control": "no-cache", "Service-Worker-Allowed": "/"}
    return web.FileResponse(path, headers=headers)
