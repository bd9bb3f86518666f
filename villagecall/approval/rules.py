"""The state table: which action is allowed in which state, for whom (pure).

The browser shows what :func:`available_actions` allows and the server checks every action with the same
table (:func:`check`), whichever room writes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from villagecall.approval.refusals import (
    CallOpen,
    CallOver,
    ClaimedByOther,
    DistrictDecides,
    FilesUnread,
    FourEyes,
    NotAtYourDesk,
    NoticeTooLate,
    NotIssued,
    NotPrinted,
    NotYourStep,
    RatedAlready,
    ReprintReason,
    ReviewFirst,
    WrongState,
)
from villagecall.case import Call, Case, Claim
from villagecall.case_words import KINDS, LOCAL, STATES, Words
from villagecall.directory.model import Item, Person
from villagecall.directory.scope import Tree, answers_for
from villagecall.errors import NotFound, Refusal
from villagecall.journal import JSON, Actor

MOVES: Mapping[str, frozenset[str]] = {
    "draft": frozenset({"submitted", "withdrawn"}),
    "submitted": frozenset({"accepted", "withdrawn"}),
    "accepted": frozenset({"in_review", "approved", "refused", "correction", "withdrawn"}),
    "in_review": frozenset({"approved", "refused", "correction", "withdrawn"}),
    "correction": frozenset({"submitted", "withdrawn"}),
    "approved": frozenset({"issued", "delivered"}),
    "refused": frozenset({"delivered"}),
    "issued": frozenset({"printed", "delivered"}),
    "printed": frozenset({"delivered"}),
    "delivered": frozenset({"closed"}),
    "closed": frozenset({"archived"}),
}
"""The moves of domain.md (A case and its states) that this version makes."""


@dataclass(frozen=True, slots=True)
class Ask:
    """May ``actor`` do this now? ``notice_until``: last moment for a correction notice, None = not known."""

    case: Case
    actor: Actor
    now: datetime
    item: Item
    payload: Mapping[str, JSON] = field(default_factory=dict)
    tree: Tree = field(default_factory=dict)
    notice_until: datetime | None = None


Guard = Callable[[Ask], Refusal | None]


@dataclass(frozen=True, slots=True)
class Rule:
    """``who``: roles, or ``system``, ``applicant``, ``device``."""

    states: frozenset[str]
    who: frozenset[str]
    guards: tuple[Guard, ...] = ()


def who(actor: Actor) -> str:
    """The role an action is done in."""
    if actor.person in ("system", "applicant"):
        return actor.person
    return "device" if actor.person.startswith("device:") else actor.role


# ---------------------------------------------------------------- guards


def own_village(ask: Ask) -> Refusal | None:
    """A clerk acts for the own village; a foreign case is one that does not exist."""
    village = ask.case.village or str(ask.payload.get("village", ""))
    if who(ask.actor) == "clerk" and not answers_for(ask.tree, ask.actor.unit, village):
        return NotFound()
    return None


def own_desk(ask: Ask) -> Refusal | None:
    """The desk whose turn it is: town by stage town, department by stage district."""
    case, role = ask.case, who(ask.actor)
    stage = case.stage or "town"
    unit = case.department if stage == "district" else case.town
    if role == stage and answers_for(ask.tree, ask.actor.unit, unit):
        return None
    return NotAtYourDesk(stage=stage)


def holds(claim: Claim | None, now: datetime) -> bool:
    """A claim whose lease is over is free."""
    return claim is not None and claim.until > now


def claim_free(ask: Ask) -> Refusal | None:
    """Free, or mine: another person's claim blocks until it is released or its lease ends."""
    claim = ask.case.claim
    if claim is None or not holds(claim, ask.now) or str(claim.person) == ask.actor.person:
        return None
    until = claim.until.astimezone(LOCAL)
    return ClaimedByOther(
        person=str(claim.person), name="", unit=claim.unit, until=claim.until.isoformat(), until_local=f"{until:%H:%M}"
    )


