"""The browser's socket on a running server: real sockets, real sessions, real cases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType, WSServerHandshakeError

from tests.support.site import Browser, Site, open_site
from villagecall.case import Case
from villagecall.directory.model import Person
from villagecall.http import guard
from villagecall.ids import uuid7
from villagecall.journal import JSON


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[Site]:
    """A server that takes part in calls."""
    async with open_site(tmp_path, work=True) as opened:
        yield opened


@dataclass
class Page:
    """A page's end of the socket: requests answered by number, pushes kept."""

    ws: ClientWebSocketResponse
    tab: UUID
    frames: list[dict[str, Any]] = field(default_factory=list)
    number: int = 0

    async def next(self, within: float = 5) -> dict[str, Any]:
        async with asyncio.timeout(within):
            message = await self.ws.receive()
        assert message.type is WSMsgType.TEXT, message
        frame: dict[str, Any] = orjson.loads(message.data)
        self.frames.append(frame)
        return frame

    async def ask(self, t: str, **fields: object) -> dict[str, Any]:
        self.number += 1
        await self.ws.send_str(orjson.dumps({"t": t, "id": self.number, **fields}, default=str).decode())
        while (frame := await self.next()).get("re") != self.number:
            pass
        return frame

    async def push(self, t: str, within: float = 5, **fields: object) -> dict[str, Any]:
        """The first push of this type with these fields, come already or still to come."""
        async with asyncio.timeout(within):
            while True:
                for frame in self.frames:
                    if frame["t"] == t and all(frame.get(name) == value for name, value in fields.items()):
                        self.frames.remove(frame)
                        return frame
                await self.next(within)

    async def closed(self, within: float = 5) -> int:
        async with asyncio.timeout(within):
            while not self.ws.closed:
                await self.ws.receive()
        assert self.ws.close_code is not None
        return self.ws.close_code


@asynccontextmanager
async def page(browser: Browser, tab: UUID | None = None, *, greet: bool = True) -> AsyncIterator[Page]:
    headers = {"Cookie": f"{guard.COOKIE}={browser.cookie}"} if browser.cookie else {}
    async with browser.client.ws_connect("/ws", headers=headers) as ws:
        found = Page(ws, tab or uuid7())
        if greet:
            found.frames.append({**(await found.ask("hello", v=1, tab=found.tab)), "t": "welcome"})
        yield found


@asynccontextmanager
async def page_of(site: Site, person: Person, tab: UUID | None = None) -> AsyncIterator[Page]:
    async with page(await site.browser(person), tab) as found:
        yield found


async def accepted(site: Site) -> Case:
    return await site.office().accepted()


async def start(village: Page, case: Case) -> UUID:
    call = uuid7()
    answer = await village.ask("call.start", call=call, case=case.case_id)
    assert answer["t"] == "ok", answer
    return call


# ---------------------------------------------------------------- getting in


async def test_without_a_session_there_is_no_socket(live: Site) -> None:
    with pytest.raises(WSServerHandshakeError) as no:
        async with page(live.nobody()):
            pass
    assert no.value.status == 401


async def test_another_sites_page_is_closed_before_a_word(live: Site) -> None:
    browser = await live.browser(live.county.east_officer)
    headers = {"Cookie": f"{guard.COOKIE}={browser.cookie}", "Origin": "https://elsewhere.example"}
    async with live.client.ws_connect("/ws", headers=headers) as ws:
        message = await ws.receive()
        assert message.type is WSMsgType.CLOSE
        assert ws.close_code == 4403
    own = {**headers, "Origin": f"http://{live.client.host}:{live.client.port}"}
    async with live.client.ws_connect("/ws", headers=own) as ws:
        found = Page(ws, uuid7())
        assert (await found.ask("hello", v=1, tab=found.tab))["name"] == "王建国"


async def test_every_role_of_the_staff_is_welcome(live: Site) -> None:
    county = live.county
    for person in (county.willow_clerk, county.east_officer, county.civil_officer, county.supervisor, county.admin):
        async with page_of(live, person) as found:
            assert found.frames[0]["name"] == person.name
            assert found.frames[0]["role"] == person.role.value
            assert found.frames[0]["heartbeat"] == 15


