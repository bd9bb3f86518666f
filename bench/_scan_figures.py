"""The scan figures of one set of pages: ours through the whole recipe, each anchor on the same page in turn."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from bench import _scan_anchors as anchors
from bench._scan_truth import Truth
from bench.figure import Figure
from villagecall.scan import orient, skew
from villagecall.scan.decode import Document
from villagecall.scan.inspect import inspect_file
from villagecall.scan.quad import find_quad

SKEWED = ("skew15", "skew45", "border", "orient")
Answers = dict[str, dict[str, object]]
Quad = NDArray[np.float64]


def answers(truth: list[Truth]) -> Answers:
    """What ``villagecall scan inspect`` says of each page."""
    return {image["file"]: inspect_file(image["path"]) for image in truth}


def _cpu_ms(way: Callable[[], object]) -> float:
    begun = time.process_time()
    way()
    return 1000 * (time.process_time() - begun)


def skews(name: str, truth: list[Truth], said: Answers) -> list[Figure]:
    """Errors modulo a quarter turn, since some pages are turned by one; times of the search alone, page decoded."""
    found: list[Figure] = []
    for title, tasks, hard in (("skew ±45°", SKEWED, False), ("skew, hard pages", ("skewhard",), True)):
        chosen = [image for image in truth if image["task"] in tasks and image.get("angle") is not None]
        if chosen:
            found += _skew(f"{title}, {len(chosen)} {name}", chosen, said, hard=hard)
    return found


def _off(angle: float, right: float) -> float:
    return abs((angle - right + 45) % 90 - 45)


def _skew(title: str, chosen: list[Truth], said: Answers, *, hard: bool) -> list[Figure]:
    ways = anchors.skews()
    errors: dict[str, list[float]] = {way: [] for way in ways}
    times: dict[str, list[float]] = {way: [] for way in ("", *ways)}
    for image in chosen:
        picture = Document(image["path"].read_bytes()).picture(0)
        gray = np.ascontiguousarray(picture.grey)
        times[""].append(min(_cpu_ms(partial(skew.skew, picture.light, gray)) for _ in range(2)))
        for name, way in ways.items():
            angle, spent = way(gray)
            times[name].append(1000 * spent)
            errors[name].append(_off(angle, image["angle"]))
    ours = np.sort([_off(float(str(said[image["file"]]["angle"])), image["angle"]) for image in chosen])
    mean, near, worst = float(ours.mean()), 100 * float((ours <= 0.1).mean()), float(ours[-1])
    top = float(ours[: max(1, int(len(ours) * 0.8))].mean())
    met = mean <= 0.05 and near >= 95 if hard else mean <= 0.010 and top <= 0.004 and near >= 99 and worst <= 0.15
    goal = "AED ≤ .05°, ≥ 95 %" if hard else "AED ≤ .010°, TOP80 ≤ .004°, ≥ 99 %, worst ≤ .15°"
    mine = statistics.median(times[""])
    told = f"AED {mean:.3f}° TOP80 {top:.4f}° in .1° {near:.1f} % worst {worst:.2f}°"
    lines = []
    for name in ways:
        theirs = np.sort(errors[name])
        value = f"AED {theirs.mean():.3f}° in .1° {100 * (theirs <= 0.1).mean():.1f} % worst {theirs[-1]:.1f}°"
        lines.append(Figure(title, told, name, value, None, goal, met))
        other = statistics.median(times[name])
        measured = name == "leptonica ±45"
        aim = "≤ 1.0 × leptonica ±45" if measured else ""
        fast = mine <= other if measured else None
        lines.append(Figure("  CPU time", f"{mine:.0f} ms", name, f"{other:.0f} ms", mine / other, aim, fast))
    return lines


def overlap(one: Quad, other: Quad) -> float:
    a, b = cv2.convexHull(one.astype(np.float32)), cv2.convexHull(other.astype(np.float32))
    common, _ = cv2.intersectConvexConvex(a, b)
    return float(common / (cv2.contourArea(a) + cv2.contourArea(b) - common))


def _apart(one: Quad, right: Quad) -> float:
    """Mean distance of the corners in per cent of the diagonal, whichever corner is named first."""
    diagonal = float(np.hypot(*(right[0] - right[2])))
    ways = (np.roll(each, turn, axis=0) for each in (one, one[::-1]) for turn in range(4))
    return 100 * min(float(np.hypot(*(way - right).T).mean()) for way in ways) / diagonal


def corners(name: str, truth: list[Truth], said: Answers) -> list[Figure]:
    photos = [image for image in truth if image["task"] == "photo"]
    whole = [image for image in photos if not image.get("quad")]
    chosen = [image for image in photos if image.get("quad")]
    if not chosen:
        return []
    ours: list[float] = []
    off: list[float] = []
    times: list[float] = []
    theirs: dict[str, list[float]] = {"contour of the tutorials": [], "hull by Otsu": []}
    for image in chosen:
        right = np.asarray(image["quad"], np.float64)
        document = Document(image["path"].read_bytes())
        picture = document.picture(0)
        times.append(_cpu_ms(partial(find_quad, picture)))
        quad = said[image["file"]]["quad"]
        ours.append(0.0 if quad is None else overlap(np.asarray(quad, np.float64), right))
        off.append(100.0 if quad is None else _apart(np.asarray(quad, np.float64), right))
        pixels, _ = document.page(0)
        for way, outline in zip(theirs, (anchors.contour, anchors.otsu_hull), strict=True):
            theirs[way].append(overlap(outline(pixels), right))
    mean, worst, spent = statistics.mean(ours), min(ours), statistics.median(times)
    title = f"corners, {len(chosen)} {name}"
    told, goal = f"IoU {mean:.4f} worst {worst:.3f}", "mean ≥ .995, every ≥ .95"
    lines = [
        Figure(title, told, way, f"IoU {statistics.mean(them):.3f}", None, goal, mean >= 0.995 and worst >= 0.95)
        for way, them in theirs.items()
    ]
    away = statistics.mean(off)
    lines.append(
        Figure("  corners off", f"{away:.3f} % (median {statistics.median(off):.3f})", "", "", None,
               "≤ .05 % of the diagonal", away <= 0.05)
    )  # fmt: skip
    lines.append(Figure("  CPU time", f"{spent:.0f} ms", "", "", None, "≤ 60 ms", spent <= 60))
    if whole:
        right_ones = sum(said[image["file"]]["quad"] is None for image in whole)
        lines.append(
            Figure("  fills the frame", f"{right_ones} of {len(whole)}", "", "", None, "all", right_ones == len(whole))
        )
    return lines


def orientation(name: str, truth: list[Truth], said: Answers) -> list[Figure]:
    chosen = [image for image in truth if image["task"] == "orient"]
    if not chosen:
        return []
    right = 100 * statistics.mean(said[each["file"]]["orientation"] == each["orientation"] for each in chosen)
    times: list[float] = []
    theirs: list[tuple[bool, float]] = []
    for image in chosen:
        picture = Document(image["path"].read_bytes()).picture(0)
        glance = skew.reduce(picture.colour, 1100)
        times.append(_cpu_ms(partial(orient.orientation, glance)))
        other = anchors.tesseract_turn(glance)
        if other is not None:
            theirs.append((other[0] == image["orientation"], 1000 * other[1]))
    spent = statistics.median(times)
    value = ""
    if theirs:
        share, cost = 100 * statistics.mean(ok for ok, _ in theirs), statistics.median(ms for _, ms in theirs)
        value = f"{share:.0f} %, {cost:.0f} ms"
    return [
        Figure(f"orientation, {len(chosen)} {name}", f"{right:.1f} %, {spent:.0f} ms", "tesseract OSD", value, None,
               "≥ 99 %, ≤ 20 ms", right >= 99 and spent <= 20)
    ]  # fmt: skip


def blanks(name: str, truth: list[Truth], said: Answers) -> list[Figure]:
    chosen = [image for image in truth if image["task"] not in ("photo", "quality")]
    empty = [image for image in chosen if image["blank"]]
    if not empty:
        return []
    found = sum(bool(said[image["file"]]["blank"]) for image in empty)
    false = sum(bool(said[image["file"]]["blank"]) for image in chosen if not image["blank"])
    told = f"found {found} of {len(empty)}, {false} of {len(chosen) - len(empty)} written called blank"
    met = found >= 0.98 * len(empty) and false == 0
    return [Figure(f"blank pages, {name}", told, "", "", None, "≥ 98 %, none", met)]


def faults(name: str, truth: list[Truth], said: Answers) -> list[Figure]:
    chosen = [image for image in truth if image["task"] in ("photo", "quality") and image.get("quality", "ok")]
    bad = [image for image in chosen if image.get("quality", "ok") != "ok"]
    fine = [image for image in chosen if image.get("quality", "ok") == "ok"]
    if not bad or not fine:
        return []
    share = 100 * statistics.mean(image["quality"] in str(said[image["file"]]["faults"]) for image in bad)
    false = 100 * statistics.mean(bool(said[image["file"]]["faults"]) for image in fine)
    told = f"right {share:.0f} %, false alarms {false:.1f} %"
    met = share >= 95 and false <= 2
    return [Figure(f"faults, {len(bad)} bad and {len(fine)} fine {name}", told, "", "", None, "≥ 95 %, ≤ 2 %", met)]
