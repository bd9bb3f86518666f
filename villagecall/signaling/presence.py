"""Who is connected: tabs, people, units on duty, who watches which case.

Everything here is of this process and of this moment. Nothing here awaits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Protocol
from uuid import UUID

import structlog

from villagecall.directory.model import Person
from villagecall.directory.scope import Tree
from villagecall.signaling.protocol import Close, Wire
from villagecall.signaling.rules import DESKS, WORKERS, Who

_log = structlog.get_logger(__name__)

DROP_ABOVE = 64 * 1024
"""Bytes waiting for a slow line above which what may be lost (pointers, quality, progress) is not sent."""
CLOSE_ABOVE = 512 * 1024
"""Above this the line is closed: the page comes back and gets the whole picture anew."""


class Outlet(Protocol):
    """The way to one browser. Nothing here waits: bytes are queued by the transport."""

    def send(self, frame: bytes) -> None:
        """Queue a complete WebSocket frame."""
        ...

    def backlog(self) -> int:
        """Bytes that are queued and not yet taken by the line."""
        ...

    def close(self, code: int, why: str) -> None:
        """Close with a code of :class:`villagecall.signaling.protocol.Close`; once."""
        ...


class Connection:
    """One socket of a signed-in person. ``tab`` is None until it has greeted."""

    __slots__ = ("closed", "duty", "outlet", "person", "session", "tab", "watching", "wire")

    def __init__(self, outlet: Outlet, person: Person, session: bytes, now: float) -> None:
        self.outlet, self.person, self.session = outlet, person, session
        self.wire = Wire(now)
        self.tab: UUID | None = None
        self.duty = False
        self.watching: tuple[UUID, ...] = ()
        self.closed = False

    @property
    def who(self) -> Who:
        if self.tab is None:  # the wire lets nothing but hello through before
            raise RuntimeError("asked who it is before it greeted")
        return Who(self.tab, self.person)

    def send(self, frame: bytes, *, may_drop: bool = False) -> None:
        """Send, unless the line is gone or too slow for it."""
        if self.closed:
            return
        waiting = self.outlet.backlog()
        if waiting > CLOSE_ABOVE:
            _log.info("slow_line_closed", waiting=waiting)
            self.close(Close.SLOW, "slow")
        elif not (may_drop and waiting > DROP_ABOVE):
            self.outlet.send(frame)

    def close(self, code: int, why: str) -> None:
        if not self.closed:
            self.closed = True
            self.outlet.close(code, why)


class Presence:
    """The connections of this process, found by what they are asked for."""

    def __init__(self) -> None:
        self._all: set[Connection] = set()
        self._tabs: dict[UUID, Connection] = {}
        self._units: dict[str, set[Connection]] = defaultdict(set)
        self._watchers: dict[UUID, set[Connection]] = defaultdict(set)
        self._away: set[UUID] = set()

    def __iter__(self) -> Iterator[Connection]:
        return iter(tuple(self._all))

    def __len__(self) -> int:
        return len(self._all)

    def add(self, conn: Connection) -> None:
        self._all.add(conn)

    def greet(self, conn: Connection, tab: UUID) -> Connection | None:
        """The connection says which tab it is; gives the connection that it replaces, if any."""
        old = self._tabs.get(tab)
        conn.tab = tab
        conn.duty = conn.person.role in DESKS and conn.person.person_id not in self._away
        self._tabs[tab] = conn
        self._units[conn.person.unit].add(conn)
        return old if old is not conn else None

    def drop(self, conn: Connection) -> bool:
        """Forget a connection; True when its tab is gone by it (and not replaced by a newer one)."""
        self._all.discard(conn)
        self.unwatch(conn, *conn.watching)
        unit = self._units.get(conn.person.unit)
        if unit is not None:
            unit.discard(conn)
            if not unit:
                del self._units[conn.person.unit]
        if conn.tab is not None and self._tabs.get(conn.tab) is conn:
            del self._tabs[conn.tab]
            return True
        return False

    def tab(self, tab: UUID) -> Connection | None:
        return self._tabs.get(tab)

    def connected(self) -> frozenset[UUID]:
        return frozenset(self._tabs)

    def is_connected(self, tab: UUID) -> bool:
        return tab in self._tabs

    def of_unit(self, unit: str) -> tuple[Connection, ...]:
        return tuple(self._units.get(unit, ()))

    def of_person(self, person: UUID, unit: str) -> tuple[Connection, ...]:
        return tuple(conn for conn in self._units.get(unit, ()) if conn.person.person_id == person)

    def of_session(self, digest: bytes) -> list[Connection]:
        return [conn for conn in self._all if conn.session == digest]

    # ------------------------------------------------------------ duty

    def set_duty(self, conn: Connection, on: bool) -> None:
        """On duty or away: a word of the person, for all of their tabs, until they say otherwise."""
        person = conn.person.person_id
        if conn.person.role not in DESKS:
            return
        if on:
            self._away.discard(person)
        else:
            self._away.add(person)
        for other in self.of_person(person, conn.person.unit):
            other.duty = on

    def desks(self) -> dict[str, int]:
        """People on duty per unit."""
        return {
            unit: len(people)
            for unit, conns in self._units.items()
            if (people := {conn.person.person_id for conn in conns if conn.duty})
        }

    # ------------------------------------------------------------ watching

    def watch(self, conn: Connection, case_id: UUID) -> None:
        if case_id not in conn.watching:
            # A page watches what it shows, which is a case or two; what it forgot to let go falls out.
            self.unwatch(conn, *conn.watching[: max(0, len(conn.watching) - 31)])
            conn.watching = (*conn.watching, case_id)
            self._watchers[case_id].add(conn)

    def unwatch(self, conn: Connection, *case_ids: UUID) -> None:
        for case_id in case_ids:
            watchers = self._watchers.get(case_id)
            if watchers is not None:
                watchers.discard(conn)
                if not watchers:
                    del self._watchers[case_id]
        if case_ids:
            conn.watching = tuple(one for one in conn.watching if one not in case_ids)

    def watchers(self, case_id: UUID) -> tuple[Connection, ...]:
        return tuple(self._watchers.get(case_id, ()))


def sees_desks(person: Person, town: str, tree: Tree) -> frozenset[str]:
    """Whose presence a person is told: the own town's window and the departments of the district."""
    if person.role not in WORKERS:
        return frozenset()
    window = person.unit if person.role in DESKS else town
    return frozenset({window} - {""}).union(code for code, unit in tree.items() if unit.kind == "department")


def send_all(conns: Iterable[Connection], frame: bytes, *, may_drop: bool = False) -> None:
    """The same bytes to each."""
    for conn in conns:
        conn.send(frame, may_drop=may_drop)