def claim_mine(ask: Ask) -> Refusal | None:
    claim = ask.case.claim
    if claim is None:
        return WrongState(**_words(ask.case, "case.released"))
    return claim_free(ask) or (None if str(claim.person) == ask.actor.person else NotAtYourDesk())


def level_decides(ask: Ask) -> Refusal | None:
    """A town item is decided by the town, a district item only by the department it was passed up to."""
    return DistrictDecides() if ask.case.level == "district" and ask.case.stage != "district" else None


def passes_up(ask: Ask) -> Refusal | None:
    ok = ask.case.level == "district" and ask.case.stage == "town"
    return None if ok else WrongState(**_words(ask.case, "case.passed_up"))


def reviewers(case: Case) -> frozenset[UUID]:
    """Who has reviewed: the town that passed the case up, and whoever has seen the papers as they are now."""
    now = len(case.notices)
    return frozenset(
        step.person
        for step in case.steps
        if step.result == "passed" or (step.result == "reviewed" and step.round == now)
    )


def two_people(ask: Ask) -> Refusal | None:
    """High-risk items: somebody else has reviewed before."""
    if not ask.item.high_risk:
        return None
    others = {str(person) for person in reviewers(ask.case)}
    if not others:
        return ReviewFirst()
    return FourEyes() if others <= {ask.actor.person} else None


def review_wanted(ask: Ask) -> Refusal | None:
    """A separate review makes sense once, for a high-risk item that its own level decides."""
    ok = ask.item.high_risk and (ask.case.level == "town") and not reviewers(ask.case)
    return None if ok else WrongState(**_words(ask.case, "case.reviewed"))


def files_read(ask: Ask) -> Refusal | None:
    return FilesUnread() if unread_files(ask.case) else None


def unread_files(case: Case) -> tuple[UUID, ...]:
    """Files whose pages are not all judged and that were not refused."""
    refused = {file.file_id for file in case.refused_files}
    return tuple(file.file_id for file in case.files if not file.frames and file.file_id not in refused)


def notice_in_time(ask: Ask) -> Refusal | None:
    late = ask.notice_until is not None and ask.now > ask.notice_until
    return NoticeTooLate() if late else None


def in_call_if_reviewed(ask: Ask) -> Refusal | None:
    """After acceptance papers are added only in a call, before the officer's eyes (a rescan)."""
    case = ask.case
    if case.state in ("draft", "correction") or (case.call is not None and case.call.state == "active"):
        return None
    return WrongState(**_words(case, "file.received"))


def undecided(ask: Ask) -> Refusal | None:
    """People turn pages until the decision; then the papers stand as they were decided on."""
    frozen = who(ask.actor) != "system" and ask.case.state not in OPEN
    return WrongState(**_words(ask.case, "page.judged")) if frozen else None


def _named_call(ask: Ask) -> Call | None:
    wanted = ask.payload.get("call_id")
    return next((call for call in ask.case.calls if wanted is None or str(call.call_id) == wanted), None)


def no_call(ask: Ask) -> Refusal | None:
    return CallOpen() if ask.case.call is not None else None


def call_known(ask: Ask) -> Refusal | None:
    return None if _named_call(ask) else CallOver()


def call_runs(ask: Ask) -> Refusal | None:
    wanted = ask.payload.get("call_id")
    call = _named_call(ask) if wanted else ask.case.call
    return CallOver() if call is None or call.state == "ended" else None


def invited(ask: Ask) -> Refusal | None:
    """Into a call come the village, its town, the desk that is called, and departments that were invited."""
    role, unit, case, call = who(ask.actor), ask.actor.unit, ask.case, _named_call(ask)
    known = () if call is None else (call.unit, *call.invited, *(party.unit for party in call.parties))
    if role == "town":
        known = (*known, case.town)
    elif role == "district" and case.stage == "district":
        known = (*known, case.department)
    ok = role == "clerk" or any(answers_for(ask.tree, unit, code) for code in known)
    return None if ok else NotFound()


def issued(ask: Ask) -> Refusal | None:
    return None if ask.case.certificate or ask.case.voucher else NotIssued()


