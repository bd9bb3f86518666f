"""A hall of browsers around one hub: real cases in an in-memory journal, sockets replaced by lists.

:class:`Tape` is a recording test double of the media engine; the node itself has tests of its own and
takes part in ``test_hub_media.py``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from tests.support.office import LI, Office, actor, key
from tests.support.office import office as open_office
from villagecall.adapters.blobs_local import LocalBlobs
from villagecall.case import Call, Case
from villagecall.directory.model import Item, Person
from villagecall.errors import NotFound
from villagecall.ids import uuid7
from villagecall.journal import JSON
from villagecall.ports import Bus, MediaAnswer, MediaEngine, MediaListener, MediaStats, RecordingFile, Slot
from villagecall.settings import Settings
from villagecall.signaling.calls import CallFacts
from villagecall.signaling.hub import Hub
from villagecall.signaling.presence import Connection


class Tape:
    """Remembers what the hub asks of the media engine, and hands out files where a test laid some."""

    def __init__(self) -> None:
        self.done: list[tuple[str, UUID, UUID | None]] = []
        self.files: dict[UUID, tuple[RecordingFile, ...]] = {}
        self.left_open: tuple[tuple[UUID, RecordingFile], ...] = ()
        self.line = MediaStats(-1, -1)
        self.inside: set[tuple[UUID, UUID]] = set()
        self.listener: MediaListener | None = None

    async def join(self, call: UUID, participant: UUID, offer: str, *, record: bool) -> MediaAnswer:
        assert record
        self.done.append(("join", call, participant))
        self.inside.add((call, participant))
        return MediaAnswer("answer to " + offer, await self.slots(call, participant))

    async def candidate(self, call: UUID, participant: UUID, candidate: Mapping[str, JSON] | None) -> None:
        self.done.append(("candidate", call, participant))

    async def slots(self, call: UUID, participant: UUID) -> tuple[Slot, ...]:
        if (call, participant) not in self.inside:
            raise NotFound
        return tuple(Slot(n, f"{2 + 2 * n}", f"{3 + 2 * n}", None) for n in range(3))

    async def stats(self, call: UUID, participant: UUID) -> MediaStats:
        if (call, participant) not in self.inside:
            raise NotFound
        return self.line

    async def leave(self, call: UUID, participant: UUID) -> None:
        self.done.append(("leave", call, participant))

    async def end(self, call: UUID) -> tuple[RecordingFile, ...]:
        self.done.append(("end", call, None))
        return self.files.pop(call, ())

    async def recover(self) -> tuple[tuple[UUID, RecordingFile], ...]:
        found, self.left_open = self.left_open, ()
        return found

    def recordings(self) -> int:
        return len(self.inside)

    def listen(self, listener: MediaListener) -> None:
        self.listener = listener

    async def close(self) -> None:
        self.done.append(("close", UUID(int=0), None))


class Line:
    """A browser's end of a socket: every frame that came, and how it was closed."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self.closed: tuple[int, str] | None = None
        self.waiting = 0

    def send(self, frame: bytes) -> None:
        size, start = frame[1], 2
        if size == 126:
            size, start = int.from_bytes(frame[2:4], "big"), 4
        elif size == 127:
            size, start = int.from_bytes(frame[2:10], "big"), 10
        assert frame[0] == 0x81
        assert len(frame) == start + size
        self.frames.append(orjson.loads(frame[start:]))

    def backlog(self) -> int:
        return self.waiting

    def close(self, code: int, why: str) -> None:
        assert self.closed is None
        self.closed = (code, why)


