"""The web application: a router made of the table of routes and the registered handlers."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import structlog
from aiohttp import web

from villagecall.errors import VillagecallError
from villagecall.http import (
    auth,
    cases,
    check,
    desk,
    device_ws,
    directory_handlers,
    files,
    issuing_handlers,
    papers,
    public,
    recordings,
    system,
    ws,
)
from villagecall.http.context import HANDLERS, SERVICES
from villagecall.http.guard import LIMITS, guarded
from villagecall.http.limits import Limits
from villagecall.http.metrics import METRICS, Metrics
from villagecall.http.outer import dress, outer
from villagecall.http.services import Services
from villagecall.http.table import ROUTES

SWEEP_S = 900.0
_log = structlog.get_logger(__name__)

HANDLER_MODULES = (
    auth,
    cases,
    check,
    desk,
    device_ws,
    directory_handlers,
    files,
    issuing_handlers,
    papers,
    public,
    recordings,
    system,
    ws,
)
"""Importing them has registered their handlers."""


class TableMismatch(VillagecallError):
    """The table of routes and the handlers do not agree; the text names the operations."""


def check_handlers() -> None:
    """Raises :class:`TableMismatch` naming what has no handler, or no line in the table."""
    wanted, given = {route.op for route in ROUTES}, set(HANDLERS)
    if wanted != given:
        missing = ", ".join(sorted(wanted - given)) or "-"
        unknown = ", ".join(sorted(given - wanted)) or "-"
        raise TableMismatch(f"routes without a handler: {missing}; handlers without a route: {unknown}")


async def warm(app: web.Application) -> None:
    """Do before the first request what the first would have to wait for."""
    app[SERVICES].directory.items("a")
    system.description()


async def sweeping(app: web.Application) -> AsyncIterator[None]:
    """Sessions that have ended are dropped from the store while the server runs."""
    services = app[SERVICES]

    async def sweep() -> None:
        while True:
            try:
                await services.sessions.sweep(services.clock.now())
            except Exception:
                _log.exception("session_sweep_failed")
            await asyncio.sleep(SWEEP_S)

    task = asyncio.create_task(sweep())
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def build_app(services: Services) -> web.Application:
    """The application, ready to be run or tested. It owns nothing of ``services`` and closes none of it."""
    check_handlers()
    app = web.Application(
        middlewares=[outer],
        client_max_size=services.settings.upload_limit_mib * 2**20 + 2**20,
    )
    app[SERVICES] = services
    app[METRICS] = Metrics()
    app[LIMITS] = Limits(time.monotonic)
    app.on_response_prepare.append(dress)
    app.on_startup.append(warm)
    app.cleanup_ctx.append(sweeping)
    for route in ROUTES:
        app.router.add_route(route.method, route.path, guarded(route, HANDLERS[route.op]), name=route.op)
    return app
