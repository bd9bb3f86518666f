"""Upright sheets with real type, set by Typst from a seed: what lies on the scanner before anything goes wrong.

A sheet is a BGR picture of the whole paper, white where nothing is printed. Places for photos and for writing
by hand are set as boxes of a colour nothing else has and are filled in afterwards, pixel by pixel.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np
import typst
from numpy.typing import NDArray

from bench.drawn import words
from villagecall import fonts
from villagecall.errors import Refusal

Image = NDArray[np.uint8]
Rng = np.random.Generator
Way = Callable[[Rng], str]
Sheet = Callable[[Rng, float, float, float], str]
CHINESE = ("Noto Serif CJK SC", "Noto Sans CJK SC", "LXGW WenKai", "LXGW WenKai Mono", "Noto Sans Mono CJK SC")
LATIN = ("Nimbus Roman", "Nimbus Sans", "DejaVu Serif", "P052", "Nimbus Mono PS", "C059")
HAND = ("LXGW WenKai",)
KINDS = (
    "form", "ledger", "letter", "redhead", "idcard", "sparse", "oneline", "photopage",
    "table", "vertical", "hand", "receipt", "blank",
)  # fmt: skip
PHOTO = "#ff01fe"
"""Boxes of this colour become photos."""


@lru_cache(maxsize=1)
def _type() -> tuple[typst.Fonts, tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Fonts of this machine: all of them, the Chinese families, the Latin ones, those like handwriting."""
    folders = [folder for folder in os.environ.get("TYPST_FONT_PATHS", "").split(os.pathsep) if folder]
    every = typst.Fonts(include_system_fonts=True, include_embedded_fonts=True, font_paths=folders)
    there = {font.family for font in every.fonts()}
    chinese = tuple(family for family in CHINESE if family in there)
    if not chinese:
        try:
            face = fonts.face()
        except Refusal as refused:
            raise RuntimeError("no Chinese font to draw pages with") from refused
        every, chinese = face.fonts, (face.family,)
    latin = tuple(family for family in LATIN if family in there) or chinese
    return every, chinese, latin, tuple(family for family in HAND if family in there) or chinese


def _q(text: str) -> str:
    return '"' + text.replace("\\", "").replace('"', "") + '"'


def _hand(rng: Rng, text: str, size: float, colour: str = "#22306e") -> str:
    """Each character a little off its line, as a hand writes; the line itself stays straight: what is off has no
    slope in it, and no turn."""
    _, _, _, hands = _type()
    font, wild = str(rng.choice(hands)), float(rng.uniform(0.02, 0.07))
    along = np.arange(len(text)) - (len(text) - 1) / 2
    off, turn = rng.normal(0, wild, len(text)), rng.normal(0, 60 * wild, len(text))
    off -= along * float(along @ off) / max(1.0, float(along @ along))
    turn -= turn.mean()
    moved = "".join(
        f"#box(move(dy: {dy * size:.2f}pt, rotate({degrees:.1f}deg, "
        f"text(size: {size * rng.uniform(0.92, 1.1):.1f}pt)[#{_q(each)}])))"
        for each, dy, degrees in zip(text, off, turn, strict=True)
    )
    return f'[#set text(font: "{font}", fill: rgb("{colour}"));{moved}]'


def _answer(rng: Rng, size: float, by_hand: bool) -> str:
    text = words.answer(rng)[:26]
    return _hand(rng, text, size * float(rng.uniform(0.9, 1.2))) if by_hand else f"[#{_q(text)}]"


def _cells(rng: Rng, size: float) -> str:
    by_hand = bool(rng.random() < 0.6)
    rows: list[str] = []
    for _ in range(int(rng.integers(6, 15))):
        if rng.random() < 0.45:
            pair = rng.choice(words.LABELS, 2, replace=False)
            rows += [f"[#{_q(str(pair[0]))}]", _answer(rng, size, by_hand), f"[#{_q(str(pair[1]))}]"]
            rows.append(_answer(rng, size, by_hand) if rng.random() < 0.8 else "[]")
        else:
            high = float(rng.choice([1, 1, 2.5, 4])) * size
            rows += [f"[#{_q(str(rng.choice(words.LABELS)))}]"]
            what = f"[#{_q(words.paragraph(rng, 1))}]" if rng.random() < 0.4 else _answer(rng, size, by_hand)
            rows.append(f"table.cell(colspan: 3, inset: (y: {high:.0f}pt), {what if rng.random() < 0.85 else '[]'})")
    return ", ".join(rows)


