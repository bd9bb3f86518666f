"""From bytes to pixels: many pages, many kinds, the way the camera was held; and what is not decoded at all."""

from __future__ import annotations

import io
import struct

import cv2
import numpy as np
import pikepdf
import pytest

from tests.support import hostile, pages
from villagecall.scan.decode import Document
from villagecall.scan.pdf import DPI as PDF_DPI
from villagecall.scan.refusals import ActivePdf, LockedPdf, ScanRefusal, TooManyPages, Truncated

SMALL = (248, 350)


def marked(at: int) -> pages.Image:
    """A small page whose grey tells which one it is."""
    return np.full((SMALL[1], SMALL[0], 3), 40 + 50 * at, np.uint8)


def exif(jpeg: bytes, orientation: int) -> bytes:
    """The JPEG with an orientation tag (EXIF 2.3, 4.6.4 A), as a phone writes it."""
    body = b"Exif\0\0MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


class TestPictures:
    @pytest.mark.parametrize("suffix", [".jpg", ".png", ".tiff"])
    def test_each_kind_gives_the_same_page(self, suffix: str) -> None:
        page = pages.form(3, SMALL)
        document = Document(pages.encoded(page, suffix, quality=95))
        image, _ = document.page(0)
        assert document.frames == 1
        assert image.shape == page.shape
        assert float(np.abs(image.astype(int) - page).mean()) < 4

    def test_the_resolution_comes_along(self) -> None:
        assert Document(pages.encoded(pages.letter(1, SMALL), dpi=300)).page(0)[1] == 300

    def test_grey_black_and_white_and_sixteen_bits_become_eight_bit_colour(self) -> None:
        grey = marked(2)[:, :, 0]
        for image in (grey, np.where(grey > 100, 255, 0).astype(np.uint8), grey.astype(np.uint16) * 257):
            ok, data = cv2.imencode(".png", image)
            decoded, _ = Document(data.tobytes()).page(0)
            assert ok and decoded.dtype == np.uint8 and decoded.shape == (*grey.shape, 3)

    def test_every_page_of_a_tiff(self) -> None:
        document = Document(hostile.tiff([marked(at) for at in range(4)]))
        assert document.frames == 4
        assert [int(document.page(at)[0].mean()) for at in (2, 0, 3, 1)] == [140, 40, 190, 90]

    @pytest.mark.parametrize(("tag", "turns"), [(1, 0), (3, 2), (6, 3), (8, 1)])
    def test_the_way_the_phone_was_held_is_honoured(self, tag: int, turns: int) -> None:
        page = marked(3)
        page[:60, :60] = 0
        image, _ = Document(exif(pages.encoded(page, quality=95), tag)).page(0)
        assert image.shape[:2] == np.rot90(page, turns).shape[:2]
        assert float(np.abs(image.astype(int) - np.rot90(page, turns)).mean()) < 4

    @pytest.mark.parametrize("size", [SMALL, (1651, 2237)])
    @pytest.mark.parametrize("tag", range(10))
    def test_what_is_judged_lies_as_what_is_shown(self, tag: int, size: tuple[int, int]) -> None:
        """All eight orientations, and two that are none: the quick decoder turns the picture as the other one does."""
        page = np.full((size[1], size[0], 3), 220, np.uint8)
        page[: size[1] // 3, : size[0] // 4] = (40, 40, 200)
        document = Document(exif(pages.encoded(page, quality=95), tag))
        judged, (shown, _) = document.picture(0), document.page(0)
        assert judged.size == (shown.shape[1], shown.shape[0])
        assert float(cv2.absdiff(judged.grey, cv2.cvtColor(shown, cv2.COLOR_BGR2GRAY)).mean()) < 1
        small = cv2.resize(shown, (judged.colour.shape[1], judged.colour.shape[0]), interpolation=cv2.INTER_AREA)
        assert float(cv2.absdiff(judged.colour, small).mean()) < 2

    @pytest.mark.parametrize("cut", range(2, 27, 3))
    def test_broken_exif_turns_nothing_or_what_it_turns_is_the_same(self, cut: int) -> None:
        raw = bytearray(exif(pages.encoded(marked(1), quality=95), 6))
        raw[12 + cut - 2 : 12 + cut] = b"\xf7\xf7"
        document = Document(bytes(raw))
        assert document.picture(0).size == document.page(0)[0].shape[1::-1]

    def test_a_header_without_a_picture(self) -> None:
        empty = hostile.png_header(100, 100) + hostile.chunk(b"IEND", b"")
        with pytest.raises(Truncated):
            Document(empty).page(0)

    def test_a_picture_whose_middle_is_rubbish_is_refused_or_read(self) -> None:
        raw = bytearray(pages.encoded(pages.letter(5, SMALL), ".png"))
        raw[len(raw) // 2 : len(raw) // 2 + 200] = bytes(200)
        with pytest.raises(Truncated):
            Document(bytes(raw)).page(0)


class TestDocuments:
    def test_every_page_of_a_pdf_at_three_hundred_dots(self) -> None:
        document = Document(hostile.saved(hostile.pdf(3)))
        image, dpi = document.page(1)
        assert (document.frames, dpi) == (3, PDF_DPI)
        assert image.shape[:2] == (pytest.approx(3508, abs=2), pytest.approx(2479, abs=2))
        assert image[:, :, 0].min() < 20 < 250 < image[:, :, 0].max()

    def test_a_turned_page_comes_turned(self) -> None:
        made = hostile.pdf()
        made.pages[0].rotate(90, relative=True)
        image, _ = Document(hostile.saved(made)).page(0)
        assert image.shape[1] > image.shape[0]

    def test_a_poster_is_read_at_fewer_dots(self) -> None:
        image, dpi = Document(hostile.saved(hostile.pdf(size=(7000, 7000)))).page(0)
        assert dpi < PDF_DPI
        assert image.shape[0] * image.shape[1] <= 60_000_000

    @pytest.mark.parametrize("size", [(1, 1), (0, 0), (0, 500)])
    def test_a_page_without_size(self, size: tuple[int, int]) -> None:
        data = hostile.saved(hostile.pdf(size=size))
        try:
            image, _ = Document(data).page(0)
        except ScanRefusal as refusal:
            assert isinstance(refusal, Truncated)
        else:
            assert min(image.shape[:2]) >= 8  # readers take Letter where no size is given

    def test_a_document_without_pages(self) -> None:
        with pytest.raises(Truncated):
            Document(hostile.saved(pikepdf.new()))

    def test_a_document_of_a_thousand_pages(self) -> None:
        with pytest.raises(TooManyPages):
            Document(hostile.saved(hostile.pdf(1000)))

    @pytest.mark.parametrize(
        "make",
        [hostile.pdf_with_script, hostile.pdf_that_launches, hostile.pdf_with_attachment],
        ids=lambda m: m.__name__,
    )
    def test_a_document_that_acts(self, make: object) -> None:
        assert callable(make)
        with pytest.raises(ActivePdf):
            Document(make())

    def test_a_script_hidden_in_an_object_stream(self) -> None:
        made = pikepdf.open(io.BytesIO(hostile.pdf_with_script()))
        with pytest.raises(ActivePdf):
            Document(hostile.saved(made, object_stream_mode=pikepdf.ObjectStreamMode.generate))

    @pytest.mark.parametrize(
        "make", [hostile.pdf_with_password, hostile.pdf_without_printing], ids=lambda m: m.__name__
    )
    def test_a_locked_document(self, make: object) -> None:
        assert callable(make)
        with pytest.raises(LockedPdf):
            Document(make())

    @pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.8])
    def test_a_document_that_was_cut_is_refused_or_read(self, share: float) -> None:
        whole = hostile.saved(hostile.pdf(2))
        cut = whole[: max(9, int(len(whole) * share))]
        try:
            document = Document(cut)
            image, _ = document.page(0)
        except ScanRefusal:
            return
        assert image.size > 0  # readers mend what can be mended

    def test_documents_with_bytes_changed_give_pages_or_refusals(self) -> None:
        whole = hostile.saved(hostile.pdf(1, size=(60, 60)))
        rng = np.random.default_rng(8)
        for _ in range(250):
            raw = np.frombuffer(whole, np.uint8).copy()
            raw[rng.integers(5, len(raw), 6)] = rng.integers(0, 256, 6)
            try:
                Document(raw.tobytes()).page(0)
            except ScanRefusal:
                continue
