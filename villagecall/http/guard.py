"""What stands before every handler: who asks, may they, from our own page, with a readable request.

Everything here follows from the route's line in the table; handlers hold no checks of their own. The
order matters: identity, role, foreign pages, parameters, scope, body. What the guard cannot know from
the request alone (a file's case, a ticket's case) the handler asks with :func:`require_case`.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import ClassVar
from urllib.parse import urlsplit
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, ValidationError

from villagecall.case import Case
from villagecall.directory import scope
from villagecall.directory.model import Role
from villagecall.errors import BadRequest, Forbidden, NotFound, NotSignedIn, Refusal, TooLarge
from villagecall.http import parameters
from villagecall.http.context import Answer, Caller, Context, Handler, services
from villagecall.http.limits import Limits
from villagecall.http.services import Services
from villagecall.http.table import Route
from villagecall.http.words import sentences
from villagecall.ports import Session

COOKIE = "vc_session"
CSRF_HEADER = "X-CSRF-Token"
KEY_HEADER = "Idempotency-Key"
BODY_LIMIT = 512 * 1024
"""Bytes of a JSON body; the largest is a signature's path."""

LIMITS: web.AppKey[Limits] = web.AppKey("limits", Limits)

_RENEWED: web.RequestKey[tuple[str, datetime]] = web.RequestKey("renewed", tuple)
"""The session's token and new end, to be told to the browser with the answer."""

_KEY = re.compile(r"[!-~]{1,128}")


class CsrfMissing(Refusal):
    code: ClassVar[str] = "csrf_missing"
    status: ClassVar[int] = 403
    zh: ClassVar[str] = "这个请求不是从本系统的页面发出的。"
    en: ClassVar[str] = "This request does not carry the session's token."
    todo_zh: ClassVar[str] = "请刷新页面后再试。"
    todo_en: ClassVar[str] = "Reload the page and try again."


class ForeignOrigin(Refusal):
    code: ClassVar[str] = "origin_refused"
    status: ClassVar[int] = 403
    zh: ClassVar[str] = "这个请求来自别的网站,没有执行。"
    en: ClassVar[str] = "This request comes from another site and was not carried out."
    todo_zh: ClassVar[str] = "请从本系统的网址打开页面再操作。"
    todo_en: ClassVar[str] = "Open the page at this system's own address."


class WrongMedia(Refusal):
    code: ClassVar[str] = "media_type"
    status: ClassVar[int] = 415
    zh: ClassVar[str] = "请求的格式不支持,需要 {wanted}。"
    en: ClassVar[str] = "This media type is not accepted; send {wanted}."
    todo_zh: ClassVar[str] = "请刷新页面后再试。"
    todo_en: ClassVar[str] = "Reload the page and try again."


def digest(token: str) -> bytes:
    """Sessions are stored under this: whoever reads the store cannot sign in with it."""
    return hashlib.sha256(as_sent(token)).digest()


def as_sent(header: str) -> bytes:
    """The bytes of a header's value, those that are no UTF-8 included."""
    return header.encode(errors="surrogateescape")


def address(request: web.Request) -> str:
    """The caller's address: behind the TLS proxy the last one that it added itself."""
    if services(request).settings.behind_tls:
        forwarded = request.headers.get("X-Forwarded-For", "").split(",")[-1].strip()
        if forwarded:
            return forwarded
    return request.remote or ""


def same_origin(request: web.Request) -> bool:
    """False when a browser says that another site's page is asking. Without such a word: True."""
    origin = request.headers.get("Origin")
    if origin is not None:
        ours = {request.host, urlsplit(services(request).settings.base_url).netloc}
        try:
            return urlsplit(origin).netloc in ours
        except ValueError:  # no address at all (``http://[``)
            return False
    return request.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin")


