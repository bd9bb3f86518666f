"""The case (办件): its state as a fold over its journal (pure).

Kinds of action and their payloads are listed in ``docs/JOURNAL.md``. Which action is allowed when is the
state table's business (``approval.rules``); the fold only says what an action means. Personal data is
here by vault id and commitment only. Numbers are integers: the canonical bytes know no floats.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from villagecall.journal import Entry

State = Literal[
    "draft",
    "submitted",
    "correction",
    "accepted",
    "in_review",
    "approved",
    "refused",
    "issued",
    "printed",
    "delivered",
    "closed",
    "archived",
    "withdrawn",
    "not_accepted",
    "suspended",
    "terminated",
]

CLOSED_STATES: frozenset[str] = frozenset({"closed", "archived", "withdrawn", "not_accepted", "terminated"})


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Ref(Model):
    """Personal data in the vault: its record id and the commitment (hex) the journal carries."""

    record: UUID
    commitment: str


class BlobRef(Model):
    sha256: str
    size: int
    media_type: str


class Spot(Model):
    """A place on the derived page in per mille of its width and height."""

    x: int
    y: int
    w: int
    h: int


class Fault(Model):
    """A fault found on a page. ``code``: blur, dark, glare, cutoff, lowdpi, finger, blank, duplicate;
    ``maybe_duplicate`` is a hint."""

    code: str
    zh: str
    en: str
    spot: Spot | None = None


class Verdict(Model):
    """What the engine says of a page. ``ok`` = no fault that needs a new scan."""

    ok: bool
    angle_mdeg: int = 0
    orientation: int = 0
    quad: tuple[tuple[int, int], ...] | None = None
    blank: bool = False
    faults: tuple[Fault, ...] = ()
    dpi: int = 0
    ms: int = 0

    def scanned_twice(self, fault: Fault) -> Verdict:
        """With ``duplicate`` or ``maybe_duplicate`` found; it is told once."""
        if any(each.code.endswith("duplicate") for each in self.faults):
            return self
        ok = self.ok and fault.code == "maybe_duplicate"
        return self.model_copy(update={"ok": ok, "faults": (*self.faults, fault)})


class Page(Model):
    """One page of a material. ``original`` is the uploaded file byte for byte; ``frame`` its page there."""

    page_id: UUID
    file_id: UUID
    material: str
    name: str
    original: BlobRef
    frame: int = 0
    view: BlobRef | None = None
    thumb: BlobRef | None = None
    width: int = 0
    height: int = 0
    dpi: int = 0
    """Pixels of the view to the inch; 0 = unknown."""
    turned: int = 0
    phash: str = ""
    verdict: Verdict | None = None
    replaced_by: UUID | None = None
    removed: bool = False
    notices: int = 0
    """How many notices had been sent before this page came in."""
    text: Ref | None = None
    """What was read on the page as its view shows it, sealed; None = not read (yet)."""

    @property
    def live(self) -> bool:
        return not self.removed and self.replaced_by is None


class File(Model):
    """An upload, kept byte for byte. ``frames`` 0 = its pages are not read yet (or it was refused)."""

    file_id: UUID
    material: str
    name: str
    original: BlobRef
    replaces: UUID | None = None
    frames: int = 0


class FileRefusal(Model):
    """An upload that could not be read: told to the clerk, kept out of the pages."""

    file_id: UUID
    material: str
    name: str
    code: str
    zh: str
    en: str


class Defect(Model):
    """One defect of a correction notice. ``material`` empty = the form or the applicant's entries."""

    code: str
    material: str = ""
    page_id: UUID | None = None
    zh: str = ""
    en: str = ""


class Notice(Model):
    """A one-time notice (一次性告知, Licensing Law art. 32): all defects at once."""

    notice_id: UUID
    at: datetime
    by: UUID
    defects: tuple[Defect, ...]
    answered: datetime | None = None


class Claim(Model):
    person: UUID
    unit: str
    until: datetime


class Party(Model):
    """A participant of a call: a browser tab of a person. ``left`` None = still in it; ``lost`` = it did not
    leave but was gone for too long; ``times`` it joined."""

    participant: UUID
    person: UUID
    unit: str
    role: str
    joined: datetime
    left: datetime | None = None
    lost: bool = False
    times: int = 1


class Recording(Model):
    """One participant's sound and picture. ``blob`` is the WebM, ``lines`` its hash chain, ``chain`` the
    chain's last hash: the two blobs and this line are all that a verifier needs."""

    recording_id: UUID
    call_id: UUID
    participant: UUID
    blob: BlobRef
    ms: int
    chain: str
    gaps: tuple[tuple[int, int], ...] = ()
    lines: BlobRef | None = None


