"""What each action of a case means (pure). One function a kind; see ``docs/JOURNAL.md`` for payloads."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from villagecall.case import (
    FOLD,
    BlobRef,
    Call,
    Case,
    Certificate,
    Claim,
    Defect,
    Delivery,
    Fault,
    File,
    FileRefusal,
    Notice,
    Page,
    Party,
    Print,
    Rating,
    Recording,
    Ref,
    Step,
    Verdict,
    action,
)
from villagecall.journal import Entry, unstamp

Payload = dict[str, Any]
Changes = dict[str, Any]


def _time(value: str | None) -> datetime | None:
    return unstamp(value) if value else None


def _person(entry: Entry) -> UUID:
    return UUID(entry.action.actor.person)


@action("case.opened")
def opened(case: Case, p: Payload, entry: Entry) -> Changes:
    return {
        "state": "draft",
        "number": p.get("number", ""),
        "item": p["item"],
        "item_version": p["item_version"],
        "village": p["village"],
        "town": p["town"],
        "level": p["level"],
        "department": p["department"],
        "clerk": _person(entry),
        "opened": entry.action.at,
    }


@action("applicant.entered")
def applicant_entered(case: Case, p: Payload, entry: Entry) -> Changes:
    agent = p.get("agent")
    return {
        "applicant": Ref.model_validate(p["applicant"]),
        "agent": Ref.model_validate(agent) if agent else None,
    }


@action("form.filled")
def form_filled(case: Case, p: Payload, entry: Entry) -> Changes:
    return {"form": Ref.model_validate(p["form"])}


@action("applicant.revealed")
def applicant_revealed(case: Case, p: Payload, entry: Entry) -> Changes:
    """Somebody looked at the full personal data; ``purpose`` is on record. Changes nothing."""
    return {}


@action("file.received")
def file_received(case: Case, p: Payload, entry: Entry) -> Changes:
    return {"files": (*case.files, File.model_validate(p["file"]))}


@action("file.read")
def file_read(case: Case, p: Payload, entry: Entry) -> Changes:
    """All pages of a file are judged; ``frames`` says how many there were."""
    wanted, frames = UUID(p["file_id"]), p["frames"]
    return {"files": tuple(f.model_copy(update={"frames": frames}) if f.file_id == wanted else f for f in case.files)}


@action("page.added")
def page_added(case: Case, p: Payload, entry: Entry) -> Changes:
    page = Page.model_validate(p["page"]).model_copy(update={"notices": len(case.notices)})
    pages = case.pages
    replaces = p.get("replaces")
    if replaces:
        old = UUID(replaces)
        pages = tuple(q.model_copy(update={"replaced_by": page.page_id}) if q.page_id == old else q for q in pages)
    return {"pages": (*pages, page)}


def _update_page(case: Case, page_id: str, **changes: Any) -> Changes:
    wanted = UUID(page_id)
    return {"pages": tuple(q.model_copy(update=changes) if q.page_id == wanted else q for q in case.pages)}


@action("page.judged")
def page_judged(case: Case, p: Payload, entry: Entry) -> Changes:
    return _update_page(
        case,
        p["page_id"],
        verdict=Verdict.model_validate(p["verdict"]),
        view=BlobRef.model_validate(p["view"]),
        thumb=BlobRef.model_validate(p["thumb"]),
        width=p["width"],
        height=p["height"],
        dpi=p.get("dpi", 0),
        turned=p.get("turned", 0),
        phash=p.get("phash", ""),
        text=None,  # its lines lay on the page as it looked before
    )


@action("page.matched")
def page_matched(case: Case, p: Payload, entry: Entry) -> Changes:
    """The page, as it looks in ``view``, is (``maybe_duplicate``: perhaps) the same sheet as ``other``."""
    page = case.page(UUID(p["page_id"]))
    if page is None or page.verdict is None or page.view is None or page.view.sha256 != p["view"]:
        return {}
    return _update_page(case, p["page_id"], verdict=page.verdict.scanned_twice(Fault.model_validate(p["fault"])))


@action("page.read")
def page_read(case: Case, p: Payload, entry: Entry) -> Changes:
    """The text of a page as it looks in ``view``; a page that was turned meanwhile waits for its next reading."""
    page = case.page(UUID(p["page_id"]))
    if page is None or page.view is None or page.view.sha256 != p["view"]:
        return {}
    return _update_page(case, p["page_id"], text=Ref.model_validate(p["text"]))


@action("page.removed")
def page_removed(case: Case, p: Payload, entry: Entry) -> Changes:
    return _update_page(case, p["page_id"], removed=True)


@action("file.refused")
def file_refused(case: Case, p: Payload, entry: Entry) -> Changes:
    return {"refused_files": (*case.refused_files, FileRefusal.model_validate(p["file"]))}


@action("case.submitted")
def submitted(case: Case, p: Payload, entry: Entry) -> Changes:
    notices = case.notices
    if notices and notices[-1].answered is None:
        notices = (*notices[:-1], notices[-1].model_copy(update={"answered": entry.action.at}))
    return {
        "state": "submitted",
        "number": case.number or p["number"],
        "submitted": case.submitted or entry.action.at,
        "notices": notices,
        "reason": "",
    }


@action("case.accepted")
def accepted(case: Case, p: Payload, entry: Entry) -> Changes:
    return {
        "state": "accepted",
        "accepted": entry.action.at,
        "due_legal": _time(p.get("due_legal")),
        "due_promised": _time(p.get("due_promised")),
        "stage": p.get("stage", "town"),
    }


@action("case.claimed")
def claimed(case: Case, p: Payload, entry: Entry) -> Changes:
    claim = Claim(person=_person(entry), unit=entry.action.actor.unit, until=unstamp(p["until"]))
    return {"claim": claim, "state": "in_review" if case.state == "accepted" else case.state}


@action("case.released")
def released(case: Case, p: Payload, entry: Entry) -> Changes:
    return {"claim": None}


@action("case.passed_up")
def passed_up(case: Case, p: Payload, entry: Entry) -> Changes:
    return {"stage": "district", "claim": None, "steps": (*case.steps, _step(case, p, entry, "passed"))}


@action("case.reviewed")
def reviewed(case: Case, p: Payload, entry: Entry) -> Changes:
    """Four eyes: a first person of the deciding desk finds it in order; a second one decides."""
    return {"claim": None, "steps": (*case.steps, _step(case, p, entry, "reviewed"))}


def _step(case: Case, p: Payload, entry: Entry, result: str) -> Step:
    call = case.call
    return Step.model_validate(
        {
            "level": case.stage or case.level,
            "unit": entry.action.actor.unit,
            "person": _person(entry),
            "at": entry.action.at,
            "result": result,
            "opinion": p.get("opinion", ""),
            "reasons": tuple(p.get("reasons", ())),
            "call_id": call.call_id if call and call.state == "active" else None,
            "round": len(case.notices),
        }
    )


@action("case.approved")
def approved(case: Case, p: Payload, entry: Entry) -> Changes:
    return {
        "state": "approved",
        "decided": entry.action.at,
        "claim": None,
        "steps": (*case.steps, _step(case, p, entry, "approved")),
    }


@action("case.refused")
def refused(case: Case, p: Payload, entry: Entry) -> Changes:
    return {
        "state": "refused",
        "decided": entry.action.at,
        "claim": None,
        "reason": p.get("sentence", ""),
        "steps": (*case.steps, _step(case, p, entry, "refused")),
    }


@action("case.returned")
def returned(case: Case, p: Payload, entry: Entry) -> Changes:
    notice = Notice(
        notice_id=UUID(p["notice_id"]),
        at=entry.action.at,
        by=_person(entry),
        defects=tuple(Defect.model_validate(defect) for defect in p["defects"]),
    )
    return {"state": "correction", "claim": None, "notices": (*case.notices, notice)}


@action("case.withdrawn")
def withdrawn(case: Case, p: Payload, entry: Entry) -> Changes:
    return {"state": "withdrawn", "claim": None, "reason": p.get("reason", ""), "closed": entry.action.at}


def _update_call(case: Case, call_id: str, **changes: Any) -> Changes:
    wanted = UUID(call_id)
    return {"calls": tuple(c.model_copy(update=changes) if c.call_id == wanted else c for c in case.calls)}


def _find_call(case: Case, call_id: str) -> Call:
    wanted = UUID(call_id)
    return next(call for call in case.calls if call.call_id == wanted)


@action("call.requested")
def call_requested(case: Case, p: Payload, entry: Entry) -> Changes:
    call = Call(call_id=UUID(p["call_id"]), state="waiting", unit=p["unit"], since=entry.action.at)
    return {"calls": (*case.calls, call)}


@action("call.consented")
def call_consented(case: Case, p: Payload, entry: Entry) -> Changes:
    return _update_call(case, p["call_id"], consented=True)


@action("call.invited")
def call_invited(case: Case, p: Payload, entry: Entry) -> Changes:
    """A department is rung, until one of its desks comes in."""
    call = _find_call(case, p["call_id"])
    invited = call.invited if p["unit"] in call.invited else (*call.invited, p["unit"])
    return _update_call(case, p["call_id"], invited=invited) if call.state != "ended" else {}


@action("call.joined")
def call_joined(case: Case, p: Payload, entry: Entry) -> Changes:
    call, participant = _find_call(case, p["call_id"]), UUID(p["participant"])
    if call.state == "ended":
        return {}
    before = next((q.times for q in call.parties if q.participant == participant), 0)
    party = Party(
        participant=participant,
        person=_person(entry),
        unit=entry.action.actor.unit,
        role=entry.action.actor.role,
        joined=entry.action.at,
        times=before + 1,
    )
    parties = (*(q for q in call.parties if q.participant != party.participant), party)
    invited = tuple(unit for unit in call.invited if unit != party.unit)
    return _update_call(case, p["call_id"], parties=parties, invited=invited, state=_call_state(parties))


def _call_state(parties: tuple[Party, ...]) -> str:
    """Active while a desk is in; a call whose desk was lost waits again and keeps its seat."""
    return "active" if any(q.role in ("town", "district") and q.left is None for q in parties) else "waiting"


@action("call.left")
def call_left(case: Case, p: Payload, entry: Entry) -> Changes:
    call, gone = _find_call(case, p["call_id"]), UUID(p["participant"])
    if call.state == "ended":
        return {}
    news = {"left": entry.action.at, "lost": p.get("why") == "lost"}
    parties = tuple(q.model_copy(update=news) if q.participant == gone else q for q in call.parties)
    return _update_call(case, p["call_id"], parties=parties, state=_call_state(parties))


@action("call.ended")
def call_ended(case: Case, p: Payload, entry: Entry) -> Changes:
    call = _find_call(case, p["call_id"])
    parties = tuple(q if q.left else q.model_copy(update={"left": entry.action.at}) for q in call.parties)
    return _update_call(case, p["call_id"], parties=parties, invited=(), state="ended", why=p.get("why", ""))


@action("page.shown")
def page_shown(case: Case, p: Payload, entry: Entry) -> Changes:
    """A page was put before the parties of a call: part of the record of the whole process."""
    return {}


@action("recording.closed")
def recording_closed(case: Case, p: Payload, entry: Entry) -> Changes:
    return {"recordings": (*case.recordings, Recording.model_validate(p["recording"]))}


@action("certificate.issued")
def certificate_issued(case: Case, p: Payload, entry: Entry) -> Changes:
    fields = {**p["certificate"], "issued": entry.action.at}
    return {"state": "issued", "certificate": Certificate.model_validate(fields)}


@action("voucher.issued")
def voucher_issued(case: Case, p: Payload, entry: Entry) -> Changes:
    """The dated, sealed written voucher of a refusal (Licensing Law art. 38); the state stays."""
    fields = {**p["voucher"], "issued": entry.action.at}
    return {"voucher": Certificate.model_validate(fields)}


@action("print.ticketed")
def print_ticketed(case: Case, p: Payload, entry: Entry) -> Changes:
    ticket = Print.model_validate({**p["print"], "at": entry.action.at, "by": _person(entry)})
    return {"prints": (*case.prints, ticket)}


@action("print.reported")
def print_reported(case: Case, p: Payload, entry: Entry) -> Changes:
    wanted = UUID(p["print_id"])
    news = {"state": p["state"], "job": p.get("job", 0), "reasons": tuple(p.get("reasons", ()))}
    prints = tuple(q.model_copy(update=news) if q.print_id == wanted else q for q in case.prints)
    done = p["state"] == "done" and case.state == "issued"
    return {"prints": prints, "state": "printed" if done else case.state}


@action("case.delivered")
def delivered(case: Case, p: Payload, entry: Entry) -> Changes:
    signature = p.get("signature")
    delivery = Delivery(
        at=entry.action.at,
        by=_person(entry),
        signature=Ref.model_validate(signature) if signature else None,
    )
    return {"state": "delivered", "delivery": delivery, "rating_digest": p.get("rating_digest", "")}


@action("case.rated")
def rated(case: Case, p: Payload, entry: Entry) -> Changes:
    comment = p.get("comment")
    rating = Rating(level=p["level"], at=entry.action.at, comment=Ref.model_validate(comment) if comment else None)
    return {"rating": rating}


@action("case.closed")
def closed(case: Case, p: Payload, entry: Entry) -> Changes:
    return {"state": "closed", "closed": entry.action.at}


def kinds() -> frozenset[str]:
    """Every kind of action a case knows."""
    return frozenset(FOLD)


def fold(case: Case, entries: Iterable[Entry]) -> Case:
    """The case after ``entries``. Raises ``KeyError`` on an unknown kind."""
    for entry in entries:
        changed = FOLD[entry.action.kind](case, dict(entry.action.payload), entry)
        case = case.model_copy(update={**changed, "seq": entry.seq, "head": entry.hash.hex()})
    return case
