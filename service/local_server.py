"""Server processes on this machine: reserved port, start, readiness and stop."""

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from embeddings.errors import BelvedereError

LOCAL = "127.0.0.1"

_STOP_SECONDS = 30.0


class ServerNotStarted(BelvedereError):
    """The server ended or was not ready in time; the message has the last line of its output."""


def reserve_port() -> int:
    """Return a TCP port of 127.0.0.1 that is reserved for about a minute.

    The port is in the state TIME_WAIT: the system does not assign it, and only a server that sets
    SO_REUSEADDR, as uvicorn does, can listen on it.
    """
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOCAL, 0))
        listener.listen(1)
        port: int = listener.getsockname()[1]
        with socket.create_connection((LOCAL, port)) as client:
            accepted, _ = listener.accept()
            # TIME_WAIT is the state of the end that closes first.
            accepted.close()
            client.recv(1)
    return port


@contextmanager
def running_server(
    command: Sequence[str],
    is_ready: Callable[[], bool],
    *,
    environment: Mapping[str, str],
    folder: Path | None = None,
    start_seconds: float = 60.0,
    poll_seconds: float = 0.02,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends; the block begins when `is_ready` returns true.

    `environment` is added to that of this process; `folder` is the working directory. The server is
    stopped by SIGTERM, and killed after 30 seconds. Raises `ServerNotStarted`.
    """
    deadline = time.monotonic() + start_seconds
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command, env=os.environ | environment, cwd=folder, stdout=log, stderr=log
        )
        try:
            while not is_ready():
                if process.poll() is not None:
                    log.seek(0)
                    last = log.read().decode(errors="replace").strip().splitlines()[-1:]
                    raise ServerNotStarted(f"The server did not start: {''.join(last)}")
                if time.monotonic() > deadline:
                    raise ServerNotStarted(
                        f"The server was not ready within {start_seconds:.0f} s; run "
                        f"`{' '.join(command)}` by itself."
                    )
                time.sleep(poll_seconds)
            yield process
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
