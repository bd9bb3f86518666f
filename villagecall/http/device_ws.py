"""The agent's socket ``/ws/device``; the words on it are those of ``docs/PROTOCOL.md``."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import orjson
import structlog
from aiohttp import WSMsgType, web
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from villagecall.errors import BadRequest, NotSignedIn, Refusal
from villagecall.http.context import Context, handles
from villagecall.http.services import Services
from villagecall.issuing.devices import SILENT_S, Device, Line, device_actor
from villagecall.issuing.printers import Printer
from villagecall.issuing.refusals import DeviceUnknown

LIMIT: Final = 64 * 1024
POLL_S: Final = 5.0
"""How often pending jobs are looked at when no hint came."""

_log = structlog.get_logger(__name__)


class _Frame(BaseModel):
    model_config = ConfigDict(extra="ignore")
    t: str
    id: int = Field(default=0, ge=0)


class _Hello(_Frame):
    v: int
    name: str = Field(default="", max_length=200)
    printers: tuple[Printer, ...] = Field(default=(), max_length=32)


class _Printers(_Frame):
    printers: tuple[Printer, ...] = Field(max_length=32)


class _PrintState(_Frame):
    print_id: UUID
    state: str
    job: int = 0
    reasons: tuple[str, ...] = Field(default=(), max_length=32)


_FRAME: Final = TypeAdapter(_Frame)


@handles("device_socket")
async def device_socket(context: Context) -> web.StreamResponse:
    if context.device is None:
        raise NotSignedIn
    device = await context.services.devices.get(context.device)
    socket = web.WebSocketResponse(max_msg_size=LIMIT, autoping=True)
    await socket.prepare(context.request)
    with context.services.devices.line(device) as line:
        await _Talk(context.services, device, line, socket).run()
    return socket


class _Talk:
    """One connection of one agent."""

    def __init__(self, services: Services, device: Device, line: Line, socket: web.WebSocketResponse) -> None:
        self._services, self._device, self._line, self._socket = services, device, line, socket
        self._greeted = asyncio.Event()
        self._told: set[UUID] = set()

    async def run(self) -> None:
        work = asyncio.create_task(self._work())
        over = asyncio.create_task(self._over())
        try:
            await self._listen()
        finally:
            for task in (work, over):
                task.cancel()
            await asyncio.gather(work, over, return_exceptions=True)
            if not self._line.over.is_set() and self._greeted.is_set():
                await self._services.devices.alive(self._device, online=False)

    async def _listen(self) -> None:
        while True:
            try:
                message = await self._socket.receive(timeout=SILENT_S)
            except TimeoutError:
                await self._socket.close(code=4408, message=b"silent")
                return
            if message.type is not WSMsgType.TEXT:
                if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
                    return
                continue
            await self._answer(message.data)

    async def _answer(self, text: str) -> None:
        re = 0
        try:
            raw = orjson.loads(text)
            re = _FRAME.validate_python(raw).id
            await self._do(raw)
        except (orjson.JSONDecodeError, ValidationError):
            await self._send({"t": "error", "re": re, "error": BadRequest().as_json()})
        except Refusal as refusal:
            await self._send({"t": "error", "re": re, "error": refusal.as_json()})
        except Exception:
            _log.exception("device_frame_failed", device=str(self._device.device_id))
            await self._send({"t": "error", "re": re, "error": Refusal().as_json()})
        else:
            await self._send({"t": "ok", "re": re})

    async def _do(self, raw: Mapping[str, Any]) -> None:
        devices = self._services.devices
        match raw["t"]:
            case "hello":
                hello = _Hello.model_validate(raw)
                if hello.v != 1:
                    raise BadRequest(field="v")
                await devices.alive(self._device, hello.printers)
                self._greeted.set()
            case "printers":
                await devices.alive(self._device, _Printers.model_validate(raw).printers)
            case "ping":
                await devices.alive(self._device)
            case "print.state":
                said = _PrintState.model_validate(raw)
                await self._services.issuing.tickets.report(
                    said.print_id,
                    said.state,
                    actor=device_actor(self._device),
                    device=self._device.device_id,
                    job=said.job,
                    reasons=said.reasons,
                )
                await devices.taken(self._device.device_id, said.print_id)
            case _:
                raise BadRequest(field="t")

    async def _work(self) -> None:
        """Tell the agent what to print: at once when there is a hint, and with a look every few seconds."""
        await self._greeted.wait()
        while True:
            try:
                await self._tell_jobs()
            except DeviceUnknown:
                self._line.end(4401)
                return
            except (Refusal, ConnectionError):
                _log.warning("device_jobs_not_told", device=str(self._device.device_id), exc_info=True)
            try:
                async with asyncio.timeout(POLL_S):
                    await self._line.work.wait()
            except TimeoutError:
                continue
            finally:
                self._line.work.clear()

    async def _tell_jobs(self) -> None:
        """Jobs are told once a connection; those whose ticket was used or withdrawn meanwhile are dropped."""
        services = self._services
        for job in (await services.devices.get(self._device.device_id)).jobs:
            if job.print_id in self._told:
                continue
            case = await services.approval.get(job.case_id)
            ticket = next((each for each in case.prints if each.print_id == job.print_id), None)
            if ticket is None or ticket.state != "ticketed":
                await services.devices.taken(self._device.device_id, job.print_id)
                continue
            self._told.add(job.print_id)
            await self._send(
                {
                    "t": "print",
                    "print_id": str(job.print_id),
                    "ticket": services.issuing.tickets.secret(job.case_id, job.print_id),
                    "printer": job.printer,
                    "title": job.title,
                    "copies": 1,
                }
            )

    async def _over(self) -> None:
        """Revoked, replaced by a newer connection, or the server stops."""
        await self._line.over.wait()
        if self._line.code == 4401:
            await self._send({"t": "unpaired"})
        await self._socket.close(code=self._line.code)

    async def _send(self, frame: Mapping[str, object]) -> None:
        if not self._socket.closed:
            await self._socket.send_str(orjson.dumps(frame).decode())
