"""A case as the pages see it: masked, in words, with what this person may do now."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Protocol
from uuid import UUID
from weakref import WeakKeyDictionary

from villagecall.approval import deadlines
from villagecall.approval.deadlines import Deadline
from villagecall.approval.readings import Line
from villagecall.approval.rules import holds, unread_files
from villagecall.approval.service import Approval
from villagecall.case import Call, Case, Claim, Page, Ref
from villagecall.case_words import STATES
from villagecall.directory.model import Item, Material, Person, Role
from villagecall.directory.service import Directory
from villagecall.errors import NotFound
from villagecall.http.models import case as c
from villagecall.http.services import Services
from villagecall.ports import Clock
from villagecall.vault import mask_id, mask_name, mask_phone


class CallFacts(Protocol):
    """What the hub knows of a call beside its journal."""

    @property
    def present(self) -> frozenset[UUID]: ...

    @property
    def ringing(self) -> tuple[str, ...]: ...

    @property
    def place(self) -> int: ...


def masked(entries: Mapping[str, str]) -> c.PersonView:
    """李*芳, 5108**********2418, 138****0000; of an address its first three characters."""
    address = entries.get("address", "")
    return c.PersonView(
        name=mask_name(entries.get("name", "")),
        id_number=mask_id(entries.get("id_number", "")),
        phone=mask_phone(entries.get("phone", "")),
        address=address[:3] + "*" * min(6, len(address) - 3) if len(address) > 3 else "*" * len(address),
    )


def full(entries: Mapping[str, str]) -> c.PersonView:
    """Everything, for one who said what for."""
    return c.PersonView(
        name=entries.get("name", ""),
        id_number=entries.get("id_number", ""),
        phone=entries.get("phone", ""),
        address=entries.get("address", ""),
    )


class MaskedNames:
    """Masked entries by vault record, so that a list does not decrypt each line at each look.

    A record's contents never change under one id; only what is masked is kept, and not for long.
    """

    def __init__(self, approval: Approval, size: int = 2000) -> None:
        self._approval, self._size = approval, size
        self._known: OrderedDict[UUID, c.PersonView] = OrderedDict()

    async def get(self, ref: Ref | None) -> c.PersonView | None:
        """None when nobody was entered, or the record was erased."""
        if ref is None:
            return None
        known = self._known.get(ref.record)
        if known is None:
            entries = await self._approval.personal(ref)
            if not entries:
                return None
            known = self._known[ref.record] = masked(entries)
            if len(self._known) > self._size:
                self._known.popitem(last=False)
        return known


def deadline_view(found: Deadline | None) -> c.DeadlineView | None:
    if found is None:
        return None
    return c.DeadlineView(
        due=found.due,
        working_days_left=found.left,
        provisional=found.provisional,
        overdue=found.overdue,
        sentence_zh=found.zh,
        sentence_en=found.en,
    )


def call_model(
    case: Case, call: Call, directory: Directory, present: frozenset[UUID], ringing: tuple[str, ...], place: int
) -> c.CallView:
    """A call with the names of who is in it."""
    return c.CallView(
        call_id=call.call_id,
        case_id=case.case_id,
        state=call.state,
        unit=call.unit,
        unit_name=directory.unit_name(call.unit),
        village=case.village,
        village_name=directory.unit_name(case.village),
        item_name=directory.item(case.item, case.item_version).name,
        since=call.since,
        consented=call.consented,
        place=place,
        parties=[
            c.PartyView(
                participant=party.participant,
                name=_name(directory, party.person),
                unit=party.unit,
                unit_name=directory.unit_name(party.unit),
                role=party.role,
                present=party.participant in present,
            )
            for party in call.parties
            if party.left is None or call.state == "ended"
        ],
        ringing=list(ringing),
    )


def _name(directory: Directory, person: UUID) -> str:
    try:
        return directory.person(person).name
    except NotFound:
        return ""


class Views:
    """Builds every reply about cases. One for the whole application."""

    def __init__(self, approval: Approval, directory: Directory, clock: Clock) -> None:
        self._approval, self._directory, self._clock = approval, directory, clock
        self._names = MaskedNames(approval)

    def call_view(self, case: Case, call: Call, facts: CallFacts) -> Mapping[str, object]:
        """``CallView`` in plain values (UUIDs and datetimes among them), for the hub to send."""
        view = call_model(case, call, self._directory, facts.present, facts.ringing, facts.place)
        return view.model_dump()

    async def case(self, case: Case, person: Person) -> c.CaseView:
        """Everything of one case for one person."""
        item, name = self._approval.item(case), self._directory.unit_name
        now, calendar, words = self._clock.now(), self._directory.calendar, STATES[case.state]
        actions = self._approval.actions(case, person)
        return c.CaseView(
            case_id=case.case_id,
            seq=case.seq,
            state=case.state,
            state_zh=words.zh,
            state_en=words.en,
            number=case.number,
            item=case.item,
            item_version=case.item_version,
            item_name=item.name,
            item_name_en=item.name_en,
            level=case.level,
            stage=case.stage,
            village=case.village,
            village_name=name(case.village),
            town=case.town,
            town_name=name(case.town),
            department=case.department,
            department_name=name(case.department),
            on_the_spot=item.on_the_spot,
            applicant=await self._names.get(case.applicant),
            agent=await self._names.get(case.agent),
            form=_form(await self._approval.personal(case.form), item, person, editing="form" in actions),
            materials=[_material(case, material) for material in item.materials],
            pages=[_page(case, page) for page in case.pages],
            refused_files=list(case.refused_files),
            opened=case.opened,
            submitted=case.submitted,
            accepted=case.accepted,
            decided=case.decided,
            promised=deadline_view(deadlines.promised(calendar, item, case, now)),
            legal=deadline_view(deadlines.legal(calendar, item, case, now)),
            claim=self._claim(case.claim, person),
            notices=list(case.notices),
            steps=list(case.steps),
            call=await self._call(case),
            recordings=self._recordings(case),
            certificate=case.certificate,
            prints=list(case.prints),
            delivered=case.delivery.at if case.delivery else None,
            rating_level=case.rating.level if case.rating else 0,
            reason=case.reason,
            actions=actions,
            checkpoints=list(item.checkpoints),
        )

    async def reply(self, case: Case, person: Person) -> c.CaseReply:
        return c.CaseReply(case=await self.case(case, person))

    async def line(self, line: Line, person: Person) -> c.CaseLine:
        """One line of a list or queue."""
        case, words = line.case, STATES[line.case.state]
        applicant, call, item = await self._names.get(case.applicant), case.call, self._approval.item(case)
        return c.CaseLine(
            case_id=case.case_id,
            number=case.number,
            state=case.state,
            state_zh=words.zh,
            state_en=words.en,
            item_name=item.name,
            item_name_en=item.name_en,
            village_name=self._directory.unit_name(case.village),
            applicant=applicant.name if applicant else "",
            opened=case.opened,
            submitted=case.submitted,
            promised=deadline_view(line.promised),
            claim=self._claim(case.claim, person),
            group=line.group,
            waiting_since=call.since if call and call.state == "waiting" else None,
            call_id=call.call_id if call else None,
            rating_level=case.rating.level if case.rating else 0,
            on_papers=line.on_papers,
        )

    async def lines(self, lines: tuple[Line, ...], person: Person) -> list[c.CaseLine]:
        return [await self.line(line, person) for line in lines]

    async def applicant_name(self, case: Case) -> str:
        """The applicant's name, masked."""
        found = await self._names.get(case.applicant)
        return found.name if found else ""

    def _claim(self, claim: Claim | None, person: Person) -> c.ClaimView | None:
        if claim is None or not holds(claim, self._clock.now()):
            return None
        return c.ClaimView(
            person=claim.person,
            name=self._approval.name_of(claim.person),
            unit=claim.unit,
            until=claim.until,
            mine=claim.person == person.person_id,
        )

    async def _call(self, case: Case) -> c.CallView | None:
        call = case.call
        if call is None:
            return None
        here = frozenset(party.participant for party in call.parties if party.left is None)
        rung = tuple(dict.fromkeys((*((call.unit,) if call.state == "waiting" else ()), *call.invited)))
        return call_model(case, call, self._directory, here, rung, await self._approval.place(call))

    def _recordings(self, case: Case) -> list[c.RecordingView]:
        people = {(call.call_id, party.participant): party.person for call in case.calls for party in call.parties}
        return [
            c.RecordingView(
                recording_id=one.recording_id,
                call_id=one.call_id,
                participant=one.participant,
                name=self._approval.name_of(people[key]) if (key := (one.call_id, one.participant)) in people else "",
                ms=one.ms,
                url=f"/api/v1/cases/{case.case_id}/recordings/{one.recording_id}",
                gaps=list(one.gaps),
            )
            for one in case.recordings
        ]


