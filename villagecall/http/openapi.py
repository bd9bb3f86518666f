"""The description of the interface, OpenAPI 3.1.1, made from the one table and the models (pure).

``python -m villagecall.http.openapi`` prints it without a running server: the pages' types are generated
from it. It describes what the guard enforces, because both read the same table.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any, Literal

import orjson
from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from villagecall import __version__
from villagecall.directory.model import Role
from villagecall.http.models.base import ErrorReply
from villagecall.http.models.case import CallView
from villagecall.http.parameters import HEADER_PARAMETERS, PATH_PARAMETERS, QUERY_PARAMETERS, Doc, path_of
from villagecall.http.table import ROUTES, Route
from villagecall.ports import Slot

_REF = "#/components/schemas/"
SOCKET_SCHEMAS: tuple[Any, ...] = (CallView, Slot)
"""Schemas that only the socket carries; the pages need their types too."""

_ERRORS: dict[int, str] = {
    400: "内容有误 malformed",
    401: "未登录 not signed in",
    403: "没有权限 not allowed",
    404: "没有找到,或不在管辖范围内 not found, or out of scope",
    409: "现在不能这样做 the state does not allow it, or somebody wrote first",
    413: "太大 too large",
    415: "格式不支持 media type not accepted",
    422: "请求编号重复 idempotency key used for something else",
    429: "太频繁 too many requests",
    503: "部件暂时没有响应 a part does not answer",
}


class _Whole(GenerateJsonSchema):
    """Replies are sent whole: a field with a default is there, too."""

    def field_is_required(self, field: Any, total: bool) -> bool:
        return self.mode == "serialization" or super().field_is_required(field, total)


def _schemas() -> tuple[Doc, dict[tuple[Any, str], Doc]]:
    """Component schemas, and the schema (reference) of each model by how it is used.

    Replies are described as they are sent (fields with defaults are always there); a body model that
    differs from the reply of the same name gets the suffix ``Input``.
    """
    replies: list[Any] = [*{route.reply: None for route in ROUTES if route.reply}, ErrorReply, *SOCKET_SCHEMAS]
    bodies: list[Any] = [*{route.body: None for route in ROUTES if isinstance(route.body, type)}]
    sent, components = _generate(replies, "serialization")
    read, inputs = _generate(bodies, "validation")
    renamed = {name: f"{name}Input" for name, schema in inputs.items() if components.get(name, schema) != schema}
    # A schema that refers to a renamed one is itself different: follow the references up to the top.
    while True:
        more = {
            name: f"{name}Input"
            for name, schema in inputs.items()
            if name not in renamed and name in components and _refers(schema, renamed)
        }
        if not more:
            break
        renamed |= more
    for name, schema in inputs.items():
        components[renamed.get(name, name)] = _rename(schema, renamed)
    found = {(model, "reply"): schema for model, schema in zip(replies, sent, strict=True)}
    found |= {(model, "body"): _rename(schema, renamed) for model, schema in zip(bodies, read, strict=True)}
    return dict(sorted(components.items())), found


def _generate(models: Iterable[Any], mode: Literal["validation", "serialization"]) -> tuple[list[Doc], Doc]:
    wanted = list(models)
    adapters = [(index, mode, TypeAdapter(model)) for index, model in enumerate(wanted)]
    by_key, definitions = TypeAdapter.json_schemas(adapters, ref_template=_REF + "{model}", schema_generator=_Whole)
    return [by_key[index, mode] for index in range(len(wanted))], definitions.get("$defs", {})


def _refers(schema: Any, names: Iterable[str]) -> bool:
    text = orjson.dumps(schema).decode()
    return any(f'"{_REF}{name}"' in text for name in names)


def _rename(schema: Any, names: dict[str, str]) -> Any:
    if isinstance(schema, dict):
        ref = schema.get("$ref", "")
        if isinstance(ref, str) and ref.removeprefix(_REF) in names:
            return {**schema, "$ref": _REF + names[ref.removeprefix(_REF)]}
        return {key: _rename(value, names) for key, value in schema.items()}
    if isinstance(schema, list):
        return [_rename(value, names) for value in schema]
    return schema


def _parameters(route: Route) -> list[Doc]:
    _, names = path_of(route)
    found: list[Doc] = [
        {"name": name, "in": "path", "required": True, "schema": PATH_PARAMETERS[name]} for name in names
    ]
    found += [
        {"name": name, "in": "query", "required": False, "schema": QUERY_PARAMETERS[name]} for name in route.query
    ]
    found += HEADER_PARAMETERS.get(route.op, ())
    if route.changes:
        found.append({"$ref": "#/components/parameters/IdempotencyKey"})
    return found


def _security(route: Route) -> list[dict[str, list[str]]]:
    """Alternatives: a session (with the CSRF token where something changes), a device, nobody."""
    ways: list[dict[str, list[str]]] = []
    if route.open:
        ways.append({})
    if route.roles - {Role.PUBLIC, Role.DEVICE}:
        ways.append({"session": [], "csrf": []} if route.protected else {"session": []})
    if Role.DEVICE in route.roles:
        ways.append({"device": []})
    return ways


def _errors(route: Route) -> set[int]:
    _, names = path_of(route)
    found = {400, 503}
    if not route.open:
        found |= {401, 403}
    if route.op == "login":
        found |= {401, 403}
    if names or route.scope == "case" or {"unit", "village"} & set(route.query):
        found.add(404)
    if route.changes:
        found |= {403, 404, 409, 422}
    if route.body is not None:
        found |= {413, 415}
    return found | {429}


def _body(route: Route, schemas: dict[tuple[Any, str], Doc]) -> Doc | None:
    if route.body is None:
        return None
    if route.body == "bytes":
        return {
            "required": route.op == "append_file",
            "content": {"application/offset+octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    return {"required": True, "content": {"application/json": {"schema": schemas[route.body, "body"]}}}


def _success(route: Route, schemas: dict[tuple[Any, str], Doc]) -> tuple[str, Doc]:
    """Status and description of the answer when all is well."""
    answer: Doc = {"description": "好了 done"}
    if route.media == "websocket":
        return "101", {"description": "升级为长连接 the connection is a WebSocket now; see docs/PROTOCOL.md"}
    if route.op == "receipt_page":
        return "302", {"description": "去进度页 to the progress page"}
    if route.status == 204 or route.method == "HEAD":
        return str(route.status), answer
    if route.reply is not None:
        schema = schemas[route.reply, "reply"]
    elif route.media in ("application/json", "text/html", "text/plain"):
        schema = {"type": "object" if route.media == "application/json" else "string"}
    else:
        schema = {"type": "string", "format": "binary"}
    kinds = ["*/*"] if route.op == "asset" else route.media.split(", ")
    return str(route.status), {**answer, "content": {media: {"schema": schema} for media in kinds}}


def _refusals(schema: Doc) -> Doc:
    """Every refusal as JSON, and as a plain page where a person's browser looks at the address itself."""
    json_ = {"application/json": {"schema": schema}}
    page = {**json_, "text/html": {"schema": {"type": "string"}}}
    named = (("Error", json_), ("Page", page))
    return {
        f"{kind}{code}": {"description": text, "content": content}
        for kind, content in named
        for code, text in _ERRORS.items()
    }


