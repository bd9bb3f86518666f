"""What a printer's state means and what to do about it (pure). Reasons are IPP keywords (RFC 8011 5.4.12)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pydantic import Field

from villagecall.case import Model

_SENTENCES: Final = (
    # In the order in which they are told: what stops the paper first.
    ("media-empty", "缺纸:请加纸,打印会自动继续。", "Out of paper: add paper, printing goes on by itself."),
    ("media-needed", "缺纸:请加纸,打印会自动继续。", "Out of paper: add paper, printing goes on by itself."),
    (
        "media-jam",
        "卡纸:请打开前盖取出卡住的纸,再关好盖子。",
        "Paper jam: open the front, take the paper out, close it.",
    ),
    ("cover-open", "盖子没关好:请关好盖子。", "A cover is open: close it."),
    ("door-open", "盖子没关好:请关好盖子。", "A cover is open: close it."),
    ("interlock-open", "盖子没关好:请关好盖子。", "A cover is open: close it."),
    ("input-tray-missing", "纸盒没装好:请把纸盒推到底。", "The tray is not in: push it in to the end."),
    ("marker-supply-empty", "墨粉用完:请更换墨粉盒。", "Out of toner: change the cartridge."),
    ("toner-empty", "墨粉用完:请更换墨粉盒。", "Out of toner: change the cartridge."),
    ("developer-empty", "显影剂用完:请联系维护人员。", "Out of developer: call maintenance."),
    ("output-area-full", "出纸口满了:请取走打印好的纸。", "The output is full: take the printed sheets away."),
    ("offline", "打印机不在线:请检查电源和连接线。", "The printer is off line: check power and cable."),
    (
        "connecting-to-device",
        "正在连接打印机:如一直不动,请检查电源和连接线。",
        "Connecting to the printer: if it stays so, check power and cable.",
    ),
    ("timed-out", "打印机没有回应:请关机再开机。", "The printer does not answer: switch it off and on."),
    ("shutdown", "打印机已关机:请开机。", "The printer is off: switch it on."),
    (
        "paused",
        "打印机已暂停:请在打印机上按继续,或联系管理员。",
        "Paused: press resume on the printer, or call the administrator.",
    ),
    ("moving-to-paused", "打印机正在暂停。", "The printer is pausing."),
    ("spool-area-full", "打印队列满了:请联系管理员。", "The queue is full: call the administrator."),
    ("media-low", "纸快用完:请准备加纸。", "Paper is low: have some ready."),
    ("toner-low", "墨粉快用完:请准备墨粉盒。", "Toner is low: have a cartridge ready."),
    ("marker-supply-low", "墨粉快用完:请准备墨粉盒。", "Toner is low: have a cartridge ready."),
)
_STATES: Final = {
    "idle": ("就绪。", "Ready."),
    "printing": ("正在打印。", "Printing."),
    "stopped": (
        "打印机停了:请检查打印机,或联系管理员。",
        "The printer stopped: look at it, or call the administrator.",
    ),
}


class Printer(Model):
    """One queue of an agent. ``state`` is idle, printing or stopped; ``reasons`` are IPP keywords."""

    name: str
    state: str = "idle"
    reasons: tuple[str, ...] = ()
    colour: bool = True
    label: str = Field(default="", max_length=200)
    """What people call it, from its description and location in CUPS; empty where nobody wrote one."""


def plain(reason: str) -> str:
    """A reason without its severity: media-empty-warning → media-empty."""
    for severity in ("-report", "-warning", "-error"):
        reason = reason.removesuffix(severity)
    return reason


def trouble(state: str, reasons: Sequence[str]) -> bool:
    """Whether somebody has to look after it, now or soon; keywords nobody has a sentence for are no trouble."""
    present = {plain(reason) for reason in reasons}
    return state == "stopped" or any(keyword in present for keyword, _, _ in _SENTENCES)


def sentence(state: str, reasons: Sequence[str]) -> tuple[str, str]:
    """What is wrong and what to do, one sentence in Chinese and in English; 就绪 when nothing is."""
    present = {plain(reason) for reason in reasons}
    for keyword, zh, en in _SENTENCES:
        if keyword in present:
            return zh, en
    return _STATES.get(state, ("状态不明:请检查打印机。", "State unknown: look at the printer."))
