"""The service as an ASGI application, and how it is run."""

import logging
import signal
import sys
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from service.errors import answer_errors
from service.metrics import MeasureRequests, Metrics
from service.patience import PatientProtocol
from service.ready import AnswerReady
from service.routes import ROUTERS
from service.schemas import Problem
from service.settings import ServiceSettings
from service.state import ServiceState

_SHUTDOWN_SECONDS = 10

_DESCRIPTION = """\
Labelled photographs, the network that recognises them best, and what it makes of them.

Every JSON answer carries `release`, the fingerprint of the release that it comes from. Errors are
`application/problem+json` (RFC 9457); their `detail` says what to do.
"""


class _Service(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """The description, with the form of errors that every route refers to."""
        description = super().openapi()
        description["components"]["schemas"][Problem.__name__] = Problem.model_json_schema()
        return description


def create_app(settings: ServiceSettings) -> FastAPI:
    """The application; it opens the current release when it starts."""
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, ServiceState]]:
        state = ServiceState(settings, metrics)
        await state.open()
        yield {"service": state}
        await state.close()

    app = _Service(
        title="Belvedere",
        version="1",
        description=_DESCRIPTION,
        lifespan=lifespan,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
    )
    app.add_middleware(AnswerReady, route=_named("neighbors_of_stored"))
    app.add_middleware(MeasureRequests, metrics=metrics)
    answer_errors(app, [route for router in ROUTERS for route in router.routes])
    for router in ROUTERS:
        app.include_router(router)
    app.add_route("/", _to_documentation, include_in_schema=False)
    return app


def configured(settings: ServiceSettings) -> uvicorn.Config:
    """How the service is run: one process, one event loop."""
    return uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        http=PatientProtocol,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )


def serve(settings: ServiceSettings) -> None:
    """Run the service in this process until it is told to stop."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s")
    # Whoever sends broken files must not fill the log with what is wrong with them.
    warnings.filterwarnings("ignore", module="PIL")
    # uvicorn raises the signal again when it has shut down; being told to stop is no failure.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    uvicorn.Server(configured(settings)).run()


def _named(operation: str) -> BaseRoute:
    routes = (route for router in ROUTERS for route in router.routes)
    return next(
        route for route in routes if isinstance(route, APIRoute) and route.name == operation
    )


def _operation_id(route: APIRoute) -> str:
    return route.name


async def _to_documentation(_: object) -> RedirectResponse:
    return RedirectResponse("/docs")
