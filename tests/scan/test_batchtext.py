"""``villagecall scan bundle --text``: a case file that can be searched, by the real recogniser."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.scan.test_commands import SMALL, villagecall
from tests.support import hostile, pages
from villagecall.case import Verdict
from villagecall.demo import papers
from villagecall.scan.batch import OnDisk
from villagecall.scan.batchtext import text_of

WHO = papers.Bearer("欧阳海燕", "11010519491231002X", "青禾区柳溪镇白杨树湾三组 12 号")


def pages_of(pdf: Path) -> list[str]:
    told = subprocess.run(["pdftotext", "-f", "2", pdf, "-"], capture_output=True, check=True, timeout=30)
    return told.stdout.decode().split("\f")[:-1]


def test_each_page_has_its_own_text_and_an_empty_one_has_none(tmp_path: Path) -> None:
    card, feeder, out = tmp_path / "身份证.jpg", tmp_path / "feeder.tiff", tmp_path / "case.pdf"
    card.write_bytes(papers.jpeg(papers.upside_down(papers.idcard(WHO))))
    feeder.write_bytes(hostile.tiff([pages.blank(4, size=SMALL), papers.askew(papers.form("申请表", WHO), 4.0)]))
    done = villagecall("scan", "bundle", card, feeder, "-o", out, "--text")
    assert done.returncode == 0, done.stderr
    first, blank, form = pages_of(out)
    assert "11010519491231002X" in first
    assert blank.strip() == ""
    assert "本人承诺所填内容真实" in form
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == [], "nothing is left lying about"


def test_a_page_that_nobody_asked_to_read_has_no_text(tmp_path: Path) -> None:
    assert text_of(OnDisk(tmp_path / "000000-000000", 10, 10, 0, Verdict(ok=True))) == ()
