"""The text of the pages, read behind everything else: after a page's verdict, whenever there is time.

The promise to read a page is given with its verdict (outbox, topic ``text``), so it is kept at least once and
never before the clerk has seen the verdict. What was read is handed to the case, which seals it.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import structlog

from villagecall.case import Page
from villagecall.errors import VillagecallError
from villagecall.ports import Blobs, Cases, Consumer, Delivery
from villagecall.scan.text import kept
from villagecall.scan.textreader import NotRead, TextReader
from villagecall.settings import Settings

TOPIC = "text"
TRIES = 5
"""A page that could not be read so often is left unread: it is a page like any other all the same."""

_log = structlog.get_logger(__name__)


class Texts:
    """One for the application."""

    def __init__(self, cases: Cases, blobs: Blobs, reader: TextReader, settings: Settings) -> None:
        self._cases, self._blobs, self._reader, self._settings = cases, blobs, reader, settings

    def consumers(self) -> Mapping[str, Consumer]:
        return {TOPIC: self.read}

    async def read(self, delivery: Delivery) -> None:
        """Outbox consumer of topic ``text``. What has been turned, removed or read since is left alone."""
        payload = delivery.message.payload
        case_id, page_id = UUID(str(payload["case_id"])), UUID(str(payload["page_id"]))
        page = (await self._cases.get(case_id)).page(page_id)
        if not self._settings.scan_text or page is None or page.verdict is None:
            return
        if not wanted(page, str(payload["view"])):
            return
        try:
            data = await self._blobs.get(page.original.sha256)
            lines = await self._reader.read(data, page.frame, page.verdict, page.turned)
        except VillagecallError as error:
            why = "not read" if isinstance(error, NotRead) else type(error).__name__
            _log.warning("text_not_read", page=str(page_id), attempt=delivery.attempt, why=why)
            if delivery.attempt >= TRIES:
                return
            raise
        key = f"text:{delivery.message.key}"
        await self._cases.keep_text(case_id, page_id, str(payload["view"]), kept(lines), key=key)

    async def close(self) -> None:
        await self._reader.close()


def wanted(page: Page, view: str) -> bool:
    """Whether ``page`` still looks as it did when it was promised to be read, and has not been read."""
    return page.live and page.text is None and page.view is not None and page.view.sha256 == view
