"""Profiles `report`, `replicas`, `writable` and `monitoring` of the stack."""

import io
import os
from functools import partial

import httpx
import numpy as np
import pytest
from PIL import Image

from api_tests.chaos.running import (
    client_of,
    continuous_requests,
    ready,
    valid_calls,
    wait_until,
)
from api_tests.compose.stack import Stack

pytestmark = pytest.mark.compose

_ANSWERED = """
import urllib.request
text = urllib.request.urlopen("http://127.0.0.1:8000/metrics").read().decode()
lines = [line for line in text.splitlines() if line.startswith("belvedere_requests_total")]
print(sum(float(line.split()[-1]) for line in lines if '"/neighbors"' in line))
"""


@pytest.mark.parametrize("owner", [0, 1234])
def test_report(stack, owner):
    """The report writes notebook, page and slides as files of the owner of their folder."""
    if os.geteuid() != 0:
        owner = os.geteuid()
    stack.report.mkdir(exist_ok=True)
    os.chown(stack.report, owner, -1)
    stack.compose("--profile", "report", "up", "--detach", "report")
    report = stack.container("report")
    wait_until(lambda: report.process == [str(owner), "0" * 16, "1"])
    assert stack.engine.docker("wait", report.id).strip() == "0"
    for name in ("report.ipynb", "report.html", "slides.html"):
        written = stack.report / name
        assert written.stat().st_uid == owner
    assert "data:image/jpeg;base64," in (stack.report / "report.html").read_text("utf-8")


class _Proxy:
    """Proxy with the client interface of a running service."""

    def __init__(self, stack: Stack) -> None:
        self.client = lambda: client_of(stack.port("BELVEDERE_PROXY_PORT"))


@pytest.fixture
def proxy(stack):
    """Start three replicas behind the proxy; remove them afterwards."""
    several = ("--profile", "replicas", "up", "--detach", "--scale", "service=3")
    stack.compose(*several, BELVEDERE_PORT="0")
    stack.wait_until_healthy()
    behind = _Proxy(stack)
    with behind.client() as client:
        wait_until(lambda: ready(client))
    yield behind
    stack.compose("--profile", "replicas", "rm", "--force", "--stop", "proxy")
    stack.compose("up", "--detach")
    stack.wait_until_healthy()


def _detects_more(stack: Stack, seen: int) -> bool:
    return _count_detected(stack) > seen


def test_replicas(stack, proxy):
    """Requests are spread over three replicas; none fails once the proxy detects a lost replica."""
    drained, killed, _ = replicas = stack.containers("service")
    with continuous_requests(proxy, valid_calls(proxy), clients=3) as sent:
        wait_until(lambda: all(_count_answered(each) > 20 for each in replicas))
        for end in (drained.stop, killed.die):
            seen = _count_detected(stack)
            end()
            wait_until(partial(_detects_more, stack, seen))
            failed = _count_failed(sent)
            _wait_for_more(sent)
            assert _count_failed(sent) == failed
        wait_until(lambda: killed.healthy)
        _wait_for_more(sent)
    assert killed.facts["RestartCount"] == 1
    # Requests in flight on the killed replica, at most one for each client.
    assert _count_failed(sent) == failed <= 3


@pytest.fixture
def writing_proxy(stack, proxy):
    """Add the writer with a key; yield the headers of the key and the proxy."""
    made = stack.compose(
        *("--profile", "writable", "run", "--rm", "--no-deps", "writer", "key", "me"),
        *("--role", "write"),
    )
    stack.compose("--profile", "writable", "up", "--detach", "--no-deps", "writer")
    wait_until(lambda: stack.container("writer").healthy)
    yield {"X-API-Key": made.split()[-1]}, proxy
    stack.compose("--profile", "writable", "rm", "--force", "--stop", "writer")


def test_writing(stack, writing_proxy):
    """Each image written through the proxy is found at once by `min_revision` on each replica."""
    key, behind = writing_proxy
    with behind.client() as client:
        wait_until(lambda: client.put("/images/mine/0", content=_noise(0)).status_code == 401)
        for number in range(12):
            put = client.put(f"/images/mine/{number}", content=_noise(number), headers=key)
            assert put.status_code == 201, put.text
            least = {"id": f"mine/{number}", "min_revision": put.json()["revision"]}
            for _ in stack.containers("service"):
                found = client.get("/neighbors", params=least)
                assert found.status_code == 200, found.text
                assert found.json()["revision"] >= least["min_revision"]
        deleted = client.delete("/images", params={"id": "mine/0"}, headers=key)
        gone = {"id": "mine/0", "min_revision": deleted.headers["Belvedere-Revision"]}
        for _ in stack.containers("service"):
            assert client.get("/predict", params=gone).status_code == 404
    stack.compose("up", "--detach")
    assert "stays" in stack.container("trainer").log
    stack.wait_until_healthy()
    with stack.client() as client:
        assert client.put("/images/mine/0", content=_noise(0)).status_code == 403


def _noise(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (64, 96, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def test_monitoring(stack):
    """Prometheus scrapes the metrics of the service."""
    stack.compose("--profile", "monitoring", "up", "--detach", "prometheus")
    with client_of(stack.port("BELVEDERE_PROMETHEUS_PORT")) as client:
        wait_until(lambda: _value(client, 'up{job="belvedere"}') == "1")
        wait_until(lambda: _value(client, "belvedere_release_info") == "1")


def _count_answered(replica) -> float:
    return float(replica.python(_ANSWERED))


def _count_detected(stack) -> int:
    """Return the number of lost replicas that the health check of the proxy has detected."""
    return stack.container("proxy").log.count("DOWN")


def _count_failed(sent) -> int:
    return len(sent.errors) + sum(each.status_code != 200 for _, each in sent.answers)


def _wait_for_more(sent) -> None:
    so_far = len(sent.answers)
    wait_until(lambda: len(sent.answers) > so_far + 100)


def _value(client: httpx.Client, query: str) -> str | None:
    try:
        answer = client.get("/api/v1/query", params={"query": query})
    except httpx.TransportError:
        return None
    found = answer.json()["data"]["result"] if answer.status_code == 200 else []
    return found[0]["value"][1] if found else None
