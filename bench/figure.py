"""A measured figure with its anchor and its goal."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """``ours`` and ``value`` are shown as they are; ``met`` None = measured, without a goal of its own."""

    name: str
    ours: str
    anchor: str
    value: str
    ratio: float | None
    goal: str
    met: bool | None


def _wide(text: str) -> int:
    """Columns that a text takes on a terminal."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def table(figures: Sequence[Figure]) -> str:
    """The figures as a table in plain text."""
    rows = [("figure", "ours", "anchor", "anchor value", "ratio", "goal", "met")]
    for figure in figures:
        ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
        met = {True: "yes", False: "NO", None: ""}[figure.met]
        rows.append((figure.name, figure.ours, figure.anchor, figure.value, ratio, figure.goal, met))
    widths = [max(_wide(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = [
        "  ".join(cell + " " * (width - _wide(cell)) for cell, width in zip(row, widths, strict=True)) for row in rows
    ]
    return "\n".join(line.rstrip() for line in [lines[0], "  ".join("-" * width for width in widths), *lines[1:]])
