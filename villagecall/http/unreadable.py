"""What is refused before there is a request: aiohttp's own parser could not read it.

No middleware sees these, and aiohttp would answer in English, as plain text, with its version in the header.
"""

from __future__ import annotations

from functools import partial
from typing import ClassVar, cast

import orjson
import structlog
from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from villagecall.errors import BadRequest, Refusal
from villagecall.http.outer import Incident, bare
from villagecall.ids import uuid7

_log = structlog.get_logger(__name__)


class HeaderTooLong(BadRequest):
    code: ClassVar[str] = "header_too_long"
    status: ClassVar[int] = 431
    zh: ClassVar[str] = "请求的地址或标头太长。"
    en: ClassVar[str] = "The address or a header of the request is too long."
    todo_zh: ClassVar[str] = "请清除浏览器中本站的 Cookie 后再试。"
    todo_en: ClassVar[str] = "Clear this site's cookies in the browser and try again."


class NotHttp(BadRequest):
    code: ClassVar[str] = "not_http"
    zh: ClassVar[str] = "收到的不是完整的 HTTP 请求。"
    en: ClassVar[str] = "What came is no whole HTTP request."
    todo_zh: ClassVar[str] = "请核对网址是 http:// 还是 https://。"
    todo_en: ClassVar[str] = "See whether the address begins with http:// or https://."


class _Speaking(web.RequestHandler):
    """A connection whose last word is a refusal like every other."""

    __slots__ = ()

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has begun already")
        if status >= 500:
            incident = uuid7().hex[:16]
            _log.error("incident", op="unknown", incident=incident, exc_info=exc)
            return _closing(Incident(incident=incident))
        _log.info("request_unreadable", error=type(exc).__name__)
        return _closing(HeaderTooLong() if isinstance(exc, LineTooLong) else NotHttp())


def _closing(refusal: Refusal) -> web.Response:
    body = orjson.dumps(refusal.as_json(), default=str)
    response = web.Response(body=body, status=refusal.status, content_type="application/json")
    bare(response)
    response.force_close()
    return response


class Runner(web.AppRunner):
    """Runs the application, and lets every connection speak as the application does."""

    @property
    def server(self) -> web.Server | None:
        """What makes the connections of a site."""
        made = super().server
        return None if made is None else cast(web.Server, partial(_connected, made))


def _connected(server: web.Server) -> web.RequestHandler:
    """aiohttp names no place for a class of our own: the connection is given it when it is made."""
    connection = server()
    connection.__class__ = _Speaking
    return connection
