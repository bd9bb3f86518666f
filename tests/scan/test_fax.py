"""Group 4: what libtiff reads back is what was written, whatever is on the page."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from tests.support import pages
from villagecall.scan import fax
from villagecall.scan.layers import Layers, tiff

Mask = NDArray[np.uint8]
WIDEST = 4000
"""No view is wider: a coarse page drawn twice as fine."""


def read(data: bytes, width: int, height: int) -> Mask:
    with Image.open(io.BytesIO(tiff(Layers(width, height, width, height, data, b"", b"")))) as image:
        return np.asarray(255 - np.asarray(image.convert("L"), np.uint8), np.uint8)


def same(mask: Mask) -> bool:
    return np.array_equal(read(fax.encode(mask), mask.shape[1], mask.shape[0]), mask)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 300), st.integers(1, 300), st.floats(0, 1), st.sampled_from([1, 3, 9]))
def test_any_pattern_comes_back(seed: int, wide: int, high: int, share: float, grain: int) -> None:
    noise = np.random.default_rng(seed).random((high, wide)).astype(np.float32)
    mask = cv2.blur(noise, (grain, grain)) < share
    assert same(np.asarray(mask * 255, np.uint8))


@pytest.mark.parametrize("colour", ["black", "white"])
def test_runs_of_every_length(colour: str) -> None:
    order = np.random.default_rng(1).permutation(WIDEST + 1)
    mask = np.asarray(np.arange(WIDEST)[None, :] < order[:, None], np.uint8) * 255
    assert same(mask if colour == "black" else np.asarray(255 - mask, np.uint8))


@pytest.mark.parametrize("level", [0, 255])
def test_an_empty_and_a_full_page(level: int) -> None:
    assert same(np.full((259, 617), level, np.uint8))


def test_a_page_of_writing_takes_half_of_what_libtiff_would_need_as_deflate() -> None:
    grey = cv2.cvtColor(pages.letter(3), cv2.COLOR_BGR2GRAY)
    mask = np.asarray((np.asarray(grey) < 128) * 255, np.uint8)
    assert same(mask)
    _, png = cv2.imencode(".png", mask, [cv2.IMWRITE_PNG_BILEVEL, 1, cv2.IMWRITE_PNG_COMPRESSION, 9])
    assert len(fax.encode(mask)) < 0.75 * len(png)
