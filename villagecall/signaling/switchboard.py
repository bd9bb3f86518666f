"""Tells the browsers what has become of the calls: rings, stops ringing, sends whole states.

``update`` compares what a call asks for with what was told before and sends the difference; calling it
once too often sends nothing. So every change, wherever it comes from, ends in the same few lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from uuid import UUID

from villagecall.case import Call, Case
from villagecall.directory.model import Role
from villagecall.errors import NotFound
from villagecall.ports import MediaEngine, Slot
from villagecall.signaling import rules
from villagecall.signaling.calls import CallFacts, CallViewer, Room, Rooms
from villagecall.signaling.presence import Connection, Presence, send_all
from villagecall.signaling.protocol import push

Busy = Callable[[UUID], bool]


class Switchboard:
    """``name`` gives a person's name, ``busy`` whether a person is in a call."""

    def __init__(
        self,
        rooms: Rooms,
        presence: Presence,
        media: MediaEngine,
        call_view: CallViewer,
        *,
        name: Callable[[UUID], str],
        busy: Busy,
    ) -> None:
        self._rooms, self._presence, self._media, self._call_view = rooms, presence, media, call_view
        self._name, self._busy = name, busy

    async def changed(self, case: Case) -> None:
        """A newer state of a case: everybody concerned hears of its call."""
        room, ended = self._rooms.absorb(case)
        if room is None:
            return
        if ended:
            self._tell(room)
            self._stop(room, room.rung, room.call)
            room.rung = set()
        self.update_all()

    # ------------------------------------------------------------ views

    def facts(self, room: Room) -> CallFacts:
        return self._rooms.facts(room, self._presence.connected())

    def view(self, room: Room) -> dict[str, object]:
        """The ``CallView`` of a call as it is now."""
        return dict(self._call_view(room.case, room.call, self.facts(room)))

    # ------------------------------------------------------------ telling

    def update_all(self) -> None:
        """Calls hang together: who answers one is free for no other, and the line behind it moves up."""
        for room in self._rooms:
            self.update(room)

    def update(self, room: Room) -> None:
        self._ring(room)
        self._tell(room)

    def _tell(self, room: Room) -> None:
        frame = push("call.state", call=self.view(room))
        if frame != room.told:
            room.told = frame
            send_all(self._audience(room), frame)

    def _audience(self, room: Room) -> Iterable[Connection]:
        """The tabs in the call, the other tabs of its clerk (second screen), and while nobody of the village
        is at the line, whoever is there of the village: the call is still theirs."""
        call = room.call
        found: set[Connection] = set()
        village_there = False
        for party in call.parties:
            # At the end everybody has left; those who were in until then hear of it.
            if party.left is not None and call.state != "ended":
                continue
            conn = self._presence.tab(party.participant)
            if conn is not None and conn.person.person_id == party.person:
                found.add(conn)
                village_there |= party.role == Role.CLERK
            if party.role == Role.CLERK:
                found.update(self._presence.of_person(party.person, party.unit))
        if not village_there:
            found.update(c for c in self._presence.of_unit(room.case.village) if c.person.role is Role.CLERK)
        return found

    def participants(self, room: Room, besides: UUID | None = None) -> list[Connection]:
        """Connections that are in the call now."""
        found = []
        for party in rules.present_parties(room.call):
            conn = self._presence.tab(party.participant)
            if conn is not None and conn.person.person_id == party.person and party.participant != besides:
                found.append(conn)
        return found

    # ------------------------------------------------------------ ringing

    def _ring(self, room: Room) -> None:
        call = room.call
        wanted: dict[UUID, Connection] = {}
        for unit in rules.rung_units(call):
            for conn in self._presence.of_unit(unit):
                if conn.tab is None or conn.tab in room.declined:
                    continue
                busy = self._busy(conn.person.person_id)
                if rules.may_be_rung(conn.who, call, on_duty=conn.duty, busy=busy):
                    wanted[conn.tab] = conn
        fresh, gone = wanted.keys() - room.rung, room.rung - wanted.keys()
        room.rung = set(wanted)
        if fresh:
            frame = push("ring", call=self.view(room))
            send_all((wanted[tab] for tab in fresh), frame)
        if gone:
            self._stop(room, gone, call)

    def forget_declines(self, tab: UUID) -> None:
        """A desk that left calls to others takes part in them again: it came on duty anew."""
        for room in self._rooms:
            room.declined.discard(tab)

    def ring_again(self, room: Room, tab: UUID) -> None:
        """A tab has connected anew: it knows nothing of the ring that the one before it heard."""
        room.rung.discard(tab)

    def _stop(self, room: Room, tabs: Iterable[UUID], call: Call) -> None:
        for tab in tabs:
            conn = self._presence.tab(tab)
            if conn is None or rules.party_of(call, conn.who) is not None:
                continue
            holder = rules.seat(call, conn.person.unit)
            why = "declined" if tab in room.declined else "answered" if holder else "ended"
            by = self._name(holder.person) if holder else ""
            conn.send(push("ring.stop", call=room.call_id, why=why, by=by))

    # ------------------------------------------------------------ media

    async def media(self, room: Room, participant: UUID) -> None:
        """Tell a participant who is in which slot of its connection, and who is muted."""
        conn = self._presence.tab(participant)
        if conn is not None and rules.party_of(room.call, conn.who) is not None:
            try:
                slots = await self._media.slots(room.call_id, participant)
            except NotFound:  # not connected to the node yet
                slots = ()
            muted = {str(one): {"audio": m.audio, "video": m.video} for one, m in room.muted.items()}
            conn.send(push("call.media", call=room.call_id, slots=slots_json(slots), muted=muted))

    async def media_all(self, room: Room) -> None:
        for conn in self.participants(room):
            if conn.tab is not None:
                await self.media(room, conn.tab)

    async def quality(self, room: Room) -> None:
        """Every participant's line, in figures and a word, to everybody in the call."""
        conns = self.participants(room)
        for conn in conns:
            if conn.tab is None:
                continue
            try:
                stats = await self._media.stats(room.call_id, conn.tab)
            except NotFound:
                continue
            if stats.rtt_ms < 0 and stats.loss_permille < 0:
                continue
            frame = push(
                "call.quality",
                call=room.call_id,
                participant=conn.tab,
                rtt_ms=stats.rtt_ms,
                loss_permille=stats.loss_permille,
                word=rules.line_word(stats),
            )
            send_all(conns, frame, may_drop=True)


def slots_json(slots: Iterable[Slot]) -> list[dict[str, object]]:
    return [
        {
            "index": slot.index,
            "audio_mid": slot.audio_mid,
            "video_mid": slot.video_mid,
            "participant": str(slot.participant) if slot.participant else None,
        }
        for slot in slots
    ]
