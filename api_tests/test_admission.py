"""Admission control: requests beyond the limits are rejected before they use memory."""

import asyncio
import inspect
import socket
import threading
from urllib.parse import urlsplit

import pytest
from fastapi import Response
from fastapi.routing import APIRoute

from api_tests.conftest import served
from api_tests.test_swap import wait_until
from service.api.routes import ROUTERS
from service.api.routes.health import livez, readyz
from service.settings import ServiceSettings

MEBIBYTE = 2**20


def begin_upload(client, size: int, sent: int = 1000) -> socket.socket:
    """Return a connection on which only the beginning of an upload was sent."""
    address = urlsplit(str(client.base_url))
    connection = socket.create_connection((address.hostname, address.port), timeout=10)
    connection.sendall(
        b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\n"
        b"Content-Length: %d\r\n\r\n" % size
    )
    connection.sendall(b"\xff" * sent)
    return connection


def test_an_upload_is_admitted_before_its_body_is_read(home, a_jpeg, sentence):
    with served(ServiceSettings(home=home, concurrency=1, queue=1)) as (client, state):
        with begin_upload(client, 10_000), begin_upload(client, 10_000):
            wait_until(lambda: state.uploads.taken == 2)
            for call in ("/predict", "/neighbors", "/tsne"):
                answer = client.post(call, content=a_jpeg)
                assert "try again in 1 s" in sentence(answer, 429)
                assert answer.headers["Retry-After"] == "1"
        # Both clients have disconnected.
        wait_until(lambda: state.uploads.taken == 0)
        assert client.post("/predict", content=a_jpeg).status_code == 200


def test_every_outcome_of_an_upload_frees_its_place(home, a_jpeg):
    settings = ServiceSettings(home=home, concurrency=1, queue=0, upload_seconds=0.3)
    with served(settings) as (client, state):
        with begin_upload(client, 10_000) as slow:
            assert b" 408 " in slow.recv(4096).splitlines()[0]
        statuses = [
            client.post("/predict", content=content).status_code
            for content in (b"", b"no image", a_jpeg, b"x" * (settings.upload_limit + 1), a_jpeg)
        ]
        assert statuses == [400, 415, 200, 413, 200]
        assert client.post("/predict", files={"other": a_jpeg}).status_code == 400
        wait_until(lambda: state.uploads.taken == 0)


def test_large_uploads_share_limited_memory_and_small_ones_are_admitted(home, a_jpeg, sentence):
    settings = ServiceSettings(home=home, upload_memory=8 * MEBIBYTE)
    with served(settings) as (client, state):
        with begin_upload(client, 5 * MEBIBYTE):
            wait_until(lambda: state.uploads.taken == 1)
            sentence(client.post("/predict", content=b"x" * 4 * MEBIBYTE), 429)
            assert client.post("/predict", content=a_jpeg).status_code == 200
            # An upload without a declared length reserves the upload limit.
            sentence(client.post("/predict", content=iter([a_jpeg])), 429)
        wait_until(lambda: state.uploads.taken == 0)
        assert client.post("/predict", content=iter([a_jpeg])).status_code == 200


@pytest.fixture
def busy(home):
    """Yield a client of a service with occupied query threads and a full queue."""
    gate = threading.Event()
    with served(ServiceSettings(home=home, work_seconds=600)) as (client, state):

        async def fill() -> None:
            jobs = (state.queries.run(gate.wait) for _ in range(1000))
            await asyncio.gather(*jobs, return_exceptions=True)

        filling = threading.Thread(target=lambda: asyncio.run(fill()))
        filling.start()
        wait_until(lambda: state.queries.full)
        try:
            yield client
        finally:
            gate.set()
            filling.join()


def test_queries_run_on_threads_and_are_rejected_if_their_queue_is_full(busy, records, sentence):
    identifier = records[0]["id"]
    about = {"id": identifier}
    calls = [
        ("/predict", about),
        ("/neighbors", about | {"k": 5}),
        ("/neighbors", about | {"label": records[0]["label"]}),
        ("/features", about),
        ("/images", {"limit": 10_000}),
        ("/images/random", {}),
        (f"/images/{identifier}", {}),
        ("/errors", {}),
        ("/labels/issues", {}),
        ("/labels/loop", {}),
        ("/neighbors/stages", {}),
        ("/robustness", {}),
        ("/calibration", {}),
        ("/experiments", {}),
        ("/tsne", {}),
        ("/tsne", {"n": 20, "seed": 77}),
        ("/openapi.json", {}),
    ]
    for path, params in calls:
        answer = busy.get(path, params=params)
        assert "busy" in sentence(answer, 429), path
        assert answer.headers["Retry-After"] == "1"
    for path in ("/livez", "/readyz", "/metrics", "/", "/docs"):
        assert busy.get(path).status_code == 200
    assert busy.get("/neighbors", params=about).status_code == 200


def test_responses_are_not_serialised_on_the_event_loop():
    # FastAPI serialises every return value that is not a `Response` on the event loop.
    routes = [route for router in ROUTERS for route in router.routes]
    for route in routes:
        assert isinstance(route, APIRoute)
        if route.endpoint not in (livez, readyz):
            returned = inspect.signature(route.endpoint).return_annotation
            assert issubclass(returned, Response), route.path


@pytest.mark.parametrize(
    ("path", "name", "most"),
    [
        ("/neighbors", "k", 1000),
        ("/tsne", "n", 100_000),
        ("/images", "limit", 10_000),
        ("/errors", "limit", 10_000),
        ("/labels/issues", "limit", 10_000),
    ],
)
def test_requested_counts_are_limited(api, records, sentence, path, name, most):
    about = {"id": records[0]["id"]} if path == "/neighbors" else {}
    assert api.get(path, params=about | {name: most}).status_code == 200
    for more in (most + 1, 10**12):
        detail = sentence(api.get(path, params=about | {name: more}), 422)
        assert f"`{name}`" in detail
        assert str(most) in detail
