"""`HEAD`: the response of `GET` without its body."""

import socket

import httpx
import pytest

from service.settings import ServiceSettings

VOLATILE = ("date", "x-request-id")

ADDRESSES = (
    "/",
    "/web/js/app.js",
    "/web/d3.js",
    "/docs",
    "/openapi.json",
    "/livez",
    "/readyz",
    "/predict?id={id}",
    "/neighbors?id={id}",
    "/neighbors?id={id}&k=5",
    "/neighbors?id=nowhere",
    "/neighbors",
    "/tsne?n=3",
    "/tsne?n=none",
    "/images",
    "/images?limit=0",
    "/images/{id}",
    "/images/{id}/thumbnail",
    "/images/nowhere",
    "/features?id={id}",
    "/experiments",
    "/experiments/baseline",
    "/errors",
    "/labels/issues",
    "/labels/loop",
    "/neighbors/stages",
    "/robustness",
    "/calibration",
    "/export?format=csv&label=moon",
    "/nowhere",
)


def headers_of(answer: httpx.Response) -> list[tuple[str, str]]:
    return [each for each in answer.headers.multi_items() if each[0] not in VOLATILE]


@pytest.mark.parametrize("address", ADDRESSES)
def test_head_is_get_without_the_body(api, records, address):
    path = address.format(id=records[0]["id"])
    usual, head = api.get(path), api.head(path)
    assert (head.status_code, head.content) == (usual.status_code, b"")
    assert headers_of(head) == headers_of(usual)


@pytest.mark.parametrize("path", ["/metrics", "/images/random"])
def test_varying_responses_have_the_same_headers(api, path):
    usual, head = api.get(path), api.head(path)
    assert (head.status_code, head.content) == (usual.status_code, b"")
    assert head.headers["content-type"] == usual.headers["content-type"]
    assert int(head.headers["content-length"]) > 0


@pytest.mark.parametrize("path", ["/web/js/app.js", "/images/{id}"])
def test_head_answers_conditional_requests(api, records, path):
    path = path.format(id=records[0]["id"])
    tag = api.head(path).headers["etag"]
    assert api.head(path, headers={"If-None-Match": tag}).status_code == 304


def test_nothing_follows_the_headers(api, records):
    """The next response on the connection follows the headers directly."""
    with socket.create_connection((api.base_url.host, api.base_url.port), timeout=30) as raw:
        request = f"HEAD /neighbors?id={records[0]['id']} HTTP/1.1\r\nHost: x\r\n"
        raw.sendall(f"{request}\r\n{request}Connection: close\r\n\r\n".encode())
        with raw.makefile("rb") as answers:
            sent = answers.read()
    parts = sent.split(b"\r\n\r\n")
    assert len(parts) == 3
    assert all(part.startswith(b"HTTP/1.1 200 ") for part in parts[:2])
    assert parts[2] == b""


def test_head_requires_the_key_like_get(serving, home):
    with serving(ServiceSettings(home=home, api_key="a key")) as client:
        assert client.head("/tsne").status_code == 401
        assert client.head("/tsne", headers={"X-API-Key": "a key"}).status_code == 200


def test_head_is_503_without_a_release(serving, tmp_path):
    with serving(ServiceSettings(home=tmp_path)) as client:
        assert client.head("/readyz").status_code == 503
        assert client.head("/neighbors?id=x").status_code == 503
