"""Sessions, units, people, items, devices."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from villagecall.directory.model import Item, Role
from villagecall.http.models.base import Body, Code, Reply, Short


class Login(Body):
    login: Code
    password: Short


class SessionReply(Reply):
    """Who is signed in. ``csrf`` goes back as ``X-CSRF-Token`` with every change."""

    person_id: UUID
    name: str
    role: Role
    unit: str
    unit_name: str
    window: str
    csrf: str
    expires: datetime
    demo: bool


class UnitReply(Reply):
    code: str
    name: str
    name_en: str
    kind: str
    parent: str
    since: date
    until: date | None
    successor: str
    address: str
    phone: str
    hours: str


class UnitsReply(Reply):
    units: list[UnitReply]


class PersonReply(Reply):
    person_id: UUID
    login: str
    name: str
    role: Role
    unit: str
    unit_name: str
    window: str
    active: bool


class PeopleReply(Reply):
    people: list[PersonReply]


class FieldCount(Reply):
    """A field of life (民政, 卫健 …) with the number of its items."""

    field: str
    items: int


class FieldsReply(Reply):
    fields: list[FieldCount]


class ItemSummary(Reply):
    code: str
    version: int
    name: str
    name_en: str
    field: str
    level: str
    department: str
    department_name: str
    promised_days: int
    legal_days: int
    on_the_spot: bool
    described: bool
    """True when materials and guide are known (a bare catalogue line cannot be opened as a case)."""


class ItemsReply(Reply):
    items: list[ItemSummary]
    next: str | None
    total: int


class ItemReply(Reply):
    """The whole guide of one item version, with where it is decided."""

    item: Item
    department_name: str


class DeviceReply(Reply):
    """A paired agent. ``printers`` by name with state (idle, printing, stopped) and IPP reasons."""

    device_id: UUID
    unit: str
    name: str
    online: bool
    seen: datetime | None
    printers: list[PrinterReply]


class PrinterReply(Reply):
    name: str
    state: str
    reasons: list[str]
    colour: bool = True
    trouble: bool = False
    """Somebody has to look after it, now or soon."""
    label: str = ""
    """What people call it (description and location in CUPS); empty where nobody wrote one."""
    zh: str
    """One sentence: what is wrong and what to do, or 就绪."""
    en: str = ""


class DevicesReply(Reply):
    devices: list[DeviceReply]


class PairingReply(Reply):
    """A code of eight digits, good for ten minutes and one agent."""

    code: str
    expires: datetime


class Pair(Body):
    code: Code
    name: Short


class PairedReply(Reply):
    """``secret`` is shown once; the agent keeps it and signs in with ``Authorization: Device <secret>``."""

    device_id: UUID
    secret: str
    unit: str
    unit_name: str
