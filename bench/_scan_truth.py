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

from bench.drawn import backs, desks, faults, scans
from tests.support.pages import encoded

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "scan"
PNG = b"\x89PNG"
KNOWN = ("ok", "blur", "dark", "glare", "cutoff", "lowdpi")
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
    """Pages drawn from seed ``first`` on: ``count`` scans, a third as many photos of pages on desks and tables, as
    many of pages with one fault and of pages without, turned ones, empty ones and barely written ones."""
    third = count // 3
    with tempfile.TemporaryDirectory() as folder:
        made: list[Truth] = []

        def add(data: bytes, **truth: object) -> None:
            path = Path(folder) / f"{len(made):04d}{'.png' if data[:4] == PNG else '.jpg'}"
            path.write_bytes(data)
            made.append({"angle": None, "blank": False, **truth, "file": path.name, "path": path})

        def judged(page: faults.Sample, task: str, **truth: object) -> None:
            data = encoded(page.image, dpi=page.dpi or 1)
            add(data, task=task, kind=page.kind, quad=None, quality=page.quality, **truth)

        for page in scans.mixture(first, count):
            add(page.data(), **page.truth(""))
        for seed in range(first, first + third):
            photo = desks.photo(seed)
            quad = None if photo.quad is None else photo.quad.tolist()
            # Fingers and few dots come as they come there: what is right to say of such a photo was not decided.
            wrong = photo.quality[0] if photo.quality else "ok" if photo.plain else None
            add(photo.data, task="quality" if photo.quality else "photo", kind="desk", quad=quad, quality=wrong)
        for seed in range(first, first + third):
            wrong = faults.PHOTO_FAULTS[seed % len(faults.PHOTO_FAULTS)] if seed % 2 else "ok"
            fault = faults.photo(seed, wrong)
            if fault.quality in KNOWN:
                judged(fault, "quality")
            turned = faults.turned(seed)
            judged(turned, "orient", orientation=turned.orientation)
            for empty in (backs.empty(seed), backs.written(seed)):
                judged(empty, "blank", blank=empty.blank)
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
