"""What every journal does to a write before it stores it, and the cursor of list pages (pure)."""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple
from uuid import UUID

import orjson

from villagecall.errors import BadRequest
from villagecall.journal import JSON, Head, body, link_hash
from villagecall.ports import Append, Message


class Prepared(NamedTuple):
    """A write ready to be stored: each row once, in an order that is the same for every writer.

    ``stream`` is the id as SQLite stores it, ``head`` the one after the last action, and ``entries`` are
    sequence number, canonical bytes and hash of each action. The order of ``names`` and ``outbox`` is fixed
    so that two writers never wait for each other in a ring. ``tokens`` are those to be added, after all that
    were there are forgotten if ``forget``.
    """

    write: Append
    stream: bytes
    head: Head
    entries: tuple[tuple[int, bytes, bytes], ...]
    outbox: tuple[Message, ...]
    names: tuple[str, ...]
    join: tuple[tuple[str, str], ...]
    leave: tuple[str, ...]
    forget: bool
    tokens: tuple[bytes, ...]

    @property
    def kind(self) -> str:
        """The kind of the first action: with the stream it says what an idempotency key was used for."""
        return self.write.actions[0].kind


def prepare(write: Append) -> Prepared:
    """Chain the actions and bring the rest into stored form. Raises ``ValueError`` on a malformed write."""
    if not write.actions:
        raise ValueError("an append carries at least one action")
    if len(write.actions) > MAX_ACTIONS:
        raise ValueError(f"an append carries at most {MAX_ACTIONS} actions")
    if not write.key:
        raise ValueError("an append carries an idempotency key")
    seq, digest, entries = write.expected.seq, write.expected.hash, []
    for action in write.actions:
        seq += 1
        raw = body(write.stream, seq, action)
        digest = link_hash(digest, raw)
        entries.append((seq, raw, digest))
    join = {place.list: place.sort for place in write.join} if write.join else {}
    if "\0" in write.key or "\0" in write.kind or "\0" in "".join((*write.names, *join, *join.values())):
        raise ValueError("keys, kinds, names, lists and sort keys carry no NUL")
    return Prepared(
        write,
        write.stream.bytes,
        Head(seq, digest),
        tuple(entries),
        _once(write.outbox),
        tuple(sorted(set(write.names))) if write.names else (),
        tuple(sorted(join.items())) if join else (),
        tuple(sorted(set(write.leave) - set(join))) if write.leave else (),
        write.tokens is not None,
        tuple(sorted({*(write.tokens or ()), *write.more_tokens})) if write.tokens or write.more_tokens else (),
    )


def _once(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The first of each topic and key, in order."""
    if len(messages) < 2:
        return messages
    return tuple(sorted({(m.topic, m.key): m for m in reversed(messages)}.values(), key=lambda m: (m.topic, m.key)))


MAX_ACTIONS = 4096
"""Actions of one append: they share one transaction number, see ``journal_postgres``."""


def pack(payload: object) -> bytes:
    """A message's payload as stored."""
    return orjson.dumps(payload)


def unpack(raw: bytes | str) -> dict[str, JSON]:
    value: dict[str, JSON] = orjson.loads(raw)
    return value


def cursor(sort: str, stream: UUID) -> str:
    """Keyset cursor of a list page: opaque, safe in an address."""
    return base64.urlsafe_b64encode(stream.bytes + sort.encode()).decode().rstrip("=")


def uncursor(text: str) -> tuple[str, UUID]:
    """The reverse of :func:`cursor`. Raises :class:`BadRequest`."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        return raw[16:].decode(), UUID(bytes=raw[:16])
    except (binascii.Error, ValueError) as error:
        raise BadRequest(field="cursor") from error


def limited(limit: int) -> int:
    """A page never holds more than this, whoever asks."""
    return max(1, min(limit, 10_000))
