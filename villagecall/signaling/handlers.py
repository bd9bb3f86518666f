"""One function a frame: from what a browser asks to the use case, and to the fields of the answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from villagecall.directory.model import Person, Role
from villagecall.directory.scope import may_touch, town_of
from villagecall.directory.service import Directory
from villagecall.errors import BadRequest, NotFound
from villagecall.ports import Cases
from villagecall.settings import Settings
from villagecall.signaling import messages as m
from villagecall.signaling import protocol as p
from villagecall.signaling import rules
from villagecall.signaling.calls import Room, Rooms
from villagecall.signaling.ice import ice_servers
from villagecall.signaling.presence import Connection, Presence, sees_desks, send_all
from villagecall.signaling.refusals import TabTaken
from villagecall.signaling.service import Calls
from villagecall.signaling.switchboard import Switchboard, slots_json

Fields = dict[str, object]


class Handlers:
    """``presence_changed`` is called when somebody came, went or changed duty."""

    def __init__(
        self,
        *,
        cases: Cases,
        directory: Directory,
        settings: Settings,
        now: Callable[[], datetime],
        rooms: Rooms,
        presence: Presence,
        calls: Calls,
        board: Switchboard,
        presence_changed: Callable[[], None],
    ) -> None:
        self._cases, self._directory, self._settings, self._clock = cases, directory, settings, now
        self._rooms, self._presence, self._calls, self._board = rooms, presence, calls, board
        self._presence_changed = presence_changed
        self._table: dict[type, Callable[[Connection, Any], Awaitable[Fields | None]]] = {
            m.Duty: self._duty,
            m.Watch: self._watch,
            m.Unwatch: self._unwatch,
            m.Start: self._start,
            m.Consent: self._consent,
            m.Answer: self._answer,
            m.Decline: self._decline,
            m.Invite: self._invite,
            m.Leave: self._leave,
            m.End: self._end,
            m.Mute: self._mute,
            m.Offer: self._offer,
            m.Trickle: self._trickle,
            m.Show: self._show,
            m.Point: self._point,
            m.Second: self._second,
        }

    async def handle(self, conn: Connection, frame: m.Frame) -> None:
        """Do what the frame asks and answer ``ok``. Raises a refusal for the caller to answer with.

        A ping asks nothing and is answered before it comes here."""
        if isinstance(frame, m.Hello):
            await self._hello(conn, frame)
        else:
            conn.send(p.ok(frame.id, await self._table[type(frame)](conn, frame)))

    # ------------------------------------------------------------ the connection

    async def _hello(self, conn: Connection, frame: m.Hello) -> None:
        """Which tab this is. A tab that reloads replaces itself and finds its call again."""
        if conn.tab not in (None, frame.tab):
            raise BadRequest(field="tab")
        before = self._presence.tab(frame.tab)
        if before is not None and before.person.person_id != conn.person.person_id:
            conn.wire.greeted = conn.tab is not None
            raise TabTaken
        replaced = self._presence.greet(conn, frame.tab)
        if replaced is not None:
            replaced.close(p.Close.REPLACED, "replaced")
        room = await self._calls.back(conn.who)
        view = self._board.view(room) if room else None
        conn.send(p.ok(frame.id, self._welcome(conn, view)))
        if room is not None:
            for desk, page in room.shown.items():
                if desk != frame.tab:
                    conn.send(p.push("page.shown", call=room.call.call_id, page=page, by=desk))
        for waiting in self._rooms:
            self._board.ring_again(waiting, frame.tab)
        self._board.update_all()
        if room is None and conn.person.role is Role.CLERK:
            self._remind(conn)
        self._presence_changed()

    def _welcome(self, conn: Connection, call: Fields | None) -> Fields:
        person, settings = conn.person, self._settings
        return {
            "v": p.VERSION,
            "person": person.person_id,
            "name": person.name,
            "role": person.role.value,
            "unit": person.unit,
            "unit_name": self._directory.unit_name(person.unit),
            "ice": ice_servers(settings.turn_url, settings.turn_secret, str(person.person_id), self._clock()),
            "heartbeat": p.HEARTBEAT_S,
            "duty": conn.duty,
            "call": call,
            "desks": desks_seen(self._presence.desks(), self.sees(person)),
        }

    def _remind(self, conn: Connection) -> None:
        """A village whose computer was changed hears that its call is still there."""
        for room in self._rooms:
            village = rules.seat(room.call, conn.person.unit)
            alone = village is None or not self._presence.is_connected(village.participant)
            if alone and may_touch(conn.person, self._directory.tree, room.case):
                conn.send(p.push("call.state", call=self._board.view(room)))

    def sees(self, person: Person) -> frozenset[str]:
        """Units whose presence this person is told."""
        tree = self._directory.tree
        town = town_of(tree, person.unit) if person.role is Role.CLERK else ""
        return sees_desks(person, town, tree)

    async def _duty(self, conn: Connection, frame: m.Duty) -> None:
        self._presence.set_duty(conn, frame.on)
        if frame.on:  # what was left to others rings again for who comes back to the window
            self._board.forget_declines(conn.who.participant)
        self._board.update_all()
        self._presence_changed()

    async def _watch(self, conn: Connection, frame: m.Watch) -> None:
        case = await self._cases.get(frame.case)
        if not may_touch(conn.person, self._directory.tree, case):
            raise NotFound
        self._presence.watch(conn, frame.case)

    async def _unwatch(self, conn: Connection, frame: m.Unwatch) -> None:
        self._presence.unwatch(conn, frame.case)

    async def _second(self, conn: Connection, frame: m.Second) -> None:
        """To the person's other tabs: what the second screen shows."""
        fields: Fields = {"screen": frame.screen}
        if frame.call is not None:
            fields["call"] = frame.call
        mine = self._presence.of_person(conn.person.person_id, conn.person.unit)
        send_all((other for other in mine if other is not conn), p.push("second", **fields))

    # ------------------------------------------------------------ the call

    def _call(self, room: Room) -> Fields:
        return {"call": self._board.view(room)}

    async def _start(self, conn: Connection, frame: m.Start) -> Fields:
        return self._call(await self._calls.start(conn.who, frame))

    async def _answer(self, conn: Connection, frame: m.Answer) -> Fields:
        return self._call(await self._calls.answer(conn.who, frame.call))

    async def _consent(self, conn: Connection, frame: m.Consent) -> None:
        await self._calls.consent(conn.who, frame.call)

    async def _decline(self, conn: Connection, frame: m.Decline) -> None:
        """Only for this tab; a ring that is over is declined as well."""
        room = self._rooms.get(frame.call)
        if room is not None:
            room.declined.add(conn.who.participant)
            self._board.update(room)

    async def _invite(self, conn: Connection, frame: m.Invite) -> None:
        await self._calls.invite(conn.who, frame)

    async def _leave(self, conn: Connection, frame: m.Leave) -> None:
        await self._calls.leave(conn.who, frame.call)

    async def _end(self, conn: Connection, frame: m.End) -> None:
        await self._calls.end(conn.who, frame.call)

    async def _mute(self, conn: Connection, frame: m.Mute) -> None:
        await self._board.media_all(self._calls.mute(conn.who, frame))

    async def _offer(self, conn: Connection, frame: m.Offer) -> Fields:
        answer = await self._calls.offer(conn.who, frame)
        return {"sdp": answer.sdp, "slots": slots_json(answer.slots)}

    async def _trickle(self, conn: Connection, frame: m.Trickle) -> None:
        await self._calls.trickle(conn.who, frame)

    async def _show(self, conn: Connection, frame: m.Show) -> None:
        room = await self._calls.show(conn.who, frame)
        if room is not None:
            me = conn.who.participant
            shown = p.push("page.shown", call=frame.call, page=frame.page, by=me)
            send_all(self._board.participants(room, besides=me), shown)

    async def _point(self, conn: Connection, frame: m.Point) -> None:
        me = conn.who.participant
        room = self._calls.point(conn.who, frame)
        pointed = p.push("page.pointed", call=frame.call, page=frame.page, x=frame.x, y=frame.y, by=me)
        send_all(self._board.participants(room, besides=me), pointed, may_drop=True)


def desks_seen(desks: dict[str, int], seen: frozenset[str]) -> dict[str, int]:
    """The counts of the units that somebody is told of; none there counts as 0."""
    return {unit: desks.get(unit, 0) for unit in sorted(seen)}
