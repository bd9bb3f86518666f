from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path

import pytest

from tests.issuing.samples import AT, CARD
from villagecall.issuing.commands import register
from villagecall.issuing.render import render
from villagecall.issuing.seal import open_signer
from villagecall.settings import Settings


def call(*words: str) -> int:
    parser = argparse.ArgumentParser()
    register(parser.add_subparsers())
    args = parser.parse_args(words)
    return int(args.run(args))


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    signer = open_signer(Settings(data=tmp_path / "var", demo=True))
    file = tmp_path / "证照.pdf"
    file.write_bytes(asyncio.run(signer.seal(render(CARD), unit=CARD.unit, reason="准予", at=AT)))
    return file


def test_a_genuine_and_a_changed_file(sealed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = str(sealed.parent / "var/seal/root.pem")
    changed = sealed.with_name("changed.pdf")
    changed.write_bytes(sealed.read_bytes().replace(b"0007", b"0008", 1) + b" ")
    assert call("certificate", "verify", "--root", root, str(sealed)) == 0
    assert call("certificate", "verify", "--root", root, str(sealed), str(changed)) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["valid"] for line in lines] == [True, True, False]
    assert lines[0]["number"] == CARD.number
    assert lines[2]["faults"][0]["zh"]


def test_the_installations_own_root_is_found_by_its_settings(sealed: Path) -> None:
    config = sealed.with_name("villagecall.toml")
    config.write_text(f'data = "{sealed.parent}/var"\ndemo = true\n')
    assert call("certificate", "verify", "--config", str(config), str(sealed)) == 0


def test_wrong_use_is_two(sealed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = str(sealed.parent / "var/seal/root.pem")
    empty = tmp_path / "empty.toml"
    empty.write_text(f'data = "{tmp_path}/nothing"\n')
    assert call("certificate", "verify", "--config", str(empty), str(sealed)) == 2
    assert call("certificate", "verify", "--root", root, str(tmp_path / "gone.pdf")) == 2
    assert call("certificate", "verify", "--root", str(tmp_path / "gone.pem"), str(sealed)) == 2
    said = capsys.readouterr()
    assert said.out == "" and "--root" in said.err
