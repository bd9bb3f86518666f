"""From the bus to the browsers: what changed elsewhere, as hints to look again.

A hint carries no contents. Losing one costs a page some seconds, never the truth: every page fetches anew
after a reconnect, and the hub reads the list of calls again from time to time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

import structlog

from villagecall.case import Case
from villagecall.directory.model import Role
from villagecall.directory.service import Directory
from villagecall.errors import NotFound
from villagecall.journal import JSON
from villagecall.ports import Bus, Cases
from villagecall.signaling.calls import Rooms
from villagecall.signaling.presence import Connection, Presence, send_all
from villagecall.signaling.protocol import Close, push

TOPICS = ("case", "scan", "session.closed", "device", "directory")
RETRY_S = 1.0
_QUEUE_CHANGED = push("queue.changed")
_DEVICE_CHANGED = push("device.changed")
_log = structlog.get_logger(__name__)

Hint = Mapping[str, JSON]
Changed = Callable[[Case], Awaitable[None]]


class Hints:
    """Follows the bus. ``changed`` is told the state of a case whose call was touched by another process;
    ``anew`` is called whenever hints may have been missed."""

    def __init__(
        self,
        bus: Bus,
        cases: Cases,
        directory: Directory,
        rooms: Rooms,
        presence: Presence,
        changed: Changed,
        anew: Callable[[], Awaitable[None]],
    ) -> None:
        self._bus, self._cases, self._directory = bus, cases, directory
        self._rooms, self._presence, self._changed, self._anew = rooms, presence, changed, anew
        self._takers: dict[str, Callable[[Hint], Awaitable[None]]] = {
            "case": self._case,
            "scan": self._scan,
            "session.closed": self._session_closed,
            "device": self._device,
            "directory": self._people,
        }

    async def follow(self, ready: asyncio.Event) -> None:
        """Runs until cancelled; ``ready`` is set once the subscription stands."""
        while True:
            try:
                async with self._bus.subscribe(*TOPICS) as hints:
                    if ready.is_set():
                        await self._anew()
                        send_all(self._presence, _QUEUE_CHANGED)
                    ready.set()
                    async for topic, message in hints:
                        await self.take(topic, message)
            except Exception:
                _log.exception("bus_lost")
            await asyncio.sleep(RETRY_S)

    async def take(self, topic: str, message: Hint) -> None:
        """One hint. A broken one is logged and passed over: the next is worth as much."""
        try:
            await self._takers[topic](message)
        except Exception:
            _log.exception("hint_refused", topic=topic)

    async def _case(self, hint: Hint) -> None:
        """``{case_id, seq, kinds, state, village, town, units}``: see ``approval.store``."""
        case_id, seq, kinds = UUID(str(hint["case_id"])), hint["seq"], hint["kinds"]
        village = str(hint.get("village", ""))
        of_village = self._presence.of_unit(village)
        frame = push("case.changed", case=case_id, seq=seq, kinds=kinds)
        send_all({*self._presence.watchers(case_id), *of_village}, frame)
        listed = hint.get("units", [])
        units = [str(unit) for unit in listed] if isinstance(listed, list) else []
        lines = {conn for unit in (*units, str(hint.get("town", ""))) for conn in self._presence.of_unit(unit)}
        send_all(lines | set(of_village), _QUEUE_CHANGED)
        room = self._rooms.of_case(case_id)
        called = isinstance(kinds, list) and any(str(kind).startswith("call.") for kind in kinds)
        if called if room is None else room.case.seq < int(str(seq)):
            await self._changed(await self._cases.get(case_id))

    async def _scan(self, hint: Hint) -> None:
        """``{case_id, file_id, done, total}``: pages of an upload judged so far."""
        case_id = UUID(str(hint["case_id"]))
        watchers = self._presence.watchers(case_id)
        if watchers and "file_id" in hint:
            done, total = hint.get("done", 0), hint.get("total", 0)
            frame = push("file.progress", case=case_id, file_id=hint["file_id"], done=done, total=total)
            send_all(watchers, frame, may_drop=True)

    async def _session_closed(self, hint: Hint) -> None:
        """``{digest}`` (hex) of one session, or ``{person}`` for all of a person's."""
        digest, person = str(hint.get("digest", "")), str(hint.get("person", ""))
        for conn in self._presence:
            if conn.session.hex() == digest or (not digest and str(conn.person.person_id) == person):
                sign_out(conn, str(hint.get("why", "signed_out")))

    async def _device(self, hint: Hint) -> None:
        """``{unit}``: a printer or agent of the unit changed; administrators look after all."""
        unit = str(hint.get("unit", ""))
        conns = self._presence.of_unit(unit) if unit else tuple(self._presence)
        admins = (conn for conn in self._presence if conn.person.role is Role.ADMIN)
        send_all({*conns, *admins}, _DEVICE_CHANGED)

    async def _people(self, hint: Hint) -> None:
        """Somebody of the staff may have changed post or left: they sign in again."""
        for conn in self._presence:
            try:
                now = self._directory.person(conn.person.person_id)
            except NotFound:
                continue
            if not now.active or (now.role, now.unit) != (conn.person.role, conn.person.unit):
                sign_out(conn, "person_changed")


def sign_out(conn: Connection, why: str) -> None:
    conn.send(push("session.closed", why=why))
    conn.close(Close.SIGNED_OUT, why)
