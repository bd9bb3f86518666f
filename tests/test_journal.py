"""The canonical bytes have one spelling, and the chain shows every change, from the first changed entry on."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from villagecall.ids import uuid7
from villagecall.journal import (
    GENESIS,
    JSON,
    SYSTEM,
    Action,
    Actor,
    BrokenChain,
    Head,
    body,
    canonical,
    link,
    link_hash,
    parse_body,
    stamp,
    unstamp,
    verify,
)

STREAM = UUID("01a203f6-c6a4-7490-9704-a496ca7e3a53")
AT = datetime(2026, 11, 2, 1, 0, 0, 5, tzinfo=UTC)

texts = st.text(st.characters(exclude_categories=["Cs"]))
leaves = st.none() | st.booleans() | st.integers() | texts
values = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=12)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
moments = st.builds(
    lambda since, zone: (EPOCH + since).astimezone(zone),
    st.timedeltas(timedelta(0), datetime(9998, 1, 1, tzinfo=UTC) - EPOCH),
    st.sampled_from([UTC, timezone(timedelta(hours=8))]),
)


def stored(*kinds: str) -> list[tuple[int, bytes, bytes]]:
    """A chain as a journal stores it."""
    actions = [Action(kind, SYSTEM, AT, {"n": n}) for n, kind in enumerate(kinds)]
    entries = link(STREAM, Head(), actions)
    return [(entry.seq, body(STREAM, entry.seq, entry.action), entry.hash) for entry in entries]


@given(values)
def test_canonical_bytes_are_what_the_standard_library_writes_sorted(value: JSON) -> None:
    plain = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    assert canonical(value) == plain
    assert canonical(json.loads(plain)) == plain


@given(st.dictionaries(texts, leaves, min_size=2))
def test_the_order_of_keys_does_not_matter(value: dict[str, JSON]) -> None:
    assert canonical(value) == canonical(dict(reversed(value.items())))


@pytest.mark.parametrize(
    ("value", "where"),
    [
        (1.0, r"\$: floats"),
        ({"a": [1, {"b": 0.5}]}, r"\$\.a\[1\]\.b: floats"),
        ({"a": {1: "x"}}, r"\$\.a: keys"),
        ({"at": AT}, r"\$\.at: datetime"),
        ({"id": STREAM}, r"\$\.id: UUID"),
        ([b"bytes"], r"\$\[0\]: bytes"),
        ({"pair": (1, 2)}, r"\$\.pair: tuple"),
    ],
)
def test_what_has_no_canonical_form_is_refused_by_its_place(value: Any, where: str) -> None:
    with pytest.raises(TypeError, match=where):
        canonical(value)


def test_a_lone_surrogate_is_no_text() -> None:
    with pytest.raises(ValueError, match="surrogate"):
        canonical("\ud800")


def test_words_of_an_enumeration_are_their_texts() -> None:
    class State(StrEnum):
        DRAFT = "draft"

    assert canonical({"state": State.DRAFT}) == b'{"state":"draft"}'


def test_the_canonical_bytes_of_an_action_stay_as_they_are() -> None:
    """A stored journal must verify for ever: this line may not change without a new ``FORMAT``."""
    action = Action("case.opened", Actor("p1", "510811101201", "village"), AT, {"item": "低保", "n": 3, "no": None})
    assert body(STREAM, 1, action).decode() == (
        '{"actor":{"person":"p1","role":"village","unit":"510811101201"},"at":"2026-11-02T01:00:00.000005Z",'
        '"kind":"case.opened","payload":{"item":"低保","n":3,"no":null},"seq":1,'
        '"stream":"01a203f6-c6a4-7490-9704-a496ca7e3a53","v":1}'
    )
    assert link_hash(GENESIS, b"{}").hex() == "fb1634c4e6cd4b1f1afe3ce2d6ef080f7ac5d1f357d723ad4dfca782733b62db"


@given(st.dictionaries(texts, values), moments, st.integers(1, 1 << 40))
def test_an_action_is_read_back_from_its_bytes(payload: dict[str, JSON], at: datetime, seq: int) -> None:
    action = Action("case.opened", Actor("p", "u", "r"), at, payload)
    assert parse_body(body(STREAM, seq, action)) == (STREAM, seq, action)


@given(moments)
def test_an_instant_has_one_spelling(at: datetime) -> None:
    text = stamp(at)
    assert unstamp(text) == at
    assert stamp(unstamp(text)) == text
    assert text.endswith("Z")
    assert len(text) == 27


def test_linking_continues_the_chain() -> None:
    first = link(STREAM, Head(), [Action("a", SYSTEM, AT, {}), Action("b", SYSTEM, AT, {})])
    second = link(STREAM, first[-1].head, [Action("c", SYSTEM, AT, {})])
    assert [entry.seq for entry in (*first, *second)] == [1, 2, 3]
    assert first[0].prev == GENESIS
    assert second[0].prev == first[1].hash == first[1].head.hash
    assert link(STREAM, Head(), []) == []


def test_a_whole_chain_verifies_and_gives_its_head() -> None:
    chain = stored("a", "b", "c")
    assert verify(STREAM, chain) == Head(3, chain[-1][2])
    assert verify(STREAM, []) == Head()
    assert verify(STREAM, chain[1:], Head(1, chain[0][2])) == Head(3, chain[-1][2])


@pytest.mark.parametrize("bad", [1, 2, 3])
def test_every_flipped_byte_is_found_at_its_entry(bad: int) -> None:
    chain = stored("a", "b", "c")
    seq, raw, digest = chain[bad - 1]
    for at in range(len(raw)):
        changed = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
        with pytest.raises(BrokenChain) as found:
            verify(STREAM, [*chain[: bad - 1], (seq, changed, digest), *chain[bad:]])
        assert found.value.seq == bad
    for at in range(32):
        changed = digest[:at] + bytes([digest[at] ^ 1]) + digest[at + 1 :]
        with pytest.raises(BrokenChain) as found:
            verify(STREAM, [*chain[: bad - 1], (seq, raw, changed), *chain[bad:]])
        assert found.value.seq == bad


def test_a_dropped_doubled_or_swapped_entry_is_found() -> None:
    one, two, three, four = stored("a", "b", "c", "d")
    for chain, seq in (
        ([one, three, four], 2),
        ([two, three, four], 1),
        ([one, one, two], 2),
        ([one, three, two, four], 2),
        ([one, (2, three[1], three[2]), four], 2),
    ):
        with pytest.raises(BrokenChain) as found:
            verify(STREAM, chain)
        assert found.value.seq == seq


def test_a_rewritten_entry_breaks_what_follows_even_with_its_own_hash_mended() -> None:
    one, two, three = stored("a", "b", "c")
    changed = body(STREAM, 2, Action("x", SYSTEM, AT, {}))
    mended = (2, changed, link_hash(one[2], changed))
    with pytest.raises(BrokenChain, match="entry 3: hash"):
        verify(STREAM, [one, mended, three])
    assert verify(STREAM, [one, mended]) != verify(STREAM, [one, two])  # and the head is another one


def test_the_chain_of_one_stream_is_not_taken_for_another() -> None:
    with pytest.raises(BrokenChain, match="another place"):
        verify(uuid7(), stored("a"))


def test_unreadable_bytes_are_named() -> None:
    for raw in (b"", b"{}", b"[1]", b"\xff", b'{"stream":1,"seq":1}'):
        with pytest.raises(BrokenChain, match="entry 1: unreadable"):
            verify(STREAM, [(1, raw, link_hash(GENESIS, raw))])
