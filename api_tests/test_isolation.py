"""Isolation: no outgoing connections, and no request content in files."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from api_tests.hostile import corpus

ROOT = Path(__file__).parents[1]
MARK = "never-a-file-4711"

# An audit hook reports calls of Python itself, not `open` of a library written in C.
WATCHED = """
import atexit, json, os, sys

calls, files, written = set(), set(), set()
# joblib runs it to count cores.
HARMLESS = ("subprocess.Popen", "lscpu")
LOOKUPS = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}
RUNS = {"os.exec", "os.posix_spawn", "os.system", "subprocess.Popen"}
CHANGES = {"os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.symlink", "os.link", "shutil.move"}

def watch(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        calls.add(repr(arguments[1]))
    elif event in LOOKUPS | RUNS and (event, arguments[0]) != HARMLESS:
        calls.add(repr((event, arguments[0])))
    elif event == "open" and isinstance(arguments[0], (str, bytes)):
        changes = arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        (written if changes else files).add(os.path.realpath(os.fsdecode(arguments[0])))
    elif event in CHANGES:
        written.add(repr(arguments))

from service.app import serve
from service.settings import ServiceSettings

atexit.register(lambda: print(json.dumps([sorted(calls), sorted(files), sorted(written)])))
sys.addaudithook(watch)
serve(ServiceSettings())
"""

HOSTILE_IDS = (
    "../../etc/passwd",
    "../" * 20 + "etc/passwd",
    "%2e%2e%2fetc%2fpasswd",
    "/etc/passwd",
    "//server/share",
    "file:///etc/passwd",
    "http://192.0.2.1/x",
    "C:\\windows\\win.ini",
    "\0",
    f"\0/{MARK}",
    MARK,
    f"/tmp/{MARK}",
    "manifest.json",
    "current",
)


@pytest.fixture(scope="module")
def observed(home, a_jpeg, records, tmp_path_factory):
    """Return outgoing calls, read files, written files and log of a service after all requests."""
    temporary = tmp_path_factory.mktemp("temporary")
    environment = os.environ | {
        "BELVEDERE_HOME": str(home), "BELVEDERE_PORT": "0", "TMPDIR": str(temporary)
    }  # fmt: skip
    # A file: the log is longer than a pipe holds, and a full pipe would block the service.
    errors = tmp_path_factory.mktemp("log") / "errors"
    with (
        errors.open("w", encoding="utf-8") as stream,
        subprocess.Popen(
            [sys.executable, "-c", WATCHED],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=stream,
            text=True,
        ) as process,
    ):
        try:
            log = ""
            while "Serving release" not in log or "running on" not in log:
                assert process.poll() is None, log
                time.sleep(0.01)
                log = errors.read_text("utf-8")
            running = re.search(r"running on (http://\S+)", log)
            assert running is not None
            with httpx.Client(base_url=running[1], timeout=60, trust_env=False) as client:
                _ask_everything(client, a_jpeg, records)
        finally:
            process.send_signal(signal.SIGTERM)
        output, _ = process.communicate()
    log = errors.read_text("utf-8")
    assert process.returncode == 0, log
    assert list(temporary.iterdir()) == []
    calls, files, written = json.loads(output.splitlines()[-1])
    return calls, files, written, log


def _ask_everything(client: httpx.Client, jpeg: bytes, records: list[dict[str, object]]) -> None:
    ids = [*(str(record["id"]) for record in records[:3]), *HOSTILE_IDS]
    for identifier in ids:
        for call in ("predict", "neighbors", "features"):
            client.get(f"/{call}", params={"id": identifier})
        client.get("/neighbors", params={"id": identifier, "box": "0,0,0.5,0.5"})
        client.get("/neighbors", params={"id": ids[0], "box": identifier})
        client.post("/search", json={"like": [identifier], "unlike": ids[:2]})
        for form in (quote(identifier), quote(identifier, safe="")):
            for path in ("/images/{}", "/images/{}/thumbnail", "/errors/{}/heatmap"):
                client.get(path.format(form))
            client.get(f"/experiments/{form}")
            client.get(f"/web/{form}")
        client.get("/images", params={"label": identifier, "split": identifier})
        client.get("/export", params={"label": identifier, "at": identifier})
        client.post("/export", json={"ids": [identifier], "at": identifier})
        client.post("/export", json={"ids": [identifier], "format": "folder"})
        client.post("/predict", files={"file": (identifier, jpeg, identifier)})
        client.post("/predict", content=jpeg, headers={"X-Forwarded-For": quote(identifier)})
    for call in (
        "tsne",
        "images",
        "experiments",
        "errors",
        "labels/issues",
        "labels/loop",
        "neighbors/stages",
        "robustness",
        "calibration",
    ):
        assert client.get(f"/{call}").status_code == 200
    for path in ("", "docs", "web/js/app.js", "web/d3.js"):
        assert client.get(f"/{path}").status_code == 200
    for kind in ("parquet", "csv", "folder"):
        assert client.get("/export", params={"format": kind}).status_code == 200
    assert client.get("/tsne", params={"n": 20, "seed": 5}).status_code == 200
    for call in ("/predict", "/neighbors", "/tsne"):
        assert client.post(call, content=jpeg).status_code == 200
    for case in corpus()[::20]:
        client.post("/predict", content=case.data)
    assert client.get("/readyz").status_code == 200


def test_the_service_makes_no_outgoing_connections(observed):
    calls, *_ = observed
    assert calls == []


def test_the_service_writes_no_file(observed):
    _, _, written, _ = observed
    assert written == []


def test_the_service_reads_only_its_own_files_and_libraries(observed, home):
    _, files, *_ = observed
    allowed = (
        str(home.resolve()),
        sys.prefix,
        sys.base_prefix,
        str(ROOT),
        "/proc/",
        "/sys/",
        "/usr/",
    )
    assert [each for each in files if not each.startswith(allowed)] == []


def test_request_content_appears_in_no_path_and_no_log(observed):
    *found, log = observed
    for text in (repr(found), log):
        assert MARK not in text
        assert "passwd" not in text
    assert "Warning" not in log
    assert "Traceback" not in log
