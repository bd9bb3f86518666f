"""What the hub says when the answer is no."""

from __future__ import annotations

from villagecall.errors import BadRequest, Forbidden, NotFound, Refusal


class BadFrame(BadRequest):
    """A frame that is not a JSON object."""

    code = "bad_frame"
    zh = "页面发来的消息无法识别。"
    en = "A message of the page cannot be read."
    todo_zh = "请刷新页面。"
    todo_en = "Reload the page."


class HelloFirst(BadRequest):
    """The first frame of a connection is ``hello``."""

    code = "hello_first"
    zh = "连接还没有建立好。"
    en = "The connection is not set up yet."
    todo_zh = "请刷新页面。"
    todo_en = "Reload the page."


class TabTaken(Forbidden):
    """A participant id that belongs to somebody else."""

    code = "tab_taken"
    status = 409
    zh = "这个页面编号正由别人使用。"
    en = "This tab id is somebody else's."
    todo_zh = "请关闭本页,重新打开。"
    todo_en = "Close this page and open it again."


class NoSuchCall(NotFound):
    """The call is not known here, or has ended."""

    code = "no_such_call"
    zh = "这次视频已经结束,或不在您的管辖范围内。"
    en = "This call has ended, or is outside your area."
    todo_zh = "如还需要,请重新呼叫。"
    todo_en = "Call again if it is still needed."


class CallTaken(Refusal):
    """Another desk of the unit was first. ``by`` is its name."""

    code = "call_taken"
    status = 409
    zh = "{by} 已经接听。"
    en = "{by} has answered."
    todo_zh = "不用再操作,可以接听下一个。"
    todo_en = "Nothing to do; take the next one."


class NotRung(Refusal):
    """The call does not ask for this desk's unit."""

    code = "not_rung"
    status = 409
    zh = "这个视频没有呼叫您的窗口。"
    en = "This call does not ring your desk."
    todo_zh = "如需参加,请让镇窗口邀请您的部门。"
    todo_en = "Ask the town window to invite your department."


class InOtherCall(Refusal):
    """One call at a time for one person at one screen."""

    code = "in_other_call"
    status = 409
    zh = "您正在另一个视频中。"
    en = "You are in another call."
    todo_zh = "请先结束或离开那个视频。"
    todo_en = "End or leave that call first."


class CaseInOtherCall(Refusal):
    """The case has a call already, and somebody of the village is in it. ``call`` is its id."""

    code = "case_in_other_call"
    status = 409
    zh = "这件办件已经在另一个页面上通话或排队。"
    en = "This case is already calling or waiting in another tab."
    todo_zh = "请回到那个页面,或先在那里挂断。"
    todo_en = "Go back to that tab, or hang up there first."


class NotInCall(Refusal):
    """Only who is in a call may do this."""

    code = "not_in_call"
    status = 409
    zh = "您不在这个视频中。"
    en = "You are not in this call."
    todo_zh = "请先接听,或重新进入。"
    todo_en = "Answer it or go back into it first."


class ConsentFirst(Refusal):
    """No sound or picture before the applicant agreed on camera (domain.md: consent asked first)."""

    code = "consent_first"
    status = 409
    zh = "申请人还没有同意录音录像。"
    en = "The applicant has not agreed to being recorded yet."
    todo_zh = "请由村代办员先向申请人说明,并在同意后点「同意」。"
    todo_en = "Let the village clerk explain it and press agree."


class DepartmentOnly(Refusal):
    """Only a department of the district is brought into a call."""

    code = "department_only"
    status = 422
    zh = "只能邀请区级部门。"
    en = "Only a district department can be invited."
    todo_zh = "请从部门清单中选择。"
    todo_en = "Choose one from the list of departments."


class AlreadyIn(Refusal):
    """The department is in the call. ``unit`` is its name."""

    code = "already_in"
    status = 409
    zh = "{unit}已经在视频中。"
    en = "{unit} is in the call already."
    todo_zh = "不用再邀请。"
    todo_en = "Nothing to do."


class CallFull(Refusal):
    """``limit`` parties at most: village, window and two departments (a connection has three slots)."""

    code = "call_full"
    status = 409
    zh = "视频最多 {limit} 方参加,现在已满。"
    en = "A call has at most {limit} parties; it is full."
    todo_zh = "请先请一个部门离开,再邀请。"
    todo_en = "Ask a department to leave first."


class GuestsLeave(Refusal):
    """A department that was invited does not hang up for the village and the town."""

    code = "guests_leave"
    status = 409
    zh = "您是受邀参加的部门,不能替村里和镇里挂断。"
    en = "An invited department cannot hang up for the village and the town."
    todo_zh = "请点「离开」。"
    todo_en = "Leave the call instead."


class NotYourWindow(Refusal):
    """A village calls its own town, or the department where the case stands."""

    code = "not_your_window"
    status = 422
    zh = "这件办件现在不能呼叫这个单位。"
    en = "This case cannot call that unit now."
    todo_zh = "请呼叫本镇窗口;需要区级部门时由镇窗口邀请。"
    todo_en = "Call the town window; it invites the department."


class CallsOnly(Forbidden):
    """Supervisors and administrators take no part in calls."""

    code = "calls_only_workers"
    zh = "您的岗位不参加视频办理。"
    en = "Your post takes no part in calls."
    todo_zh = "录像可在办件中查看。"
    todo_en = "Recordings can be seen in the case."
