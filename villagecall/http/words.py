"""What is wrong with a field, as a sentence for the person who filled it (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

_SENTENCES: Mapping[str, str] = {
    "missing": "这一项必须填写",
    "extra_forbidden": "没有这一项",
    "json_invalid": "内容不是有效的 JSON",
    "string_too_short": "太短,至少 {min_length} 个字",
    "string_too_long": "太长,最多 {max_length} 个字",
    "string_type": "应为文字",
    "string_unicode": "含有不能使用的字符",
    "string_pattern_mismatch": "含有不能使用的字符",
    "int_parsing": "应为整数",
    "int_type": "应为整数",
    "int_from_float": "应为整数",
    "bool_parsing": "应为是或否",
    "bool_type": "应为是或否",
    "greater_than_equal": "不能小于 {ge}",
    "less_than_equal": "不能大于 {le}",
    "too_short": "至少要有 {min_length} 项",
    "too_long": "最多 {max_length} 项",
    "uuid_parsing": "不是有效的编号",
    "uuid_type": "不是有效的编号",
    "literal_error": "应为 {expected} 之一",
    "enum": "应为 {expected} 之一",
    "date_from_datetime_parsing": "不是有效的日期",
    "list_type": "应为一个列表",
    "tuple_type": "应为一个列表",
    "dict_type": "应为一组内容",
    "model_type": "应为一组内容",
    "model_attributes_type": "应为一组内容",
}


def sentences(error: ValidationError) -> dict[str, str]:
    """A sentence by field (``applicant.name``); the values themselves are not repeated."""
    found: dict[str, str] = {}
    for fault in error.errors(include_url=False, include_input=False):
        field = ".".join(str(part) for part in fault["loc"]) or "body"
        found.setdefault(field, _sentence(fault["type"], fault.get("ctx", {})))
    return found


def _sentence(kind: str, context: Mapping[str, Any]) -> str:
    template = _SENTENCES.get(kind, "内容不符合要求")
    try:
        return template.format_map(context)
    except KeyError:
        return "内容不符合要求"
