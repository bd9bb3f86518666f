"""A two-valued picture as ITU-T T.6 («Group 4») writes it: what a PDF takes as it is, half the size of a PNG.

The code of T.6 goes pixel by pixel, but which code follows at a changing element depends only on this line and the
one above. So all codes are found at once, for every changing element that could be coded, and those that a
horizontal mode has jumped over are then left out.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Codes = tuple[NDArray[np.uint64], NDArray[np.int64]]
BAND = 256
"""Lines at a time: so much fits the fast memory of a processor."""
MOST = 2 * 2560
"""The widest line: a run is written with at most one code for 2560 pixels before the others."""

# T.4 tables 2 and 3: terminating codes for runs 0…63, make-up codes for 64, 128, … 1728, and from 1792 on for both.
_WHITE = (
    "00110101 000111 0111 1000 1011 1100 1110 1111 10011 10100 00111 01000 001000 000011 110100 110101 101010 101011"
    " 0100111 0001100 0001000 0010111 0000011 0000100 0101000 0101011 0010011 0100100 0011000 00000010 00000011"
    " 00011010 00011011 00010010 00010011 00010100 00010101 00010110 00010111 00101000 00101001 00101010 00101011"
    " 00101100 00101101 00000100 00000101 00001010 00001011 01010010 01010011 01010100 01010101 00100100 00100101"
    " 01011000 01011001 01011010 01011011 01001010 01001011 00110010 00110011 00110100"
)
_WHITE_UP = (
    "11011 10010 010111 0110111 00110110 00110111 01100100 01100101 01101000 01100111 011001100 011001101 011010010"
    " 011010011 011010100 011010101 011010110 011010111 011011000 011011001 011011010 011011011 010011000 010011001"
    " 010011010 011000 010011011"
)
_BLACK = (
    "0000110111 010 11 10 011 0011 0010 00011 000101 000100 0000100 0000101 0000111 00000100 00000111 000011000"
    " 0000010111 0000011000 0000001000 00001100111 00001101000 00001101100 00000110111 00000101000 00000010111"
    " 00000011000 000011001010 000011001011 000011001100 000011001101 000001101000 000001101001 000001101010"
    " 000001101011 000011010010 000011010011 000011010100 000011010101 000011010110 000011010111 000001101100"
    " 000001101101 000011011010 000011011011 000001010100 000001010101 000001010110 000001010111 000001100100"
    " 000001100101 000001010010 000001010011 000000100100 000000110111 000000111000 000000100111 000000101000"
    " 000001011000 000001011001 000000101011 000000101100 000001011010 000001100110 000001100111"
)
_BLACK_UP = (
    "0000001111 000011001000 000011001001 000001011011 000000110011 000000110100 000000110101 0000001101100"
    " 0000001101101 0000001001010 0000001001011 0000001001100 0000001001101 0000001110010 0000001110011 0000001110100"
    " 0000001110101 0000001110110 0000001110111 0000001010010 0000001010011 0000001010100 0000001010101 0000001011010"
    " 0000001011011 0000001100100 0000001100101"
)
_BOTH_UP = (
    "00000001000 00000001100 00000001101 000000010010 000000010011 000000010100 000000010101 000000010110"
    " 000000010111 000000011100 000000011101 000000011110 000000011111"
)
_PASSING = "0001"
_HORIZONTAL = "001"
_VERTICAL = ("0000010", "000010", "010", "1", "011", "000011", "0000011")
"""From three to the left of the changing element above to three to its right."""
_END = "000000000001" * 2


def _coded(words: list[str]) -> Codes:
    return np.array([int(word, 2) for word in words], np.uint64), np.array([len(word) for word in words], np.int64)


@lru_cache(maxsize=1)
def _runs() -> Codes:
    """Code and length of every run: white ones first, black ones from ``MOST`` + 1 on."""
    words, both = [], _BOTH_UP.split()
    for ending, up in ((_WHITE, _WHITE_UP), (_BLACK, _BLACK_UP)):
        ends, ups = ending.split(), [*up.split(), *both]
        for run in range(MOST + 1):
            far, rest = (both[-1], run - 2560) if run >= 2624 else ("", run)
            words.append(far + (ups[rest // 64 - 1] if rest >= 64 else "") + ends[rest % 64])
    return _coded(words)


@lru_cache(maxsize=1)
def _modes() -> Codes:
    return _coded([*_VERTICAL, _HORIZONTAL])


def _changes(packed: NDArray[np.uint8], width: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Line and column of every pixel that differs from the one before it; a line begins white."""
    turned = packed ^ (packed >> 1)
    turned[:, 1:] ^= packed[:, :-1] << 7
    where = np.flatnonzero(turned)
    bits = np.flatnonzero(np.unpackbits(turned.ravel()[where].astype(np.uint8)))
    where = where[bits >> 3]
    line = where // packed.shape[1]
    column = (where - line * packed.shape[1]) * 8 + (bits & 7)
    inside = column < width
    return (line, column) if inside.all() else (line[inside], column[inside])


