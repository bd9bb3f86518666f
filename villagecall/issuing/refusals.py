"""What issuing and printing say when the answer is no."""

from __future__ import annotations

from villagecall.errors import Refusal


class NotIssuedYet(Refusal):
    """No offline issuance: nothing on paper before its decision is committed."""

    code = "not_issued"
    status = 409
    zh = "证照还没有出具,不能打印。"
    en = "The certificate has not been issued; it cannot be printed."
    todo_zh = "请等审批决定作出、证照生成后再打印。"
    todo_en = "Wait for the decision and the certificate."


class ReprintNeedsReason(Refusal):
    code = "reprint_needs_reason"
    status = 422
    zh = "这份证照已经打印过,再打一份要写明原因。"
    en = "It was printed before; another copy needs a reason."
    todo_zh = "请填写重打的原因,例如「卡纸」「墨色不清」。"
    todo_en = "Give the reason, such as a paper jam or faint print."


class TicketUsed(Refusal):
    """A ticket gives its document once, whatever happened to the paper."""

    code = "ticket_used"
    status = 410
    zh = "这张打印票已经用过或作废。"
    en = "This print ticket has been used or withdrawn."
    todo_zh = "没有打出来时,请在办件页面点「重打」并写明原因。"
    todo_en = "If nothing was printed, print again from the case and give the reason."


class TicketUnknown(Refusal):
    code = "ticket_unknown"
    status = 404
    zh = "没有这张打印票,或不属于您的村。"
    en = "There is no such print ticket, or it is not your village's."
    todo_zh = "请回到办件页面重新点「打印」。"
    todo_en = "Go back to the case and print again."


class DeviceUnknown(Refusal):
    code = "device_unknown"
    status = 404
    zh = "没有找到这台打印终端。"
    en = "There is no such device in your village."
    todo_zh = "请在设备列表里选一台在线的,或用浏览器打印。"
    todo_en = "Choose one that is online, or print from the browser."


class PairingRefused(Refusal):
    """Wrong, used or over: which of them is not told."""

    code = "pairing_refused"
    status = 403
    zh = "配对码不对、已用过或已超过 10 分钟。"
    en = "The pairing code is wrong, used, or older than ten minutes."
    todo_zh = "请在网页「设备」中重新生成一个配对码。"
    todo_en = "Make a new code on the page."
