"""The servers that ``bench signaling`` measures, each a process of its own: ``python -m bench._signaling_server``.

``ours``: the whole application on SQLite with a county of 20 towns, each with a clerk, an officer and an
accepted case. ``echo``: aiohttp with uvloop and orjson that parses a frame and answers it, and no more.
Prints one JSON line when it listens; ends when its standard input ends.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
from pathlib import Path

import orjson
import structlog
import uvloop
from aiohttp import WSMsgType, web

from tests.support.clock import FixedClock
from tests.support.county import SINCE, County, small_county
from tests.support.office import LI, Office, actor, key
from tests.support.site import settings_for
from villagecall.adapters.clock import SystemClock
from villagecall.app import listening, open_services
from villagecall.directory.model import Person, Role, Unit
from villagecall.directory.records import stream_id
from villagecall.http import guard
from villagecall.http.services import Services
from villagecall.ports import Session

TOWNS = 20
COUNTY = "519900000000"


async def _until_stdin_ends() -> None:
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def _say(**facts: object) -> None:
    print(json.dumps({**facts, "pid": os.getpid()}), flush=True)


async def echo() -> None:
    """The floor: nothing is checked."""

    async def socket(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(compress=False)
        await ws.prepare(request)
        async for message in ws:
            if message.type is WSMsgType.TEXT:
                frame = orjson.loads(message.data)
                await ws.send_str(orjson.dumps({"t": "ok", "re": frame["id"]}).decode())
        return ws

    app = web.Application()
    app.router.add_get("/ws", socket)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
    _say(port=runner.addresses[0][1], calls=[])
    await _until_stdin_ends()
    await runner.cleanup()


async def ours(folder: Path) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    settings = settings_for(folder, database="", demo=True)
    async with open_services(settings) as services:
        county = await small_county(services.journal, services.vault, FixedClock(), directory=services.directory)
        calls = [await _town(services, county, number) for number in range(TOWNS)]
        async with listening(services) as port:
            _say(port=port, calls=calls)
            await _until_stdin_ends()


async def _town(services: Services, county: County, number: int) -> dict[str, str]:
    """A town with its village, officer, clerk and a case ready to be called about; and their cookies."""
    codes = (f"5199{number + 20}101000", f"5199{number + 20}101201")
    for code, kind, parent in ((codes[0], "town", COUNTY), (codes[1], "village", codes[0])):
        unit = {"unit_id": stream_id("unit", code), "code": code, "name": f"{kind} {number}", "kind": kind}
        await services.directory.put_unit(Unit.model_validate({**unit, "parent": parent, "since": SINCE}))
    people = []
    for role, code in ((Role.CLERK, codes[1]), (Role.TOWN, codes[0])):
        login = f"{role}-{number}"
        person = Person(person_id=stream_id("person", login), login=login, name=f"员工{number}", role=role, unit=code)
        people.append(await services.directory.put_person(person))
    clerk, officer = people
    office = Office(county, services.approval, services.bus, services.journal, services.vault, FixedClock())
    case = await office.draft(clerk=clerk)
    for material in office.approval.item(case).materials:
        for _ in range(material.pages):
            await office.page(case, material.code, clerk=clerk)
    await services.approval.enter_applicant(case.case_id, LI, None, actor=actor(clerk), key=key())
    await services.approval.fill_form(case.case_id, office.forms[case.item], actor=actor(clerk), key=key())
    case = await services.approval.submit(case.case_id, actor=actor(clerk), key=key())
    page = case.live_pages()[0].page_id
    cookies = [await _sign_in(services, person) for person in (clerk, officer)]
    return {"case": str(case.case_id), "page": str(page), "clerk": cookies[0], "officer": cookies[1]}


async def _sign_in(services: Services, person: Person) -> str:
    token, now = secrets.token_urlsafe(32), SystemClock().now()
    ends = guard.lifetime(services, now)
    await services.sessions.put(Session(guard.digest(token), person.person_id, "csrf", now, ends))
    return token


if __name__ == "__main__":
    uvloop.run(echo() if sys.argv[1] == "echo" else ours(Path(sys.argv[2])))