def _heading(rng: Rng, size: float, text: str = "") -> str:
    big = size * float(rng.uniform(1.4, 2.2))
    return f'#align(center, text(size: {big:.1f}pt, weight: "bold")[#{_q(text or words.title(rng))}])\n#v({size}pt)\n'


def seal(rng: Rng, millimetres: float, colour: str = "#c81420") -> str:
    """A round official seal: ring, star, name along the ring. A typst content expression."""
    radius, text = millimetres / 2, f"{rng.choice(words.PLACES)}镇人民政府"
    points = ", ".join(
        f"({radius + (0.36 if n % 2 == 0 else 0.14) * radius * np.sin(n * np.pi / 5):.2f}mm, "
        f"{radius - (0.36 if n % 2 == 0 else 0.14) * radius * np.cos(n * np.pi / 5):.2f}mm)"
        for n in range(10)
    )
    around = ""
    for at, each in enumerate(text):
        turn = -120 + 240 * at / (len(text) - 1)
        x, y = radius * (1 + 0.74 * np.sin(np.radians(turn))), radius * (1 - 0.74 * np.cos(np.radians(turn)))
        around += (
            f"#place(dx: {x - 2.5:.2f}mm, dy: {y - 2.5:.2f}mm, box(width: 5mm, height: 5mm, "
            f"align(center + horizon, rotate({turn:.0f}deg, text(size: {millimetres * 0.34:.1f}pt)[#{_q(each)}]))))"
        )
    return (
        f'box(width: {millimetres}mm, height: {millimetres}mm)[#set text(fill: rgb("{colour}"));'
        f'#place(circle(radius: {radius}mm, stroke: {rng.uniform(0.6, 1.4):.1f}mm + rgb("{colour}")))'
        f'#place(polygon(fill: rgb("{colour}"), {points})){around}]'
    )


def _stamped(rng: Rng, wide: float, high: float) -> str:
    x, y = rng.uniform(0.45, 0.75) * wide, rng.uniform(0.55, 0.85) * high
    turn = rng.normal(0, 12)
    return f"#place(top + left, dx: {x:.0f}mm, dy: {y:.0f}mm, rotate({turn:.1f}deg, {seal(rng, 42)}))\n"


def _form(rng: Rng, size: float, wide: float, high: float) -> str:
    stroke = float(rng.uniform(0.4, 1.3))
    head = f"{rng.integers(14, 26)}%"
    body = _heading(rng, size)
    body += f"#text(size: {size * 0.85:.1f}pt)[编号:{words.digits(rng, 9)} #h(1fr) 填表日期:{words.day(rng)}]\n"
    body += f"#table(columns: ({head}, 1fr, {head}, 1fr), stroke: {stroke:.1f}pt, inset: {size * 0.6:.1f}pt, "
    body += f"align: horizon, {_cells(rng, size)})\n"
    return body + (_stamped(rng, wide * 0.8, high * 0.8) if rng.random() < 0.6 else "")


def _number(rng: Rng) -> str:
    return words.digits(rng, 12)


def _share(rng: Rng) -> str:
    return str(rng.integers(1, 99))


