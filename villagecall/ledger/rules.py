"""What the public sees of a case's way (pure)."""

from __future__ import annotations

from datetime import datetime

from villagecall.case import Case
from villagecall.case_words import Words

Step = tuple[Words, datetime | None, bool]


def progress_steps(case: Case, *, certificate: bool) -> list[Step]:
    """The way of this case, done and to come: ``(words, when, done)``.

    The steps that a refusal or a withdrawal leaves out are not promised.
    """
    steps: list[Step] = [(Words("已收件", "Received"), case.submitted, case.submitted is not None)]
    if case.state == "correction":  # accepted anew once it is corrected (Licensing Law art. 32 (1) no. 5)
        told = case.notices[-1].at if case.notices else None
        steps += [
            (Words("一次性告知,等待补正", "To be corrected"), told, False),
            (Words("受理", "Accepted"), None, False),
        ]
    else:
        steps.append((Words("已受理", "Accepted"), case.accepted, case.accepted is not None))
    if case.state == "withdrawn":
        return [*steps, (Words("已撤回", "Withdrawn"), case.closed, True)]
    if case.level == "district":
        passed = next((step.at for step in reversed(case.steps) if step.result == "passed"), None)
        steps.append((Words("镇窗口初审", "Reviewed by the town"), passed, case.stage == "district"))
    refused = any(step.result == "refused" for step in case.steps)
    decision = Words("不予", "Refused") if refused else Words("准予", "Approved") if case.decided else None
    steps.append((decision or Words("审批决定", "Decision"), case.decided, case.decided is not None))
    if certificate and not refused:
        issued = case.certificate.issued if case.certificate else None
        steps.append((Words("出证", "Certificate issued"), issued, issued is not None))
    handed = case.delivery.at if case.delivery else None
    return [*steps, (Words("送达", "Handed over"), handed, handed is not None)]
