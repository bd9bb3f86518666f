"""Personal data beside the journal: sealed records, search tokens, commitments (pure).

A record is AES-256-GCM under the installation's current data key, bound to its own id. Search goes
through keyed tokens (HMAC-SHA256, truncated), so that the database holds no plaintext and no plain hash
of it. The journal carries ``sha256(salt + plaintext)``; the salt lies inside the sealed record, so that
once the record is erased, the commitment tells nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from villagecall.errors import VillagecallError
from villagecall.journal import JSON, canonical

_TOKEN_BYTES = 12
_BETWEEN_WORDS = re.compile(r"[\W_]+")


class VaultError(VillagecallError):
    """A record cannot be opened: wrong key, or changed bytes."""


@dataclass(frozen=True, slots=True)
class SealedRecord:
    """Ciphertext of one record. ``erased`` records keep their id and nothing else."""

    id: UUID
    stream: UUID
    key_id: str
    nonce: bytes
    ciphertext: bytes

    @property
    def erased(self) -> bool:
        return not self.ciphertext


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed record with the commitment (hex) that the journal carries."""

    record: SealedRecord
    commitment: str


def _derive(key: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(key)


class Vault:
    """The keys of one installation. ``keys`` maps key id to 32 bytes; new records use ``current``.

    ``token_key`` stays when data keys rotate, else every token would have to be written again.
    """

    def __init__(self, keys: Mapping[str, bytes], current: str, token_key: bytes) -> None:
        if current not in keys:
            raise VaultError(f"the current vault key {current!r} is not among the keys")
        for name, key in {**keys, "token": token_key}.items():
            if len(key) != 32:
                raise VaultError(f"vault key {name!r} is not 32 bytes")
        self._ciphers = {name: AESGCM(_derive(key, b"villagecall record")) for name, key in keys.items()}
        self._blob_ciphers = {name: AESGCM(_derive(key, b"villagecall blob")) for name, key in keys.items()}
        self._current = current
        self._token_key = _derive(token_key, b"villagecall token")

    @property
    def current(self) -> str:
        return self._current

    def seal(self, record_id: UUID, stream: UUID, value: Mapping[str, JSON]) -> Sealed:
        """Seal a JSON object."""
        salt = os.urandom(16)
        plain = canonical(dict(value))
        commitment = hashlib.sha256(salt + plain).hexdigest()
        return Sealed(self._seal(record_id, stream, salt + plain), commitment)

    def _seal(self, record_id: UUID, stream: UUID, data: bytes) -> SealedRecord:
        nonce = os.urandom(12)
        bound = record_id.bytes + stream.bytes
        return SealedRecord(
            record_id, stream, self._current, nonce, self._ciphers[self._current].encrypt(nonce, data, bound)
        )

    def _open(self, record: SealedRecord) -> bytes:
        cipher = self._ciphers.get(record.key_id)
        if cipher is None:
            raise VaultError(f"record {record.id}: key {record.key_id!r} is not in the settings")
        try:
            return cipher.decrypt(record.nonce, record.ciphertext, record.id.bytes + record.stream.bytes)
        except (InvalidTag, ValueError) as error:  # ValueError: a nonce that is no nonce, as in an erased record
            raise VaultError(f"record {record.id}: does not open") from error

    def open(self, record: SealedRecord) -> dict[str, JSON]:
        """The object that was sealed. Raises :class:`VaultError`."""
        value: dict[str, JSON] = json.loads(self._open(record)[16:])
        return value

    def commitment(self, record: SealedRecord) -> str:
        """The commitment of a record, computed anew, to be held against the journal's."""
        return hashlib.sha256(self._open(record)).hexdigest()

    def rotate(self, record: SealedRecord) -> SealedRecord:
        """The same contents and salt under the current key."""
        return self._seal(record.id, record.stream, self._open(record))

    def seal_bytes(self, context: bytes, data: bytes) -> bytes:
        """Encrypt bytes (a blob, a file) bound to ``context``: key id length, key id, nonce, ciphertext."""
        nonce = os.urandom(12)
        name = self._current.encode()
        return bytes([len(name)]) + name + nonce + self._blob_ciphers[self._current].encrypt(nonce, data, context)

    def open_bytes(self, context: bytes, sealed: bytes) -> bytes:
        """The reverse of :meth:`seal_bytes`. Raises :class:`VaultError`."""
        end = 1 + sealed[0] if sealed else 0
        cipher = self._blob_ciphers.get(sealed[1:end].decode(errors="replace"))
        if cipher is None:
            raise VaultError("sealed bytes: unknown key")
        try:
            return cipher.decrypt(sealed[end : end + 12], sealed[end + 12 :], context)
        except (InvalidTag, ValueError) as error:  # ValueError: cut off within the nonce
            raise VaultError("sealed bytes: do not open") from error

    def token(self, field: str, value: str) -> bytes:
        """The search token of one value in one field (``name``, ``id``, ``phone`` ...)."""
        message = field.encode() + b"\0" + value.encode()
        return hmac.digest(self._token_key, message, "sha256")[:_TOKEN_BYTES]

    def name_tokens(self, name: str) -> set[bytes]:
        """Tokens of every character pair of a name (and of the name itself when it is one character)."""
        return {self.token("name", piece) for piece in pieces(name)}

    def tokens(self, *, name: str = "", id_number: str = "", phone: str = "") -> set[bytes]:
        """What an applicant is found by: pairs of the name; the whole ID number and its last four; phone."""
        found = self.name_tokens(name) if name else set()
        if id_number:
            found |= {self.token("id", id_number.upper()), self.token("id4", id_number[-4:].upper())}
        if phone:
            found |= {self.token("phone", phone), self.token("phone4", phone[-4:])}
        return found

    def text_tokens(self, words: str) -> set[bytes]:
        """Tokens of every two neighbouring characters of a text, line by line; see :func:`text_pieces`."""
        return {self.token("text", piece) for piece in text_pieces(words)}

    def query(self, text: str) -> list[bytes]:
        """The tokens that a typed search asks for: all must be carried. Digits mean ID number or phone."""
        text = re.sub(r"\s+", "", text)
        if re.fullmatch(r"\d{17}[\dXx]", text):
            return [self.token("id", text.upper())]
        if re.fullmatch(r"1\d{10}", text):
            return [self.token("phone", text)]
        if re.fullmatch(r"\d{3}[\dXx]", text):
            return [self.token("id4", text.upper())]
        return sorted(self.name_tokens(text))


def pieces(text: str) -> set[str]:
    """Two-character pieces of a text without blanks; a single character is its own piece."""
    text = re.sub(r"[\s·•]+", "", text)
    if len(text) < 2:
        return {text} if text else set()
    return {text[at : at + 2] for at in range(len(text) - 1)}


def text_pieces(text: str) -> set[str]:
    """Two-character pieces of running text: within a line, across blanks but not across punctuation.

    Pieces of digits only are left out: they would say little to a search and much to whoever has stolen the
    tokens and counts them.
    """
    runs = (run for line in text.splitlines() for run in _BETWEEN_WORDS.split(re.sub(r"\s+", "", line).upper()))
    found = {run[at : at + 2] for run in runs for at in range(len(run) - 1)}
    return {piece for piece in found if not piece.isdigit()}


def mask_name(name: str) -> str:
    """李桂芳 → 李*芳, 王刚 → 王*: lists and public pages."""
    if len(name) <= 1:
        return name
    return name[0] + "*" if len(name) == 2 else name[0] + "*" * (len(name) - 2) + name[-1]


def mask_id(number: str) -> str:
    """First four and last four of an ID number; shorter ones show the last two only."""
    if len(number) < 12:
        return "*" * max(0, len(number) - 2) + number[-2:]
    return number[:4] + "*" * (len(number) - 8) + number[-4:]


def mask_phone(phone: str) -> str:
    """138****0000."""
    return phone[:3] + "*" * max(0, len(phone) - 7) + phone[-4:] if len(phone) >= 8 else "*" * len(phone)
