from __future__ import annotations

import pytest

from villagecall.issuing.printers import plain, sentence, trouble


@pytest.mark.parametrize(
    ("state", "reasons", "word"),
    [
        ("idle", (), "就绪"),
        ("idle", ("none",), "就绪"),
        ("printing", (), "正在打印"),
        ("stopped", (), "停了"),
        ("stopped", ("media-empty-error",), "缺纸"),
        ("printing", ("media-empty-warning",), "缺纸"),
        ("stopped", ("media-jam",), "卡纸"),
        ("stopped", ("cover-open-error",), "盖"),
        ("idle", ("toner-low-report",), "墨粉快用完"),
        ("idle", ("offline-report",), "不在线"),
        ("idle", ("toner-low", "media-empty"), "缺纸"),
        ("unknown", (), "不明"),
        ("idle", ("com.vendor-odd-warning",), "就绪"),
    ],
)
def test_a_printers_state_is_one_sentence(state: str, reasons: tuple[str, ...], word: str) -> None:
    zh, en = sentence(state, reasons)
    assert word in zh
    assert en.isascii(), "the English page shows no Chinese"


def test_no_paper_is_trouble_also_while_the_job_still_runs() -> None:
    assert trouble("printing", ("media-empty-error",))
    assert trouble("stopped", ())
    assert not trouble("printing", ("none", "com.vendor-odd-warning"))


def test_the_severity_is_not_the_reason() -> None:
    assert [plain(each) for each in ("media-jam", "media-jam-error", "media-low-report")] == [
        "media-jam",
        "media-jam",
        "media-low",
    ]
