"""The media node in process: who is connected to which call, who is shown in which slot, what is recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import UUID

import structlog
from aiortc.rtcdtlstransport import RTCCertificate

from villagecall.errors import NotFound, Unavailable
from villagecall.journal import JSON
from villagecall.ports import MediaAnswer, MediaListener, MediaStats, RecordingFile, Slot
from villagecall.signaling import recording
from villagecall.signaling.aiortc_transport import Transport, local_addresses, parse_candidate
from villagecall.signaling.frames import Axis, Frames, MediaClock
from villagecall.signaling.matroska import AUDIO, VIDEO
from villagecall.signaling.peer import CLOCK, Peer
from villagecall.signaling.recording import Recording
from villagecall.signaling.room import MediaFull, Participant, Room
from villagecall.signaling.sdp import SLOTS, OfferRefused, parse_offer

log = structlog.get_logger(__name__)

TICK_S = 0.05
SILENT_S = 3.5
"""A browser sends sound every 20 ms: silence this long is a dead path."""
FORGET_S = 30.0
"""Consent to send ends this long after the last sign of life (RFC 7675 section 5.1)."""
CONNECT_S = 20.0
CERTIFICATE_S = 20 * 86400

Servers = Sequence[Mapping[str, Any]]


class AiortcNode:
    """Implements :class:`villagecall.ports.MediaEngine`.

    ``folder`` is where recordings lie (``<call>/<participant>.webm``); ``addresses`` empty = all of this
    machine; ``ports`` an inclusive UDP range, None = any; ``ice_servers`` gives ``RTCIceServer``
    dictionaries for the node's own relay, asked at each connection because credentials expire.
    """

    def __init__(
        self,
        folder: Path,
        addresses: Sequence[str] = (),
        ports: tuple[int, int] | None = None,
        ice_servers: Servers | Callable[[], Servers] = (),
    ) -> None:
        self._folder = folder
        self._addresses = tuple(addresses)
        self._ports = ports
        self._ice_servers = ice_servers
        self._rooms: dict[UUID, Room] = {}
        self._listeners: list[MediaListener] = []
        self._events: asyncio.Queue[tuple[UUID, UUID, str]] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="recording")
        self._certificate = RTCCertificate.generateCertificate()
        self._certified = monotonic()
        self._running: list[asyncio.Task[None]] = []

    def listen(self, listener: MediaListener) -> None:
        """Events reach every listener in the order they happened, one at a time."""
        self._listeners.append(listener)

    # ------------------------------------------------------------ coming and going

    async def join(self, call: UUID, participant: UUID, offer: str, *, record: bool) -> MediaAnswer:
        """Raises :class:`OfferRefused`, :class:`MediaFull`, :class:`~villagecall.errors.Unavailable` (no port)."""
        wanted = parse_offer(offer)
        self._start()
        room = self._rooms.setdefault(call, Room(call))
        if participant not in room.participants and len(room.participants) > SLOTS:
            raise MediaFull(limit=SLOTS + 1)
        person = room.participants.setdefault(participant, Participant(participant))
        async with person.lock:
            servers = self._ice_servers() if callable(self._ice_servers) else self._ice_servers
            transport = Transport(
                self._current_certificate(), self._addresses or local_addresses(), self._ports, servers
            )
            try:
                candidates = await transport.gather()
            except OSError as error:
                await transport.close()
                log.error("media_ports_used_up", error=error.strerror or str(error))
                raise Unavailable from error
            if room.over or room.participants.get(participant) is not person:
                await transport.close()
                raise NotFound
            peer = Peer(transport, wanted, lambda changed: self._changed(room, person, changed))
            self._replace(room, person, peer)
            self._record(room, person, peer, record)
            self._place(room, person)
            transport.start(
                wanted.username,
                wanted.password,
                ice_lite=wanted.ice_lite,
                fingerprints=wanted.fingerprints,
                role=wanted.dtls_role,
            )
            for candidate in wanted.candidates:
                await transport.add_candidate(candidate)
            return MediaAnswer(peer.answer(candidates), self._slots(person))

    async def candidate(self, call: UUID, participant: UUID, candidate: Mapping[str, JSON] | None) -> None:
        """Raises :class:`NotFound`, :class:`OfferRefused` (unreadable candidate)."""
        person = self._person(call, participant)
        async with person.lock:
            if person.peer is None:
                return
            try:
                parsed = parse_candidate(str(candidate.get("candidate") or "")) if candidate else None
                await person.peer.transport.add_candidate(parsed)
            except ValueError as error:
                raise OfferRefused(why="candidate") from error

    async def slots(self, call: UUID, participant: UUID) -> tuple[Slot, ...]:
        return self._slots(self._person(call, participant))

    async def stats(self, call: UUID, participant: UUID) -> MediaStats:
        peer = self._person(call, participant).peer
        if peer is None:
            return MediaStats(-1, -1)
        rtt = peer.transport.rtt
        return MediaStats(round(rtt * 1000) if rtt else -1, peer.loss)

    async def leave(self, call: UUID, participant: UUID) -> None:
        """The place is free for others; the recording ends here. Unknown ones have left already."""
        room = self._rooms.get(call)
        person = room.participants.pop(participant, None) if room is not None else None
        if room is None or person is None:
            return
        self._stop_recording(room, person)
        self._replace(room, person, None)
        for other in room.free(participant):
            self._emit(room, other, "slots")

    async def end(self, call: UUID) -> tuple[RecordingFile, ...]:
        """Everyone out; the recordings, closed and on disk. A call not known has none."""
        room = self._rooms.pop(call, None)
        if room is None:
            return ()
        room.over = True
        people = list(room.participants.values())
        room.participants.clear()
        for person in people:
            self._stop_recording(room, person)
            self._replace(room, person, None)
        files = []
        for participant, tape in room.closed:
            closed = await tape.close(monotonic())
            if closed is not None:
                files.append(_file(participant, closed))
        return tuple(files)

    def recordings(self) -> int:
        return sum(one.recording is not None for room in self._rooms.values() for one in room.participants.values())

    async def recover(self) -> tuple[tuple[UUID, RecordingFile], ...]:
        """Call it before the first join: it takes every open recording for an abandoned one.

        A recording is found again at each start until somebody takes its file away.
        """
        return await asyncio.get_running_loop().run_in_executor(self._disk, self._recover)

    def _recover(self) -> tuple[tuple[UUID, RecordingFile], ...]:
        found = []
        for path in sorted(self._folder.glob("*/*.webm")):
            try:
                call, participant = UUID(path.parent.name), UUID(path.stem[:36])
                closed = recording.recover(path) if recording.is_open(path) else recording.reread(path)
            except (ValueError, OSError) as error:
                # One file that is not ours or cannot be read must not keep the others from being found.
                log.error("recording_not_recovered", error=type(error).__name__)
                continue
            if closed is not None:
                found.append((call, _file(participant, closed)))
        return tuple(found)

    async def close(self) -> None:
        """End every call; recordings are closed, nothing waits."""
        for call in list(self._rooms):
            await self.end(call)
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        self._running.clear()
        self._disk.shutdown(wait=True)

    # ------------------------------------------------------------ the room

    def _person(self, call: UUID, participant: UUID) -> Participant:
        room = self._rooms.get(call)
        person = room.participants.get(participant) if room is not None else None
        if person is None:
            raise NotFound
        return person

    def _slots(self, person: Participant) -> tuple[Slot, ...]:
        peer = person.peer
        if peer is None:
            return ()
        return tuple(Slot(index, *peer.mids(index), shown) for index, shown in enumerate(person.slots))

    def _replace(self, room: Room, person: Participant, peer: Peer | None) -> None:
        """Give up the old connection, take the new one."""
        old, person.peer = person.peer, peer
        now = monotonic()
        for frames in person.frames:
            frames.finish(now)
        person.frames = []
        if old is not None:
            old.detach()
            self._spawn(old.transport.close())
        room.link()

    def _place(self, room: Room, person: Participant) -> None:
        for one in room.place():
            if one is not person:
                self._emit(room, one, "slots")

    # ------------------------------------------------------------ recording

    def _record(self, room: Room, person: Participant, peer: Peer, wanted: bool) -> None:
        if not wanted:
            return
        if person.recording is None:
            person.recording = Recording(self._new_path(room.id, person.id), self._disk, monotonic())
        tape = person.recording
        axis = Axis()
        for source, track in ((peer.audio, AUDIO), (peer.video, VIDEO)):
            frames = Frames(
                video=source.video,
                clock=MediaClock(CLOCK["video" if source.video else "audio"], axis),
                started=tape.started,
                emit=partial(tape.frame, track),
                lost=source.want_key,
            )
            source.sink = frames
            source.want_key(monotonic())
            person.frames.append(frames)

    def _new_path(self, call: UUID, participant: UUID) -> Path:
        folder = self._folder / str(call)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        taken = {tape.path for _, tape in self._rooms[call].closed}
        path = folder / f"{participant}.webm"
        number = 1
        while path in taken or path.exists():
            number += 1
            path = folder / f"{participant}-{number}.webm"
        return path

    def _stop_recording(self, room: Room, person: Participant) -> None:
        if person.recording is None:
            return
        now = monotonic()
        for frames in person.frames:
            frames.finish(now)
        person.frames = []
        tape, person.recording = person.recording, None
        room.closed.append((person.id, tape))
        self._spawn(_close_quietly(tape, now))

    # ------------------------------------------------------------ events and timers

    def _changed(self, room: Room, person: Participant, peer: Peer) -> None:
        if person.peer is not peer:
            return
        if peer.transport.state == "connected":
            self._alive(room, person, peer, True)
        elif peer.transport.state == "closed":
            self._alive(room, person, peer, False, tell=True)

    def _alive(self, room: Room, person: Participant, peer: Peer, alive: bool, *, tell: bool = False) -> None:
        if peer.alive != alive or tell:
            peer.alive = alive
            self._emit(room, person, "connected" if alive else "disconnected")
            if alive:
                room.link()

    def _emit(self, room: Room, person: Participant, event: str) -> None:
        if not room.over:
            self._events.put_nowait((room.id, person.id, event))

    async def _dispatch(self) -> None:
        while True:
            event = await self._events.get()
            for listener in self._listeners:
                try:
                    await listener(*event)
                except Exception:
                    log.exception("media_listener_failed", event_kind=event[2])

    async def _tick(self) -> None:
        """One timer for all connections."""
        second = 0.0
        while True:
            await asyncio.sleep(TICK_S)
            now = monotonic()
            full = now - second >= 1
            if full:
                second = now
            for room in list(self._rooms.values()):
                for person in list(room.participants.values()):
                    self._attend(room, person, now, full)

    def _attend(self, room: Room, person: Participant, now: float, full: bool) -> None:
        peer = person.peer
        for frames in person.frames:
            frames.tick(now)
        if peer is not None:
            peer.repair(now)
        if not full:
            return
        if person.recording is not None:
            person.recording.tick(now)
        if peer is None or peer.transport.state == "closed":
            return
        silent = now - peer.transport.heard
        if peer.transport.state == "connected":
            peer.reports(now)
            self._alive(room, person, peer, silent < SILENT_S)
        if silent > FORGET_S or (peer.transport.state == "new" and now - peer.begun > CONNECT_S):
            self._spawn(peer.transport.close())

    def _start(self) -> None:
        if not self._running:
            self._running = [asyncio.create_task(self._dispatch()), asyncio.create_task(self._tick())]

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _current_certificate(self) -> RTCCertificate:
        if monotonic() - self._certified > CERTIFICATE_S:
            self._certificate = RTCCertificate.generateCertificate()
            self._certified = monotonic()
        return self._certificate


async def _close_quietly(tape: Recording, now: float) -> None:
    await tape.close(now)


def _file(participant: UUID, closed: recording.Closed) -> RecordingFile:
    return RecordingFile(participant, closed.path, closed.ms, closed.chain, closed.gaps)
