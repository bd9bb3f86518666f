"""Around every request: refusals become answers, faults become incidents, everything is counted.

A fault of ours is never shown: the person gets a sentence with an incident id, the log gets the same id
with the types and places of the error, and ``villagecall_incidents_total`` goes up.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from html import escape
from typing import Any, ClassVar

import orjson
import structlog
from aiohttp import web

from villagecall.errors import BadRequest, NotFound, Refusal, TooLarge, TooManyRequests, Unavailable
from villagecall.http.context import services
from villagecall.http.metrics import METRICS
from villagecall.ids import uuid7

_log = structlog.get_logger(__name__)
Next = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Incident(Unavailable):
    """Something broke that we did not foresee. ``incident`` finds it in the log."""

    code: ClassVar[str] = "incident"
    zh: ClassVar[str] = "系统出了意外,这一步可能没有做成,之前的内容都在。编号 {incident}。"
    en: ClassVar[str] = "Something unexpected happened; this step may not have been done. Incident {incident}."
    todo_zh: ClassVar[str] = "请刷新页面看一看再试;还是不行,请把编号告诉管理员。"
    todo_en: ClassVar[str] = "Reload and try again; if it stays, give the incident number to the administrator."


class MethodRefused(Refusal):
    code: ClassVar[str] = "method_not_allowed"
    status: ClassVar[int] = 405
    zh: ClassVar[str] = "这个地址不支持这种操作。"
    en: ClassVar[str] = "This address does not take this method."
    todo_zh: ClassVar[str] = "请刷新页面后再试。"
    todo_en: ClassVar[str] = "Reload the page and try again."


_STRICT = (
    "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; worker-src 'self' blob:; "
    "frame-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _STRICT,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def bare(response: web.StreamResponse) -> None:
    """The headers that need no request."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = "villagecall"  # not which version of what answers here


async def dress(request: web.Request, response: web.StreamResponse) -> None:
    """Security headers on everything that leaves; what a handler has set itself stays."""
    bare(response)
    if services(request).settings.behind_tls:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")


@web.middleware
async def outer(request: web.Request, handler: Next) -> web.StreamResponse:
    """The one middleware."""
    op = request.match_info.route.name or "unknown"
    metrics = request.app[METRICS]
    began = time.perf_counter()
    status = 0
    try:
        response = await _answer(request, handler, op)
        status = response.status
        return response
    except asyncio.CancelledError:
        status = 499
        raise
    finally:
        took = time.perf_counter() - began
        metrics.count(op, request.method, status, took)
        _log.info("request", op=op, method=request.method, status=status, ms=round(took * 1000, 1))


async def _answer(request: web.Request, handler: Next, op: str) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refusal as refusal:
        return refuse(request, refusal)
    except web.HTTPRedirection:
        raise
    except web.HTTPMethodNotAllowed as error:
        return refuse(request, MethodRefused(), {"Allow": error.headers.get("Allow", "")})
    except web.HTTPRequestEntityTooLarge:
        return refuse(request, TooLarge(limit_mib=services(request).settings.upload_limit_mib))
    except web.HTTPException as error:
        return refuse(request, NotFound() if error.status == 404 else BadRequest())
    except web.RequestPayloadError:
        # Packed (``Content-Encoding``) or cut into pieces otherwise than it says.
        return refuse(request, BadRequest())
    except ConnectionResetError:
        # The browser left in the middle of an answer: nobody is there to be told anything.
        return web.Response(status=499)
    except Exception:
        incident = uuid7().hex[:16]
        request.app[METRICS].incidents.labels(op).inc()
        _log.exception("incident", op=op, incident=incident)
        return refuse(request, Incident(incident=incident))


def refuse(request: web.Request, refusal: Refusal, headers: dict[str, str] | None = None) -> web.Response:
    """A refusal as JSON, or as a plain page where a person looks at the answer itself."""
    more = dict(headers or {})
    if isinstance(refusal, TooManyRequests):
        more["Retry-After"] = str(refusal.details.get("seconds", 1))
    doc = refusal.as_json()
    path = request.path
    if "text/html" in request.headers.get("Accept", "") and not path.startswith(("/api/", "/ws", "/assets/")):
        return web.Response(text=_page(doc), status=refusal.status, content_type="text/html", headers=more)
    body = orjson.dumps(doc, default=str)
    return web.Response(body=body, status=refusal.status, content_type="application/json", headers=more)


def _page(doc: dict[str, Any]) -> str:
    """Readable without script and without style."""
    zh, todo = escape(str(doc["zh"])), escape(str(doc["todo_zh"]))
    return (
        '<!doctype html><html lang="zh-CN"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>村能办</title>'
        f'<main><h1>{zh}</h1><p>{todo}</p><p><a href="/">返回首页</a></p></main></html>'
    )
