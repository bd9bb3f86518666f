"""The frames a browser sends (docs/PROTOCOL.md), read and checked (pure).

Each is a named tuple; its reader is made once from its annotations. Unknown types, unknown fields and
values of another kind are refused by the name of the field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Literal, NamedTuple, NewType, TypeAlias, get_args, get_origin, get_type_hints
from uuid import UUID

import orjson

from villagecall.errors import BadRequest, Refusal
from villagecall.signaling.refusals import BadFrame

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


@lru_cache(maxsize=4096)
def _read_uuid(value: str) -> UUID:
    """A call says the same few ids over and over: reading them anew is a third of a frame's cost."""
    return UUID(value)


def _uuid(value: Any) -> UUID:
    if type(value) is not str or len(value) != 36:
        raise ValueError("a UUID")
    return _read_uuid(value)


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
