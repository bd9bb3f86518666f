"""What a comparison of two pages means: certain, possible, or no more than two pages. Pure, and without the
libraries that decode (:mod:`villagecall.scan.same` measures, in a worker)."""

from __future__ import annotations

from dataclasses import dataclass

FAR = 20
"""Bits of two perceptual hashes (of 64) that may differ between scans of one sheet; unlike pages differ in 32."""
SURE, PERHAPS = 0.925, 0.86
"""Agreement of the ink in the worst window of a character's size. Scans of one sheet: .88 to .99; one where a name
is another: below .75; where one figure is: .3 to .9, which is why the middle is called possible only."""
STRAY, MORE = 3, 7
"""Dark pixels that have nothing near them on the other page, in the worst window: dust, not a stroke."""
_ODD = sum(1 << (63 - (8 * row + column)) for row in range(8) for column in range(8) if (row + column) % 2)


@dataclass(frozen=True, slots=True)
class Likeness:
    """``agree``: -1 … 1, the worst window's correlation; ``left``: dark pixels unmatched in the worst window;
    ``features``: how many places agreed on how the pages lie on each other (0 = they do not: two pages)."""

    agree: float
    left: int
    features: int

    @property
    def sure(self) -> bool:
        """The same sheet, scanned again."""
        return self.features > 0 and self.agree >= SURE and self.left <= STRAY

    @property
    def perhaps(self) -> bool:
        """Too much alike to say nothing, too little to call it a fault."""
        return not self.sure and self.features > 0 and self.agree >= PERHAPS and self.left <= MORE


def apart(one: str, other: str) -> int:
    """Bits in which two hashes (16 hex digits) differ, one of the pages perhaps upside down: half a turn changes
    the sign of the frequencies that are odd in sum. 64 where there is no hash."""
    if len(one) != 16 or len(other) != 16:
        return 64
    differ = int(one, 16) ^ int(other, 16)
    return min(differ.bit_count(), (differ ^ _ODD).bit_count())


def near(one: str, other: str) -> bool:
    """Whether the pages are worth comparing."""
    return apart(one, other) <= FAR
