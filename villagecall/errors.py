"""The tree of refusals.

Every error that a person can meet is a :class:`Refusal`: a stable code, a sentence in Chinese and in
English, and what to do now in both. Nothing else of the server (stack, SQL, path) ever reaches a person.
Rooms declare their own refusals as subclasses beside the rule that raises them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class VillagecallError(Exception):
    """Root of everything this package raises on purpose."""


class Refusal(VillagecallError):
    """The answer is no, and here is what to do.

    ``code`` is stable and part of the interface; ``status`` is the HTTP status; ``zh``/``en`` say what
    happened and ``todo_zh``/``todo_en`` what to do now. They may name ``details`` in braces.
    """

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 400
    zh: ClassVar[str] = "这一步现在不能做。"
    en: ClassVar[str] = "This cannot be done now."
    todo_zh: ClassVar[str] = "请返回上一步再试。"
    todo_en: ClassVar[str] = "Go back one step and try again."

    def __init__(self, **details: object) -> None:
        super().__init__(self.code, details)
        self.details: Mapping[str, object] = details

    def say(self, template: str) -> str:
        """Fill a sentence of this refusal with its details; a missing one stays readable."""
        return template.format_map(_Missing(self.details))

    def told(self) -> str:
        """What happened and what to do now, in two lines, Chinese first: what a command says."""
        return f"{self.say(self.zh)}{self.say(self.todo_zh)}\n{self.say(self.en)} {self.say(self.todo_en)}"

    def as_json(self) -> dict[str, object]:
        """The body of an error answer: ``{code, zh, en, todo_zh, todo_en, details}``."""
        return {
            "code": self.code,
            "zh": self.say(self.zh),
            "en": self.say(self.en),
            "todo_zh": self.say(self.todo_zh),
            "todo_en": self.say(self.todo_en),
            "details": dict(self.details),
        }


class _Missing(dict[str, object]):
    def __init__(self, details: Mapping[str, object]) -> None:
        super().__init__(details)

    def __missing__(self, key: str) -> str:
        return "…"


class BadRequest(Refusal):
    code = "bad_request"
    zh = "请求的内容有误。"
    en = "The request is malformed."
    todo_zh = "请检查标出的各项后再提交。"
    todo_en = "Check the fields named and send again."


class NotSignedIn(Refusal):
    code = "not_signed_in"
    status = 401
    zh = "您还没有登录,或登录已过期。"
    en = "You are not signed in, or the session has ended."
    todo_zh = "请重新登录,已填写的内容会保留。"
    todo_en = "Sign in again; what you entered is kept."


class Forbidden(Refusal):
    code = "forbidden"
    status = 403
    zh = "您的岗位没有这项权限。"
    en = "Your post does not allow this."
    todo_zh = "如需办理,请联系县级管理员。"
    todo_en = "Ask the county administrator."


class NotFound(Refusal):
    """Also the answer for a case of a foreign unit: whether it exists is not told."""

    code = "not_found"
    status = 404
    zh = "没有找到,或不在您的管辖范围内。"
    en = "Not found, or outside your area."
    todo_zh = "请核对编号。"
    todo_en = "Check the number."


class Conflict(Refusal):
    """Somebody else wrote first (expected sequence passed)."""

    code = "conflict"
    status = 409
    zh = "这件办件刚刚被别人更新了。"
    en = "Somebody else has just changed this case."
    todo_zh = "页面已刷新,请看过最新情况再操作。"
    todo_en = "Look at the newest state, then act."


class NameTaken(Refusal):
    """A name that must be unique (number, login, code) belongs to another stream."""

    code = "name_taken"
    status = 409
    zh = "这个编号已被使用。"
    en = "This name is taken."
    todo_zh = "请换一个再试。"
    todo_en = "Choose another."


class KeyReused(Refusal):
    """An idempotency key came again with different contents."""

    code = "idempotency_key_reused"
    status = 422
    zh = "同一个请求编号对应了不同的内容。"
    en = "The same idempotency key was used for something else."
    todo_zh = "请刷新页面后重新操作。"
    todo_en = "Reload the page and do it again."


class TooLarge(Refusal):
    code = "too_large"
    status = 413
    zh = "文件太大,超过 {limit_mib} MiB。"
    en = "The file is larger than {limit_mib} MiB."
    todo_zh = "请分成几个文件,或降低扫描分辨率(300 dpi 即可)。"
    todo_en = "Split it, or scan at 300 dpi."


class TooManyRequests(Refusal):
    code = "too_many_requests"
    status = 429
    zh = "操作太频繁。"
    en = "Too many requests."
    todo_zh = "请等 {seconds} 秒再试。"
    todo_en = "Wait {seconds} seconds."


class Unavailable(Refusal):
    """A part that this needs (database, media, signer) does not answer now; nothing was changed."""

    code = "unavailable"
    status = 503
    zh = "系统的一个部件暂时没有响应,这一步没有做成,之前的内容都在。"
    en = "A part of the system is not answering; nothing was changed."
    todo_zh = "请稍等一分钟再试。"
    todo_en = "Try again in a minute."


class Hindrance(Refusal):
    """A command cannot run as things are; said to whoever started it, who mends it and starts again (exit 2)."""

    code = "hindered"
    status = 503
    zh = "命令不能运行。"
    en = "The command cannot run."
    todo_zh = "请联系管理员。"
    todo_en = "Ask the administrator."

    def __str__(self) -> str:
        return self.told()


class SettingsError(Hindrance):
    """A setting is missing, unknown or not readable."""

    code = "setting_refused"
    zh = "设置 {setting} 有误:{why_zh}。"
    en = "The setting {setting}: {why_en}."
    todo_zh = "请改正设置文件或环境变量后再启动。"
    todo_en = "Correct the settings file or the environment, then start again."

    def __init__(self, setting: str, why_zh: str, why_en: str) -> None:
        super().__init__(setting=setting, why_zh=why_zh, why_en=why_en)


class PartSilent(Hindrance):
    """What :class:`Unavailable` is at a command: it names the part, and the setting that says where the part is."""

    code = "part_silent"
    zh = "{part_zh}没有响应({why}),命令没有做完。"
    en = "{part_en} does not answer ({why}); the command was not completed."
    todo_zh = "请检查它是否在运行、设置 {setting} 是否正确,然后再试。"
    todo_en = "See whether it runs and whether the setting {setting} is right, then try again."

    PARTS: ClassVar[Mapping[str, tuple[str, str, str]]] = {
        "database": ("数据库", "The database", "database"),
        "bus": ("消息总线(Redis)", "The bus (Redis)", "redis"),
        "blobs": ("文件存储(S3 或文件夹)", "The blob store (S3 or a folder)", "blobs"),
    }

    @classmethod
    def of(cls, unavailable: Unavailable) -> PartSilent | None:
        """The part that was named, and why it does not answer; None where none was."""
        if (words := cls.PARTS.get(str(unavailable.details.get("part")))) is None:
            return None
        cause = unavailable.__cause__
        why = (str(cause).split("\n")[0] or type(cause).__name__) if cause else "无应答 no answer"
        return cls(part_zh=words[0], part_en=words[1], setting=words[2], why=why)


class Damaged(Refusal):
    """Stored bytes are not the ones that were stored: their hash does not match their address."""

    code = "damaged"
    status = 500
    zh = "存储的文件已损坏,系统没有使用它。"
    en = "A stored file is damaged and was not used."
    todo_zh = "请联系管理员从备份恢复,并核对台账。"
    todo_en = "Ask the administrator to restore it from the backup and to verify the ledger."
