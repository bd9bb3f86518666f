"""Whatever anybody tries, in any order: the state table lets only lawful lives happen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.approval.life import (
    DEPARTMENT,
    TOWN,
    VILLAGE,
    Life,
    clerk,
    department,
    filing,
    officer,
    risky,
    second_officer,
    spot,
)
from villagecall.approval import queue, rules
from villagecall.approval.store import follows
from villagecall.case import CLOSED_STATES, dump, empty, load
from villagecall.case_fold import fold
from villagecall.directory.model import Item
from villagecall.errors import Refusal
from villagecall.ids import uuid7
from villagecall.journal import APPLICANT, JSON, SYSTEM, Actor
from villagecall.ports import Place

PEOPLE: tuple[Actor, ...] = (
    clerk(),
    officer(),
    second_officer(),
    department(),
    Actor(clerk().person, "519900101202", "clerk"),
    Actor(officer().person, "519900102000", "town"),
    Actor(officer().person, "519900000000", "supervisor"),
    SYSTEM,
    APPLICANT,
    Actor("device:1"),
)
ITEMS: tuple[Callable[[], Item], ...] = (
    spot,
    risky,
    filing,
    lambda: filing(high_risk=True),
    lambda: spot(template=None),
)
LEADING = frozenset(kind for kind, rule in rules.TABLE.items() if rule.states != rules.ANY) - {
    "page.removed",
    "form.filled",
    "applicant.entered",
    "file.received",
    "case.withdrawn",
}
"""Steps that lead somewhere, so that random lives also get far."""


def choose(life: Life, chance: Random) -> tuple[str, Actor]:
    """Sometimes a blind attempt; mostly something that is allowed, and mostly a step that leads on."""
    if chance.random() < 0.25:
        return chance.choice(sorted(rules.TABLE)), chance.choice(PEOPLE)
    leading = chance.random() < 0.7
    kinds = [
        kind for kind in sorted(LEADING if leading else rules.TABLE) if life.case.state in rules.TABLE[kind].states
    ]
    for kind in chance.sample(kinds, len(kinds)):
        for actor in chance.sample(PEOPLE, len(PEOPLE)):
            if life.refusal(kind, actor, payload(life, kind)) is None:
                return kind, actor
    return chance.choice(sorted(rules.TABLE)), chance.choice(PEOPLE)


def payload(life: Life, kind: str) -> dict[str, JSON]:
    """A payload as the rooms would write it for the case as it is."""
    case = life.case
    call = str(case.calls[-1].call_id) if case.calls else str(uuid7())
    page = str(case.pages[-1].page_id) if case.pages else str(uuid7())
    ref: JSON = {"record": str(uuid7()), "commitment": "0" * 64}
    blob: JSON = {"sha256": "0" * 64, "size": 1, "media_type": "image/jpeg"}
    paper: JSON = {"number": "优1", "code": "C", "blob": blob}
    known: dict[str, dict[str, JSON]] = {
        "case.opened": life.opening(),
        "applicant.entered": {"applicant": ref, "agent": None, "changed": []},
        "form.filled": {"form": ref, "changed": []},
        "file.received": life.file("photo"),
        "file.read": {"file_id": str(case.files[-1].file_id) if case.files else str(uuid7()), "frames": 1},
        "file.refused": {
            "file": {"file_id": str(uuid7()), "material": "photo", "name": "a", "code": "x", "zh": "坏", "en": "bad"}
        },
        "page.added": {
            "page": {
                "page_id": str(uuid7()),
                "file_id": str(uuid7()),
                "material": "photo",
                "name": "a",
                "original": blob,
            }
        },
        "page.judged": {
            "page_id": page,
            "verdict": {"ok": True},
            "view": blob,
            "thumb": blob,
            "width": 1,
            "height": 1,
        },
        "page.matched": {
            "page_id": page,
            "view": "0" * 64,
            "other": page,
            "fault": {"code": "duplicate", "zh": "扫了两次", "en": "twice"},
        },
        "page.read": {"page_id": page, "view": "0" * 64, "text": ref},
        "page.removed": {"page_id": page},
        "case.submitted": {"number": f"{VILLAGE}-20260923-0001-ABCD"},
        "case.accepted": {"stage": case.stage or "town"},
        "case.claimed": life.lease(),
        "case.returned": {"notice_id": str(uuid7()), "defects": [{"code": "other", "zh": "签名不清"}]},
        "case.refused": {"reasons": ["age"], "sentence": "申请人未满六十周岁。"},
        "call.requested": life.request(),
        "call.invited": {"call_id": call, "unit": DEPARTMENT},
        "call.joined": {"call_id": call, "participant": str(uuid7())},
        "call.left": {
            "call_id": call,
            "participant": str(case.calls[-1].parties[-1].participant)
            if case.calls and case.calls[-1].parties
            else str(uuid7()),
        },
        "recording.closed": {
            "recording": {
                "recording_id": str(uuid7()),
                "call_id": call,
                "participant": str(uuid7()),
                "blob": blob,
                "ms": 1,
                "chain": "",
            }
        },
        "certificate.issued": {"certificate": paper},
        "voucher.issued": {"voucher": paper},
        "print.ticketed": life.ticket(len(case.prints) + 1, "再打一份"),
        "print.reported": {
            "print_id": str(case.prints[-1].print_id) if case.prints else str(uuid7()),
            "state": "done",
        },
        "case.rated": {"level": 4},
    }
    return known.get(kind, {"call_id": call})


@settings(max_examples=150, deadline=None)
@given(item=st.sampled_from(ITEMS), seed=st.integers(0, 2**32), steps=st.integers(5, 60), waits=st.integers(0, 20))
def test_any_sequence_of_attempts_leaves_a_lawful_case(
    item: Callable[[], Item], seed: int, steps: int, waits: int
) -> None:
    life, chance = Life(item()).open(), Random(seed)
    lists: dict[str, str] = {place.list: place.sort for place in queue.places(life.case)}
    issued = 0
    for _ in range(steps):
        before = life.case
        life.now += timedelta(minutes=waits)
        kind, actor = choose(life, chance)
        try:
            life.do(kind, actor, payload(life, kind))
        except Refusal:
            assert life.case == before
            continue
        after = life.case
        if after.state != before.state:
            assert after.state in rules.MOVES[before.state], (before.state, kind, after.state)
        issued += sum(message.topic == "issue" for message in follows(after, frozenset({kind}), life.item, life.now))
        join, leave = queue.moves(before, after, [life.entries[-1].action])
        lists = {name: sort for name, sort in lists.items() if name not in leave}
        lists.update({place.list: place.sort for place in join})
    lawful(life, lists, issued)


def lawful(life: Life, lists: dict[str, str], issued: int) -> None:
    """What holds of every case at every moment."""
    case = life.case
    assert fold(empty(case.case_id), life.entries) == case == load(dump(case))
    days = {name: sort for name, sort in lists.items() if name.startswith("day:")}
    rest = {Place(name, sort) for name, sort in lists.items() if name not in days}
    assert rest == set(queue.places(case))

    kinds = [entry.action.kind for entry in life.entries]
    assert sum(kind in ("case.approved", "case.refused") for kind in kinds) <= 1
    assert kinds.count("certificate.issued") <= 1
    assert kinds.count("case.rated") <= 1
    assert issued == (life.item.template is not None and "case.approved" in kinds)
    if "certificate.issued" in kinds:
        assert kinds.index("case.approved") < kinds.index("certificate.issued")
    if "print.ticketed" in kinds:
        paper = min(kinds.index(kind) for kind in ("certificate.issued", "voucher.issued") if kind in kinds)
        assert paper < kinds.index("print.ticketed")

    decision = next((step for step in case.steps if step.result in ("approved", "refused")), None)
    if decision is not None:
        assert (decision.level, decision.unit) == (
            ("district", DEPARTMENT) if case.level == "district" else ("town", TOWN)
        )
        if life.item.high_risk:
            assert {step.person for step in case.steps if step.result in ("passed", "reviewed")} - {decision.person}
    if case.state in CLOSED_STATES:
        assert case.queue_unit == ""
