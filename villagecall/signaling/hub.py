"""The hub: connections in, frames to use cases, answers and pushes out.

One :class:`Hub` a process. It owns no truth: calls stand in the journal (:mod:`villagecall.signaling.calls`),
sound and picture go through the media engine, and what it keeps of connections is gone with them.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

import structlog

from villagecall.case import Case
from villagecall.directory.model import Person, Role
from villagecall.directory.service import Directory
from villagecall.errors import Refusal, Unavailable
from villagecall.journal import SYSTEM
from villagecall.ports import Blobs, Bus, Cases, Clock, Delivery, Journal, MediaEngine, Sessions
from villagecall.settings import Settings
from villagecall.signaling import calls, rules
from villagecall.signaling import messages as m
from villagecall.signaling import protocol as p
from villagecall.signaling.calls import CallFacts, CallViewer, Rooms
from villagecall.signaling.handlers import Handlers, desks_seen
from villagecall.signaling.hints import Hints, sign_out
from villagecall.signaling.presence import Connection, Outlet, Presence
from villagecall.signaling.sealing import Sealing
from villagecall.signaling.service import Calls
from villagecall.signaling.switchboard import Switchboard

TICK_S = 1.0
QUALITY_S = 5.0
AGAIN_S = 20.0
"""How often the list of calls and the sessions are looked at, whatever the bus said."""
PRESENCE_S = 0.1
"""Changes of presence within this time are told at once: after a restart everybody comes back together."""
DEAD_STATES = frozenset({"withdrawn", "terminated", "not_accepted"})
"""A case in such a state has nothing left to call about."""

_KINDS = {Role.CLERK: "terminal", Role.TOWN: "desk", Role.DISTRICT: "desk"}

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Figures:
    """Numbers of this moment, nobody's names. Calls are the county's, connections and recordings this process's."""

    connections: Counter[str]
    """By kind: ``terminal`` (a clerk's page), ``desk``, ``admin``, ``supervisor``."""
    calls: Counter[str]
    """By state: ``waiting`` (no desk is free), ``ringing``, ``active``."""
    on_duty: int
    """People at a desk."""
    recordings: int


