"""The rules of the house that a reader relies on: sizes, what is shipped, and that the pages of docs/ are true."""

from __future__ import annotations

import argparse
import ast
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

from villagecall.cli import parser
from villagecall.http.context import HANDLERS
from villagecall.http.server import check_handlers
from villagecall.http.table import ROUTES

ROOT = Path(__file__).parent.parent
SOURCE = (".py", ".ts", ".vue", ".css", ".sh")
MADE = {"node_modules", "__pycache__", "dist"}
LONGEST = 400
DOCS = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


def sources() -> Iterator[Path]:
    """Every file that somebody wrote."""
    for room in ("villagecall", "tests", "bench", "web", "tools"):
        for folder, below, names in os.walk(ROOT / room):
            here = Path(folder)
            below[:] = [name for name in below if name not in MADE and here / name != ROOT / "villagecall/http/pages"]
            yield from (here / name for name in names if name.endswith(SOURCE))


@cache
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def named(requirement: str) -> str:
    """``Name[extra]>=1`` as ``name``."""
    found = re.match(r"[\w.-]+", requirement)
    assert found, requirement
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def short(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# ---------------------------------------------------------------- sizes


def test_no_file_is_longer_than_one_reads_at_a_sitting() -> None:
    lengths = {short(file): len(file.read_text(encoding="utf-8").splitlines()) for file in sources()}
    assert len(lengths) > 200
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


# ---------------------------------------------------------------- what is shipped


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """The wheel as an administrator builds it: what is in it, and how large."""
    to = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet"]
    subprocess.run([*pip, "--disable-pip-version-check", "--wheel-dir", str(to), str(ROOT)], check=True, timeout=100)
    (built,) = to.glob("villagecall-*.whl")
    with zipfile.ZipFile(built) as archive:
        return {entry.filename: entry.file_size for entry in archive.infolist()}


def test_the_wheel_contains_the_built_pages(wheel: dict[str, int]) -> None:
    pages = {name for name in wheel if name.startswith("villagecall/http/pages/")}
    for page in ("terminal", "desk", "admin", "public", "second"):
        assert wheel[f"villagecall/http/pages/{page}.html"] > 200
    assert any(name.endswith(".js") for name in pages)
    assert any(name.endswith(".css") for name in pages)


def test_the_wheel_contains_every_file_of_the_package_and_nothing_else(wheel: dict[str, int]) -> None:
    package = ROOT / "villagecall"
    files = {short(file) for file in package.rglob("*") if file.is_file() and "__pycache__" not in file.parts}
    shipped = {name for name in wheel if name.startswith("villagecall/")}
    hidden = {name for name in files if Path(name).name.startswith(".")}
    assert files - hidden - shipped == set()
    assert {name.split("/")[0] for name in wheel if ".dist-info/" not in name} == {"villagecall"}


def imported(file: Path) -> Iterator[str]:
    """Top names of what a file imports from outside."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [node.module]
        yield from (name.split(".")[0] for name in names)


def test_what_the_package_imports_is_installed_with_it() -> None:
    """Not with the tests, and not by the grace of another package."""
    facts = project()["project"]
    given = {named(one) for one in (*facts["dependencies"], *facts["optional-dependencies"]["terminal"])}
    bring, missing = packages_distributions(), {}
    for file in (ROOT / "villagecall").rglob("*.py"):
        for top in imported(file):
            if top != "villagecall" and top not in sys.stdlib_module_names:
                brought = {named(name) for name in bring.get(top, [top])}
                if not brought & given:
                    missing[top] = short(file)
    assert missing == {}


def test_the_lock_has_hashes_and_no_index() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert re.findall(r"--(?:extra-)?index-url|--find-links|--trusted-host", text) == []
    pinned = re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==", text, re.MULTILINE)
    blocks = re.split(r"^(?=[\w.-]+(?:\[[\w,-]+\])?==)", text, flags=re.MULTILINE)[1:]
    assert len(pinned) == len(blocks) > 50
    assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []
    wanted = {named(one) for one in project()["project"]["dependencies"]}
    assert wanted - {named(name) for name in pinned} == set()


def test_no_lock_file_names_an_address() -> None:
    """Where packages come from is the installer's own setting; nor does a lock carry whom to pay for them."""
    locks = [file for pattern in ("*.lock", "web/*lock*") for file in ROOT.glob(pattern)]
    assert {"requirements.lock", "web/package-lock.json"} <= {short(file) for file in locks}
    addresses = {short(file): re.findall(r"\w+://\S*", file.read_text(encoding="utf-8")) for file in locks}
    assert {name: found for name, found in addresses.items() if found} == {}


# ---------------------------------------------------------------- tables


def test_every_route_has_its_handler_and_every_handler_its_route() -> None:
    assert sorted(HANDLERS) == sorted(route.op for route in ROUTES)
    check_handlers()


# ---------------------------------------------------------------- docs


def commands(top: argparse.ArgumentParser, before: str = "villagecall") -> Iterator[str]:
    """Every whole command: ``villagecall scan inspect`` and not ``villagecall scan``."""
    below = [action for action in top._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        yield before
    for action in below:
        for name, sub in action.choices.items():
            yield from commands(sub, f"{before} {name}")


def test_the_operations_page_names_every_command() -> None:
    text = " ".join((ROOT / "docs/OPERATIONS.md").read_text(encoding="utf-8").split())
    assert [command for command in commands(parser()) if f"`{command}" not in text and f"| {command}" not in text] == []


def test_no_page_names_a_command_that_is_not_there() -> None:
    known = {word for command in commands(parser()) for word in [" ".join(command.split()[:2])]}
    for page in DOCS:
        for name in re.findall(r"`villagecall ([a-z]+)", page.read_text(encoding="utf-8")):
            assert f"villagecall {name}" in known, short(page)


def test_every_make_target_that_a_page_names_is_there() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert {"setup", "demo", "test", "lint", "bench", "pages", "clean"} <= targets
    for page in DOCS:
        named_ = re.findall(r"(?:^ +|`)make ([a-z]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert set(named_) <= targets, short(page)


def test_every_link_and_path_in_the_docs_leads_somewhere() -> None:
    lost = []
    for page in DOCS:
        text = page.read_text(encoding="utf-8")
        links = [page.parent / link for link in re.findall(r"\]\((?!\w+://|#)([^)#\s]+)", text)]
        paths = re.findall(r"`((?:villagecall|tests|docs|deploy|tools|bench|web)/[\w./-]+)`", text)
        lost += [f"{short(page)}: {path}" for path in links if not path.exists()]
        lost += [f"{short(page)}: {path}" for path in paths if not (ROOT / path).exists() and path not in MADE_BY_HAND]
    assert lost == []


MADE_BY_HAND = {"deploy/county.env", "deploy/s3.json", "deploy/tls/", "deploy/seal.p12"}
"""Secrets of an installation: named by the pages, in no repository."""


def test_the_index_names_every_page() -> None:
    index = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert [name for name in sorted(pages) if f"({name})" not in index] == []


def test_decisions_are_short_numbered_once_and_titled() -> None:
    numbers: dict[str, str] = {}
    for page in sorted((ROOT / "docs/decisions").glob("*.md")):
        number, lines = page.name[:4], page.read_text(encoding="utf-8").splitlines()
        assert re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", page.name), page.name
        assert number not in numbers, (page.name, numbers.get(number))
        assert lines[0].startswith(f"# {number}"), page.name
        assert len(lines) <= 60, page.name
        numbers[number] = page.name
    assert len(numbers) > 10
