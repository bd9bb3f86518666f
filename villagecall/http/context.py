"""What a handler gets, and how it says which operation of the table it answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel

from villagecall.case import Case
from villagecall.directory.model import Person, Unit
from villagecall.errors import BadRequest, NotSignedIn
from villagecall.http.services import Services
from villagecall.http.table import Route
from villagecall.journal import Actor
from villagecall.ports import Session

B = TypeVar("B", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Caller:
    """A signed-in person with the unit they act for."""

    person: Person
    unit: Unit
    session: Session

    @property
    def actor(self) -> Actor:
        return Actor(str(self.person.person_id), self.person.unit, self.person.role.value)


@dataclass(slots=True)
class Context:
    """One request, after the guard: role, scope, CSRF and body are checked.

    ``case`` is loaded and in scope on routes of scope ``case`` that carry ``case_id``. ``key`` is the
    request's idempotency key (the header, or one made for requests that are idempotent by their ids).
    """

    request: web.Request
    route: Route
    services: Services
    key: str
    who: Caller | None = None
    device: UUID | None = None
    case: Case | None = None
    parsed: BaseModel | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def caller(self) -> Caller:
        if self.who is None:
            raise NotSignedIn
        return self.who

    @property
    def the_case(self) -> Case:
        if self.case is None:
            raise BadRequest(field="case_id")
        return self.case

    def body(self, model: type[B]) -> B:
        """The parsed body; its type is the table's."""
        if not isinstance(self.parsed, model):  # the guard parsed it by the same table
            raise TypeError(f"{model.__name__} is not the body of this route")
        return self.parsed

    def uuid(self, name: str) -> UUID:
        """A path parameter that is a UUID. Raises :class:`BadRequest`."""
        try:
            return UUID(self.request.match_info[name])
        except ValueError:
            raise BadRequest(field=name) from None

    def query(self, name: str, default: str = "") -> str:
        """A query parameter; one that is there but empty counts as not given."""
        return self.request.query.get(name) or default

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """A query parameter that is a whole number within bounds. Raises :class:`BadRequest`."""
        try:
            value = int(self.query(name, str(default)))
        except ValueError:
            raise BadRequest(field=name) from None
        if not low <= value <= high:
            raise BadRequest(field=name)
        return value


Answer = BaseModel | web.StreamResponse | None
Handler = Callable[[Context], Awaitable[Answer]]
HANDLERS: dict[str, Handler] = {}
H = TypeVar("H", bound=Handler)


def handles(op: str) -> Callable[[H], H]:
    """Register a handler for an operation of :data:`villagecall.http.table.ROUTES`."""

    def register(handler: H) -> H:
        if op in HANDLERS:
            raise ValueError(f"{op} is handled twice")
        HANDLERS[op] = handler
        return handler

    return register


SERVICES: web.AppKey[Services] = web.AppKey("services", Services)


def services(request: web.Request) -> Services:
    return request.app[SERVICES]
