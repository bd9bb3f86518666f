"""What an action is: canonical bytes, and the hash chain of one stream.

A *stream* is the life of one thing: a case above all, and also a unit, a person, an item version or a
device, so that there is one write path for everything. Each entry's hash covers the hash before it, so
changing, dropping or reordering any entry breaks the chain from there on. Personal data never stands in
a payload: a payload carries vault ids and salted commitments (see :mod:`villagecall.vault`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias
from uuid import UUID

import orjson

JSON: TypeAlias = bool | int | str | list["JSON"] | dict[str, "JSON"] | None

GENESIS = bytes(32)
"""The hash before the first entry of a stream."""

FORMAT = 1
"""Version of the canonical bytes; it is hashed with every entry."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. ``person`` is a directory person id, or ``system`` / ``applicant`` / ``device:<id>``."""

    person: str
    unit: str = ""
    role: str = ""

    def as_json(self) -> dict[str, JSON]:
        return {"person": self.person, "unit": self.unit, "role": self.role}


SYSTEM = Actor("system")
APPLICANT = Actor("applicant", role="applicant")


@dataclass(frozen=True, slots=True)
class Action:
    """One thing somebody did. ``at`` is aware UTC and is information only: order is by sequence."""

    kind: str
    actor: Actor
    at: datetime
    payload: Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class Head:
    """Where a stream ends: the sequence number and hash of its last entry. ``Head()`` = empty."""

    seq: int = 0
    hash: bytes = GENESIS


@dataclass(frozen=True, slots=True)
class Entry:
    """An action at its place in a stream. ``position`` is the journal-wide order, 0 until stored."""

    stream: UUID
    seq: int
    action: Action
    prev: bytes
    hash: bytes
    position: int = 0

    @property
    def head(self) -> Head:
        return Head(self.seq, self.hash)


class BrokenChain(Exception):
    """The chain does not verify; ``seq`` is the first bad entry."""

    def __init__(self, stream: UUID, seq: int, why: str) -> None:
        super().__init__(f"stream {stream} entry {seq}: {why}")
        self.stream, self.seq, self.why = stream, seq, why


def stamp(at: datetime) -> str:
    """UTC with microseconds and ``Z``: one spelling for one instant."""
    if at.tzinfo is not UTC:
        at = at.astimezone(UTC)
    return at.isoformat("T", "microseconds")[:-6] + "Z"  # without +00:00


def unstamp(text: str) -> datetime:
    """The reverse of :func:`stamp`."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def _checked(value: JSON, path: str) -> None:
    if isinstance(value, float):
        raise TypeError(f"{path}: floats have no canonical form; use integers or strings")
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"{path}: keys are strings")
            _checked(item, f"{path}.{key}")
    elif isinstance(value, list):
        for at, item in enumerate(value):
            _checked(item, f"{path}[{at}]")
    elif value is not None and not isinstance(value, (bool, int, str)):
        raise TypeError(f"{path}: {type(value).__name__} is not JSON")


_PLAIN = frozenset({str, int, bool, type(None)})


def _sound(value: object) -> bool:
    """Whether :func:`_checked` would pass, for the plain types that nearly every payload is made of.

    Written for speed: every append goes through it, and every value of its payload.
    """
    if type(value) is dict:
        for key, item in value.items():
            if type(key) is not str or (type(item) not in _PLAIN and not _sound(item)):
                return False
        return True
    if type(value) is list:
        for item in value:  # noqa: SIM110 (a generator in all() takes twice as long)
            if type(item) not in _PLAIN and not _sound(item):
                return False
        return True
    return type(value) in _PLAIN


def canonical(value: JSON) -> bytes:
    """Canonical JSON bytes: UTF-8, keys sorted by code point, no blanks, no floats.

    For the values allowed here this equals RFC 8785 except that keys are ordered by code point, not by
    UTF-16 unit (they differ only beyond the BMP, and our keys are ASCII).
    """
    if not _sound(value):
        _checked(value, "$")  # says where
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:  # a number of more than 64 bits, which orjson does not write
        return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def body(stream: UUID, seq: int, action: Action) -> bytes:
    """The canonical bytes of an action at its place."""
    return canonical(
        {
            "v": FORMAT,
            "stream": str(stream),
            "seq": seq,
            "kind": action.kind,
            "actor": action.actor.as_json(),
            "at": stamp(action.at),
            "payload": dict(action.payload),
        }
    )


def parse_body(raw: bytes) -> tuple[UUID, int, Action]:
    """The reverse of :func:`body`."""
    doc = json.loads(raw)
    actor = Actor(doc["actor"]["person"], doc["actor"]["unit"], doc["actor"]["role"])
    action = Action(doc["kind"], actor, unstamp(doc["at"]), doc["payload"])
    return UUID(doc["stream"]), doc["seq"], action


def link_hash(prev: bytes, raw: bytes) -> bytes:
    """SHA-256 over the previous hash and the entry's canonical bytes."""
    return hashlib.sha256(prev + raw).digest()


def link(stream: UUID, head: Head, actions: Iterable[Action]) -> list[Entry]:
    """Chain ``actions`` behind ``head``."""
    entries: list[Entry] = []
    for action in actions:
        seq = head.seq + 1
        entry = Entry(stream, seq, action, head.hash, link_hash(head.hash, body(stream, seq, action)))
        entries.append(entry)
        head = entry.head
    return entries


def verify(stream: UUID, stored: Iterable[tuple[int, bytes, bytes]], after: Head | None = None) -> Head:
    """Check a run of ``(seq, canonical bytes, hash)`` of one stream; gives the head it ends at.

    Raises :class:`BrokenChain` naming the first bad entry. ``after`` is the head the run continues.
    """
    head = after or Head()
    for seq, raw, digest in stored:
        if seq != head.seq + 1:
            raise BrokenChain(stream, head.seq + 1, f"missing (found {seq})")
        try:
            said_stream, said_seq, _ = parse_body(raw)
        except (ValueError, KeyError, TypeError) as error:
            raise BrokenChain(stream, seq, "unreadable") from error
        if (said_stream, said_seq) != (stream, seq):
            raise BrokenChain(stream, seq, "stands at another place than it was written for")
        if link_hash(head.hash, raw) != digest:
            raise BrokenChain(stream, seq, "hash does not match")
        head = Head(seq, digest)
    return head
