from __future__ import annotations

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