def encode(mask: NDArray[np.uint8]) -> bytes:
    """``mask`` H×W, not 0 = black; at most :data:`MOST` wide. The bits of T.6 with the end-of-block code."""
    height, width = mask.shape
    if not 0 < width <= MOST:
        raise ValueError("a line of T.6 is 1 to 5120 pixels here")
    packed = np.packbits(mask, axis=1)
    above = np.zeros((1, packed.shape[1]), np.uint8)
    out = _Bits()
    for top in range(0, height, BAND):
        band = np.concatenate([above, packed[top : top + BAND]])
        out.add(*_lines(band, width))
        above = band[-1:]
    out.add(*_coded([_END]))
    return out.done()


def _lines(packed: NDArray[np.uint8], width: int) -> Codes:
    """The codes of all lines but the first, which the second is written against. ``packed``: eight pixels a byte."""
    height = packed.shape[0]
    line, column = _changes(packed, width)
    # Every line ends with three imaginary changes behind its last pixel, so that what is asked for is there.
    counts = np.bincount(line, minlength=height) + 3
    starts = np.zeros(height + 1, np.int64)
    np.cumsum(counts, out=starts[1:])
    at = np.full(starts[-1], width, np.int64)
    at[np.arange(len(line)) + 3 * line] = column
    row = np.repeat(np.arange(height), counts)
    key = row * (width + 1) + at
    # What may be coded: every change, and the first imaginary one.
    own = np.ones(len(at), bool)
    own[starts[1:] - 1] = own[starts[1:] - 2] = False
    own[: starts[1]] = False
    element = np.flatnonzero(own)
    row = row[element]
    first, above = starts[row], starts[row - 1]
    begins = element == first
    odd = (element - first) & 1
    a1 = at[element]
    # b1 is sought behind a0, which is the change before: the first above that lies at or behind each own change
    # answers both this (for the next one) and how many pairs of changes are passed before a1.
    reached = np.minimum(np.searchsorted(key, key[element] - (width + 1)), first - 3)
    b1 = np.empty_like(reached)
    b1[1:] = (reached + (at[reached] == a1))[:-1]
    b1 = np.where(begins, above, b1)
    b1 += ((b1 - above) & 1) ^ odd
    np.minimum(b1, first - 2, out=b1)
    passes = np.maximum(0, (reached - b1) >> 1)
    b1 += 2 * passes
    shift = a1 - at[b1]
    level = np.abs(shift) > 3
    # A horizontal mode codes two changes: within a row of them every second one is jumped over.
    index = np.arange(len(element))
    since = np.maximum.accumulate(np.where(level, np.where(begins, index, 0), index + 1))
    before = np.where(begins, index, np.concatenate([since[:1], since[:-1]]))
    chosen = np.flatnonzero(((index - before) & 1) == 0)
    level, odd, passes, shift, b1 = level[chosen], odd[chosen], passes[chosen], shift[chosen], b1[chosen]
    codes, lengths = _modes()
    mode = np.where(level, 7, shift + 3)
    code, length = codes[mode], lengths[mode]
    flat = np.flatnonzero(level)
    here = element[chosen[flat]]
    a0 = np.where(passes[flat] > 0, at[b1[flat] - 1], np.where(begins[chosen[flat]], 0, at[here - 1]))
    run_codes, run_lengths = _runs()
    one = at[here] - a0 + (MOST + 1) * odd[flat]
    two = at[here + 1] - at[here] + (MOST + 1) * (1 - odd[flat])
    code[flat] = (code[flat] << run_lengths[one].astype(np.uint64)) | run_codes[one]
    length[flat] += run_lengths[one]
    # In writing order: the passes of an element, its mode with a first run, a second run.
    ends = np.cumsum(passes + 1 + level)
    words = np.full(int(ends[-1]), int(_PASSING, 2), np.uint64)
    sizes = np.full(len(words), len(_PASSING), np.int64)
    main = ends - 1 - level
    words[main], sizes[main] = code, length
    second = ends[flat] - 1
    words[second], sizes[second] = run_codes[two], run_lengths[two]
    return words, sizes


class _Bits:
    """Codes one after the other, the first bit the highest of its byte."""

    def __init__(self) -> None:
        self._full: list[bytes] = []
        self._rest = np.uint64(0)
        self._used = 0
        """Bits of ``_rest`` that are written, from the highest on."""

    def add(self, words: NDArray[np.uint64], sizes: NDArray[np.int64]) -> None:
        stop = np.cumsum(sizes) + self._used
        start = stop - sizes
        cell, inside = start >> 6, (start & 63).astype(np.uint64)
        left = words << (64 - sizes).astype(np.uint64)
        out = np.zeros(int(stop[-1] >> 6) + 1, np.uint64)
        heads = np.flatnonzero(np.diff(cell, prepend=-1))
        out[cell[heads]] = np.bitwise_or.reduceat(left >> inside, heads)
        over = np.flatnonzero((stop >> 6 != cell) & ((stop & 63) != 0))
        out[cell[over] + 1] |= left[over] << (np.uint64(64) - inside[over])
        out[0] |= self._rest
        self._full.append(out[:-1].astype(">u8").tobytes())
        self._rest, self._used = out[-1], int(stop[-1] & 63)

    def done(self) -> bytes:
        rest = int(self._rest).to_bytes(8, "big")[: (self._used + 7) // 8]
        return b"".join([*self._full, rest])
