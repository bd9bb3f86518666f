"""What hinders the start is said in a sentence, not in a traceback."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.real.postgres import PostgresServer
from tests.support.site import settings_for
from villagecall.app import PortTaken, listening, open_services, tell_silent, try_port
from villagecall.cli import main
from villagecall.demo import seed
from villagecall.settings import PREFIX, load

KEY, OTHER = "11" * 32, "22" * 32


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """An installation's settings, as its administrator has them in the environment."""
    for name, value in {"data": tmp_path / "data", "vault_keys": f"a:{KEY}", "vault_token_key": KEY, "demo": 1}.items():
        monkeypatch.setenv(PREFIX + name.upper(), str(value))
    yield monkeypatch


def said(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    """What a command that cannot run says: its code, a Chinese line, an English line."""
    assert main(command) == 2
    out, err = capsys.readouterr()
    assert out == ""
    chinese, english = err.strip().splitlines()
    assert chinese.startswith("villagecall: ") and chinese.endswith("。")
    assert english.endswith(".")
    return err


def test_a_port_that_is_taken_is_named_with_a_way_on(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port: int = other.getsockname()[1]
        command = [sys.executable, "-m", "villagecall", "demo", "--no-day", "--no-printer", "--data", str(tmp_path)]
        ended = subprocess.run([*command, "--port", str(port)], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert f"端口 {port} 不能使用" in ended.stderr
    assert "port_taken" in ended.stderr
    assert not (tmp_path / "villagecall.db").exists(), "said before the county is filled, which takes minutes"
    assert "choose another port" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("port", [-1, 65_536, 99_999])
async def test_a_port_that_there_cannot_be_is_refused(tmp_path: Path, port: int) -> None:
    async with open_services(settings_for(tmp_path, port=port), work=False) as services:
        with pytest.raises(PortTaken, match=str(port)):
            async with listening(services):
                pass


def test_the_server_says_it_as_every_command_does(installation: pytest.MonkeyPatch) -> None:
    installation.setenv(PREFIX + "DATABASE", f"postgresql://county:hidden-word@127.0.0.1:{free_port()}/county")
    command = [sys.executable, "-m", "villagecall", "serve"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert "villagecall: part_silent: 数据库没有响应" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "hidden-word" not in ended.stderr


def test_a_port_that_there_cannot_be_is_refused_before_the_county_is_filled(tmp_path: Path) -> None:
    with pytest.raises(PortTaken, match="99999"):
        try_port(settings_for(tmp_path, port=99_999))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


@pytest.mark.parametrize(
    "command", ["county password admin", "migrate", "ledger verify", "vault rotate", "backup elsewhere"]
)
def test_a_database_that_is_down_is_named(
    installation: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str
) -> None:
    port = free_port()
    installation.chdir(tmp_path)
    installation.setenv(PREFIX + "DATABASE", f"postgresql://county:hidden-word@127.0.0.1:{port}/county")
    told = said(capsys, *command.split())
    assert "part_silent: 数据库没有响应" in told
    assert str(port) in told and "database" in told
    assert "hidden-word" not in told


async def test_a_database_that_knows_no_such_name_or_password_is_named(
    installation: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], postgres: PostgresServer
) -> None:
    installation.setenv(PREFIX + "DATABASE", postgres.url("nowhere"))
    told = await asyncio.to_thread(said, capsys, "migrate")
    assert "part_silent: 数据库没有响应" in told
    assert '"nowhere"' in told


@pytest.mark.parametrize("url", ["nonsense", "mysql://a:hidden-word@h/x", "postgresql://a:hidden-word@h:port/x"])
def test_an_address_that_is_no_databases_is_named(
    installation: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str
) -> None:
    installation.setenv(PREFIX + "DATABASE", url)
    told = said(capsys, "ledger", "verify")
    assert "设置 database 有误" in told and "postgresql://user" in told
    assert "hidden-word" not in told


def test_an_address_that_is_no_redis_is_named(
    installation: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    installation.setenv(PREFIX + "REDIS", "http://127.0.0.1/")
    assert "设置 redis 有误" in said(capsys, "ledger", "verify")


def test_a_store_without_a_bucket_is_named(
    installation: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    installation.setenv(PREFIX + "BLOBS", "s3://?endpoint=http://127.0.0.1:9")
    assert "设置 blobs 有误" in said(capsys, "ledger", "verify")


async def test_a_server_goes_on_without_redis_and_s3_and_says_which_is_silent(tmp_path: Path) -> None:
    """Both are taken up by themselves as soon as they answer; a whole county's machines may start at once."""
    port = free_port()
    absent = {"redis": f"redis://127.0.0.1:{port}/0", "blobs": f"s3://county?endpoint=http://127.0.0.1:{port}"}
    async with open_services(settings_for(tmp_path, **absent), work=False) as services:
        with structlog.testing.capture_logs() as logs:
            assert await tell_silent(services) == ["bus", "blobs"]
    assert [line["zh"][:4] for line in logs if line["event"] == "part_silent"] == ["消息总线", "文件存储"]
    async with open_services(settings_for(tmp_path), work=False) as services:
        assert await tell_silent(services) == []


@pytest.mark.parametrize("folder", ["a file", "a file/below", "/proc"])
def test_a_data_folder_that_cannot_be_written_is_named(
    installation: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, folder: str
) -> None:
    (tmp_path / "a file").touch()
    installation.setenv(PREFIX + "DATA", str(tmp_path / folder))
    told = said(capsys, "ledger", "verify")
    assert "folder_not_writable" in told and str(tmp_path / folder) in told
    assert "folder_not_writable" in said(capsys, "demo", "--data", str(tmp_path / folder))


@pytest.mark.parametrize("keys", [f"b:{KEY}", f"a:{OTHER}", f"b:{OTHER}"])
async def test_a_vault_key_that_opens_nothing_is_named(
    installation: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, keys: str
) -> None:
    async with open_services(load(), work=False) as services:
        county = seed.load()
        for unit in county.units:
            await services.directory.put_unit(unit)
        await services.directory.put_person(county.people[0])
    installation.setenv(PREFIX + "VAULT_KEYS", keys)
    told = await asyncio.to_thread(said, capsys, "ledger", "verify")
    assert "vault_key_wrong" in told and "不要删除数据" in told


@pytest.mark.parametrize(
    ("name", "value"),
    [("vault_keys", ""), ("vault_keys", "abc"), ("vault_keys", "a:zz"), ("vault_token_key", ""), ("vault_keys", "a:11"),
     ("seal_pkcs12", "/nowhere.p12"), ("media_ports", "many"), ("nonsense", "1")],
)  # fmt: skip
def test_a_setting_that_is_missing_or_unreadable_is_named(
    installation: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    installation.setenv(PREFIX + name.upper(), value)
    told = said(capsys, "ledger", "verify")
    assert "setting_refused" in told and name in told
