"""The description: valid OpenAPI 3.1, complete, and true of what the server answers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from tests.support.plant import plant
from tests.support.site import Site
from villagecall.directory.model import Role
from villagecall.http import openapi
from villagecall.http.models.case import EnterApplicant, ReturnCase
from villagecall.http.table import ROUTES, Route

DOC = openapi.describe()


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in DOC["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def resolve(ref: str) -> Any:
    found: Any = DOC
    for part in ref.removeprefix("#/").split("/"):
        found = found[part]
    return found


def schema_of(ref: str) -> dict[str, Any]:
    return {"$ref": ref, "components": DOC["components"]}


def test_every_route_is_described_once_and_nothing_else() -> None:
    described = {operation["operationId"]: (path, method.upper()) for path, method, operation in operations()}
    assert set(described) == {route.op for route in ROUTES}
    assert len(described) == len(ROUTES)
    for route in ROUTES:
        path, method = described[route.op]
        assert method == route.method
        assert path == re.sub(r":[^}]*}", "}", route.path)


def test_every_reference_leads_somewhere() -> None:
    for ref in set(references(DOC)):
        assert resolve(ref), ref


def test_every_schema_is_json_schema_2020_12() -> None:
    for schema in DOC["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    for _, _, operation in operations():
        for parameter in operation["parameters"]:
            if "schema" in parameter:
                jsonschema.Draft202012Validator.check_schema(parameter["schema"])


def test_the_shape_is_what_openapi_3_1_asks_for() -> None:
    assert DOC["openapi"].startswith("3.1.")
    assert {"title", "version"} <= set(DOC["info"])
    tags = {tag["name"] for tag in DOC["tags"]}
    for path, method, operation in operations():
        assert path.startswith("/")
        assert set(operation["tags"]) <= tags
        in_path = {part["name"] for part in operation["parameters"] if part.get("in") == "path"}
        assert in_path == set(re.findall(r"\{(\w+)\}", path)), (path, method)
        assert all(re.fullmatch(r"[1-5]\d\d", status) for status in operation["responses"])
        for response in operation["responses"].values():
            assert "$ref" in response or response["description"]
        for way in operation["security"]:
            assert set(way) <= set(DOC["components"]["securitySchemes"])


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.op)
def test_the_description_says_who_may_and_what_they_must_bring(route: Route) -> None:
    operation = next(each for _, _, each in operations() if each["operationId"] == route.op)
    ways = operation["security"]
    assert ({} in ways) == (Role.PUBLIC in route.roles)
    assert ({"device": []} in ways) == (Role.DEVICE in route.roles)
    assert ("401" in operation["responses"]) or route.open
    assert any("csrf" in way for way in ways) == route.protected
    assert ("requestBody" in operation) == (route.body is not None)
    names = {part["name"] for part in operation["parameters"] if part.get("in") == "query"}
    assert names == set(route.query)
    assert "429" in operation["responses"]


def test_replies_are_whole_and_bodies_may_leave_defaults_out() -> None:
    schemas = DOC["components"]["schemas"]
    assert "warnings" in schemas["CaseReply"]["required"]
    assert set(schemas["Defect"]["required"]) == set(schemas["Defect"]["properties"])
    assert schemas["DefectInput"]["required"] == ["code"]
    assert list(references(schemas["ReturnCase"])) == ["#/components/schemas/DefectInput"]
    assert "agent" not in schemas["EnterApplicant"]["required"]
    body = {"defects": [{"code": "missing", "material": "id"}]}
    jsonschema.validate(body, schema_of("#/components/schemas/ReturnCase"))
    ReturnCase.model_validate(body)
    wrong = {"applicant": {"name": "x", "age": 3}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, schema_of("#/components/schemas/EnterApplicant"))
    with pytest.raises(ValueError, match="age"):
        EnterApplicant.model_validate(wrong)


def test_what_only_the_socket_carries_is_there_for_the_pages() -> None:
    schemas = DOC["components"]["schemas"]
    assert {"CallView", "PartyView", "Slot"} <= set(schemas)
    assert set(schemas["Slot"]["required"]) == {"index", "audio_mid", "video_mid", "participant"}


def test_the_command_prints_it_without_a_server() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "villagecall.http.openapi"], check=True, capture_output=True, timeout=60
    )
    assert json.loads(done.stdout) == json.loads(openapi.document())


@pytest.mark.asyncio(loop_scope="module")
async def test_what_the_server_answers_is_what_the_description_promises(site: Site) -> None:
    county = site.county
    case_id = await plant(site, village=county.willow, clerk=county.willow_clerk, item=county.card, stage="town")
    clerk, officer = await site.browser(county.willow_clerk), await site.browser(county.east_officer)
    admin = await site.browser(county.admin)
    for browser, path in (
        (clerk, "/api/v1/session"),
        (clerk, "/api/v1/items"),
        (clerk, "/api/v1/items/{code}"),
        (clerk, "/api/v1/fields"),
        (clerk, "/api/v1/units"),
        (admin, "/api/v1/people"),
        (admin, "/api/v1/devices"),
        (clerk, "/api/v1/cases"),
        (clerk, "/api/v1/cases/{case_id}"),
        (clerk, "/api/v1/cases/{case_id}/history"),
        (clerk, "/api/v1/cases/{case_id}/defects"),
        (clerk, "/api/v1/cases/{case_id}/receipt"),
        (officer, "/api/v1/queue"),
        (clerk, "/api/v1/daybook"),
    ):
        answer = await browser.get(path.format(code="LN-001", case_id=case_id))
        assert answer.status == 200, (path, answer.raw)
        promised = DOC["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        jsonschema.validate(answer.json(), {**promised, "components": DOC["components"]})
    refused = await clerk.get("/api/v1/people")
    jsonschema.validate(refused.json(), schema_of("#/components/schemas/ErrorReply"))
    served = await site.nobody().get("/api/openapi.json")
    assert served.json() == json.loads(openapi.document())
