"""Two pages in a real Chromium see each other's moving picture through the node, and the recording plays."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import uuid4

from playwright.async_api import Page

from tests.signaling.test_matroska import decoded
from tests.support.page import chromium, first_picture_ms, join, served
from villagecall.signaling.node import AiortcNode
from villagecall.signaling.recording import verify


async def moving(page: Page) -> bool:
    """Does the picture in the first slot change?"""
    async with asyncio.timeout(20):
        before = await page.evaluate("() => shade(0)")
        while await page.evaluate("() => shade(0)") == before:
            await asyncio.sleep(0.1)
    return True


async def test_two_pages_see_each_other_and_a_reload_comes_back(tmp_path: Path) -> None:
    node = AiortcNode(tmp_path)
    call, village, town = uuid4(), uuid4(), uuid4()
    async with served(node) as url, chromium() as browser:
        first, second = await browser.new_page(), await browser.new_page()
        await first.goto(url)
        await second.goto(url)
        await join(first, call, village)
        await join(second, call, town)
        async with asyncio.timeout(30):
            await first_picture_ms(second)
            await first_picture_ms(first)
        assert await moving(second)
        await first.bring_to_front()
        assert await moving(first)
        await first.reload()
        await join(first, call, village)
        async with asyncio.timeout(30):
            await first_picture_ms(first)
        await asyncio.sleep(2)
        inbound = await first.evaluate("() => inbound()")
        assert {(s["kind"], s["mid"]) for s in inbound} == {("audio", "2"), ("video", "3")}
        assert all(s["lost"] == 0 for s in inbound)
        assert next(s["width"] for s in inbound if s["kind"] == "video") >= 320
        files = await node.end(call)
    assert {file.participant for file in files} == {village, town}
    for file in files:
        assert verify(file.path).ok
        pictures, sounds = decoded(file.path)
        assert pictures > 30
        assert sounds > 100
    await node.close()
