"""``villagecall scan inspect`` and ``scan bundle`` as a shell sees them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pikepdf
import pytest
from pikepdf import pdfa

from tests.support import hostile, pages

SMALL = (620, 877)


def villagecall(*words: object, cores: int = 0) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, on so many cores (0 = all there are)."""

    def held() -> None:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])

    code = "import sys; from villagecall.cli import main; sys.exit(main(sys.argv[1:]))"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
        preexec_fn=held if cores else None,
    )


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A form askew, a letter, a feeder's three pages, a document of two."""
    folder = tmp_path_factory.mktemp("papers")
    made = {
        "申请表.jpg": pages.encoded(pages.askew(pages.form(1, SMALL), 3.0), dpi=75),
        "letter.png": pages.encoded(pages.letter(2, SMALL), ".png"),
        "feeder.tiff": hostile.tiff([pages.form(at, SMALL) for at in (3, 4, 5)]),
        "printed.pdf": hostile.saved(hostile.pdf(2, size=(298, 421))),
    }
    for name, data in made.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in made]


class TestInspect:
    def test_a_line_for_each_page_in_the_order_asked(self, papers: list[Path]) -> None:
        done = villagecall("scan", "inspect", *papers)
        assert (done.returncode, done.stderr) == (0, "")
        found = [json.loads(line) for line in done.stdout.splitlines()]
        assert [Path(each["file"]).name for each in found] == [
            "申请表.jpg", "letter.png", *["feeder.tiff"] * 3, *["printed.pdf"] * 2,
        ]  # fmt: skip
        assert set(found[0]) == {"file", "angle", "orientation", "quad", "blank", "quality", "faults", "ms"}
        assert found[0]["angle"] == pytest.approx(3.0, abs=0.1)
        assert [each["page"] for each in found[2:5]] == [1, 2, 3]

    def test_what_is_refused_is_named_and_the_rest_goes_on(self, papers: list[Path], tmp_path: Path) -> None:
        broken = tmp_path / "broken.jpg"
        broken.write_bytes(papers[0].read_bytes()[:5000])
        done = villagecall("scan", "inspect", broken, papers[1])
        assert done.returncode == 1
        assert "broken.jpg: truncated: 这个文件不完整" in done.stderr
        assert "请换一个文件,或重新扫描这份材料。" in done.stderr, "what to do is said"
        assert [Path(json.loads(line)["file"]).name for line in done.stdout.splitlines()] == ["letter.png"]

    def test_wrong_use(self, papers: list[Path], tmp_path: Path) -> None:
        done = villagecall("scan", "inspect", papers[1], tmp_path / "absent.jpg")
        assert (done.returncode, done.stdout) == (2, "")
        assert "absent.jpg" in done.stderr
        assert villagecall("scan", "inspect").returncode == 2

    def test_a_folder_is_told_from_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        folder = tmp_path / "柳溪村 材料"
        folder.mkdir()
        done = villagecall("scan", "inspect", folder)
        assert done.returncode == 2
        assert "这是文件夹" in done.stderr and "没有这个文件" not in done.stderr


class TestBundle:
    def test_every_page_under_its_file(self, papers: list[Path], tmp_path: Path) -> None:
        done = villagecall("scan", "bundle", *papers, "-o", tmp_path / "case.pdf")
        assert (done.returncode, done.stdout) == (0, "")
        assert done.stderr.splitlines()[-1] == "7 / 7 页 pages"
        assert pdfa.validate_written(tmp_path / "case.pdf", "2b").verdict == "pass"
        with pikepdf.open(tmp_path / "case.pdf") as pdf:
            assert pdf.is_linearized
            assert [page.label for page in pdf.pages] == ["封面", *"1234567"]
            with pdf.open_outline() as outline:
                assert [item.title for item in outline.root] == ["封面", "申请表", "letter", "feeder", "printed"]
        assert [each.name for each in tmp_path.iterdir()] == ["case.pdf"]

    def test_the_same_bytes_whoever_finishes_first(self, papers: list[Path], tmp_path: Path) -> None:
        for file in papers:
            os.utime(file)
        for name, cores in (("one.pdf", 1), ("many.pdf", 0)):
            assert villagecall("scan", "bundle", *papers, "-o", tmp_path / name, cores=cores).returncode == 0
        assert (tmp_path / "one.pdf").read_bytes() == (tmp_path / "many.pdf").read_bytes()

    def test_broken_files_are_all_named_and_nothing_is_written(self, papers: list[Path], tmp_path: Path) -> None:
        folder = tmp_path / "out"
        folder.mkdir()
        (folder / "case.pdf").write_bytes(b"of yesterday")
        empty, half = tmp_path / "空.jpg", tmp_path / "半.jpg"
        empty.write_bytes(b"")
        half.write_bytes(papers[0].read_bytes()[:5000])
        done = villagecall("scan", "bundle", papers[0], empty, papers[1], half, "-o", folder / "case.pdf")
        assert done.returncode == 1
        assert "空.jpg: empty_file: 这个文件是空的。" in done.stderr
        assert "半.jpg: truncated: 这个文件不完整" in done.stderr
        assert "4 / 4 页 pages" in done.stderr, "a file that gave no page is not waited for"
        assert "没有写:请先处理上面的文件(2 个)" in done.stderr
        assert [each.read_bytes() for each in folder.iterdir()] == [b"of yesterday"]

    @pytest.mark.parametrize("target", ["absent/case.pdf", "."])
    def test_nowhere_to_write(self, papers: list[Path], tmp_path: Path, target: str) -> None:
        assert villagecall("scan", "bundle", papers[1], "-o", tmp_path / target).returncode == 2
