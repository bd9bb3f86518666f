"""What a desk does: claim, release, pass up, approve, refuse, return with all defects."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from villagecall.approval import notice
from villagecall.approval.intake import Intake
from villagecall.approval.refusals import NoSuchReason
from villagecall.approval.rules import holds
from villagecall.approval.store import Plan, Step
from villagecall.case import Case, Defect
from villagecall.directory.model import Item
from villagecall.ids import uuid7
from villagecall.journal import JSON, Actor, stamp

REMEDY = "您如对本决定不服,可依法申请行政复议或者提起行政诉讼。"
"""Licensing Law art. 38 (2): a written refusal gives reasons and names the remedies."""


def refusal_sentence(item: Item, reasons: Sequence[str], opinion: str) -> str:
    """What the applicant gets: the sentence of each ground with its basis, the officer's words, the remedy.

    Raises :class:`NoSuchReason` for a ground that is not on the item's list.
    """
    known = {reason.code: reason for reason in item.refusals}
    parts = []
    for code in dict.fromkeys(reasons):
        if code not in known:
            raise NoSuchReason(reason=code)
        basis = f"(依据:{known[code].basis})" if known[code].basis else ""
        parts.append(f"{known[code].sentence.rstrip('。')}{basis}。")
    if opinion.strip():
        parts.append(f"{opinion.strip().rstrip('。')}。")
    return "".join((*parts, REMEDY))


class Desk(Intake):
    """Use cases of town officers and departments. All raise :class:`villagecall.errors.Refusal`."""

    async def claim(self, case_id: UUID, *, actor: Actor, key: str) -> Case:
        """Take the case, or renew one's lease. Another's claim: ``claimed_by_other`` naming the holder."""

        async def planner(case: Case) -> Plan:
            until = self.clock.now() + timedelta(minutes=self.settings.lease_minutes)
            return Plan((Step("case.claimed", actor, {"until": stamp(until)}),))

        return await self.write(case_id, "case.claimed", key, planner)

    async def release(self, case_id: UUID, *, actor: Actor, key: str) -> Case:
        """Put the case back into the queue. Nothing to do when it is in nobody's hands."""

        async def planner(case: Case) -> Plan | None:
            free = case.seq and not holds(case.claim, self.clock.now())
            return None if free else Plan((Step("case.released", actor),))

        return await self.write(case_id, "case.released", key, planner)

    async def pass_up(self, case_id: UUID, opinion: str, *, actor: Actor, key: str) -> Case:
        """The town has reviewed: a district item goes to the department, a high-risk town item to a second
        person of the town (four eyes)."""
        case = await self.get(case_id)
        kind = "case.passed_up" if case.level == "district" else "case.reviewed"
        return await self.record(case_id, kind, {"opinion": opinion}, actor=actor, key=key)

    async def approve(self, case_id: UUID, opinion: str, *, actor: Actor, key: str) -> Case:
        """Approve. The certificate is promised in the same append (topic ``issue``), never before it."""

        async def planner(case: Case) -> Plan:
            return Plan((Step("case.approved", actor, {"opinion": opinion, "item_version": case.item_version}),))

        return await self.write(case_id, "case.approved", key, planner)

    async def refuse(self, case_id: UUID, reasons: Sequence[str], opinion: str, *, actor: Actor, key: str) -> Case:
        """Refuse on grounds of the item's own list; the written refusal is promised (topic ``voucher``)."""

        async def planner(case: Case) -> Plan:
            sentence = refusal_sentence(self.item(case), reasons, opinion) if case.seq else ""
            codes: list[JSON] = [*dict.fromkeys(reasons)]
            payload: dict[str, JSON] = {"reasons": codes, "sentence": sentence, "opinion": opinion}
            return Plan((Step("case.refused", actor, payload),))

        return await self.write(case_id, "case.refused", key, planner)

    async def return_case(self, case_id: UUID, defects: Sequence[Defect], *, actor: Actor, key: str) -> Case:
        """One notice of everything: the officer's defects and whatever the check still finds.

        Raises :class:`notice.LateDefect` when a second notice names what the first could have named.
        """
        notice_id = uuid7()

        async def planner(case: Case) -> Plan:
            told: tuple[Defect, ...] = tuple(defects)
            if case.seq:
                told = await self._everything(case, defects)
            payload: dict[str, JSON] = {
                "notice_id": str(notice_id),
                "defects": [defect.model_dump(mode="json") for defect in told],
            }
            return Plan((Step("case.returned", actor, payload),))

        return await self.write(case_id, "case.returned", key, planner)

    async def _everything(self, case: Case, defects: Sequence[Defect]) -> tuple[Defect, ...]:
        item = self.item(case)
        named = notice.checked(case, item, defects)
        since = notice.changed_since_notice(await self.journal.entries(case.case_id))
        notice.guard(named, case.notices, since)
        applicant = await self.personal(case.applicant) if case.applicant else None
        found = notice.complete_defects(case, item, applicant, await self.personal(case.form))
        late = notice.late(found, case.notices, since)
        return notice.merged(named, [defect for defect in found if defect not in late])
