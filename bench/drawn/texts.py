"""Pages whose words are known, from a seed: letters in several types and sizes, and copies of ID cards, as a
village scanner gives them (askew, upside down, grainy, under a seal, photocopied)."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import typst
from numpy.typing import NDArray

from bench.drawn import words
from bench.drawn.sheets import CHINESE
from villagecall.directory.codes import id_check
from villagecall.scan.idcard import Card

Image = NDArray[np.uint8]
Rng = np.random.Generator
_PEOPLES = ("汉", "汉", "汉", "彝", "藏", "羌", "土家", "蒙古", "维吾尔")


@dataclass(frozen=True, slots=True)
class Written:
    """A scan as JPEG, the lines that stand on it, and the card where there is one."""

    jpeg: bytes
    lines: tuple[str, ...]
    card: Card | None = None


def _set(source: str, dpi: int) -> Image:
    made = typst.compile(source.encode(), format="png", ppi=float(dpi))
    raw = made[0] if isinstance(made, list) else made
    image = cv2.imdecode(np.frombuffer(raw or b"", np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError("not drawn")
    return np.asarray(image, np.uint8)


def _scanned(rng: Rng, page: Image, dpi: int) -> bytes:
    """Askew within 6°, a sixth upside down, a quarter a grey copy, with grain, as JPEG."""
    high, wide = page.shape[:2]
    turn = cv2.getRotationMatrix2D((wide / 2, high / 2), float(rng.uniform(-6, 6)), 1.0)
    paper = int(rng.integers(238, 255))
    image = cv2.warpAffine(page, turn, (wide, high), flags=cv2.INTER_CUBIC, borderValue=(255, 255, 255))
    image = np.asarray(image, np.float32) * (paper / 255)
    if rng.random() < 0.25:  # a photocopy: grey, paler ink
        image = np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2)
        image = 255 - (255 - image) * float(rng.uniform(0.55, 0.9))
    image = cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.3, 0.9)))
    image = image + rng.normal(0, float(rng.uniform(1, 6)), image.shape)
    grained = np.clip(image, 0, 255).astype(np.uint8)
    if rng.random() < 1 / 6:
        grained = np.ascontiguousarray(grained[::-1, ::-1])
    quality = int(rng.integers(60, 92))
    data = bytearray(cv2.imencode(".jpg", grained, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes())
    data[13:18] = bytes([1, dpi >> 8, dpi & 255, dpi >> 8, dpi & 255])
    return bytes(data)


def letter(seed: int) -> Written:
    """Ten to twenty lines of 8 to 15 pt, half of them under a round seal."""
    rng = np.random.default_rng(seed)
    size, font, dpi = float(rng.uniform(8, 15)), str(rng.choice(CHINESE[:3])), int(rng.choice([200, 300]))
    fit = int(165 / (size * 0.353))
    lines = tuple(words.sentence(rng)[: fit - 2] for _ in range(int(rng.integers(10, 20))))
    seal = (
        '#place(dx: 90mm, dy: -40mm, circle(radius: 20mm, stroke: 1.2mm + rgb("#d02028"), align(center + horizon)'
        '[#text(fill: rgb("#d02028"), size: 20pt)[★]]))'
        if rng.random() < 0.5
        else ""
    )
    body = "\n\n".join("".join("\\" + char if char in "#*_`$<>@[]\\/=-+~" else char for char in line) for line in lines)
    source = (
        f'#set page(width: 210mm, height: 297mm, margin: 20mm)\n#set text(font: "{font}", size: {size:.1f}pt, '
        f'lang: "zh")\n{body}\n{seal}'
    )
    return Written(_scanned(rng, _set(source, dpi), dpi), lines)


def idcard(seed: int) -> Written:
    """The front of a card somewhere on a sheet of A4, on a tinted ground with fine waves."""
    rng = np.random.default_rng(seed)
    dpi = int(rng.choice([200, 300]))
    year, month, date = int(rng.integers(1935, 2008)), int(rng.integers(1, 13)), int(rng.integers(1, 29))
    body = f"{int(rng.integers(110000, 659999))}{year}{month:02}{date:02}{int(rng.integers(0, 1000)):03}"
    number = body + id_check(body)
    sex = "男" if int(number[16]) % 2 else "女"
    people, name = str(rng.choice(_PEOPLES)), words.name(rng)
    place = f"{words.place(rng)}{int(rng.integers(1, 12))}组{int(rng.integers(1, 200))}号"
    address = f"四川省广元市{place}" if rng.random() < 0.6 else place
    wrapped = " \\ ".join(address[at : at + 11] for at in range(0, len(address), 11))
    font, tint = str(rng.choice(CHINESE[:3])), str(rng.choice(["#dfe8ea", "#e8e4da", "#e3edf0", "#f4f4f2"]))
    waves = "".join(
        f'#place(line(start: (0mm, {y}mm), end: (85mm, {y + 6}mm), stroke: 0.15pt + rgb("#9fc0cc")))'
        for y in range(2, 46, 3)
    )
    label = 'text(fill: rgb("#3a6ea5"), size: 7pt)'
    front = (
        f"{waves}#place(dx: 5mm, dy: 6mm)[#{label}[姓名] #h(2mm) #text(size: 10.5pt)[{name}]]"
        f"#place(dx: 5mm, dy: 13mm)[#{label}[性别] #h(2mm) {sex} #h(4mm) #{label}[民族] #h(1mm) {people}]"
        f"#place(dx: 5mm, dy: 20mm)[#{label}[出生] #h(2mm) {year} #{label}[年] {month} #{label}[月] {date} "
        f"#{label}[日]]"
        f"#place(dx: 5mm, dy: 27mm)[#{label}[住址]]#place(dx: 15mm, dy: 26.6mm)[{wrapped}]"
        f"#place(dx: 5mm, dy: 46mm)[#{label}[公民身份号码] #h(4mm) #text(size: 11pt, tracking: 0.6mm)[{number}]]"
        '#place(dx: 59mm, dy: 6mm, rect(width: 22mm, height: 28mm, fill: rgb("#b9c6cc"), align(center + bottom)'
        '[#circle(radius: 5mm, fill: rgb("#8c6f5c")) #v(-2mm) #rect(width: 16mm, height: 9mm, fill: rgb("#38506b"))]))'
    )
    source = (
        f'#set page(width: 210mm, height: 297mm, margin: 0mm)\n#set text(font: "{font}", size: 8.5pt, lang: "zh")\n'
        f"#place(dx: {rng.uniform(15, 110):.0f}mm, dy: {rng.uniform(20, 200):.0f}mm, box(width: 85.6mm, height: 54mm, "
        f'radius: 3mm, fill: rgb("{tint}"), stroke: 0.4pt + gray)[{front}])'
        f"#place(dx: 80mm, dy: 280mm)[居民身份证复印件]"
    )
    card = Card(number, name, sex, people, f"{year}-{month:02}-{date:02}", address)
    return Written(
        _scanned(rng, _set(source, dpi), dpi), (name, number, *([address] if len(address) < 12 else [])), card
    )
