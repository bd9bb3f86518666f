"""Sheets of each kind, as the templates get them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from tests.support.press import face
from villagecall.issuing.preview import portrait
from villagecall.issuing.sheet import CARD_RULES, REFUSAL_TITLE, REMEDY, Sheet

CODE = "T8JEEKDPZDB4"
AT = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
UNIT = "青禾区东河镇人民政府"
ROWS = (
    ("事项名称", "农村村民住宅建设备案"),
    ("申请人", "李桂芳"),
    ("身份证号", "11010519491231002X"),
    ("住址", "东河镇柳溪村三组45号"),
    ("建筑面积", "120平方米"),
    ("受理编号", "QH20261122-0031"),
    ("决定日期", "2026年11月22日"),
)

CARD = Sheet(
    kind="card",
    title="老年人优待证",
    number="青禾(老优)〔2026〕0007号",
    code=CODE,
    holder="李桂芳",
    item="老年人优待证申领",
    unit=UNIT,
    issued=AT,
    rows=(("姓名", "李桂芳"), ("性别", "女"), ("出生日期", "1949年12月31日"), ("住址", "东河镇柳溪村三组45号")),
    text="\n".join(CARD_RULES),
    url=f"http://cun.example/v/{CODE}",
    valid_until=date(2036, 11, 21),
    photo=portrait(face()),
    wants_photo=True,
)
FILING = replace(
    CARD, kind="filing", title="农村住宅建设备案凭证", rows=ROWS, photo=None, wants_photo=False, text="予以备案。"
)
PERMIT = replace(CARD, kind="permit", title="林木采伐许可证", unit="青禾区林业局", rows=ROWS, text="准予许可。")
NOTICE = replace(
    CARD,
    kind="notice",
    title=REFUSAL_TITLE,
    rows=(),
    photo=None,
    wants_photo=False,
    valid_until=None,
    text="你提出的申请，经审查，决定不予办理：",
    reasons=("申请人未满六十周岁。", "申请人不是本县户籍。"),
    remedy=REMEDY,
)
ALL = (CARD, FILING, PERMIT, NOTICE)
