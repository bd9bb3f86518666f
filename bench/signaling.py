"""Signaling through the real socket: cost of a message, of an idle terminal, of the server.

A message's cost is CPU time of the server process, so that the load generator beside it does not count:
messages per second and core = messages / CPU seconds. Ours has session, access check and rate limit on;
the anchor is aiohttp with uvloop and orjson that answers and checks nothing. Rounds are interleaved, the
figure is the median of the ratios of neighbouring rounds.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import uvloop
from aiohttp import ClientSession, ClientWebSocketResponse, TCPConnector, WSMsgType

from bench.figure import Figure
from villagecall.http.guard import COOKIE
from villagecall.ids import uuid7

SOCKETS = 400
FRAMES = 26
"""A second and socket: just below the rate limit."""
SECONDS = 3.0
ROUNDS = 5
IDLE = 2000
MIB = 2**20


@dataclass
class Server:
    process: subprocess.Popen[bytes]
    port: int
    calls: list[dict[str, str]]

    def _proc(self, name: str) -> str:
        return Path(f"/proc/{self.process.pid}/{name}").read_text()

    def cpu(self) -> float:
        """Seconds in user and system (proc(5), fields 14 and 15 of stat)."""
        fields = self._proc("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident(self) -> int:
        """Bytes of the server itself, its workers apart."""
        return int(self._proc("statm").split()[1]) * os.sysconf("SC_PAGE_SIZE")


@asynccontextmanager
async def served(kind: str) -> AsyncIterator[Server]:
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "bench._signaling_server", kind, folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            line = await asyncio.to_thread(process.stdout.readline)
            facts = json.loads(line)
            yield Server(process, facts["port"], facts["calls"])
        finally:
            process.stdin.close()
            try:
                await asyncio.to_thread(process.wait, 20)
            except subprocess.TimeoutExpired:
                process.kill()


class Page:
    """A browser's end of a socket, cheap enough to have hundreds of."""

    def __init__(self, ws: ClientWebSocketResponse) -> None:
        self.ws, self.number = ws, 0

    async def ask(self, t: str, **fields: object) -> dict[str, Any]:
        self.number += 1
        await self.ws.send_str(orjson.dumps({"t": t, "id": self.number, **fields}).decode())
        while True:
            message = await self.ws.receive(timeout=30)
            assert message.type is WSMsgType.TEXT, message
            frame: dict[str, Any] = orjson.loads(message.data)
            if frame.get("re") == self.number:
                return frame

    async def pings(self, seconds: float) -> int:
        """Ask at the steady rate; how many were answered ``ok``."""
        good, begun = 0, time.perf_counter()
        for number in range(int(seconds * FRAMES)):
            await asyncio.sleep(max(0.0, begun + number / FRAMES - time.perf_counter()))
            good += (await self.ask("ping"))["t"] == "ok"
        return good


async def pages(stack: AsyncExitStack, server: Server, count: int) -> list[Page]:
    """Sockets of the staff, greeted."""
    session = await stack.enter_async_context(ClientSession(connector=TCPConnector(limit=0)))
    cookies = [call[who] for call in server.calls for who in ("clerk", "officer")] or [""]
    found = []
    for number in range(count):
        headers = {"Cookie": f"{COOKIE}={cookies[number % len(cookies)]}"}
        url = f"http://127.0.0.1:{server.port}/ws"
        page = Page(await session.ws_connect(url, headers=headers, max_msg_size=0))
        await page.ask("hello", v=1, tab=str(uuid7()))
        found.append(page)
    return found


async def cost(server: Server, found: list[Page]) -> float:
    """Answered messages per CPU second of the server."""
    before = server.cpu()
    good = sum(await asyncio.gather(*(page.pings(SECONDS) for page in found)))
    assert good >= len(found) * int(SECONDS * FRAMES) * 0.99, "the rate limit got in the way"
    return good / (server.cpu() - before)


async def messages() -> tuple[list[float], list[float]]:
    async with AsyncExitStack() as stack:
        ours, echo = await stack.enter_async_context(served("ours")), await stack.enter_async_context(served("echo"))
        mine, theirs = await pages(stack, ours, SOCKETS), await pages(stack, echo, SOCKETS)
        await asyncio.sleep(2)
        rates: tuple[list[float], list[float]] = ([], [])
        for _ in range(ROUNDS):
            rates[0].append(await cost(ours, mine))
            rates[1].append(await cost(echo, theirs))
        return rates


async def call(clerk: Page, officer: Page, facts: dict[str, str]) -> None:
    """One call with what a call says: consent, pages shown, the pointer moving."""
    number = str(uuid7())
    for page, t, fields in (
        (clerk, "call.start", {"case": facts["case"]}),
        (officer, "call.answer", {}),
        (clerk, "call.consent", {}),
        (officer, "page.show", {"page": facts["page"]}),
    ):
        answer = await page.ask(t, call=number, **fields)
        assert answer["t"] == "ok", answer
    for step in range(100):
        await officer.ask("page.point", call=number, page=facts["page"], x=step, y=step)
        await clerk.ask("ping")
        await asyncio.sleep(0.1)


async def memory() -> tuple[int, int]:
    """Resident bytes at rest, and with 20 calls signaling."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(served("ours"))
        await asyncio.sleep(1)
        rest = server.resident()
        staff = await pages(stack, server, 2 * len(server.calls))
        pairs = zip(staff[::2], staff[1::2], server.calls, strict=True)
        await asyncio.gather(*(call(clerk, officer, facts) for clerk, officer, facts in pairs))
        return rest, server.resident()


async def idle(kind: str) -> float:
    """Bytes of the server for each socket that greeted and is silent."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(served(kind))
        await pages(stack, server, 100)
        await asyncio.sleep(1)
        before = server.resident()
        await pages(stack, server, IDLE)
        await asyncio.sleep(1)
        return (server.resident() - before) / IDLE


def run() -> list[Figure]:
    mine, theirs = uvloop.run(messages())
    rest, busy = uvloop.run(memory())
    each, bare = uvloop.run(idle("ours")), uvloop.run(idle("echo"))
    ratio = statistics.median(a / b for a, b in zip(mine, theirs, strict=True))
    floor = "aiohttp+uvloop+orjson, nothing checked"
    return [
        Figure(
            "signaling messages per core",
            f"{statistics.median(mine):,.0f}/s",
            floor,
            f"{statistics.median(theirs):,.0f}/s",
            ratio,
            "measured",
            None,
        ),
        Figure("server at rest", f"{rest / MIB:.0f} MiB", "", "", None, "≤ 250 MB", rest <= 250e6),
        Figure("server with 20 calls signaling", f"{busy / MIB:.0f} MiB", "", "", None, "≤ 400 MB", busy <= 400e6),
        Figure(
            "an idle terminal",
            f"{each / 1024:.1f} KiB",
            "aiohttp bare",
            f"{bare / 1024:.1f} KiB",
            each / bare,
            "≤ 16 KiB",
            each <= 16 * 1024,
        ),
    ]
