"""The life of a case as pure values: the state table and the fold, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

from villagecall.approval import rules
from villagecall.approval.rules import Ask
from villagecall.case import Case, empty
from villagecall.case_fold import fold
from villagecall.directory.model import Item, Reason, Template
from villagecall.errors import Refusal
from villagecall.ids import uuid7
from villagecall.journal import JSON, SYSTEM, Action, Actor, Entry, Head, link, stamp

VILLAGE, TOWN, DEPARTMENT = "519900101201", "519900101000", "519900000000-02"
MORNING = datetime(2026, 9, 23, 1, 30, tzinfo=UTC)
TEMPLATE = Template(code="t", title="证", kind="card", word="优")
BLOB: dict[str, JSON] = {"sha256": "0" * 64, "size": 1, "media_type": "image/jpeg"}


def clerk() -> Actor:
    return Actor(str(UUID(int=1)), VILLAGE, "clerk")


def officer() -> Actor:
    return Actor(str(UUID(int=2)), TOWN, "town")


def second_officer() -> Actor:
    return Actor(str(UUID(int=3)), TOWN, "town")


def department() -> Actor:
    return Actor(str(UUID(int=4)), DEPARTMENT, "district")


def _item(**facts: object) -> Item:
    return Item.model_validate(
        {
            "item_id": UUID(int=7),
            "code": "X",
            "version": 1,
            "name": "老年人优待证申领",
            "level": "town",
            "department": DEPARTMENT,
            "refusals": (Reason(code="age", label="未满六十周岁", sentence="申请人未满六十周岁。"),),
            "template": TEMPLATE,
            **facts,
        }
    )


def spot(**facts: object) -> Item:
    return _item(on_the_spot=True, **facts)


def risky(**facts: object) -> Item:
    return _item(high_risk=True, **facts)


def filing(**facts: object) -> Item:
    return _item(level="district", promised_days=5, **facts)


class Life:
    """Does actions when the table allows them; raises the refusal when it does not."""

    def __init__(self, item: Item) -> None:
        self.item, self.now = item, MORNING
        self.case: Case = empty(uuid7())
        self.head, self.entries = Head(), list[Entry]()
        self.notice_until: datetime | None = None
        self.call_id = UUID(int=0)

    def refusal(self, kind: str, actor: Actor, payload: Mapping[str, JSON] | None = None) -> Refusal | None:
        ask = Ask(self.case, actor, self.now, self.item, payload or {}, notice_until=self.notice_until)
        return rules.refusal(kind, ask)

    def do(self, kind: str, actor: Actor, payload: Mapping[str, JSON] | None = None) -> Life:
        no = self.refusal(kind, actor, payload)
        if no is not None:
            raise no
        entry = link(self.case.case_id, self.head, [Action(kind, actor, self.now, payload or {})])[0]
        self.case, self.head = fold(self.case, [entry]), entry.head
        self.entries.append(entry)
        return self

    # ---- payloads

    def opening(self) -> dict[str, JSON]:
        return {
            "item": self.item.code,
            "item_version": 1,
            "village": VILLAGE,
            "town": TOWN,
            "level": self.item.level,
            "department": self.item.department,
        }

    def lease(self) -> dict[str, JSON]:
        return {"until": stamp(self.now + timedelta(minutes=15))}

    def file(self, material: str) -> dict[str, JSON]:
        return {"file": {"file_id": str(uuid7()), "material": material, "name": "a.jpg", "original": BLOB}}

    def request(self) -> dict[str, JSON]:
        return {"call_id": str(uuid7()), "unit": TOWN}

    def ticket(self, copy_no: int, reason: str = "") -> dict[str, JSON]:
        return {
            "print": {
                "print_id": str(uuid7()),
                "digest": "0" * 64,
                "device": None,
                "copy_no": copy_no,
                "reason": reason,
            }
        }

    # ---- stretches of the way

    def open(self) -> Life:
        return self.do("case.opened", clerk(), self.opening())

    def scan(self, material: str) -> UUID:
        page_id = uuid7()
        page: JSON = {
            "page_id": str(page_id),
            "file_id": str(uuid7()),
            "material": material,
            "name": "a.jpg",
            "original": BLOB,
        }
        self.do("page.added", SYSTEM, {"page": page})
        return page_id

    def accepted(self) -> Life:
        """Submitted and accepted, from wherever the village stands."""
        if self.case.seq == 0:
            self.open()
        self.now += timedelta(seconds=1)
        self.do("case.submitted", clerk(), {"number": f"{VILLAGE}-20260923-0001-ABCD"})
        self.do("case.accepted", SYSTEM, {"stage": self.case.stage or "town"})
        self.now = max(self.now, MORNING)
        return self

    def claim(self, actor: Actor) -> Life:
        self.now = self.now.replace(second=0)
        return self.do("case.claimed", actor, self.lease())

    def returned(self, actor: Actor) -> Life:
        defect: JSON = {"code": "other", "zh": "签名不清"}
        return self.do("case.returned", actor, {"notice_id": str(uuid7()), "defects": [defect]})

    def call(self) -> Life:
        self.call_id = uuid7()
        return self.do("call.requested", clerk(), {"call_id": str(self.call_id), "unit": TOWN})

    def join(self, actor: Actor) -> Life:
        return self.do("call.joined", actor, {"call_id": str(self.call_id), "participant": str(uuid7())})

    def issue(self) -> Life:
        certificate: JSON = {"number": "优1", "code": "C", "blob": BLOB}
        return self.do("certificate.issued", SYSTEM, {"certificate": certificate})

    def print(self, state: str) -> Life:
        ticket = self.ticket(len(self.case.prints) + 1)
        self.do("print.ticketed", clerk(), ticket)
        return self.do("print.reported", SYSTEM, {"print_id": str(self.case.prints[-1].print_id), "state": state})

    def delivered(self) -> Life:
        self.accepted().do("case.approved", officer()).issue().print("done")
        return self.do("case.delivered", clerk(), {"rating_digest": "0" * 64})
