"""What hinders the start is said in a sentence, not in a traceback."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.site import settings_for
from villagecall.app import PortTaken, listening, open_services
from villagecall.cli import main


def test_a_port_that_is_taken_is_named_with_a_way_on(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port: int = other.getsockname()[1]
        command = [sys.executable, "-m", "villagecall", "demo", "--no-day", "--no-printer", "--data", str(tmp_path)]
        ended = subprocess.run([*command, "--port", str(port)], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert f"端口 {port} 不能使用" in ended.stderr
    assert "choose another port" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("port", [-1, 65_536, 99_999])
async def test_a_port_that_there_cannot_be_is_refused(tmp_path: Path, port: int) -> None:
    async with open_services(settings_for(tmp_path, port=port), work=False) as services:
        with pytest.raises(PortTaken, match=str(port)):
            async with listening(services):
                pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a file"
    file.touch()
    assert main(["demo", "--data", str(file)]) == 2
    assert str(file) in capsys.readouterr().err
