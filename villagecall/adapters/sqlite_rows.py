"""Many rows by few statements.

Python lets the other threads run while SQLite runs a statement, and gets its turn back when they let it: with
a busy event loop beside it, a writer of many small statements waits longer than it works. One statement for
many rows is also less work: it is begun, bound and ended once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

ROWS = 64
"""Rows of one statement at most. Their number is a power of two, so that few statements have to be known."""


@lru_cache(maxsize=512)
def _statement(template: str, width: int, rows: int) -> str:
    row = f"({','.join('?' * width)})" if width > 1 else "?"
    return template.format(",".join([row] * rows))


def run_rows(connection: sqlite3.Connection, template: str, width: int, values: Sequence[object]) -> int:
    """Run ``template`` for rows of ``width`` values that stand one behind the other in ``values``.

    ``{}`` in the template becomes ``(?,?),(?,?)``, or ``?,?`` for rows of one value. Gives the last row id.
    """
    last, at, left = 0, 0, len(values) // width
    while left:
        rows = min(ROWS, 1 << left.bit_length() - 1)
        end = at + rows * width
        last = connection.execute(_statement(template, width, rows), values[at:end]).lastrowid or 0
        at, left = end, left - rows
    return last


def fetch_rows(connection: sqlite3.Connection, template: str, values: Iterable[object]) -> list[Any]:
    """All rows of a query ``… in ({})``."""
    wanted, found = list(values), []
    while wanted:
        rows = min(ROWS, 1 << len(wanted).bit_length() - 1)
        found += connection.execute(_statement(template, 1, rows), wanted[:rows]).fetchall()
        del wanted[:rows]
    return found
