"""What a printer's state means and what to do about it (pure). Reasons are IPP keywords (RFC 8011 5.4.12)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from villagecall.case import Model

_SENTENCES: Final = (
    # In the order in which they are told: what stops the paper first.
    ("media-empty", "缺纸:请加纸,打印会自动继续。"),
    ("media-needed", "缺纸:请加纸,打印会自动继续。"),
    ("media-jam", "卡纸:请打开前盖取出卡住的纸,再关好盖子。"),
    ("cover-open", "盖子没关好:请关好盖子。"),
    ("door-open", "盖子没关好:请关好盖子。"),
    ("interlock-open", "盖子没关好:请关好盖子。"),
    ("input-tray-missing", "纸盒没装好:请把纸盒推到底。"),
    ("marker-supply-empty", "墨粉用完:请更换墨粉盒。"),
    ("toner-empty", "墨粉用完:请更换墨粉盒。"),
    ("developer-empty", "显影剂用完:请联系维护人员。"),
    ("output-area-full", "出纸口满了:请取走打印好的纸。"),
    ("offline", "打印机不在线:请检查电源和连接线。"),
    ("connecting-to-device", "正在连接打印机:如一直不动,请检查电源和连接线。"),
    ("timed-out", "打印机没有回应:请关机再开机。"),
    ("shutdown", "打印机已关机:请开机。"),
    ("paused", "打印机已暂停:请在打印机上按继续,或联系管理员。"),
    ("moving-to-paused", "打印机正在暂停。"),
    ("spool-area-full", "打印队列满了:请联系管理员。"),
    ("media-low", "纸快用完:请准备加纸。"),
    ("toner-low", "墨粉快用完:请准备墨粉盒。"),
    ("marker-supply-low", "墨粉快用完:请准备墨粉盒。"),
)
_STATES: Final = {"idle": "就绪。", "printing": "正在打印。", "stopped": "打印机停了:请检查打印机,或联系管理员。"}


class Printer(Model):
    """One queue of an agent. ``state`` is idle, printing or stopped; ``reasons`` are IPP keywords."""

    name: str
    state: str = "idle"
    reasons: tuple[str, ...] = ()
    colour: bool = True


def plain(reason: str) -> str:
    """A reason without its severity: media-empty-warning → media-empty."""
    for severity in ("-report", "-warning", "-error"):
        reason = reason.removesuffix(severity)
    return reason


def sentence(state: str, reasons: Sequence[str]) -> str:
    """What is wrong and what to do, in one sentence; 就绪 when nothing is."""
    present = {plain(reason) for reason in reasons}
    for keyword, zh in _SENTENCES:
        if keyword in present:
            return zh
    return _STATES.get(state, "状态不明:请检查打印机。")
