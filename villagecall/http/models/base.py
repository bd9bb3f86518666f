"""What the pages and the server say to each other over HTTP. The OpenAPI description is made from these."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints


class Body(BaseModel):
    """A request body: unknown keys are refused, blanks around strings are dropped."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Reply(BaseModel):
    model_config = ConfigDict(extra="forbid")


_WRITTEN = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]*$"
"""No control characters: what people enter is printed on certificates, and must read as it is stored."""
Short = Annotated[str, StringConstraints(max_length=200, pattern=_WRITTEN)]
Text = Annotated[str, StringConstraints(max_length=4000, pattern=_WRITTEN)]
Code = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class ErrorReply(Reply):
    """Every refusal. ``details`` may name the fields of a request (``fields: {name: sentence}``)."""

    code: str
    zh: str
    en: str
    todo_zh: str
    todo_en: str
    details: dict[str, Any] = Field(default_factory=dict)


class Advice(Reply):
    """Something to look at that does not block (an ID number whose check digit is off)."""

    code: str
    field: str
    zh: str
    en: str


class Ok(Reply):
    ok: bool = True