class Hub:
    """``start`` before the first connection, ``close`` at the end. ``monotonic`` gives seconds."""

    def __init__(
        self,
        *,
        cases: Cases,
        media: MediaEngine,
        directory: Directory,
        bus: Bus,
        blobs: Blobs,
        journal: Journal,
        clock: Clock,
        settings: Settings,
        call_view: CallViewer,
        sessions: Sessions | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cases, self._media, self._directory, self._journal = cases, media, directory, journal
        self._clock, self._settings, self._sessions, self._now = clock, settings, sessions, monotonic
        self._rooms, self._presence = Rooms(), Presence()
        self._calls = Calls(cases, media, directory, self._rooms, self._presence, self._changed)
        self._board = Switchboard(
            self._rooms, self._presence, media, call_view, name=self._calls.name, busy=self._calls.busy
        )
        self._sealing = Sealing(cases, media, blobs)
        self._hints = Hints(bus, cases, directory, self._rooms, self._presence, self._changed, self.reload)
        self._tasks: list[asyncio.Task[None]] = []
        self._flush: asyncio.TimerHandle | None = None
        self._handlers = Handlers(
            cases=cases,
            directory=directory,
            settings=settings,
            now=clock.now,
            rooms=self._rooms,
            presence=self._presence,
            calls=self._calls,
            board=self._board,
            presence_changed=self._tell_presence_soon,
        )

    # ------------------------------------------------------------ life

    async def start(self) -> None:
        """Take up the calls that are not over, finish what a killed process left, listen to the bus."""
        self._media.listen(self._media_event)
        ready = asyncio.Event()
        self._tasks.append(asyncio.create_task(self._hints.follow(ready)))
        await ready.wait()
        await self.reload()
        await self._sealing.recover()
        self._tasks.append(asyncio.create_task(self._every(TICK_S, self.tick)))
        self._tasks.append(asyncio.create_task(self._every(QUALITY_S, self._quality)))
        self._tasks.append(asyncio.create_task(self._every(AGAIN_S, self._again)))

    async def close(self) -> None:
        """Tell every browser that the server restarts. The calls stay as they are: they are waited for."""
        if self._flush is not None:
            self._flush.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        for conn in self._presence:
            conn.close(p.Close.RESTART, "restart")

    async def _every(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await work()
            except Exception:
                _log.exception("hub_round_failed", work=work.__name__)

    async def reload(self) -> None:
        """Read the journal's list of live calls; also what a lost hint would have said."""
        for case in await calls.load(self._journal):
            room = self._rooms.of_case(case.case_id)
            if room is None or room.case.seq < case.seq:
                await self._changed(case)

    async def consume(self, delivery: Delivery) -> None:
        """Outbox consumer of topic ``recording``."""
        await self._sealing.consume(delivery)

    # ------------------------------------------------------------ connections

    def connect(self, outlet: Outlet, person: Person, session: bytes) -> Connection:
        """A socket of a signed-in person; ``session`` is the digest of its session."""
        conn = Connection(outlet, person, session, self._now())
        self._presence.add(conn)
        return conn

    async def frame(self, conn: Connection, raw: bytes | str) -> None:
        """One frame from a browser; answered exactly once. Frames of one connection come one after another."""
        try:
            frame = conn.wire.receive(raw, self._now())
        except m.Refused as no:
            conn.send(p.error(no.re, no.refusal))
            return
        except p.Flood:
            conn.close(p.Close.POLICY, "flood")
            return
        if type(frame) is m.Ping:
            conn.send(p.ok(frame.id))
            return
        try:
            await self._handlers.handle(conn, frame)
        except Refusal as no:
            conn.send(p.error(frame.id, no))
        except Exception:
            _log.exception("frame_failed", frame=type(frame).__name__)
            conn.send(p.error(frame.id, Unavailable()))

    async def disconnect(self, conn: Connection) -> None:
        """The socket is gone. A call it was in waits for it (:data:`rules.LOST_S`)."""
        conn.closed = True
        if not self._presence.drop(conn):
            return
        room = self._calls.room_of(conn.who)
        if room is not None and conn.tab is not None:
            room.lost[conn.tab] = self._now()
        self._board.update_all()
        self._tell_presence_soon()

    def facts(self, case: Case) -> CallFacts | None:
        """What is true of a case's live call beside its journal, None when it has none."""
        room = self._rooms.of_case(case.case_id)
        return self._board.facts(room) if room is not None else None

    def figures(self) -> Figures:
        """What the metrics say of calls and connections."""
        kinds = Counter(_KINDS.get(conn.person.role, str(conn.person.role)) for conn in self._presence)
        states = Counter(
            "ringing" if room.call.state == "waiting" and room.rung else room.call.state for room in self._rooms
        )
        return Figures(kinds, states, sum(self._presence.desks().values()), self._media.recordings())

    # ------------------------------------------------------------ rounds

    async def tick(self) -> None:
        """Once a second: silent lines, participants gone for too long, calls whose case is over."""
        now = self._now()
        for conn in self._presence:
            if conn.wire.silent(now):
                conn.close(p.Close.SILENT, "silent")
        for room in self._rooms:
            if room.case.state in DEAD_STATES:
                with contextlib.suppress(Refusal):  # somebody has just hung up
                    await self._calls.finish(room, SYSTEM, "case_over")
                continue
            # Desks first: without one the call waits again, and then the village's seat is kept.
            for party in sorted(rules.present_parties(room.call), key=lambda party: party.role == Role.CLERK):
                if self._presence.is_connected(party.participant):
                    room.lost.pop(party.participant, None)
                elif rules.is_lost(party, room.call, now - room.lost.setdefault(party.participant, now)):
                    with contextlib.suppress(Refusal):  # it left or the call ended meanwhile
                        await self._calls.lose(room, party)

    async def _quality(self) -> None:
        for room in self._rooms:
            if room.call.state == "active" and room.call.consented:
                await self._board.quality(room)

    async def _again(self) -> None:
        await self.reload()
        await self._sealing.retry()
        if self._sessions is None:
            return
        for digest in {conn.session for conn in self._presence}:
            session = await self._sessions.get(digest)
            if session is None or session.expires <= self._clock.now():
                for conn in self._presence.of_session(digest):
                    sign_out(conn, "expired")

    async def _changed(self, case: Case) -> None:
        await self._board.changed(case)

    async def _media_event(self, call_id: UUID, participant: UUID, event: str) -> None:
        room = self._rooms.get(call_id)
        if room is not None and event in ("slots", "connected"):
            await self._board.media(room, participant)

    def _tell_presence_soon(self) -> None:
        if self._flush is None:
            self._flush = asyncio.get_running_loop().call_later(PRESENCE_S, self._tell_presence)

    def _tell_presence(self) -> None:
        self._flush = None
        frames: dict[frozenset[str], bytes] = {}
        desks = self._presence.desks()
        for conn in self._presence:
            if conn.tab is not None:
                seen = self._handlers.sees(conn.person)
                if seen not in frames:
                    frames[seen] = p.push("presence", desks=desks_seen(desks, seen))
                conn.send(frames[seen], may_drop=True)
