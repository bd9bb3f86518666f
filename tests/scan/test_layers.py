"""Pages in layers: what is drawn stays sharp and in its colour, what is a picture stays one; what is stored and
served is looked into first."""

from __future__ import annotations

import gzip
import io
import re

import cv2
import numpy as np
import pikepdf
import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import pages
from tests.support.svg import root
from villagecall.demo import papers
from villagecall.scan import flat, pdfpage
from villagecall.scan.encode import View, view
from villagecall.scan.layers import MEDIA_TYPE, Layers, NotLayers, checked_png, media_type, svg
from villagecall.scan.picture import of_bgr

A4_300 = (2480, 3508)
JPEG = cv2.imencode(".jpg", np.full((24, 32, 3), 200, np.uint8))[1].tobytes()


def seen(image: pages.Image, dpi: int = 300) -> View:
    picture = of_bgr(image, dpi)
    return view(picture.grey, picture.colour, dpi)


def colours(image: pages.Image) -> pages.Image:
    return np.asarray(cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_BGR2LAB))


def scanned(seed: int) -> pages.Image:
    return pages.noisy(pages.form(seed, A4_300), seed)


class TestWriting:
    def test_takes_less_than_sixty_kibibytes_a_page(self) -> None:
        for seed in range(2):
            found = seen(scanned(seed))
            assert found.media_type == MEDIA_TYPE
            assert len(found.data) < 60 * 1024

    def test_is_as_sharp_as_it_was(self) -> None:
        image = scanned(1)
        shown = flat.picture(seen(image).data)
        assert shown.shape == image.shape
        ink, drawn = (np.asarray(cv2.cvtColor(each, cv2.COLOR_BGR2GRAY)) < 140 for each in (image, shown))
        assert (ink & drawn).sum() / (ink | drawn).sum() > 0.85

    def test_a_seal_keeps_its_colour(self) -> None:
        image = scanned(2)
        shown = flat.picture(seen(image).data)
        was, now = colours(image), colours(shown)
        seal = cv2.erode(np.asarray((was[:, :, 1] > 35) * 255, np.uint8), np.ones((5, 5))) > 0
        assert seal.sum() > 10_000
        assert float(np.linalg.norm(was[seal].mean(axis=0) - now[seal].mean(axis=0))) < 5

    def test_paper_becomes_white_and_a_stain_stays(self) -> None:
        image = scanned(3)
        cv2.circle(image, (500, 3200), 120, (190, 215, 222), -1)
        shown = np.asarray(cv2.resize(flat.picture(seen(image).data), A4_300), np.uint8)
        assert float(shown[3400:3480, 2000:2400].mean()) > 245
        assert float(shown[3200, 500, 0]) < 215

    def test_pencil_is_drawn_too(self) -> None:
        image = pages.faint(pages.letter(4, A4_300), 0.25)
        shown = flat.picture(seen(image).data)
        dark, light = (np.asarray(cv2.cvtColor(each, cv2.COLOR_BGR2GRAY), float) for each in (image, shown))
        strokes = dark < np.median(dark) - 35
        assert strokes.sum() > 10_000
        assert np.median(light) - light[strokes].mean() > 25

    def test_a_coarse_page_is_drawn_finer_than_it_was_seen(self) -> None:
        found = Layers.unpack(seen(pages.letter(5, (827, 1169)), 100).data)
        assert (found.mask_width, found.mask_height) == (2 * found.width, 2 * found.height) == (1654, 2338)

    def test_black_and_white_scans_and_grey_ones(self) -> None:
        grey = np.asarray(cv2.cvtColor(scanned(6), cv2.COLOR_BGR2GRAY))
        for image in (grey, np.asarray((grey > 150) * 255, np.uint8)):
            found = seen(np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR), np.uint8))
            assert len(found.data) < 60 * 1024

    def test_the_same_page_gives_the_same_bytes(self) -> None:
        assert seen(scanned(7)).data == seen(scanned(7)).data


class TestPictures:
    def test_a_portrait_is_one_picture(self) -> None:
        page = np.full((A4_300[1], A4_300[0], 3), 246, np.uint8)
        page[300:713, 300:595] = cv2.resize(papers.photo()[200:920, 362:878], (295, 413), interpolation=cv2.INTER_AREA)
        found = seen(pages.noisy(page, 1))
        assert found.media_type == media_type(found.data) == "image/jpeg"
        assert flat.picture(found.data).shape[:2] == (found.height, found.width)
        assert found.height == pytest.approx(A4_300[1] * 2 / 3, abs=2)

    def test_a_dark_page_is_one_picture(self) -> None:
        assert seen(np.asarray(scanned(1) * 0.3, np.uint8)).media_type == "image/jpeg"

    def test_a_page_too_small_to_read(self) -> None:
        assert seen(np.full((40, 40, 3), 240, np.uint8)).media_type == "image/jpeg"


@pytest.fixture(scope="module")
def form() -> Layers:
    return Layers.unpack(seen(pages.form(1, (1240, 1754)), 150).data)


