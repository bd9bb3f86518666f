"""Finds a Chinese font for certificates and cover sheets at run time.

PDF/A needs the font in the file, and the validator reads TrueType outlines only (CFF collections such as
Noto CJK's are refused), so the font is LXGW WenKai, a clear regular script (楷体), or another TrueType font
of simplified Chinese. Nothing is downloaded: where no such font is installed, issuing is refused by name.
"""

from __future__ import annotations

import importlib.util
import os
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
    """The family to ask for, and where its files are."""

    family: str
    fonts: typst.Fonts


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
            if any(_usable(font) and font.family == family for font in fonts.fonts()):
                return Face(family, fonts)
    raise NoFont(looked=[folder.name for folder in folders])
