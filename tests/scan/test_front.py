"""What is refused before a decoder sees it, and in which words."""

from __future__ import annotations

import random
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import hostile, pages
from villagecall.scan.front import MAX_FRAMES, Claim, sniff
from villagecall.scan.refusals import (
    REFUSALS,
    EmptyFile,
    NotAnImage,
    ScanRefusal,
    TooManyPages,
    TooManyPixels,
    Truncated,
)

PAGE = pages.letter(1, (124, 175))
JPEG = pages.encoded(PAGE, dpi=300)
PNG = pages.encoded(PAGE, ".png")
TIFF = hostile.tiff([PAGE, PAGE, PAGE])
PDF = hostile.saved(hostile.pdf())


class TestWhatIsTaken:
    def test_a_jpeg_says_its_size_and_resolution(self) -> None:
        assert sniff(JPEG) == Claim("jpeg", 124, 175, 300)

    def test_a_jpeg_in_dots_per_centimetre(self) -> None:
        raw = bytearray(JPEG)
        raw[13:18] = bytes([2, 0, 118, 0, 118])
        assert sniff(bytes(raw)).dpi == 300

    def test_a_png_says_its_size(self) -> None:
        found = sniff(PNG)
        assert (found.kind, found.width, found.height) == ("png", 124, 175)

    def test_a_png_in_dots_per_metre(self) -> None:
        with_dpi = PNG[:33] + hostile.chunk(b"pHYs", struct.pack(">IIB", 11811, 11811, 1)) + PNG[33:]
        assert sniff(with_dpi).dpi == 300

    def test_a_tiff_of_three_pages(self) -> None:
        found = sniff(TIFF)
        assert (found.kind, found.width, found.height, found.frames) == ("tiff", 124, 175, 3)

    def test_a_pdf(self) -> None:
        assert sniff(PDF).kind == "pdf"

    def test_a_picture_followed_by_padding(self) -> None:
        assert sniff(JPEG + bytes(100)).kind == "jpeg"


