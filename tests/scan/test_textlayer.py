"""Text behind the picture: found by every reader in its place, seen by nobody, and lawful in PDF/A-2b."""

from __future__ import annotations

import io
import re
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pikepdf
import pypdfium2
import pytest
from fontTools.ttLib import TTFont
from hypothesis import given, settings
from hypothesis import strategies as st
from pikepdf import pdfa

from villagecall.scan import textlayer
from villagecall.scan.text import Line

A4 = (595.0, 842.0)
LINES = (
    Line("公民身份号码 11010519491231002X", 326, 285, 348, 22),
    Line("Form A-7, 2026", 100, 900, 200, 20),
)


def document(*pages: tuple[Line, ...]) -> bytes:
    """A PDF/A-2b of white pages with this text behind them; saving validates it."""
    out = io.BytesIO()
    with pikepdf.new() as pdf:
        for lines in pages:
            pdf.add_blank_page(page_size=A4)
            pdf.pages[-1].obj.Resources = pikepdf.Dictionary()
            textlayer.add(pdf, lines)
        pdf.docinfo["/Title"] = "case"
        pdfa.prepare(pdf, "2b")
        undated = re.sub(rb"<xmp:MetadataDate>[^<]*</xmp:MetadataDate>", b"", pdf.Root.Metadata.read_bytes())
        pdf.Root.Metadata.write(undated)
        pdfa.save(pdf, out, "2b", repair=False, deterministic_id=True)
    return out.getvalue()


def words(data: bytes, folder: Path) -> dict[str, tuple[float, float, float, float]]:
    """By Debian's pdftotext: each word with its place in per mille."""
    path = folder / "case.pdf"
    path.write_bytes(data)
    told = subprocess.run(["pdftotext", "-bbox", path, "-"], capture_output=True, check=True, timeout=30)
    found = re.findall(
        r'<word xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">([^<]*)<', told.stdout.decode()
    )
    return {
        text: (float(x0) / 0.595, float(y0) / 0.842, float(x1) / 0.595, float(y1) / 0.842)
        for x0, y0, x1, y1, text in found
    }


class TestFinding:
    def test_each_word_lies_where_it_was_read(self, tmp_path: Path) -> None:
        found = words(document(LINES), tmp_path)
        assert set(found) == {"公民身份号码", "11010519491231002X", "Form", "A-7,", "2026"}
        left, top, _, bottom = found["公民身份号码"]
        assert left == pytest.approx(326, abs=3)
        assert 285 <= top < bottom <= 307
        assert found["11010519491231002X"][2] == pytest.approx(326 + 348, abs=3)
        assert found["2026"][2] == pytest.approx(300, abs=3)

    def test_by_another_reader(self) -> None:
        page = pypdfium2.PdfDocument(document(LINES))[0]
        text = page.get_textpage().get_text_range()
        assert "公民身份号码 11010519491231002X" in text

    def test_rare_characters_of_names(self, tmp_path: Path) -> None:
        found = words(document((Line("王𬭸𫟹", 100, 100, 90, 30),), LINES), tmp_path)
        assert "王𬭸𫟹" in found
        assert "公民身份号码" in found, "the next page has the common font again"

    def test_a_line_without_width_or_characters_is_harmless(self, tmp_path: Path) -> None:
        assert words(document((Line("", 0, 0, 10, 10), Line("印", 999, 999, 1, 1))), tmp_path).keys() <= {"印"}

    @settings(max_examples=12, deadline=None)
    @given(
        st.lists(
            st.builds(
                Line,
                st.text(st.characters(exclude_categories=("Cc", "Cs", "Cf", "Zl", "Zp")), min_size=1, max_size=20),
                *(st.integers(0, 900) for _ in range(2)),
                *(st.integers(1, 100) for _ in range(2)),
            ),
            max_size=6,
        )
    )
    def test_whatever_is_read_the_file_stays_lawful(self, lines: list[Line]) -> None:
        with pikepdf.open(io.BytesIO(document(tuple(lines)))) as pdf:
            assert len(pdf.pages) == 1


class TestNotSeeing:
    def test_the_page_looks_as_without_it(self) -> None:
        bitmap = pypdfium2.PdfDocument(document(LINES))[0].render(scale=1).to_numpy()
        assert np.asarray(bitmap).min() == 255
        assert cv2.countNonZero(np.asarray(255 - bitmap[:, :, 0], np.uint8)) == 0


class TestTheFont:
    def test_is_a_font_with_the_widths_it_claims(self) -> None:
        font = TTFont(io.BytesIO(textlayer.font_file()), checkChecksums=2)
        assert [font["hmtx"][name] for name in font.getGlyphOrder()] == [(1000, 0), (1000, 0), (500, 0)]
        assert font["head"].unitsPerEm == 1000

    def test_is_in_the_document_once(self) -> None:
        with pikepdf.open(io.BytesIO(document(LINES, LINES, (), LINES))) as pdf:
            fonts = {page.obj.Resources.Font[textlayer.KEY].objgen for page in pdf.pages if "/Font" in page.Resources}
            assert len(fonts) == 1

    def test_costs_little(self) -> None:
        assert len(document(LINES)) - len(document(())) < 4000
        assert len(document(LINES, LINES)) - len(document(LINES)) < 1200

    def test_equal_text_gives_equal_bytes(self) -> None:
        assert document(LINES) == document(LINES)
