"""Where the page lies in its picture: its corners on a desk or a lid, or nothing where it fills the frame."""

from __future__ import annotations

from dataclasses import replace

from villagecall.scan import corners, ground
from villagecall.scan.corners import Found
from villagecall.scan.picture import Picture
from villagecall.scan.skew import reduce


def find_quad(picture: Picture) -> Found | None:
    """The page's corners in the file's pixels, clockwise from the one nearest its top left; None where the page
    fills the frame."""
    image = picture.colour
    lab = ground.coarse(image)
    small = reduce(image, corners.WORK)
    factor, coarser = (max(1, image.shape[0] // each.shape[0]) for each in (small, lab))
    for found in corners.ranked(small):
        found = replace(found, quad=(found.quad + 0.5) * factor - 0.5)
        if len(found.cut) < 3 and ground.lies_on_something(lab, found, coarser):
            near = corners.refined(image, found)
            return near and replace(near, quad=(near.quad + 0.5) * picture.step - 0.5)
    return None
