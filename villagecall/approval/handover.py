"""After the certificate: hand-over with a signature, the rating, the end."""

from __future__ import annotations

import re
from uuid import UUID

from villagecall.approval import numbers
from villagecall.approval.intake import keep
from villagecall.approval.refusals import RatedAlready
from villagecall.approval.store import CaseStore, Plan, Step
from villagecall.case import Case
from villagecall.errors import BadRequest, NotFound
from villagecall.journal import APPLICANT, JSON, SYSTEM, Actor
from villagecall.ports import Delivery, Stored

SIGNATURE = re.compile(r"[MLHVCSQTAZmlhvcsqtaz0-9 ,.+\-]*")
"""SVG path data and nothing else: it is drawn on pages later."""


class Handover(CaseStore):
    """Use cases of the last step. All raise :class:`villagecall.errors.Refusal`."""

    async def deliver(self, case_id: UUID, signature: str, without: str, *, actor: Actor, key: str) -> tuple[Case, str]:
        """Record the hand-over; gives the rating token, the same one when asked again.

        ``signature`` is SVG path data, sealed; empty only with a reason in ``without``.
        """
        if not SIGNATURE.fullmatch(signature):
            raise BadRequest(fields={"signature": "签名的笔迹不可读,请重新签名"})
        if not signature and not without.strip():
            raise BadRequest(fields={"without": "没有签名时请写明原因"})
        token = numbers.rating_token(self.vault, case_id)
        digest = numbers.rating_digest(token)
        kept = keep(self.vault, case_id, {"signature": signature}) if signature else None
        payload: dict[str, JSON] = {
            "signature": kept.json if kept else None,
            "without": without.strip(),
            "rating_digest": digest,
        }
        stored = Stored(names=(f"rating:{digest}",), records=(kept.record,) if kept else ())
        case = await self.record(case_id, "case.delivered", payload, actor=actor, key=key, stored=stored)
        return case, token

    async def rate(self, token: str, level: int, comment: str, name: str, *, key: str) -> Case:
        """One rating per act (国办发〔2019〕51号); it closes the case. The same level again is no error.

        Comment and name are sealed. Raises :class:`NotFound` for an unknown token and
        :class:`~villagecall.approval.refusals.RatedAlready` for a second, different rating.
        """
        if not 1 <= level <= 5:
            raise BadRequest(fields={"level": "请在五个等级中选择"})
        rated = await self.find(f"rating:{numbers.rating_digest(token)}")
        if rated is None:
            raise NotFound
        said = {"comment": comment.strip(), "name": name.strip()}
        kept = keep(self.vault, rated.case_id, said) if any(said.values()) else None
        payload: dict[str, JSON] = {"level": level, "comment": kept.json if kept else None}

        async def planner(case: Case) -> Plan | None:
            if case.rating is not None:
                if case.rating.level == level:
                    return None
                raise RatedAlready
            steps = [Step("case.rated", APPLICANT, payload)]
            if case.state == "delivered":
                steps.append(Step("case.closed", SYSTEM, {"why": "rated"}))
            return Plan(tuple(steps), Stored(records=(kept.record,) if kept else ()))

        return await self.write(rated.case_id, "case.rated", key, planner)

    async def close_unrated(self, delivery: Delivery) -> None:
        """Consumer of topic ``close``: a delivered case that nobody rated in time ends."""

        async def planner(case: Case) -> Plan | None:
            if case.state != "delivered":
                return None
            return Plan((Step("case.closed", SYSTEM, {"why": "not rated in time"}),))

        case_id = UUID(str(delivery.message.payload["case_id"]))
        await self.write(case_id, "case.closed", f"close:{case_id}", planner)
