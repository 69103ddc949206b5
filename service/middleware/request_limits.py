"""Size limits of the address and body of a request."""

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.errors import ServiceProblem, respond
from service.problems import ProblemType

MOST_ADDRESS_BYTES = 8 * 1024
"""Maximum size of path and query of a request, in bytes."""

_MEBIBYTE = 2**20


class RequestLimitsMiddleware:
    """ASGI middleware that rejects long addresses and limits bodies to `limit` bytes.

    The body of `POST /images`, of many images, is limited to `bulk_limit` bytes. Reading a larger
    body raises `ServiceProblem` (413): at once if its length was declared, otherwise at the first
    byte beyond the limit.
    """

    def __init__(self, app: ASGIApp, limit: int, bulk_limit: int) -> None:
        self._app = app
        self._image = limit, "a smaller image"
        self._images = bulk_limit, "fewer images at a time"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a limited body, or reject its address."""
        if scope["type"] == "http" and _address_bytes(scope) > MOST_ADDRESS_BYTES:
            await _too_long(scope)(scope, receive, send)
            return
        if scope["type"] == "http" and scope["method"] != "GET":
            receive = self._limited(scope, receive)
        await self._app(scope, receive, send)

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        is_bulk = (scope["method"], scope["path"]) == ("POST", "/images")
        limit, remedy = self._images if is_bulk else self._image
        declared = next(
            (value for name, value in scope["headers"] if name == b"content-length"), b"0"
        )
        received = 0

        async def counted() -> Message:
            nonlocal received
            if int(declared) > limit:
                raise _too_large(limit, remedy)
            message = await receive()
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
                if received > limit:
                    raise _too_large(limit, remedy)
            return message

        return counted


def _address_bytes(scope: Scope) -> int:
    return len(scope["raw_path"]) + len(scope["query_string"])


def _too_long(scope: Scope) -> ASGIApp:
    return respond(
        Request(scope),
        ProblemType.URL_TOO_LONG,
        f"The address has more than {MOST_ADDRESS_BYTES // 1024} KiB; ask for less at a time.",
    )


def _too_large(limit: int, remedy: str) -> ServiceProblem:
    most = f"{limit} bytes" if limit % _MEBIBYTE else f"{limit // _MEBIBYTE} MiB"
    return ServiceProblem(
        ProblemType.BODY_TOO_LARGE, f"The body has more than {most}; send {remedy}."
    )
