"""What people do in calls: request, answer, invite, consent, leave, hang up, show a page.

Every step is an action of the case, recorded through :class:`villagecall.ports.Cases` under a key that
makes a repetition the same step. Which of many desks gets a ring is decided by the journal alone: they
all join under one key (unit and round), and the one that the journal took has the seat.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from uuid import UUID

from villagecall.case import Call, Case, Party
from villagecall.directory.service import Directory
from villagecall.errors import NameTaken, NotFound, Refusal
from villagecall.journal import JSON, SYSTEM, Actor
from villagecall.ports import Cases, MediaAnswer, MediaEngine, Message, Stored
from villagecall.signaling import messages as m
from villagecall.signaling import rules
from villagecall.signaling.calls import Muted, Room, Rooms
from villagecall.signaling.presence import Presence
from villagecall.signaling.refusals import CallTaken, CaseInOtherCall, NoSuchCall
from villagecall.signaling.rules import Who

RECORDING = "recording"
"""Topic of the outbox message that has a call's recordings sealed into the case."""

Changed = Callable[[Case], Awaitable[None]]


def call_name(call_id: UUID) -> str:
    """The unique name by which the journal finds a call's case."""
    return f"call:{call_id}"


def actor_of(who: Who) -> Actor:
    person = who.person
    return Actor(str(person.person_id), person.unit, person.role.value)


