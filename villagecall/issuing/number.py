"""Numbers and codes of certificates (pure).

Three things stand on a certificate: its *number* (字号), which people quote, counted per word and year;
its *code*, which nobody can guess and which the check page is asked for; and, where an electronic licence
needs it, its *licence identifier* (GB/T 36904).
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from stdnum.iso7064 import mod_37_36

SHANGHAI = ZoneInfo("Asia/Shanghai")

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 12
"""Eleven random characters (55 bits) and one check character, shown in three groups of four."""

_LICENCE_ROOT = "1.2.156.3005.2"
_NUMBER = re.compile(r"(?P<word>.+)〔(?P<year>\d{4})〕(?P<serial>\d{4,})号")


@dataclass(frozen=True, slots=True)
class Number:
    """A certificate number: 川某(老优)〔2026〕0007号 is the seventh of that word in 2026."""

    word: str
    year: int
    serial: int

    def __str__(self) -> str:
        return f"{self.word}〔{self.year}〕{self.serial:04}号"


def scope(word: str, decided: datetime) -> tuple[str, int]:
    """The counter a certificate is numbered in, and its year.

    The year is that of the decision, not of the issuing: a retry in another year finds the same counter.
    """
    year = decided.astimezone(SHANGHAI).year
    return f"certificate:{word}:{year}", year


def parse(text: str) -> Number | None:
    """The reverse of ``str(Number)``; None when it is not one."""
    found = _NUMBER.fullmatch(text)
    return Number(found["word"], int(found["year"]), int(found["serial"])) if found else None


# ---------------------------------------------------------------- the public code


def _double(value: int) -> int:
    """Multiply by the generator of GF(32) with x^5 + x^2 + 1."""
    value <<= 1
    return value ^ 0b100101 if value & 0b100000 else value


def _check(body: str) -> str:
    """The check character: Σ a_i·g^(i+1) over GF(32). Every single wrong character and every swap of two
    different characters changes it, because the weights are different and not zero."""
    total = 0
    for char in reversed(body):
        total = _double(total ^ CROCKFORD.index(char))
    return CROCKFORD[total]


def new_code() -> str:
    """A verification code nobody can guess."""
    body = "".join(secrets.choice(CROCKFORD) for _ in range(CODE_LENGTH - 1))
    return body + _check(body)


def show_code(code: str) -> str:
    """In groups of four, as it is printed: 7K3Q-D9XW-2M4T."""
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4))


def read_code(text: str) -> str | None:
    """A code as somebody typed it: small letters, blanks and hyphens, O for 0, I or L for 1. None when it
    cannot be one of ours, without asking the journal."""
    code = re.sub(r"[\s\-–—]+", "", text).upper().translate(str.maketrans("OIL", "011"))
    if len(code) != CODE_LENGTH or any(char not in CROCKFORD for char in code):
        return None
    return code if _check(code[:-1]) == code[-1] else None


# ---------------------------------------------------------------- GB/T 36904


def licence_check(kind: str, issuer: str, serial: str, version: str) -> str:
    """The check character of an electronic licence: ISO 7064 MOD 37,36 over the four parts joined."""
    return str(mod_37_36.calc_check_digit((kind + issuer + serial + version).upper()))


def licence_id(kind: str, issuer: str, serial: str, version: int = 1) -> str:
    """``1.2.156.3005.2.<type>.<issuer>.<serial>.<version>.<check>`` (GB/T 36904).

    ``kind`` is the type code of the licence, ``issuer`` the 18 characters of the issuing organisation.
    Raises ``ValueError`` for characters other than letters and digits.
    """
    for part in (kind, issuer, serial):
        if not re.fullmatch(r"[0-9A-Za-z]+", part):
            raise ValueError(f"{part!r} is not letters and digits only")
    number = f"{version:03}"
    parts = (kind, issuer, serial, number, licence_check(kind, issuer, serial, number))
    return ".".join((_LICENCE_ROOT, *(part.upper() for part in parts)))


def valid_licence_id(text: str) -> bool:
    """Whether the parts and the check character of an identifier agree."""
    if not text.startswith(_LICENCE_ROOT + "."):
        return False
    parts = text.removeprefix(_LICENCE_ROOT + ".").upper().split(".")
    if len(parts) != 5 or not all(re.fullmatch(r"[0-9A-Z]+", part) for part in parts):
        return False
    return len(parts[3]) == 3 and licence_check(*parts[:4]) == parts[4]
