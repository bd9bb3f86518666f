"""A sheet that was scanned twice, told behind the verdict: laying pages on each other takes longer than a clerk waits.

The promise to compare a page is given with its verdict (outbox, topic ``duplicate``), so it is kept at least once and
the verdict never waits for it. Of two pages that are the same sheet the later one of the case is told, whichever was
judged first; of two that are judged side by side the one whose comparison comes last sees the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from villagecall.case import Case, Fault, Page
from villagecall.journal import JSON, SYSTEM
from villagecall.ports import Blobs, Cases, Consumer, Delivery
from villagecall.scan.alike import Likeness, apart, near
from villagecall.scan.pool import Pool
from villagecall.scan.refusals import ScanRefusal

TOPIC = "duplicate"
COMPARED = 4
"""Pages of a case that one is laid on, at most: those that look most like it."""


def twice(at: int) -> Fault:
    """Certain: ``at`` is the number of the earlier page."""
    return Fault(
        code="duplicate",
        zh=f"这一页和第 {at} 页是同一页,扫了两次。请删掉其中一页。",
        en=f"This is page {at} again. Remove one of the two.",
    )


def _perhaps_twice(at: int) -> Fault:
    return Fault(
        code="maybe_duplicate",
        zh=f"这一页和第 {at} 页可能是同一页。请看一下,如果是,请删掉其中一页。",
        en=f"This may be page {at} again. Look at both, and remove one if it is.",
    )


def numbered(case: Case) -> dict[UUID, int]:
    """What the pages of a case are called on the screens: 1 for the first that counts."""
    return {page.page_id: at for at, page in enumerate(case.live_pages(), start=1)}


_Seen = tuple[Page, str]
"""A page, and the SHA-256 of the view in which it was compared."""


def _candidates(case: Case, page: Page) -> list[_Seen]:
    """The judged pages that are worth laying ``page`` on, those most like it first.

    The hash of the look accuses nobody (two copies of one form, filled in for two people, have the same one).
    """
    others = (other for other in case.live_pages() if other.page_id != page.page_id)
    seen = [
        (other, other.view.sha256)
        for other in others
        if other.view and other.verdict and not other.verdict.blank and near(other.phash, page.phash)
    ]
    return sorted(seen, key=lambda each: apart(each[0].phash, page.phash))[:COMPARED]


class Duplicates:
    """One for the application."""

    def __init__(self, cases: Cases, blobs: Blobs, pool: Pool) -> None:
        self._cases, self._blobs, self._pool = cases, blobs, pool

    def consumers(self) -> Mapping[str, Consumer]:
        return {TOPIC: self.compare}

    async def compare(self, delivery: Delivery) -> None:
        """Outbox consumer of topic ``duplicate``. What has been turned or removed since is left alone."""
        payload = delivery.message.payload
        case = await self._cases.get(UUID(str(payload["case_id"])))
        page = case.page(UUID(str(payload["page_id"])))
        if page is None or not page.live or page.view is None or page.view.sha256 != payload["view"]:
            return
        data = await self._blobs.get(page.view.sha256)
        for other, view in _candidates(case, page):
            try:
                likeness = await self._pool.alike(data, await self._blobs.get(view))
            except ScanRefusal:
                continue  # a page is never lost for want of a comparison
            if likeness.sure or likeness.perhaps:
                both: list[_Seen] = [(page, page.view.sha256), (other, view)]
                earlier, later = sorted(both, key=lambda each: case.pages.index(each[0]))
                await self._tell(case, earlier, later, likeness)
                return

    async def _tell(self, case: Case, earlier: _Seen, later: _Seen, likeness: Likeness) -> None:
        at = numbered(case)[earlier[0].page_id]
        fault = twice(at) if likeness.sure else _perhaps_twice(at)
        matched: dict[str, JSON] = {
            "page_id": str(later[0].page_id),
            "view": later[1],
            "other": str(earlier[0].page_id),
            "fault": fault.model_dump(mode="json", exclude_defaults=True),
        }
        key = f"page:{later[0].page_id}:{later[1]}:{earlier[1]}:matched"
        await self._cases.record(case.case_id, "page.matched", matched, actor=SYSTEM, key=key)
