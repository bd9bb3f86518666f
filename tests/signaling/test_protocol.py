"""The wire without a wire: reading frames, greeting, rate, silence, framing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from villagecall.errors import TooLarge
from villagecall.signaling import messages as m
from villagecall.signaling import protocol as p

CALL = "01980000-0000-7000-8000-000000000001"
PAGE = "01980000-0000-7000-8000-000000000002"

EXAMPLES: dict[str, dict[str, Any]] = {
    "hello": {"v": 1, "tab": CALL},
    "ping": {},
    "duty": {"on": True},
    "watch": {"case": CALL},
    "unwatch": {"case": CALL},
    "call.start": {"call": CALL, "case": PAGE},
    "call.consent": {"call": CALL},
    "call.answer": {"call": CALL},
    "call.decline": {"call": CALL},
    "call.invite": {"call": CALL, "unit": "519900000000-02"},
    "call.leave": {"call": CALL},
    "call.end": {"call": CALL},
    "call.mute": {"call": CALL, "audio": True, "video": False},
    "media.offer": {"call": CALL, "sdp": "v=0"},
    "media.candidate": {"call": CALL, "candidate": {"candidate": "candidate:1 1 UDP …", "sdpMLineIndex": 0}},
    "page.show": {"call": CALL, "page": PAGE},
    "page.point": {"call": CALL, "page": PAGE, "x": 0, "y": 1000},
    "second": {"screen": "consent"},
}


def frame(t: str, number: object = 7, **fields: object) -> bytes:
    return orjson.dumps({"t": t, "id": number, **fields})


def refused(raw: bytes | str) -> tuple[int, str, object]:
    with pytest.raises(m.Refused) as no:
        m.parse(raw)
    return no.value.re, no.value.refusal.code, no.value.refusal.details.get("field")


# ---------------------------------------------------------------- reading


def test_every_frame_of_the_protocol_has_an_example_here() -> None:
    assert EXAMPLES.keys() == m.FRAMES.keys()


@pytest.mark.parametrize("t", EXAMPLES)
def test_a_frame_reads_as_its_own_kind(t: str) -> None:
    read = m.parse(frame(t, **EXAMPLES[t]))
    assert type(read) is m.FRAMES[t]
    assert read.id == 7


@pytest.mark.parametrize("t", EXAMPLES)
def test_an_unknown_field_is_refused_by_name(t: str) -> None:
    assert refused(frame(t, **EXAMPLES[t], colour="red")) == (7, "bad_request", "colour")


@pytest.mark.parametrize(("t", "field"), [(t, field) for t, fields in EXAMPLES.items() for field in fields])
def test_a_missing_field_is_refused_by_name(t: str, field: str) -> None:
    fields = {name: value for name, value in EXAMPLES[t].items() if name != field}
    assert refused(frame(t, **fields)) == (7, "bad_request", field)


@pytest.mark.parametrize(("t", "field"), [(t, field) for t, fields in EXAMPLES.items() for field in fields])
def test_a_field_of_another_kind_is_refused_by_name(t: str, field: str) -> None:
    wrongs: list[object] = [[], {"a": []}, 1.5]
    for wrong in wrongs:
        assert refused(frame(t, **{**EXAMPLES[t], field: wrong})) == (7, "bad_request", field)


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"3", b'"hello"', b"null", b"\xff\xfe", "{'t': 1}", b'{"t":"ping"} x']
)
def test_what_is_no_object_is_answered_with_re_0(raw: bytes | str) -> None:
    assert refused(raw) == (0, "bad_frame", None)


@pytest.mark.parametrize("number", [None, 0, -1, "1", 1.0, True])
def test_an_id_is_a_positive_whole_number(number: object) -> None:
    assert refused(frame("ping", number)) == (0, "bad_request", "id")


def test_an_unknown_type_is_refused() -> None:
    assert refused(frame("call.transfer")) == (7, "bad_request", "t")
    assert refused(b'{"id":7}') == (7, "bad_request", "t")
    assert refused(b'{"id":7,"t":["ping"]}') == (7, "bad_request", "t")


def test_values_have_bounds() -> None:
    for bad in ("x" * 36, CALL.replace("-", ""), "{" + CALL[1:-1] + "}", "urn:uuid:" + CALL):
        assert refused(frame("watch", case=bad))[2] == "case"
    for bad_number in (-1, 1001, True):
        assert refused(frame("page.point", call=CALL, page=PAGE, x=bad_number, y=0))[2] == "x"
    assert refused(frame("second", screen="dance"))[2] == "screen"
    assert refused(frame("duty", on=1))[2] == "on"
    many = {str(n): "x" for n in range(9)}
    assert refused(frame("media.candidate", call=CALL, candidate=many))[2] == "candidate"


def test_what_may_be_absent_or_null() -> None:
    start = m.parse(frame("call.start", call=CALL, case=PAGE))
    assert isinstance(start, m.Start)
    assert start.unit == ""
    shown = m.parse(frame("page.show", call=CALL, page=None))
    assert isinstance(shown, m.Show)
    assert shown.page is None
    end = m.parse(frame("media.candidate", call=CALL, candidate=None))
    assert isinstance(end, m.Trickle)
    assert end.candidate is None


json = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=6,
)


@given(st.binary(max_size=200))
def test_no_bytes_do_harm(raw: bytes) -> None:
    try:
        m.parse(raw)
    except m.Refused as no:
        assert no.refusal.as_json()["zh"]


@given(t=st.sampled_from(sorted(EXAMPLES)), field=st.text(max_size=8), value=json)
def test_no_value_does_harm(t: str, field: str, value: object) -> None:
    fields = {**EXAMPLES[t], **(dict.fromkeys(EXAMPLES[t], value) if field == "" else {field: value})}
    try:
        read = m.parse(orjson.dumps({**fields, "t": t, "id": 7}))
    except m.Refused as no:
        assert no.re in (0, 7)
    else:
        assert type(read) is m.FRAMES[t]


# ---------------------------------------------------------------- one connection


def wire(now: float = 0.0) -> p.Wire:
    """A connection that has greeted at ``now``."""
    found = p.Wire(now)
    found.receive(frame("hello", v=1, tab=CALL), now)
    return found


def test_hello_comes_first() -> None:
    fresh = p.Wire(0.0)
    with pytest.raises(m.Refused) as no:
        fresh.receive(frame("ping"), 0.0)
    assert (no.value.re, no.value.refusal.code) == (7, "hello_first")
    assert isinstance(fresh.receive(frame("hello", v=1, tab=CALL), 0.1), m.Hello)
    assert isinstance(fresh.receive(frame("ping"), 0.2), m.Ping)


def test_another_version_is_refused() -> None:
    with pytest.raises(m.Refused) as no:
        p.Wire(0.0).receive(frame("hello", v=2, tab=CALL), 0.0)
    assert no.value.refusal.details == {"field": "v"}


def test_sixty_frames_in_two_seconds_and_no_more() -> None:
    busy = wire(0.0)
    for n in range(59):
        busy.receive(frame("ping"), n * 0.01)
    for late in (1.0, 1.9):
        with pytest.raises(m.Refused) as no:
            busy.receive(frame("ping", 61), late)
        assert (no.value.re, no.value.refusal.code) == (61, "too_many_requests")


def test_after_a_quiet_while_the_rate_is_forgotten() -> None:
    busy = wire(0.0)
    for _ in range(59):
        busy.receive(frame("ping"), 0.0)
    with pytest.raises(m.Refused):
        for _ in range(10):  # most of the burst still weighs in
            busy.receive(frame("ping"), 2.1)
    for _ in range(60):
        busy.receive(frame("ping"), 6.5)


@given(gaps=st.lists(st.floats(0, 0.5), min_size=1, max_size=300))
def test_the_rate_never_lets_much_more_through(gaps: list[float]) -> None:
    """The weighted count is an estimate; twice the rate it never lets through, nor refuses a calm page."""
    busy, now, passed = p.Wire(0.0), 0.0, list[float]()
    busy.greeted = True
    for gap in gaps:
        now += gap
        try:
            busy.receive(frame("ping"), now)
        except m.Refused:
            assert sum(1 for at in passed if at > now - 4) >= 30  # a page at a quarter of the rate is never refused
        else:
            passed.append(now)
        assert sum(1 for at in passed if at > now - 2) <= 2 * p.RATE_FRAMES


def test_a_flood_is_not_even_answered() -> None:
    busy = wire(0.0)
    with pytest.raises(p.Flood):
        for _ in range(p.FLOOD_FRAMES + 1):
            try:
                busy.receive(frame("ping"), 0.5)
            except m.Refused:
                continue


def test_silence_is_three_heartbeats() -> None:
    quiet = wire(100.0)
    assert not quiet.silent(145.0)
    assert quiet.silent(145.1)
    with pytest.raises(m.Refused):
        quiet.receive(b"nonsense", 145.0)  # anything heard is a sign of life
    assert not quiet.silent(190.0)


# ---------------------------------------------------------------- out


def test_answers_and_pushes() -> None:
    assert p.ok(7) == b'\x81\x13{"t":"ok","re":7}'.replace(b"\x13", bytes((len(b'{"t":"ok","re":7}'),)))
    assert orjson.loads(p.ok(7, {"call": UUID(CALL)})[2:]) == {"t": "ok", "re": 7, "call": CALL}
    assert orjson.loads(p.push("ring", call=1)[2:]) == {"t": "ring", "call": 1}
    body = orjson.loads(p.error(7, TooLarge(limit_mib=64, why=ValueError("x")))[4:])
    assert body["t"] == "error"
    assert body["re"] == 7
    assert body["error"]["code"] == "too_large"
    assert set(body["error"]) == {"code", "zh", "en", "todo_zh", "todo_en", "details"}


@pytest.mark.parametrize(
    ("size", "header"),
    [
        (0, b"\x81\x00"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65535, b"\x81\x7e\xff\xff"),
        (65536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_lengths_of_a_text_frame(size: int, header: bytes) -> None:
    assert p.websocket_text(b"x" * size) == header + b"x" * size
