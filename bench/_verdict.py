"""From the last byte of a scanned page to its verdict on the clerk's screen, through the real pages and server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from playwright.sync_api import Browser, Request, Response

from tests.journeys.county import County
from tests.journeys.people import Clerk
from villagecall.demo import papers

WHO = papers.Bearer("李桂芳", "519900195203042420", "青禾区东河镇柳溪村三组 18 号")
WARM = 2
A4_300 = (2480, 3508)


@dataclass(frozen=True, slots=True)
class Seen:
    """Milliseconds to the verdict: since the last piece was sent, and since the server had answered it."""

    since_sent: float
    since_answered: float
    state: str


def pages(folder: Path, many: int) -> Iterator[Path]:
    """Made-up papers as a scanner gives them at 300 dpi in colour: a little askew, with noise, 2–4 MB, no two alike."""
    for at in range(many):
        drawn = papers.form("申请表", WHO, (("家庭人口", str(at + 1)), ("编号", f"{at:04}")))
        large = cv2.resize(drawn, A4_300, interpolation=cv2.INTER_CUBIC)
        turned = papers.askew(np.asarray(large, np.uint8), 0.4 + 0.2 * (at % 8), seed=at)
        path = folder / f"page-{at}.jpg"
        path.write_bytes(papers.jpeg(turned, quality=94, dpi=300))
        yield path


def verdicts(browser: Browser, county: County, folder: Path, many: int) -> tuple[list[Seen], float]:
    """``many`` pages scanned one after another into one case; and the mean size of their files in bytes."""
    files = list(pages(folder, WARM + many))
    clerk = Clerk(browser, county, "village1")
    seen: list[Seen] = []
    answered = sent = 0.0

    def note_sent(request: Request) -> None:
        nonlocal sent
        sent = time.perf_counter() if "/files" in request.url else sent

    def note_answered(response: Response) -> None:
        nonlocal answered
        answered = time.perf_counter() if "/files" in response.url else answered

    clerk.page.on("request", note_sent)
    clerk.page.on("response", note_answered)
    try:
        clerk.opens("QH-WJ-0001", "优待")
        clerk.enters(WHO.name, WHO.id_number)
        clerk.at("material-idcard").click()
        for number, file in enumerate(files, 1):
            clerk.at("file-input").set_input_files(file)
            said = clerk.at("material-idcard").filter(has_text=f"{number} 页")
            said.wait_for(timeout=20_000)
            clerk.until("material-idcard", "data-state", "fine")
            shown = time.perf_counter()
            seen.append(Seen((shown - sent) * 1000, (shown - answered) * 1000, "fine"))
    finally:
        clerk.close()
    return seen[WARM:], sum(file.stat().st_size for file in files) / len(files)
