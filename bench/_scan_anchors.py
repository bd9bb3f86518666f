"""What others do, for the scan figures: each anchor runs on the same pages, in turn with ours."""

from __future__ import annotations

import ctypes
import ctypes.util
import io
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from jdeskew.estimator import get_angle
from numpy.typing import NDArray
from PIL import Image

Gray = NDArray[np.uint8]
Bgr = NDArray[np.uint8]
Quad = NDArray[np.float64]
Skew = Callable[[Gray], tuple[float, float]]
"""Grey page to (degrees counter-clockwise, CPU seconds)."""


def timed(way: Callable[[Gray], float]) -> Skew:
    def measured(gray: Gray) -> tuple[float, float]:
        begun = time.process_time()
        angle = way(gray)
        return angle, time.process_time() - begun

    return measured


def skews() -> dict[str, Skew]:
    """The ways there are on this machine."""
    ways: dict[str, Skew] = {"jdeskew": timed(lambda gray: -float(get_angle(gray, angle_max=45)))}
    library = _leptonica()
    if library is not None:
        ways["leptonica ±45"] = _sweep(library, 45.0)
        ways["leptonica ±7 (OCRmyPDF's way)"] = _sweep(library, 7.0)
    return ways


def _leptonica() -> ctypes.CDLL | None:
    name = ctypes.util.find_library("lept") or ctypes.util.find_library("leptonica")
    if name is None:
        return None
    library = ctypes.CDLL(name)
    library.pixReadMem.restype = ctypes.c_void_p
    library.pixConvertTo1.restype = ctypes.c_void_p
    library.pixConvertTo1.argtypes = [ctypes.c_void_p, ctypes.c_int]
    library.pixFindSkewSweepAndSearch.argtypes = [
        ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_int,
        ctypes.c_float, ctypes.c_float, ctypes.c_float,
    ]  # fmt: skip
    library.setMsgSeverity(6)
    return library


def _sweep(library: ctypes.CDLL, reach: float) -> Skew:
    def measured(gray: Gray) -> tuple[float, float]:
        raw = cv2.imencode(".pgm", gray)[1].tobytes()
        grey = ctypes.c_void_p(library.pixReadMem(raw, ctypes.c_size_t(len(raw))))
        begun = time.process_time()
        one = ctypes.c_void_p(library.pixConvertTo1(grey, 130))
        angle, sure = ctypes.c_float(), ctypes.c_float()
        library.pixFindSkewSweepAndSearch(one, ctypes.byref(angle), ctypes.byref(sure), 4, 2, reach, 1.0, 0.01)
        spent = time.process_time() - begun
        for each in (one, grey):
            library.pixDestroy(ctypes.byref(each))
        return float(angle.value), spent

    return measured


def contour(image: Bgr) -> Quad:
    """The brightest thing's outline, simplified to four corners: what tutorials do."""
    height = 500
    scale = image.shape[0] / height
    small = cv2.resize(image, (round(image.shape[1] / scale), height))
    edges = cv2.Canny(cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), (5, 5), 0), 75, 200)
    outlines, _ = cv2.findContours(edges, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    for outline in sorted(outlines, key=cv2.contourArea, reverse=True)[:5]:
        found = cv2.approxPolyDP(outline, 0.02 * cv2.arcLength(outline, closed=True), closed=True)
        if len(found) == 4:
            return np.asarray(found.reshape(4, 2) * scale, np.float64)
    wide, high = image.shape[1], image.shape[0]
    return np.array([[0, 0], [wide, 0], [wide, high], [0, high]], np.float64)


def otsu_hull(image: Bgr) -> Quad:
    """The smallest turned box around the hull of what is bright."""
    gray = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), (5, 5), 0)
    _, mask = cv2.threshold(gray, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    outlines, _ = cv2.findContours(np.asarray(mask), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    largest = cv2.convexHull(max(outlines, key=cv2.contourArea))
    return np.asarray(cv2.boxPoints(cv2.minAreaRect(largest)), np.float64)


def ocrmypdf(scan: bytes) -> tuple[float, float] | None:
    """``(CPU seconds, KiB of the result)`` of Debian's OCRmyPDF straightening one page; None where it is absent."""
    if shutil.which("ocrmypdf") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        source, result = Path(folder) / "page.jpg", Path(folder) / "page.pdf"
        source.write_bytes(scan)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = ["ocrmypdf", "--deskew", "--tesseract-timeout", "0", "--jobs", "1", "--image-dpi", "300", "-q"]
        done = subprocess.run([*command, str(source), str(result)], capture_output=True, check=False, timeout=300)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode != 0:
            return None
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return spent, result.stat().st_size / 1024


def tesseract_turn(page: Bgr) -> tuple[int | None, float] | None:
    """``(clockwise degrees to upright or None, CPU seconds)`` by tesseract's script detection."""
    if shutil.which("tesseract") is None:
        return None
    ok, data = cv2.imencode(".png", page)
    if not ok:
        return None
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        ["tesseract", "-", "-", "--psm", "0", "--dpi", "150"], input=data.tobytes(), capture_output=True, check=False
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    for line in done.stdout.decode(errors="replace").splitlines():
        if line.startswith("Rotate:"):
            return int(line.split(":")[1]), spent
    return None, spent


def jpeg75(scan: bytes) -> float:
    """KiB of the page as a JPEG of quality 75."""
    image = cv2.imdecode(np.frombuffer(scan, np.uint8), cv2.IMREAD_COLOR)
    return len(cv2.imencode(".jpg", np.asarray(image), [cv2.IMWRITE_JPEG_QUALITY, 75])[1]) / 1024


def fax(scan: bytes) -> float:
    """KiB of the page in black and white by CCITT group 4."""
    gray = cv2.imdecode(np.frombuffer(scan, np.uint8), cv2.IMREAD_GRAYSCALE)
    _, mask = cv2.threshold(np.asarray(gray), 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    out = io.BytesIO()
    Image.fromarray(np.asarray(mask)).convert("1").save(out, "TIFF", compression="group4")
    return len(out.getvalue()) / 1024


def floor(scan: bytes) -> float:
    """CPU seconds of what nobody gets around who goes by OpenCV's calls at full size: decode, find the skew
    (leptonica, where it is), turn in colour, even out the ground, one bilevel copy. Nothing is judged."""
    begun = time.process_time()
    image = np.asarray(cv2.imdecode(np.frombuffer(scan, np.uint8), cv2.IMREAD_COLOR), np.uint8)
    gray = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
    way = skews().get("leptonica ±45")
    spent = time.process_time() - begun
    angle, search = (0.0, 0.0) if way is None else way(gray)  # timed inside, without the copy it is handed
    begun = time.process_time()
    high, wide = gray.shape
    turn = cv2.getRotationMatrix2D((wide / 2, high / 2), -angle, 1.0)
    straight = cv2.warpAffine(image, turn, (wide, high), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    light = cv2.cvtColor(straight, cv2.COLOR_BGR2GRAY)
    ground = cv2.medianBlur(cv2.dilate(cv2.resize(light, (wide // 8, high // 8)), np.ones((5, 5), np.uint8)), 9)
    clean = cv2.divide(light, cv2.resize(ground, (wide, high)), scale=255)
    _, mask = cv2.threshold(clean, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    Image.fromarray(np.asarray(mask)).convert("1").save(io.BytesIO(), "TIFF", compression="group4")
    return spent + search + time.process_time() - begun
