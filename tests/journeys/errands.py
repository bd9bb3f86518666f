"""Errands that several journeys begin with, told once: a paper handed in, a request sent past the buttons."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, expect

from tests.journeys.people import PATIENCE, Clerk, Officer, Somebody

CARD = "QH-WJ-0001"
"""Story 1: a senior citizens' card, decided by the town, on the spot."""

_REQUEST = """async ([method, path, body, times, key]) => {
  const { csrf } = await (await fetch('/api/v1/session')).json()
  const headers = { 'X-CSRF-Token': csrf, 'Content-Type': 'application/json', ...(key && { 'Idempotency-Key': key }) }
  const once = async () => {
    const answer = await fetch(path, { method, headers, body: body === null ? undefined : JSON.stringify(body) })
    return { status: answer.status, ...(await answer.json()) }
  }
  return Promise.all(Array.from({ length: times }, once))
}"""


def request(who: Somebody, method: str, path: str, body: Any = None, *, times: int = 1, key: str = "") -> list[Any]:
    """The same request, ``times`` at once, with this browser's session; each answer with its ``status``."""
    found: list[Any] = who.page.evaluate(_REQUEST, [method, path, body, times, key])
    return found


def prepares_card(clerk: Clerk, scans: dict[str, Path], name: str, id_number: str) -> str:
    """A card ready to be submitted; its case id."""
    clerk.at("go-home").click()
    clerk.opens(CARD, "优待")
    clerk.enters(name, id_number)
    clerk.scans("idcard", scans["idcard"])
    clerk.scans("photo", scans["photo"])
    return str(clerk.case()["case_id"])


def opens_from_queue(officer: Officer, case_id: str) -> None:
    """The officer sees the case in the queue, opens it and takes it."""
    officer.page.locator(f'[data-test="queue-line"][data-case="{case_id}"]').click()
    officer.sees("case")
    officer.at("claim").click()
    officer.sees("release")


def error_on(who: Somebody) -> tuple[str, str]:
    """The code and the words of the refusal on the page."""
    strip = who.at("error").first
    expect(strip).to_be_visible(timeout=PATIENCE)
    return strip.get_attribute("data-code") or "", strip.inner_text()


def signs(pad: Locator) -> None:
    """A few strokes on a signature pad, by mouse."""
    expect(pad).to_be_visible(timeout=PATIENCE)
    box = pad.bounding_box()
    assert box is not None
    mouse = pad.page.mouse
    mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.5 * box["height"])
    mouse.down()
    for step in range(1, 14):
        mouse.move(box["x"] + (0.1 + 0.05 * step) * box["width"], box["y"] + (0.5 + 0.2 * (-1) ** step) * box["height"])
    mouse.up()


def said(text: str, *words: str) -> bool:
    """Does a sentence on the page name all of ``words``?"""
    return all(re.search(word, text) for word in words)