class TestWhatIsRefused:
    def test_an_empty_file(self) -> None:
        with pytest.raises(EmptyFile):
            sniff(b"")

    @pytest.mark.parametrize(
        "data",
        [
            b"PK\x03\x04" + bytes(60),
            b"MZ\x90\x00" + bytes(60),
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            b"<html><script>1</script></html>",
            b"GIF89a" + bytes(60),
            b"RIFF\x24\0\0\0WEBPVP8 ",
            b"\0\0\0\x18ftypheic",
            b"%!PS-Adobe-3.0",
            "一段文字".encode(),
        ],
        ids=["zip", "exe", "svg", "html", "gif", "webp", "heic", "postscript", "text"],
    )
    def test_what_is_no_picture(self, data: bytes) -> None:
        with pytest.raises(NotAnImage):
            sniff(data)

    @pytest.mark.parametrize(
        ("data", "code", "word", "todo"),
        [
            (b"\0\0\0\x18ftypheic" + bytes(60), "phone_photo", "HEIC", "兼容性最佳"),
            (b"\0\0\0\x18ftypmif1" + bytes(60), "phone_photo", "HEIC", "高拍仪"),
            (b"\0\0\0\x1cftypavif" + bytes(60), "other_picture", "AVIF", "另存为"),
            (b"PK\3\4" + bytes(26) + b"[Content_Types].xml", "office_file", "Word", "PDF"),
            (b"PK\3\4" + bytes(26) + b"holiday.zip", "not_an_image", "不是图片", "JPG"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504), "office_file", "WPS", "打印"),
            (b"BM" + (60).to_bytes(4, "little") + bytes(54), "other_picture", "BMP", "JPG"),
            (b"BMW" + bytes(60), "not_an_image", "不是图片", "JPG"),
            (b"RIFF\x24\0\0\0WEBPVP8 " + bytes(60), "other_picture", "WebP", "JPG"),
            (b"GIF89a" + bytes(60), "other_picture", "GIF", "JPG"),
        ],
    )
    def test_what_people_do_choose_is_called_by_its_name(self, data: bytes, code: str, word: str, todo: str) -> None:
        with pytest.raises(NotAnImage) as refused:
            sniff(data)
        assert refused.value.code == code
        assert word in refused.value.say(refused.value.zh)
        assert todo in refused.value.todo_zh

    @pytest.mark.parametrize("before", [b"GIF89a", b"<html>", b"PK\x03\x04", b"MZ" + bytes(100)])
    def test_a_document_that_is_something_else_first(self, before: bytes) -> None:
        with pytest.raises(NotAnImage):
            sniff(before + PDF)

    @pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
    @pytest.mark.parametrize("whole", [JPEG, PNG], ids=["jpeg", "png"])
    def test_a_picture_that_was_cut(self, whole: bytes, share: float) -> None:
        with pytest.raises(Truncated):
            sniff(whole[: int(len(whole) * share)])

    def test_a_picture_of_thirty_thousand_by_thirty_thousand(self) -> None:
        with pytest.raises(TooManyPixels) as refused:
            sniff(hostile.png_bomb())
        assert "30000" in refused.value.say(refused.value.zh)

    def test_a_picture_a_pixel_high_and_without_end(self) -> None:
        with pytest.raises(TooManyPixels):
            sniff(hostile.png_bomb(30_000, 1))

    def test_a_jpeg_whose_header_asks_for_gigabytes(self) -> None:
        raw = bytearray(JPEG)
        at = raw.index(b"\xff\xc0")
        raw[at + 5 : at + 9] = struct.pack(">HH", 65_500, 65_500)
        with pytest.raises(TooManyPixels):
            sniff(bytes(raw))

    def test_an_animation(self) -> None:
        with pytest.raises(NotAnImage):
            sniff(PNG[:33] + hostile.chunk(b"acTL", struct.pack(">II", 9, 0)) + PNG[33:])

    def test_ten_thousand_pages(self) -> None:
        with pytest.raises(TooManyPages) as refused:
            sniff(hostile.tiff_chain(10_000))
        assert str(MAX_FRAMES) in refused.value.say(refused.value.zh)

    def test_pages_that_lead_back_to_the_first(self) -> None:
        with pytest.raises(Truncated):
            sniff(hostile.tiff_chain(3, loop=True))

    def test_a_large_page_behind_a_small_one(self) -> None:
        raw = bytearray(hostile.tiff_chain(2))
        second = raw.rindex(struct.pack("<HHII", 256, 3, 1, 8))
        raw[second + 8 : second + 10] = struct.pack("<H", 65_000)
        with pytest.raises(TooManyPixels):
            sniff(bytes(raw))

    def test_a_picture_without_area(self) -> None:
        with pytest.raises(Truncated):
            sniff(hostile.png_header(0, 100) + hostile.chunk(b"IEND", b""))


@pytest.mark.parametrize("kind", REFUSALS.values(), ids=list(REFUSALS))
def test_every_refusal_says_what_and_what_to_do(kind: type[ScanRefusal]) -> None:
    assert kind.zh and kind.en and kind.todo_zh and kind.todo_en and kind.code


def only_refusals(data: bytes) -> None:
    try:
        claim = sniff(data)
    except ScanRefusal:
        return
    assert claim.kind in ("jpeg", "png", "tiff", "pdf")


@settings(max_examples=300)
@given(
    st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0*", b"%PDF-"]), st.binary(max_size=300)
)
def test_whatever_comes_nothing_but_a_refusal_comes_out(start: bytes, rest: bytes) -> None:
    only_refusals(start + rest)


@settings(max_examples=200)
@given(st.sampled_from([JPEG[:700], PNG[:400], TIFF[:40] + TIFF[-700:], hostile.tiff_chain(4)]), st.data())
def test_real_files_with_bytes_changed(whole: bytes, data: st.DataObject) -> None:
    raw = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 8))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    only_refusals(bytes(raw[: data.draw(st.integers(0, len(raw)))]))


@pytest.mark.parametrize("whole", [JPEG, PNG, TIFF, hostile.tiff_chain(5)], ids=["jpeg", "png", "tiff", "chain"])
def test_thousands_of_broken_files(whole: bytes) -> None:
    rng = random.Random(len(whole))
    for _ in range(5_000):
        raw = bytearray(whole if rng.random() < 0.5 else whole[: rng.randrange(len(whole))])
        for _ in range(rng.randrange(1, 6)):
            if raw:
                raw[rng.randrange(min(len(raw), 700))] = rng.choice((0, 1, 2, 127, 128, 254, 255, rng.randrange(256)))
        only_refusals(bytes(raw))
