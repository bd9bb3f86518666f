"""A county file against the directory: what it would change, and changing it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from villagecall.directory.county_file import CountyFile
from villagecall.directory.model import Person
from villagecall.directory.service import Directory

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without i, l, o, 0 and 1, which look alike on paper."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How many units and people a file adds, changes and leaves as they are."""

    added: int
    changed: int
    unchanged: int

    def as_json(self) -> dict[str, int]:
        return {"added": self.added, "changed": self.changed, "unchanged": self.unchanged}


def generated() -> str:
    """A password that can be read out: 15 of 31 letters, 74 bits."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(3))


def compare(file: CountyFile, directory: Directory) -> Difference:
    """What :func:`take` would write."""
    known = [directory.tree.get(unit.code) == unit for unit in file.units if unit.code in directory.tree]
    known += [
        before == after.model_copy(update={"credential": before.credential})
        for after in people(file, directory)
        if (before := directory.by_login(after.login)) is not None
    ]
    everything = len(file.units) + len(list(people(file, directory)))
    return Difference(everything - len(known), known.count(False), known.count(True))


def people(file: CountyFile, directory: Directory) -> Iterator[Person]:
    """The staff of the file as the directory keeps them: whoever is known by the login stays the same person."""
    for person in file.people:
        before = directory.by_login(person.login)
        yield person if before is None else person.model_copy(update={"person_id": before.person_id})
    for login in file.left:
        gone = directory.by_login(login)
        if gone is not None:
            yield gone.model_copy(update={"active": False})


async def take(file: CountyFile, directory: Directory) -> AsyncIterator[tuple[str, str]]:
    """Write what differs; yields login and password of everybody who had none. May be repeated after a break."""
    for unit in file.units:
        await directory.put_unit(unit)
    for person in list(people(file, directory)):
        written = await directory.put_person(person)
        if written.active and written.credential is None:
            password = generated()
            await directory.set_password(written.person_id, password)
            yield written.login, password
