"""Protection of the service: API key, time limits and size limits."""

import json
import socket
import time
from urllib.parse import urlsplit

import pytest

from service.middleware.header_timeout import HeaderTimeoutProtocol
from service.problems import ProblemType
from service.settings import ServiceSettings

KEY = "correct horse battery staple"
DEADLINE = 60.0


def connect(client) -> socket.socket:
    address = urlsplit(str(client.base_url))
    return socket.create_connection((address.hostname, address.port), timeout=DEADLINE)


def is_closed(connection: socket.socket, data: bytes, *, pause: float = 0) -> bool:
    """Return True if the service closes the connection of a client that continues to send."""
    until = time.monotonic() + DEADLINE
    try:
        while time.monotonic() < until:
            connection.sendall(data)
            time.sleep(pause)
    except ConnectionError:
        return True
    return False


def read_to_end(connection: socket.socket) -> bytes:
    """Return all bytes that the service sends before it closes the connection."""
    received = b""
    try:
        while part := connection.recv(4096):
            received += part
    except ConnectionError:
        pass
    return received


@pytest.mark.parametrize("key", [None, "wrong", KEY + "!", KEY[:-1], "ä"])
def test_expensive_calls_require_the_configured_key(serving, home, a_jpeg, sentence, key):
    headers = {} if key is None else {"X-API-Key": key.encode()}
    with serving(ServiceSettings(home=home, api_key=KEY)) as client:
        for call in ("/predict", "/neighbors", "/tsne"):
            refused = client.post(call, content=a_jpeg, headers=headers)
            assert "X-API-Key" in sentence(refused, 401)
            assert KEY not in refused.text
        sentence(client.get("/tsne", headers=headers), 401)


def test_expensive_calls_accept_the_key_and_other_calls_need_none(serving, home, a_jpeg, records):
    with serving(ServiceSettings(home=home, api_key=KEY)) as client:
        assert client.get("/neighbors", params={"id": records[0]["id"]}).status_code == 200
        assert client.get("/readyz").status_code == 200
        answer = client.post("/predict", content=a_jpeg, headers={"X-API-Key": KEY})
        assert answer.status_code == 200


def test_connections_with_unfinished_headers_are_closed(serving, home, monkeypatch):
    monkeypatch.setattr(HeaderTimeoutProtocol, "timeout", 0.3)
    with serving(ServiceSettings(home=home)) as client:
        for begun in (b"", b"GET /livez HTTP/1.1\r\nHost: x\r\n"):
            with connect(client) as slow:
                slow.sendall(begun)
                assert read_to_end(slow) == b""
        assert client.get("/livez").status_code == 200


def test_slow_headers_do_not_extend_the_time_limit(serving, home, monkeypatch):
    monkeypatch.setattr(HeaderTimeoutProtocol, "timeout", 0.5)
    with serving(ServiceSettings(home=home)) as client, connect(client) as slow:
        slow.sendall(b"GET /livez HTTP/1.1\r\n")
        assert is_closed(slow, b"X-Drip: 1\r\n", pause=0.05)


def test_an_unfinished_body_times_out(serving, home, records):
    with serving(ServiceSettings(home=home, upload_seconds=0.3)) as client:
        with connect(client) as slow:
            slow.sendall(
                b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\n"
                b"Content-Length: 1000\r\n\r\n\xff\xd8"
            )
            answer = read_to_end(slow)
            assert b" 408 " in answer.splitlines()[0]
            assert b"send it faster" in answer
        assert client.get("/neighbors", params={"id": records[0]["id"]}).status_code == 200


def test_connections_with_endless_headers_are_closed(serving, home):
    with serving(ServiceSettings(home=home)) as client:
        with connect(client) as flooding:
            flooding.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n")
            assert is_closed(flooding, b"X-Filler: " + b"a" * 1000 + b"\r\n")
        assert client.get("/livez").status_code == 200


def test_connections_with_too_large_chunked_bodies_are_closed(serving, home, sentence):
    with serving(ServiceSettings(home=home, upload_limit=5000)) as client:
        assert "5000 bytes" in sentence(client.post("/predict", content=b"x" * 6000), 413)
        chunks = (b"x" * 1000 for _ in range(6))
        assert "5000 bytes" in sentence(client.post("/predict", content=chunks), 413)
        sentence(client.post("/neighbors", files={"file": b"x" * 6000}), 413)
        sentence(client.post("/predict", content=b"x" * 4000), 415)


def test_connections_that_send_after_the_response_are_closed(serving, home, monkeypatch):
    monkeypatch.setattr(HeaderTimeoutProtocol, "timeout", 0.3)
    with serving(ServiceSettings(home=home, upload_limit=5000)) as client:
        with connect(client) as stubborn:
            stubborn.sendall(
                b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            )
            chunk = b"3e8\r\n" + b"x" * 1000 + b"\r\n"
            assert is_closed(stubborn, chunk, pause=0.01)
        assert client.get("/livez").status_code == 200


def test_headers_beyond_the_limit_are_rejected_even_in_one_read(serving, home):
    with serving(ServiceSettings(home=home)) as client:
        for filler in (
            b"X-Filler: " + b"a" * 100_000,
            b"\r\n".join([b"X-F: " + b"a" * 1000] * 100),
        ):
            with connect(client) as flooding:
                flooding.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n" + filler + b"\r\n\r\n")
                try:
                    answer = flooding.recv(4096)
                except ConnectionError:
                    answer = b""
                assert b" 200 " not in answer
        assert client.get("/livez").status_code == 200


def test_refusals_of_the_protocol_are_problems(serving, home):
    with serving(ServiceSettings(home=home)) as client, connect(client) as malformed:
        malformed.sendall(b"GET /livez HTTP/1.1\r\nHost x\r\n\r\n")
        head, _, body = read_to_end(malformed).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
        assert b"content-type: application/problem+json" in head
        problem = json.loads(body)
        assert problem["status"] == 400
        assert problem["type"] == ProblemType.MALFORMED_REQUEST
        assert problem["detail"] == "Invalid HTTP request received."
