"""Which cases a person may touch (pure). The words are those of the table of routes (``http.table``).

A clerk touches the cases of the own village, a town officer those of the town's villages, a department
those of its items once they were passed up to it, and any case into whose call it was brought (joint
handling, 部门联办). A supervisor reads all, masked. An administrator touches no case contents.
Units end and have successors (villages merge): the successor's people keep the old cases.
"""

from __future__ import annotations

from collections.abc import Mapping

from villagecall.case import Case
from villagecall.directory.model import Person, Role, Unit

Tree = Mapping[str, Unit]
"""Units by code, closed ones included."""


def present(tree: Tree, code: str) -> str:
    """The unit that answers for ``code`` today: itself, or the end of its line of successors."""
    seen: set[str] = set()
    while code not in seen:
        seen.add(code)
        unit = tree.get(code)
        if unit is None or not unit.successor:
            break
        code = unit.successor
    return code


def answers_for(tree: Tree, mine: str, code: str) -> bool:
    """True when ``mine`` is the unit ``code`` or what has become of it."""
    return bool(mine) and mine in (code, present(tree, code))


def town_of(tree: Tree, village: str) -> str:
    """The town that answers for a village today, empty when it is not known."""
    unit = tree.get(present(tree, village))
    return present(tree, unit.parent) if unit is not None and unit.parent else ""


def covers(tree: Tree, person: Person, code: str) -> bool:
    """Scopes ``village`` and ``unit``: may this person act for, or read the lists of, the unit ``code``?

    The own unit; for a town its villages too; for supervisor and administrator any unit that exists.
    """
    if person.role in (Role.SUPERVISOR, Role.ADMIN):
        return code in tree
    if answers_for(tree, person.unit, code):
        return True
    return person.role is Role.TOWN and town_of(tree, code) == person.unit


def may_touch(person: Person, tree: Tree, case: Case) -> bool:
    """Scope ``case``. What a role may *do* with the case is the table's and the state table's business."""
    mine = person.unit
    match person.role:
        case Role.CLERK:
            return answers_for(tree, mine, case.village)
        case Role.TOWN:
            return answers_for(tree, mine, case.town) or town_of(tree, case.village) == mine
        case Role.DISTRICT:
            return (_reached(case) and answers_for(tree, mine, case.department)) or _in_call(tree, mine, case)
        case Role.SUPERVISOR:
            return True
        case _:
            return False


def _reached(case: Case) -> bool:
    """The case stands at the district, or was passed up at some time."""
    return case.stage == "district" or any(step.result == "passed" for step in case.steps)


def _in_call(tree: Tree, mine: str, case: Case) -> bool:
    return any(answers_for(tree, mine, party.unit) for call in case.calls for party in call.parties)
