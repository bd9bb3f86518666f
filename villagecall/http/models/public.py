"""What is told of cases outside them: progress, the ledger of a village, the check of a certificate."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from villagecall.case import Defect
from villagecall.http.models.base import Reply
from villagecall.http.models.case import DeadlineView


class ProgressStep(Reply):
    zh: str
    en: str
    at: datetime | None
    done: bool


class ProgressReply(Reply):
    """What anyone with the receipt number may see: no name, no documents."""

    number: str
    item_name: str
    state_zh: str
    state_en: str
    todo_zh: str
    todo_en: str
    village_name: str
    promised: DeadlineView | None
    steps: list[ProgressStep]
    defects: list[Defect]


class DaybookLine(Reply):
    """One line of the village's ledger (记录台账)."""

    seq: int
    at: datetime
    number: str
    case_id: UUID
    item_name: str
    applicant: str
    what_zh: str
    what_en: str
    by: str
    state_zh: str


class DaybookReply(Reply):
    date: str
    lines: list[DaybookLine]
    counts: dict[str, int]


class CertificateCheck(Reply):
    """``valid``: issued here and still in force. Facts are masked."""

    valid: bool
    zh: str
    en: str
    number: str
    title: str
    holder: str
    unit_name: str
    issued: datetime | None
    sha256: str
