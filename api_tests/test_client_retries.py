"""Retries of the clients after rejected and interrupted calls, and time-outs."""

import asyncio
import socket
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

import httpx
import pytest

from api_tests.conftest import answering
from service.client import AsyncClient, Client, ServiceError, TimedOut
from service.client.retry import RetryPolicy
from service.schemas import Problem
from service.settings import ServiceSettings

READY = {
    "release": "f00d",
    "revision": 2,
    "status": "ready",
    "data": "odd names",
    "photographs": 1,
    "classes": ["lake"],
    "network": "own",
    "refused": None,
    "writable": False,
    "keys": None,
}

_SECONDS = 2.0
"""Time-out that a connection on a loaded machine does not reach."""


def rejection(status, **headers):
    problem = Problem(title="No", status=status, detail=f"Come back later ({status}).")
    return httpx.Response(
        status,
        text=problem.model_dump_json(),
        headers={"Content-Type": "application/problem+json", **headers},
    )


@contextmanager
def scripted_server(*script):
    """Run a server with a list of responses; for None it closes the connection.

    Yields its address and the list of requested paths.
    """
    requested: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            answer = script[len(requested)]
            requested.append(self.path)
            if answer is None:
                return
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_):
            pass

    with answering(Handler) as address:
        yield address, requested


@contextmanager
def silent_server():
    """Yield the address of a server that accepts connections and sends nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def call(address, **settings):
    with Client(address, **settings) as client:
        return client.ready()


def call_async(address, **settings):
    async def send():
        async with AsyncClient(address, **settings) as client:
            return await client.ready()

    return asyncio.run(send())


both_clients = pytest.mark.parametrize("send", [call, call_async])


@both_clients
def test_a_rejected_or_interrupted_call_is_retried(send):
    script = (rejection(429), None, rejection(503), httpx.Response(200, json=READY))
    with scripted_server(*script) as (address, requested):
        assert send(address).release == "f00d"
        assert len(requested) == 4


@both_clients
def test_after_the_last_retry_the_detail_is_raised(send):
    with scripted_server(rejection(429), rejection(503)) as (address, requested):
        with pytest.raises(ServiceError, match=r"Come back later \(503\)\.") as caught:
            send(address, retries=1)
        assert caught.value.status == 503
        assert len(requested) == 2


@pytest.mark.parametrize("status", [400, 401, 404, 413, 415, 422, 500, 502])
def test_other_errors_are_not_retried(status):
    with scripted_server(rejection(status)) as (address, requested):
        with pytest.raises(ServiceError, match="Come back later") as caught:
            call(address)
        assert caught.value.status == status
        assert len(requested) == 1


@both_clients
def test_a_pause_beyond_the_limit_is_not_waited(send):
    busy = rejection(429, **{"Retry-After": "3600"})
    with scripted_server(busy) as (address, requested):
        with pytest.raises(ServiceError, match="429"):
            send(address)
        assert len(requested) == 1


def test_the_pause_is_retry_after_plus_jitter():
    asked_for = rejection(429, **{"Retry-After": "3"})
    pauses = [RetryPolicy(retries=1, patience=20).pause_after(asked_for) for _ in range(20)]
    assert all(pause is not None and 3 < pause < 4 for pause in pauses)
    assert len(set(pauses)) > 1


@pytest.mark.parametrize("value", ["Fri, 31 Dec 1999 23:59:59 GMT", "-1", "", "²", "soon"])
def test_without_retry_after_pauses_grow_and_end(value):
    attempts = RetryPolicy(retries=4, patience=20)
    outcome = rejection(503, **{"Retry-After": value.encode()})
    found = [attempts.pause_after(outcome) for _ in range(5)]
    pauses = [each for each in found if each is not None]
    assert found == [*pauses, None]
    assert 0 < pauses[0] < pauses[1] < pauses[2] < pauses[3] < 3


def test_the_limit_holds_for_the_sum_of_all_pauses():
    attempts = RetryPolicy(retries=10, patience=5)
    busy = rejection(429, **{"Retry-After": "2"})
    assert [attempts.pause_after(busy) is None for _ in range(3)] == [False, False, True]


@both_clients
def test_a_missing_response_ends_with_the_time_out(send):
    with (
        silent_server() as address,
        pytest.raises(ServiceError, match="longer `timeout`") as caught,
    ):
        send(address, timeout=_SECONDS)
    assert caught.value.status is None


def test_a_change_without_a_response_may_have_been_made():
    with silent_server() as address, Client(address, timeout=_SECONDS) as client:
        for change in (
            lambda: client.add("a", b"1"),
            lambda: client.add_many([("a", b"1")]),
            lambda: client.delete("a"),
        ):
            with pytest.raises(TimedOut, match=r"can be repeated\.$"):
                change()
        with pytest.raises(TimedOut, match=r"longer `timeout`\.$"):
            client.predict(image=b"1")


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (httpx.Response(200, json={"status": "ready"}), 200),
        (httpx.Response(200, text="<h1>It works!</h1>"), 200),
        (httpx.Response(404, text="<h1>Not found</h1>"), 404),
        (httpx.Response(307, headers={"Location": "/login"}), 307),
    ],
)
def test_another_service_is_recognised(answer, status):
    with scripted_server(answer) as (address, _):
        with pytest.raises(ServiceError, match="check the base URL") as caught:
            call(address)
        assert caught.value.status == status


def test_a_full_queue_is_waited_for(serving, home, a_jpeg):
    async def many(address):
        async with AsyncClient(address, retries=20, patience=60) as client:
            return await asyncio.gather(*[client.predict(image=a_jpeg) for _ in range(12)])

    with serving(ServiceSettings(home=home, concurrency=1, queue=1)) as served:
        answers = asyncio.run(many(str(served.base_url)))
    assert len({answer.label for answer in answers}) == 1
