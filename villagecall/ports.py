"""The interfaces between the rooms and the technologies. Adapters implement them; ``app`` chooses.

Each port has one contract suite under ``tests/adapters`` that runs on every implementation.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol
from uuid import UUID

from villagecall.case import Case
from villagecall.journal import JSON, Action, Actor, Entry, Head
from villagecall.vault import SealedRecord

# ---------------------------------------------------------------- journal


@dataclass(frozen=True, slots=True)
class Place:
    """Membership of a stream in a list, at a sort key. Lists are read by keyset on (sort, stream).

    Queues, day books and directories are lists: ``queue:<unit>``, ``village:<code>``, ``units``."""

    list: str
    sort: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The folded state of a stream at its head; ``kind`` is ``case``, ``unit``, ``person``, ``item`` ..."""

    stream: UUID
    kind: str
    head: Head
    state: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """A promise to do something because of an action: exists if and only if its append committed.

    ``key`` makes the consumer idempotent; it is unique per topic. Not before ``not_before`` (aware UTC)."""

    topic: str
    key: str
    payload: Mapping[str, JSON]
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Append:
    """One write. Everything in it is committed together or not at all.

    ``actions`` (at least one) follow ``expected``; ``state`` is the fold after the last of them.
    ``names`` are unique in the installation (``number:…``, ``login:…``, ``ticket:…``) and from then on
    point at this stream. ``join``/``leave`` change list places; joining a list again moves the place.
    ``records`` are personal data under their ids (a later write replaces an id's contents);
    ``tokens`` replace the stream's search tokens when not None; ``more_tokens`` are added to them.
    """

    stream: UUID
    kind: str
    expected: Head
    actions: tuple[Action, ...]
    state: bytes
    key: str
    outbox: tuple[Message, ...] = ()
    names: tuple[str, ...] = ()
    join: tuple[Place, ...] = ()
    leave: tuple[str, ...] = ()
    records: tuple[SealedRecord, ...] = ()
    tokens: tuple[bytes, ...] | None = None
    more_tokens: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Appended:
    """The head after the append. ``replayed``: this key had been committed before; nothing was written."""

    head: Head
    position: int
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """An outbox message handed to a consumer under a lease. ``id`` is the row, ``attempt`` starts at 1."""

    id: int
    message: Message
    stream: UUID
    attempt: int


@dataclass(frozen=True, slots=True)
class ListPage:
    """A piece of a list in order; ``next`` is the keyset cursor for the rest, None at the end."""

    snapshots: tuple[Snapshot, ...]
    next: str | None


