"""The process that decodes: no network, bounded memory, speaks frames over its pipes.

A request is ``<length><JSON><length><bytes>``, an answer ``<length><JSON>`` and the parts its ``parts`` list
names. Lengths are 8 bytes, big-endian. JSON and not pickle: what decoded a hostile file may be hostile now.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import time
from dataclasses import asdict
from typing import Any, BinaryIO


def read_exactly(stream: BinaryIO, size: int) -> bytes:
    """All ``size`` bytes, or EOFError."""
    found = bytearray()
    while len(found) < size:
        piece = stream.read(size - len(found))
        if not piece:
            raise EOFError
        found += piece
    return bytes(found)


def _answer(out: BinaryIO, head: dict[str, Any], *parts: bytes) -> None:
    raw = json.dumps({**head, "parts": [len(part) for part in parts]}).encode()
    out.write(struct.pack(">Q", len(raw)) + raw)
    for part in parts:
        out.write(part)
    out.flush()


def main(memory_mib: int) -> None:
    """Serve requests until the pipe is closed."""
    import cv2
    import numpy as np

    from villagecall.scan import confine, flat, orient, picture
    from villagecall.scan import page as pages
    from villagecall.scan.decode import Document
    from villagecall.scan.layers import NotLayers
    from villagecall.scan.refusals import ScanRefusal
    from villagecall.scan.same import compared

    cv2.setNumThreads(1)
    inward, outward = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    confine.without_network()
    # Warm: the model and the code paths are loaded before the first page and before the bound.
    orient.orientation(np.full((400, 300, 3), 255, np.uint8))
    pages.judge(picture.of_bgr(np.full((400, 300, 3), 255, np.uint8), 0))
    confine.bounded(memory_mib)
    _answer(outward, {"ready": True})
    document: Document | None = None
    shown = b""
    while True:
        try:
            (size,) = struct.unpack(">Q", read_exactly(inward, 8))
            asked = json.loads(read_exactly(inward, size))
            (size,) = struct.unpack(">Q", read_exactly(inward, 8))
            data = read_exactly(inward, size)
        except EOFError:
            return
        try:
            if asked["op"] == "mask":
                shown = data or shown
                _answer(outward, {}, flat.stencil_png(shown))
                continue
            if asked["op"] == "alike":
                _answer(outward, asdict(compared(data[: asked["split"]], data[asked["split"] :])))
                continue
            if data or document is None:
                document = None
                document = Document(data)
            if asked["op"] == "open":
                _answer(outward, {"frames": document.frames})
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
                _answer(outward, {}, pages.region(image, seen, plan, tuple(asked["box"])))
                continue
            found = pages.judge(seen, asked["turned"])
            head = {
                "verdict": found.verdict.model_dump(mode="json"),
                "angle": found.angle,
                "quad": found.quad,
                "ms": round((time.perf_counter() - began) * 1000),
                "width": found.width,
                "height": found.height,
                "phash": found.phash,
            }
            _answer(outward, head, found.view, found.thumb)
        except ScanRefusal as refusal:
            _answer(outward, {"refused": refusal.code, "details": dict(refusal.details)})
        except MemoryError:
            document = None
            _answer(outward, {"refused": "unreadable", "details": {}})
        except (cv2.error, NotLayers):
            _answer(outward, {"refused": "unreadable", "details": {}})


if __name__ == "__main__":
    main(int(sys.argv[1]))
