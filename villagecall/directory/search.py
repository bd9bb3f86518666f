"""Search over the items of the catalogue, in memory (pure).

An item is found by any two characters of its name (and by more, together or apart), by the letters of
its pinyin (first letters, whole syllables, both mixed), by its English name, its field, its department
and its code. Several words, parted by blanks, must all be found. Better matches come first: the whole
name, its beginning, a run inside it, then characters that stand apart.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from villagecall.directory import pinyin
from villagecall.directory.model import Item

_NOT_A_WORD = re.compile(r"[^\w]+")
NO_MATCH = 99


def normal(text: str) -> str:
    """Compatibility forms, lower case, without punctuation and blanks: 《出生医学证明》 → 出生医学证明."""
    return _NOT_A_WORD.sub("", unicodedata.normalize("NFKC", text).lower())


def described(item: Item) -> bool:
    """True when materials or form are known; a bare line of the catalogue cannot be opened as a case."""
    return bool(item.materials or item.form)


@dataclass(frozen=True, slots=True)
class _Entry:
    item: Item
    name: str
    english: str
    other: tuple[str, ...]
    code: str
    syllables: pinyin.Syllables
    initials: tuple[frozenset[str], ...]


Rank = tuple[int, int]
"""Class of the match (lower is better) and where it begins."""


class Index:
    """Made anew when the catalogue changes; ``departments`` maps unit code to name."""

    def __init__(self, items: Iterable[Item], departments: Mapping[str, str]) -> None:
        self._entries = [_entry(item, departments.get(item.department, "")) for item in items]
        self._entries.sort(key=lambda entry: (not described(entry.item), entry.item.field, entry.item.code))

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, text: str = "") -> list[Item]:
        """All items that match, best first; every item for an empty text."""
        words = [word for word in (normal(part) for part in text.split()) if word]
        if not words:
            return [entry.item for entry in self._entries] if not text.strip() else []
        found: list[tuple[Rank, int, Item]] = []
        for order, entry in enumerate(self._entries):
            rank = _rank(words, entry)
            if rank[0] < NO_MATCH:
                found.append((rank, order, entry.item))
        found.sort(key=lambda hit: (hit[0][0], not described(hit[2]), hit[0][1], len(hit[2].name), hit[1]))
        return [item for _, _, item in found]


def _entry(item: Item, department: str) -> _Entry:
    name = normal(item.name)
    syllables = pinyin.syllables(name)
    other = tuple(text for text in map(normal, (item.main_item, item.field, department)) if text)
    return _Entry(item, name, normal(item.name_en), other, item.code.lower(), syllables, pinyin.initials(syllables))


def _rank(words: list[str], entry: _Entry) -> Rank:
    """The worst of the words decides the class; the first decides the place."""
    ranks = []
    for word in words:
        rank = _rank_word(word, entry)
        if rank[0] >= NO_MATCH:
            return rank
        ranks.append(rank)
    return max(rank[0] for rank in ranks), ranks[0][1]


def _rank_word(word: str, entry: _Entry) -> Rank:
    at = entry.name.find(word)
    if at >= 0:
        return (0 if word == entry.name else 1 if at == 0 else 2), at
    if word.isascii():
        return _rank_letters(word, entry)
    if any(word in other for other in entry.other):
        return 5, 0
    at = _in_order(word, entry.name)
    if at >= 0:
        return 6, at
    if len(word) > 1 and all(char in entry.name for char in word):
        return 7, 0
    return NO_MATCH, 0


def _rank_letters(word: str, entry: _Entry) -> Rank:
    at = pinyin.place(word, entry.syllables, entry.initials)
    if at >= 0:
        return 3, at
    at = entry.english.find(word)
    if at >= 0:
        return 4, at
    if len(word) > 2 and word in normal(entry.code):
        return 5, 0
    return NO_MATCH, 0


def _in_order(word: str, name: str) -> int:
    """Where the characters of ``word`` begin to stand in ``name`` in this order, with gaps; -1 if not."""
    if len(word) < 2:
        return -1
    start = at = name.find(word[0])
    for char in word[1:]:
        if at < 0:
            return -1
        at = name.find(char, at + 1)
    return start if at >= 0 else -1