class Calls:
    """The use cases. ``changed`` is told every newer state of a case before the caller gets its answer."""

    def __init__(
        self, cases: Cases, media: MediaEngine, directory: Directory, rooms: Rooms, presence: Presence, changed: Changed
    ) -> None:
        self._cases, self._media, self._directory = cases, media, directory
        self._rooms, self._presence, self._changed = rooms, presence, changed
        self._coming: dict[UUID, UUID] = {}
        """People whose coming into a call is being written, and the call."""

    # ------------------------------------------------------------ finding

    def room(self, call_id: UUID) -> Room:
        """Raises :class:`NoSuchCall`."""
        room = self._rooms.get(call_id)
        if room is None:
            raise NoSuchCall
        return room

    def room_of(self, who: Who) -> Room | None:
        """The call this tab is in."""
        return next((room for room in self._rooms if rules.party_of(room.call, who)), None)

    def busy(self, person: UUID, besides: UUID | None = None) -> bool:
        """Is this person in a call at any tab that is there, or about to be?"""
        return self._coming.get(person, besides) != besides or any(
            party.person == person and self._presence.is_connected(party.participant)
            for room in self._rooms
            if room.call_id != besides
            for party in rules.present_parties(room.call)
        )

    def name(self, person: UUID) -> str:
        try:
            return self._directory.person(person).name
        except NotFound:
            return ""

    async def _record(
        self, room: Room, kind: str, key: str, actor: Actor, payload: dict[str, JSON], *outbox: Message
    ) -> Call:
        """Record an action of a call; gives the call as it is afterwards. Raises :class:`NoSuchCall` when
        it is over by then."""
        body: dict[str, JSON] = {"call_id": str(room.call_id), **payload}
        case = await self._cases.record(
            room.case.case_id, kind, body, actor=actor, key=f"call:{room.call_id}:{key}", stored=Stored(outbox=outbox)
        )
        await self._changed(case)
        return next(call for call in case.calls if call.call_id == room.call_id)

    # ------------------------------------------------------------ coming in

    async def start(self, who: Who, frame: m.Start) -> Room:
        """The village calls. The same ``call`` again is the same call; a call of the case whose village is
        not there (its computer was changed) is gone back to, seat and place kept."""
        case = await self._cases.get(frame.case)
        unit = rules.check_start(case, who, frame.unit, self._directory.tree)
        room = self._rooms.get(frame.call) or self._rooms.of_case(frame.case)
        if room is None:
            rules.check_free(self.busy(who.person.person_id))
            room = await self._request(who, case, frame.call, unit)
        elif room.case.case_id != frame.case:
            raise NoSuchCall
        else:
            rules.check_free(self.busy(who.person.person_id, besides=room.call_id))
        try:
            await self._join(room, who)
        except CallTaken:
            raise CaseInOtherCall(call=str(room.call_id)) from None
        return room

    async def _request(self, who: Who, case: Case, call_id: UUID, unit: str) -> Room:
        try:
            case = await self._cases.record(
                case.case_id,
                "call.requested",
                {"call_id": str(call_id), "unit": unit},
                actor=actor_of(who),
                key=f"call:{call_id}:requested",
                stored=Stored(names=(call_name(call_id),)),
            )
        except NameTaken:
            raise NoSuchCall from None
        await self._changed(case)
        return self.room(call_id)

    async def answer(self, who: Who, call_id: UUID) -> Room:
        """A desk takes a ring. Raises :class:`CallTaken` naming who was first."""
        room = self.room(call_id)
        if rules.party_of(room.call, who) is None:
            rules.check_free(self.busy(who.person.person_id, besides=call_id))
        await self._join(room, who)
        return room

    async def back(self, who: Who) -> Room | None:
        """The call of a tab that is here again: still in it, or lost from it and the seat still free."""
        room = self.room_of(who)
        if room is not None:
            if not self.busy(who.person.person_id, besides=room.call_id):
                room.lost.pop(who.participant, None)
                return room
            await self._left(room, rules.check_in(room.call, who), actor_of(who), "moved")
            return None
        room = next((room for room in self._rooms if rules.returns_by_itself(room.call, who)), None)
        if room is None:
            return None
        try:
            await self._join(room, who)
        except CallTaken:
            return None
        return room

    async def _join(self, room: Room, who: Who) -> None:
        if rules.party_of(room.call, who) is not None:
            room.lost.pop(who.participant, None)
            return
        names = {party.person: self.name(party.person) for party in room.call.parties}
        moved = rules.check_join(room.call, who, self._presence.connected(), names)
        if moved is not None:
            await self._left(room, moved, actor_of(who), "moved")
        await self._leave_elsewhere(room, who.person.person_id)
        key = f"joined:{who.unit}:{rules.join_round(room.call, who.unit)}"
        self._coming[who.person.person_id] = room.call_id
        try:
            call = await self._record(room, "call.joined", key, actor_of(who), {"participant": str(who.participant)})
        finally:
            self._coming.pop(who.person.person_id, None)
        if call.state == "ended":
            raise NoSuchCall
        if rules.party_of(call, who) is None:  # the journal took another tab under this key
            first = rules.seat(call, who.unit)
            raise CallTaken(by=self.name(first.person) if first else "", call=str(call.call_id))
        room.declined.discard(who.participant)

    async def _leave_elsewhere(self, besides: Room, person: UUID) -> None:
        """Whoever goes into another call no longer holds the seat of a tab that broke off."""
        for room in self._rooms:
            for party in rules.present_parties(room.call) if room is not besides else ():
                if party.person == person:
                    with contextlib.suppress(Refusal):  # that call has ended meanwhile
                        await self._left(room, party, Actor(str(person), party.unit, party.role), "moved")

    # ------------------------------------------------------------ in the call

    async def consent(self, who: Who, call_id: UUID) -> None:
        room = self.room(call_id)
        rules.check_consent(room.call, who)
        if not room.call.consented:
            await self._record(room, "call.consented", "consented", actor_of(who), {})

    async def invite(self, who: Who, frame: m.Invite) -> None:
        room = self.room(frame.call)
        unit = self._directory.tree.get(frame.unit)
        rules.check_invite(room.call, who, unit)
        if frame.unit not in room.call.invited:
            key = f"invited:{frame.unit}:{rules.join_round(room.call, frame.unit)}"
            await self._record(room, "call.invited", key, actor_of(who), {"unit": frame.unit})

    def mute(self, who: Who, frame: m.Mute) -> Room:
        room = self.room(frame.call)
        rules.check_in(room.call, who)
        room.muted[who.participant] = Muted(frame.audio, frame.video)
        return room

    async def offer(self, who: Who, frame: m.Offer) -> MediaAnswer:
        room = self.room(frame.call)
        rules.check_media(room.call, who)
        return await self._media.join(frame.call, who.participant, frame.sdp, record=True)

    async def trickle(self, who: Who, frame: m.Trickle) -> None:
        rules.check_media(self.room(frame.call).call, who)
        await self._media.candidate(frame.call, who.participant, frame.candidate)

    async def show(self, who: Who, frame: m.Show) -> Room | None:
        """Record which page a desk looks at; None when it was looking at it already."""
        room = self.room(frame.call)
        if frame.page is not None and room.case.page(frame.page) is None:
            await self._changed(await self._cases.get(room.case.case_id))  # a page scanned a moment ago
        rules.check_show(room.case, room.call, who, frame.page)
        if room.shown.get(who.participant) == frame.page:
            return None
        room.shown[who.participant] = frame.page
        # Each look is one action. The sequence the room stands at makes its key: a look that is sent twice
        # before anything else happened is one look.
        key = f"shown:{who.participant}:{frame.page}:{room.case.seq}"
        page = str(frame.page) if frame.page else None
        await self._record(
            room, "page.shown", key, actor_of(who), {"page_id": page, "participant": str(who.participant)}
        )
        return room

    def point(self, who: Who, frame: m.Point) -> Room:
        room = self.room(frame.call)
        rules.check_in(room.call, who)
        return room

    # ------------------------------------------------------------ going out

    async def leave(self, who: Who, call_id: UUID) -> None:
        """Leave; without a desk nothing is left of a call, so the last desk's leaving ends it."""
        room = self.room(call_id)
        party = rules.check_in(room.call, who)
        over = rules.ends_by_leaving(room.call, who)
        await self._left(room, party, actor_of(who), "left")
        if over:
            await self.finish(room, actor_of(who), "left")

    async def end(self, who: Who, call_id: UUID) -> None:
        room = self.room(call_id)
        rules.check_end(room.call, who)
        await self.finish(room, actor_of(who), "hung_up")

    async def finish(self, room: Room, actor: Actor, why: str) -> None:
        """End a call. Its recordings are sealed by an outbox message of the same append: whatever happens
        in between, they come into the case."""
        if room.call.state == "ended":
            return
        case_id, call_id = str(room.case.case_id), str(room.call_id)
        sealing = Message(RECORDING, call_id, {"case_id": case_id, "call_id": call_id})
        await self._record(room, "call.ended", "ended", actor, {"why": why}, sealing)

    async def lose(self, room: Room, party: Party) -> None:
        """A participant whose line has been gone for too long."""
        room.lost.pop(party.participant, None)
        await self._left(room, party, SYSTEM, "lost")

    async def _left(self, room: Room, party: Party, actor: Actor, why: str) -> None:
        key = f"left:{party.participant}:{party.times}"
        payload: dict[str, JSON] = {"participant": str(party.participant), "why": why}
        await self._record(room, "call.left", key, actor, payload)
        room.muted.pop(party.participant, None)
        room.shown.pop(party.participant, None)
        await self._media.leave(room.call_id, party.participant)
