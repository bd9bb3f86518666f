"""The words of the command line: help in Chinese and English, and a sentence for what was mistyped."""

from __future__ import annotations

import argparse
import difflib
import re
from typing import TYPE_CHECKING, Any, NoReturn

_HEADINGS = {
    "usage: ": "用法 usage: ",
    "positional arguments:": "参数 arguments:",
    "options:": "选项 options:",
    "show this help message and exit": "显示这段说明 show this help",
    "show program's version number and exit": "显示版本 show the version",
}

_MISTAKES = (
    (r"argument .*: invalid choice: '(?P<word>.*?)' \(choose from (?P<known>.*)\)", "没有“{word}”这个命令。{near}"),
    (r"the following arguments are required: (?P<word>.*)", "缺少:{word}。"),
    (r"unrecognized arguments: (?P<word>.*)", "不认识:{word}。"),
    (r"argument (?P<word>.*?): expected .*", "“{word}”后面要写一个值。"),
    (r"argument (?P<word>.*?): (?:invalid .* value: )?(?P<known>.*)", "“{word}”的值写法不对:{known}。"),
)
"""What argparse says of a mistake, and how it is said here."""


if TYPE_CHECKING:
    _Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]
else:
    _Subparsers = argparse._SubParsersAction


class _Commands(_Subparsers):
    """What a command is for stands above its own help too, not only in the list of commands."""

    def add_parser(self, name: str, **about: Any) -> Any:
        about.setdefault("description", about.get("help"))
        return super().add_parser(name, **about)


class Parser(argparse.ArgumentParser):
    """The standard parser, speaking Chinese first."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.register("action", "parsers", _Commands)

    def format_help(self) -> str:
        text = super().format_help()
        for english, both in _HEADINGS.items():
            text = text.replace(english, both, 1)
        return text

    def error(self, message: str) -> NoReturn:
        """Says what is wrong with the words, in both languages, and where help is; exit status 2."""
        self.exit(2, f"{self.prog}: {mistake(message)}\n{message}\n{self.prog} --help\n")


def mistake(message: str) -> str:
    """argparse's English sentence in Chinese, with the nearest command where one was mistyped."""
    for pattern, chinese in _MISTAKES:
        if found := re.fullmatch(pattern, message):
            words = found.groupdict()
            known = re.findall(r"[\w-]+", words.get("known") or "")
            near = difflib.get_close_matches(words["word"], known, n=1, cutoff=0.5)
            return chinese.format(**words, near=f"是不是 {near[0]}?" if near else "")
    return "命令的写法不对。"
