"""docker-compose.yml brings up a county: what it sets must be what the application knows."""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from villagecall.settings import PREFIX, Settings, SettingsError, load

ROOT = Path(__file__).parent.parent
KNOWN = {PREFIX + field.name.upper() for field in fields(Settings)}


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return loaded


def example_env() -> dict[str, str]:
    lines = (ROOT / "deploy/county.env.example").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_every_setting_it_gives_is_known_and_readable() -> None:
    given = {key: str(value) for key, value in compose()["services"]["app"]["environment"].items()}
    assert set(given) <= KNOWN
    assert load(environ=given).behind_tls is True


def test_every_setting_of_the_example_file_is_known() -> None:
    assert set(example_env()) <= KNOWN


def test_nothing_a_county_needs_is_left_to_the_demonstration() -> None:
    given = {*compose()["services"]["app"]["environment"], *example_env()}
    needed = {"database", "redis", "blobs", "s3_key", "s3_secret", "vault_keys", "vault_token_key", "seal_pkcs12",
              "seal_password", "tsa_url", "turn_url", "turn_secret", "public_url", "behind_tls"}  # fmt: skip
    assert {PREFIX + name.upper() for name in needed} <= given
    assert PREFIX + "DEMO" not in given


def test_the_parts_of_a_county_are_all_there() -> None:
    assert {"postgres", "redis", "s3", "turn", "proxy", "app"} <= set(compose()["services"])


def test_every_part_comes_back_after_a_restart() -> None:
    assert all(service["restart"] == "unless-stopped" for service in compose()["services"].values())


def test_no_part_reports_to_its_makers() -> None:
    """SeaweedFS sends anonymous statistics unless it is told not to."""
    assert "-master.telemetry=false" in compose()["services"]["s3"]["command"]


def test_no_secret_stands_in_the_file() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    for name in re.findall(r"(?im)^\s*\S*(?:password|secret|key)\S*[:=]\s*(\S+)", text):
        assert name.startswith("${"), name


def locked(name: str) -> dict[str, str]:
    """The packages of a lock file with their versions."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return dict(re.findall(r"(?m)^([\w.-]+)==([^\s;]+)", text))


def asked(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=;]", line)[0].strip() for line in requirements}


def test_the_image_gets_what_runs_and_nothing_that_only_tests_or_builds() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    everything, image = locked("requirements.lock"), locked("requirements-app.lock")
    assert image.items() <= everything.items()
    assert asked(project["project"]["dependencies"]) <= set(image)
    with_libraries_that_run = {"jsonschema", "pyyaml"}
    assert asked(project["dependency-groups"]["dev"]) & set(image) == with_libraries_that_run
    assert "requirements-app.lock" in (ROOT / "Dockerfile").read_text(encoding="utf-8")


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-app.lock"])
def test_one_package_only_brings_cv2(lock: str) -> None:
    """Two would write the same folder one over the other."""
    assert [name for name in locked(lock) if name.startswith("opencv")] == ["opencv-python-headless"]


def test_no_secret_of_the_folder_reaches_whoever_builds_the_image() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert next(line for line in lines if line and not line.startswith("#")) == "*"
    allowed = {line.removeprefix("!") for line in lines if line.startswith("!")}
    copied = re.findall(r"(?m)^COPY (\S+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    assert allowed == set(copied)


def test_the_healthcheck_asks_what_the_server_answers() -> None:
    assert "/readyz" in (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_every_setting_is_described_for_the_administrator() -> None:
    text = (ROOT / "docs/OPERATIONS.md").read_text(encoding="utf-8")
    assert [field.name for field in fields(Settings) if f"`{field.name}`" not in text] == []


def test_a_misspelt_setting_is_refused_by_name() -> None:
    with pytest.raises(SettingsError, match="vault_kes"):
        load(environ={PREFIX + "VAULT_KES": "x"})
