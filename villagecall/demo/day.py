"""A day of finished cases: the same use cases that the pages call, with the clock set to the hour.

Nothing is written past the journal: papers are drawn, uploaded and judged, officers claim and decide, the
certificate is issued by the outbox, and the applicant rates. Without calls and recordings, since nobody sat
before a camera.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Protocol
from uuid import UUID

from villagecall.case import Case, Defect
from villagecall.demo.drawing import Paper, draw
from villagecall.directory.model import Item, Material, Person
from villagecall.http.services import Services
from villagecall.ids import uuid7
from villagecall.journal import Actor
from villagecall.scan.uploads import Upload

SHANGHAI = timedelta(hours=8)


class SettableClock(Protocol):
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Story:
    """One finished errand. ``end``: closed, refused, waiting (in the queue still), correction."""

    clerk: str
    item: str
    name: str
    id_number: str
    phone: str
    minutes: int
    end: str = "closed"
    level: int = 5


STORIES = (
    Story("village1", "QH-WJ-0001", "李桂芳", "519900195203042420", "13800000001", 15),
    Story("village2", "QH-MZ-0004", "赵德厚", "519900194101154515", "13800000002", 40, level=4),
    Story("village3", "QH-SC-0003", "何秀云", "519900197807213023", "13800000003", 62),
    Story("village1", "QH-SC-0001", "陈志国", "519900198311092218", "13800000004", 85, level=4),
    Story("village4", "QH-CL-0003", "邓永贵", "519900196503188813", "13800000005", 110),
    Story("village2", "QH-WJ-0002", "刘晓燕", "51990019920605402X", "13800000006", 130),
    Story("village7", "QH-NY-0004", "罗文才", "519900195912013315", "13800000007", 160, level=3),
    Story("village1", "QH-MZ-0001", "周明英", "519900196812256621", "13800000008", 185, end="refused"),
    Story("village1", "QH-CL-0001", "吴开富", "519900197110107714", "13800000009", 200, end="correction"),
    Story("village2", "QH-SC-0002", "蒋小龙", "519900199501019913", "13800000010", 210, end="waiting"),
)


def actor(person: Person) -> Actor:
    return Actor(str(person.person_id), person.unit, person.role.value)


class Teller:
    """Plays stories on the running composition."""

    def __init__(self, services: Services, clock: SettableClock, began: datetime) -> None:
        self._services, self._clock, self._began = services, clock, began

    def _login(self, login: str) -> Person:
        person = self._services.directory.by_login(login)
        if person is None:
            raise LookupError(login)
        return person

    def _desk(self, unit: str) -> Actor:
        return actor(self._services.directory.people(unit)[0])

    def _at(self, minutes: float) -> None:
        self._clock.at = self._began + timedelta(minutes=minutes)

    async def _until(self, case_id: UUID, done: Callable[[Case], bool]) -> Case:
        """Wait for the workers and the outbox, which run beside."""
        for _ in range(1200):
            case = await self._services.approval.get(case_id)
            if done(case):
                return case
            await asyncio.sleep(0.05)
        raise TimeoutError(f"case {case_id} did not come on")

    async def tell(self, story: Story) -> None:
        services, clerk = self._services, self._login(story.clerk)
        village, by = services.directory.unit(clerk.unit), actor(clerk)
        item, case_id = services.directory.item(story.item), uuid7()
        self._at(story.minutes)
        await services.approval.open(case_id, item.code, actor=by, key=f"{case_id}:open")
        entered = {
            "name": story.name,
            "id_number": story.id_number,
            "phone": story.phone,
            "address": f"青禾区{village.name}{1 + story.minutes % 9}组",
        }
        await services.approval.enter_applicant(case_id, entered, None, actor=by, key=f"{case_id}:applicant")
        await services.approval.fill_form(case_id, self._form(item), actor=by, key=f"{case_id}:form")
        self._at(story.minutes + 3)
        case = await self._scan(case_id, item, story, by)
        self._at(story.minutes + 6)
        await services.approval.submit(case_id, actor=by, key=f"{case_id}:submit")
        if story.end != "waiting":
            await self._decide(case, item, story)
        if story.end == "closed":
            await self._hand_over(case_id, story, by)

    @staticmethod
    def _form(item: Item) -> dict[str, str]:
        made = {"number": "3", "date": "2026-11-02", "phone": "13800000099"}
        return {
            field.code: field.choices[0] if field.kind == "choice" else made.get(field.kind, "按实际情况填写")
            for field in item.form
        }

    async def _scan(self, case_id: UUID, item: Item, story: Story, by: Actor) -> Case:
        wanted = [material for material in item.materials if material.necessary]
        papers = [self._paper(story, at, material) for at, material in enumerate(wanted)]
        for material, data in zip(wanted, await _drawn(papers), strict=True):
            upload = Upload(uuid7(), case_id, UUID(by.person), by.unit, material.code, material.name, None, len(data))
            await self._services.scans.begin(upload)
            await self._services.scans.write(upload.file_id, 0, data, actor=by)
        count = len(wanted)
        return await self._until(
            case_id, lambda case: sum(1 for file in case.files if file.frames) + len(case.refused_files) == count
        )

    @staticmethod
    def _paper(story: Story, at: int, material: Material) -> Paper:
        askew = 2.5 - 0.5 * (story.minutes % 7) if at == 1 and not material.photo else 0
        return Paper(
            "photo" if material.photo else "idcard" if material.code == "idcard" else "form",
            *(story.name, story.id_number, "青禾区"),
            title=material.name,
            lines=(("材料", material.name), ("编号", f"{story.minutes}-{at}")),
            turned=askew,
            seed=story.minutes,
            quality=80,
        )

    async def _decide(self, case: Case, item: Item, story: Story) -> None:
        services, key = self._services, str(case.case_id)
        desk = self._desk(case.town)
        self._at(story.minutes + 9)
        await services.approval.claim(case.case_id, actor=desk, key=f"{key}:claim")
        self._at(story.minutes + 12)
        if story.end == "correction":
            found = await services.approval.get(case.case_id)
            page = found.live_pages()[0]
            defect = Defect(
                code="officer",
                material=page.material,
                zh="身份证有一角被遮住,请四角露全重新扫描。",
                en="A corner of the ID card is covered: scan it again with all four corners.",
            )
            await services.approval.return_case(case.case_id, [defect], actor=desk, key=f"{key}:return")
            return
        if item.level == "district":
            await services.approval.pass_up(case.case_id, "材料齐全,初审通过。", actor=desk, key=f"{key}:pass")
            desk = self._desk(case.department)
            self._at(story.minutes + 15)
            await services.approval.claim(case.case_id, actor=desk, key=f"{key}:claim2")
        if story.end == "refused":
            reason = item.refusals[0].code
            await services.approval.refuse(case.case_id, [reason], "", actor=desk, key=f"{key}:refuse")
            return
        await services.approval.approve(case.case_id, "同意。", actor=desk, key=f"{key}:approve")

    async def _hand_over(self, case_id: UUID, story: Story, by: Actor) -> None:
        services, print_id = self._services, uuid7()
        await self._until(case_id, lambda case: case.certificate is not None)
        self._at(story.minutes + 18)
        ticket = await services.issuing.tickets.create(case_id, print_id, actor=by, reason="")
        await services.issuing.tickets.redeem(ticket.secret, by)
        self._at(story.minutes + 20)
        stroke = "M20 60C60 10 90 110 130 60L210 30L260 70"
        _, token = await services.approval.deliver(case_id, stroke, "", actor=by, key=f"{case_id}:deliver")
        self._at(story.minutes + 21)
        await services.approval.rate(token, story.level, "", "", key=f"{case_id}:rate")


async def _drawn(papers: Sequence[Paper]) -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        wanted = {Path(folder) / f"{at}.jpg": paper for at, paper in enumerate(papers)}
        await draw(wanted)
        return [path.read_bytes() for path in wanted]


def opening(now: datetime) -> datetime:
    """Nine in the morning of the county's present day, or four hours ago where it is earlier than one o'clock."""
    local = now.astimezone(UTC) + SHANGHAI
    nine = datetime.combine(local.date(), time(9), UTC) - SHANGHAI
    return min(nine, now - timedelta(hours=4))


async def finished_day(services: Services, clock: SettableClock) -> None:
    """Play every story; the clock is free again afterwards."""
    teller = Teller(services, clock, opening(services.clock.now()))
    try:
        for at, story in enumerate(STORIES, start=1):
            await teller.tell(story)
            print(
                f"\r  {at} / {len(STORIES)} 件 cases",
                end="" if at < len(STORIES) else "\n",
                file=sys.stderr,
                flush=True,
            )
    finally:
        clock.at = None
