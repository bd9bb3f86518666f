"""``villagecall scan inspect``: what the engine sees in a file, in the terms of the evaluation."""

from __future__ import annotations

import time
from pathlib import Path

from villagecall.scan.decode import Document
from villagecall.scan.page import judge
from villagecall.scan.quality import codes


def inspect_file(path: Path | str, frame: int = 0) -> dict[str, object]:
    """``{file, angle, orientation, quad, blank, quality, faults, ms}``; raises a refusal for what is no page."""
    began = time.perf_counter()
    result = judge(Document(Path(path).read_bytes()).picture(frame))
    verdict = result.verdict
    return {
        "file": str(path),
        "angle": round(result.angle, 4),
        "orientation": verdict.orientation,
        "quad": [list(corner) for corner in result.quad] if result.quad else None,
        "blank": verdict.blank,
        **codes(verdict.faults),
        "ms": round((time.perf_counter() - began) * 1000),
    }
