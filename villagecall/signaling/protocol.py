"""The wire of the browser socket (docs/PROTOCOL.md), without I/O.

Frames in are named tuples, made and checked by :func:`parse`; :class:`Wire` is what one connection
remembers of the protocol: greeting first, how many frames it may send, when it was last heard. The clock
is passed in (seconds of a monotonic clock). Frames out are bytes, ready for the socket: the same bytes
serve every receiver.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, NewType, TypeAlias, get_args, get_origin, get_type_hints
from uuid import UUID

import orjson

from villagecall.errors import BadRequest, Refusal, TooManyRequests
from villagecall.signaling.refusals import BadFrame, HelloFirst

VERSION = 1
HEARTBEAT_S = 15
SILENT_S = 45.0
"""Nothing heard for three heartbeats: the path is gone, whatever the operating system still believes."""
MAX_FRAME = 64 * 1024
RATE_FRAMES = 60
RATE_WINDOW_S = 2.0
FLOOD_FRAMES = 600
"""Ten times the rate in one window is no page of ours: the socket is closed instead of answered."""


class Close:
    """Close codes (RFC 6455 section 7.4; 4000-4999 are ours)."""

    GOING = 1000
    RESTART = 1012
    SLOW = 1013
    POLICY = 1008
    TOO_BIG = 1009
    SIGNED_OUT = 4401
    ORIGIN = 4403
    SILENT = 4408
    REPLACED = 4409


# ---------------------------------------------------------------- frames in

PerMille = NewType("PerMille", int)
Screen = Literal["idle", "consent", "speaking", "sign", "rate"]
Candidate: TypeAlias = Mapping[str, Any]


class Hello(NamedTuple):
    id: int
    v: int
    tab: UUID


class Ping(NamedTuple):
    id: int


class Duty(NamedTuple):
    id: int
    on: bool


class Watch(NamedTuple):
    id: int
    case: UUID


class Unwatch(NamedTuple):
    id: int
    case: UUID


class Start(NamedTuple):
    id: int
    call: UUID
    case: UUID
    unit: str = ""


class Consent(NamedTuple):
    id: int
    call: UUID


class Answer(NamedTuple):
    id: int
    call: UUID


class Decline(NamedTuple):
    id: int
    call: UUID


class Invite(NamedTuple):
    id: int
    call: UUID
    unit: str


class Leave(NamedTuple):
    id: int
    call: UUID


class End(NamedTuple):
    id: int
    call: UUID


class Mute(NamedTuple):
    id: int
    call: UUID
    audio: bool
    video: bool


class Offer(NamedTuple):
    id: int
    call: UUID
    sdp: str


class Trickle(NamedTuple):
    id: int
    call: UUID
    candidate: Candidate | None


class Show(NamedTuple):
    id: int
    call: UUID
    page: UUID | None


class Point(NamedTuple):
    id: int
    call: UUID
    page: UUID
    x: PerMille
    y: PerMille


class Second(NamedTuple):
    id: int
    screen: Screen
    call: UUID | None = None


Frame: TypeAlias = (
    Hello
    | Ping
    | Duty
    | Watch
    | Unwatch
    | Start
    | Consent
    | Answer
    | Decline
    | Invite
    | Leave
    | End
    | Mute
    | Offer
    | Trickle
    | Show
    | Point
    | Second
)

FRAMES: Mapping[str, type[Frame]] = {
    "hello": Hello,
    "ping": Ping,
    "duty": Duty,
    "watch": Watch,
    "unwatch": Unwatch,
    "call.start": Start,
    "call.consent": Consent,
    "call.answer": Answer,
    "call.decline": Decline,
    "call.invite": Invite,
    "call.leave": Leave,
    "call.end": End,
    "call.mute": Mute,
    "media.offer": Offer,
    "media.candidate": Trickle,
    "page.show": Show,
    "page.point": Point,
    "second": Second,
}


def _uuid(value: Any) -> UUID:
    if type(value) is not str or len(value) != 36:
        raise ValueError("a UUID")
    return UUID(value)


def _bool(value: Any) -> bool:
    if value is True or value is False:
        return value
    raise ValueError("true or false")


def _int(value: Any) -> int:
    if type(value) is not int:
        raise ValueError("a whole number")
    return value


def _per_mille(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= 1000:
        raise ValueError("0 to 1000")
    return value


def _str(value: Any) -> str:
    if type(value) is not str:
        raise ValueError("a string")
    return value


def _candidate(value: Any) -> Candidate | None:
    """``RTCIceCandidateInit``: strings, numbers and nulls under a handful of names."""
    if value is None:
        return None
    if type(value) is not dict or len(value) > 8:
        raise ValueError("a candidate or null")
    if not all(item is None or type(item) in (str, int) for item in value.values()):
        raise ValueError("a candidate or null")
    return value


def _one_of(words: frozenset[str]) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if type(value) is not str or value not in words:
            raise ValueError("one of " + ", ".join(sorted(words)))
        return value

    return read


def _optional(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else read(value)


def _reader(hint: Any) -> Callable[[Any], Any]:
    plain: dict[Any, Callable[[Any], Any]] = {
        UUID: _uuid,
        bool: _bool,
        int: _int,
        str: _str,
        PerMille: _per_mille,
        Candidate | None: _candidate,
    }
    if hint in plain:
        return plain[hint]
    if get_origin(hint) is Literal:
        return _one_of(frozenset(get_args(hint)))
    return _optional(plain[next(arg for arg in get_args(hint) if arg is not type(None))])


class _Spec(NamedTuple):
    """How one frame is read: its fields besides ``t`` and ``id`` in the order of the tuple."""

    make: Callable[..., Frame]
    fields: tuple[tuple[str, Callable[[Any], Any], Any], ...]


_REQUIRED: Any = object()


def _spec(frame: Any) -> _Spec:
    hints = get_type_hints(frame)
    defaults = frame._field_defaults
    fields = ((name, _reader(hints[name]), defaults.get(name, _REQUIRED)) for name in frame._fields if name != "id")
    return _Spec(frame, tuple(fields))


_SPECS = {t: _spec(frame) for t, frame in FRAMES.items()}


class Refused(Exception):
    """A frame is answered with an error: ``re`` is its id, 0 when it could not be read."""

    def __init__(self, re: int, refusal: Refusal) -> None:
        super().__init__(re, refusal)
        self.re, self.refusal = re, refusal


def parse(raw: bytes | str) -> Frame:
    """Read one frame. Raises :class:`Refused` with a :class:`BadRequest` that names the field."""
    try:
        doc = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise Refused(0, BadFrame()) from None
    if type(doc) is not dict:
        raise Refused(0, BadFrame())
    number = doc.get("id")
    if type(number) is not int or number <= 0:
        raise Refused(0, BadRequest(field="id"))
    spec = _SPECS.get(doc["t"]) if type(doc.get("t")) is str else None
    if spec is None:
        raise Refused(number, BadRequest(field="t"))
    values: list[Any] = []
    found = 2  # t and id
    for name, read, default in spec.fields:
        value = doc.get(name, _REQUIRED)
        if value is _REQUIRED:
            if default is _REQUIRED:
                raise Refused(number, BadRequest(field=name))
            values.append(default)
            continue
        found += 1
        try:
            values.append(read(value))
        except ValueError:
            raise Refused(number, BadRequest(field=name)) from None
    if found != len(doc):
        known = {"t", "id", *(name for name, _, _ in spec.fields)}
        raise Refused(number, BadRequest(field=str(next(name for name in doc if name not in known))[:40]))
    return spec.make(number, *values)


# ---------------------------------------------------------------- one connection


class Flood(Exception):
    """Far more frames than any page sends: close with :attr:`Close.POLICY`."""


class Wire:
    """What one connection remembers of the protocol. Times are seconds of one monotonic clock.

    The rate is counted in windows of two seconds, the last window's count weighing in by what of it still
    lies within two seconds: 60 frames at once are fine, the 61st is not, and after two quiet seconds all
    is forgotten but the tail.
    """

    __slots__ = ("_before", "_count", "_window", "greeted", "heard")

    def __init__(self, now: float) -> None:
        self.greeted = False
        self.heard = now
        self._window = now
        self._count = self._before = 0

    def receive(self, raw: bytes | str, now: float) -> Frame:
        """Read a frame. Raises :class:`Refused`, or :class:`Flood`."""
        self.heard = now
        over = not self._within_rate(now)
        frame = parse(raw)
        if over:
            raise Refused(frame.id, TooManyRequests(seconds=int(RATE_WINDOW_S)))
        if not self.greeted:
            if type(frame) is not Hello:
                raise Refused(frame.id, HelloFirst())
            if frame.v != VERSION:
                raise Refused(frame.id, BadRequest(field="v"))
            self.greeted = True
        return frame

    def _within_rate(self, now: float) -> bool:
        passed = now - self._window
        if passed >= RATE_WINDOW_S:
            self._before = self._count if passed < 2 * RATE_WINDOW_S else 0
            self._window = now - passed % RATE_WINDOW_S
            self._count = 0
            passed = now - self._window
        self._count += 1
        if self._count > FLOOD_FRAMES:
            raise Flood
        return self._count + self._before * (1 - passed / RATE_WINDOW_S) <= RATE_FRAMES

    def silent(self, now: float) -> bool:
        return now - self.heard > SILENT_S


# ---------------------------------------------------------------- frames out


def websocket_text(payload: bytes) -> bytes:
    """One unmasked, unfragmented text frame of a server (RFC 6455 section 5.2)."""
    size = len(payload)
    if size < 126:
        return b"\x81" + bytes((size,)) + payload
    if size < 65536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


def push(t: str, **fields: object) -> bytes:
    """A frame that the server sends by itself; UUIDs and aware datetimes may stand in it."""
    return websocket_text(orjson.dumps({"t": t, **fields}))


def ok(re: int, fields: Mapping[str, object] | None = None) -> bytes:
    """The answer to request ``re``."""
    if fields is None:
        return websocket_text(b'{"t":"ok","re":%d}' % re)
    return websocket_text(orjson.dumps({"t": "ok", "re": re, **fields}))


def error(re: int, refusal: Refusal) -> bytes:
    """The answer to request ``re`` when it is no; details that JSON does not know become text."""
    return websocket_text(orjson.dumps({"t": "error", "re": re, "error": refusal.as_json()}, default=str))
