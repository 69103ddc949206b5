"""Bare ASGI callable with a fixed body: `python -m benchmarks.rivals.bare_asgi PORT BYTES`.

It runs on uvicorn, as the service does: an upper bound of the requests per second.
"""

import sys

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send


def main() -> None:
    """Serve until stopped."""
    port, size = (int(argument) for argument in sys.argv[1:])
    config = uvicorn.Config(
        fixed_response(size),
        port=port,
        loop="uvloop",
        http="httptools",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
    )
    uvicorn.Server(config).run()


def fixed_response(size: int) -> ASGIApp:
    """Return an application that answers every request with `size` bytes."""
    body = b" " * size
    headers = [(b"content-length", b"%d" % size), (b"content-type", b"application/json")]

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return answer


if __name__ == "__main__":
    main()
