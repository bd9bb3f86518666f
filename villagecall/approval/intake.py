"""What the village does until the case is accepted: open, applicant, form, submit, withdraw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from villagecall.approval import deadlines, notice, numbers
from villagecall.approval.identity import advise, entries
from villagecall.approval.store import CaseStore, Plan, Step
from villagecall.case import Case, Defect, Ref
from villagecall.directory.codes import Advice
from villagecall.directory.model import Item
from villagecall.directory.search import described
from villagecall.errors import BadRequest, KeyReused, Refusal
from villagecall.ids import uuid7
from villagecall.journal import JSON, SYSTEM, Actor, stamp
from villagecall.ports import Stored
from villagecall.vault import SealedRecord, Vault

Person = Mapping[str, str]
"""Entries of a person in clear: ``name``, ``id_number``, ``phone``, ``address``."""


class NotDescribed(Refusal):
    """An item of the bare catalogue: nobody knows yet what it takes."""

    code = "item_not_described"
    status = 409
    zh = "这个事项还没有办事指南,暂时不能在村里办理。"
    en = "This item has no guide yet and cannot be handled in the village."
    todo_zh = "请到镇便民服务中心办理,或联系管理员补充指南。"
    todo_en = "Go to the town's service centre, or ask the administrator for the guide."


@dataclass(frozen=True, slots=True)
class Kept:
    """A person's entries sealed: what the journal carries, and the record that lies beside it."""

    ref: Ref
    record: SealedRecord

    @property
    def json(self) -> dict[str, JSON]:
        return ref_json(self.ref)


def keep(vault: Vault, case_id: UUID, value: Mapping[str, str]) -> Kept:
    """Seal entries under a new record id: what was committed to before stays as it was."""
    doc: dict[str, JSON] = dict(value)
    made = vault.seal(uuid7(), case_id, doc)
    return Kept(Ref(record=made.record.id, commitment=made.commitment), made.record)


def ref_json(ref: Ref) -> dict[str, JSON]:
    return {"record": str(ref.record), "commitment": ref.commitment}


def changed(prefix: str, old: Mapping[str, str], new: Mapping[str, str]) -> list[JSON]:
    """Codes of the entries that differ: the journal says *what* was changed, never to what."""
    keys = sorted({*old, *new})
    return [f"{prefix}.{key}" for key in keys if old.get(key, "") != new.get(key, "")]


