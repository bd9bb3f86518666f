"""Pages with exact truth for the scan figures: those of the shared folder beside the project, where it lies there,
and always others, drawn from seeds that nothing was tuned on."""

from __future__ import annotations

import importlib.util
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from bench.drawn import scans

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "scan"
Truth = dict[str, Any]
"""A record as the evaluation's ``truth.json`` has it, and ``path``."""


def shared() -> list[Truth]:
    listed = SHARED / "dev" / "truth.json"
    if not listed.exists():
        return []
    images: list[Truth] = json.loads(listed.read_text(encoding="utf-8"))["images"]
    return [{**image, "path": SHARED / "dev" / image["file"]} for image in images]


@contextmanager
def drawn(first: int, count: int) -> Iterator[list[Truth]]:
    """``count`` scans drawn from seed ``first`` on."""
    with tempfile.TemporaryDirectory() as folder:
        made = []
        for at, page in enumerate(scans.mixture(first, count)):
            path = Path(folder) / f"{at:04d}{'.png' if page.mode == 'bilevel' else '.jpg'}"
            path.write_bytes(page.data())
            made.append({**page.truth(path.name), "path": path})
        yield made


def evaluator() -> ModuleType | None:
    """The shared folder's own scoring, where it is."""
    place = SHARED / "evaluate.py"
    if not place.exists():
        return None
    spec = importlib.util.spec_from_file_location("evaluate", place)
    if spec is None or spec.loader is None:
        return None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def first_seed() -> int:
    """``BENCH_SEED`` draws other pages than the usual ones."""
    return int(os.environ.get("BENCH_SEED", "900000"))
