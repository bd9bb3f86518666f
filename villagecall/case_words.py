"""The words of a case: its states and what each action means, in Chinese and English (pure).

Sentences are filled from the action's own payload, which holds no personal data.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

from villagecall.journal import JSON

LOCAL = timezone(timedelta(hours=8), "Asia/Shanghai")
"""China keeps one time without summer time since 1991: a fixed offset needs no zone file."""


class Words(NamedTuple):
    zh: str
    en: str


STATES: Mapping[str, Words] = {
    "draft": Words("草稿", "Draft"),
    "submitted": Words("已收件", "Received"),
    "correction": Words("待补正", "To be corrected"),
    "accepted": Words("已受理", "Accepted"),
    "in_review": Words("审查中", "In review"),
    "approved": Words("准予", "Approved"),
    "refused": Words("不予", "Refused"),
    "issued": Words("已出证", "Certificate issued"),
    "printed": Words("已打印", "Printed"),
    "delivered": Words("已送达", "Handed over"),
    "closed": Words("办结", "Closed"),
    "archived": Words("归档", "Archived"),
    "withdrawn": Words("已撤回", "Withdrawn"),
    "not_accepted": Words("不予受理", "Not accepted"),
    "suspended": Words("挂起", "Suspended"),
    "terminated": Words("终止", "Terminated"),
}

TODO: Mapping[str, Words] = {
    "draft": Words("请到村便民服务室继续填写和扫描。", "Go on at the village's service room."),
    "submitted": Words("不用做什么,等待受理。", "Nothing to do; acceptance follows."),
    "correction": Words("请按下面列出的各项补齐,带到村便民服务室。", "Bring what is listed below to the village."),
    "accepted": Words("不用做什么,窗口会按承诺时限办理。", "Nothing to do; the window decides within the limit."),
    "in_review": Words("不用做什么,正在审查。", "Nothing to do; it is being reviewed."),
    "approved": Words("已准予,证照正在制作。", "Approved; the certificate is being made."),
    "refused": Words("请到村便民服务室领取写明理由的决定书。", "Collect the written decision with its reasons."),
    "issued": Words("请到村便民服务室领取证照。", "Collect the certificate at the village."),
    "printed": Words("请到村便民服务室领取证照。", "Collect the certificate at the village."),
    "delivered": Words("已经交到您手上,欢迎评价。", "It is in your hands; you may rate the service."),
    "closed": Words("已办结。", "Finished."),
    "archived": Words("已办结。", "Finished."),
    "withdrawn": Words("已按您的要求撤回,可以重新申请。", "Withdrawn as you asked; you may apply again."),
    "not_accepted": Words("请到村便民服务室领取写明理由的通知书。", "Collect the written notice with its reasons."),
    "suspended": Words("审查暂停,恢复时会通知。", "On hold; you will be told when it goes on."),
    "terminated": Words("已终止。", "Ended."),
}

KINDS: Mapping[str, Words] = {
    "case.opened": Words("新建办件", "Case opened"),
    "applicant.entered": Words("登记申请人", "Applicant entered"),
    "form.filled": Words("填写表单", "Form filled"),
    "applicant.revealed": Words("查看完整个人信息,用途:{purpose}", "Looked at full personal data for: {purpose}"),
    "file.received": Words("收到一个文件", "File received"),
    "file.read": Words("文件识别完成,共 {frames} 页", "File read, {frames} pages"),
    "file.refused": Words("一个文件不能识别", "A file could not be read"),
    "page.added": Words("扫描一页", "Page scanned"),
    "page.judged": Words("检查或转正一页", "Page judged or turned"),
    "page.matched": Words("发现可能重复扫描的一页", "Page found to be scanned twice"),
    "page.read": Words("识别一页的文字", "Text of a page read"),
    "page.removed": Words("删除一页", "Page removed"),
    "case.submitted": Words("提交,受理编号 {number}", "Submitted, number {number}"),
    "case.accepted": Words("受理", "Accepted"),
    "case.claimed": Words("认领", "Claimed"),
    "case.released": Words("放回队列", "Released"),
    "case.reviewed": Words("初审通过,交另一人决定", "Reviewed; another person decides"),
    "case.passed_up": Words("初审通过,报区级部门", "Reviewed and passed up"),
    "case.approved": Words("准予", "Approved"),
    "case.refused": Words("不予:{sentence}", "Refused: {sentence}"),
    "case.returned": Words("一次性告知,需补正 {count} 处", "Returned with all {count} defects"),
    "case.withdrawn": Words("撤回:{reason}", "Withdrawn: {reason}"),
    "call.requested": Words("请求视频", "Call requested"),
    "call.consented": Words("申请人同意录音录像", "Applicant agreed to being recorded"),
    "call.invited": Words("邀请区级部门进入视频", "Department invited into the call"),
    "call.joined": Words("进入视频", "Joined the call"),
    "call.left": Words("离开视频", "Left the call"),
    "call.ended": Words("视频结束", "Call ended"),
    "page.shown": Words("在视频中查看一页", "Looked at a page in the call"),
    "recording.closed": Words("保存录音录像", "Recording kept"),
    "certificate.issued": Words("出证", "Certificate issued"),
    "voucher.issued": Words("出具书面凭证", "Written voucher issued"),
    "print.ticketed": Words("打印", "Print ordered"),
    "print.reported": Words("打印机状态:{state}", "Printer reports: {state}"),
    "case.delivered": Words("送达并签收", "Handed over and signed for"),
    "case.rated": Words("评价:{level} 级", "Rated: level {level}"),
    "case.closed": Words("办结", "Closed"),
}

DAYBOOK: frozenset[str] = frozenset(
    {
        "case.submitted",
        "case.reviewed",
        "case.passed_up",
        "case.approved",
        "case.refused",
        "case.returned",
        "case.withdrawn",
        "call.requested",
        "certificate.issued",
        "voucher.issued",
        "print.ticketed",
        "case.delivered",
        "case.rated",
    }
)
"""What has a line in the village's day book (记录台账)."""