class Intake(CaseStore):
    """Use cases of the village clerk before acceptance. All raise :class:`villagecall.errors.Refusal`."""

    async def open(self, case_id: UUID, item_code: str, *, actor: Actor, key: str) -> Case:
        """A draft of the newest version of an item. The same ``case_id`` again is the same case.

        Raises :class:`KeyReused` when the id is another case's, :class:`NotDescribed` for a bare item.
        """
        there, _ = await self._load(case_id)
        if there.seq:
            if (there.item, there.village) == (item_code, actor.unit):
                return there
            raise KeyReused
        item = self.directory.item(item_code)
        if not item.active or not described(item):
            raise NotDescribed
        village = self.directory.unit(actor.unit)
        payload: dict[str, JSON] = {
            "item": item.code,
            "item_version": item.version,
            "village": village.code,
            "town": village.parent,
            "level": item.level,
            "department": item.department,
        }
        stored = Stored(tokens=tuple(self.tokens(item)))

        async def planner(case: Case) -> Plan | None:
            return None if case.seq else Plan((Step("case.opened", actor, payload),), stored)

        return await self.write(case_id, "case.opened", key, planner)

    def tokens(
        self, item: Item, applicant: Person | None = None, agent: Person | None = None, number: str = ""
    ) -> set[bytes]:
        """What a case is found by: pairs of the names and of the item's name, numbers, the receipt's serial."""
        found = self.vault.name_tokens(item.name)
        for person in (applicant, agent):
            if person:
                found |= self.vault.tokens(
                    name=person.get("name", ""), id_number=person.get("id_number", ""), phone=person.get("phone", "")
                )
        if number:
            found.add(self.vault.token("id4", numbers.serial_of(number)))
        return found

    async def enter_applicant(
        self, case_id: UUID, applicant: Person, agent: Person | None, *, actor: Actor, key: str
    ) -> tuple[Case, list[Advice]]:
        """Seal who applies, and who acts for them; with advice on numbers that look odd (never a refusal)."""
        applicant, agent = entries(applicant), entries(agent) if agent else None
        kept, kept_agent = keep(self.vault, case_id, applicant), keep(self.vault, case_id, agent) if agent else None
        records = tuple(each.record for each in (kept, kept_agent) if each)

        async def planner(case: Case) -> Plan:
            was, was_agent = await self.personal(case.applicant), await self.personal(case.agent)
            payload: dict[str, JSON] = {
                "applicant": kept.json,
                "agent": kept_agent.json if kept_agent else None,
                "changed": [*changed("applicant", was, applicant), *changed("agent", was_agent, agent or {})],
            }
            item = self.item(case) if case.seq else None
            found, gone = set[bytes](), set[bytes]()
            if item:
                found = self.tokens(item, applicant, agent, case.number)
                gone = self.tokens(item, was, was_agent, case.number) - found
            if gone:
                stored = Stored(records=records, tokens=tuple(found | await self.text_tokens(case)))
            else:
                stored = Stored(records=records, more_tokens=tuple(found))
            return Plan((Step("applicant.entered", actor, payload),), stored)

        case = await self.write(case_id, "applicant.entered", key, planner)
        today = self.today()
        return case, [*advise(applicant, "applicant", today), *(advise(agent, "agent", today) if agent else ())]

    def today(self) -> date:
        return deadlines.day_of(self.clock.now())

    async def fill_form(self, case_id: UUID, values: Mapping[str, str], *, actor: Actor, key: str) -> Case:
        """Seal the form's entries, complete or not. Raises :class:`BadRequest` for one the form has not."""
        kept = keep(self.vault, case_id, values)

        async def planner(case: Case) -> Plan:
            if case.seq:
                known = {field.code for field in self.item(case).form}
                unknown = next((code for code in values if code not in known), None)
                if unknown is not None:
                    raise BadRequest(fields={f"values.{unknown}": "表单没有这一项"})
            was = await self.personal(case.form)
            payload: dict[str, JSON] = {"form": kept.json, "changed": changed("form", was, values)}
            return Plan((Step("form.filled", actor, payload),), Stored(records=(kept.record,)))

        return await self.write(case_id, "form.filled", key, planner)

    async def reveal(
        self, case_id: UUID, purpose: str, *, actor: Actor, key: str
    ) -> tuple[dict[str, str], dict[str, str]]:
        """Applicant and agent in clear; that somebody looked, and what for, is on record first."""
        case = await self.record(case_id, "applicant.revealed", {"purpose": purpose}, actor=actor, key=key)
        return await self.personal(case.applicant), await self.personal(case.agent)

    async def defects(self, case: Case) -> tuple[Defect, ...]:
        """The complete list of what keeps the case from being submitted now (一次性告知)."""
        applicant = await self.personal(case.applicant) if case.applicant else None
        found = notice.complete_defects(case, self.item(case), applicant, await self.personal(case.form))
        if case.state != "correction":
            return found
        told = notice.unanswered(case, notice.changed_since_notice(await self.journal.entries(case.case_id)))
        return notice.merged(found, told)

    async def submit(self, case_id: UUID, *, actor: Actor, key: str) -> Case:
        """Submit and, the papers being complete, accept in the same append, with the receipt number.

        Raises :class:`notice.Incomplete` with the complete list; then nothing was changed. A case that is
        submitted already answers as it is.
        """

        async def planner(case: Case) -> Plan | None:
            if case.state in ("accepted", "in_review") and case.village == actor.unit:
                return None
            if case.seq == 0 or case.state not in ("draft", "correction"):
                return Plan((Step("case.submitted", actor, {"number": case.number}),))
            defects = await self.defects(case)
            if defects:
                raise notice.Incomplete(count=len(defects), defects=[each.model_dump(mode="json") for each in defects])
            return await self._acceptance(case, actor)

        return await self.write(case_id, "case.submitted", key, planner)

    async def _acceptance(self, case: Case, actor: Actor) -> Plan:
        """Both actions, the number and the limits. The serial is reserved once for the case."""
        now, item = self.clock.now(), self.item(case)
        number = case.number
        if not number:
            day = self.today()
            serial = await self.journal.reserve(numbers.receipt_scope(case.village, day), str(case.case_id))
            number = numbers.receipt_number(self.vault, case.village, day, serial)
        pages: list[JSON] = [
            {"page_id": str(page.page_id), "sha256": page.original.sha256, "frame": page.frame}
            for page in case.live_pages()
        ]
        applicant, agent = await self.personal(case.applicant), await self.personal(case.agent)
        return Plan(
            (
                Step("case.submitted", actor, {"number": number, "pages": pages}),
                Step("case.accepted", Actor(SYSTEM.person, case.town), self._limits(case, item, now)),
            ),
            Stored(names=(f"number:{number}",), more_tokens=tuple(self.tokens(item, applicant, agent, number))),
        )

    def _limits(self, case: Case, item: Item, now: datetime) -> dict[str, JSON]:
        """Payload of ``case.accepted``. A case that the district returned goes back to the district."""
        calendar = self.directory.calendar
        legal, promised = deadlines.legal_due(calendar, item, now), deadlines.promised_due(calendar, item, now)
        return {
            "due_legal": stamp(legal[0]) if legal else None,
            "due_promised": stamp(promised[0]) if promised else None,
            "provisional": bool((legal and legal[1]) or (promised and promised[1])),
            "stage": case.stage or "town",
        }

    async def withdraw(self, case_id: UUID, reason: str, *, actor: Actor, key: str) -> Case:
        """The applicant takes the application back, any time before the decision; a call about it ends."""

        async def planner(case: Case) -> Plan:
            steps = [Step("case.withdrawn", actor, {"reason": reason})]
            if case.call is not None:
                steps.append(Step("call.ended", actor, {"call_id": str(case.call.call_id), "why": "withdrawn"}))
            return Plan(tuple(steps))

        return await self.write(case_id, "case.withdrawn", key, planner)
