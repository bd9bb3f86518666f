"""How the weights of :mod:`villagecall.scan.evidence` are fitted: ``python -m bench.corner_weights``.

Photos of pages on desks and scans that fill their frame are drawn from seeds; every quadrilateral the search makes of
one is a choice, and so is "the page fills the frame". A conditional logit over the signs of the evidence is fitted to
which of them is the page (one choice to a picture), by Newton's method with a small ridge, so that the same seeds give
the same weights. Printed are the weights, how often those fitted to the rest choose right in parts held out in turn,
and how often those in use do. A fit is taken over only where whole photos, refined and all, come out better as well.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from bench._scan_figures import overlap
from bench.drawn import desks, scans
from villagecall.scan import evidence
from villagecall.scan.decode import Document
from villagecall.scan.quad import Search, fills

Points = NDArray[np.float64]
Flags = NDArray[np.bool_]
RIGHT, NEARLY = 0.95, 0.012
"""A candidate is the page if it covers so much of it (intersection over union), and is so near to the best one."""
RIDGE = 3e-3
"""Held against large weights, in units of each sign's own spread."""
COVERED = 0.3
"""What a photo counts once more with something laid over one of the page's sides: no sign may ask for all of a side."""
ROUNDS, HALVINGS = 80, 20
FOLDS = 4
UNWINNABLE, FILLED = 0.4, 3.0
"""What a photo counts of which no candidate is the page (nothing is then the best choice, but a sad one), and what a
picture counts whose page fills the frame (a crop would cut writing off)."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One picture: ``signs`` n×k of its candidates, ``overlaps`` n with the true page (all 0 where it fills the frame),
    ``page`` whether one lies there; ``count``: what it counts beside others."""

    signs: Points
    overlaps: Points
    page: bool
    count: float = 1.0

    @property
    def right(self) -> Flags:
        best = float(self.overlaps.max(initial=0.0))
        return np.asarray((self.overlaps > RIGHT) & (self.overlaps >= best - NEARLY), np.bool_)


def choices_of(data: bytes, quad: Points | None, seed: int) -> list[Choice]:
    """What there is to choose from in the picture ``data`` (JPEG or PNG) whose page lies at ``quad`` (4×2 pixels), and
    once more with a side of the page covered; nothing where nothing is asked, since the page plainly fills the frame
    or no candidate is found."""
    picture = Document(data).picture(0)
    if fills(picture.colour):
        return []
    search = Search(picture.colour)
    faint = search.faint()
    found = [*search.lined, *faint, *search.areas()]
    if not found:
        return []
    overlaps = np.zeros(len(found))
    if quad is not None:
        page = _within(quad, picture.size)
        overlaps = np.array(
            [overlap(_within((each.quad + 0.5) * picture.step - 0.5, picture.size), page) for each in found]
        )
    quads, framed = search.seen(found)
    return judged(search.look, quads, framed, (len(search.lined), len(faint)), overlaps, quad is not None, seed)


def judged(
    look: evidence.Look, quads: Points, framed: Flags, counts: tuple[int, int], overlaps: Points, page: bool, seed: int
) -> list[Choice]:
    """The choice among ``quads``, as :func:`evidence.signs_of` takes them, and where it can be made the covered one."""
    kept = framed.sum(axis=1) < 3
    if not kept.any():
        return []

    def seen(looked: evidence.Look, count: float) -> Choice:
        signs = evidence.signs_of(looked, quads, framed, *counts)
        return Choice(np.stack(list(signs.values()), axis=1)[kept], overlaps[kept], page, count)

    best = int(overlaps.argmax())
    choices = [seen(look, 1.0)]
    if overlaps[best] > RIGHT:
        choices.append(seen(replace(look, lab=_covered(look.lab, quads[best], seed)), COVERED))
    return choices


def _covered(lab: evidence.Lab, quad: Points, seed: int) -> evidence.Lab:
    """Something of one colour laid over a fifth to a half of one side."""
    rng = np.random.default_rng(seed)
    at = int(rng.integers(4))
    along = quad[(at + 1) % 4] - quad[at]
    across = np.array([-along[1], along[0]]) / max(1e-6, float(np.hypot(*along)))
    long = rng.uniform(0.2, 0.5)
    start = quad[at] + along * rng.uniform(0, 1 - long)
    inner, outer = rng.uniform(8, 40, 2)
    shape = [start - across * outer, start + along * long - across * outer, start + along * long + across * inner,
             start + across * inner]  # fmt: skip
    colour = rng.uniform((20, 110, 100), (230, 160, 165))
    return np.asarray(cv2.fillConvexPoly(lab.copy(), np.rint(shape).astype(np.int32), colour.tolist()), np.float32)


def _within(quad: Points, size: tuple[int, int]) -> Points:
    wide, high = size
    frame = np.array([[-0.5, -0.5], [wide - 0.5, -0.5], [wide - 0.5, high - 0.5], [-0.5, high - 0.5]])
    _, part = cv2.intersectConvexConvex(cv2.convexHull(quad.astype(np.float32)), frame.astype(np.float32))
    return quad if part is None else np.asarray(part.reshape(-1, 2), np.float64)


