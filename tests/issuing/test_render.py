"""The sheet on paper: PDF/A, small, the same every time, with a QR code that an independent reader reads."""

from __future__ import annotations

import io
from dataclasses import replace

import cv2
import numpy as np
import pikepdf
import pytest
import zxingcpp
from numpy.typing import NDArray
from pikepdf import pdfa

from tests.issuing.samples import ALL, CARD, FILING, NOTICE, PERMIT
from tests.support.press import face
from villagecall.issuing import preview
from villagecall.issuing.number import show_code
from villagecall.issuing.render import SIZE_LIMIT, Facts, RenderError, archival, render, render_seal
from villagecall.issuing.sheet import Sheet

each = pytest.mark.parametrize("sheet", ALL, ids=lambda sheet: str(sheet.kind))


def pixels(picture: bytes, mode: int = cv2.IMREAD_COLOR) -> NDArray[np.uint8]:
    image = cv2.imdecode(np.frombuffer(picture, np.uint8), mode)
    assert image is not None
    return image.astype(np.uint8)


def decode(picture: bytes) -> list[str]:
    image = pixels(picture)
    return [found.text for found in zxingcpp.read_barcodes(image)]


@each
def test_every_kind_is_small_pdf_a(sheet: Sheet) -> None:
    made = render(sheet)
    assert len(made) <= SIZE_LIMIT
    with pikepdf.open(io.BytesIO(made)) as doc:
        assert doc.pdf_version == "1.7"
        assert len(doc.pages) == 1
        assert pdfa.check(doc, "2b").verdict == "pass"


@each
def test_the_same_sheet_gives_the_same_bytes(sheet: Sheet) -> None:
    assert render(sheet) == render(sheet)


@each
def test_everything_that_counts_is_in_print(sheet: Sheet) -> None:
    shown = preview.words(render(sheet))
    for word in (sheet.title, sheet.number, sheet.unit, show_code(sheet.code), sheet.holder):
        assert "".join(word.split()) in shown
    for label, value in sheet.rows:
        assert label in shown and value in shown
    for reason in sheet.reasons:
        assert reason in shown


@each
def test_the_qr_code_leads_to_the_check_page(sheet: Sheet) -> None:
    assert decode(preview.picture(render(sheet), dpi=150)) == [sheet.url]


@pytest.mark.parametrize("spoil", ["blur", "faint", "stain", "noise"])
def test_the_qr_code_survives_a_bad_print(spoil: str) -> None:
    image = pixels(preview.picture(render(CARD), dpi=200), cv2.IMREAD_GRAYSCALE)
    match spoil:
        case "blur":
            image = cv2.GaussianBlur(image, (0, 0), 1.6).astype(np.uint8)
        case "faint":
            image = np.clip(image * 0.3 + 170, 0, 255).astype(np.uint8)
        case "noise":
            noise = np.random.default_rng(1).normal(0, 35, image.shape)
            image = np.clip(image + noise, 0, 255).astype(np.uint8)
        case "stain":
            at = zxingcpp.read_barcodes(image)[0].position
            middle = ((at.top_left.x + at.bottom_right.x) // 2, (at.top_left.y + at.bottom_right.y) // 2)
            cv2.circle(image, middle, (at.bottom_right.x - at.top_left.x) // 9, 128, -1)
    assert [found.text for found in zxingcpp.read_barcodes(image)] == [CARD.url]


def test_facts_for_machines_stand_in_the_metadata() -> None:
    with pikepdf.open(io.BytesIO(render(FILING))) as doc:
        facts = Facts.read(str(doc.docinfo["/Keywords"]))
        assert facts is not None
        assert (facts.number, facts.code, facts.unit) == (FILING.number, FILING.code, FILING.unit)
        with doc.open_metadata() as xmp:
            assert xmp["dc:title"] == f"{FILING.title} {FILING.number}"


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"villagecall": 2}', '{"villagecall": 1, "seal": [1]}', "null"])
def test_foreign_metadata_is_no_facts(text: str) -> None:
    assert Facts.read(text) is None


@pytest.mark.parametrize("sheet", [FILING, PERMIT, NOTICE])
def test_a_long_text_gets_smaller_letters_and_loses_nothing(sheet: Sheet) -> None:
    long = replace(sheet, text="本项内容较多，需要逐条写明。" * 25, remedy="")
    shown = preview.words(render(long))
    assert shown.count("需要逐条写明") == 25


def test_a_text_that_fits_no_sheet_is_refused_not_cut() -> None:
    with pytest.raises(RenderError, match="too long"):
        render(replace(FILING, text="本项内容较多，需要逐条写明。" * 400))


def test_a_card_without_a_photo_still_has_its_place() -> None:
    assert "照片" in preview.words(render(replace(CARD, photo=None)))


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(RenderError, match="no template"):
        render(replace(CARD, kind="poster"))


def test_words_of_the_applicant_are_words_and_nothing_else() -> None:
    """Typst's own signs in a name or an entry are printed, not obeyed."""
    odd = replace(FILING, holder="#panic[x]", rows=(("店名", '*粗* #import "x" $a$ \\ <b>'),), text="_斜_ #h(1cm)")
    shown = preview.words(render(odd))
    assert '*粗*#import"x"$a$' in shown and "_斜_#h(1cm)" in shown


def test_what_is_no_pdf_a_is_refused() -> None:
    with pikepdf.new() as doc:
        doc.add_blank_page()
        doc.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")
        out = io.BytesIO()
        doc.save(out)
    facts = Facts("n", "c", "t", "i", "u", "2026-11-22T08:00:00+00:00", (0, 0, 1, 1))
    with pytest.raises(RenderError, match="PDF/A"):
        archival(out.getvalue(), facts)


def test_the_seal_carries_unit_and_purpose() -> None:
    shown = preview.words(render_seal("青禾区东河镇人民政府", "审批专用章"))
    assert sorted(shown) == sorted("青禾区东河镇人民政府审批专用章")


def test_the_portrait_is_cut_out_of_its_sheet() -> None:
    made = preview.portrait(face())
    assert made is not None
    image = pixels(made)
    assert image.shape == (472, 354, 3)
    corners = image[5:20, 5:20].reshape(-1, 3).mean(axis=0)
    assert corners[0] > 150 and corners[2] < 110  # the photo's blue ground, not the sheet's white
    assert len(made) < 60_000


def test_what_is_no_picture_gives_no_portrait() -> None:
    assert preview.portrait(b"not a picture") is None


def test_a_landscape_picture_is_cut_at_its_sides() -> None:
    wide = np.full((300, 900, 3), 90, np.uint8)
    made = preview.portrait(cv2.imencode(".jpg", wide)[1].tobytes())
    assert made is not None
    assert pixels(made).shape == (472, 354, 3)
