"""Writes as the rooms make them, for the contract suites."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from villagecall.errors import Conflict
from villagecall.ids import uuid7
from villagecall.journal import JSON, SYSTEM, Action, Head, verify
from villagecall.ports import Append, Appended, Journal, Message

START = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
NOTHING_YET = Head()


class FakeClock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at

    def pass_(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def action(kind: str = "case.opened", **payload: JSON) -> Action:
    return Action(kind, SYSTEM, START, payload)


def write(stream: UUID, expected: Head = NOTHING_YET, *kinds: str, **parts: Any) -> Append:
    """An append of ``kinds`` (one ``case.opened`` if none); the rest by name."""
    given: Mapping[str, Any] = {
        "kind": "case",
        "state": b"state after %d" % (expected.seq + max(1, len(kinds))),
        "key": uuid7().hex,
        "actions": tuple(action(kind) for kind in kinds or ("case.opened",)),
        **parts,
    }
    return Append(stream=stream, expected=expected, **given)


def note(topic: str, key: str, **payload: JSON) -> Message:
    return Message(topic, key, payload)


async def add(journal: Journal, stream: UUID, *kinds: str, **parts: Any) -> Appended:
    """Append to whatever the head is now, as a room does: read, then write, again on conflict."""
    while True:
        snapshot = await journal.snapshot(stream)
        head = snapshot.head if snapshot else Head()
        try:
            return await journal.append(write(stream, head, *kinds, **parts))
        except Conflict:
            continue


async def verified(journal: Journal, stream: UUID) -> Head:
    """The head that the stored chain of ``stream`` verifies to; it is the snapshot's."""
    head = verify(stream, await journal.raw(stream))
    snapshot = await journal.snapshot(stream)
    assert snapshot is not None
    assert snapshot.head == head
    return head
