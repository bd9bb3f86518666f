"""What was read on a page (pure): lines with their place, and the form in which they are kept.

The text of a page is personal data. It is kept sealed beside the journal like the applicant's entries; nothing
here writes it anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from villagecall.errors import VillagecallError
from villagecall.journal import JSON

MOST_LINES = 400
"""Lines kept of one page; a ledger in small print has about 120."""
LONGEST = 300
"""Characters kept of one line."""


class BadText(VillagecallError):
    """What a reader said, or what was kept, is no text of a page."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line. ``x, y, w, h`` in per mille of the straight page; ``sure`` in per mille."""

    text: str
    x: int
    y: int
    w: int
    h: int
    sure: int = 1000

    @property
    def middle(self) -> int:
        """Height of its middle, per mille of the page."""
        return self.y + self.h // 2


def lines_of(rows: object) -> tuple[Line, ...]:
    """Lines from JSON rows ``[text, x, y, w, h, sure]``; whatever is said is bounded, for it is said about a page
    that may be hostile. Raises :class:`BadText`."""
    if not isinstance(rows, list):
        raise BadText("no list of lines")
    found = []
    for row in rows[:MOST_LINES]:
        if not isinstance(row, list) or len(row) != 6 or not isinstance(row[0], str):
            raise BadText("a line is [text, x, y, w, h, sure]")
        if any(isinstance(value, bool) or not isinstance(value, int) for value in row[1:]):
            raise BadText("places are whole numbers")
        x, y, w, h, sure = (max(0, min(1000, value)) for value in row[1:])
        text = "".join(char for char in row[0] if char.isprintable())[:LONGEST].strip()
        if text:
            found.append(Line(text, x, y, max(1, min(w, 1000 - x)), max(1, min(h, 1000 - y)), sure))
    return tuple(found)


def rows_of(lines: Iterable[Line]) -> list[JSON]:
    """The reverse of :func:`lines_of`."""
    return [[line.text, line.x, line.y, line.w, line.h, line.sure] for line in lines]


def kept(lines: Iterable[Line]) -> dict[str, JSON]:
    """What is sealed: the lines with their places, and their words for the search (``words``, a line each)."""
    rows = rows_of(lines)
    return {"lines": rows, "words": "\n".join(str(row[0]) for row in rows if isinstance(row, list))}


def read(value: Mapping[str, JSON]) -> tuple[Line, ...]:
    """The lines of what was sealed; none of an erased record."""
    return lines_of(value["lines"]) if "lines" in value else ()