def guarded(route: Route, handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """``handler`` behind everything that the table says about ``route``."""

    async def handle(request: web.Request) -> web.StreamResponse:
        context = await admit(request, route)
        return respond(context, await handler(context))

    return handle


async def admit(request: web.Request, route: Route) -> Context:
    """Every check, in order. Raises :class:`villagecall.errors.Refusal`."""
    all_ = services(request)
    context = Context(request, route, all_, "")
    await _identify(context)
    _check_role(context)
    if route.changes:
        _check_page(context)
    _check_rate(context)
    faults = parameters.faults(route, request.match_info, request.query)
    if faults:
        raise BadRequest(fields=faults)
    context.key = _key(context)
    await _check_scope(context)
    if isinstance(route.body, type):
        context.parsed = await _read(request, route.body)
    return context


async def _identify(context: Context) -> None:
    scheme, _, secret = context.request.headers.get("Authorization", "").partition(" ")
    if scheme == "Device" and Role.DEVICE in context.route.roles:
        device = await context.services.devices.authenticate(secret.strip())
        context.device = device.device_id if device is not None else None
        return
    token = context.request.cookies.get(COOKIE, "")
    if token:
        context.who = await caller_of(context.services, digest(token))
        if context.who is not None:
            await _slide(context, token, context.who.session)


async def caller_of(all_: Services, token_digest: bytes) -> Caller | None:
    """Who a session belongs to; None when it ended, or the person has left."""
    session = await all_.sessions.get(token_digest)
    if session is None or session.expires <= all_.clock.now():
        return None
    try:
        person = all_.directory.person(session.person)
        return Caller(person, all_.directory.unit(person.unit), session) if person.active else None
    except NotFound:
        return None


def lifetime(all_: Services, created: datetime) -> datetime:
    """When a session used now ends: after some idle hours, and after twice that in any case."""
    hours = timedelta(hours=all_.settings.session_hours)
    return min(all_.clock.now() + hours, created + 2 * hours)


async def _slide(context: Context, token: str, session: Session) -> None:
    """Use prolongs a session; the store is written to once a tenth of its time, not at every request."""
    ends = lifetime(context.services, session.created)
    if ends - session.expires > timedelta(hours=context.services.settings.session_hours) / 10:
        await context.services.sessions.extend(session.digest, ends)
        context.request[_RENEWED] = (token, ends)


def set_cookie(response: web.StreamResponse, all_: Services, token: str, ends: datetime) -> None:
    """The session's cookie: not for scripts, not for other sites, over TLS only where there is TLS."""
    seconds = int((ends - all_.clock.now()).total_seconds())
    response.set_cookie(
        COOKIE,
        token,
        max_age=max(0, seconds),
        path="/",
        httponly=True,
        samesite="Strict",
        secure=all_.settings.behind_tls,
    )


def _check_role(context: Context) -> None:
    roles = context.route.roles
    if context.who is not None:
        if context.who.person.role not in roles:
            raise Forbidden
    elif context.device is None and not context.route.open:
        raise NotSignedIn


def _check_page(context: Context) -> None:
    if not same_origin(context.request):
        raise ForeignOrigin
    if context.who is not None and context.route.protected:
        given = context.request.headers.get(CSRF_HEADER, "")
        if not secrets.compare_digest(as_sent(given), context.who.session.csrf.encode()):
            raise CsrfMissing


def _check_rate(context: Context) -> None:
    """Whoever has not signed in has a limit; staff work as fast as they can."""
    limits = context.request.app[LIMITS]
    if context.route.op == "pair":
        limits.pairing.take(address(context.request))
    elif context.who is None and context.device is None and context.route.path.startswith(("/api/v1/", "/v/", "/r/")):
        limits.public.take(address(context.request))


def _key(context: Context) -> str:
    """Keys are the caller's own, by operation: nobody can meet another's by chance or on purpose."""
    given = context.request.headers.get(KEY_HEADER)
    if given is not None and not _KEY.fullmatch(given):
        raise BadRequest(fields={KEY_HEADER: "应为 1 到 128 个可见的 ASCII 字符"})
    who = str(context.who.person.person_id) if context.who else f"device:{context.device}" if context.device else "-"
    return f"{context.route.op}:{who}:{given or secrets.token_hex(16)}"


async def _check_scope(context: Context) -> None:
    request, who = context.request, context.who
    if who is None:
        return
    if context.route.scope == "case" and "case_id" in request.match_info:
        context.case = require_case(context, await context.services.approval.get(UUID(request.match_info["case_id"])))
    if context.route.scope in ("village", "unit"):
        for name in ("unit", "village"):
            code = request.query.get(name, "") if name in context.route.query else ""
            if code and not scope.covers(context.services.directory.tree, who.person, code):
                raise NotFound


def require_case(context: Context, case: Case) -> Case:
    """The case, when the caller may touch it. Raises :class:`NotFound`, as if there were none."""
    if not scope.may_touch(context.caller.person, context.services.directory.tree, case):
        raise NotFound
    return case


async def _read(request: web.Request, model: type[BaseModel]) -> BaseModel:
    """The body as the table's model. Raises ``WrongMedia``, ``TooLarge``, ``BadRequest`` by field."""
    if request.content_type != "application/json":
        raise WrongMedia(wanted="application/json")
    raw = bytearray()
    async for chunk in request.content.iter_any():
        raw += chunk
        if len(raw) > BODY_LIMIT:
            raise TooLarge(limit_mib=BODY_LIMIT / 2**20)
    try:
        return model.model_validate_json(bytes(raw))
    except ValidationError as error:
        raise BadRequest(fields=sentences(error)) from None


def respond(context: Context, answer: Answer) -> web.StreamResponse:
    """What a handler gave, as a response with the headers of the route."""
    if isinstance(answer, web.StreamResponse):
        response = answer
    elif answer is None:
        response = web.Response(status=204 if context.route.status == 200 else context.route.status)
    else:
        response = web.Response(
            body=answer.model_dump_json().encode(),
            status=context.route.status,
            content_type="application/json",
            charset="utf-8",
        )
    if not response.prepared:
        response.headers.update(context.headers)
        renewed = context.request.get(_RENEWED)
        if renewed is not None and COOKIE not in response.cookies:
            set_cookie(response, context.services, *renewed)
    return response
