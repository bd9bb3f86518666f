"""Journeys: the real pages in real Chromium against the running demonstration, nothing in between."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.journeys.county import County
from tests.journeys.people import CHROMIUM, FLAGS, P, Sit, Somebody
from villagecall.demo import papers

WHO = papers.Bearer("李桂芳", "519900195203042420", "青禾区东河镇柳溪村三组 18 号")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or CHROMIUM
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS), headless=True)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[County]:
    """One demonstration for the journeys that leave it running, with its printers."""
    running = County(tmp_path_factory.mktemp("county"))
    running.start()
    yield running
    running.stop()


@pytest.fixture
def own_county(tmp_path: Path) -> Iterator[County]:
    """A demonstration of one's own, to be killed and started again; prints from the browser."""
    running = County(tmp_path / "county", printer=False)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def scans(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Papers as a village scanner gives them, by the name of their fault."""
    folder = tmp_path_factory.mktemp("papers")
    form = papers.form("申请表", WHO, (("家庭人口", "3"),))
    made = {
        "idcard": papers.idcard(WHO),
        "photo": papers.photo(),
        "askew": papers.askew(form, 7.0),
        "upside_down": papers.upside_down(papers.form("经营场所证明", WHO, (("地址", "正街 2 号"),))),
        "blurred": papers.blurred(form),
        **{f"paper{at}": papers.form(f"证明材料之{at}", WHO, (("编号", str(at)),)) for at in range(1, 6)},
    }
    found = {}
    for name, image in made.items():
        found[name] = folder / f"{name}.jpg"
        found[name].write_bytes(papers.jpeg(image))
    return found


@pytest.fixture
def sit_down(browser: Browser) -> Iterator[Sit]:
    seated: list[Somebody] = []

    def one(kind: type[P], county: County, login: str) -> P:
        somebody = kind(browser, county, login)
        seated.append(somebody)
        return somebody

    yield one
    for somebody in seated:
        somebody.close()
