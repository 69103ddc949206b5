"""Observability: request ids, security headers, logs and metrics."""

import io
import json
import logging
import re
import time
from pathlib import Path

import pytest

from service.json_logging import json_handler
from service.settings import ServiceSettings

DASHBOARD = Path(__file__).parents[1] / "monitoring" / "dashboard.json"


def figures(client) -> dict[str, float]:
    lines = client.get("/metrics").text.splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


@pytest.fixture
def logged():
    """Yield a function that returns the lines of the log as objects."""
    stream = io.StringIO()
    handler, root = json_handler(stream), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.mark.parametrize("call", ["/neighbors?id={id}", "/images", "/nowhere", "/metrics"])
def test_every_response_has_a_unique_id(api, records, call):
    address = call.format(id=records[0]["id"])
    found = {api.get(address).headers["x-request-id"] for _ in range(5)}
    assert len(found) == 5


def test_a_valid_request_id_of_the_caller_is_kept(api):
    kept = {"X-Request-ID": "trace_1.2-AB"}
    assert api.get("/livez", headers=kept).headers["x-request-id"] == "trace_1.2-AB"
    for bad in ("", "a b", "x" * 65, 'a"b', "ä"):
        answer = api.get("/livez", headers={"X-Request-ID": bad.encode()})
        assert re.fullmatch(r"[0-9a-f-]{5,64}", answer.headers["x-request-id"])


@pytest.mark.parametrize(
    "call", ["/neighbors?id={id}", "/images/{id}", "/nowhere", "/openapi.json", "/livez"]
)
def test_every_response_has_security_headers(api, records, call):
    headers = api.get(call.format(id=records[0]["id"])).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert "server" not in headers


def test_other_origins_get_no_cors_headers(api):
    headers = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
    for answer in (api.get("/images", headers=headers), api.options("/predict", headers=headers)):
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_named_origin_may_read_responses(serving, home, records):
    named = {"Origin": "https://gallery.example"}
    with serving(ServiceSettings(home=home, origins=("https://gallery.example",))) as client:
        for call in ("/neighbors?id={id}", "/images", "/nowhere"):
            answer = client.get(call.format(id=records[0]["id"]), headers=named)
            assert answer.headers["access-control-allow-origin"] == named["Origin"]
            other = client.get("/images", headers={"Origin": "https://elsewhere.example"})
            assert "access-control-allow-origin" not in other.headers


def test_problems_are_logged_as_objects_without_request_content(serving, home, records, logged):
    with serving(ServiceSettings(home=home)) as client:
        release = client.get("/readyz").json()["release"]
        client.get("/neighbors", params={"id": records[0]["id"]})
        client.get("/neighbors", params={"id": "secret"}, headers={"X-Request-ID": "mine"})
        client.post("/predict", content=b"private", headers={"X-Request-ID": "yours"})
    lines = [line for line in logged() if "route" in line]
    found = [[line[name] for name in ("request", "route", "status", "problem")] for line in lines]
    assert found == [
        ["mine", "/neighbors", 404, "not found"],
        ["yours", "/predict", 415, "image unreadable"],
    ]
    for line in lines:
        assert line["release"] == release
        assert line["seconds"] >= 0
        assert line["time"].endswith("+00:00")
        assert "secret" not in str(line)
        assert "127.0.0.1" not in str(line)


def test_every_request_is_logged_if_so_configured(serving, home, records, logged):
    with serving(ServiceSettings(home=home, log="all")) as client:
        client.get("/neighbors", params={"id": records[0]["id"]})
        client.get(f"/images/{records[0]['id']}")
    lines = [line for line in logged() if "route" in line]
    assert [(line["route"], line["status"]) for line in lines] == [
        ("/neighbors", 200),
        ("/images/{id:path}", 200),
    ]


def test_stages_queues_and_problems_are_counted(api, a_jpeg):
    before = figures(api)
    for _ in range(3):
        api.post("/predict", content=a_jpeg)
    api.post("/predict", content=b"text")
    api.get("/neighbors?id=nowhere")
    after = figures(api)

    def grown(name):
        return after[name] - before.get(name, 0.0)

    assert grown('belvedere_stage_seconds_count{stage="decode"}') == 3
    assert grown('belvedere_stage_seconds_count{stage="inference"}') == 3
    assert grown('belvedere_stage_seconds_sum{stage="inference"}') > 0
    assert grown('belvedere_stage_seconds_count{stage="wait"}') == 4
    assert grown('belvedere_problems_total{kind="image unreadable"}') == 1
    assert grown('belvedere_problems_total{kind="not found"}') == 1
    assert after['belvedere_queue_length{queue="images"}'] == 0
    assert after['belvedere_queue_length{queue="maps"}'] == 0


def test_the_dashboard_queries_only_existing_metrics(api):
    known = {re.split(r"[{ ]", line)[0] for line in api.get("/metrics").text.splitlines()}
    dashboard = json.loads(DASHBOARD.read_text("utf-8"))
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert len(expressions) > 5
    for expression in expressions:
        for name in re.findall(r"\b(?:belvedere|process)_\w+", expression):
            assert name in known, expression


def test_the_disk_use_is_measured(api):
    found: dict[str, float] = {}
    until = time.monotonic() + 60
    # It is measured from the start on, beside the requests.
    while not found:
        assert time.monotonic() < until
        found = {key: size for key, size in figures(api).items() if "belvedere_disk_bytes" in key}
    parts = {key.split('"')[1] for key in found}
    tables = {"images", "blobs", "files", "labels", "selections"}
    assert parts == {*tables, "features", "releases"}
    # The table of selections is made with the first one.
    assert [key for key, size in found.items() if not size] in (
        [],
        ['belvedere_disk_bytes{part="selections"}'],
    )
