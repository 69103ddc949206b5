"""Folding of changes into a new release while the service writes and answers."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api_tests.conftest import served
from api_tests.pictures import jpeg_of
from embeddings.lock import home_lock
from embeddings.release.reader import current_release, open_release
from embeddings.store.retention import RELEASE_PREFIX
from embeddings.store.store import Store
from service.serving.state import ServiceState
from service.settings import ServiceSettings

DEADLINE = 90.0
FOLD = 4


@pytest.fixture
def service(copied_home: Path) -> Iterator[tuple[httpx.Client, ServiceState]]:
    settings = ServiceSettings(home=copied_home, writable=True, poll=0.1, fold_changes=FOLD)
    with served(settings) as running:
        yield running


def add(client: httpx.Client, number: int) -> dict:
    identifier = f"lake/added-{number}"
    answer = client.put(
        f"/images/{identifier}", content=jpeg_of(9000 + number), params={"label": "lake"}
    )
    assert answer.status_code == 201
    return answer.json()


def test_many_changes_become_part_of_a_release_without_a_lost_write(
    service: tuple[httpx.Client, ServiceState], copied_home: Path
) -> None:
    client, state = service
    first = client.get("/readyz").json()["release"]
    found = client.get("/neighbors", params={"id": "lake/lake_0001"}).json()["neighbors"]
    number, released = 0, first
    while released == first:
        written = add(client, number)
        image = client.get("/images", params={"id": f"lake/added-{number}"})
        assert image.status_code == 200
        assert image.json()["revision"] >= written["revision"]
        released = image.json()["release"]
        number += 1
        assert number < 500
    last = add(client, number)
    assert last["release"] == released
    assert client.get("/images").json()["total"] == len(Store(state.settings.store_uri).at().images)
    release = open_release(current_release(copied_home / "releases"))
    added = [each for each in release.images.ids if each.startswith("lake/added-")]
    assert len(added) >= FOLD
    near = client.get("/neighbors", params={"id": "lake/lake_0001"}).json()["neighbors"]
    assert near[0]["distance"] <= found[0]["distance"]
    tags = Store(state.settings.store_uri).tags()
    assert not [tag for tag in tags if tag.startswith(f"{RELEASE_PREFIX}draft-")]
    until = time.monotonic() + DEADLINE
    while 'belvedere_folds_total{outcome="published"}' not in client.get("/metrics").text:
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_release_is_published_on_request(copied_home: Path) -> None:
    with served(ServiceSettings(home=copied_home, writable=True, poll=0.1)) as (client, _):
        revision = add(client, 0)["revision"]
        answer = client.post("/publish")
        assert answer.status_code == 202
        assert answer.json()["changes"] == 1
        first = answer.json()["release"]
        until = time.monotonic() + DEADLINE
        while client.get("/readyz").json()["release"] == first:
            assert time.monotonic() < until
            time.sleep(0.05)
        release = open_release(current_release(copied_home / "releases"))
        assert release.manifest.data.revision >= revision
        assert "lake/added-0" in release.images.ids


def test_a_failed_fold_is_shown_and_the_service_goes_on(
    service: tuple[httpx.Client, ServiceState], copied_home: Path
) -> None:
    client, _ = service
    first = client.get("/readyz").json()["release"]
    with home_lock(copied_home, "belvedere train"):
        for number in range(FOLD):
            add(client, number)
        until = time.monotonic() + DEADLINE
        while 'belvedere_folds_total{outcome="failed"} 1.0' not in client.get("/metrics").text:
            assert time.monotonic() < until
            time.sleep(0.05)
    assert client.get("/readyz").json()["release"] == first
    assert add(client, FOLD)["outcome"] == "added"


def test_a_service_that_only_reads_folds_nothing(copied_home: Path) -> None:
    store = Store(str(copied_home / "store"))
    store.delete(store.at().images.ids[:FOLD])
    with served(ServiceSettings(home=copied_home, poll=0.05, fold_changes=FOLD)) as (_, state):
        assert state.folding is None
