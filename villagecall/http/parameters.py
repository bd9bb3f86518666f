"""The parameters of the routes: what they may look like, for the guard and for the description (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from villagecall.http.table import Route

Doc = dict[str, Any]

_UUID: Doc = {"type": "string", "format": "uuid"}
_TEXT: Doc = {"type": "string", "maxLength": 200}
_CODE: Doc = {"type": "string", "minLength": 1, "maxLength": 64}
_CURSOR: Doc = {
    "type": "string",
    "maxLength": 500,
    "description": "从上一页的 next 继续 the ``next`` of the page before",
}
_PERMILLE: Doc = {"type": "integer", "minimum": 0, "maximum": 1000}
_SECRET: Doc = {"type": "string", "minLength": 1, "maxLength": 200}

PATH_PARAMETERS: dict[str, Doc] = {
    "case_id": _UUID,
    "file_id": _UUID,
    "page_id": _UUID,
    "recording_id": _UUID,
    "code": _CODE,
    "number": _CODE,
    "ticket": _SECRET,
    "token": _SECRET,
    "path": {"type": "string", "minLength": 1, "maxLength": 200},
}
QUERY_PARAMETERS: dict[str, Doc] = {
    "q": _TEXT,
    "field": _TEXT,
    "level": {"type": "string", "enum": ["town", "district"]},
    "described": {"type": "boolean"},
    "after": _CURSOR,
    "limit": {"type": "integer", "minimum": 1, "maximum": 200, "default": 50},
    "version": {"type": "integer", "minimum": 1},
    "kind": {"type": "string", "enum": ["county", "department", "town", "village"]},
    "parent": _CODE,
    "unit": _CODE,
    "village": _CODE,
    "view": _TEXT,
    "date": {"type": "string", "format": "date"},
    "x": _PERMILLE,
    "y": _PERMILLE,
    "w": {**_PERMILLE, "minimum": 1},
    "h": {**_PERMILLE, "minimum": 1},
}
_TUS = {"name": "Tus-Resumable", "in": "header", "required": False, "schema": {"type": "string", "const": "1.0.0"}}
HEADER_PARAMETERS: dict[str, tuple[Doc, ...]] = {
    "create_file": (
        _TUS,
        {"name": "Upload-Length", "in": "header", "required": True, "schema": {"type": "integer", "minimum": 0}},
        {
            "name": "Upload-Metadata",
            "in": "header",
            "required": True,
            "schema": {"type": "string"},
            "description": "tus: ``file_id``, ``material``, ``name`` and ``replaces``, each base64",
        },
    ),
    "append_file": (
        _TUS,
        {"name": "Upload-Offset", "in": "header", "required": True, "schema": {"type": "integer", "minimum": 0}},
    ),
    "file": (_TUS,),
}


def path_of(route: Route) -> tuple[str, list[str]]:
    """The path as OpenAPI spells it (no patterns) and the names of its parameters."""
    path = re.sub(r"\{(\w+):[^}]*\}", r"{\1}", route.path)
    return path, re.findall(r"\{(\w+)\}", path)


def faults(route: Route, path: Mapping[str, str], query: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with the parameters of a request, as a sentence by name; empty when nothing is."""
    found: dict[str, str] = {}
    for name, value in path.items():
        _judge(found, name, value, PATH_PARAMETERS[name])
    for name in route.query:
        if query.get(name):
            _judge(found, name, query[name], QUERY_PARAMETERS[name])
    return found


def _judge(found: dict[str, str], name: str, value: str, schema: Doc) -> None:
    sentence = _fault(value, schema)
    if sentence:
        found[name] = sentence


def _fault(value: str, schema: Doc) -> str:
    """The part of JSON Schema that the tables above use, on the text of a parameter."""
    if "\x00" in value:
        return "含有不能使用的字符"
    if schema["type"] == "integer":
        return _integer_fault(value, schema)
    if schema["type"] == "boolean":
        return "" if value in ("true", "false") else "应为 true 或 false"
    if "enum" in schema and value not in schema["enum"]:
        return f"应为 {'、'.join(schema['enum'])} 之一"
    if len(value) < schema.get("minLength", 0):
        return "不能为空"
    if len(value) > schema.get("maxLength", len(value)):
        return f"太长,最多 {schema['maxLength']} 个字"
    return _format_fault(value, schema.get("format", ""))


def _integer_fault(value: str, schema: Doc) -> str:
    if not re.fullmatch(r"-?[0-9]{1,18}", value):
        return "应为整数"
    low, high = schema.get("minimum", int(value)), schema.get("maximum", int(value))
    if int(value) < low:
        return f"不能小于 {low}"
    return f"不能大于 {high}" if int(value) > high else ""


def _format_fault(value: str, format_: str) -> str:
    try:
        if format_ == "uuid":
            if str(UUID(value)) != value.lower():
                return "不是有效的编号"
        elif format_ == "date":
            date.fromisoformat(value)
    except ValueError:
        return "不是有效的日期" if format_ == "date" else "不是有效的编号"
    return ""
