"""HTTP load: the output of wrk is parsed, and failures are counted."""

import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

import pytest

from benchmarks.wrk import Request, load, parsed

_OUTPUT = """\
Running 2s test @ http://127.0.0.1:8000
  1 threads and 16 connections
  2000 requests in 2.00s, 1.00MB read
measured: {"answers": 2000, "microseconds": 2000000, "p50": 1500, "p99": 9000, %s}
"""


class _RejectEverySecond(BaseHTTPRequestHandler):
    """Handler that responds to every second request with 503."""

    protocol_version = "HTTP/1.1"
    numbers = count()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(503 if next(self.numbers) % 2 else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_what: object) -> None:
        """Log nothing."""


@pytest.fixture
def half_rejecting() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _RejectEverySecond) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_figures_of_a_run_without_failures():
    answered = parsed(_OUTPUT % '"refused": 0, "broken": 0')
    assert answered.per_second == 1000
    assert (answered.p50_ms, answered.p99_ms) == (1.5, 9.0)
    assert answered.failed == 0


def test_refused_and_broken_requests_are_failures():
    answered = parsed(_OUTPUT % '"refused": 500, "broken": 3')
    assert answered.per_second == 750
    assert answered.failed == 503


def test_a_run_without_any_response_failed():
    silent = (
        '{"answers": 0, "microseconds": 2000000, "p50": 0, "p99": 0, "refused": 0, "broken": 0}'
    )
    assert parsed(f"measured: {silent}").failed == 1


def test_a_failed_run_is_an_error():
    with pytest.raises(RuntimeError, match="Connection refused"):
        parsed("unable to connect to 127.0.0.1:1 Connection refused\n")


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
def test_failures_of_half_of_the_requests_are_reported(half_rejecting: str):
    requests = [Request("/predict", b"\x00\xff" * 40), Request("/predict", b'"quoted"\r\n')]
    answered = load(half_rejecting, requests, clients=2, seconds=1, per_second=100)
    assert 0 < answered.per_second < 100
    assert answered.failed == pytest.approx(answered.per_second, rel=0.3)