class Journal(Protocol):
    """The one write path, and the readings every room needs.

    ``append`` raises :class:`villagecall.errors.Conflict` when ``expected`` is not the head,
    :class:`~villagecall.errors.NameTaken` when a name belongs to another stream, and
    :class:`~villagecall.errors.KeyReused` when ``key`` was used for a different stream or first action kind.
    A key replayed with the same stream answers what the first append answered, whatever ``expected`` says.
    """

    async def append(self, write: Append) -> Appended: ...

    async def entries(self, stream: UUID, after: int = 0) -> list[Entry]: ...

    async def raw(self, stream: UUID) -> list[tuple[int, bytes, bytes]]:
        """``(seq, canonical bytes, hash)`` as stored, for :func:`villagecall.journal.verify`."""
        ...

    async def since(self, position: int, limit: int) -> list[Entry]:
        """Entries of all streams behind ``position`` in journal order, never skipping a late commit."""
        ...

    async def streams(self, after: UUID | None, limit: int) -> list[UUID]: ...

    async def snapshot(self, stream: UUID) -> Snapshot | None: ...

    async def by_name(self, name: str) -> Snapshot | None: ...

    async def page(
        self, list_: str, after: str | None = None, limit: int = 50, *, reverse: bool = False
    ) -> ListPage: ...

    async def count(self, list_: str) -> int: ...

    async def search(self, tokens: Sequence[bytes], lists: Sequence[str], limit: int) -> list[Snapshot]:
        """Streams that carry *all* tokens and stand in *any* of ``lists`` (empty = no restriction)."""
        ...

    async def record(self, record_id: UUID) -> SealedRecord | None: ...

    async def records(self, after: UUID | None, limit: int) -> list[SealedRecord]:
        """In id order; for key rotation."""
        ...

    async def reseal(self, record: SealedRecord) -> None:
        """Replace ciphertext by the same contents under another key (rotation only)."""
        ...

    async def erase(self, record_id: UUID) -> None:
        """Destroy a record's contents when its time is over; the chain still verifies."""
        ...

    async def claim(self, topics: Sequence[str], limit: int, lease_s: float) -> list[Delivery]:
        """Take due messages; one not finished within the lease is handed out again."""

    async def done(self, delivery: Delivery) -> None: ...

    async def failed(self, delivery: Delivery, retry_in_s: float, why: str) -> None: ...

    async def extend(self, delivery: Delivery, lease_s: float) -> None:
        """Keep a message that is still being worked on: its lease ends ``lease_s`` from now."""

    async def backlog(self) -> dict[str, int]:
        """Undelivered messages per topic."""

    async def lag(self) -> dict[str, float]:
        """Per topic with undelivered messages: seconds since the first of them fell due, 0 where none has."""

    async def reserve(self, scope: str, key: str) -> int:
        """The number of ``key`` in ``scope``: 1, 2, 3 ...; the same key always gets the same number."""

    async def ready(self) -> bool: ...

    async def close(self) -> None: ...


# ---------------------------------------------------------------- sessions


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser. Stored under the SHA-256 of its cookie token, never the token itself."""

    digest: bytes
    person: UUID
    csrf: str
    created: datetime
    expires: datetime


class Sessions(Protocol):
    async def put(self, session: Session) -> None: ...

    async def get(self, digest: bytes) -> Session | None: ...

    async def extend(self, digest: bytes, expires: datetime) -> None: ...

    async def drop(self, digest: bytes) -> None: ...

    async def drop_person(self, person: UUID) -> list[bytes]: ...

    async def sweep(self, now: datetime) -> int: ...


# ---------------------------------------------------------------- bus


class Bus(Protocol):
    """Hints between parts and processes. May lose a message: whoever listens also polls a cursor."""

    async def publish(self, topic: str, message: Mapping[str, JSON]) -> None: ...

    def subscribe(self, *topics: str) -> AbstractAsyncContextManager[AsyncIterator[tuple[str, dict[str, JSON]]]]:
        """Within the context, iterate ``(topic, message)``. A topic ending in ``*`` is a prefix."""
        ...

    async def ready(self) -> bool: ...

    async def close(self) -> None: ...


# ---------------------------------------------------------------- blobs


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes known by their content. ``sha256`` (hex) is of the plaintext, ``size`` in bytes."""

    sha256: str
    size: int
    media_type: str


class Blobs(Protocol):
    """Content-addressed and durable: when ``put`` returns, the bytes survive power loss."""

    async def put(self, data: bytes | Path, media_type: str) -> Blob: ...

    async def get(self, sha256: str) -> bytes:
        """The bytes. Raises :class:`villagecall.errors.NotFound`."""
        ...

    async def has(self, sha256: str) -> bool: ...

    async def drop(self, sha256: str) -> None: ...

    async def ready(self) -> bool: ...

    async def close(self) -> None: ...


