"""Help is in Chinese and English for every command; a mistyped word gets a sentence that helps."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator

import pytest

from villagecall.cli import main, parser


def commands(of: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """A parser and all below it."""
    yield of
    for action in of._actions:
        if isinstance(action.choices, dict):
            for below in action.choices.values():
                yield from commands(below)


EVERY = list(commands(parser()))


def test_all_of_them_are_there() -> None:
    assert len(EVERY) > 25


@pytest.mark.parametrize("command", EVERY, ids=lambda command: command.prog)
def test_help_is_in_chinese_first_and_in_english(command: argparse.ArgumentParser) -> None:
    own = [action for action in command._actions if action.dest not in ("help", "version")]
    assert [a.dest for a in own if a.help and not re.search(r"[\u4e00-\u9fff].*[A-Za-z]", a.help)] == []
    told = command.format_help()
    assert told.startswith("用法 usage: villagecall")
    assert "显示这段说明 show this help" in told
    assert command.description is not None
    assert re.search(r"[\u4e00-\u9fff].* [A-Za-z]", command.description)
    assert not re.search(r"(?m)^(positional arguments|options):", told)


@pytest.mark.parametrize("command", EVERY, ids=lambda command: command.prog)
def test_no_word_of_a_command_is_left_without_help(command: argparse.ArgumentParser) -> None:
    silent = [action.dest for action in command._actions if not action.help and not isinstance(action.choices, dict)]
    assert silent == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("serv", "没有“serv”这个命令。是不是 serve?"),
        ("nonsense", "没有“nonsense”这个命令。"),
        ("ledger verfy", "是不是 verify?"),
        ("backup", "缺少:TO。"),
        ("demo --prt 4", "不认识:--prt 4。"),
        ("demo --port abc", "“--port”的值写法不对"),
        ("terminal --server", "“--server”后面要写一个值。"),
        ("calendar due --start soon --days 3", "“--start”的值写法不对"),
        ("", "缺少:COMMAND。"),
    ],
)
def test_a_mistyped_word_gets_a_sentence(words: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words.split())
    assert ended.value.code == 2
    chinese, english, way = capsys.readouterr().err.strip().splitlines()
    assert told in chinese
    assert re.match(r"[A-Za-z]", english)
    assert way.endswith("--help")
