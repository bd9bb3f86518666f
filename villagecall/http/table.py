"""The one table of who may do what over HTTP (pure data).

Every route has its line here; the router, the guard, the OpenAPI description and the test that walks
every route with every role are made from it. ``scope`` says which cases a role may touch:

- ``none``      nothing of a case is touched
- ``case``      the case must be the caller's: own village (clerk), a village of the town (town), decided
                by the department and passed up to it or called into (district), any (supervisor, masked)
- ``village``   the caller's own village
- ``unit``      the caller's own unit (for a town: its villages too)

A case out of scope answers 404, like one that does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel

from villagecall.directory.model import Role
from villagecall.http.models import case as c
from villagecall.http.models import directory as d
from villagecall.http.models import papers as p
from villagecall.http.models import public as t
from villagecall.http.models.base import Ok

Scope = Literal["none", "case", "village", "unit"]

CLERK, TOWN, DISTRICT = Role.CLERK, Role.TOWN, Role.DISTRICT
SUPERVISOR, ADMIN, PUBLIC, DEVICE = Role.SUPERVISOR, Role.ADMIN, Role.PUBLIC, Role.DEVICE
ANYONE = frozenset(Role) - {DEVICE}
STAFF = frozenset({CLERK, TOWN, DISTRICT, SUPERVISOR, ADMIN})
DESKS = frozenset({TOWN, DISTRICT})
WORKERS = frozenset({CLERK, TOWN, DISTRICT})
READERS = WORKERS | {SUPERVISOR}


@dataclass(frozen=True, slots=True)
class Route:
    """``query`` names the accepted query parameters; ``media`` is set where the answer is not JSON; several
    types are told apart by ``, ``.

    ``body`` a model = JSON; ``"bytes"`` = raw upload; None = no body. Routes that change something need
    a session's CSRF token (except ``PUBLIC``/``DEVICE`` ones) and take an ``Idempotency-Key``.
    """

    op: str
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]
    path: str
    roles: frozenset[Role]
    scope: Scope
    summary: str
    reply: type[BaseModel] | None = None
    body: type[BaseModel] | Literal["bytes"] | None = None
    query: tuple[str, ...] = ()
    media: str = "application/json"
    status: int = 200

    @property
    def changes(self) -> bool:
        """Something is different afterwards."""
        return self.method not in ("GET", "HEAD")

    @property
    def open(self) -> bool:
        """Nobody needs to sign in."""
        return Role.PUBLIC in self.roles

    @property
    def protected(self) -> bool:
        """A session must prove with its CSRF token that the page, and not a foreign one, asks."""
        return self.changes and not self.open


_CASE = "/api/v1/cases/{case_id}"

ROUTES: tuple[Route, ...] = (
    # session
    Route("login", "POST", "/api/v1/session", ANYONE, "none", "登录 sign in", d.SessionReply, d.Login),
    Route("session", "GET", "/api/v1/session", STAFF, "none", "当前登录 who am I", d.SessionReply),
    Route("logout", "DELETE", "/api/v1/session", STAFF, "none", "退出 sign out", Ok),
    # directory
    Route(
        "items",
        "GET",
        "/api/v1/items",
        ANYONE,
        "none",
        "事项检索 search items",
        d.ItemsReply,
        query=("q", "field", "level", "described", "after", "limit"),
    ),
    Route(
        "item",
        "GET",
        "/api/v1/items/{code}",
        ANYONE,
        "none",
        "办事指南 guide of an item",
        d.ItemReply,
        query=("version",),
    ),
    Route("fields", "GET", "/api/v1/fields", ANYONE, "none", "领域 fields of items", d.FieldsReply),
    Route("units", "GET", "/api/v1/units", ANYONE, "none", "机构 units", d.UnitsReply, query=("kind", "parent")),
    Route("people", "GET", "/api/v1/people", frozenset({ADMIN}), "none", "人员 staff", d.PeopleReply, query=("unit",)),
    Route(
        "devices",
        "GET",
        "/api/v1/devices",
        frozenset({CLERK, ADMIN, SUPERVISOR}),
        "unit",
        "设备 devices",
        d.DevicesReply,
    ),
    Route(
        "pairing",
        "POST",
        "/api/v1/devices/pairing",
        frozenset({CLERK, ADMIN}),
        "unit",
        "配对码 pairing code",
        d.PairingReply,
        query=("unit",),
    ),
    Route(
        "pair",
        "POST",
        "/api/v1/devices/pair",
        frozenset({PUBLIC}),
        "none",
        "设备配对 pair an agent",
        d.PairedReply,
        d.Pair,
    ),
    # a case in the village
    Route(
        "open_case",
        "POST",
        "/api/v1/cases",
        frozenset({CLERK}),
        "village",
        "新建办件 open a case",
        c.CaseReply,
        c.OpenCase,
        status=201,
    ),
    Route(
        "cases",
        "GET",
        "/api/v1/cases",
        READERS,
        "unit",
        "办件列表 list cases",
        c.CasesReply,
        query=("view", "q", "after", "limit"),
    ),
    Route("case", "GET", _CASE, READERS, "case", "办件 one case", c.CaseReply),
    Route("history", "GET", _CASE + "/history", READERS, "case", "历史 its journal", c.HistoryReply),
    Route(
        "applicant",
        "PUT",
        _CASE + "/applicant",
        frozenset({CLERK}),
        "case",
        "申请人 enter the applicant",
        c.CaseReply,
        c.EnterApplicant,
    ),
    Route("form", "PUT", _CASE + "/form", frozenset({CLERK}), "case", "表单 fill the form", c.CaseReply, c.FillForm),
    Route(
        "reveal",
        "POST",
        _CASE + "/reveal",
        WORKERS,
        "case",
        "查看完整信息 reveal, with its purpose",
        c.RevealReply,
        c.Reveal,
    ),
    Route("submit", "POST", _CASE + "/submit", frozenset({CLERK}), "case", "提交 submit", c.CaseReply),
    Route("withdraw", "POST", _CASE + "/withdraw", frozenset({CLERK}), "case", "撤回 withdraw", c.CaseReply, c.Why),
    Route(
        "suggestions",
        "GET",
        _CASE + "/suggestions",
        WORKERS,
        "case",
        "身份证上的信息 what the scanned ID cards say",
        p.SuggestionsReply,
    ),
    Route("receipt", "GET", _CASE + "/receipt", WORKERS, "case", "回执 receipt", c.ReceiptReply),
    Route("defects", "GET", _CASE + "/defects", WORKERS, "case", "缺什么 complete defect list", c.DefectsReply),
    # files and pages
    Route(
        "create_file",
        "POST",
        _CASE + "/files",
        frozenset({CLERK}),
        "case",
        "上传 start an upload (tus 1.0, creation-with-upload)",
        c.FileReply,
        "bytes",
        status=201,
    ),
    Route(
        "append_file",
        "PATCH",
        "/api/v1/files/{file_id}",
        frozenset({CLERK}),
        "case",
        "续传 next chunk (tus 1.0)",
        None,
        "bytes",
        status=204,
    ),
    Route("file", "HEAD", "/api/v1/files/{file_id}", frozenset({CLERK}), "case", "续传位置 offset (tus 1.0)", None),
    Route(
        "remove_page",
        "DELETE",
        _CASE + "/pages/{page_id}",
        frozenset({CLERK}),
        "case",
        "删除一页 remove a page",
        c.CaseReply,
    ),
    Route(
        "turn_page",
        "POST",
        _CASE + "/pages/{page_id}/turn",
        WORKERS,
        "case",
        "转正 turn a page",
        c.CaseReply,
        c.TurnPage,
    ),
    Route(
        "page_view",
        "GET",
        _CASE + "/pages/{page_id}/view",
        READERS,
        "case",
        "查看页 view copy",
        media="image/svg+xml, image/jpeg",
    ),
    Route(
        "page_thumb", "GET", _CASE + "/pages/{page_id}/thumb", READERS, "case", "缩略图 thumbnail", media="image/jpeg"
    ),
    Route(
        "page_region",
        "GET",
        _CASE + "/pages/{page_id}/region",
        READERS,
        "case",
        "放大原件 region of the original, per mille",
        media="image/jpeg",
        query=("x", "y", "w", "h"),
    ),
    Route(
        "casefile", "GET", _CASE + "/casefile.pdf", READERS, "case", "案卷 case file PDF/A-2b", media="application/pdf"
    ),
    # the desk
    Route(
        "queue", "GET", "/api/v1/queue", DESKS, "unit", "队列 the desk's queue", c.QueueReply, query=("after", "limit")
    ),
    Route("claim", "POST", _CASE + "/claim", DESKS, "case", "认领 claim or renew the lease", c.CaseReply),
    Route("release", "POST", _CASE + "/release", DESKS, "case", "放回 release", c.CaseReply),
    Route("pass_up", "POST", _CASE + "/pass-up", frozenset({TOWN}), "case", "报区级 pass up", c.CaseReply, c.PassUp),
    Route("approve", "POST", _CASE + "/approve", DESKS, "case", "准予 approve", c.CaseReply, c.Approve),
    Route("refuse", "POST", _CASE + "/refuse", DESKS, "case", "不予 refuse", c.CaseReply, c.Refuse),
    Route(
        "return_case",
        "POST",
        _CASE + "/return",
        DESKS,
        "case",
        "补正 return with all defects",
        c.CaseReply,
        c.ReturnCase,
    ),
    Route(
        "recording",
        "GET",
        _CASE + "/recordings/{recording_id}",
        READERS,
        "case",
        "录像 a recording",
        media="video/webm",
    ),
    # certificate, print, hand-over
    Route("certificate_png", "GET", _CASE + "/certificate.png", READERS, "case", "证照预览 preview", media="image/png"),
    Route(
        "print_case",
        "POST",
        _CASE + "/print",
        frozenset({CLERK}),
        "case",
        "打印 a print ticket",
        c.TicketReply,
        c.PrintCase,
    ),
    Route(
        "print_ticket",
        "GET",
        "/api/v1/print/{ticket}",
        frozenset({CLERK, DEVICE}),
        "case",
        "取件 the PDF, once",
        media="application/pdf",
    ),
    Route(
        "deliver", "POST", _CASE + "/deliver", frozenset({CLERK}), "case", "送达 hand over", c.DeliverReply, c.Deliver
    ),
    Route("rate", "POST", "/api/v1/ratings/{token}", ANYONE, "none", "评价 rate", Ok, c.Rate),
    Route(
        "daybook",
        "GET",
        "/api/v1/daybook",
        frozenset({CLERK, SUPERVISOR}),
        "unit",
        "台账 day book",
        t.DaybookReply,
        query=("date", "village"),
    ),
    # everybody
    Route(
        "progress",
        "GET",
        "/api/v1/progress/{number}",
        ANYONE,
        "none",
        "进度 progress by receipt number",
        t.ProgressReply,
    ),
    Route(
        "check", "GET", "/api/v1/certificates/{code}", ANYONE, "none", "验证 check a certificate", t.CertificateCheck
    ),
    Route("check_page", "GET", "/v/{code}", ANYONE, "none", "验证页 check page, without script", media="text/html"),
    Route("receipt_page", "GET", "/r/{number}", ANYONE, "none", "回执二维码 to the progress page", media="text/html"),
    # pages
    Route("public_page", "GET", "/", ANYONE, "none", "公众页 public page", media="text/html"),
    Route("terminal_page", "GET", "/terminal", ANYONE, "none", "村级终端 terminal", media="text/html"),
    Route("second_page", "GET", "/terminal/second", ANYONE, "none", "第二屏 second screen", media="text/html"),
    Route("desk_page", "GET", "/desk", ANYONE, "none", "审批台 desk", media="text/html"),
    Route("admin_page", "GET", "/admin", ANYONE, "none", "管理 admin", media="text/html"),
    Route(
        "asset",
        "GET",
        "/assets/{path:.+}",
        ANYONE,
        "none",
        "页面文件 built files of the pages",
        media="application/octet-stream",
    ),
    # sockets and the machine room
    Route("socket", "GET", "/ws", STAFF, "none", "浏览器的唯一长连接 the one socket", media="websocket"),
    Route(
        "device_socket",
        "GET",
        "/ws/device",
        frozenset({DEVICE}),
        "none",
        "设备长连接 the agent's socket",
        media="websocket",
    ),
    Route("openapi", "GET", "/api/openapi.json", ANYONE, "none", "接口说明 this description", media="application/json"),
    Route("healthz", "GET", "/healthz", ANYONE, "none", "存活 alive", media="text/plain"),
    Route("readyz", "GET", "/readyz", ANYONE, "none", "就绪 ready", media="application/json"),
    Route("metrics", "GET", "/metrics", ANYONE, "none", "指标 Prometheus metrics", media="text/plain"),
)