class Call(Model):
    """One call. ``waiting`` = no desk is in it; ``invited`` are departments rung that have not come in yet."""

    call_id: UUID
    state: Literal["waiting", "active", "ended"]
    unit: str
    since: datetime
    consented: bool = False
    parties: tuple[Party, ...] = ()
    invited: tuple[str, ...] = ()
    why: str = ""


class Step(Model):
    """One level of review that was finished. ``reviewed``: found in order, a second person decides (four eyes).
    ``round``: how many notices had been given before, so that new papers want a new review."""

    level: Literal["town", "district"]
    unit: str
    person: UUID
    at: datetime
    result: Literal["passed", "reviewed", "approved", "refused"]
    opinion: str = ""
    reasons: tuple[str, ...] = ()
    call_id: UUID | None = None
    round: int = 0


class Certificate(Model):
    number: str
    code: str
    blob: BlobRef
    issued: datetime
    preview: BlobRef | None = None


class Print(Model):
    """One single-use print ticket. ``digest`` is the SHA-256 of the ticket; ``state`` as last reported:
    ticketed, fetched, queued, printing, done, held, stopped, aborted, canceled; ``reasons`` are IPP's."""

    print_id: UUID
    digest: str
    device: UUID | None
    by: UUID
    at: datetime
    copy_no: int
    reason: str = ""
    state: str = "ticketed"
    job: int = 0
    reasons: tuple[str, ...] = ()


class Delivery(Model):
    at: datetime
    by: UUID
    signature: Ref | None = None


class Rating(Model):
    """Five levels: 5 非常满意 … 1 非常不满意. The comment and name lie in the vault."""

    level: int
    at: datetime
    comment: Ref | None = None


class Case(Model):
    """State of a case after ``seq`` actions."""

    case_id: UUID
    seq: int = 0
    head: str = ""
    state: State = "draft"
    number: str = ""
    item: str = ""
    item_version: int = 0
    village: str = ""
    town: str = ""
    level: Literal["town", "district"] = "town"
    department: str = ""
    clerk: UUID | None = None
    opened: datetime | None = None
    applicant: Ref | None = None
    agent: Ref | None = None
    form: Ref | None = None
    files: tuple[File, ...] = ()
    pages: tuple[Page, ...] = ()
    refused_files: tuple[FileRefusal, ...] = ()
    submitted: datetime | None = None
    accepted: datetime | None = None
    due_legal: datetime | None = None
    due_promised: datetime | None = None
    stage: Literal["", "town", "district"] = ""
    claim: Claim | None = None
    notices: tuple[Notice, ...] = ()
    steps: tuple[Step, ...] = ()
    calls: tuple[Call, ...] = ()
    recordings: tuple[Recording, ...] = ()
    decided: datetime | None = None
    certificate: Certificate | None = None
    voucher: Certificate | None = None
    prints: tuple[Print, ...] = ()
    delivery: Delivery | None = None
    rating_digest: str = ""
    rating: Rating | None = None
    closed: datetime | None = None
    reason: str = ""

    @property
    def call(self) -> Call | None:
        """The call that is going on or waiting, if any."""
        return next((call for call in reversed(self.calls) if call.state != "ended"), None)

    @property
    def queue_unit(self) -> str:
        """The unit whose turn it is: town or department by the stage, empty when it is nobody's."""
        if self.state not in ("accepted", "in_review"):
            return ""
        return self.department if self.stage == "district" else self.town

    def page(self, page_id: UUID) -> Page | None:
        return next((page for page in self.pages if page.page_id == page_id), None)

    def live_pages(self) -> tuple[Page, ...]:
        return tuple(page for page in self.pages if page.live)


Apply = Callable[[Case, dict[str, Any], Entry], dict[str, Any]]
FOLD: dict[str, Apply] = {}
"""What each kind of action means; filled by :mod:`villagecall.case_fold`, which is also where to fold."""


def action(kind: str) -> Callable[[Apply], Apply]:
    """Register what an action of ``kind`` means: gives the changed fields of the case."""

    def register(apply: Apply) -> Apply:
        if kind in FOLD:
            raise ValueError(f"{kind} is folded twice")
        FOLD[kind] = apply
        return apply

    return register


def empty(case_id: UUID) -> Case:
    return Case(case_id=case_id)


def dump(case: Case) -> bytes:
    """The snapshot row's bytes."""
    return case.model_dump_json(exclude_defaults=True).encode()


def load(state: bytes) -> Case:
    return Case.model_validate_json(state)
