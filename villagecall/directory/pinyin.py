"""Finding a Chinese text by the letters of its pinyin (pure).

All readings of a character count (行 is both xing and hang), so no dictionary of phrases is needed: it
would cost 45 MB of memory to choose one reading, where a search wants them all.
"""

from __future__ import annotations

import os
from functools import cache, lru_cache
from typing import Any

Syllables = tuple[tuple[str, ...], ...]
"""For each character of a text its readings without tone; letters and digits stand for themselves."""


@cache
def _pypinyin() -> Any:
    os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")
    import pypinyin

    return pypinyin


@lru_cache(maxsize=8192)
def readings(char: str) -> tuple[str, ...]:
    """The readings of one character, ``v`` for ü; the character itself where it has none."""
    if char.isascii():
        return (char.lower(),)
    lib = _pypinyin()
    found = lib.pinyin(char, style=lib.Style.NORMAL, heteronym=True, v_to_u=False)
    return tuple(dict.fromkeys(found[0])) or (char,)


def syllables(text: str) -> Syllables:
    return tuple(readings(char) for char in text)


def initials(text: Syllables) -> tuple[frozenset[str], ...]:
    """Possible first letters of each character: a quick sieve before :func:`place`."""
    return tuple(frozenset(reading[:1] for reading in readings_) for readings_ in text)


def place(letters: str, text: Syllables, first: tuple[frozenset[str], ...]) -> int:
    """Where in ``text`` typed ``letters`` begin to match, -1 when they do not.

    Each character may be typed whole or by its first letter, the last one also in part:
    ``lnr``, ``laonianren``, ``lnren`` and ``laon`` all find 老年人.
    """
    for start in range(len(text)):
        if letters[0] in first[start] and _follows(letters, 0, text, start):
            return start
    return -1


def _follows(letters: str, at: int, text: Syllables, index: int) -> bool:
    """True when ``letters[at:]`` can be read off the characters from ``index`` on."""
    if at == len(letters):
        return True
    if index == len(text):
        return False
    rest = letters[at:]
    for reading in text[index]:
        if reading.startswith(rest):
            return True
        if rest.startswith(reading) and _follows(letters, at + len(reading), text, index + 1):
            return True
    return any(rest[0] == reading[:1] for reading in text[index]) and _follows(letters, at + 1, text, index + 1)
