"""Made-up papers to scan: what a villager would bring, drawn here, with the faults that scanners make.

Everything on them is invented (ID numbers come from an area code nobody has). They exist so that a
demonstration and the journeys have something real to scan: askew, upside down, blurred, on a desk.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import typst
from numpy.typing import NDArray

from villagecall.demo.drawing import Paper

Image = NDArray[np.uint8]

_PAGE = """
#set page(width: 210mm, height: 297mm, margin: 22mm)
#set text(font: ("Noto Sans CJK SC", "LXGW WenKai", "Noto Serif CJK SC"), size: 12pt, lang: "zh")
#let line(label, value) = grid(columns: (34mm, 1fr), row-gutter: 4mm, [#label], underline(offset: 3pt)[#value])
"""

_CARD = """
#set page(width: 210mm, height: 297mm, margin: 22mm)
#set text(font: ("Noto Sans CJK SC", "LXGW WenKai"), size: 10pt, lang: "zh")
#let card(body) = box(width: 85.6mm, height: 54mm, radius: 3mm, stroke: 0.6pt + rgb("#7c9aa8"),
  fill: rgb("#e8f1f2"), inset: 5mm, body)
"""


@dataclass(frozen=True, slots=True)
class Bearer:
    """A made-up person on the papers."""

    name: str
    id_number: str
    address: str


def _escape(text: str) -> str:
    return "".join("\\" + char if char in "#*_`$<>@[]\\/=-+~" else char for char in text)


@lru_cache(maxsize=1)
def _compiler() -> typst.Compiler:
    return typst.Compiler(font_paths=typst.Fonts())


def _draw(source: str, dpi: int = 200) -> Image:
    png = _compiler().compile(input=source.encode(), format="png", ppi=float(dpi))
    raw = png[0] if isinstance(png, list) else png
    image = cv2.imdecode(np.frombuffer(raw or b"", np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError("the paper could not be drawn")
    return np.ascontiguousarray(image, dtype=np.uint8)


def idcard(who: Bearer) -> Image:
    """Both sides of a made-up ID card, copied onto one page."""
    birth = f"{who.id_number[6:10]} 年 {int(who.id_number[10:12])} 月 {int(who.id_number[12:14])} 日"
    front = f"""