async def test_frames_that_are_none_are_answered_and_the_socket_stays(live: Site) -> None:
    async with page(await live.browser(live.county.east_officer), greet=False) as found:
        assert (await found.ask("ping"))["error"]["code"] == "hello_first"
        await found.ws.send_str("{")
        assert (await found.next())["error"]["code"] == "bad_frame"
        await found.ws.send_bytes(b"\x00\xff")
        assert (await found.next())["error"]["code"] == "bad_frame"
        assert (await found.ask("hello", v=1, tab=found.tab, colour="red"))["error"]["details"] == {"field": "colour"}
        assert (await found.ask("hello", v=1, tab=found.tab))["t"] == "ok"
        assert (await found.ask("ping")) == {"t": "ok", "re": found.number}


async def test_a_frame_that_is_too_long_closes_the_socket(live: Site) -> None:
    async with page_of(live, live.county.east_officer) as found:
        await found.ws.send_str("x" * (64 * 1024 + 1))
        assert await found.closed() == 1009


async def test_too_many_frames(live: Site) -> None:
    async with page_of(live, live.county.east_officer) as found:
        answers = [await found.ask("ping") for _ in range(70)]
        assert answers[0]["t"] == "ok"
        assert answers[-1]["error"]["code"] == "too_many_requests"


# ---------------------------------------------------------------- the session's end


async def test_signing_out_closes_the_socket(live: Site) -> None:
    browser = await live.browser(live.county.east_officer)
    async with page(browser) as found:
        assert (await browser.delete("/api/v1/session")).status == 200
        assert (await found.push("session.closed"))["why"] == "logout"
        assert await found.closed() == 4401
    with pytest.raises(WSServerHandshakeError):
        async with page(browser):
            pass


async def test_a_new_password_closes_the_sockets_of_that_person_only(live: Site) -> None:
    async with page_of(live, live.county.east_officer) as theirs, page_of(live, live.county.admin) as other:
        await live.services.directory.set_password(live.county.east_officer.person_id, "青山绿水-2027")
        assert (await theirs.push("session.closed"))["why"] == "password_changed"
        assert await theirs.closed() == 4401
        assert (await other.ask("ping"))["t"] == "ok"


async def test_the_same_tab_again_replaces_the_socket(live: Site) -> None:
    browser, tab = await live.browser(live.county.east_officer), uuid7()
    async with page(browser, tab) as first, page(browser, tab) as second:
        assert await first.closed() == 4409
        assert (await second.ask("ping"))["t"] == "ok"


async def test_a_server_that_stops_says_so(tmp_path: Path) -> None:
    async with open_site(tmp_path, work=True) as site, page_of(site, site.county.east_officer) as found:
        await site.services.hub.close()
        assert await found.closed() == 1012


# ---------------------------------------------------------------- calls


async def test_two_desks_ring_and_twenty_answers_give_one(live: Site) -> None:
    county, case = live.county, await accepted(live)
    async with (
        page_of(live, county.willow_clerk) as village,
        page_of(live, county.east_officer) as one,
        page_of(live, county.east_officer2) as two,
    ):
        call = await start(village, case)
        for desk in (one, two):
            ring = await desk.push("ring")
            assert ring["call"]["call_id"] == str(call)
            assert ring["call"]["village_name"] == "柳溪村"
            assert ring["call"]["item_name"] == "老年人优待证申领"

        async def ten(desk: Page) -> list[dict[str, Any]]:
            for _ in range(10):
                desk.number += 1
                await desk.ws.send_bytes(orjson.dumps({"t": "call.answer", "id": desk.number, "call": str(call)}))
            answers: list[dict[str, Any]] = []
            while len(answers) < 10:
                frame = await desk.next()
                answers += [frame] if frame["t"] in ("ok", "error") else []
            return answers

        first, second = await asyncio.gather(ten(one), ten(two))
        winners = {desk for desk, answers in ((0, first), (1, second)) if any(a["t"] == "ok" for a in answers)}
        assert len(winners) == 1
        loser, answers = (two, second) if winners == {0} else (one, first)
        assert {answer["error"]["code"] for answer in answers} == {"call_taken"}
        stop = await loser.push("ring.stop")
        assert stop["why"] == "answered"
        while (await village.push("call.state"))["call"]["state"] != "active":
            pass
        kept = await live.services.approval.get(case.case_id)
        assert kept.call is not None
        assert len(kept.call.parties) == 2


async def test_a_reload_comes_back_into_the_call(live: Site) -> None:
    county, case = live.county, await accepted(live)
    browser, tab = await live.browser(county.willow_clerk), uuid7()
    async with page_of(live, county.east_officer) as desk:
        async with page(browser, tab) as village:
            call = await start(village, case)
            await desk.push("ring")
            assert (await desk.ask("call.answer", call=call))["t"] == "ok"
        while True:
            state = await desk.push("call.state")
            present = {party["role"]: party["present"] for party in state["call"]["parties"]}
            if not present["clerk"]:
                break
        async with page(browser, tab) as village:
            assert village.frames[0]["call"]["call_id"] == str(call)
            assert village.frames[0]["call"]["state"] == "active"


