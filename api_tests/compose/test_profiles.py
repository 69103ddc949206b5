"""What the profiles `report`, `replicas` and `monitoring` add to the stack."""

import os

import httpx
import pytest

from api_tests.chaos.running import (
    asked_all_the_while,
    client_of,
    good_calls,
    ready,
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
    """The report leaves notebook, page and slides in a folder of the host, as its owner's files."""
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


class _Behind:
    """The proxy, asked like the service itself."""

    def __init__(self, stack: Stack) -> None:
        self.client = lambda: client_of(stack.port("BELVEDERE_PROXY_PORT"))


@pytest.fixture
def proxy(stack):
    """Three replicas behind the proxy, gone again afterwards."""
    several = ("--profile", "replicas", "up", "--detach", "--scale", "service=3")
    stack.compose(*several, BELVEDERE_PORT="0")
    stack.wait_until_healthy()
    behind = _Behind(stack)
    with behind.client() as client:
        wait_until(lambda: ready(client))
    yield behind
    stack.compose("--profile", "replicas", "rm", "--force", "--stop", "proxy")
    stack.compose("up", "--detach")
    stack.wait_until_healthy()


def test_replicas(stack, proxy):
    """Requests spread over three replicas; drained or killed, one costs none once noticed."""
    drained, killed, _ = replicas = stack.containers("service")
    with asked_all_the_while(proxy, good_calls(proxy), people=3) as asked:
        wait_until(lambda: all(_answered(each) > 20 for each in replicas))
        for end in (drained.stop, killed.die):
            seen = _noticed(stack)
            end()
            wait_until(lambda seen=seen: _noticed(stack) > seen)
            failed = _failed(asked)
            _wait_for_more(asked)
            assert _failed(asked) == failed
        wait_until(lambda: killed.healthy)
        _wait_for_more(asked)
    assert killed.facts["RestartCount"] == 1
    # Whoever was asking the one that died at that moment.
    assert _failed(asked) == failed <= 3


def test_monitoring(stack):
    """Prometheus finds the service and keeps its figures."""
    stack.compose("--profile", "monitoring", "up", "--detach", "prometheus")
    with client_of(stack.port("BELVEDERE_PROMETHEUS_PORT")) as client:
        wait_until(lambda: _value(client, 'up{job="belvedere"}') == "1")
        wait_until(lambda: _value(client, "belvedere_release_info") == "1")


def _answered(replica) -> float:
    return float(replica.python(_ANSWERED))


def _noticed(stack) -> int:
    """How often the proxy's health check has found that a replica was gone."""
    return stack.container("proxy").log.count("DOWN")


def _failed(asked) -> int:
    return len(asked.errors) + sum(each.status_code != 200 for _, each in asked.answers)


def _wait_for_more(asked) -> None:
    so_far = len(asked.answers)
    wait_until(lambda: len(asked.answers) > so_far + 100)


def _value(client: httpx.Client, query: str) -> str | None:
    try:
        answer = client.get("/api/v1/query", params={"query": query})
    except httpx.TransportError:
        return None
    found = answer.json()["data"]["result"] if answer.status_code == 200 else []
    return found[0]["value"][1] if found else None
