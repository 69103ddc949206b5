"""Faults around the writer of a service: a full disk, another encoder, the end of the process."""

import resource
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from api_tests.conftest import served
from api_tests.pictures import jpeg_of
from embeddings.store.store import Store
from service.problems import ProblemType
from service.settings import ServiceSettings
from tests.tiny_release import publish_another

DIMENSION = 8
"""Dimension of the embeddings of the other encoder."""


def put(client: httpx.Client, number: int) -> httpx.Response:
    content = jpeg_of(number)
    return client.put(f"/images/lake/new-{number}", content=content, params={"label": "lake"})


@contextmanager
def small_files(most: int) -> Iterator[None]:
    """Limit the files of this process to `most` bytes, which fail like those on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_fails_writes_with_a_sentence_and_reads_go_on(copied_home, sentence):
    with served(ServiceSettings(home=copied_home, writable=True)) as (client, _):
        assert put(client, 1).status_code == 201
        before = client.get("/images").json()
        with small_files(200):
            for refused in (
                put(client, 2),
                client.delete("/images", params={"id": "lake/new-1"}),
                client.post("/images", files=[("file", ("lake/a.jpg", jpeg_of(3)))]),
            ):
                sentence(refused, 507)
                assert refused.json()["type"] == ProblemType.STORE_FULL
            assert client.get("/images").json() == before
            assert client.get("/neighbors", params={"id": "lake/new-1"}).status_code == 200
        assert put(client, 2).status_code == 201
        assert client.get("/images").json()["total"] == before["total"] + 1


@pytest.mark.parametrize("most", [500, 1000, 1100, 2000, 4000])
def test_a_file_that_a_full_disk_cuts_off_is_in_no_table(copied_home, most):
    with served(ServiceSettings(home=copied_home, writable=True)) as (client, _):
        assert put(client, 1).status_code == 201
        with small_files(most):
            for number in range(2, 6):
                assert put(client, number).status_code in {201, 507}
        for number in range(2, 6):
            assert put(client, number).json()["outcome"] in {"added", "unchanged"}
        assert client.delete("/images", params={"id": "lake/new-1"}).status_code == 204
    store = Store(str(copied_home / "store"))
    assert [check for check in store.verify() if check.problems] == []


def test_writes_go_on_while_another_encoder_is_served(copied_home):
    settings = ServiceSettings(home=copied_home, writable=True, poll=0.05)
    with served(settings) as (client, _):
        first = put(client, 100).json()["release"]
        publishing = threading.Thread(target=publish_another, args=(copied_home, DIMENSION))
        publishing.start()
        number, after = 101, 0
        while after < 5:
            answer = put(client, number)
            assert answer.status_code == 201, answer.text
            after += answer.json()["release"] != first
            number += 1
            assert number < 1000
        publishing.join()
        for each in range(100, number):
            found = client.get("/features", params={"id": f"lake/new-{each}"})
            assert len(found.json()["embedding"]) == DIMENSION


def test_an_ending_service_writes_what_it_accepted(copied_home):
    acknowledged: list[str] = []

    def send(client: httpx.Client, numbers: range) -> None:
        for number in numbers:
            try:
                answer = put(client, number)
            except httpx.HTTPError:
                return
            if answer.status_code == 201:
                acknowledged.append(answer.json()["image"]["id"])

    settings = ServiceSettings(home=copied_home, writable=True)
    with ThreadPoolExecutor(4) as pool, served(settings) as (client, _):
        for start in range(0, 400, 100):
            pool.submit(send, client, range(start, start + 100))
        while len(acknowledged) < 10:
            time.sleep(0.01)
    store = Store(str(Path(copied_home) / "store"))
    assert set(acknowledged) <= set(store.at().images.ids)
    assert not [check for check in store.verify() if check.problems]
