import socket
import sys

import pytest

from service.local_server import LOCAL, ServerNotStarted, reserve_port, running_server


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex((LOCAL, port)) == 0


def test_a_reserved_port_requires_so_reuseaddr() -> None:
    port = reserve_port()
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind((LOCAL, port))
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((LOCAL, port))
        server.listen()
        assert listens(port)


def test_a_server_runs_within_the_block_and_is_stopped_after_it() -> None:
    port = reserve_port()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", LOCAL]
    with running_server(command, lambda: listens(port), environment={}) as process:
        assert process.poll() is None
        assert listens(port)
    assert process.poll() is not None
    assert not listens(port)


def test_a_server_that_ends_gives_the_last_line_of_its_output() -> None:
    command = [sys.executable, "-c", "print('first'); raise SystemExit('the reason')"]
    with (
        pytest.raises(ServerNotStarted, match="did not start: the reason"),
        running_server(command, lambda: False, environment={}),
    ):
        pass


def test_a_server_that_is_not_ready_in_time_is_stopped() -> None:
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    with (
        pytest.raises(ServerNotStarted, match=r"not ready within 0 s"),
        running_server(command, lambda: False, environment={}, start_seconds=0),
    ):
        pass
