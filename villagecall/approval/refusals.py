"""What the state table and the desk's rules say when the answer is no."""

from __future__ import annotations

from villagecall.errors import Forbidden, Refusal


class WrongState(Refusal):
    """The state table has no such action in the present state."""

    code = "wrong_state"
    status = 409
    zh = "这件办件现在是「{state_zh}」,不能做「{what_zh}」。"
    en = "The case is now “{state_en}”; “{what_en}” cannot be done."
    todo_zh = "请刷新页面,按页面上给出的按钮操作。"
    todo_en = "Reload the page and use the buttons it offers."


class NotYourStep(Forbidden):
    """The action belongs to another role."""

    code = "not_your_step"
    zh = "「{what_zh}」不由您的岗位来做。"
    en = "“{what_en}” is not done by your post."
    todo_zh = "请交给对应岗位的同事。"
    todo_en = "Leave it to the post concerned."


class NotAtYourDesk(Forbidden):
    """It is another unit's turn."""

    code = "not_at_your_desk"
    status = 409
    zh = "这件办件现在轮到别的窗口办理。"
    en = "Another desk's turn has come for this case."
    todo_zh = "请从您的队列中选择办件。"
    todo_en = "Choose a case from your own queue."


class DistrictDecides(Refusal):
    """A district item is decided by the department, after the town has reviewed it."""

    code = "district_decides"
    status = 409
    zh = "这个事项由区级部门决定,镇窗口只做初审。"
    en = "The district department decides this item; the town only reviews it."
    todo_zh = "请点「报区级」,或在视频中邀请区级部门。"
    todo_en = "Pass it up, or invite the department into the call."


class ClaimedByOther(Refusal):
    """Somebody else holds the claim. ``person`` is an id, ``name`` who it is, ``until`` when it ends."""

    code = "claimed_by_other"
    status = 409
    zh = "{name} 正在办理这件办件({until_local} 前)。"
    en = "{name} is working on this case (until {until_local})."
    todo_zh = "请选下一件;如对方放回或超时,可以再认领。"
    todo_en = "Take the next one; it can be claimed once it is released or its time is over."


class FourEyes(Refusal):
    """High-risk items: reviewer and decider are two people (domain.md, four eyes)."""

    code = "four_eyes"
    status = 409
    zh = "这个事项须两人办理:初审人和决定人不能是同一人。"
    en = "Two people handle this item: the reviewer may not also decide."
    todo_zh = "请由另一位同事决定。"
    todo_en = "Let a colleague decide."


class ReviewFirst(Refusal):
    """A high-risk item is decided after somebody has reviewed it."""

    code = "review_first"
    status = 409
    zh = "这个事项须两人办理,还没有人初审。"
    en = "Two people handle this item, and nobody has reviewed it yet."
    todo_zh = "请先点「初审通过」,再由另一位同事决定。"
    todo_en = "Record the review first; a colleague then decides."


class FilesUnread(Refusal):
    """A decision waits until every paper that came in has been read."""

    code = "files_unread"
    status = 409
    zh = "还有文件正在识别,看过全部材料才能决定。"
    en = "Files are still being read; decide after seeing all of them."
    todo_zh = "请等页面出现后再决定,一般几秒钟。"
    todo_en = "Wait until the pages appear, usually some seconds."


class NotIssued(Refusal):
    """No paper before the committed decision (domain.md, no offline issuance)."""

    code = "not_issued"
    status = 409
    zh = "证照还没有出具,不能打印或送达。"
    en = "The certificate has not been issued; it cannot be printed or handed over."
    todo_zh = "请等审批决定作出、证照生成后再操作。"
    todo_en = "Wait for the decision and the certificate."


class NotPrinted(Refusal):
    """What is handed over has been printed before."""

    code = "not_printed"
    status = 409
    zh = "证照还没有打印,不能登记送达。"
    en = "The certificate has not been printed; it cannot be handed over."
    todo_zh = "请先打印证照。"
    todo_en = "Print it first."


class ReprintReason(Refusal):
    """A second copy needs a reason."""

    code = "reprint_reason"
    status = 422
    zh = "已经打印过,再打一份要写明原因。"
    en = "It was printed before; a second copy needs a reason."
    todo_zh = "请填写重打的原因,如「卡纸」。"
    todo_en = "Give the reason, such as a paper jam."


class CallOpen(Refusal):
    """A case has one call at a time."""

    code = "call_open"
    status = 409
    zh = "这件办件已经有一个视频在等候或进行中。"
    en = "A call of this case is already waiting or going on."
    todo_zh = "请回到那个视频,或先挂断。"
    todo_en = "Go back to that call, or hang up first."


class CallOver(Refusal):
    """The call is not known, or has ended."""

    code = "call_over"
    status = 409
    zh = "这次视频已经结束。"
    en = "This call has ended."
    todo_zh = "如还需要,请重新呼叫。"
    todo_en = "Call again if it is still needed."


class RatedAlready(Refusal):
    """One rating per act (国办发〔2019〕51号)."""

    code = "rated_already"
    status = 409
    zh = "这件办件已经评价过了,谢谢您。"
    en = "This case has been rated already; thank you."
    todo_zh = "每件办件评价一次。"
    todo_en = "Each case is rated once."


class NoSuchReason(Refusal):
    """A ground for refusing that the item's own list does not hold."""

    code = "no_such_reason"
    status = 422
    zh = "理由「{reason}」不在这个事项的不予理由清单里。"
    en = "The ground “{reason}” is not on this item's list."
    todo_zh = "请从清单中选择理由。"
    todo_en = "Choose a ground from the list."


class NoticeTooLate(Refusal):
    """Licensing Law art. 32 (4): not told within five working days means accepted from the day of receipt."""

    code = "notice_too_late"
    status = 409
    zh = "收到材料已超过 5 个工作日,依法视为已受理,不能再要求补正。"
    en = "Five working days have passed since receipt: the case counts as accepted and cannot be returned."
    todo_zh = "请根据现有材料作出准予或不予的决定。"
    todo_en = "Decide on the papers at hand."
