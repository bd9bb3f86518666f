"""What a server holds while nobody asks it for anything."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import psutil

from tests.journeys.county import County

LIMIT_MB = 250
WORKERS_OWN = ("onnxruntime", "cv2", "numpy", "rapidocr", "shapely")


def test_the_server_of_the_demonstration_is_small_and_leaves_pictures_to_its_workers(tmp_path: Path) -> None:
    """Seen from outside: which libraries the process has mapped, and what is resident of it."""
    county = County(tmp_path / "county", printer=False)
    county.start()
    try:
        server = next(one for one in psutil.Process().children() if str(county.port) in one.cmdline())
        mapped = {Path(one.path).parts for one in server.memory_maps()}
        assert [name for name in WORKERS_OWN if any(name in parts for parts in mapped)] == []
        assert server.memory_info().rss <= LIMIT_MB * 1e6
        papers = {path.name: cv2.imdecode(np.fromfile(path, np.uint8), 1) for path in county.data.glob("papers/*.jpg")}
    finally:
        county.stop()
    assert sorted(papers) == ["一寸照片.jpg", "申请表-倒了.jpg", "申请表-模糊.jpg", "申请表-歪了7度.jpg", "身份证.jpg"]
    assert all(image is not None and len(image) > 1500 for image in papers.values())
