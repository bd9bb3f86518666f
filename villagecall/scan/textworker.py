"""The process that reads a page's text: behind everything else, without network, with bounded memory.

It gets an upload as the decoding workers do (:mod:`villagecall.scan.wire`), straightens the
page by its verdict, and answers with lines. The models come with rapidocr; nothing is fetched.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from villagecall.case import Verdict
from villagecall.scan import confine, wire
from villagecall.scan.decode import Document
from villagecall.scan.placing import Plan, place, straighten
from villagecall.scan.refusals import ScanRefusal

SIDE = 2200
"""Longest side in pixels of the page as it is read: print of 6 pt has 14 pixels then."""
SEARCH_SIDE = 960
"""The same for finding lines: where they are is seen on less than what they say; it is most of the time spent."""
LAST = 19
"""The nice value of this process: whoever waits for a verdict goes first."""
_OPTIONS: dict[str, Any] = {
    "Global.log_level": "critical",
    "Global.use_cls": False,  # the page is upright already
    "Global.max_side_len": SIDE,
    "Det.limit_side_len": SEARCH_SIDE,
    "Det.limit_type": "max",
    "Rec.rec_batch_num": 1,  # lines of unlike length side by side are mostly padding
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
}


class Engine:
    """The recogniser with its models loaded."""

    def __init__(self) -> None:
        from rapidocr import RapidOCR
        from rapidocr.utils.output import RapidOCROutput

        logging.getLogger("RapidOCR").propagate = False
        self._read, self._whole = RapidOCR(params=_OPTIONS), RapidOCROutput
        ground = np.full((160, 480, 3), 255, np.uint8)
        cv2.putText(ground, "2026", (120, 100), cv2.FONT_HERSHEY_SIMPLEX, 2.0, (0, 0, 0), 4)
        self._read(ground)  # loads the models

    def rows(self, page: NDArray[np.uint8]) -> list[list[str | int]]:
        """``[text, x, y, w, h, sure]`` in per mille, from the top down. ``page`` grey, upright, straight."""
        found = self._read(np.asarray(cv2.cvtColor(page, cv2.COLOR_GRAY2BGR), np.uint8))
        if not isinstance(found, self._whole) or found.boxes is None or found.txts is None or found.scores is None:
            return []  # nothing was found
        high, wide = page.shape[:2]
        rows: list[list[str | int]] = []
        for box, text, score in zip(found.boxes, found.txts, found.scores, strict=True):
            left, top = box[:, 0].min() * 1000 / wide, box[:, 1].min() * 1000 / high
            right, bottom = box[:, 0].max() * 1000 / wide, box[:, 1].max() * 1000 / high
            placed = (round(float(value)) for value in (left, top, right - left, bottom - top))
            rows.append([str(text), *placed, round(float(score) * 1000)])
        return rows


def page_of(document: Document, frame: int, verdict: Verdict, turned: int) -> NDArray[np.uint8]:
    """The page in grey as its view shows it, from the original's own pixels."""
    seen = document.picture(frame)
    plan = Plan.of(verdict, turned)
    found = place(seen, plan)
    scale = min(1.0, SIDE / max(found.width, found.height))
    return np.ascontiguousarray(straighten(seen.grey, seen, plan, scale), np.uint8)


def main(memory_mib: int) -> None:
    """Serve requests until the pipe is closed."""
    os.nice(LAST)
    cv2.setNumThreads(1)
    inward, outward = wire.pipes()
    confine.without_network()
    engine = Engine()
    confine.bounded(memory_mib)

    wire.answer(outward, {"ready": True})
    while True:
        try:
            asked, data = wire.request(inward)
            document = Document(data)
            verdict = Verdict.model_validate(asked["verdict"])
            rows = engine.rows(page_of(document, asked["frame"], verdict, asked["turned"]))
            wire.answer(outward, {"lines": rows})
        except EOFError:
            return
        except (ScanRefusal, MemoryError, cv2.error):
            wire.answer(outward, {"unreadable": True})


if __name__ == "__main__":
    main(int(sys.argv[1]))