def _ledger(rng: Rng, size: float, wide: float, high: float) -> str:
    heads = ["序号", "姓名", *(str(each) for each in rng.choice(words.LABELS, int(rng.integers(2, 6)), replace=False))]
    ways: tuple[Way, ...] = (_number, words.money, words.day, words.name, _share)
    columns = [ways[int(rng.integers(0, len(ways)))] for _ in heads[2:]]
    rows = int(min(40, (high - 70) / (size * 0.78)))
    cells = [f"[#{_q(head)}]" for head in heads]
    for at in range(int(rng.integers(rows // 3, rows + 1))):
        cells += [f"[{at + 1}]", f"[#{_q(words.name(rng))}]", *(f"[#{_q(way(rng))}]" for way in columns)]
    stroke = rng.choice(["0.5pt", "0.9pt", "(x: none, y: 0.5pt)", "none", "0.3pt + gray"])
    aligned = rng.choice(["center", "left", "right"])
    return _heading(rng, size, f"{rng.choice(words.PLACES)}村{rng.choice(words.ITEMS)}明细表") + (
        f"#table(columns: {len(heads)}, align: {aligned}, stroke: {stroke}, inset: {size * 0.4:.1f}pt, "
        + ", ".join(cells) + ")\n"
    )  # fmt: skip


def _letter(rng: Rng, size: float, wide: float, high: float) -> str:
    english = bool(rng.random() < 0.25)
    room = (high - 80) * wide * 0.75 / (size * 0.353) ** 2 / 1.9 / (17 if not english else 60)
    count = max(2, int(room * rng.uniform(0.15, 0.9) / 4))
    body = _heading(rng, size, "NOTICE" if english else "")
    columns = bool(rng.random() < 0.2)
    text = "\n\n".join(words.paragraph(rng, int(rng.integers(2, 6)), english=english) for _ in range(count))
    body += f"#columns(2)[{text}]\n" if columns else text + "\n"
    if rng.random() < 0.5 and not columns:
        body += f"\n#align(right)[{words.name(rng)} #linebreak() {words.day(rng)}]\n"
    return body + (_stamped(rng, wide * 0.8, high * 0.8) if rng.random() < 0.3 else "")


def _redhead(rng: Rng, size: float, wide: float, high: float) -> str:
    town = rng.choice(words.PLACES)
    text = "\n\n".join(
        "#h(2em)" + words.paragraph(rng, int(rng.integers(1, 4))) for _ in range(int(rng.integers(2, 6)))
    )
    return (
        f'#align(center, text(size: {rng.uniform(26, 38):.0f}pt, weight: "bold", fill: rgb("#d01018"))'
        f"[{town}镇人民政府文件])\n"
        f"#v(6mm)\n#align(center)[{town}政发〔{rng.integers(2016, 2027)}〕{rng.integers(1, 120)}号]\n"
        f'#line(length: 100%, stroke: {rng.uniform(0.8, 2.4):.1f}pt + rgb("#d01018"))\n#v(6mm)\n'
        f"#align(center, text(size: {size * 1.5:.0f}pt)[关于做好{rng.choice(words.ITEMS)}工作的通知])\n\n{text}\n"
        f"#v(12mm)\n#align(right)[{town}镇人民政府 #linebreak() {words.day(rng)}]\n"
        f"#place(right, dy: -24mm, rotate({rng.normal(0, 8):.0f}deg, {seal(rng, 42)}))\n"
    )


def _idcard(rng: Rng, size: float, wide: float, high: float) -> str:
    ground = rng.choice(["#dfe8ea", "#e8e4da", "#d5dde0", "#f2f2f2"])
    front = (
        f"#set text(size: 8pt);#v(2mm)姓名 #h(2mm) {words.name(rng)}\n\n性别 男 #h(3mm) 民族 汉\n\n"
        f"出生 {words.day(rng)}\n\n"
        f"住址 {words.place(rng)}\n\n#v(1fr)公民身份号码 #h(3mm) #text(size: 10pt)[{words.digits(rng, 18)}]"
    )
    back = (
        "#place(dx: 2mm, dy: 3mm, circle(radius: 7mm, fill: rgb(\"#c03028\")));#align(center)[#text(size: 12pt)"
        "[中华人民共和国] #linebreak() #text(size: 16pt)[居民身份证]]#v(1fr)"
        f"#align(right, text(size: 8pt)[签发机关 {rng.choice(words.PLACES)}县公安局 #linebreak() "
        "有效期限 2015.03.01-2035.03.01])"
    )  # fmt: skip
    x, gap = rng.uniform(0.1, 0.35) * wide, rng.uniform(8, 40)
    photo = f'#place(top + right, rect(width: 22mm, height: 27mm, fill: rgb("{PHOTO}")))'
    edge = rng.choice(["none", "0.5pt + gray", "1pt + black"])
    cards = [
        f'#block(width: 85.6mm, height: 54mm, radius: 3mm, inset: 4mm, fill: rgb("{ground}"), stroke: {edge})[{each}]\n'
        for each in ((photo + front), back)
    ]
    body = f"#v({rng.uniform(5, 40):.0f}mm)\n"
    for card in cards:
        body += f"#pad(left: {x * 0.5:.0f}mm)[{card}]\n#v({gap:.0f}mm)\n"
    return body + ("#align(center)[与原件一致 " + words.name(rng) + "]\n" if rng.random() < 0.5 else "")


def _sparse(rng: Rng, size: float, wide: float, high: float) -> str:
    lines = "\n\n".join(words.sentence(rng)[:24] for _ in range(int(rng.integers(2, 4))))
    body = f"#v({rng.uniform(5, 0.6 * high):.0f}mm)\n#pad(left: {rng.uniform(0, 30):.0f}mm)[{lines}]\n"
    return body + (_stamped(rng, wide * 0.8, high * 0.6) if rng.random() < 0.4 else "")


def _oneline(rng: Rng, size: float, wide: float, high: float) -> str:
    text = words.paragraph(rng, 2)[: int(rng.integers(8, 26))]
    line = _hand(rng, text, size * 1.3) if rng.random() < 0.25 else f"[#{_q(text)}]"
    body = f"#v({rng.uniform(5, 0.65 * high):.0f}mm)\n#pad(left: {rng.uniform(0, 40):.0f}mm, {line})\n"
    return body + (_stamped(rng, wide * 0.8, high * 0.8) if rng.random() < 0.5 else "")


def _photopage(rng: Rng, size: float, wide: float, high: float) -> str:
    body = _heading(rng, size, str(rng.choice(["现场照片", "入户核查照片", "房屋照片", "附件"])))
    for at in range(int(rng.integers(1, 3))):
        body += (
            f"#align(center, rect(width: {rng.uniform(45, 95):.0f}%, height: {rng.uniform(50, 90):.0f}mm, "
            f'fill: rgb("{PHOTO}")))\n#align(center, text(size: {size * 0.9:.1f}pt)[图{at + 1} {words.place(rng)}])\n'
        )
    return body + (words.paragraph(rng, int(rng.integers(1, 5))) if rng.random() < 0.7 else "") + "\n"


def _table(rng: Rng, size: float, wide: float, high: float) -> str:
    """Ruled squared paper with writing in some of the squares."""
    columns, rows = int(rng.integers(4, 14)), int(rng.integers(8, 26))
    share = rng.uniform(0.1, 0.8)
    cells = [f"[#{_q(words.answer(rng)[:5])}]" if rng.random() < share else "[]" for _ in range(columns * rows)]
    tall = (high - 60) / rows
    return _heading(rng, size) + (
        f"#table(columns: (1fr,) * {columns}, rows: {tall:.1f}mm, stroke: {rng.uniform(0.3, 1.2):.1f}pt, "
        f"align: center + horizon, inset: 1pt, " + ", ".join(cells) + ")\n"
    )


def _vertical(rng: Rng, size: float, wide: float, high: float) -> str:
    """Columns of characters from the right to the left."""
    text = words.paragraph(rng, int(rng.integers(8, 40))).replace("。", "").replace(",", "")
    tall = int((high - 60) / (size * 0.46))
    columns = [text[at : at + tall] for at in range(0, len(text), tall)][: int((wide - 50) / (size * 0.8))]
    stacks = ", ".join(
        "stack(spacing: 0.25em, " + ", ".join(f"[{c}]" for c in column) + ")" for column in columns[::-1]
    )
    return f"#align(right, stack(dir: ltr, spacing: {size * rng.uniform(0.5, 1.2):.1f}pt, {stacks}))\n"


def _hands(rng: Rng, size: float, wide: float, high: float) -> str:
    """A page written by hand, on ruled paper or none."""
    colour = str(rng.choice(["#22306e", "#202020", "#303038"]))
    ruled, size = bool(rng.random() < 0.5), size * float(rng.uniform(1.1, 1.5))
    body = ""
    for _ in range(int(rng.integers(4, 18))):
        text = words.paragraph(rng, 3)[: int(rng.integers(6, int((wide - 50) / (size * 0.42))))]
        body += f"#block(width: 100%, below: {size * 0.8:.1f}pt, {_hand(rng, text, size, colour)})\n"
        body += '#line(length: 100%, stroke: 0.4pt + rgb("#90a0b8"))\n' if ruled else ""
    return body


def _receipt(rng: Rng, size: float, wide: float, high: float) -> str:
    """A slip of paper copied onto a large page: much white around little."""
    rows = "".join(
        f"[#{_q(str(rng.choice(words.ITEMS)))}], [#{_q(words.money(rng))}], " for _ in range(int(rng.integers(3, 12)))
    )
    return (
        f"#pad(left: {rng.uniform(0, 60):.0f}mm, top: {rng.uniform(0, 90):.0f}mm, block(width: 70mm, inset: 4mm, "
        f"stroke: {rng.choice(['none', '0.4pt', '0.4pt + gray'])})[#set text(size: {size * 0.8:.1f}pt)\n收 据 #h(1fr) "
        f"{words.digits(rng, 7)} \\ #table(columns: (1fr, auto), stroke: none, inset: 2pt, {rows}) "
        f"合计 #h(1fr) {words.money(rng)}])\n"
    )


SHEETS: dict[str, Sheet] = {
    "form": _form, "ledger": _ledger, "letter": _letter, "redhead": _redhead, "idcard": _idcard, "sparse": _sparse,
    "oneline": _oneline, "photopage": _photopage, "table": _table, "vertical": _vertical, "hand": _hands,
    "receipt": _receipt,
}  # fmt: skip


def _photo(rng: Rng, wide: int, high: int) -> Image:
    """Clouds of colour with things at all angles in them."""
    grid = (max(2, high // int(rng.integers(12, 60))), max(2, wide // int(rng.integers(12, 60))), 3)
    field = cv2.resize(rng.uniform(20, 235, grid).astype(np.float32), (wide, high), interpolation=cv2.INTER_CUBIC)
    picture = np.asarray(field.clip(0, 255), np.uint8)
    for _ in range(int(rng.integers(2, 9))):
        colour = tuple(int(v) for v in rng.integers(0, 256, 3))
        at = rng.uniform(0, 1, (4, 2)) * (wide, high)
        cv2.fillConvexPoly(picture, cv2.convexHull(at.astype(np.int32)), colour, cv2.LINE_AA)
    return picture


def _with_photos(image: Image, rng: Rng) -> Image:
    low, up = np.array([245, 0, 245], np.uint8), np.array([255, 12, 255], np.uint8)
    mask = cv2.inRange(image, low, up)
    if not mask.any():
        return image
    count, _, boxes, _ = cv2.connectedComponentsWithStats(mask)
    for x, y, wide, high, area in boxes[1:count]:
        if area > 200:
            part = image[y : y + high, x : x + wide]
            hole = mask[y : y + high, x : x + wide] > 0
            part[hole] = _photo(rng, int(wide), int(high))[hole]
    return image


def sheet(seed: int, kind: str, dpi: int) -> Image:
    """An upright sheet, H×W×3 BGR, at ``dpi``; ledgers and tables may lie across. Kinds: :data:`KINDS`."""
    rng = np.random.default_rng((seed, KINDS.index(kind)))
    every, chinese, latin, _ = _type()
    wide, high = (210.0, 297.0) if rng.random() < 0.85 else ((182.0, 257.0) if rng.random() < 0.5 else (148.0, 210.0))
    if (kind == "ledger" and rng.random() < 0.6) or (kind in ("form", "table") and rng.random() < 0.12):
        wide, high = high, wide
    size = float(rng.uniform(9.0, 16.5)) * min(1.0, wide / 190)
    margin = float(rng.uniform(12, 26))
    family, second = str(rng.choice(latin)), str(rng.choice(chinese))
    source = (
        f'#set page(width: {wide}mm, height: {high}mm, margin: {margin:.0f}mm)\n#set text(lang: "zh", '
        f'size: {size:.1f}pt, font: ("{family}", "{second}"), fill: luma({rng.integers(0, 60)}), '
        f'weight: "{rng.choice(["regular", "regular", "bold"])}")\n'
        f"#set par(leading: {rng.uniform(0.5, 1.5):.2f}em, justify: {str(rng.random() < 0.6).lower()})\n"
    )
    if kind == "blank":
        return np.full((round(high / 25.4 * dpi), round(wide / 25.4 * dpi), 3), 255, np.uint8)
    source += SHEETS[kind](rng, size, wide, high)
    made = typst.compile(source.encode(), format="png", ppi=float(dpi), font_paths=every, ignore_system_fonts=True)
    data = made[0] if isinstance(made, list) else made
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return _with_photos(np.asarray(image, np.uint8), rng)
