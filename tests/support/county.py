"""A tiny made-up county: two departments, two towns, three villages, somebody of each role, three items."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import date

from villagecall.directory.model import FormField, Item, Material, Person, Reason, Role, Template, Unit
from villagecall.directory.records import stream_id
from villagecall.directory.service import Directory
from villagecall.ports import Bus, Clock, Journal
from villagecall.vault import Vault

PASSWORD = "青山绿水-2026"
SINCE = date(2023, 1, 1)
_SIX = "519900"
COUNTY = _SIX + "000000"


def small_vault() -> Vault:
    """Random keys, as an installation makes them."""
    return Vault({"k1": os.urandom(32)}, "k1", os.urandom(32))


def _unit(code: str, name: str, kind: str, parent: str = COUNTY, name_en: str = "") -> Unit:
    return Unit.model_validate(
        {
            "unit_id": stream_id("unit", code),
            "code": code,
            "name": name,
            "name_en": name_en,
            "kind": kind,
            "parent": parent,
            "since": SINCE,
        }
    )


def _person(login: str, name: str, role: Role, unit: Unit, window: str = "") -> Person:
    return Person(
        person_id=stream_id("person", login), login=login, name=name, role=role, unit=unit.code, window=window
    )


def _reason(code: str, label: str, basis: str) -> Reason:
    return Reason(code=code, label=label, sentence=f"经审查,{label},依法不予办理。", basis=basis)


ID_CARD = Material(code="id", name="居民身份证", name_en="Resident identity card", pages=2, hint="正反两面")
HOUSEHOLD = Material(code="household", name="户口簿", name_en="Household register", hint="首页和本人页")


def _card(department: Unit) -> Item:
    """Town item, decided on the spot, a card with a photo."""
    basis = "《中华人民共和国老年人权益保障法》"
    return Item(
        item_id=stream_id("item", "LN-001"),
        code="LN-001",
        version=1,
        name="老年人优待证申领",
        name_en="Senior citizen card",
        field="民政",
        level="town",
        department=department.code,
        on_the_spot=True,
        promised_days=1,
        basis=basis,
        conditions=("年满六十周岁", "本县户籍"),
        steps=("村代办员初审", "资料扫描", "镇窗口视频审批", "村里打印证照"),
        materials=(
            ID_CARD,
            HOUSEHOLD,
            Material(code="photo", name="一寸照片", name_en="Photo", photo=True, colour=True),
            Material(code="checkup", name="体检表", name_en="Health check", necessary=False),
        ),
        form=(
            FormField(code="phone", label="联系电话", label_en="Phone", kind="phone"),
            FormField(code="kind", label="办理类别", kind="choice", choices=("首次申领", "补办")),
        ),
        checkpoints=("申请人与证件是同一人", "年满六十周岁", "材料齐全、清楚、有效"),
        refusals=(_reason("age", "申请人未满六十周岁", basis), _reason("place", "申请人不是本县户籍", basis)),
        template=Template(
            code="senior",
            title="老年人优待证",
            kind="card",
            word="优",
            photo=True,
            text="持证人凭本证享受本县老年人优待。",
        ),
    )


def _filing(department: Unit) -> Item:
    """District item: the town reviews, the department files."""
    basis = "《四川省食品小作坊、小经营店及摊贩管理条例》"
    return Item(
        item_id=stream_id("item", "SP-002"),
        code="SP-002",
        version=1,
        name="食品小经营店备案",
        name_en="Small food shop filing",
        field="市场监管",
        level="district",
        department=department.code,
        legal_days=20,
        promised_days=5,
        basis=basis,
        conditions=("有固定经营场所", "从业人员健康"),
        steps=("村代办员初审", "资料扫描", "镇窗口视频初审", "区级部门审批", "村里打印证照"),
        materials=(
            ID_CARD,
            Material(code="place", name="经营场所证明", name_en="Proof of premises", pages=1),
            Material(code="health", name="健康证明", name_en="Health certificate", pages=1, colour=True),
        ),
        form=(
            FormField(code="shop", label="店名", label_en="Name of the shop"),
            FormField(code="address", label="经营地址", label_en="Address"),
            FormField(code="area", label="面积(平方米)", label_en="Area", kind="number", required=False),
        ),
        checkpoints=("经营场所固定", "健康证明在有效期内", "材料齐全、清楚、有效"),
        refusals=(_reason("premises", "经营场所不符合要求", basis), _reason("health", "健康证明无效", basis)),
        template=Template(code="food", title="食品小经营店备案证", kind="filing", word="食备", valid_years=3),
    )


def _subsidy(department: Unit) -> Item:
    """District item that ends with a notice, decided within the promised limit."""
    basis = "《国务院关于全面建立困难残疾人生活补贴和重度残疾人护理补贴制度的意见》"
    return Item(
        item_id=stream_id("item", "CJ-003"),
        code="CJ-003",
        version=1,
        name="残疾人两项补贴",
        name_en="Two allowances for disabled persons",
        field="民政",
        level="district",
        department=department.code,
        legal_days=20,
        promised_days=10,
        high_risk=True,
        basis=basis,
        conditions=("持有残疾人证",),
        steps=("村代办员初审", "资料扫描", "镇窗口视频初审", "区级部门审批", "村里打印通知书"),
        materials=(
            ID_CARD,
            HOUSEHOLD,
            Material(code="disability", name="残疾人证", name_en="Disability certificate", pages=1),
            Material(code="bank", name="银行卡复印件", name_en="Bank card", necessary=False),
        ),
        form=(FormField(code="phone", label="联系电话", label_en="Phone", kind="phone"),),
        checkpoints=("残疾等级符合条件", "未重复享受同类补贴", "材料齐全、清楚、有效"),
        refusals=(_reason("grade", "残疾等级不符合补贴条件", basis),),
        template=Template(code="allowance", title="残疾人两项补贴通知书", kind="notice", word="残补"),
    )


@dataclass(frozen=True, slots=True)
class County:
    """``willow`` and ``stone`` are villages of ``east``, ``hill`` of ``west``; ``*_clerk`` work there."""

    directory: Directory
    county: Unit
    civil: Unit
    market: Unit
    east: Unit
    west: Unit
    willow: Unit
    stone: Unit
    hill: Unit
    willow_clerk: Person
    stone_clerk: Person
    hill_clerk: Person
    east_officer: Person
    east_officer2: Person
    west_officer: Person
    civil_officer: Person
    civil_officer2: Person
    market_officer: Person
    supervisor: Person
    admin: Person
    card: Item
    filing: Item
    subsidy: Item

    @property
    def everybody(self) -> tuple[Person, ...]:
        return tuple(self.directory.people())


async def small_county(
    journal: Journal,
    vault: Vault,
    clock: Clock,
    *,
    bus: Bus | None = None,
    passwords: bool = False,
    directory: Directory | None = None,
) -> County:
    """Write the county into the journal. ``passwords``: everybody can sign in with :data:`PASSWORD`."""
    directory = directory or Directory(journal, vault, clock, bus)
    units = {
        "county": _unit(COUNTY, "青山县", "county", "", "Qingshan County"),
        "civil": _unit(f"{COUNTY}-01", "县民政局", "department", name_en="Civil Affairs Bureau"),
        "market": _unit(f"{COUNTY}-02", "县市场监督管理局", "department", name_en="Market Regulation Bureau"),
        "east": _unit(_SIX + "101000", "东河镇", "town", name_en="Donghe Town"),
        "west": _unit(_SIX + "102000", "西岭镇", "town", name_en="Xiling Town"),
        "willow": _unit(_SIX + "101201", "柳溪村", "village", _SIX + "101000", "Liuxi Village"),
        "stone": _unit(_SIX + "101202", "石门村", "village", _SIX + "101000", "Shimen Village"),
        "hill": _unit(_SIX + "102201", "高坡村", "village", _SIX + "102000", "Gaopo Village"),
    }
    for unit in units.values():
        await directory.put_unit(unit)
    people = {
        "willow_clerk": _person("willow", "张晓梅", Role.CLERK, units["willow"]),
        "stone_clerk": _person("stone", "李国强", Role.CLERK, units["stone"]),
        "hill_clerk": _person("hill", "周小丽", Role.CLERK, units["hill"]),
        "east_officer": _person("east1", "王建国", Role.TOWN, units["east"], "1号窗口"),
        "east_officer2": _person("east2", "赵敏", Role.TOWN, units["east"], "2号窗口"),
        "west_officer": _person("west1", "孙志远", Role.TOWN, units["west"], "1号窗口"),
        "civil_officer": _person("civil1", "陈静", Role.DISTRICT, units["civil"]),
        "civil_officer2": _person("civil2", "吴昊", Role.DISTRICT, units["civil"]),
        "market_officer": _person("market1", "刘洋", Role.DISTRICT, units["market"]),
        "supervisor": _person("watch", "何清", Role.SUPERVISOR, units["county"]),
        "admin": _person("root", "郑工", Role.ADMIN, units["county"]),
    }
    for name, person in people.items():
        people[name] = await directory.put_person(person)
        if passwords:
            await directory.set_password(person.person_id, PASSWORD)
    items = {
        "card": await directory.put_item(_card(units["civil"])),
        "filing": await directory.put_item(_filing(units["market"])),
        "subsidy": await directory.put_item(_subsidy(units["civil"])),
    }
    return County(
        directory=directory,
        county=units["county"],
        civil=units["civil"],
        market=units["market"],
        east=units["east"],
        west=units["west"],
        willow=units["willow"],
        stone=units["stone"],
        hill=units["hill"],
        willow_clerk=people["willow_clerk"],
        stone_clerk=people["stone_clerk"],
        hill_clerk=people["hill_clerk"],
        east_officer=people["east_officer"],
        east_officer2=people["east_officer2"],
        west_officer=people["west_officer"],
        civil_officer=people["civil_officer"],
        civil_officer2=people["civil_officer2"],
        market_officer=people["market_officer"],
        supervisor=people["supervisor"],
        admin=people["admin"],
        card=items["card"],
        filing=items["filing"],
        subsidy=items["subsidy"],
    )