def reprint(ask: Ask) -> Refusal | None:
    ticket = ask.payload.get("print")
    again = isinstance(ticket, dict) and ticket.get("copy_no", 1) != 1 and not ticket.get("reason")
    return ReprintReason() if again else None


def on_paper(ask: Ask) -> Refusal | None:
    """Handed over is what was printed: the certificate, or the written refusal with its reasons.

    An approval without a certificate needs no paper.
    """
    case = ask.case
    if case.state == "approved":
        return NotIssued() if ask.item.template is not None else None
    if case.state == "refused" and case.voucher is None:
        return NotIssued()
    out = any(ticket.state not in ("ticketed", "aborted", "canceled") for ticket in case.prints)
    return None if out or case.state == "printed" else NotPrinted()


def unrated(ask: Ask) -> Refusal | None:
    return RatedAlready() if ask.case.rating is not None else None


# ---------------------------------------------------------------- the table

ANY = frozenset(STATES)
INTAKE = frozenset({"draft", "correction"})
REVIEW = frozenset({"accepted", "in_review"})
OPEN = INTAKE | REVIEW | {"submitted"}
PAPER = frozenset({"issued", "printed", "delivered"})
CLERK, TOWN, DESK = frozenset({"clerk"}), frozenset({"town"}), frozenset({"town", "district"})
WORKERS = CLERK | DESK
SYSTEM = frozenset({"system"})
DECIDE = (own_desk, level_decides, claim_free, two_people, files_read)

TABLE: Mapping[str, Rule] = {
    "case.opened": Rule(frozenset({"draft"}), CLERK, (own_village,)),
    "applicant.entered": Rule(INTAKE, CLERK, (own_village,)),
    "form.filled": Rule(INTAKE, CLERK, (own_village,)),
    "applicant.revealed": Rule(ANY, WORKERS, (own_village,)),
    "file.received": Rule(INTAKE | REVIEW, CLERK, (own_village, in_call_if_reviewed)),
    # What the scan workers find out may arrive after the state has moved on; it is never lost.
    "file.read": Rule(ANY, SYSTEM),
    "file.refused": Rule(ANY, SYSTEM),
    "page.added": Rule(ANY, SYSTEM),
    "page.judged": Rule(ANY, WORKERS | SYSTEM, (own_village, undecided)),
    "page.matched": Rule(ANY, SYSTEM),
    "page.read": Rule(ANY, SYSTEM),
    "page.removed": Rule(INTAKE, CLERK, (own_village,)),
    "case.submitted": Rule(INTAKE, CLERK, (own_village,)),
    "case.accepted": Rule(frozenset({"submitted"}), SYSTEM),
    "case.claimed": Rule(REVIEW, DESK, (own_desk, claim_free)),
    "case.released": Rule(REVIEW, DESK, (own_desk, claim_mine)),
    "case.reviewed": Rule(REVIEW, TOWN, (own_desk, review_wanted, claim_free, files_read)),
    "case.passed_up": Rule(REVIEW, TOWN, (passes_up, own_desk, claim_free, files_read)),
    "case.approved": Rule(REVIEW, DESK, DECIDE),
    "case.refused": Rule(REVIEW, DESK, DECIDE),
    "case.returned": Rule(REVIEW, DESK, (own_desk, claim_free, notice_in_time)),
    "case.withdrawn": Rule(OPEN, CLERK, (own_village,)),
    "call.requested": Rule(REVIEW, CLERK, (own_village, no_call)),
    "call.consented": Rule(ANY, CLERK, (own_village, call_runs)),
    "call.invited": Rule(ANY, TOWN, (call_runs,)),
    "call.joined": Rule(ANY, WORKERS, (own_village, call_runs, invited)),
    "call.left": Rule(ANY, WORKERS | SYSTEM, (own_village, call_known)),
    "call.ended": Rule(ANY, WORKERS | SYSTEM, (own_village, call_runs)),
    "page.shown": Rule(ANY, WORKERS, (own_village, call_known)),
    "recording.closed": Rule(ANY, SYSTEM),
    "certificate.issued": Rule(frozenset({"approved"}), SYSTEM),
    "voucher.issued": Rule(frozenset({"refused"}), SYSTEM),
    "print.ticketed": Rule(PAPER | {"refused", "closed"}, CLERK, (own_village, issued, reprint)),
    "print.reported": Rule(ANY, CLERK | SYSTEM | {"device"}, (own_village, issued)),
    "case.delivered": Rule(frozenset({"approved", "refused", "issued", "printed"}), CLERK, (own_village, on_paper)),
    "case.rated": Rule(frozenset({"delivered", "closed"}), frozenset({"applicant"}), (unrated,)),
    "case.closed": Rule(frozenset({"delivered"}), SYSTEM | {"applicant"}),
}