def of_photo(seed: int) -> list[Choice]:
    photo = desks.photo(seed)
    return choices_of(photo.data, photo.quad, seed)


def of_scan(seed: int) -> list[Choice]:
    """A scan that fills its frame: what shows the scanner's lid is none."""
    scan = scans.scan(seed)
    return [] if scan.quad is not None else choices_of(scan.data(), None, seed)


def fitted(choices: Sequence[Choice]) -> Points:
    """The weights (k) under which what is right was likeliest; ``evidence`` has the constant among its signs."""
    signs = np.concatenate([each.signs for each in choices])
    spread = np.maximum(signs.std(axis=0), 1e-3)
    signs = signs / spread
    right = np.concatenate([each.right for each in choices])
    owner = np.repeat(np.arange(len(choices)), [len(each.signs) for each in choices])
    none = np.array([not each.right.any() for each in choices], np.float64)
    counts = np.array([(1.0 if each.right.any() else UNWINNABLE) if each.page else FILLED for each in choices])
    counts *= [each.count for each in choices]
    ridge = RIDGE * len(choices) * np.eye(signs.shape[1])

    def likely(weights: Points) -> tuple[float, Points, Points]:
        """What is to be made large, the share of the odds of each candidate, and of those that are right."""
        odds = np.exp(np.clip(signs @ weights, -60, 60))
        every, true = np.bincount(owner, odds, len(choices)) + 1, np.bincount(owner, odds * right, len(choices)) + none
        value = float((counts * np.log(true / every)).sum() - weights @ ridge @ weights / 2)
        return value, odds / every[owner], odds * right / np.where(true > 0, true, 1)[owner]

    weights = np.zeros(signs.shape[1])
    value, chosen, true = likely(weights)
    for _ in range(ROUNDS):
        pull = signs.T @ ((true - chosen) * counts[owner]) - ridge @ weights
        usual = np.stack([np.bincount(owner, chosen * sign, len(choices)) for sign in signs.T], axis=1)
        bend = (signs * (chosen * counts[owner])[:, None]).T @ signs - (usual * counts[:, None]).T @ usual
        step = np.linalg.solve(bend + ridge, pull)
        # Several right ones in a picture make a full step overshoot: it is halved until it climbs.
        before = value
        for _ in range(HALVINGS):
            value, chosen, true = likely(weights + step)
            if value > before:
                break
            step /= 2
        else:
            break
        weights = weights + step
        if value - before < 1e-6:
            break
    return np.asarray(weights / spread, np.float64)


def _judged(choices: Sequence[Choice], worth: Sequence[Points]) -> str:
    picked = [int(each.argmax()) if each.max() > 0 else None for each in worth]
    got = [0.0 if at is None else float(each.overlaps[at]) for each, at in zip(choices, picked, strict=True)]
    pages = [at for at, each in enumerate(choices) if each.page]
    could = sum(bool(choices[at].right.any()) for at in pages)
    right = sum(got[at] > RIGHT for at in pages)
    wrong = sum(got[at] <= RIGHT and picked[at] is not None for at in pages)
    false = sum(picked[at] is not None for at, each in enumerate(choices) if not each.page)
    return (
        f"pages {len(pages)}: mean overlap {np.mean([got[at] for at in pages]):.4f}, right {right}, among the "
        f"candidates {could}, wrong {wrong}; frames filled {len(choices) - len(pages)}: falsely cropped {false}"
    )


def _drawn(first: int, photos: int, pages: int, jobs: int) -> Iterator[Choice]:
    with ProcessPoolExecutor(jobs) as pool:
        for each in pool.map(of_photo, range(first, first + photos)):
            yield from each
        for each in pool.map(of_scan, range(first, first + pages)):
            yield from each


def main(arguments: Sequence[str]) -> int:
    asked = argparse.ArgumentParser(prog="python -m bench.corner_weights", description=__doc__)
    for name, value in (("seed", 5000), ("photos", 260), ("scans", 75), ("jobs", 2)):
        asked.add_argument(f"--{name}", type=int, default=value)
    said = asked.parse_args(arguments)
    report(list(_drawn(said.seed, said.photos, said.scans, said.jobs)))
    return 0


def report(choices: Sequence[Choice]) -> None:
    """The weights fitted to ``choices``, and how those fitted to the rest of them choose in each part."""
    names = list(evidence.WEIGHTS)
    worth: list[Points] = [np.zeros(0)] * len(choices)
    for part in range(FOLDS):
        weights = fitted([each for at, each in enumerate(choices) if at % FOLDS != part])
        for at in range(part, len(choices), FOLDS):
            worth[at] = choices[at].signs @ weights
    print("held out:", _judged(choices, worth))
    current = np.array([evidence.WEIGHTS[name] for name in names])
    print("as it is:", _judged(choices, [each.signs @ current for each in choices]))
    for name, weight in zip(names, fitted(choices), strict=True):
        print(f'    "{name}": {weight:.3f},')


if __name__ == "__main__":
    cv2.setNumThreads(1)
    sys.exit(main(sys.argv[1:]))
