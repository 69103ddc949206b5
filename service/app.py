"""ASGI application of the service, and its server."""

import signal
import socket
import sys
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Route
from starlette.types import ASGIApp

from embeddings.errors import SettingsError
from service.api.errors import answer_errors
from service.api.openapi import TAGS, TEXT, Description, completed
from service.api.routes import DIRECT_ROUTES, ROUTERS
from service.json_logging import log_as_json
from service.keys import Key, KeyRing, digest_of, grants
from service.memory import freeze_gc, tune_malloc
from service.metrics import Metrics
from service.middleware.access_log import AccessLogMiddleware
from service.middleware.cors import CrossOriginMiddleware
from service.middleware.direct_routes import DirectRoutesMiddleware
from service.middleware.fast_path import PrecomputedResponseMiddleware
from service.middleware.header_timeout import HeaderTimeoutProtocol
from service.middleware.normalization import NormalizationMiddleware
from service.middleware.request_id import RequestIds, ResponseHeadersMiddleware
from service.middleware.request_limits import RequestLimitsMiddleware
from service.serving.state import After, ServiceState
from service.serving.writing import Writing
from service.settings import ServiceSettings
from service.static_files import static_files

_SHUTDOWN_SECONDS = 7
"""Seconds for open requests to finish on shutdown, so that the process ends within ten."""


class _Service(FastAPI):
    def openapi(self) -> Description:
        """Return the OpenAPI description, with the parts that routes do not declare."""
        return completed(super().openapi())


def create_app(settings: ServiceSettings, after: After = lambda: None) -> ASGIApp:
    """Return the application; it opens releases from its start and calls `after` for each.

    Until the first release is open, it answers with 503. Raises `PageIncomplete`, and the errors of
    `create_api`.
    """
    # An incomplete page is reported at the start, not at the first request.
    static_files()
    _check_root_path(settings.root_path)
    metrics, ids = Metrics(), RequestIds()
    # Outside of the application, whose handler of unexpected errors surrounds its middleware.
    app: ASGIApp = ResponseHeadersMiddleware(create_api(settings, metrics, after), ids)
    app = PrecomputedResponseMiddleware(app, metrics, ids, settings.log)
    if settings.origins:
        app = CrossOriginMiddleware(app, settings.origins)
    return NormalizationMiddleware(app, settings.root_path)


def _check_root_path(path: str) -> None:
    """Raise `SettingsError` if a path under this root path would be ambiguous."""
    first = path.split("/")[1:2]
    routes = [route for router in ROUTERS for route in router.routes]
    own = {route.path.split("/")[1] for route in routes if isinstance(route, Route)}
    if own.intersection(first):
        raise SettingsError(
            f"BELVEDERE_ROOT_PATH is {path}, but the service has calls under /{first[0]} itself; "
            "choose another path."
        )


def create_api(
    settings: ServiceSettings,
    metrics: Metrics,
    after: After = lambda: None,
) -> FastAPI:
    """Return the FastAPI application with all routes and the inner middleware.

    A service that writes holds the lock of the store from here on. Raises `SettingsError`,
    `KeysError`, `Locked`, `HomeError`.
    """
    keys = open_keys(settings)
    writing = Writing(settings, metrics) if settings.writable else None

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, ServiceState]]:
        state = ServiceState(settings, metrics, keys, writing, after)
        state.open()
        yield {"service": state}
        await state.close()

    app = _Service(
        title="Belvedere",
        version="1",
        description=TEXT,
        openapi_tags=TAGS,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
    )
    answer_errors(app, [route for router in ROUTERS for route in router.routes])
    app.add_middleware(
        DirectRoutesMiddleware, routes=DIRECT_ROUTES, handlers=app.exception_handlers
    )
    app.add_middleware(
        RequestLimitsMiddleware, limit=settings.upload_limit, bulk_limit=settings.bulk_limit
    )
    app.add_middleware(AccessLogMiddleware, metrics=metrics, logged=settings.log)
    for router in ROUTERS:
        app.include_router(router)
    return app


def open_keys(settings: ServiceSettings) -> KeyRing:
    """Return the keys of the service.

    Raises `KeysError` for an unreadable file, and `SettingsError` if each computer of the network
    could write.
    """
    secret = settings.api_key
    others = (
        ()
        if secret is None
        else (
            Key(name="BELVEDERE_API_KEY", role="read", sha256=digest_of(secret.get_secret_value())),
        )
    )
    ring = KeyRing(settings.keys_file, others)
    if not settings.writable or settings.is_local:
        return ring
    if not any(grants(each.role, "write") for each in ring.keys):
        raise SettingsError(
            f"BELVEDERE_WRITABLE: every computer that reaches {settings.host} could change the "
            "images; create a key with `belvedere key NAME --role write`, or set BELVEDERE_HOST to "
            "127.0.0.1."
        )
    return ring


def configured(settings: ServiceSettings, after: After = lambda: None) -> uvicorn.Config:
    """Return the configuration of the server: one process, one event loop."""
    return uvicorn.Config(
        create_app(settings, after),
        host=settings.host,
        port=settings.port,
        http=HeaderTimeoutProtocol,
        log_config=None,
        access_log=False,
        # Neither the scheme nor the address of a client is used.
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )


def serve(settings: ServiceSettings) -> None:
    """Run the service in this process until a signal stops it.

    Raises `SettingsError` for an address that it cannot listen on.
    """
    _refuse_unusable_address(settings.host, settings.port)
    log_as_json()
    tune_malloc()
    # Broken uploads must not fill the log with warnings of Pillow.
    warnings.filterwarnings("ignore", module="PIL")
    # uvicorn raises the signal again after its shutdown; SIGTERM is no failure.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    uvicorn.Server(configured(settings, freeze_gc)).run()


def _refuse_unusable_address(host: str, port: int) -> None:
    """Raise `SettingsError` for an address that cannot be listened on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind((host, port))
    except (socket.gaierror, UnicodeError) as error:
        raise SettingsError(
            f"BELVEDERE_HOST: {host!r} is not an address of this machine ({error}); set it to "
            "127.0.0.1 for this machine alone, or to 0.0.0.0 for its network."
        ) from error
    except OSError as error:
        raise SettingsError(
            f"BELVEDERE_PORT: the service cannot listen on port {port} of {host} "
            f"({error.strerror}); end the process that uses it, or set another port."
        ) from error


def _operation_id(route: APIRoute) -> str:
    return route.name