# ---------------------------------------------------------------- clock, cases, consumers


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware UTC."""
        ...


@dataclass(frozen=True, slots=True)
class Stored:
    """What goes with an action of a case: messages to send, records to seal, unique names to take."""

    outbox: tuple[Message, ...] = ()
    names: tuple[str, ...] = ()
    records: tuple[SealedRecord, ...] = ()
    tokens: tuple[bytes, ...] | None = None
    more_tokens: tuple[bytes, ...] = ()


class Cases(Protocol):
    """How the rooms write into a case without knowing each other. Implemented by ``approval.service``."""

    async def get(self, case_id: UUID) -> Case:
        """Raises :class:`villagecall.errors.NotFound`."""
        ...

    async def find(self, name: str) -> Case | None: ...
    async def record(
        self,
        case_id: UUID,
        kind: str,
        payload: Mapping[str, JSON],
        *,
        actor: Actor,
        key: str,
        stored: Stored | None = None,
    ) -> Case:
        """Append one action, whatever the head is now, if the state table allows it there.

        Retried on conflict. Raises :class:`villagecall.errors.Refusal` when the table says no. A replayed
        ``key`` answers the present case. Announces ``case`` on the bus.
        """
        ...

    async def keep_text(self, case_id: UUID, page_id: UUID, view: str, text: Mapping[str, JSON], *, key: str) -> Case:
        """Seal what was read on a page as ``view`` (SHA-256) shows it; the case is found by ``text["words"]``."""
        ...


Consumer = Callable[[Delivery], Awaitable[None]]
"""Handles one outbox message; may be called twice for one message. An exception means: try later."""


# ---------------------------------------------------------------- media


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for another participant's sound and picture in somebody's connection.

    ``audio_mid``/``video_mid`` are the m-line ids of that connection; ``participant`` None = free.
    """

    index: int
    audio_mid: str
    video_mid: str
    participant: UUID | None


@dataclass(frozen=True, slots=True)
class MediaAnswer:
    sdp: str
    slots: tuple[Slot, ...]


@dataclass(frozen=True, slots=True)
class RecordingFile:
    """One participant's recording, closed: WebM path, duration in ms, head of its hash chain (hex)."""

    participant: UUID
    path: Path
    ms: int
    chain: str
    gaps: tuple[tuple[int, int], ...] = field(default=())


@dataclass(frozen=True, slots=True)
class MediaStats:
    """Round trip in ms and loss in per mille, as last reported; -1 = unknown."""

    rtt_ms: int
    loss_permille: int


MediaListener = Callable[[UUID, UUID, str], Awaitable[None]]
"""``(call, participant, event)``; event is ``connected``, ``disconnected``, ``slots``."""


class MediaEngine(Protocol):
    """Forwards sound and picture between the participants of a call and records each of them."""

    async def join(self, call: UUID, participant: UUID, offer: str, *, record: bool) -> MediaAnswer:
        """Answer a browser's offer; a second join of a participant replaces the first connection."""

    async def candidate(self, call: UUID, participant: UUID, candidate: Mapping[str, JSON] | None) -> None: ...

    async def slots(self, call: UUID, participant: UUID) -> tuple[Slot, ...]: ...

    async def stats(self, call: UUID, participant: UUID) -> MediaStats: ...

    async def leave(self, call: UUID, participant: UUID) -> None: ...

    async def end(self, call: UUID) -> tuple[RecordingFile, ...]: ...

    async def recover(self) -> tuple[tuple[UUID, RecordingFile], ...]:
        """Recordings left behind by a process that is gone, ``(call, file)``: those left open are closed
        where the data ends. Whoever takes a recording away removes its file."""

    def recordings(self) -> int:
        """How many are being written now."""

    def listen(self, listener: MediaListener) -> None: ...

    async def close(self) -> None: ...


# ---------------------------------------------------------------- seal


class Signer(Protocol):
    """Seals a PDF (PAdES). The bytes it gives are final: nothing may be written to them afterwards."""

    @property
    def serial(self) -> str:
        """Serial number (hex) of the certificate that seals: goes into the log of the seal's uses."""
        ...

    async def seal(self, pdf: bytes, *, unit: str, reason: str, at: datetime) -> bytes: ...

    def roots(self) -> Sequence[bytes]:
        """DER certificates that a verifier trusts."""
        ...
