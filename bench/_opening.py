"""Opening a page on a poor line and a slow computer, until it answers a key; what its scripts weigh."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench._chrome import Chrome
from villagecall.http.system import PAGES

SPEED = 125_000  # bytes a second = 1 Mbit/s, both ways
ROUND_TRIP_MS = 60
SLOWER = 4

# Runs in every page before its own scripts. Before each picture it looks whether the box is there and may be typed
# into; then it asks for a key, and waits for what the page shows in answer to typing.
_WATCH = """
(([box, answer]) => {
  const all = (kind) => performance.getEntriesByType(kind)
  const look = () => {
    const input = document.querySelector(`[data-test="${box}"]`)
    const there = input && !input.disabled && input.checkVisibility({ visibilityProperty: true })
    if (!there) return requestAnimationFrame(look)
    const seen = performance.now()
    input.focus()
    input.value = 'l'
    input.dispatchEvent(new InputEvent('input', { bubbles: true, data: 'l', inputType: 'insertText' }))
    const answered = () => {
      if (answer && !document.querySelector(`[data-test="${answer}"]`)) return requestAnimationFrame(answered)
      const usable = performance.now()
      input.addEventListener('input', () => told(JSON.stringify({ usable, seen, typed: input.value,
        waterfall: [...all('navigation'), ...all('resource'), ...all('paint')].map((one) => ({
          name: one.name, begin: one.startTime, sent: one.requestStart, first: one.responseStart,
          end: one.responseEnd, bytes: one.transferSize })) })), { once: true })
      told('key')
    }
    requestAnimationFrame(answered)
  }
  requestAnimationFrame(look)
})
"""


@dataclass(frozen=True, slots=True)
class Opened:
    """Milliseconds since the navigation began; what was asked of the server until then."""

    usable: float
    seen: float
    typed: str
    waterfall: list[dict[str, Any]]


async def opening(
    browser: Chrome, url: str, box: str, answer: str, cookies: Sequence[Mapping[str, Any]] = ()
) -> Opened:
    """Until the control ``box`` has answered a typed letter by showing ``answer`` (``""``: by keeping it).

    The letter is typed by a script in the page, so that the time is the page's own; then a real key is pressed
    and must arrive too.
    """
    async with browser.page(cookies) as page:
        for name in ("Page.enable", "Network.enable", "Runtime.enable"):
            await browser.do(name, page)
        await browser.do("Runtime.addBinding", page, name="told")
        watch = f"{_WATCH}({json.dumps([box, answer])})"
        await browser.do("Page.addScriptToEvaluateOnNewDocument", page, source=watch)
        await browser.do(
            "Network.emulateNetworkConditions", page, offline=False, latency=ROUND_TRIP_MS,
            downloadThroughput=SPEED, uploadThroughput=SPEED,
        )  # fmt: skip
        await browser.do("Emulation.setCPUThrottlingRate", page, rate=SLOWER)
        ready = asyncio.create_task(browser.told(page))
        await asyncio.sleep(0)
        await browser.do("Page.navigate", page, url=url)
        await ready
        told = asyncio.create_task(browser.told(page))
        await asyncio.sleep(0)
        await browser.do("Input.dispatchKeyEvent", page, type="keyDown", key="y", code="KeyY", text="y")
        await browser.do("Input.dispatchKeyEvent", page, type="keyUp", key="y", code="KeyY")
        opened = Opened(**json.loads(await told))
    if sorted(opened.typed) != ["l", "y"]:
        raise AssertionError(f"the box holds {opened.typed!r}")
    return opened


@dataclass(frozen=True, slots=True)
class Weight:
    """Bytes of script, gzip: what the page loads before it can be used, and with every part that may follow."""

    first: int
    all: int


def weight(page: str) -> Weight:
    """Follows the built files from the page: what its HTML and their static imports name is loaded at once."""
    html = (PAGES / f"{page}.html").read_text(encoding="utf-8")
    first = _closure(set(re.findall(r"/assets/([\w.-]+\.js)", html)), r"""(?:from|import)\s*["'`]\./([\w.-]+\.js)""")
    everything = _closure(first, r"([\w.-]+\.js)")
    return Weight(_gz(first), _gz(everything))


def _gz(names: set[str]) -> int:
    return sum((PAGES / "assets" / f"{name}.gz").stat().st_size for name in names)


def _closure(names: set[str], pattern: str) -> set[str]:
    found, todo = set(names), list(names)
    while todo:
        text = Path(PAGES / "assets" / todo.pop()).read_text(encoding="utf-8")
        for name in re.findall(pattern, text):
            if name not in found and (PAGES / "assets" / name).is_file():
                found.add(name)
                todo.append(name)
    return found
