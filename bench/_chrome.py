"""Chromium driven by its own protocol, with nothing else in the page.

Playwright puts scripts of its own into every page; at a quarter of the CPU they cost more than the page.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse

from tests.journeys.people import CHROMIUM, FLAGS

WAIT_S = 60


class Chrome:
    """One connection to the browser; every page is a session on it."""

    def __init__(self, line: ClientWebSocketResponse) -> None:
        self._line = line
        self._ids = count(1)
        self._open: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._told: dict[str, asyncio.Future[str]] = {}
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for message in self._line:
            frame = message.json()
            waiting = self._open.pop(frame.get("id", 0), None)
            if waiting is not None:
                if "error" in frame:
                    waiting.set_exception(RuntimeError(str(frame["error"])))
                else:
                    waiting.set_result(frame["result"])
            elif frame.get("method") == "Runtime.bindingCalled":
                told = self._told.get(frame["sessionId"])
                if told is not None and not told.done():
                    told.set_result(frame["params"]["payload"])

    async def do(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        number = next(self._ids)
        self._open[number] = asyncio.get_running_loop().create_future()
        more = {"sessionId": session} if session else {}
        await self._line.send_json({"id": number, "method": method, "params": params, **more})
        return await asyncio.wait_for(self._open[number], WAIT_S)

    @asynccontextmanager
    async def page(self, cookies: Sequence[Mapping[str, Any]] = ()) -> AsyncIterator[str]:
        """A page of a browser that knows nothing yet but its cookies."""
        context = (await self.do("Target.createBrowserContext"))["browserContextId"]
        try:
            await self.do("Storage.setCookies", cookies=list(cookies), browserContextId=context)
            target = await self.do(
                "Target.createTarget", url="about:blank", browserContextId=context, width=1366, height=768
            )
            attached = await self.do("Target.attachToTarget", targetId=target["targetId"], flatten=True)
            yield attached["sessionId"]
        finally:
            await self.do("Target.disposeBrowserContext", browserContextId=context)

    async def told(self, session: str) -> str:
        """What the page says by calling ``told(text)``; ask before it can say it."""
        self._told[session] = asyncio.get_running_loop().create_future()
        return await asyncio.wait_for(self._told[session], WAIT_S)


@asynccontextmanager
async def chrome() -> AsyncIterator[Chrome]:
    """A headless Chromium of its own, gone afterwards."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        process = await asyncio.create_subprocess_exec(
            shutil.which("chromium") or CHROMIUM, *FLAGS, "--headless=new", "--remote-debugging-port=0",
            f"--user-data-dir={home}", "about:blank",
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            port = await _port(Path(home) / "DevToolsActivePort")
            async with (
                ClientSession() as http,
                http.ws_connect(f"ws://127.0.0.1:{port[0]}{port[1]}", max_msg_size=0) as line,
            ):
                yield Chrome(line)
        finally:
            process.terminate()
            await process.wait()


async def _port(file: Path) -> tuple[str, str]:
    for _ in range(WAIT_S * 10):
        if file.exists() and len(told := file.read_text().split()) == 2:
            return told[0], told[1]
        await asyncio.sleep(0.1)
    raise TimeoutError("Chromium did not start")
