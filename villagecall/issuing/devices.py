"""Agents on village PCs: pairing, who they are, what they have to print, how their printers are.

A device is a stream of the journal (kind ``device``): paired, given jobs, taken jobs, revoked. Whether it
is online and how its printers are is passing news: it lives in memory and goes round on the bus
(``device.alive`` every heartbeat, ``device.job`` when there is work), so every process knows the same
within a heartbeat and nothing of it is ever written down.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from pydantic import TypeAdapter, ValidationError

from villagecall.case import Model
from villagecall.directory.service import Directory
from villagecall.errors import Conflict, NameTaken
from villagecall.ids import uuid7
from villagecall.issuing.printers import Printer
from villagecall.issuing.refusals import DeviceUnknown, PairingRefused
from villagecall.journal import JSON, SYSTEM, Action, Actor, Head, stamp, unstamp
from villagecall.ports import Append, Bus, Clock, Consumer, Delivery, Journal, Place, Snapshot

KIND: Final = "device"
LIST: Final = "devices"
TOPIC: Final = "device"
"""Bus topic for pages: ``{device, unit}``, look again."""
_ALIVE, _JOB = "device.alive", "device.job"

PAIRING_MINUTES: Final = 10
SILENT_S: Final = 45
"""An agent not heard of for so long is offline."""

_TRIES: Final = 20
_PRINTERS: Final = TypeAdapter(tuple[Printer, ...])
_log = structlog.get_logger(__name__)


class Job(Model):
    """A print waiting for its agent. ``title`` names the certificate by number, never a person."""

    print_id: UUID
    case_id: UUID
    printer: str = ""
    title: str = ""


class Device(Model):
    """A paired agent of one village (or town) unit."""

    device_id: UUID
    unit: str
    name: str
    paired: datetime
    revoked: bool = False
    jobs: tuple[Job, ...] = ()


class _Pairing(Model):
    unit: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class Presence:
    """What is known of an agent now. ``seen`` None = never since this process runs."""

    online: bool = False
    seen: datetime | None = None
    printers: tuple[Printer, ...] = ()


@dataclass(eq=False)
class Line:
    """The connection of one agent: ``work`` is set when there may be jobs, ``over`` when it must end, with
    the WebSocket close ``code``: 4401 unpaired, 4409 replaced by a newer one, 1012 the server stops."""

    device_id: UUID
    code: int = 4409
    work: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def end(self, code: int) -> None:
        self.code = code
        self.over.set()


_Change = Callable[[Device], Device]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


def device_actor(device: Device) -> Actor:
    return Actor(f"device:{device.device_id}", device.unit, "device")


class Devices:
    """``Devices(journal, directory, bus, clock)``; ``start`` and ``close`` where processes are many."""

    def __init__(self, journal: Journal, directory: Directory, bus: Bus, clock: Clock) -> None:
        self._journal, self._directory, self._bus, self._clock = journal, directory, bus, clock
        self._presence: dict[UUID, Presence] = {}
        self._lines: dict[UUID, Line] = {}
        self._listening: asyncio.Task[None] | None = None

    def consumers(self) -> Mapping[str, Consumer]:
        """The outbox topics this room answers."""
        return {"print": self.enqueue}

    # ------------------------------------------------------------ pairing

    async def open_pairing(self, unit: str, actor: Actor) -> tuple[str, datetime]:
        """A code of eight digits for one agent of ``unit``, and until when. Raises ``NotFound``."""
        self._directory.unit(unit)
        expires = self._clock.now() + timedelta(minutes=PAIRING_MINUTES)
        state = _Pairing(unit=unit, expires=expires)
        for _ in range(_TRIES):
            code = f"{secrets.randbelow(10**8):08}"
            action = Action("pairing.opened", actor, self._clock.now(), {"unit": unit, "expires": stamp(expires)})
            with contextlib.suppress(NameTaken):
                await self._journal.append(
                    Append(
                        stream=(stream := uuid7()),
                        kind="pairing",
                        expected=Head(),
                        actions=(action,),
                        state=state.model_dump_json().encode(),
                        key=f"pairing:{stream}",
                        names=(f"pairing:{_hash(code)}",),
                    )
                )
                return code, expires
        raise Conflict

    async def pair(self, code: str, name: str) -> tuple[Device, str]:
        """The new device and its secret, told this once. Raises ``PairingRefused``."""
        snapshot = await self._journal.by_name(f"pairing:{_hash(code.strip())}")
        now = self._clock.now()
        if snapshot is None or (pairing := _Pairing.model_validate_json(snapshot.state)).expires < now:
            raise PairingRefused
        secret = secrets.token_urlsafe(32)
        device = Device(device_id=uuid7(), unit=pairing.unit, name=name or "打印终端", paired=now)
        action = Action("device.paired", SYSTEM, now, {"unit": device.unit, "name": device.name})
        try:
            await self._journal.append(
                Append(
                    stream=device.device_id,
                    kind=KIND,
                    expected=Head(),
                    actions=(action,),
                    state=_dump(device),
                    key=f"pair:{device.device_id}",
                    # The used mark is a name: of two agents with one code, one gets it.
                    names=(f"device-secret:{_hash(secret)}", f"pairing-used:{_hash(code.strip())}"),
                    join=(Place(LIST, f"{device.unit}:{stamp(now)}"),),
                )
            )
        except NameTaken:
            raise PairingRefused from None
        await self._tell(device)
        return device, secret

    async def authenticate(self, secret: str) -> Device | None:
        """Whose secret this is; None for a wrong or revoked one."""
        device = _device(await self._journal.by_name(f"device-secret:{_hash(secret)}"))
        return None if device is None or device.revoked else device

    async def revoke(self, device_id: UUID, actor: Actor) -> None:
        """The agent's secret is worth nothing from now on; its socket is closed."""
        device = await self._change(
            device_id, "device.revoked", {}, actor, lambda old: old.model_copy(update={"revoked": True, "jobs": ()})
        )
        if device_id in self._lines:
            self._lines[device_id].end(4401)
        await self._publish(_JOB, {"device": str(device_id), "over": True})
        await self._tell(device)

    # ------------------------------------------------------------ reading

    async def get(self, device_id: UUID) -> Device:
        """Raises ``DeviceUnknown``, also for one that was revoked."""
        device = _device(await self._journal.snapshot(device_id))
        if device is None or device.revoked:
            raise DeviceUnknown
        return device

    async def of_units(self, units: Collection[str] | None) -> list[Device]:
        """Paired devices of ``units``, in the order of units and pairing; None = all."""
        found, after = [], None
        while True:
            page = await self._journal.page(LIST, after, 200)
            devices = [_device(snapshot) for snapshot in page.snapshots]
            found += [each for each in devices if each and not each.revoked and (units is None or each.unit in units)]
            after = page.next
            if after is None:
                return found

    def presence(self, device_id: UUID) -> Presence:
        known = self._presence.get(device_id, Presence())
        fresh = known.seen is not None and self._clock.now() - known.seen <= timedelta(seconds=SILENT_S)
        return known if known.online == (known.online and fresh) else Presence(False, known.seen, known.printers)

    def online(self) -> int:
        """How many village PCs are connected, to whichever server."""
        return sum(self.presence(device_id).online for device_id in self._presence)

    # ------------------------------------------------------------ jobs

    async def enqueue(self, delivery: Delivery) -> None:
        """Outbox ``print``: the job goes to its device, once; a device that is gone loses it silently,
        the ticket stays unused and can be replaced."""
        payload = delivery.message.payload
        job = Job.model_validate({key: payload[key] for key in ("print_id", "case_id", "printer", "title")})
        device_id = UUID(str(payload["device"]))

        def add(old: Device) -> Device:
            return old.model_copy(update={"jobs": (*old.jobs, job)})

        about: dict[str, JSON] = {"print_id": str(job.print_id), "case_id": str(job.case_id)}
        try:
            await self._change(device_id, "device.job_added", about, SYSTEM, add, key=f"job:{job.print_id}")
        except DeviceUnknown:
            _log.warning("print_without_device", print_id=str(job.print_id))
            return
        if device_id in self._lines:
            self._lines[device_id].work.set()
        await self._publish(_JOB, {"device": str(device_id)})

    async def taken(self, device_id: UUID, print_id: UUID) -> None:
        """The agent has this job, or it is not to be printed any more."""

        def drop(old: Device) -> Device:
            return old.model_copy(update={"jobs": tuple(job for job in old.jobs if job.print_id != print_id)})

        device = await self.get(device_id)
        if any(job.print_id == print_id for job in device.jobs):
            about: dict[str, JSON] = {"print_id": str(print_id)}
            await self._change(device_id, "device.job_taken", about, SYSTEM, drop, key=f"taken:{print_id}")

    # ------------------------------------------------------------ lines

    @contextmanager
    def line(self, device: Device) -> Iterator[Line]:
        """The connection of an agent; a second one ends the first."""
        if (old := self._lines.get(device.device_id)) is not None:
            old.end(4409)
        mine = self._lines[device.device_id] = Line(device.device_id)
        mine.work.set()
        try:
            yield mine
        finally:
            if self._lines.get(device.device_id) is mine:
                del self._lines[device.device_id]

    async def alive(self, device: Device, printers: Sequence[Printer] | None = None, *, online: bool = True) -> None:
        """A word from (or the end of) an agent. Pages are told only when something is different."""
        before = self.presence(device.device_id)
        news = Presence(online, self._clock.now(), before.printers if printers is None else tuple(printers))
        self._presence[device.device_id] = news
        doc: list[JSON] = [each.model_dump(mode="json") for each in news.printers]
        await self._publish(
            _ALIVE,
            {"device": str(device.device_id), "online": online, "seen": stamp(self._clock.now()), "printers": doc},
        )
        if (before.online, before.printers) != (news.online, news.printers):
            await self._tell(device)

    async def start(self) -> None:
        """Listen to the other processes."""
        self._listening = asyncio.create_task(self._listen(), name="devices")

    async def close(self) -> None:
        for line in self._lines.values():
            line.end(1012)
        if self._listening is not None:
            self._listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listening

    async def _listen(self) -> None:
        async with self._bus.subscribe(_ALIVE, _JOB) as hints:
            async for topic, message in hints:
                try:
                    self._heard(topic, message)
                except (KeyError, ValueError, ValidationError):
                    _log.warning("device_hint_unreadable", topic=topic)

    def _heard(self, topic: str, message: Mapping[str, JSON]) -> None:
        device_id = UUID(str(message["device"]))
        if topic == _JOB:
            if (line := self._lines.get(device_id)) is not None:
                if message.get("over"):
                    line.end(4401)
                else:
                    line.work.set()
        elif device_id not in self._lines:
            printers = _PRINTERS.validate_python(message["printers"])
            seen = unstamp(str(message["seen"]))
            self._presence[device_id] = Presence(bool(message["online"]), seen, printers)

    async def _publish(self, topic: str, message: Mapping[str, JSON]) -> None:
        try:
            await self._bus.publish(topic, message)
        except Exception:  # a hint: the next heartbeat or poll says it again
            _log.warning("device_hint_lost", topic=topic)

    async def _tell(self, device: Device) -> None:
        await self._publish(TOPIC, {"device": str(device.device_id), "unit": device.unit})

    # ------------------------------------------------------------ writing

    async def _change(
        self,
        device_id: UUID,
        kind: str,
        payload: Mapping[str, JSON],
        actor: Actor,
        change: _Change,
        key: str = "",
    ) -> Device:
        for _ in range(_TRIES):
            snapshot = await self._journal.snapshot(device_id)
            old = _device(snapshot)
            if snapshot is None or old is None or old.revoked:
                raise DeviceUnknown
            new = change(old)
            action = Action(kind, actor, self._clock.now(), payload)
            write = Append(device_id, KIND, snapshot.head, (action,), _dump(new), key or f"{kind}:{uuid7()}")
            with contextlib.suppress(Conflict):
                await self._journal.append(write)
                return new
        raise Conflict


def _dump(device: Device) -> bytes:
    return device.model_dump_json(exclude_defaults=True).encode()


def _device(snapshot: Snapshot | None) -> Device | None:
    if snapshot is None or snapshot.kind != KIND:
        return None
    return Device.model_validate_json(snapshot.state)
