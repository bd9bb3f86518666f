"""The process that decodes: no network, bounded memory, speaks over its pipes (:mod:`villagecall.scan.wire`)."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict


def main(memory_mib: int) -> None:
    """Serve requests until the pipe is closed."""
    import cv2
    import numpy as np

    from villagecall.scan import confine, flat, orient, picture, wire
    from villagecall.scan import page as pages
    from villagecall.scan.decode import Document
    from villagecall.scan.layers import NotLayers
    from villagecall.scan.refusals import ScanRefusal
    from villagecall.scan.same import compared

    cv2.setNumThreads(1)
    inward, outward = wire.pipes()
    confine.without_network()
    # Warm: the model and the code paths are loaded before the first page and before the bound.
    orient.orientation(np.full((400, 300, 3), 255, np.uint8))
    pages.judge(picture.of_bgr(np.full((400, 300, 3), 255, np.uint8), 0))
    confine.bounded(memory_mib)
    wire.answer(outward, {"ready": True})
    document: Document | None = None
    shown = b""
    while True:
        try:
            asked, data = wire.request(inward)
        except EOFError:
            return
        try:
            if asked["op"] == "mask":
                shown = data or shown
                wire.answer(outward, {}, flat.stencil_png(shown))
                continue
            if asked["op"] == "alike":
                wire.answer(outward, asdict(compared(data[: asked["split"]], data[asked["split"] :])))
                continue
            if data or document is None:
                document = None
                document = Document(data)
            if asked["op"] == "open":
                wire.answer(outward, {"frames": document.frames})
                continue
            began = time.perf_counter()
            seen = document.picture(asked["frame"])
            if asked["op"] == "region":
                plan = pages.Plan(
                    tuple(tuple(corner) for corner in asked["quad"]) if asked["quad"] else None,
                    asked["angle"],
                    asked["orientation"],
                    asked["turned"],
                )
                image, _ = document.page(asked["frame"])
                wire.answer(outward, {}, pages.region(image, seen, plan, tuple(asked["box"])))
                continue
            found = pages.judge(seen, asked["turned"])
            head = {
                "verdict": found.verdict.model_dump(mode="json"),
                "angle": found.angle,
                "quad": found.quad,
                "ms": round((time.perf_counter() - began) * 1000),
                "width": found.width,
                "height": found.height,
                "dpi": found.dpi,
                "phash": found.phash,
            }
            wire.answer(outward, head, found.view, found.thumb)
        except ScanRefusal as refusal:
            wire.answer(outward, {"refused": refusal.code, "details": dict(refusal.details)})
        except MemoryError:
            document = None
            wire.answer(outward, {"refused": "unreadable", "details": {}})
        except (cv2.error, NotLayers):
            wire.answer(outward, {"refused": "unreadable", "details": {}})


if __name__ == "__main__":
    main(int(sys.argv[1]))