async def test_a_foreign_case_is_refused(live: Site) -> None:
    case = await accepted(live)
    async with page_of(live, live.county.stone_clerk) as stone, page_of(live, live.county.west_officer) as west:
        answer = await stone.ask("call.start", call=uuid7(), case=case.case_id)
        assert answer["error"]["code"] == "not_found"
        for found in (stone, west):
            assert (await found.ask("watch", case=case.case_id))["error"]["code"] == "not_found"


async def test_a_call_to_nobody_waits_and_a_department_comes_in(live: Site) -> None:
    county, case = live.county, await accepted(live)
    async with page_of(live, county.willow_clerk) as village:
        call = await start(village, case)
        async with page_of(live, county.east_officer) as desk, page_of(live, county.market_officer) as market:
            assert (await desk.push("ring"))["call"]["call_id"] == str(call)
            assert (await desk.ask("call.answer", call=call))["t"] == "ok"
            invited = await desk.ask("call.invite", call=call, unit=county.market.code)
            assert invited["t"] == "ok"
            assert (await market.push("ring"))["call"]["ringing"] == [county.market.code]
            assert (await market.ask("call.answer", call=call))["t"] == "ok"
            assert (await market.ask("watch", case=case.case_id))["t"] == "ok"
            assert (await village.ask("call.end", call=call))["t"] == "ok"
            while (await market.push("call.state"))["call"]["state"] != "ended":
                pass


async def test_a_restarted_server_knows_the_call_and_its_place(tmp_path: Path) -> None:
    """The second server has nothing but the database of the first."""
    keys: dict[str, Any] = {"vault_keys": "k1:" + "1" * 64, "vault_token_key": "2" * 64, "database": ""}
    tab = uuid7()
    async with open_site(tmp_path, work=True, **keys) as site:
        case = await accepted(site)
        async with page_of(site, site.county.willow_clerk, tab) as village:
            call = await start(village, case)
    async with open_site(tmp_path, work=True, **keys) as site, page_of(site, site.county.east_officer) as desk:
        assert (await desk.push("ring"))["call"]["call_id"] == str(call)
        async with page_of(site, site.county.willow_clerk, tab) as village:
            assert village.frames[0]["call"]["call_id"] == str(call)
            assert (await desk.ask("call.answer", call=call))["t"] == "ok"
            while (await village.push("call.state"))["call"]["state"] != "active":
                pass


async def test_pages_hear_of_what_was_done_elsewhere(live: Site) -> None:
    county, case = live.county, await accepted(live)
    officer = await live.browser(county.east_officer)
    async with page(officer) as desk, page_of(live, county.willow_clerk) as village:
        assert (await desk.ask("watch", case=case.case_id))["t"] == "ok"
        assert (await officer.post(f"/api/v1/cases/{case.case_id}/claim")).status == 200
        for found in (desk, village):
            hint = await found.push("case.changed")
            assert hint["case"] == str(case.case_id)
            await found.push("queue.changed")


async def test_presence_reaches_the_village(live: Site) -> None:
    county = live.county
    async with page_of(live, county.willow_clerk) as village:
        assert village.frames[0]["desks"][county.east.code] == 0
        async with page_of(live, county.east_officer) as desk:
            while (await village.push("presence"))["desks"][county.east.code] != 1:
                pass
            await desk.ask("duty", on=False)
            while (await village.push("presence"))["desks"][county.east.code] != 0:
                pass


async def test_a_browser_that_reads_nothing_is_let_go(live: Site) -> None:
    """Its hints pile up in the server until the bound, then the line is closed: never more memory than that."""
    case = await accepted(live)
    async with page_of(live, live.county.willow_clerk) as village, page_of(live, live.county.east_officer) as desk:
        transport = village.ws._conn.transport if village.ws._conn else None
        assert transport is not None
        transport.pause_reading()
        hint: dict[str, JSON] = {
            "case_id": str(case.case_id),
            "seq": 1,
            "kinds": ["x" * 60_000],
            "village": live.county.willow.code,
        }
        for _ in range(200):
            await live.services.bus.publish("case", hint)
            await asyncio.sleep(0)
        async with asyncio.timeout(10):
            while live.services.hub.figures().connections.total() > 1:
                await asyncio.sleep(0.05)
        assert (await desk.ask("ping"))["t"] == "ok"
        transport.resume_reading()
