"""Settings: defaults, a file, the environment; what is misspelt or unreadable stops the start by its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from villagecall.settings import Settings, SettingsError, load


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "village.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_without_anything_the_embedded_installation_runs() -> None:
    settings = load(None, {})
    assert settings == Settings()
    assert not settings.demo
    assert settings.host == "127.0.0.1"


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, 'port = 9000\nhost = "192.0.2.7"\nbehind_tls = true\n')
    settings = load(file, {"VILLAGECALL_PORT": "9001", "PATH": "/bin", "OTHER_PORT": "1"})
    assert (settings.port, settings.host, settings.behind_tls) == (9001, "192.0.2.7", True)


@pytest.mark.parametrize("key", ["prot", "PORT", "data_base"])
def test_a_misspelt_setting_is_named(tmp_path: Path, key: str) -> None:
    with pytest.raises(SettingsError, match=key):
        load(written(tmp_path, f"{key} = 1\n"), {})


def test_a_misspelt_variable_is_named() -> None:
    with pytest.raises(SettingsError, match="prot"):
        load(None, {"VILLAGECALL_PROT": "1"})


@pytest.mark.parametrize("value", ["1", "true", "True", "YES", "yes"])
def test_yes(value: str) -> None:
    assert load(None, {"VILLAGECALL_DEMO": value}).demo


@pytest.mark.parametrize("value", ["0", "false", "no", ""])
def test_no(value: str) -> None:
    assert not load(None, {"VILLAGECALL_DEMO": value}).demo


@pytest.mark.parametrize(("name", "value"), [("DEMO", "perhaps"), ("PORT", "http"), ("PORT", "")])
def test_an_unreadable_value_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name.lower()):
        load(None, {f"VILLAGECALL_{name}": value})


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="nowhere"):
        load(tmp_path / "nowhere.toml", {})
    with pytest.raises(SettingsError, match=r"village\.toml"):
        load(written(tmp_path, "port = = 1"), {})


def test_paths_may_be_empty_where_they_are_optional() -> None:
    assert load(None, {"VILLAGECALL_SEAL_PKCS12": ""}).seal_pkcs12 is None
    assert load(None, {"VILLAGECALL_SEAL_PKCS12": "/etc/seal.p12"}).seal_pkcs12 == Path("/etc/seal.p12")


def test_an_empty_data_folder_is_refused_in_words(tmp_path: Path) -> None:
    """An empty variable would otherwise spread the database over the folder that one happens to stand in."""
    with pytest.raises(SettingsError, match="'data' is empty; give a folder"):
        load(None, {"VILLAGECALL_DATA": ""})
    with pytest.raises(SettingsError, match="'data' is empty; give a folder"):
        load(written(tmp_path, 'data = ""'), {})


def test_no_secret_is_shown_when_settings_are_printed() -> None:
    names = ("vault_keys", "vault_token_key", "s3_secret", "seal_password", "turn_secret", "database", "redis")
    secrets: dict[str, Any] = {name: f"secret-of-{name}" for name in names}
    told = repr(Settings(**secrets, host="192.0.2.1"))
    assert "192.0.2.1" in told
    assert "secret-of" not in told


def test_where_things_are_kept() -> None:
    embedded = Settings(data=Path("/var/lib/village"))
    assert embedded.database_url == "sqlite:////var/lib/village/villagecall.db"
    assert embedded.blobs_spec == "/var/lib/village/blobs"
    county = Settings(database="postgresql://db/village", blobs="s3://village?endpoint=http://s3")
    assert (county.database_url, county.blobs_spec) == (county.database, county.blobs)


def test_how_browsers_reach_it() -> None:
    assert Settings(port=8080).base_url == "http://localhost:8080"
    assert Settings(public_url="https://bn.example.gov.cn/").base_url == "https://bn.example.gov.cn"