class Tab:
    """One browser tab of one person."""

    def __init__(self, hall: Hall, person: Person, tab: UUID | None = None, session: bytes = b"") -> None:
        self.hall, self.person, self.id = hall, person, tab or uuid7()
        self.session = session or person.person_id.bytes
        self.line = Line()
        self.conn: Connection | None = None
        self._number = 0
        self.welcome: dict[str, Any] = {}

    async def open(self) -> Tab:
        self.line = Line()
        self.conn = self.hall.hub.connect(self.line, self.person, self.session)
        self.welcome = await self.ask("hello", v=1, tab=str(self.id))
        return self

    async def ask(self, t: str, **fields: object) -> dict[str, Any]:
        """Send a request; gives its one answer, ``ok`` or ``error``."""
        assert self.conn is not None
        self._number += 1
        await self.hall.hub.frame(self.conn, orjson.dumps({"t": t, "id": self._number, **fields}))
        answers = [frame for frame in self.line.frames if frame.get("re") == self._number]
        assert len(answers) == 1, (t, answers)
        return answers[0]

    async def call(self, t: str, call: object, **fields: object) -> dict[str, Any]:
        return await self.ask(t, call=str(call), **fields)

    async def gone(self) -> None:
        """The line breaks, or the page is closed."""
        assert self.conn is not None
        await self.hall.hub.disconnect(self.conn)

    async def reload(self) -> Tab:
        await self.gone()
        return await self.open()

    def got(self, t: str) -> list[dict[str, Any]]:
        return [frame for frame in self.line.frames if frame["t"] == t]

    def last(self, t: str) -> dict[str, Any]:
        return self.got(t)[-1]

    def forget(self) -> None:
        self.line.frames.clear()


def view(case: Case, call: Call, facts: CallFacts) -> dict[str, object]:
    """A plain call view; the one of the pages is built in ``http.views``."""
    return {
        "call_id": call.call_id,
        "case_id": case.case_id,
        "state": call.state,
        "unit": call.unit,
        "consented": call.consented,
        "place": facts.place,
        "ringing": list(facts.ringing),
        "parties": [
            {"participant": q.participant, "unit": q.unit, "role": q.role, "present": q.participant in facts.present}
            for q in call.parties
            if q.left is None
        ],
    }


@dataclass
class Hall:
    office: Office
    folder: Path
    tape: Tape = field(default_factory=Tape)
    bus: Bus | None = None
    node: MediaEngine | None = None
    """The real engine, in the tests that have one; else :class:`Tape` stands in."""
    seconds: float = 1000.0
    hub: Hub = field(init=False)

    async def open(self) -> Hall:
        """Start a hub, as the first one or after the old one was killed."""
        self.hub = Hub(
            cases=self.office.approval,
            media=self.node or self.tape,
            directory=self.office.county.directory,
            bus=self.bus or self.office.bus,
            blobs=LocalBlobs(self.folder / "blobs"),
            journal=self.office.journal,
            clock=self.office.clock,
            settings=Settings(),
            call_view=view,
            monotonic=lambda: self.seconds,
        )
        await self.hub.start()
        return self

    async def restart(self) -> None:
        """The server goes down and comes up again: nothing but the journal is left."""
        await self.hub.close()
        await self.open()

    async def tab(self, person: Person, tab: UUID | None = None) -> Tab:
        return await Tab(self, person, tab).open()

    async def wait(self, seconds: float) -> None:
        """Let time pass, with the hub's rounds, every browser that is there still sending its pings."""
        end = self.seconds + seconds
        while self.seconds < end:
            self.seconds = min(end, self.seconds + 10)
            for conn in self.hub._presence:
                conn.wire.heard = self.seconds
            await self.hub.tick()

    async def settle(self) -> None:
        """Let hints on the bus arrive."""
        for _ in range(20):
            await asyncio.sleep(0)

    async def accepted(self, item: Item | None = None, clerk: Person | None = None) -> Case:
        """A case that has been submitted and accepted, by the willow clerk or another one."""
        if clerk is None:
            return await self.office.accepted(item)
        office, by = self.office, actor(clerk)
        case = await office.draft(item, clerk)
        for material in office.approval.item(case).materials:
            for _ in range(material.pages):
                await office.page(case, material.code, clerk=clerk)
        await office.approval.enter_applicant(case.case_id, LI, None, actor=by, key=key())
        await office.approval.fill_form(case.case_id, office.forms[case.item], actor=by, key=key())
        return await office.approval.submit(case.case_id, actor=by, key=key())

    async def case(self, case: Case) -> Case:
        return await self.office.approval.get(case.case_id)

    async def called(self, tab: Tab, case: Case | None = None) -> tuple[Case, UUID]:
        """The village calls its window about a case that was accepted."""
        case, call = case or await self.accepted(), uuid7()
        answer = await tab.call("call.start", call, case=str(case.case_id))
        assert answer["t"] == "ok", answer
        return case, call


async def hall(folder: Path) -> Hall:
    return await Hall(await open_office(), folder).open()
