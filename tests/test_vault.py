"""Personal data at rest: sealed, bound to its place, found by tokens, committed to without telling anything."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.real.plaintext import found_in
from villagecall.ids import uuid7
from villagecall.journal import JSON, canonical
from villagecall.vault import Vault, VaultError, mask_id, mask_name, mask_phone, pieces

VAULT = Vault({"k1": b"\1" * 32}, "k1", b"\3" * 32)
ROTATED = Vault({"k1": b"\1" * 32, "k2": b"\2" * 32}, "k2", b"\3" * 32)
PERSON: dict[str, JSON] = {"name": "李桂芳", "id_number": "11010519491231002X", "phone": "13800130000"}

texts = st.text(st.characters(exclude_categories=["Cs"]))
names = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), min_size=1, max_size=5)


@given(st.dictionaries(texts, st.none() | st.booleans() | st.integers() | texts))
def test_what_was_sealed_opens(value: dict[str, JSON]) -> None:
    sealed = VAULT.seal(uuid7(), uuid7(), value)
    assert VAULT.open(sealed.record) == value
    assert VAULT.commitment(sealed.record) == sealed.commitment


def test_the_ciphertext_tells_nothing() -> None:
    sealed = VAULT.seal(uuid7(), uuid7(), PERSON)
    assert found_in(sealed.record.ciphertext, ["李桂芳", "11010519491231002X", "13800130000"]) == []
    again = VAULT.seal(sealed.record.id, sealed.record.stream, PERSON)
    assert again.record.ciphertext != sealed.record.ciphertext
    assert again.commitment != sealed.commitment  # salted: the same person twice is not seen to be the same


def test_a_record_opens_at_its_own_id_and_stream_only() -> None:
    record = VAULT.seal(uuid7(), uuid7(), PERSON).record
    for moved in (replace(record, id=uuid7()), replace(record, stream=uuid7())):
        with pytest.raises(VaultError, match="does not open"):
            VAULT.open(moved)


def test_every_flipped_byte_is_found() -> None:
    record = VAULT.seal(uuid7(), uuid7(), {"n": 1}).record
    for at in range(len(record.ciphertext)):
        changed = bytearray(record.ciphertext)
        changed[at] ^= 1
        with pytest.raises(VaultError):
            VAULT.open(replace(record, ciphertext=bytes(changed)))
    with pytest.raises(VaultError):
        VAULT.open(replace(record, nonce=b"\0" * 12))


def test_another_key_opens_nothing() -> None:
    record = VAULT.seal(uuid7(), uuid7(), PERSON).record
    with pytest.raises(VaultError, match="does not open"):
        Vault({"k1": b"\x09" * 32}, "k1", b"\3" * 32).open(record)
    with pytest.raises(VaultError, match="not in the settings"):
        Vault({"other": b"\1" * 32}, "other", b"\3" * 32).open(record)


def test_rotation_keeps_contents_and_commitment() -> None:
    sealed = VAULT.seal(uuid7(), uuid7(), PERSON)
    rotated = ROTATED.rotate(sealed.record)
    assert (rotated.key_id, rotated.id, rotated.stream) == ("k2", sealed.record.id, sealed.record.stream)
    only_new = Vault({"k2": b"\2" * 32}, "k2", b"\3" * 32)
    assert only_new.open(rotated) == PERSON
    assert only_new.commitment(rotated) == sealed.commitment


def test_once_erased_the_commitment_cannot_be_tried_against_a_guess() -> None:
    """The salt is gone with the record: hashing the right contents does not give the commitment."""
    sealed = VAULT.seal(uuid7(), uuid7(), PERSON)
    erased = replace(sealed.record, nonce=b"", ciphertext=b"")
    assert erased.erased
    with pytest.raises(VaultError):
        VAULT.open(erased)
    assert hashlib.sha256(canonical(PERSON)).hexdigest() != sealed.commitment


@pytest.mark.parametrize("key", [b"", b"short", b"x" * 31, b"x" * 33])
def test_keys_have_32_bytes(key: bytes) -> None:
    with pytest.raises(VaultError, match="32 bytes"):
        Vault({"k1": key}, "k1", b"\3" * 32)
    with pytest.raises(VaultError, match="'token'"):
        Vault({"k1": b"\1" * 32}, "k1", key)


def test_the_current_key_is_one_of_the_keys() -> None:
    with pytest.raises(VaultError, match="not among"):
        Vault({"k1": b"\1" * 32}, "k2", b"\3" * 32)


@given(st.binary(max_size=200), st.binary(max_size=20))
def test_bytes_are_sealed_with_their_context(data: bytes, context: bytes) -> None:
    sealed = VAULT.seal_bytes(context, data)
    assert VAULT.open_bytes(context, sealed) == data
    assert ROTATED.open_bytes(context, sealed) == data
    with pytest.raises(VaultError):
        VAULT.open_bytes(context + b"x", sealed)


def test_broken_sealed_bytes_are_refused() -> None:
    sealed = VAULT.seal_bytes(b"context", b"data")
    for at in range(len(sealed)):
        changed = bytearray(sealed)
        changed[at] ^= 1
        with pytest.raises(VaultError):
            VAULT.open_bytes(b"context", bytes(changed))
        with pytest.raises(VaultError):
            VAULT.open_bytes(b"context", sealed[:at])


# ---------------------------------------------------------------- tokens


@given(names)
def test_a_name_is_found_by_any_two_of_its_neighbouring_characters(name: str) -> None:
    carried = VAULT.name_tokens(name)
    for at in range(len(name) - 1):
        assert set(VAULT.query(name[at : at + 2])) <= carried
    assert set(VAULT.query(name)) == carried


def test_no_name_of_two_characters_is_missed_or_mistaken() -> None:
    known = [family + given for family, given in product("王李张刘陈杨黄赵", "伟芳娜敏静丽强磊")]
    carried = {name: VAULT.tokens(name=name, id_number="11010519491231002X", phone="13800130000") for name in known}
    for name in known:
        asked = set(VAULT.query(name))
        assert [other for other in known if asked <= carried[other]] == [name]


@pytest.mark.parametrize(
    "asked", ["李桂芳", "桂芳", " 李 桂芳 ", "11010519491231002x", "002X", "13800130000", "11010519491231002X"]
)
def test_an_applicant_is_found_by_what_a_clerk_types(asked: str) -> None:
    carried = VAULT.tokens(name="李桂芳", id_number="11010519491231002X", phone="13800130000")
    assert VAULT.query(asked)
    assert set(VAULT.query(asked)) <= carried


def test_blanks_and_dots_inside_a_name_do_not_matter() -> None:
    assert pieces("买买提·艾力") == pieces("买买提 艾力") == pieces("买买提•艾力")
    assert pieces("王") == {"王"}
    assert pieces(" ") == set()
    assert VAULT.query("  ") == []


def test_tokens_differ_by_field_and_by_key_and_hold_no_text() -> None:
    assert VAULT.token("id4", "0000") != VAULT.token("phone4", "0000")
    other = Vault({"k1": b"\1" * 32}, "k1", b"\4" * 32)
    assert VAULT.token("name", "李桂") != other.token("name", "李桂")
    assert ROTATED.token("name", "李桂") == VAULT.token("name", "李桂")  # rotation keeps them
    assert VAULT.token("name", "李桂") not in (
        hashlib.sha256("李桂".encode()).digest()[:12],
        hashlib.sha256(b"name\0" + "李桂".encode()).digest()[:12],
    )


# ---------------------------------------------------------------- masks


@pytest.mark.parametrize(
    ("name", "shown"), [("", ""), ("王", "王"), ("王刚", "王*"), ("李桂芳", "李*芳"), ("欧阳娜娜", "欧**娜")]
)
def test_a_name_is_masked(name: str, shown: str) -> None:
    assert mask_name(name) == shown


def test_numbers_are_masked() -> None:
    assert mask_id("11010519491231002X") == "1101**********002X"
    assert mask_phone("13800130000") == "138****0000"


@given(st.text("0123456789X", max_size=30))
def test_a_mask_never_shows_more_than_eight_digits_and_keeps_the_length(number: str) -> None:
    for shown in (mask_id(number), mask_phone(number)):
        assert len(shown) == len(number)
        assert len(shown.replace("*", "")) <= 8
