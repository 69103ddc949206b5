"""A bare ASGI callable that answers a fixed body: `python -m benchmarks.rivals.floor PORT BYTES`.

It runs on uvicorn, as the service does, and bounds what any service can reach on it.
"""

import sys

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send


def main() -> None:
    """Serve until stopped."""
    port, size = (int(argument) for argument in sys.argv[1:])
    config = uvicorn.Config(
        answering(size),
        port=port,
        loop="uvloop",
        http="httptools",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
    )
    uvicorn.Server(config).run()


def answering(size: int) -> ASGIApp:
    """An application that answers everything with so many bytes."""
    body = b" " * size
    headers = [(b"content-length", b"%d" % size), (b"content-type", b"application/json")]

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return answer


if __name__ == "__main__":
    main()
