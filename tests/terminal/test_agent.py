"""The whole way: a real server, a real agent, a real cupsd; the printed bytes are the issued ones."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import pytest

from tests.real.cups import CupsServer
from tests.support.office import actor
from tests.support.press import Press, press_at
from tests.support.site import Browser, Site, open_site
from villagecall.case import Case, Print
from villagecall.ids import uuid7
from villagecall.terminal.agent import Agent, NotPaired, PairingFailed, pair, socket_url
from villagecall.terminal.printer import Cups
from villagecall.terminal.store import Identity, Store


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(tmp_path / "server", work=True) as opened:
        yield opened


@pytest.fixture
def press(site: Site) -> Press:
    return press_at(site)


@pytest.fixture
async def clerk(site: Site) -> Browser:
    return await site.browser(site.county.willow_clerk)


class Village:
    """A village PC: an agent that can be started and stopped, with its folder and its spooler."""

    def __init__(self, site: Site, cupsd: CupsServer, folder: Path) -> None:
        self.site, self.cupsd, self.store = site, cupsd, Store(folder)
        self.server = str(site.client.make_url("/"))
        self.events: list[tuple[str, dict[str, Any]]] = []

    async def pair(self, clerk: Browser) -> Identity:
        code = (await clerk.post("/api/v1/devices/pairing")).json()["code"]
        async with aiohttp.ClientSession() as session:
            identity = await pair(session, self.server, code, "柳溪村打印机")
        self.store.remember(identity)
        return identity

    @asynccontextmanager
    async def working(self) -> AsyncIterator[asyncio.Task[None]]:
        identity = self.store.identity()
        assert identity is not None
        async with aiohttp.ClientSession() as session:
            agent = Agent(
                identity,
                self.store,
                Cups(self.cupsd.address, session),
                session,
                "柳溪村打印机",
                lambda what, about: self.events.append((what, dict(about))),
            )
            task = asyncio.create_task(agent.run())
            try:
                yield task
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def village(site: Site, cupsd: CupsServer, tmp_path: Path) -> Village:
    return Village(site, cupsd, tmp_path / "agent")


async def until(look: Callable[[], Awaitable[object]], seconds: float = 15) -> float:
    began = time.monotonic()
    while not await look():
        assert time.monotonic() - began < seconds, "it did not happen in time"
        await asyncio.sleep(0.02)
    return time.monotonic() - began


async def order(clerk: Browser, case: Case, device: str, reason: str = "") -> dict[str, Any]:
    body = {"print_id": str(uuid7()), "device": device, "reason": reason}
    answer = await clerk.post(f"/api/v1/cases/{case.case_id}/print", body)
    assert answer.status == 200, answer.raw
    found: dict[str, Any] = answer.json()
    return found


async def last(press: Press, case: Case) -> Print:
    return (await press.office.approval.get(case.case_id)).prints[-1]


def state_is(press: Press, case: Case, state: str) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return (await last(press, case)).state == state

    return look


async def test_the_printed_bytes_are_the_issued_ones(press: Press, clerk: Browser, village: Village) -> None:
    device = (await village.pair(clerk)).device_id
    case = await press.issued()
    async with village.working():
        ticket = await order(clerk, case, device)
        assert ticket["url"] == "", "the agent's ticket is not for the browser"
        await until(state_is(press, case, "done"))
    assert village.cupsd.printed() == [await press.pdf(case)]
    assert (await press.office.approval.get(case.case_id)).state == "printed"
    assert (await press.devices.get(UUID(device))).jobs == ()
    assert {"connected", "asked", "print"} <= {what for what, _ in village.events}


async def test_a_print_waits_for_an_agent_that_is_off(press: Press, clerk: Browser, village: Village) -> None:
    device = (await village.pair(clerk)).device_id
    case = await press.issued()
    await order(clerk, case, device)
    await asyncio.sleep(0.2)
    async with village.working():
        await until(state_is(press, case, "done"))
    assert len(village.cupsd.printed()) == 1


async def test_the_printers_trouble_is_told_within_a_second_with_what_to_do(
    press: Press, clerk: Browser, village: Village
) -> None:
    device = (await village.pair(clerk)).device_id
    case = await press.issued()
    village.cupsd.trouble("media-empty-warning")

    async def told() -> bool:
        (shown,) = (await clerk.get("/api/v1/devices")).json()["devices"]
        return bool(shown["online"] and shown["printers"] and "缺纸" in shown["printers"][0]["zh"])

    async def in_trouble() -> bool:
        async with aiohttp.ClientSession() as session:
            (queue,) = await Cups(village.cupsd.address, session).printers()
            return bool(queue.reasons)

    async def lacking() -> bool:
        return (await last(press, case)).reasons == ("media-empty-warning",)

    async with village.working():
        await order(clerk, case, device)
        await until(in_trouble)
        assert await until(told) < 1.5
        # The job may be told as begun before the printer says what it lacks; that follows at once.
        await until(state_is(press, case, "printing"))
        assert await until(lacking) < 1.5
        village.cupsd.repair()
        await until(state_is(press, case, "done"))
    assert len(village.cupsd.printed()) == 1


@pytest.mark.parametrize("kills", [3])
async def test_an_agent_that_is_killed_again_and_again_prints_once(
    press: Press, clerk: Browser, village: Village, kills: int
) -> None:
    device = (await village.pair(clerk)).device_id
    case = await press.issued()
    village.cupsd.slow()
    await order(clerk, case, device)
    for _ in range(kills):
        async with village.working():
            await asyncio.sleep(0.6)
    village.cupsd.repair()
    async with village.working():
        await until(state_is(press, case, "done"))
        await asyncio.sleep(0.6)
    assert village.cupsd.printed() == [await press.pdf(case)]


async def test_a_line_that_breaks_comes_back(press: Press, clerk: Browser, village: Village) -> None:
    device = (await village.pair(clerk)).device_id
    case = await press.issued()
    async with village.working():

        async def online() -> bool:
            return press.devices.presence(UUID(device)).online

        await until(online)
        press.devices._lines[UUID(device)].end(1012)
        await order(clerk, case, device)
        await until(state_is(press, case, "done"))
    assert [what for what, _ in village.events].count("connected") == 2


async def test_a_reprint_needs_a_reason_and_prints_a_second_time(
    press: Press, clerk: Browser, village: Village
) -> None:
    device = (await village.pair(clerk)).device_id
    case = await press.issued()
    async with village.working():
        await order(clerk, case, device)
        await until(state_is(press, case, "done"))
        body = {"print_id": str(uuid7()), "device": device}
        refused = await clerk.post(f"/api/v1/cases/{case.case_id}/print", body)
        assert (refused.status, refused.code) == (422, "reprint_needs_reason")
        assert (await order(clerk, case, device, "墨色不清"))["copy_no"] == 2
        await until(lambda: _printed(village, 2))
    assert set(village.cupsd.printed()) == {await press.pdf(case)}


async def _printed(village: Village, count: int) -> bool:
    return len(village.cupsd.printed()) >= count


async def test_a_revoked_agent_forgets_its_secret(press: Press, clerk: Browser, village: Village) -> None:
    device = UUID((await village.pair(clerk)).device_id)

    async def online() -> bool:
        return press.devices.presence(device).online

    async with village.working() as task:
        await until(online)
        await press.devices.revoke(device, actor(press.office.county.willow_clerk))
        with pytest.raises(NotPaired):
            await asyncio.wait_for(task, 5)
    assert village.store.identity() is None


async def test_an_agent_with_a_wrong_secret_gives_up(site: Site, village: Village) -> None:
    village.store.remember(Identity(village.server.rstrip("/"), "x", "wrong"))
    async with village.working() as task:
        with pytest.raises(NotPaired):
            await asyncio.wait_for(task, 5)


async def test_wrong_codes_and_addresses_are_told_to_the_person(site: Site, village: Village) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(PairingFailed, match="配对码"):
            await pair(session, village.server, "00000000", "x")
        with pytest.raises(PairingFailed, match="http"):
            await pair(session, "ftp://server", "00000000", "x")
        with pytest.raises(PairingFailed):
            await pair(session, "http://127.0.0.1:9", "00000000", "x")


async def test_a_foreign_villages_device_cannot_be_used(site: Site, press: Press, village: Village) -> None:
    hill = await site.browser(site.county.hill_clerk)
    device = (await village.pair(hill)).device_id
    willow, case = await site.browser(site.county.willow_clerk), await press.issued()
    answer = await willow.post(f"/api/v1/cases/{case.case_id}/print", {"print_id": str(uuid7()), "device": device})
    assert (answer.status, answer.code) == (404, "device_unknown")


@pytest.mark.parametrize(
    ("server", "socket"),
    [
        ("http://cun.example:8080/", "ws://cun.example:8080/ws/device"),
        ("https://cun.example", "wss://cun.example/ws/device"),
    ],
)
def test_the_sockets_address(server: str, socket: str) -> None:
    assert str(socket_url(server)) == socket
