"""Finds a Chinese font for certificates and cover sheets at run time.

PDF/A needs the font in the file, and the validator reads TrueType outlines only (CFF collections such as
Noto CJK's are refused), so the font is LXGW WenKai, a clear regular script (楷体), or another TrueType font
of simplified Chinese. Nothing is downloaded: where no such font is installed, issuing is refused by name.
"""

from __future__ import annotations

import importlib.util
import os
import struct
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import typst

from villagecall.errors import Refusal

FAMILIES: Final = ("LXGW WenKai", "LXGW WenKai GB", "Noto Sans SC")
"""In the order they are liked. All are free (SIL Open Font License)."""

_FOLDERS: Final = (
    "/usr/share/fonts/truetype/lxgw-wenkai",
    "/usr/local/share/fonts",
    "~/.local/share/fonts",
    "~/.fonts",
    "/Library/Fonts",
)
_NO_SORT: Final = "〓"
_PACKAGES: Final = ("zhplot",)
"""Python packages that carry such a font as a file; only their folder is read, they are never imported."""


class NoFont(Refusal):
    code = "no_chinese_font"
    status = 503
    zh = "服务器没有安装可用于证照的中文字体。"
    en = "The server has no Chinese font that certificates can be printed in."
    todo_zh = "请管理员安装 fonts-lxgw-wenkai(霞鹜文楷),证照会自动补发。"
    todo_en = "Install fonts-lxgw-wenkai (LXGW WenKai); the certificates that wait are then issued."


@dataclass(frozen=True, slots=True)
class Face:
    """The family to ask for, and where its files are. ``shapes``: the numbers of the
    characters it can write, ascending."""

    family: str
    fonts: typst.Fonts
    shapes: tuple[range, ...]

    def written(self, text: str) -> str:
        """``text`` as this font can write it: 〓, the typesetter's mark for a missing sort, where there is no shape;
        marks without any (joiners, variants of a character, controls) are left out.

        PDF/A allows no ``.notdef`` (ISO 19005-2, 6.2.11.8), and names from old registers have characters of
        somebody's private use."""
        drawn = (char for char in unicodedata.normalize("NFC", text) if not _shapeless(char))
        return "".join(char if self._has(ord(char)) else _NO_SORT for char in drawn)

    def _has(self, char: int) -> bool:
        at = bisect_right(self.shapes, char, key=lambda run: run.start)
        return at > 0 and char in self.shapes[at - 1]


def _shapeless(char: str) -> bool:
    variant = "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"
    return variant or unicodedata.category(char) in ("Cc", "Cf")


def shapes(file: Path) -> tuple[range, ...]:
    """The characters a TrueType file maps to shapes (OpenType ``cmap``, format 12: all planes). A font without such
    a table knows the first plane only, and is taken to have all of it."""
    with file.open("rb") as font:
        (tables,) = struct.unpack(">4xH6x", font.read(12))
        places = {tag: (at, size) for tag, _, at, size in struct.iter_unpack(">4sIII", font.read(16 * tables))}
        start, size = places[b"cmap"]
        font.seek(start)
        maps = font.read(size)
    (count,) = struct.unpack_from(">2xH", maps)
    for _, _, at in struct.iter_unpack(">HHI", maps[4 : 4 + 8 * count]):
        kind, groups = struct.unpack_from(">H10xI", maps, at)
        if kind == 12:
            rows = struct.iter_unpack(">III", maps[at + 16 : at + 16 + 12 * groups])
            return tuple(range(first, last + 1) for first, last, _ in rows)
    return (range(0x10000),)


def _folders() -> list[Path]:
    named = os.environ.get("TYPST_FONT_PATHS", "")
    found = [Path(folder).expanduser() for folder in (*named.split(os.pathsep), *_FOLDERS) if folder]
    for package in _PACKAGES:
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin:
            found.append(Path(spec.origin).parent / "fonts")
    return [folder for folder in found if folder.is_dir()]


def _usable(font: typst.FontInfo) -> bool:
    return font.family in FAMILIES and (font.path or "").lower().endswith(".ttf")


@lru_cache(maxsize=1)
def face() -> Face:
    """The font of this machine. Raises :class:`NoFont`."""
    folders = _folders()
    for folder in folders:
        fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(folder)])
        for family in FAMILIES:
            files = [font for font in fonts.fonts() if _usable(font) and font.family == family]
            if files:
                regular = min(files, key=lambda font: (font.style != "normal", abs(font.weight - 400)))
                return Face(family, fonts, shapes(Path(str(regular.path))))
    raise NoFont(looked=[folder.name for folder in folders])
