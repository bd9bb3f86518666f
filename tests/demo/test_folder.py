"""A demonstration that is broken off while it is filled is whole at the next start; two never share a folder."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.journeys.county import QUIET, County
from villagecall.demo.folder import MADE, FolderBusy, HalfFilled, alone, begin_anew, filling
from villagecall.settings import Settings


@contextmanager
def starting(data: Path) -> Iterator[subprocess.Popen[str]]:
    """A demonstration with its day of cases, as a process; killed in the end."""
    words = [sys.executable, "-m", "villagecall", "demo", "--port", "0", "--data", str(data), "--no-printer"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_one_that_was_killed_while_it_was_filled_begins_anew(tmp_path: Path) -> None:
    data = tmp_path / "demo"
    with starting(data) as first:
        assert first.stderr is not None
        assert any("making a day" in line for line in first.stderr)
    kept = (data / "demonstration.json").read_text(encoding="utf-8")
    county = County(data, printer=False, extra=QUIET)
    county.start()
    try:
        told = (data / "stderr.txt").read_text(encoding="utf-8")
        assert "重新开始" in told
        assert not (data / "filling").exists()
        assert (data / "demonstration.json").read_text(encoding="utf-8") == kept
    finally:
        county.stop()
    assert len(list((data / "papers").iterdir())) == 5


def test_what_is_removed_is_what_filling_made(tmp_path: Path) -> None:
    for name in (*MADE, "seal", "mine"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
    (tmp_path / "demonstration.json").write_text(json.dumps({}), encoding="utf-8")
    begin_anew(Settings(data=tmp_path))
    assert (tmp_path / "blobs").is_dir(), "a whole county stays"
    with pytest.raises(RuntimeError), filling(tmp_path):
        raise RuntimeError
    begin_anew(Settings(data=tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == {"seal", "mine", "demonstration.json"}


def test_a_database_elsewhere_is_never_emptied(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), filling(tmp_path):
        raise RuntimeError
    with pytest.raises(HalfFilled, match="清空设置 database"):
        begin_anew(Settings(data=tmp_path, database="postgresql://county/county"))


def test_two_demonstrations_never_share_a_folder(tmp_path: Path) -> None:
    with alone(tmp_path), pytest.raises(FolderBusy, match="--data"), alone(tmp_path):
        pass
    with alone(tmp_path):
        pass
