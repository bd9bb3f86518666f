"""The directory of an installation: units, people, items and the calendar, held in memory.

The journal is the truth; this is a reading of it, small enough for memory (a county has some hundred
units and people and some thousand items), so every question is answered at once, without waiting.
Another process's change arrives by a hint on the bus (topic ``directory``) or with the next look at the
list of changes. All writes go through ``Journal.append``.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import structlog

from villagecall.case import Ref
from villagecall.directory import passwords, scope
from villagecall.directory.calendar import WorkCalendar, Year, shipped
from villagecall.directory.model import Item, Person, Unit
from villagecall.directory.records import (
    CHANGES,
    LISTS,
    ItemHistory,
    PersonState,
    payload,
    stream_id,
)
from villagecall.directory.search import Index, described
from villagecall.errors import NotFound
from villagecall.ids import uuid7
from villagecall.journal import JSON, SYSTEM, Action, Actor, Head, canonical, stamp
from villagecall.ports import Append, Bus, Clock, Journal, Place, Sessions, Snapshot
from villagecall.vault import Sealed, SealedRecord, Vault

TOPIC = "directory"
_PAGE = 200
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Write:
    """A change of one stream that is about to be appended."""

    kind: str
    code: str
    action: str
    payload: Mapping[str, JSON]
    state: bytes
    stream: UUID
    records: tuple[SealedRecord, ...] = ()


def _ref(sealed: Sealed) -> Ref:
    return Ref(record=sealed.record.id, commitment=sealed.commitment)


class Directory:
    """Reads answer from memory. ``load`` once before use; ``follow`` as a task where processes are many.

    ``unit``, ``person`` and ``item`` raise :class:`villagecall.errors.NotFound`. With ``sessions``, whoever
    leaves or gets another password is signed out everywhere.
    """

    def __init__(
        self, journal: Journal, vault: Vault, clock: Clock, bus: Bus | None = None, sessions: Sessions | None = None
    ) -> None:
        self._journal, self._vault, self._clock, self._bus, self._sessions = journal, vault, clock, bus, sessions
        self._heads: dict[UUID, Head] = {}
        self._units: dict[str, Unit] = {}
        self._people: dict[UUID, Person] = {}
        self._states: dict[UUID, PersonState] = {}
        self._logins: dict[str, UUID] = {}
        self._items: dict[str, ItemHistory] = {}
        self._calendar = shipped()
        self._index: Index | None = None

    # ------------------------------------------------------------ reading

    async def load(self) -> None:
        """Read everything; also a complete refresh."""
        for name in LISTS.values():
            after: str | None = None
            while True:
                page = await self._journal.page(name, after, _PAGE)
                for snapshot in page.snapshots:
                    await self._take(snapshot)
                after = page.next
                if after is None:
                    break

    async def refresh(self) -> int:
        """Take over what others changed, newest change first, until what is known already; how many."""
        taken, after = 0, None
        while True:
            page = await self._journal.page(CHANGES, after, 20, reverse=True)
            news = [await self._take(snapshot) for snapshot in page.snapshots]
            taken += sum(news)
            after = page.next
            # Clocks of two machines differ a little: a page that holds anything known ends the look only
            # when nothing on it was new.
            if after is None or not any(news):
                return taken

    async def follow(self, bus: Bus, every_s: float = 20.0) -> None:
        """Refresh on every hint, and every ``every_s`` seconds for hints that were lost. Runs until cancelled."""
        hint = asyncio.Event()
        async with bus.subscribe(TOPIC) as hints:

            async def listen() -> None:
                async for _ in hints:
                    hint.set()

            listening = asyncio.create_task(listen())
            try:
                while True:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(every_s):
                            await hint.wait()
                    hint.clear()
                    try:
                        await self.refresh()
                    except Exception:
                        _log.exception("directory_refresh_failed")
            finally:
                listening.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await listening

    async def _take(self, snapshot: Snapshot) -> bool:
        """Hold a newer state in memory; False when it was known."""
        if self._heads.get(snapshot.stream, Head()).seq >= snapshot.head.seq:
            return False
        match snapshot.kind:
            case "unit":
                unit = Unit.model_validate_json(snapshot.state)
                self._units[unit.code] = unit
            case "person":
                state = PersonState.model_validate_json(snapshot.state)
                self._hold_person(state, await self._name(state))
            case "item":
                history = ItemHistory.model_validate_json(snapshot.state)
                self._items[history.newest.code] = history
            case "calendar":
                self._calendar = self._calendar.with_year(Year.model_validate_json(snapshot.state))
        self._heads[snapshot.stream] = snapshot.head
        self._index = None
        return True

    async def _name(self, state: PersonState) -> str:
        record = await self._journal.record(state.profile.record)
        return str(self._vault.open(record)["name"]) if record is not None and not record.erased else ""

    def _hold_person(self, state: PersonState, name: str) -> None:
        old = self._states.get(state.person_id)
        if old is not None and old.login != state.login:
            self._logins.pop(old.login, None)
        self._states[state.person_id] = state
        self._people[state.person_id] = state.person(name)
        self._logins[state.login] = state.person_id

    @property
    def calendar(self) -> WorkCalendar:
        """The working-day calendar: the shipped years and those the administrator loaded."""
        return self._calendar

    @property
    def tree(self) -> scope.Tree:
        """Units by code, closed ones included."""
        return self._units

    def unit(self, code: str) -> Unit:
        try:
            return self._units[code]
        except KeyError:
            raise NotFound(unit=code) from None

    def units(self, kind: str = "", parent: str = "", *, closed: bool = False) -> list[Unit]:
        """Units in order of code. ``closed`` True includes those whose time is over."""
        today = self._clock.now().date()
        return [
            unit
            for code, unit in sorted(self._units.items())
            if (not kind or unit.kind == kind)
            and (not parent or unit.parent == parent)
            and (closed or unit.until is None or unit.until > today)
        ]

    def unit_name(self, code: str) -> str:
        """The name, or the code itself where the unit is not known."""
        unit = self._units.get(code)
        return unit.name if unit else code

    def person(self, person_id: UUID) -> Person:
        try:
            return self._people[person_id]
        except KeyError:
            raise NotFound(person=str(person_id)) from None

    def by_login(self, login: str) -> Person | None:
        found = self._logins.get(login)
        return self._people[found] if found is not None else None

    def people(self, unit: str = "") -> list[Person]:
        """Staff in order of login, former staff included (``active`` False)."""
        found = (person for person in self._people.values() if not unit or person.unit == unit)
        return sorted(found, key=lambda person: person.login)

    def item(self, code: str, version: int | None = None) -> Item:
        """The newest version of an item, or the one a case is pinned to."""
        history = self._items.get(code)
        found = history and (history.newest if version is None else history.version(version))
        if not found:
            raise NotFound(item=code)
        return found

    def items(
        self,
        q: str = "",
        *,
        field: str = "",
        level: str = "",
        department: str = "",
        described_only: bool | None = None,
    ) -> list[Item]:
        """Newest versions of the active items that match, best first (see ``directory.search``)."""
        return [
            item
            for item in self._search().find(q)
            if (not field or item.field == field)
            and (not level or item.level == level)
            and (not department or item.department == department)
            and (described_only is None or described(item) == described_only)
        ]

    def _search(self) -> Index:
        if self._index is None:
            active = [history.newest for history in self._items.values() if history.newest.active]
            self._index = Index(active, {code: unit.name for code, unit in self._units.items()})
        return self._index

    # ------------------------------------------------------------ writing

    async def put_unit(self, unit: Unit, by: Actor = SYSTEM) -> Unit:
        """Add or change a unit; its stream follows from its code. The same again writes nothing."""
        stream = stream_id("unit", unit.code)
        unit = unit.model_copy(update={"unit_id": stream})
        if self._units.get(unit.code) != unit:
            state = unit.model_dump_json().encode()
            await self._write(_Write("unit", unit.code, "unit.put", payload(unit), state, stream), by)
        return unit

    async def put_person(self, person: Person, by: Actor = SYSTEM) -> Person:
        """Add or change a member of staff; ``credential`` is kept as it is. Raises ``NameTaken``."""
        self.unit(person.unit)
        old, known = self._states.get(person.person_id), self._people.get(person.person_id)
        if known is not None and known == person.model_copy(update={"credential": known.credential}):
            return known
        stored: tuple[SealedRecord, ...] = ()
        if old is not None and known is not None and known.name == person.name:
            profile = old.profile
        else:
            sealed = self._vault.seal(uuid7(), person.person_id, {"name": person.name})
            profile, stored = _ref(sealed), (sealed.record,)
        state = PersonState(
            person_id=person.person_id,
            login=person.login,
            role=person.role,
            unit=person.unit,
            window=person.window,
            active=person.active,
            profile=profile,
            credential=old.credential if old else None,
        )
        body, raw = payload(state.model_copy(update={"credential": None})), state.model_dump_json().encode()
        await self._write(_Write("person", person.login, "person.put", body, raw, person.person_id, stored), by)
        if old is not None and old.profile != state.profile:
            await self._journal.erase(old.profile.record)
        if old is not None and old.active and not state.active:
            await self._sign_out(person.person_id, "person_left")
        return self.person(person.person_id)

    async def set_password(self, person_id: UUID, password: str, by: Actor = SYSTEM) -> None:
        """Give a person a password. Raises :class:`passwords.WeakPassword`."""
        self.person(person_id)
        old = self._states[person_id]
        hashed = await asyncio.to_thread(passwords.seal, password)
        sealed = self._vault.seal(uuid7(), person_id, {"argon2": hashed})
        ref = _ref(sealed)
        state = old.model_copy(update={"credential": ref}).model_dump_json().encode()
        body: dict[str, JSON] = {"credential": payload(ref)}
        write = _Write("person", old.login, "person.password_set", body, state, person_id, (sealed.record,))
        await self._write(write, by)
        if old.credential is not None:
            await self._journal.erase(old.credential.record)
        await self._sign_out(person_id, "password_changed")

    async def _sign_out(self, person_id: UUID, why: str) -> None:
        """End every session of a person; the hub closes their sockets on the hint."""
        if self._sessions is not None:
            await self._sessions.drop_person(person_id)
            if self._bus is not None:
                await self._bus.publish("session.closed", {"person": str(person_id), "why": why})

    async def verify_password(self, login: str, password: str) -> Person | None:
        """The person when login and password are right and the person is active.

        Whoever asks cannot tell an unknown login from a wrong password, by the time it takes neither.
        """
        person = self.by_login(login)
        known = person is not None and person.active and person.credential is not None
        record = await self._journal.record((person.credential if person else None) or uuid7())
        sealed = passwords.NOBODY
        if known and record is not None and not record.erased:
            sealed = str(self._vault.open(record)["argon2"])
        right = await asyncio.to_thread(passwords.matches, sealed, password)
        return person if right and known else None

    async def put_item(self, item: Item, by: Actor = SYSTEM) -> Item:
        """A new item, or the next version of a known one: the number is given here. The same again
        writes nothing and gives the version that stands."""
        stream = stream_id("item", item.code)
        history = self._items.get(item.code)
        versions = history.versions if history else ()
        number = versions[-1].version if versions else 0
        item = item.model_copy(update={"item_id": stream, "version": number})
        if versions and versions[-1] == item:
            return versions[-1]
        item = item.model_copy(update={"version": number + 1})
        state = ItemHistory(versions=(*versions, item)).model_dump_json().encode()
        await self._write(_Write("item", item.code, "item.put", payload(item), state, stream), by)
        return item

    async def put_calendar(self, year: Year, by: Actor = SYSTEM) -> None:
        """Load a year as the State Council announced it; limits that were provisional become exact."""
        code = str(year.year)
        stream = stream_id("calendar", code)
        state = year.model_dump_json().encode()
        await self._write(_Write("calendar", code, "calendar.put", payload(year), state, stream), by)

    async def _write(self, write: _Write, by: Actor) -> None:
        """Append one action behind the head that memory knows. Raises ``Conflict`` when it is old."""
        now = self._clock.now()
        head = self._heads.get(write.stream, Head())
        # The key names place and contents: the same change sent twice is one change.
        contents = hashlib.sha256(canonical(dict(write.payload))).hexdigest()[:32]
        names = (f"login:{write.code}",) if write.kind == "person" else (f"{write.kind}:{write.code}",)
        appended = await self._journal.append(
            Append(
                stream=write.stream,
                kind=write.kind,
                expected=head,
                actions=(Action(write.action, by, now, write.payload),),
                state=write.state,
                key=f"{write.action}:{write.stream}:{head.seq}:{contents}",
                names=names,
                join=(Place(LISTS[write.kind], write.code), Place(CHANGES, stamp(now))),
                records=write.records,
            )
        )
        await self._take(Snapshot(write.stream, write.kind, appended.head, write.state))
        if self._bus is not None:
            await self._bus.publish(TOPIC, {"kind": write.kind, "stream": str(write.stream)})