#card[
  #grid(columns: (1fr, 24mm), gutter: 3mm,
    [姓名  *{_escape(who.name)}* #v(1mm) 性别 女  民族 汉 #v(1mm) 出生 {birth} #v(1mm) 住址 {_escape(who.address)}],
    box(width: 24mm, height: 30mm, fill: rgb("#c9d6dc"), align(center + bottom)[
      #circle(radius: 6mm, fill: rgb("#8c6f5c")) #v(-2mm)
      #rect(width: 18mm, height: 10mm, radius: (top: 6mm), fill: rgb("#38506b"))]))
  #v(1mm) 公民身份号码  #text(size: 12pt, tracking: 1pt)[{who.id_number}]
]"""
    back = """
#card[#align(center)[#text(size: 14pt, fill: rgb("#8c2f2f"))[*中 华 人 民 共 和 国*] #v(2mm)
  #text(size: 20pt)[*居民身份证*]] #v(4mm) 签发机关  青禾区公安局(样本) #v(1mm) 有效期限  2016.03.01–长期]"""
    head = "#align(center)[#text(size: 14pt)[居民身份证复印件(样本)]]#v(14mm)"
    return _draw(_CARD + head + f"#align(center)[{front} #v(14mm) {back}]")


def form(title: str, who: Bearer, lines: tuple[tuple[str, str], ...] = ()) -> Image:
    """An application form filled in by hand, with a red round seal at its foot."""
    rows = "".join(f"#line[{_escape(label)}][{_escape(value)}] #v(4mm)" for label, value in lines)
    body = (
        f"#align(center)[#text(size: 22pt)[*{_escape(title)}*]] #v(8mm)"
        f"#line[姓名][{_escape(who.name)}] #v(4mm) #line[身份证号][{who.id_number}] #v(4mm)"
        f"#line[住址][{_escape(who.address)}] #v(4mm) {rows}"
        "#v(6mm) #par(first-line-indent: 2em, leading: 1em)[本人承诺所填内容真实,如有不实,愿意承担相应责任。"
        "本人已经知晓办理条件、所需材料和办理时限,同意工作人员核对有关信息。办理结果请通知本人,证照在村便民服务室领取。]"
        "#v(6mm) #table(columns: (1fr, 1fr, 1fr), inset: 3.4mm, [事项], [意见], [日期],"
        " [村民小组], [情况属实], [2026 年 11 月], [村民委员会], [同意申报], [2026 年 11 月])"
        "#v(10mm) #align(right)[申请人签名:" + _escape(who.name) + " #v(3mm) 2026 年 11 月 20 日]"
        '#place(bottom + left, dx: 12mm, dy: -20mm, circle(radius: 20mm, stroke: 1.6pt + rgb("#c8102e"),'
        ' align(center + horizon)[#text(fill: rgb("#c8102e"), size: 12pt)[柳溪村民委员会 \\ ★]]))'
    )
    return _draw(_PAGE + body)


def photo() -> Image:
    """A one-inch portrait (drawn), printed large enough to scan."""
    image = np.full((1200, 860, 3), (178, 120, 60), np.uint8)
    cv2.ellipse(image, (430, 1180), (340, 330), 0, 180, 360, (70, 60, 50), -1, cv2.LINE_AA)
    cv2.ellipse(image, (430, 520), (190, 250), 0, 0, 360, (160, 190, 225), -1, cv2.LINE_AA)
    cv2.ellipse(image, (430, 380), (200, 170), 0, 180, 360, (60, 60, 66), -1, cv2.LINE_AA)
    for x in (360, 500):
        cv2.ellipse(image, (x, 510), (24, 12), 0, 0, 360, (40, 40, 40), -1, cv2.LINE_AA)
    cv2.ellipse(image, (430, 640), (60, 20), 0, 20, 160, (80, 80, 150), 6, cv2.LINE_AA)
    page = np.full((1754, 1240, 3), 250, np.uint8)
    small = cv2.resize(image, (516, 720), interpolation=cv2.INTER_AREA)
    page[200 : 200 + 720, 362 : 362 + 516] = small
    return page


def askew(image: Image, degrees: float, seed: int = 1) -> Image:
    """Turned counter-clockwise on a scanner's white lid, with a little noise."""
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    cos, sin = abs(turn[0, 0]), abs(turn[0, 1])
    wide, high = int(height * sin + width * cos), int(height * cos + width * sin)
    turn[0, 2] += wide / 2 - width / 2
    turn[1, 2] += high / 2 - height / 2
    turned = cv2.warpAffine(image, turn, (wide, high), flags=cv2.INTER_CUBIC, borderValue=(250, 250, 250))
    noise = np.random.default_rng(seed).normal(0, 2.0, turned.shape)
    spoiled: Image = np.clip(turned + noise, 0, 255).astype(np.uint8)
    return spoiled


def upside_down(image: Image) -> Image:
    return np.ascontiguousarray(image[::-1, ::-1])


def blurred(image: Image) -> Image:
    """Moved while it was scanned: not readable."""
    return np.ascontiguousarray(cv2.GaussianBlur(image, (0, 0), 9.0), dtype=np.uint8)


def jpeg(image: Image, quality: int = 85, dpi: int = 200) -> bytes:
    """JPEG bytes that carry their resolution."""
    ok, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not ok:
        raise ValueError("the paper could not be encoded")
    raw = bytearray(data.tobytes())
    # The JFIF header states dots per inch (unit 1) where OpenCV leaves the ratio only.
    raw[13:18] = bytes([1, dpi >> 8, dpi & 255, dpi >> 8, dpi & 255])
    return bytes(raw)


def asked(paper: Paper) -> bytes:
    """The scan that is asked for, as a JPEG."""
    who = Bearer(paper.name, paper.id_number, paper.address)
    if paper.kind == "photo":
        image = photo()
    else:
        image = idcard(who) if paper.kind == "idcard" else form(paper.title, who, paper.lines)
    if paper.turned == 180:
        image = upside_down(image)
    elif paper.turned:
        image = askew(image, paper.turned, paper.seed)
    return jpeg(blurred(image) if paper.blurred else image, paper.quality)


if __name__ == "__main__":  # of its own process: villagecall.demo.drawing asks
    for each in json.load(sys.stdin):
        to = Path(each.pop("to"))
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(asked(Paper(**each)))
