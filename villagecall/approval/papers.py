"""What was read on a case's papers: sealed like the applicant's entries, and found by words."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from uuid import UUID

from villagecall.approval.intake import Intake, ref_json
from villagecall.approval.store import Plan, Step
from villagecall.case import Case, Ref
from villagecall.ids import uuid7
from villagecall.journal import JSON, SYSTEM
from villagecall.ports import Stored


class Papers(Intake):
    """The text side of :class:`villagecall.ports.Cases`."""

    async def keep_text(self, case_id: UUID, page_id: UUID, view: str, text: Mapping[str, JSON], *, key: str) -> Case:
        """See :class:`villagecall.ports.Cases`."""
        made = self.vault.seal(uuid7(), case_id, text)
        ref = Ref(record=made.record.id, commitment=made.commitment)
        payload: dict[str, JSON] = {"page_id": str(page_id), "view": view, "text": ref_json(ref)}

        tokens = tuple(await asyncio.to_thread(self.vault.text_tokens, str(text.get("words", ""))))

        async def planner(case: Case) -> Plan | None:
            page = case.page(page_id)
            if page is None or page.text is not None or page.view is None or page.view.sha256 != view:
                return None
            stored = Stored(records=(made.record,), more_tokens=tokens)
            return Plan((Step("page.read", SYSTEM, payload),), stored)

        return await self.write(case_id, "page.read", key, planner)
