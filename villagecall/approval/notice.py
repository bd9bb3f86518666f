"""The complete list of what is missing (一次性告知), and the guard of the second notice (pure).

Administrative Licensing Law art. 32 (1) no. 4: papers that are incomplete or not in the legal form are
answered on the spot or within five days with *everything* that must be supplied, told at once; not told in
time means accepted from the day the papers came in. So the list here is never cut short, and a later
notice may only name what an earlier one named already or what has come in since.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from villagecall.approval.rules import unread_files
from villagecall.case import Case, Defect, Notice, Page
from villagecall.directory.model import FormField, Item, Material
from villagecall.errors import BadRequest, Refusal
from villagecall.journal import Entry

APPLICANT_ENTRIES = {"name": ("姓名", "name"), "id_number": ("证件号码", "ID number")}
"""What an applicant must have entered; phone and address help but do not stop a case."""


class Incomplete(Refusal):
    """Submitting with defects: ``details.defects`` is the complete list. Nothing was changed."""

    code = "incomplete"
    status = 422
    zh = "还有 {count} 处没有备齐,没有提交。"
    en = "{count} things are missing; nothing was submitted."
    todo_zh = "请按清单一次补齐后再提交,已扫描的页面都在。"
    todo_en = "Supply everything on the list and submit again; scanned pages are kept."


class LateDefect(Refusal):
    """A second notice names what the first could have named. ``details.defects``: the ones refused."""

    code = "defect_named_late"
    status = 422
    zh = "补正通知须一次说全:「{first}」在上次通知时就能看到,不能现在再提。"
    en = "A notice names everything at once: “{first}” could have been named before and cannot be now."
    todo_zh = "只能提上次已列出而未补好的,或新交材料中的问题;其余请直接作出决定。"
    todo_en = "Name only what was listed and not put right, or what is wrong with new papers; else decide."


# ---------------------------------------------------------------- the complete list


def complete_defects(
    case: Case, item: Item, applicant: Mapping[str, str] | None, form: Mapping[str, str]
) -> tuple[Defect, ...]:
    """Everything that keeps the case from being submitted, in the order of the guide.

    ``applicant`` and ``form`` are the entries in clear, read from the vault for this moment only.
    """
    found = [*_entries(applicant), *_form(item, form)]
    for material in item.materials:
        found += _material(case, material)
    known = {material.code for material in item.materials}
    found += [
        _page_defect(page, None)
        for page in case.live_pages()
        if page.material not in known and (page.verdict is None or not page.verdict.ok)
    ]
    return tuple(found)


def _entries(applicant: Mapping[str, str] | None) -> list[Defect]:
    if applicant is None:
        return [Defect(code="applicant_missing", zh="还没有登记申请人。", en="The applicant has not been entered.")]
    return [
        Defect(code=f"applicant.{key}", zh=f"申请人的{zh}没有填写。", en=f"The applicant's {en} is missing.")
        for key, (zh, en) in APPLICANT_ENTRIES.items()
        if not applicant.get(key, "").strip()
    ]


def _form(item: Item, form: Mapping[str, str]) -> list[Defect]:
    found = []
    for entry in item.form:
        value = form.get(entry.code, "").strip()
        label_en = entry.label_en or entry.label
        if not value and entry.required:
            zh, en = f"表单「{entry.label}」没有填写。", f"The form's “{label_en}” is empty."
            found.append(Defect(code=f"form.{entry.code}", zh=zh, en=en))
        elif value and not readable(entry, value):
            zh, en = f"表单「{entry.label}」填写有误。", f"The form's “{label_en}” cannot be read."
            found.append(Defect(code=f"form.{entry.code}", zh=zh, en=en))
    return found


def readable(entry: FormField, value: str) -> bool:
    """Does a value fit its field? Dates are ``YYYY-MM-DD``, numbers plain decimal, phones 5 to 20 digits."""
    if entry.kind == "number":
        return re.fullmatch(r"-?\d{1,12}(\.\d{1,6})?", value) is not None
    if entry.kind == "phone":
        return re.fullmatch(r"\+?[\d -]{5,20}", value) is not None
    if entry.kind == "choice":
        return value in entry.choices or not entry.choices
    if entry.kind == "date":
        try:
            date.fromisoformat(value)
        except ValueError:
            return False
    return True


def _material(case: Case, material: Material) -> list[Defect]:
    name, name_en = material.name, material.name_en or material.name
    pages = [page for page in case.live_pages() if page.material == material.code]
    found = [_page_defect(page, material) for page in pages if page.verdict is None or not page.verdict.ok]
    unread = set(unread_files(case)) - {page.file_id for page in pages}
    waiting = [file for file in case.files if file.material == material.code and file.file_id in unread]
    for file in waiting:
        zh, en = f"「{name}」的文件「{file.name}」还在识别。", f"A file of “{name_en}” is still being read."
        found.append(Defect(code="file_unread", material=material.code, zh=zh, en=en))
    if waiting:
        return found
    refused = [file for file in case.refused_files if file.material == material.code]
    if not pages and refused and material.necessary:
        zh = f"「{name}」的文件「{refused[-1].name}」不能识别:{refused[-1].zh}"
        en = f"The file of “{name_en}” could not be read: {refused[-1].en}"
        found.append(Defect(code="file_refused", material=material.code, zh=zh, en=en))
    elif not pages and material.necessary:
        zh, en = f"缺「{name}」。", f"“{name_en}” is missing."
        found.append(Defect(code="material_missing", material=material.code, zh=zh, en=en))
    elif 0 < len(pages) < material.pages:
        zh = f"「{name}」要 {material.pages} 页,现在只有 {len(pages)} 页。"
        en = f"“{name_en}” takes {material.pages} pages; there are {len(pages)}."
        found.append(Defect(code="pages_missing", material=material.code, zh=zh, en=en))
    return found


def _page_defect(page: Page, material: Material | None) -> Defect:
    name = material.name if material else page.name
    name_en = (material.name_en or material.name) if material else page.name
    if page.verdict is None:
        zh, en, code = f"「{name}」有一页还在检查。", f"A page of “{name_en}” is still being judged.", "page_waiting"
    else:
        told_zh = ";".join(fault.zh for fault in page.verdict.faults) or "这一页看不清"
        told_en = "; ".join(fault.en for fault in page.verdict.faults) or "the page cannot be read"
        zh, en, code = f"「{name}」:{told_zh}", f"“{name_en}”: {told_en}", "page_fault"
    return Defect(code=code, material=page.material, page_id=page.page_id, zh=zh, en=en)


# ---------------------------------------------------------------- the second notice


@dataclass(frozen=True, slots=True)
class Changed:
    """What came in after the last notice. ``entries``: codes like ``form.purpose``, ``applicant.name``."""

    materials: frozenset[str] = frozenset()
    pages: frozenset[UUID] = frozenset()
    entries: frozenset[str] = field(default=frozenset())


def changed_since_notice(entries: Iterable[Entry]) -> Changed:
    """Read from the journal what was handed in after the last ``case.returned``."""
    materials: set[str] = set()
    pages: set[UUID] = set()
    told: set[str] = set()
    for entry in entries:
        kind, payload = entry.action.kind, entry.action.payload
        if kind == "case.returned":
            materials, pages, told = set(), set(), set()
        elif kind == "page.added" and isinstance(page := payload["page"], dict):
            materials.add(str(page["material"]))
            pages.add(UUID(str(page["page_id"])))
        elif kind in ("form.filled", "applicant.entered") and isinstance(codes := payload.get("changed"), list):
            told |= {str(code) for code in codes}
    return Changed(frozenset(materials), frozenset(pages), frozenset(told))


def late(defects: Sequence[Defect], notices: Sequence[Notice], changed: Changed) -> tuple[Defect, ...]:
    """Those of ``defects`` that an earlier notice could have named and did not (art. 32).

    Allowed are: a defect named before and not put right, and a defect of what has come in since: a new
    page, a material with new pages (when no single old page is meant), a form or applicant entry changed.
    """
    if not notices:
        return ()
    named = {(defect.code, defect.material) for notice in notices for defect in notice.defects}
    return tuple(defect for defect in defects if not _timely(defect, named, changed))


def _timely(defect: Defect, named: set[tuple[str, str]], changed: Changed) -> bool:
    if defect.page_id is not None and defect.page_id in changed.pages:
        return True
    if defect.page_id is None and defect.material and defect.material in changed.materials:
        return True
    if not defect.material and defect.code in changed.entries:
        return True
    return (defect.code, defect.material) in named


def guard(defects: Sequence[Defect], notices: Sequence[Notice], changed: Changed) -> None:
    """Raises :class:`LateDefect` naming the first defect that comes too late."""
    refused = late(defects, notices, changed)
    if refused:
        raise LateDefect(
            first=refused[0].zh.rstrip("。"), defects=[defect.model_dump(mode="json") for defect in refused]
        )


def unanswered(case: Case, changed: Changed) -> tuple[Defect, ...]:
    """Defects of the last notice to which nothing has been done: they stay on the list until it has.

    A page that was named is still there, a material has no new page, an entry is as it was. A defect that
    names none of these cannot be judged here and is left to the officer.
    """
    if not case.notices:
        return ()
    live = {page.page_id for page in case.live_pages()}
    found = []
    for defect in case.notices[-1].defects:
        if defect.page_id is not None:
            open_ = defect.page_id in live
        elif defect.material:
            open_ = defect.material not in changed.materials
        else:
            open_ = defect.code.startswith(("form.", "applicant.")) and defect.code not in changed.entries
        if open_:
            found.append(defect)
    return tuple(found)


def checked(case: Case, item: Item, defects: Sequence[Defect]) -> tuple[Defect, ...]:
    """An officer's defects, each tied to a material or page that exists and saying what is wrong.

    Raises :class:`BadRequest` naming the entry that is not.
    """
    materials = {material.code for material in item.materials}
    for at, defect in enumerate(defects):
        page = case.page(defect.page_id) if defect.page_id else None
        if defect.page_id and page is None:
            raise BadRequest(fields={f"defects.{at}.page_id": "没有这一页"})
        if defect.material and defect.material not in materials:
            raise BadRequest(fields={f"defects.{at}.material": "这个事项没有这份材料"})
        if not defect.zh.strip():
            raise BadRequest(fields={f"defects.{at}.zh": "请写明哪里不对"})
    return tuple(
        defect.model_copy(update={"material": page.material})
        if not defect.material and defect.page_id and (page := case.page(defect.page_id))
        else defect
        for defect in defects
    )


def merged(officer: Sequence[Defect], machine: Sequence[Defect]) -> tuple[Defect, ...]:
    """One notice of both: what the officer saw first, then what the check found and the officer left out."""
    named = {(defect.code, defect.material, defect.page_id) for defect in officer}
    rest = [defect for defect in machine if (defect.code, defect.material, defect.page_id) not in named]
    return (*officer, *rest)
