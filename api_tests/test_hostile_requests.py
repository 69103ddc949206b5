"""Requests that are malformed, too large, too many, or for files outside the service."""

import concurrent.futures
import io
import socket

import httpx
import pytest
from PIL import Image

from service.settings import ServiceSettings

POSTS = ["/predict", "/neighbors", "/tsne"]


@pytest.mark.parametrize(
    "path",
    [
        "/images/../../etc/passwd",
        "/images/%2e%2e/%2e%2e/etc/passwd",
        "/images/..%2f..%2f..%2fetc%2fpasswd",
        "/images/%2fetc%2fpasswd",
        "/images//etc/passwd",
        "/images/....//....//etc/passwd/thumbnail",
        "/images/..%5c..%5cwindows%5cwin.ini",
        "/images/city/%00",
        "/images/%ff%fe",
        "/images/",
        "/images/" + "a" * 4000,
        "/experiments/..%2f..%2fcomparison.json",
    ],
)
def test_paths_give_access_to_no_file(api, sentence, path):
    sentence(api.get(path), 404)
    with socket.create_connection((api.base_url.host, api.base_url.port)) as raw:
        # Clients would normalise the path before they send it.
        raw.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        with raw.makefile("rb") as answer:
            assert b" 404 " in answer.readline()
            assert b"root:" not in answer.read()


@pytest.mark.parametrize("identifier", ["../../etc/passwd", "\0", "x" * 5000, "%", "' OR 1=1 --"])
def test_ids_give_access_to_no_file(api, sentence, identifier):
    for call in ("/predict", "/neighbors", "/features"):
        assert len(sentence(api.get(call, params={"id": identifier}), 404)) < 200


def test_unknown_paths_get_a_problem(api, sentence):
    for path in ("/nowhere", "/predict/", "/images/random/x", "/errors/x/heatmap"):
        sentence(api.get(path), 404)


def test_a_rejected_method_gets_the_list_of_allowed_methods(api, sentence):
    answer = api.delete("/predict")
    assert "GET, HEAD, POST" in sentence(answer, 405)
    assert answer.headers["allow"] == "GET, HEAD, POST"
    assert api.post("/features").headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("call", POSTS)
def test_an_empty_body_is_malformed(api, sentence, call):
    assert "`file`" in sentence(api.post(call), 400)
    assert "`file`" in sentence(api.post(call, files={"file": ("a.jpg", b"")}), 400)


@pytest.mark.parametrize("call", POSTS)
def test_the_error_for_a_missing_form_field_names_it(api, sentence, a_jpeg, call):
    assert "`file`" in sentence(api.post(call, files={"image": a_jpeg}), 400)
    assert "`file`" in sentence(api.post(call, files={"file": (None, b"a text")}), 400)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=b", b"not a form"),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\n"),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data\r\n\r\nx"),
        ("multipart/form-data; boundary=" + "b" * 300, b"--b"),
    ],
)
def test_a_broken_form_is_malformed(api, sentence, kind, body):
    sentence(api.post("/predict", content=body, headers={"Content-Type": kind}), 400)


def test_a_form_with_two_files_is_rejected(api, sentence, a_jpeg):
    sentence(api.post("/predict", files=[("file", a_jpeg), ("file", a_jpeg)]), 400)


def test_a_body_with_too_large_a_declared_length_is_rejected(api, sentence):
    body = bytes(21 * 1024 * 1024)
    assert "more than 20 MiB;" in sentence(api.post("/predict", content=body), 413)
    sentence(api.post("/predict", files={"file": body}), 413)


def test_a_declared_length_is_rejected_before_the_body_arrives(api):
    with socket.create_connection((api.base_url.host, api.base_url.port), timeout=30) as raw:
        head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: {10**12}\r\n\r\n"
        raw.sendall(head.encode())
        with raw.makefile("rb") as answer:
            assert b" 413 " in answer.readline()


def test_a_body_of_undeclared_length_is_rejected_at_the_limit(api, sentence):
    chunks = (bytes(1024 * 1024) for _ in range(30))
    assert "more than 20 MiB;" in sentence(api.post("/predict", content=chunks), 413)


def test_the_upload_limit_is_a_setting_and_exact(serving, home, sentence):
    with serving(ServiceSettings(home=home, upload_limit=1000)) as client:
        for body in (bytes(1000), iter([bytes(500), bytes(500)])):
            sentence(client.post("/predict", content=body), 415)
        for body in (bytes(1001), iter([bytes(500), bytes(501)])):
            sentence(client.post("/predict", content=body), 413)


def test_a_disconnected_client_does_not_affect_other_requests(api, a_jpeg):
    for _ in range(5):
        with socket.create_connection((api.base_url.host, api.base_url.port)) as raw:
            head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(a_jpeg)}\r\n\r\n"
            raw.sendall(head.encode() + a_jpeg[:100])
    assert api.post("/predict", content=a_jpeg).status_code == 200


def test_requests_beyond_the_queue_are_rejected_with_retry_after(serving, home, a_jpeg):
    buffer = io.BytesIO()
    Image.new("RGB", (6000, 6000)).save(buffer, "PNG")
    large = buffer.getvalue()
    with serving(ServiceSettings(home=home, concurrency=1, queue=1)) as client:

        def post(_):
            with httpx.Client(base_url=client.base_url, timeout=60, trust_env=False) as own:
                answer = own.post("/predict", content=large)
                assert own.get("/readyz").status_code == 200
                return answer

        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            answers = list(pool.map(post, range(12)))
        assert {answer.status_code for answer in answers} == {200, 429}
        for answer in answers:
            if answer.status_code == 429:
                assert int(answer.headers["retry-after"]) >= 1
                assert "try again" in answer.json()["detail"]
        assert client.post("/predict", content=a_jpeg).status_code == 200
