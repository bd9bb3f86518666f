"""Cases as the pages see them: masked, with what may be done now."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from villagecall.case import Certificate, Defect, Fault, FileRefusal, Notice, Print, Step
from villagecall.http.models.base import Advice, Body, Code, Reply, Short, Text


class OpenCase(Body):
    """``case_id`` is a UUIDv7 made by the browser: sending it twice opens one case."""

    case_id: UUID
    item: Code


class Identity(Body):
    """An applicant, or the person who acts for them. The ID number is checked, never refused for it."""

    name: Short
    id_number: Short = ""
    phone: Short = ""
    address: Short = ""


class EnterApplicant(Body):
    applicant: Identity
    agent: Identity | None = None
    """Set when the clerk or a relative acts for the applicant with an authorisation (全程代办)."""


class FillForm(Body):
    values: dict[Code, Text]


class PersonView(Reply):
    """Masked: 李*芳, 5108**********2418, 138****0000; full where the caller has revealed it."""

    name: str
    id_number: str
    phone: str
    address: str


class PageView(Reply):
    """``state``: waiting (being judged), fine, fault. ``blank``: no writing seen. ``notices`` sent before it came."""

    page_id: UUID
    file_id: UUID
    material: str
    name: str
    frame: int
    state: Literal["waiting", "fine", "fault"]
    blank: bool
    width: int
    height: int
    faults: list[Fault]
    turned: int
    straightened_mdeg: int
    replaced_by: UUID | None
    removed: bool
    notices: int
    view_url: str
    thumb_url: str
    sha256: str


class MaterialView(Reply):
    code: str
    name: str
    name_en: str
    necessary: bool
    hint: str
    wanted: int
    state: Literal["missing", "waiting", "fault", "fine"]
    pages: list[UUID]


class PartyView(Reply):
    participant: UUID
    name: str
    unit: str
    unit_name: str
    role: str
    present: bool


class CallView(Reply):
    call_id: UUID
    case_id: UUID
    state: Literal["waiting", "active", "ended"]
    unit: str
    unit_name: str
    village: str
    village_name: str
    item_name: str
    since: datetime
    consented: bool
    place: int
    """How many calls wait before this one."""
    parties: list[PartyView]
    ringing: list[str] = Field(default_factory=list)
    """Units that are being rung now."""


class ClaimView(Reply):
    person: UUID
    name: str
    unit: str
    until: datetime
    mine: bool


class DeadlineView(Reply):
    """``sentence_zh``: 还剩 3 个工作日(9月30日前). ``provisional``: runs past the known calendar."""

    due: datetime
    working_days_left: int
    provisional: bool
    overdue: bool
    sentence_zh: str
    sentence_en: str


class RecordingView(Reply):
    recording_id: UUID
    call_id: UUID
    participant: UUID
    name: str
    ms: int
    url: str
    gaps: list[tuple[int, int]]


class CaseView(Reply):
    """Everything a page shows of one case. ``actions``: what this person may do now (the server checks
    with the same table): applicant, form, upload, remove_page, submit, withdraw, call, claim, release,
    pass_up, approve, refuse, return, print, deliver, rate, invite, reveal."""

    case_id: UUID
    seq: int
    state: str
    state_zh: str
    state_en: str
    number: str
    item: str
    item_version: int
    item_name: str
    item_name_en: str
    level: str
    stage: str
    village: str
    village_name: str
    town: str
    town_name: str
    department: str
    department_name: str
    on_the_spot: bool
    applicant: PersonView | None
    agent: PersonView | None
    form: dict[str, str]
    materials: list[MaterialView]
    pages: list[PageView]
    refused_files: list[FileRefusal]
    opened: datetime | None
    submitted: datetime | None
    accepted: datetime | None
    decided: datetime | None
    promised: DeadlineView | None
    legal: DeadlineView | None
    claim: ClaimView | None
    notices: list[Notice]
    steps: list[Step]
    call: CallView | None
    recordings: list[RecordingView]
    certificate: Certificate | None
    prints: list[Print]
    delivered: datetime | None
    rating_level: int
    reason: str
    actions: list[str]
    checkpoints: list[str]


class CaseReply(Reply):
    case: CaseView
    warnings: list[Advice] = Field(default_factory=list)


class CaseLine(Reply):
    """A line of a list or queue. ``group``: video, today, overdue, general. ``on_papers``: found by a word there."""

    case_id: UUID
    number: str
    state: str
    state_zh: str
    state_en: str
    item_name: str
    item_name_en: str = ""
    village_name: str
    applicant: str
    opened: datetime | None
    submitted: datetime | None
    promised: DeadlineView | None
    claim: ClaimView | None
    group: str
    waiting_since: datetime | None
    call_id: UUID | None
    rating_level: int
    on_papers: bool


class CasesReply(Reply):
    cases: list[CaseLine]
    next: str | None


class QueueReply(Reply):
    """The desk's queue: those who wait on video first, then due today, then the rest in order."""

    video: list[CaseLine]
    today: list[CaseLine]
    general: list[CaseLine]
    next: str | None
    counts: dict[str, int]


class RevealReply(Reply):
    applicant: PersonView | None
    agent: PersonView | None


class Reveal(Body):
    purpose: Short = Field(min_length=2)


class Why(Body):
    reason: Short = Field(min_length=2)


class PassUp(Body):
    opinion: Text = ""


class Approve(Body):
    opinion: Text = ""


class Refuse(Body):
    """``reasons`` are codes from the item's own list of grounds; ``opinion`` adds words to them."""

    reasons: list[Code] = Field(min_length=1)
    opinion: Text = ""


class ReturnCase(Body):
    """The complete list of defects, told once."""

    defects: list[Defect] = Field(min_length=1)


class DefectsReply(Reply):
    defects: list[Defect]


class HistoryLine(Reply):
    seq: int
    at: datetime
    kind: str
    zh: str
    en: str
    by: str
    unit_name: str
    hash: str


class HistoryReply(Reply):
    lines: list[HistoryLine]


class ReceiptReply(Reply):
    """``qr_svg`` leads to the progress page; ``url`` is the same in text."""

    number: str
    item_name: str
    applicant: str
    village_name: str
    submitted: datetime
    promised: DeadlineView | None
    url: str
    qr_svg: str


class FileReply(Reply):
    """State of an upload. ``received`` of ``length`` bytes."""

    file_id: UUID
    received: int
    length: int


class TurnPage(Body):
    degrees: Literal[90, 180, 270]


class PrintCase(Body):
    """``device`` None = print from the browser. A second copy needs a ``reason``."""

    print_id: UUID
    device: UUID | None = None
    printer: Short = ""
    reason: Short = ""


class TicketReply(Reply):
    """A single-use ticket. ``url`` gives the PDF once (browser print); the agent is told by itself."""

    print_id: UUID
    copy_no: int
    url: str


class Deliver(Body):
    """``signature``: SVG path data of the pad (``M…L…``), empty when the applicant cannot sign."""

    signature: str = Field(default="", max_length=200_000)
    without: Short = ""
    """Why there is no signature (finger print on paper, …)."""


class DeliverReply(Reply):
    case: CaseView
    rating_token: str


class Rate(Body):
    level: int = Field(ge=1, le=5)
    comment: Text = ""
    name: Short = ""
