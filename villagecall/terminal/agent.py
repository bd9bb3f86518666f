"""The agent on the village PC: dials out, prints what it is told, says how it goes.

Two tasks that know nothing of each other's troubles: one moves prints through the spooler, whether or not
there is a line; one holds the line and tells the server whatever it does not know yet.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import structlog
from yarl import URL

from villagecall.terminal.jobs import Jobs, TicketGone
from villagecall.terminal.printer import Cups, CupsUnreachable, Queue
from villagecall.terminal.store import Identity, Store

POLL_S: Final = 0.4
"""How often the spooler is asked: a printer's trouble is on the clerk's screen within a second."""
PING_S: Final = 15.0
ANSWER_S: Final = 20.0
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0

Event = Callable[[str, Mapping[str, object]], None]
_log = structlog.get_logger(__name__)


class NotPaired(Exception):
    """The server does not know this agent (any more)."""


class PairingFailed(Exception):
    """The text is what the server said, for the person who typed the code."""


class LineLost(Exception):
    """The connection ended; it is tried again."""


def socket_url(server: str) -> URL:
    """``http://host:8080`` → ``ws://host:8080/ws/device``."""
    url = URL(server.rstrip("/"))
    return url.with_scheme("wss" if url.scheme == "https" else "ws") / "ws" / "device"


async def pair(session: aiohttp.ClientSession, server: str, code: str, name: str) -> Identity:
    """Exchange a pairing code for a secret. Raises :class:`PairingFailed`."""
    if urlsplit(server).scheme not in ("http", "https"):
        raise PairingFailed(f"{server}: http://… or https://…")
    url = f"{server.rstrip('/')}/api/v1/devices/pair"
    try:
        async with session.post(url, json={"code": code, "name": name}) as response:
            said = await response.json(content_type=None)
            if response.status != 200:
                raise PairingFailed(f"{said.get('zh', response.status)}{said.get('todo_zh', '')}")
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise PairingFailed(f"{server}: {error}") from error
    return Identity(server.rstrip("/"), said["device_id"], said["secret"], said["unit_name"])


class Agent:
    """``await Agent(…).run()`` works until it is cancelled or unpaired (:class:`NotPaired`)."""

    def __init__(
        self,
        identity: Identity,
        store: Store,
        cups: Cups,
        session: aiohttp.ClientSession,
        name: str,
        event: Event = lambda what, about: None,
    ) -> None:
        self._identity, self._store, self._cups = identity, store, cups
        self._session, self._name, self._event = session, name, event
        self._jobs = Jobs(store, cups, self._fetch)
        self._queues: list[Queue] = []
        self._news = asyncio.Event()
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._last = 0

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Device {self._identity.secret}"}

    async def run(self) -> None:
        self._store.sweep()
        both = {asyncio.create_task(self._print_on()), asyncio.create_task(self._hold_line())}
        try:
            ended, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
        finally:
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)

    # ------------------------------------------------------------ the spooler's side

    async def _print_on(self) -> None:
        reachable = True
        while True:
            before = [(job.print_id, job.said) for job in self._store.prints()], self._queues
            try:
                self._queues = await self._cups.printers()
                await self._jobs.step(self._queues)
                reachable = True
            except CupsUnreachable as error:
                self._queues = []
                if reachable:
                    _log.warning("spooler_unreachable", why=str(error))
                reachable = False
            if before != ([(job.print_id, job.said) for job in self._store.prints()], self._queues):
                self._news.set()
            await asyncio.sleep(POLL_S)

    async def _fetch(self, ticket: str) -> bytes:
        """Anything but a plain no is tried again: the ticket is spent only when the server answered."""
        url = f"{self._identity.server}/api/v1/print/{ticket}"
        try:
            async with self._session.get(url, headers=self._headers) as response:
                if response.status == 200 and response.content_type == "application/pdf":
                    return await response.read()
                if response.status in (401, 403, 404, 410):
                    said = await response.json(content_type=None)
                    raise TicketGone(str(said.get("code", response.status)))
                raise OSError(f"HTTP {response.status}")
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise OSError(str(error)) from error

    # ------------------------------------------------------------ the server's side

    async def _hold_line(self) -> None:
        wait = FIRST_WAIT_S
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await self._talk()
            except (LineLost, aiohttp.ClientError, OSError, TimeoutError) as error:
                if isinstance(error, aiohttp.WSServerHandshakeError) and error.status in (401, 403):
                    raise NotPaired from error
                _log.info("line_lost", why=type(error).__name__)
            if asyncio.get_running_loop().time() - began > LONGEST_WAIT_S:
                wait = FIRST_WAIT_S
            self._event("waiting", {"seconds": round(wait, 1)})
            await asyncio.sleep(wait * random.uniform(0.7, 1.3))
            wait = min(LONGEST_WAIT_S, wait * 2)

    async def _talk(self) -> None:
        async with self._session.ws_connect(
            socket_url(self._identity.server), headers=self._headers, max_msg_size=64 * 1024
        ) as socket:
            listening = asyncio.create_task(self._listen(socket))
            telling = asyncio.create_task(self._tell(socket))
            try:
                done, _ = await asyncio.wait({listening, telling}, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                for task in (listening, telling):
                    task.cancel()
                await asyncio.gather(listening, telling, return_exceptions=True)
                for answer in self._answers.values():
                    answer.cancel()
                self._answers.clear()

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                break
            frame = message.json()
            match frame.get("t"):
                case "ok" | "error":
                    answer = self._answers.pop(int(frame.get("re", 0)), None)
                    if answer is not None and not answer.done():
                        answer.set_result(frame)
                case "print":
                    self._jobs.ask(frame["print_id"], frame["ticket"], frame.get("printer", ""), frame.get("title", ""))
                    self._event("asked", {"print_id": frame["print_id"], "title": frame.get("title", "")})
                case "unpaired":
                    self._store.forget()
                    raise NotPaired
        if socket.close_code == 4401:
            raise NotPaired
        raise LineLost

    async def _tell(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        queues = self._queues
        await self._ask(socket, {"t": "hello", "v": 1, "name": self._name, "printers": _json(queues)})
        self._event("connected", {"server": self._identity.server, "unit": self._identity.unit_name})
        while True:
            self._news.clear()
            if self._queues != queues:
                queues = self._queues
                await self._ask(socket, {"t": "printers", "printers": _json(queues)})
            await self._report(socket)
            try:
                async with asyncio.timeout(PING_S):
                    await self._news.wait()
            except TimeoutError:
                await self._ask(socket, {"t": "ping"})

    async def _report(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Every state the server has not confirmed; one it refuses is not told again."""
        for job in self._store.prints():
            if not job.said or job.said == job.told:
                continue
            frame = {"t": "print.state", "print_id": job.print_id, "state": job.state, "job": job.job}
            answer = await self._ask(socket, {**frame, "reasons": list(job.reasons)})
            if answer["t"] == "error":
                _log.warning("report_refused", print_id=job.print_id, code=answer["error"]["code"])
            now = self._store.get(job.print_id)
            if now is not None:
                self._store.change(now, told=job.said)
            self._event("print", {"print_id": job.print_id, "state": job.state, "reasons": list(job.reasons)})

    async def _ask(self, socket: aiohttp.ClientWebSocketResponse, frame: Mapping[str, object]) -> dict[str, Any]:
        self._last += 1
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[self._last] = answer
        await socket.send_json({**frame, "id": self._last})
        with suppress(KeyError):
            return await asyncio.wait_for(answer, ANSWER_S)
        raise LineLost


def _json(queues: list[Queue]) -> list[dict[str, object]]:
    return [queue.as_json() for queue in queues]
