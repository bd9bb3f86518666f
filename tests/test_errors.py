"""Whatever a person can meet has a stable code, a sentence and a way on, in both languages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pkgutil import walk_packages

import pytest

import villagecall
from villagecall.errors import BadRequest, NameTaken, NotFound, Refusal, TooLarge, TooManyRequests, VillagecallError


@cache
def every_refusal() -> tuple[type[Refusal], ...]:
    """All refusals of all rooms."""
    for module in walk_packages(villagecall.__path__, "villagecall."):
        if "migrations" not in module.name and not module.name.endswith("__main__"):
            import_module(module.name)
    return tuple(one for one in _below(Refusal) if one.__module__.startswith("villagecall."))


def _below(root: type[Refusal]) -> Iterator[type[Refusal]]:
    for one in root.__subclasses__():
        yield one
        yield from _below(one)


def faults(refusal: type[Refusal]) -> Iterator[str]:
    """What is wrong with the words of a refusal."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", refusal.code):
        yield f"code {refusal.code!r}"
    if not 400 <= refusal.status < 600:
        yield f"status {refusal.status}"
    for chinese in (refusal.zh, refusal.todo_zh):
        if not re.search(r"[\u4e00-\u9fff]", chinese) or chinese[-1] not in "。!?…}":
            yield f"not a Chinese sentence: {chinese!r}"
    for english in (refusal.en, refusal.todo_en):
        if not re.search(r"[A-Za-z]", english) or re.search(r"[\u4e00-\u9fff]", english):
            yield f"not an English sentence: {english!r}"


def test_each_says_what_happened_and_what_to_do_now() -> None:
    assert len(every_refusal()) > 20
    assert [(refusal.__name__, fault) for refusal in every_refusal() for fault in faults(refusal)] == []


def test_a_code_means_one_thing() -> None:
    """Two rooms may refuse for the same reason, as they do not import each other; the answer is then the same."""
    answers: dict[str, set[int]] = {}
    for refusal in every_refusal():
        answers.setdefault(refusal.code, set()).add(refusal.status)
    assert [code for code, statuses in answers.items() if len(statuses) > 1] == []


def test_its_details_fill_its_sentences() -> None:
    assert TooManyRequests(seconds=7).as_json() == {
        "code": "too_many_requests",
        "zh": "操作太频繁。",
        "en": "Too many requests.",
        "todo_zh": "请等 7 秒再试。",
        "todo_en": "Wait 7 seconds.",
        "details": {"seconds": 7},
    }


def test_a_missing_detail_leaves_the_sentence_readable() -> None:
    assert TooLarge().as_json()["zh"] == "文件太大,超过 … MiB。"


def test_it_can_be_caught_as_its_kind() -> None:
    for raised in (NotFound(), NameTaken(name="number:1"), BadRequest(field="cursor")):
        with pytest.raises(VillagecallError):
            raise raised
        assert json.loads(json.dumps(raised.as_json()))["code"] == raised.code
