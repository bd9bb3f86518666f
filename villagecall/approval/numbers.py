"""Receipt numbers and rating tokens: keyed, so that nobody can guess one (pure)."""

from __future__ import annotations

import hashlib
from datetime import date
from uuid import UUID

from villagecall.vault import Vault

LETTERS = "ABCDEFGHJKMNPQRTUVWXY"
"""Without I, L, O, S and Z, which are taken for digits on paper."""


def receipt_scope(village: str, day: date) -> str:
    """Where receipt serials are counted: per village and day."""
    return f"receipt:{village}:{day:%Y%m%d}"


def receipt_number(vault: Vault, village: str, day: date, serial: int) -> str:
    """``<village>-<yyyymmdd>-<serial, 4 digits>-<4 letters>``; the letters need the installation's key."""
    stem = f"{village}-{day:%Y%m%d}-{serial:04d}"
    value = int.from_bytes(vault.token("receipt", stem), "big")
    letters = ""
    for _ in range(4):
        value, at = divmod(value, len(LETTERS))
        letters += LETTERS[at]
    return f"{stem}-{letters}"


def serial_of(number: str) -> str:
    """The four digits a clerk remembers."""
    parts = number.split("-")
    return parts[2] if len(parts) == 4 else ""


def rating_token(vault: Vault, case_id: UUID) -> str:
    """24 hex digits: the same for a retried hand-over, and known to no one without the key."""
    return vault.token("rating", str(case_id)).hex()


def rating_digest(token: str) -> str:
    """What the journal holds of a rating token: SHA-256, hex."""
    return hashlib.sha256(token.encode()).hexdigest()
