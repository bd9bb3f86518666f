from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from villagecall import fonts


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    fonts.face.cache_clear()
    yield
    fonts.face.cache_clear()


def test_this_machine_has_a_font() -> None:
    assert fonts.face().family in fonts.FAMILIES


def test_without_a_font_the_refusal_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "_FOLDERS", (str(tmp_path),))
    monkeypatch.setattr(fonts, "_PACKAGES", ())
    with pytest.raises(fonts.NoFont) as no:
        fonts.face()
    assert "fonts-lxgw-wenkai" in no.value.todo_zh


def test_a_folder_of_ones_own_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = next(Path(each.path) for each in fonts.face().fonts.fonts() if each.path and each.path.endswith(".ttf"))
    fonts.face.cache_clear()
    (tmp_path / known.name).symlink_to(known)
    monkeypatch.setenv("TYPST_FONT_PATHS", str(tmp_path))
    monkeypatch.setattr(fonts, "_FOLDERS", ())
    assert fonts.face().family in fonts.FAMILIES


def test_what_the_font_cannot_write_is_shown_as_missing() -> None:
    face = fonts.face()
    assert face.written("李桂芳 𰻝 A4") == "李桂芳 𰻝 A4"
    assert face.written("李\ue123芳") == "李〓芳"
    assert face.written("葛\U000e0100\u200d\u0007") == "葛"
    assert face.written("e\u0301") == "é"


def test_a_font_of_the_first_plane_only_is_taken_to_have_it(tmp_path: Path) -> None:
    cmap = struct.pack(">HHHHI", 0, 1, 3, 1, 12) + struct.pack(">HHH10x", 4, 16, 0)
    file = tmp_path / "old.ttf"
    file.write_bytes(struct.pack(">IHHHH", 0x10000, 1, 16, 0, 0) + struct.pack(">4sIII", b"cmap", 0, 28, 28) + cmap)
    assert fonts.shapes(file) == (range(0x10000),)
