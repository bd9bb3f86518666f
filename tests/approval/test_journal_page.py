"""docs/JOURNAL.md is the journal's description: it names every kind, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from villagecall.case_fold import kinds

PAGE = Path(__file__).parents[2] / "docs" / "JOURNAL.md"


def test_the_page_describes_every_kind_of_action_and_no_other() -> None:
    described = re.findall(r"^\| `([a-z]+\.[a-z_]+)` \|", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert sorted(described) == sorted(kinds())