RATINGS: Mapping[int, Words] = {
    5: Words("非常满意", "Very satisfied"),
    4: Words("满意", "Satisfied"),
    3: Words("基本满意", "Fairly satisfied"),
    2: Words("不满意", "Dissatisfied"),
    1: Words("非常不满意", "Very dissatisfied"),
}
"""The five levels of 好差评 (国办发〔2019〕51号)."""


PRINTS: Mapping[str, Words] = {
    "fetched": Words("已取件", "document fetched"),
    "queued": Words("排队", "queued"),
    "printing": Words("正在打印", "printing"),
    "held": Words("被暂停", "held"),
    "stopped": Words("打印机停了", "the printer stopped"),
    "done": Words("已打完", "printed"),
    "aborted": Words("没打成", "not printed"),
    "canceled": Words("已取消", "canceled"),
}
"""What a printer says of a job (RFC 8011, 5.3.7), and that the document was fetched."""


class _Open(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "…"


def say(kind: str, payload: Mapping[str, JSON]) -> Words:
    """One sentence of the history for an action."""
    words = KINDS.get(kind, Words(kind, kind))
    filled = _Open(payload)
    if isinstance(level := payload.get("level"), int) and kind == "case.rated":
        return Words(f"评价:{RATINGS[level].zh}", f"Rated: {RATINGS[level].en.lower()}")
    if kind == "print.reported" and (state := PRINTS.get(str(payload.get("state")))):
        return Words(words.zh.format(state=state.zh), words.en.format(state=state.en))
    if isinstance(defects := payload.get("defects"), list):
        filled["count"] = len(defects)
    return Words(words.zh.format_map(filled), words.en.format_map(filled))


def local_day(at: datetime) -> str:
    """The calendar day in China of an instant, ``YYYY-MM-DD``."""
    return at.astimezone(LOCAL).date().isoformat()