def _form(entries: Mapping[str, str], item: Item, person: Person, *, editing: bool) -> dict[str, str]:
    """Entries as a person sees them: in full while filling them in; phones masked at the desks; stars for a
    supervisor, who judges the way of a case and not its contents."""
    if person.role is Role.SUPERVISOR:
        return {key: "*" * min(len(value), 8) for key, value in entries.items()}
    phones = set() if editing else {field.code for field in item.form if field.kind == "phone"}
    return {key: mask_phone(value) if key in phones else value for key, value in entries.items()}


_VIEWS: WeakKeyDictionary[Approval, Views] = WeakKeyDictionary()


def views(services: Services) -> Views:
    """The one builder of an application."""
    found = _VIEWS.get(services.approval)
    if found is None:
        found = _VIEWS[services.approval] = Views(services.approval, services.directory, services.clock)
    return found


def _page(case: Case, page: Page) -> c.PageView:
    verdict, base = page.verdict, f"/api/v1/cases/{case.case_id}/pages/{page.page_id}"
    return c.PageView(
        page_id=page.page_id,
        file_id=page.file_id,
        material=page.material,
        name=page.name,
        frame=page.frame,
        state="waiting" if verdict is None else "fine" if verdict.ok else "fault",
        blank=verdict is not None and verdict.blank,
        width=page.width,
        height=page.height,
        faults=list(verdict.faults) if verdict else [],
        turned=page.turned,
        straightened_mdeg=verdict.angle_mdeg if verdict else 0,
        replaced_by=page.replaced_by,
        removed=page.removed,
        notices=page.notices,
        view_url=f"{base}/view?v={page.view.sha256[:12]}" if page.view else "",
        thumb_url=f"{base}/thumb?v={page.thumb.sha256[:12]}" if page.thumb else "",
        sha256=page.original.sha256,
    )


def _material(case: Case, material: Material) -> c.MaterialView:
    pages = [page for page in case.live_pages() if page.material == material.code]
    unread = set(unread_files(case))
    waiting = any(file.material == material.code and file.file_id in unread for file in case.files)
    if any(page.verdict is not None and not page.verdict.ok for page in pages):
        state = "fault"
    elif waiting or any(page.verdict is None for page in pages):
        state = "waiting"
    else:
        state = "fine" if len(pages) >= max(1, material.pages) else "missing"
    return c.MaterialView.model_validate(
        {
            "code": material.code,
            "name": material.name,
            "name_en": material.name_en,
            "necessary": material.necessary,
            "hint": material.hint,
            "wanted": material.pages,
            "state": state,
            "pages": [page.page_id for page in pages],
        }
    )