class TestStored:
    def test_unpacked_it_is_what_was_packed(self, form: Layers) -> None:
        assert Layers.unpack(form.pack()) == form
        assert media_type(form.pack()) == MEDIA_TYPE

    @given(st.integers(0, 60_000))
    def test_cut_off_anywhere_it_never_passes_for_a_page(self, length: int) -> None:
        whole = Layers(100, 100, 100, 100, b"m" * 400, JPEG, JPEG).pack()
        if length < len(whole):
            with pytest.raises(NotLayers):
                Layers.unpack(whole[: min(length, len(whole) - 2)])

    @pytest.mark.parametrize("wrong", [b"<svg onload='alert(1)'/>", b"", b"\x89PNG\r\n\x1a\n", b"%PDF-1.7"])
    def test_a_layer_that_is_no_jpeg(self, wrong: bytes) -> None:
        for ink, ground in ((wrong, JPEG), (JPEG, wrong)):
            with pytest.raises(NotLayers):
                media_type(Layers(10, 10, 10, 10, b"m", ink, ground).pack())

    @pytest.mark.parametrize("size", [(0, 10), (10, 30_000), (20_000, 20_000)])
    def test_sizes_out_of_bounds(self, size: tuple[int, int]) -> None:
        for layers in (Layers(*size, 10, 10, b"m", JPEG, JPEG), Layers(10, 10, *size, b"m", JPEG, JPEG)):
            with pytest.raises(NotLayers):
                Layers.unpack(layers.pack())

    def test_what_is_neither(self) -> None:
        for wrong in (b"<html>", b"\x89PNG\r\n\x1a\n" + bytes(40)):
            with pytest.raises(NotLayers):
                media_type(wrong)

    def test_a_mask_that_cannot_be_read(self) -> None:
        with pytest.raises(NotLayers):
            flat.stencil_png(Layers(64, 64, 64, 64, b"", JPEG, JPEG).pack() + b"x")


class TestShown:
    def test_the_svg_is_of_the_servers_own_making(self, form: Layers) -> None:
        text = gzip.decompress(svg(form, flat.stencil_png(form.pack()))).decode()
        found = re.sub(r'href="data:image/(jpeg|png);base64,[A-Za-z0-9+/=]+"', r'href="\1"', text)
        size = 'width="1240" height="1754"'
        image = f'<image {size} preserveAspectRatio="none" '
        assert found == (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 1240 1754">'
            f'<mask id="m" mask-type="alpha" maskUnits="userSpaceOnUse" x="0" y="0" {size}>{image}href="png"/></mask>'
            f'{image}href="jpeg"/>{image}mask="url(#m)" href="jpeg"/></svg>'
        )
        assert root(text)["viewBox"] == "0 0 1240 1754"

    def test_the_mask_is_the_stencil(self, form: Layers) -> None:
        png = flat.stencil_png(form.pack())
        drawn = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
        assert drawn is not None
        assert np.array_equal(np.asarray(drawn)[:, :, 3], flat.stencil(form))

    def test_only_a_png_of_this_form_is_put_in(self, form: Layers) -> None:
        png = flat.stencil_png(form.pack())
        at = png.index(b"IDAT") - 4
        text = b"\0\0\0\1tEXtx" + bytes(4)
        size = (form.mask_width, form.mask_height)
        for wrong in (b"<svg/>", png[:-1], png + b"<script>", png[:at] + text + png[at:], JPEG):
            with pytest.raises(NotLayers):
                checked_png(wrong, *size)
        with pytest.raises(NotLayers):
            checked_png(png, size[0] + 1, size[1])


class TestInPdf:
    def test_it_looks_the_same_and_weighs_the_same(self, form: Layers) -> None:
        out = io.BytesIO()
        with pikepdf.new() as pdf:
            pdfpage.add(pdf, form.pack(), form.width, form.height)
            pdf.save(out)
        assert len(out.getvalue()) < len(form.pack()) + 2000
        page = pypdfium2.PdfDocument(out.getvalue())[0]
        assert page.get_width() == pytest.approx(595, abs=2)
        drawn = np.asarray(page.render(scale=form.width / page.get_width()).to_numpy()[:, :, :3], float)
        shown = flat.picture(form.pack()).astype(float)
        high, wide = min(drawn.shape[0], shown.shape[0]), min(drawn.shape[1], shown.shape[1])
        soft = [cv2.blur(each[:high, :wide], (9, 9)) for each in (drawn, shown)]
        assert float(np.abs(soft[0] - soft[1]).mean()) < 3

    def test_a_jpeg_of_before_still_goes_in(self) -> None:
        with pikepdf.new() as pdf:
            pdfpage.add(pdf, JPEG, 32, 24, 100)
            image = pdf.pages[0].Resources.XObject.Im0
            assert (int(image.Width), int(image.Height), str(image.Filter)) == (32, 24, "/DCTDecode")
            with pytest.raises(NotLayers):
                pdfpage.add(pdf, b"no picture at all", 10, 10)