def _operation(route: Route, schemas: dict[tuple[Any, str], Doc]) -> Doc:
    responses: Doc = dict([_success(route, schemas)])
    kind = "Page" if route.media == "text/html" else "Error"
    for code in sorted(_errors(route)):
        responses[str(code)] = {"$ref": f"#/components/responses/{kind}{code}"}
    operation: Doc = {
        "operationId": route.op,
        "summary": route.summary,
        "tags": [_tag(route)],
        "parameters": _parameters(route),
        "responses": responses,
        "security": _security(route),
        "x-roles": sorted(role.value for role in route.roles),
        "x-scope": route.scope,
    }
    body = _body(route, schemas)
    if body:
        operation["requestBody"] = body
    return operation


def _tag(route: Route) -> str:
    parts = route.path.split("/")
    return parts[3] if route.path.startswith("/api/v1/") else "system"


def describe() -> Doc:
    """The whole document; the same for every installation."""
    components, schemas = _schemas()
    paths: Doc = {}
    for route in ROUTES:
        path, _ = path_of(route)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "villagecall 村能办",
            "version": __version__,
            "summary": "Errands with the county government, finished in the village over live video.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in sorted({_tag(route) for route in ROUTES})],
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": _refusals(schemas[ErrorReply, "reply"]),
            "parameters": {
                "IdempotencyKey": {
                    "name": "Idempotency-Key",
                    "in": "header",
                    "required": False,
                    "description": "同一操作重试时不变 the same when the same operation is sent again",
                    "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"},
                }
            },
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": "vc_session"},
                "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token"},
                "device": {"type": "apiKey", "in": "header", "name": "Authorization", "description": "Device <secret>"},
            },
        },
    }


def document() -> bytes:
    return orjson.dumps(describe(), option=orjson.OPT_INDENT_2)


if __name__ == "__main__":
    sys.stdout.buffer.write(document() + b"\n")
