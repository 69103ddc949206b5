"""What keeps a stranger from harming the service."""

import socket
import time
from urllib.parse import urlsplit

import pytest

from service.middleware.header_timeout import HeaderTimeoutProtocol
from service.settings import ServiceSettings

KEY = "correct horse battery staple"
DEADLINE = 60.0


def connected(client) -> socket.socket:
    address = urlsplit(str(client.base_url))
    return socket.create_connection((address.hostname, address.port), timeout=DEADLINE)


def hung_up(connection: socket.socket, data: bytes, *, pause: float = 0) -> bool:
    """Return whether the service hangs up on a client that goes on sending."""
    until = time.monotonic() + DEADLINE
    try:
        while time.monotonic() < until:
            connection.sendall(data)
            time.sleep(pause)
    except ConnectionError:
        return True
    return False


def rest(connection: socket.socket) -> bytes:
    """Return everything that the service sends before it hangs up."""
    received = b""
    try:
        while part := connection.recv(4096):
            received += part
    except ConnectionError:
        pass
    return received


@pytest.mark.parametrize("key", [None, "wrong", KEY + "!", KEY[:-1], "ä"])
def test_calls_that_cost_need_the_key_where_there_is_one(serving, home, a_jpeg, sentence, key):
    headers = {} if key is None else {"X-API-Key": key.encode()}
    with serving(ServiceSettings(home=home, api_key=KEY)) as client:
        for call in ("/predict", "/neighbors", "/tsne"):
            refused = client.post(call, content=a_jpeg, headers=headers)
            assert "X-API-Key" in sentence(refused, 401)
            assert KEY not in refused.text
        sentence(client.get("/tsne", headers=headers), 401)


def test_with_the_key_they_answer_and_the_others_ask_for_none(serving, home, a_jpeg, records):
    with serving(ServiceSettings(home=home, api_key=KEY)) as client:
        assert client.get("/neighbors", params={"id": records[0]["id"]}).status_code == 200
        assert client.get("/readyz").status_code == 200
        answer = client.post("/predict", content=a_jpeg, headers={"X-API-Key": KEY})
        assert answer.status_code == 200


def test_who_never_finishes_the_headers_is_hung_up_on(serving, home, monkeypatch):
    monkeypatch.setattr(HeaderTimeoutProtocol, "timeout", 0.3)
    with serving(ServiceSettings(home=home)) as client:
        for begun in (b"", b"GET /livez HTTP/1.1\r\nHost: x\r\n"):
            with connected(client) as slow:
                slow.sendall(begun)
                assert rest(slow) == b""
        assert client.get("/livez").status_code == 200


def test_dripping_headers_do_not_help(serving, home, monkeypatch):
    monkeypatch.setattr(HeaderTimeoutProtocol, "timeout", 0.5)
    with serving(ServiceSettings(home=home)) as client, connected(client) as slow:
        slow.sendall(b"GET /livez HTTP/1.1\r\n")
        assert hung_up(slow, b"X-Drip: 1\r\n", pause=0.05)


def test_a_body_that_never_ends_is_given_up(serving, home, records):
    with serving(ServiceSettings(home=home, upload_seconds=0.3)) as client:
        with connected(client) as slow:
            slow.sendall(
                b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\n"
                b"Content-Length: 1000\r\n\r\n\xff\xd8"
            )
            answer = rest(slow)
            assert b" 408 " in answer.splitlines()[0]
            assert b"send it faster" in answer
        assert client.get("/neighbors", params={"id": records[0]["id"]}).status_code == 200


def test_headers_without_end_are_cut_off(serving, home):
    with serving(ServiceSettings(home=home)) as client:
        with connected(client) as flooding:
            flooding.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n")
            assert hung_up(flooding, b"X-Filler: " + b"a" * 1000 + b"\r\n")
        assert client.get("/livez").status_code == 200


def test_a_body_beyond_the_limit_is_cut_off_in_chunks_too(serving, home, sentence):
    with serving(ServiceSettings(home=home, upload_limit=5000)) as client:
        assert "5000 bytes" in sentence(client.post("/predict", content=b"x" * 6000), 413)
        chunks = (b"x" * 1000 for _ in range(6))
        assert "5000 bytes" in sentence(client.post("/predict", content=chunks), 413)
        sentence(client.post("/neighbors", files={"file": b"x" * 6000}), 413)
        sentence(client.post("/predict", content=b"x" * 4000), 415)


def test_who_goes_on_sending_after_the_answer_is_hung_up_on(serving, home, monkeypatch):
    monkeypatch.setattr(HeaderTimeoutProtocol, "timeout", 0.3)
    with serving(ServiceSettings(home=home, upload_limit=5000)) as client:
        with connected(client) as stubborn:
            stubborn.sendall(
                b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            )
            chunk = b"3e8\r\n" + b"x" * 1000 + b"\r\n"
            assert hung_up(stubborn, chunk, pause=0.01)
        assert client.get("/livez").status_code == 200


def test_headers_beyond_the_limit_are_refused_even_where_one_read_holds_them(serving, home):
    with serving(ServiceSettings(home=home)) as client:
        for filler in (
            b"X-Filler: " + b"a" * 100_000,
            b"\r\n".join([b"X-F: " + b"a" * 1000] * 100),
        ):
            with connected(client) as flooding:
                flooding.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n" + filler + b"\r\n\r\n")
                try:
                    answer = flooding.recv(4096)
                except ConnectionError:
                    answer = b""
                assert b" 200 " not in answer
        assert client.get("/livez").status_code == 200