def _words(case: Case, kind: str) -> dict[str, object]:
    state, what = STATES[case.state], KINDS.get(kind, Words(kind, kind))
    return {
        "state": case.state,
        "state_zh": state.zh,
        "state_en": state.en,
        "what_zh": what.zh.split(",")[0].split(":")[0],
        "what_en": what.en.split(",")[0].split(":")[0],
    }


def refusal(kind: str, ask: Ask) -> Refusal | None:
    """Why ``kind`` may not be done now, or None. Raises ``KeyError`` on an unknown kind."""
    rule, case = TABLE[kind], ask.case
    if (case.seq == 0) != (kind == "case.opened"):
        return NotFound() if case.seq == 0 else WrongState(**_words(case, kind))
    if case.state not in rule.states:
        early = kind.startswith("print.") or kind == "case.delivered"
        if early and case.certificate is None and case.state not in ("withdrawn", "closed", "archived"):
            return NotIssued()
        if kind == "case.rated" and case.rating is not None:
            return RatedAlready()
        return WrongState(**_words(case, kind))
    if who(ask.actor) not in rule.who:
        return NotYourStep(**_words(case, kind))
    return next((no for guard in rule.guards if (no := guard(ask)) is not None), None)


def check(kind: str, ask: Ask) -> None:
    """Raises the refusal that :func:`refusal` gives."""
    no = refusal(kind, ask)
    if no is not None:
        raise no


OFFERS: tuple[tuple[str, str], ...] = (
    ("applicant", "applicant.entered"),
    ("form", "form.filled"),
    ("upload", "file.received"),
    ("remove_page", "page.removed"),
    ("submit", "case.submitted"),
    ("withdraw", "case.withdrawn"),
    ("call", "call.requested"),
    ("claim", "case.claimed"),
    ("release", "case.released"),
    ("pass_up", "case.passed_up"),
    ("pass_up", "case.reviewed"),
    ("approve", "case.approved"),
    ("refuse", "case.refused"),
    ("return", "case.returned"),
    ("print", "print.ticketed"),
    ("deliver", "case.delivered"),
    ("invite", "call.invited"),
    ("reveal", "applicant.revealed"),
)
"""Names of ``CaseView.actions`` and the kind of action each one leads to."""


def available_actions(
    case: Case,
    person: Person,
    now: datetime,
    item: Item,
    *,
    tree: Tree | None = None,
    notice_until: datetime | None = None,
) -> list[str]:
    """What this person may do now, by the names of ``CaseView.actions``.

    ``rate`` is offered to the clerk as "put the rating before the applicant": the rating itself is the
    applicant's, by token. ``pass_up`` also records the first of two reviews of a high-risk town item.
    """
    actor = Actor(str(person.person_id), person.unit, person.role.value)
    ask = Ask(case, actor, now, item, tree=tree or {}, notice_until=notice_until)
    found = [name for name, kind in OFFERS if refusal(kind, ask) is None]
    if not case.live_pages() and "remove_page" in found:
        found.remove("remove_page")
    if case.applicant is None and case.agent is None and "reveal" in found:
        found.remove("reveal")
    if case.state == "delivered" and case.rating is None and who(actor) == "clerk" and own_village(ask) is None:
        found.append("rate")
    return found
