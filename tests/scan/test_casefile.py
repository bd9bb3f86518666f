"""The case file: PDF/A-2b, the same bytes for the same contents, nothing lost when it grows."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pikepdf
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pikepdf import pdfa

from tests.support import pages
from villagecall.scan import casefile, encode
from villagecall.scan.casefile import CaseFileError, Cover, Sheet, bundle, write
from villagecall.scan.text import Line

AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
COVER = Cover("高龄津贴申请", (("编号", "青禾-2026-0001"), ("受理村", "柳溪村")), AT, "青禾-2026-0001", "case 7")


def sheet(seed: int, chapter: str, note: str = "", part: int = 0) -> Sheet:
    image = pages.form(seed, (413, 585))
    return Sheet(pages.encoded(image), 413, 585, 50, chapter, note, part)


FIRST = [sheet(1, "申请表"), sheet(2, "居民身份证"), sheet(3, "居民身份证")]
CORRECTED = [FIRST[0], FIRST[1], sheet(4, "居民身份证"), replace(FIRST[2], chapter="已替换", note="居民身份证 已替换")]


def titles(pdf: pikepdf.Pdf) -> list[tuple[str, list[str]]]:
    with pdf.open_outline() as outline:
        return [(item.title, [child.title for child in item.children]) for item in outline.root]


def labels(pdf: pikepdf.Pdf) -> list[str]:
    return [str(page.label) for page in pdf.pages]


def pictures(raw: bytes) -> list[bytes]:
    """The encoded pictures, page by page."""
    with pikepdf.open(io.BytesIO(raw)) as pdf:
        return [image.read_raw_bytes() for page in pdf.pages for image in page.get_images().values()]


class TestTheSizeOfAPage:
    @pytest.mark.parametrize(
        ("dpi", "inches"),
        [(50, 11.7), (100, 5.85), (0, 11.7), (20, 11.7), (400, 11.7)],
        ids=["A4", "half of it", "unsaid", "larger than A3", "smaller than a card"],
    )
    def test_is_the_papers_where_that_can_be_believed(self, dpi: int, inches: float) -> None:
        with pikepdf.open(io.BytesIO(bundle(COVER, [replace(FIRST[0], dpi=dpi)]))) as pdf:
            box = [float(side) for side in pdf.pages[-1].mediabox]
        assert box[3] / 72 == pytest.approx(inches, abs=0.05)
        assert box[2] / box[3] == pytest.approx(413 / 585, abs=0.01)


class TestWhatAnArchiveTakes:
    def test_pdf_a_and_linear_and_whole(self, tmp_path: Path) -> None:
        raw = bundle(COVER, CORRECTED)
        assert pdfa.validate_written(io.BytesIO(raw), "2b").verdict == "pass"
        path = tmp_path / "case.pdf"
        path.write_bytes(raw)
        with pikepdf.open(path) as pdf:
            assert pdf.is_linearized
            pdf.check_linearization()
            assert pdf.check_pdf_syntax() == []

    @pytest.mark.parametrize("kind", ["layers", "colour", "grey"])
    @pytest.mark.parametrize("read", [(), (Line("李桂芳 𰻝 \ue123 12", 100, 100, 300, 30),)])
    def test_every_kind_of_page(self, kind: str, read: tuple[Line, ...]) -> None:
        page = pages.form(5, (620, 877))
        if kind == "grey":
            page = np.repeat(page.min(axis=2, keepdims=True), 3, axis=2)
        made = encode.view(page[:, :, 1], page, 75) if kind == "layers" else None
        data = made.data if made else pages.encoded(page[:, :, 0] if kind == "grey" else page)
        width, height = (made.width, made.height) if made else (620, 877)
        raw = bundle(COVER, [Sheet(data, width, height, 75, "申请表", text=read)])
        assert pdfa.validate_written(io.BytesIO(raw), "2b").verdict == "pass"

    @settings(deadline=None, max_examples=25)
    @given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=20))
    @example("李\ue123芳 葛\U000e0100", "😀 ﷽ \u0007\u200b", "\ud7ff#[]\\$")
    @example("𰻝", "\n\n= title\n//*", "\ufffe")
    def test_whatever_a_name_is_written_with(self, name: str, title: str, note: str) -> None:
        cover = Cover(title, ((name, name),), AT, name, title, (name, title))
        raw = bundle(cover, [replace(FIRST[0], chapter=name), replace(FIRST[1], chapter=title, note=note)])
        assert pdfa.validate_written(io.BytesIO(raw), "2b").verdict == "pass"

    def test_it_says_whose_it_is_and_of_when(self) -> None:
        with pikepdf.open(io.BytesIO(bundle(COVER, FIRST))) as pdf, pdf.open_metadata() as meta:
            assert meta["dc:title"] == "高龄津贴申请 青禾-2026-0001"
            assert meta["xmp:MetadataDate"] == "2026-11-20T09:30:00+00:00"

    def test_pages_have_the_size_of_the_paper(self) -> None:
        with pikepdf.open(io.BytesIO(bundle(COVER, FIRST))) as pdf:
            box = [float(side) for side in pdf.pages[1].MediaBox]
        assert box == pytest.approx([0, 0, 413 / 50 * 72, 585 / 50 * 72], abs=0.1)

    def test_the_view_copies_go_in_as_they_are(self) -> None:
        assert pictures(bundle(COVER, FIRST)) == [each.jpeg for each in FIRST]

    def test_bookmarks_and_labels(self) -> None:
        with pikepdf.open(io.BytesIO(bundle(COVER, CORRECTED))) as pdf:
            assert titles(pdf) == [
                ("封面", []),
                ("申请表", []),
                ("居民身份证", []),
                ("已替换", ["居民身份证 已替换"]),
            ]
            assert labels(pdf) == ["封面", "1", "2", "3", "附1"]

    def test_two_inputs_of_one_name_have_a_bookmark_each(self) -> None:
        both = [sheet(1, "scan", part=0), sheet(2, "scan", part=1)]
        with pikepdf.open(io.BytesIO(bundle(COVER, both))) as pdf:
            assert [title for title, _ in titles(pdf)] == ["封面", "scan", "scan"]

    def test_what_would_be_no_pdf_a_is_refused_by_name(self) -> None:
        with pytest.raises(CaseFileError):
            bundle(COVER, [Sheet(b"\xff\xd8\xff\xd9", 10, 10, 72, "x")])


class TestItGrows:
    def test_a_correction_adds_and_drops_nothing(self) -> None:
        before, after = pictures(bundle(COVER, FIRST)), pictures(bundle(COVER, CORRECTED))
        assert set(before) < set(after)
        assert len(after) == len(before) + 1

    def test_equal_contents_give_equal_bytes(self) -> None:
        assert bundle(COVER, CORRECTED) == bundle(COVER, list(CORRECTED))

    def test_other_contents_give_another_document(self) -> None:
        one, other = (pikepdf.open(io.BytesIO(bundle(COVER, each))) for each in (FIRST, CORRECTED))
        assert bytes(one.trailer.ID[1]) != bytes(other.trailer.ID[1])


class TestOnDisk:
    def test_hundred_pages_in_groups(self, tmp_path: Path) -> None:
        each = [sheet(seed, f"材料{seed}", part=seed) for seed in range(3)]
        many = [replace(each[at % 3], part=at) for at in range(100)]
        assert len(many) > 2 * casefile.GROUP
        path = tmp_path / "case.pdf"
        write(replace(COVER, at=None), iter(many), path, tmp_path)
        assert pictures(path.read_bytes()) == [one.jpeg for one in many]
        assert pdfa.validate_written(path, "2b").verdict == "pass"
        with pikepdf.open(path) as pdf:
            assert pdf.is_linearized
            assert labels(pdf) == ["封面", *map(str, range(1, 101))]
            assert len(titles(pdf)) == 101

    def test_the_same_bytes_again(self, tmp_path: Path) -> None:
        for name in ("one.pdf", "two.pdf"):
            (tmp_path / f"{name}.d").mkdir()
            write(replace(COVER, at=None), iter(CORRECTED * 12), tmp_path / name, tmp_path / f"{name}.d")
        assert (tmp_path / "one.pdf").read_bytes() == (tmp_path / "two.pdf").read_bytes()

    def test_what_cannot_be_finished_leaves_the_old_file(self, tmp_path: Path) -> None:
        path = tmp_path / "case.pdf"
        path.write_bytes(b"the case file of yesterday")
        with pytest.raises(CaseFileError):
            write(COVER, [FIRST[0], Sheet(b"\xff\xd8\xff\xd9", 10, 10, 72, "x")], path, tmp_path)
        assert path.read_bytes() == b"the case file of yesterday"
