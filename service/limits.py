"""The limit of a request's body, kept before anything reads it."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import ServiceProblem

_MEBIBYTE = 2**20


class LimitBodies:
    """ASGI middleware that cuts off bodies beyond `limit` bytes, whatever their headers say.

    Whoever reads such a body meets `ServiceProblem` (413): at once where its length was declared,
    else where it grows too long.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, reading no more than the limit."""
        if scope["type"] == "http" and scope["method"] != "GET":
            receive = self._limited(scope, receive)
        await self._app(scope, receive, send)

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        limit = self._limit
        declared = next(
            (value for name, value in scope["headers"] if name == b"content-length"), b"0"
        )
        received = 0

        async def counted() -> Message:
            nonlocal received
            if int(declared) > limit:
                raise _too_large(limit)
            message = await receive()
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
                if received > limit:
                    raise _too_large(limit)
            return message

        return counted


def _too_large(limit: int) -> ServiceProblem:
    most = f"{limit} bytes" if limit % _MEBIBYTE else f"{limit // _MEBIBYTE} MiB"
    return ServiceProblem(413, f"The body has more than {most}; send a smaller image.")
