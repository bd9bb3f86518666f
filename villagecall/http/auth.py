"""Sign in, who am I, sign out."""

from __future__ import annotations

import secrets
from typing import ClassVar

import structlog
from aiohttp import web

from villagecall.directory.signins import SignIns
from villagecall.errors import Refusal
from villagecall.http import guard
from villagecall.http.context import Caller, Context, handles
from villagecall.http.models.base import Ok
from villagecall.http.models.directory import Login, SessionReply
from villagecall.ports import Session

_log = structlog.get_logger(__name__)


class WrongPassword(Refusal):
    """An unknown login, a wrong password, a person who has left: all the same to whoever asks."""

    code: ClassVar[str] = "wrong_password"
    status: ClassVar[int] = 401
    zh: ClassVar[str] = "用户名或密码不对。"
    en: ClassVar[str] = "The login or the password is wrong."
    todo_zh: ClassVar[str] = "请检查大小写和输入法后再试;忘记密码请找县级管理员重设。"
    todo_en: ClassVar[str] = "Check case and input method; the county administrator can set a new password."


def session_reply(context: Context, caller: Caller) -> SessionReply:
    return SessionReply(
        person_id=caller.person.person_id,
        name=caller.person.name,
        role=caller.person.role,
        unit=caller.unit.code,
        unit_name=caller.unit.name,
        window=caller.person.window,
        csrf=caller.session.csrf,
        expires=caller.session.expires,
        demo=context.services.settings.demo,
    )


def _signins(context: Context) -> SignIns:
    return SignIns(context.services.journal, context.services.vault, context.services.clock)


@handles("login")
async def login(context: Context) -> web.StreamResponse:
    """A new session; one that the browser had before ends. Failed attempts are limited by login and by
    address, and a success clears the login's count."""
    body, all_ = context.body(Login), context.services
    limits, place = context.request.app[guard.LIMITS], guard.address(context.request)
    limits.login_of.check(body.login)
    limits.login_from.check(place)
    person = await all_.directory.verify_password(body.login, body.password)
    if person is None:
        limits.login_of.take(body.login)
        limits.login_from.take(place)
        await _signins(context).failed(body.login, place)
        raise WrongPassword
    limits.login_of.forget(body.login)
    if context.who is not None:
        await end(context, context.who)
    now = all_.clock.now()
    token = secrets.token_urlsafe(32)
    ends = guard.lifetime(all_, now)
    session = Session(guard.digest(token), person.person_id, secrets.token_urlsafe(24), now, ends)
    await all_.sessions.put(session)
    caller = Caller(person, all_.directory.unit(person.unit), session)
    await _signins(context).succeeded(caller.actor)
    response = guard.respond(context, session_reply(context, caller))
    guard.set_cookie(response, all_, token, ends)
    return response


@handles("session")
async def session(context: Context) -> SessionReply:
    return session_reply(context, context.caller)


@handles("logout")
async def logout(context: Context) -> web.StreamResponse:
    await end(context, context.caller)
    response = guard.respond(context, Ok())
    guard.set_cookie(response, context.services, "", context.services.clock.now())
    return response


async def end(context: Context, caller: Caller) -> None:
    """The session is over here, and its sockets close wherever they are open."""
    digest = caller.session.digest
    await context.services.sessions.drop(digest)
    await context.services.bus.publish("session.closed", {"digest": digest.hex(), "why": "logout"})
    await _signins(context).ended(caller.actor)
