"""A case put into the journal as it stands, without living through what led there."""

from __future__ import annotations

from uuid import UUID

from tests.support.site import Site
from villagecall.case import dump, empty
from villagecall.case_fold import fold
from villagecall.directory.model import Item, Person, Unit
from villagecall.ids import uuid7
from villagecall.journal import JSON, Action, Actor, Head, link
from villagecall.ports import Append


async def plant(site: Site, *, village: Unit, clerk: Person, item: Item, stage: str = "") -> UUID:
    """A draft of ``village``, or an accepted case that stands at ``stage``."""
    case_id, now = uuid7(), site.clock.now()
    by = Actor(str(clerk.person_id), clerk.unit, clerk.role.value)
    opened: dict[str, JSON] = {
        "item": item.code,
        "item_version": item.version,
        "village": village.code,
        "town": village.parent,
        "level": item.level,
        "department": item.department,
    }
    actions = [Action("case.opened", by, now, opened)]
    if stage:
        actions.append(Action("case.submitted", by, now, {"number": f"N{case_id.hex[-10:]}"}))
        actions.append(Action("case.accepted", by, now, {"stage": stage}))
    entries = link(case_id, Head(), actions)
    case = fold(empty(case_id), entries)
    await site.services.journal.append(
        Append(
            stream=case_id,
            kind="case",
            expected=Head(),
            actions=tuple(actions),
            state=dump(case),
            key=f"plant:{case_id}",
        )
    )
    return case_id
