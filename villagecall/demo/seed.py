"""The demonstration county: units, people and items as values, read from the files beside this one."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from villagecall.directory import county_file
from villagecall.directory.model import FormField, Item, Material, Person, Reason, Template, Unit
from villagecall.directory.records import stream_id

HERE = Path(__file__).parent
SINCE = date(2023, 1, 1)


@dataclass(frozen=True, slots=True)
class Seed:
    units: tuple[Unit, ...]
    people: tuple[Person, ...]
    items: tuple[Item, ...]


def load() -> Seed:
    """Everything the demonstration begins with."""
    county = county_file.parse((HERE / "county.toml").read_text(encoding="utf-8"), since=SINCE)
    items = tomllib.loads((HERE / "items.toml").read_text(encoding="utf-8"))
    return Seed(
        units=county.units,
        people=county.people,
        items=tuple(_item(entry, items) for entry in items["item"]),
    )


def _item(entry: Mapping[str, Any], library: Mapping[str, Any]) -> Item:
    code, promised = entry["code"], entry.get("promised", 0)
    return Item(
        item_id=stream_id("item", code),
        code=code,
        version=1,
        name=entry["name"],
        name_en=entry["name_en"],
        main_item=entry.get("alias", entry["name"]),
        field=entry["field"],
        level=entry["level"],
        department=entry["department"],
        legal_days=entry["legal"],
        promised_days=promised,
        on_the_spot=entry.get("spot", False),
        high_risk=entry.get("high_risk", False),
        basis=entry["basis"],
        conditions=tuple(entry["conditions"]),
        steps=_steps(entry),
        materials=tuple(_material(name, library["materials"]) for name in entry["materials"]),
        form=tuple(_field(name, library["form"]) for name in entry["form"]),
        checkpoints=("申请人与证件是同一人", *entry["conditions"], "材料齐全、清楚、有效"),
        refusals=tuple(
            Reason(code=name, basis=entry["basis"], **library["refusals"][name]) for name in entry["refusals"]
        ),
        template=_template(code, entry),
    )


def _steps(entry: Mapping[str, Any]) -> tuple[str, ...]:
    town = "镇窗口视频审批" if entry["level"] == "town" else "镇窗口视频初审"
    last = () if entry["level"] == "town" else ("区级部门审批",)
    return ("村代办员初审", "资料扫描", town, *last, "村里打印证照")


def _material(name: str, library: Mapping[str, Any]) -> Material:
    code = name.removesuffix("?")
    return Material(code=code, necessary=not name.endswith("?"), **library[code])


def _field(name: str, library: Mapping[str, Any]) -> FormField:
    code = name.removesuffix("?")
    return FormField(code=code, required=not name.endswith("?"), **library[code])


def _template(code: str, entry: Mapping[str, Any]) -> Template:
    kind, title, word, text = entry["certificate"]
    return Template(
        code=code,
        title=title,
        kind=kind,
        word=word,
        photo=entry.get("photo", False),
        valid_years=entry.get("years", 0),
        text=text,
    )
