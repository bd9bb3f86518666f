"""How units, people and items stand in the journal: stream ids, actions, folds (pure).

| stream | action | payload | state |
|---|---|---|---|
| unit | ``unit.put`` | the unit | the unit |
| person | ``person.put`` | the person without the name; ``profile`` = commitment to it | :class:`PersonState` |
| person | ``person.password_set`` | ``credential`` = commitment to the argon2 hash | :class:`PersonState` |
| item | ``item.put`` | one version of the item | :class:`ItemHistory`: every version |
| calendar | ``calendar.put`` | one year of the working-day calendar | the year |

Names of staff are personal data: they lie in the vault with the credential, not in the chain. A record id
is written once, so that every commitment can be checked while its record lives; what is replaced is erased.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import NAMESPACE_URL, UUID, uuid5

from villagecall.case import Model, Ref
from villagecall.directory.model import Item, Person, Role, Unit
from villagecall.journal import JSON, Entry

KINDS = ("unit", "person", "item", "calendar")
LISTS = {"unit": "units", "person": "people", "item": "items", "calendar": "calendars"}
CHANGES = "directory"
"""The list of all of them in the order of their last change: what a refresh reads."""


def stream_id(kind: str, code: str) -> UUID:
    """The stream of a unit (by code), person (by login), item (by code) or calendar (by year)."""
    return uuid5(NAMESPACE_URL, f"villagecall:{kind}:{code}")


class PersonState(Model):
    """A person as the snapshot row holds it; the name is behind ``profile``."""

    person_id: UUID
    login: str
    role: Role
    unit: str
    window: str = ""
    active: bool = True
    profile: Ref
    credential: Ref | None = None

    def person(self, name: str) -> Person:
        return Person(
            person_id=self.person_id,
            login=self.login,
            name=name,
            role=self.role,
            unit=self.unit,
            window=self.window,
            active=self.active,
            credential=self.credential.record if self.credential else None,
        )


class ItemHistory(Model):
    """Every version of an item, oldest first: a case is pinned to one and must be able to read it."""

    versions: tuple[Item, ...]

    @property
    def newest(self) -> Item:
        return self.versions[-1]

    def version(self, number: int) -> Item | None:
        return next((item for item in reversed(self.versions) if item.version == number), None)


def payload(value: Model) -> dict[str, JSON]:
    """A model as the payload of an action."""
    doc: dict[str, JSON] = value.model_dump(mode="json")
    return doc


def fold_unit(entries: Iterable[Entry]) -> Unit | None:
    last = None
    for entry in entries:
        last = Unit.model_validate(dict(entry.action.payload))
    return last


def fold_item(entries: Iterable[Entry]) -> ItemHistory | None:
    versions = tuple(Item.model_validate(dict(entry.action.payload)) for entry in entries)
    return ItemHistory(versions=versions) if versions else None


def fold_person(entries: Iterable[Entry]) -> PersonState | None:
    state: PersonState | None = None
    for entry in entries:
        if entry.action.kind == "person.password_set" and state is not None:
            credential = Ref.model_validate(entry.action.payload["credential"])
            state = state.model_copy(update={"credential": credential})
        else:
            kept = state.credential if state else None
            state = PersonState.model_validate(dict(entry.action.payload)).model_copy(update={"credential": kept})
    return state
