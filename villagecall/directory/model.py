"""Who and what: units, people, items. Values only; each is a stream of the journal (``unit``, ``person``,
``item``) and its newest state is held in memory by ``directory.service``."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Literal
from uuid import UUID

from villagecall.case import Model


class Role(StrEnum):
    """Who a person is (domain.md, People). ``PUBLIC`` has no session, ``DEVICE`` is a paired agent."""

    CLERK = "clerk"
    TOWN = "town"
    DISTRICT = "district"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"
    PUBLIC = "public"
    DEVICE = "device"


class Unit(Model):
    """A unit of government. ``code``: 12 digits (GB/T 2260 + town + village); departments use the
    county's code with a suffix ``-NN``. Never deleted: ``until`` closes it, ``successor`` names the next."""

    unit_id: UUID
    code: str
    name: str
    name_en: str = ""
    kind: Literal["county", "department", "town", "village"]
    parent: str = ""
    since: date
    until: date | None = None
    successor: str = ""
    address: str = ""
    phone: str = ""
    hours: str = ""


class Person(Model):
    """A member of staff. Works in one unit with one role; the password hash lies in the vault."""

    person_id: UUID
    login: str
    name: str
    role: Role
    unit: str
    window: str = ""
    active: bool = True
    credential: UUID | None = None


class Material(Model):
    """What an applicant brings. ``necessary`` False = may follow later (容缺). ``photo``: goes on the card."""

    code: str
    name: str
    name_en: str = ""
    necessary: bool = True
    pages: int = 1
    hint: str = ""
    photo: bool = False
    colour: bool = False


class FormField(Model):
    """An entry of the item's form. ``kind``: text, number, date, choice, phone."""

    code: str
    label: str
    label_en: str = ""
    kind: Literal["text", "number", "date", "choice", "phone"] = "text"
    required: bool = True
    choices: tuple[str, ...] = ()


class Reason(Model):
    """A ground for refusing, from the rule's own list; ``sentence`` is what the applicant gets."""

    code: str
    label: str
    sentence: str
    basis: str = ""


class Template(Model):
    """Which certificate an item issues. ``kind``: card, filing, permit, notice."""

    code: str
    title: str
    kind: Literal["card", "filing", "permit", "notice"]
    word: str
    photo: bool = False
    valid_years: int = 0
    text: str = ""


class Item(Model):
    """One service item (事项) in one version. A case is pinned to (code, version).

    ``task_type`` is the power's kind as the published lists number it (1 行政许可, 5 行政给付, 7 行政确认,
    10 其他行政权力, 20 公共服务), kept as it came."""

    item_id: UUID
    code: str
    version: int
    name: str
    name_en: str = ""
    main_item: str = ""
    task_type: str = ""
    field: str = ""
    level: Literal["town", "district"]
    department: str
    legal_days: int = 20
    promised_days: int = 0
    on_the_spot: bool = False
    high_risk: bool = False
    fee: str = "不收费"
    basis: str = ""
    conditions: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    materials: tuple[Material, ...] = ()
    form: tuple[FormField, ...] = ()
    checkpoints: tuple[str, ...] = ()
    refusals: tuple[Reason, ...] = ()
    template: Template | None = None
    keep_years: int = 10
    active: bool = True
