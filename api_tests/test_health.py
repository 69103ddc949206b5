import ctypes
import shutil
import threading
import time

import httpx
import pytest

from service.healthcheck import is_ready
from service.settings import ServiceSettings


def test_ready_describes_the_release(api, home):
    from embeddings.release.reader import current_release, verify_release

    manifest = verify_release(current_release(home / "releases"))
    assert api.get("/readyz").json() == {
        "status": "ready",
        "data": manifest.data.name,
        "photographs": manifest.data.photographs,
        "classes": list(manifest.classes),
        "network": manifest.encoder.experiment,
        "refused": None,
        "writable": False,
        "keys": None,
        "release": manifest.fingerprint,
        "revision": manifest.data.revision,
    }
    assert api.get("/livez").json() == {
        "status": "alive",
        "release": manifest.fingerprint,
        "revision": manifest.data.revision,
    }


def test_the_health_check_distinguishes_ready_not_ready_and_stopped(api, serving, tmp_path):
    assert is_ready(api.base_url.port)
    with serving(ServiceSettings(home=tmp_path)) as client:
        port = client.base_url.port
        assert not is_ready(port)
    assert not is_ready(port)


@pytest.mark.parametrize(
    "call", ["/predict?id=a", "/neighbors?id=a", "/images", "/images/a/b", "/experiments", "/tsne"]
)
def test_without_a_release_the_service_is_alive_and_not_ready(serving, tmp_path, sentence, call):
    with serving(ServiceSettings(home=tmp_path)) as client:
        assert client.get("/livez").json() == {
            "status": "alive",
            "release": None,
            "revision": None,
        }
        assert "belvedere publish" in sentence(client.get("/readyz"), 503)
        answer = client.get(call)
        assert "belvedere publish" in sentence(answer, 503)
        assert "release" not in answer.json()
        assert client.get("/metrics").status_code == 200
        sentence(client.post("/predict", content=b"x"), 503)
        sentence(client.get("/nowhere"), 404)


@pytest.mark.parametrize(
    "name",
    [
        "manifest.json",
        "encoder.xml",
        "encoder.bin",
        "features.arrow",
        "images.arrow",
        "comparison.json",
        "errors.json",
    ],
)
def test_a_damaged_file_is_detected(serving, copied_home, sentence, name):
    path = copied_home / "releases" / "current" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with serving(ServiceSettings(home=copied_home)) as client:
        detail = sentence(client.get("/readyz"), 503)
        assert "publish it again" in detail
        assert client.get("/livez").status_code == 200
        sentence(client.get("/images"), 503)


@pytest.mark.parametrize("name", ["encoder.bin", "features.arrow"])
def test_a_missing_file_is_detected(serving, copied_home, sentence, name):
    (copied_home / "releases" / "current" / name).unlink()
    with serving(ServiceSettings(home=copied_home)) as client:
        assert name in sentence(client.get("/readyz"), 503)


def test_a_missing_store_is_detected(serving, copied_home, sentence):
    shutil.rmtree(copied_home / "store")
    with serving(ServiceSettings(home=copied_home)) as client:
        assert "belvedere data" in sentence(client.get("/readyz"), 503)


def test_images_of_another_store_are_detected(serving, copied_home, odd_home, sentence):
    with serving(ServiceSettings(home=copied_home, store=str(odd_home / "store"))) as client:
        assert "other images" in sentence(client.get("/readyz"), 503)


def test_a_store_removed_while_serving_affects_only_files(serving, copied_home, records, sentence):
    with serving(ServiceSettings(home=copied_home)) as client:
        identifier = records[-1]["id"]
        shutil.rmtree(copied_home / "store")
        assert "store" in sentence(client.get(f"/images/{identifier}"), 503)
        assert client.get("/neighbors", params={"id": identifier}).status_code == 200


def test_metrics_count_requests_by_route_and_not_by_path(api, records):
    def count(line):
        text = api.get("/metrics").text
        found = [each for each in text.splitlines() if each.startswith(line)]
        return float(found[0].rsplit(" ", 1)[1]) if found else 0.0

    line = 'belvedere_requests_total{method="GET",route="/images/{id:path}",status="200"}'
    before = count(line)
    for record in records[:5]:
        api.get(f"/images/{record['id']}")
    assert count(line) == before + 5
    api.get("/no/such/address")
    text = api.get("/metrics").text
    assert "/no/such/address" not in text
    assert records[0]["id"] not in text
    assert 'route="unknown"' in text
    ready = api.get("/readyz").json()
    assert f'release="{ready["release"]}"' in text
    assert count("belvedere_photographs ") == ready["photographs"]
    assert count("process_resident_memory_bytes") > 0


def test_every_json_response_names_the_release(api, records):
    identifier = records[0]["id"]
    release = api.get("/readyz").json()["release"]
    best = api.get("/experiments").json()["best"]
    calls = [
        *(f"/{call}?id={identifier}" for call in ("predict", "neighbors", "features")),
        *("/tsne", "/images", "/images/random", "/experiments", "/errors", "/livez"),
        *(f"/experiments/{best}", "/nowhere", "/predict", "/neighbors?id=none"),
    ]
    for call in calls:
        assert api.get(call).json()["release"] == release


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_lost_thread_is_detected_and_replaced(serving, home, a_jpeg, sentence):
    others = set(threading.enumerate())
    with serving(ServiceSettings(home=home, concurrency=1, poll=0.5, work_seconds=1)) as client:
        before = client.post("/predict", content=a_jpeg).json()
        (worker,) = (each for each in set(threading.enumerate()) - others if each.name == "image")
        assert worker.ident is not None
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(worker.ident), ctypes.py_object(SystemExit)
        )
        # The thread ends during this job or before it; in both cases the request gets a response.
        client.post("/predict", content=a_jpeg)
        deadline = time.monotonic() + 60
        while worker.is_alive():
            assert time.monotonic() < deadline
        states: list[httpx.Response] = []
        while not states or states[-1].status_code != 200:
            states.append(client.get("/readyz"))
            assert time.monotonic() < deadline
        assert client.get("/livez").status_code == 200
        assert client.post("/predict", content=a_jpeg).json() == before
        for each in states[:-1]:
            assert "being replaced" in sentence(each, 503)
