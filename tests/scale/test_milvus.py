"""The kind of index `milvus` on a real server: congruence, kills, outages."""

import io
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from pydantic import SecretStr
from pymilvus import MilvusClient

from api_tests.calls import getting
from api_tests.conftest import served
from embeddings.index import IndexContents, IndexUnavailable, milvus_collection, open_kind
from embeddings.index.flat import FlatIndex
from embeddings.index.milvus import MilvusKind
from embeddings.index.milvus_collection import MilvusCollection
from embeddings.index.milvus_server import MilvusServer as Connection
from embeddings.lock import home_lock
from embeddings.release.publish import republish
from embeddings.release.reader import current_release, read_manifest
from embeddings.release.sealed_index import discard_index
from embeddings.settings import IndexSettings
from embeddings.store.store import Store
from service.settings import ServiceSettings
from tests.congruence import COLLECTIONS, LEAST_RECALL, Congruence, check, searches
from tests.indexes import Build, builder, ids_of
from tests.indexes import build as indexed
from tests.scale.servers import MilvusServer
from tests.tiny_release import explain_evenly

SECRET = "very-secret"

_HEAL_SECONDS = 120.0

_BUILD = """
import sys, tempfile
from pathlib import Path
from tests.scale.test_milvus import many_rows
from embeddings.index.milvus import MilvusKind
from embeddings.settings import IndexSettings

MilvusKind(IndexSettings(milvus_uri=sys.argv[1])).build(Path(tempfile.mkdtemp()), many_rows())
"""


def many_rows() -> IndexContents:
    """Return contents of many batches."""
    rng = np.random.default_rng(9)
    embeddings = rng.normal(size=(2000, 4096)).astype(np.float32)
    return IndexContents.of(ids_of(len(embeddings)), embeddings)


@pytest.fixture(scope="session")
def settings(milvus: MilvusServer) -> IndexSettings:
    return IndexSettings(
        index="milvus", milvus_uri=milvus.uri, milvus_token=SecretStr(f"root:{SECRET}")
    )


@pytest.fixture
def client(milvus: MilvusServer) -> Iterator[MilvusClient]:
    client = MilvusClient(uri=milvus.uri, timeout=60)
    yield client
    client.close()


def test_a_killed_filling_continues(
    settings: IndexSettings, client: MilvusClient, tmp_path: Path
) -> None:
    contents = many_rows()
    collection = MilvusCollection.of(Connection(settings), contents)
    process = subprocess.Popen(
        [sys.executable, "-c", _BUILD, str(settings.milvus_uri)],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    filled = 0
    while filled < 512:
        assert process.poll() is None, "It ended before it was killed."
        filled = _filled(client, collection.name)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert filled <= _filled(client, collection.name) < 2000
    with pytest.raises(IndexUnavailable, match=r"incomplete \(\d+ of 2000 rows\)"):
        collection.check()

    kind = MilvusKind(settings)
    sealed = kind.build(tmp_path, contents)
    assert sealed.recall == 1.0
    collection.check()
    index, flat = kind.open(tmp_path, sealed, contents), FlatIndex(contents.embeddings)
    for row in range(0, 2000, 97):
        near = index.search(contents.embeddings[row], 5)
        assert near.kind == "milvus"
        assert near.rows.tolist() == flat.search(contents.embeddings[row], 5).rows.tolist()
    kind.discard(sealed)
    assert not client.has_collection(collection.name)


def _filled(client: MilvusClient, name: str) -> int:
    if not client.has_collection(name):
        return 0
    return int(client.describe_collection(name)["properties"].get("belvedere.filled", 0))


@pytest.fixture(scope="session")
def milvus_home(
    home: Path, settings: IndexSettings, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return a home with a second release, whose index is on the server."""
    folder = tmp_path_factory.mktemp("milvus-home") / "home"
    shutil.copytree(home, folder, symlinks=True)
    _republish(folder, settings)
    return folder


def _republish(home: Path, settings: IndexSettings) -> Path:
    with home_lock(home, "test"):
        return republish(
            Store(str(home / "store")), home / "releases", explain_evenly, index=settings
        )


def _service(home: Path, settings: IndexSettings, **options: Any) -> ServiceSettings:
    return ServiceSettings(
        home=home,
        index=None,
        milvus_uri=settings.milvus_uri,
        milvus_token=settings.milvus_token,
        **options,
    )


def _answer(client: httpx.Client, k: int = 10) -> httpx.Response:
    return client.get("/neighbors", params={"id": "lake/lake_0003", "k": k})


def _is_answered(client: httpx.Client) -> bool:
    return _answer(client).is_success


def _jpeg() -> bytes:
    pixels = np.random.default_rng(4).integers(0, 256, (48, 72, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG")
    return buffer.getvalue()


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _HEAL_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "It did not happen."
        time.sleep(0.2)


@pytest.fixture(scope="module")
def build(settings: IndexSettings, tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Return the builder of indexes on the server."""
    return builder("milvus", COLLECTIONS, tmp_path_factory.mktemp("indexes"), settings)


class TestCongruence(Congruence):
    """The cases of all kinds, on the server."""


def test_clusters_congrue_with_brute_force(
    settings: IndexSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Large collections are searched in clusters, as many as the measured recall needs."""
    monkeypatch.setattr(milvus_collection, "_FLAT_ROWS", 1000)
    # Other contents than those of other tests, so that the collection is another one.
    embeddings = COLLECTIONS["cloud"][::-1].copy()
    built = indexed("milvus", embeddings, tmp_path, settings)
    parameters = built.sealed.parameters
    assert parameters["clusters"] == 44
    assert 1 < int(parameters["probes"]) <= 44
    assert built.sealed.recall >= 0.99
    index = built.open()
    recalls = [check(each.of(index), each, embeddings) for each in searches(embeddings, seed=1)]
    assert np.mean(recalls) >= LEAST_RECALL
    built.kind.discard(built.sealed)


def test_answers_congrue_with_those_of_flat(milvus_home: Path, settings: IndexSettings) -> None:
    flat = ServiceSettings(home=milvus_home, index="flat")
    with served(_service(milvus_home, settings)) as (client, _), served(flat) as (exact, _):
        for k in (1, 10, 100, 1000):
            found, expected = _answer(client, k).json(), _answer(exact, k).json()
            assert found["neighbors"] == expected["neighbors"]
            # More neighbours than there are images are found by comparing all of them.
            assert (found["index"], found["exact"]) == (
                ("flat", True) if k == 1000 else ("milvus", False)
            )
        filtered = getting("/neighbors", id="lake/lake_0003", k=5, label="city")
        strict = filtered(client).json()
        assert strict["neighbors"] == filtered(exact).json()["neighbors"]
        assert strict["exact"]


def test_a_killed_server_stops_only_search_which_heals(
    milvus: MilvusServer,
    milvus_home: Path,
    settings: IndexSettings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    image, sent = _jpeg(), {"content-type": "image/jpeg"}
    with served(_service(milvus_home, settings)) as (client, _):
        searched = _answer(client).json()["neighbors"]
        typicality = client.post("/predict", content=image, headers=sent).json()["typicality"]
        milvus.stop()
        try:
            refused = [_answer(client), client.post("/neighbors", content=image, headers=sent)]
            for answer in refused:
                assert answer.status_code == 503
                assert answer.json()["type"] == "urn:problem-type:belvedere:index-unavailable"
                assert int(answer.headers["retry-after"]) >= 1
                assert "127.0.0.1" not in answer.text
            predicted = client.post("/predict", content=image, headers=sent)
            assert predicted.json()["typicality"] == typicality
            for path in (
                "/neighbors?id=lake/lake_0003",
                "/images/lake/lake_0003",
                "/tsne",
                "/readyz",
            ):
                assert client.get(path).status_code == 200
            with served(_service(milvus_home, settings)) as (started, _):
                assert started.get("/readyz").status_code == 200
                assert _answer(started).status_code == 503
                milvus.start()
                for each in (client, started):
                    _wait_for(partial(_is_answered, each))
                    assert _answer(each).json()["neighbors"] == searched
        except BaseException:
            # The other tests need the server.
            with suppress(AssertionError):
                milvus.start()
            raise
    assert "index not searched" in caplog.text
    assert "is searched again" in caplog.text
    assert SECRET not in caplog.text


def test_a_dropped_collection_is_said_and_published_again(
    milvus_home: Path,
    settings: IndexSettings,
    client: MilvusClient,
    caplog: pytest.LogCaptureFixture,
) -> None:
    name = _collection(current_release(milvus_home / "releases"))
    with served(_service(milvus_home, settings)) as (service, _):
        searched = _answer(service).json()["neighbors"]
        client.drop_collection(name)
        assert _answer(service).status_code == 503
        assert f"{name} of the release is missing" in caplog.text
        assert "run `belvedere publish`" in caplog.text
        _republish(milvus_home, settings)
        _wait_for(lambda: _answer(service).status_code == 200)
        assert _answer(service).json()["neighbors"] == searched
    assert client.has_collection(name)


def test_changes_stand_in_front_of_the_collection(
    milvus_home: Path, settings: IndexSettings, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(milvus_home, home, symlinks=True)
    image, sent = _jpeg(), {"content-type": "image/jpeg"}
    with served(_service(home, settings, writable=True)) as (client, _):
        before = [each["id"] for each in _answer(client).json()["neighbors"]]
        deleted, replaced = before[0], before[1]
        assert client.delete("/images", params={"id": deleted}).status_code == 204
        assert client.put(f"/images/{replaced}", content=image, headers=sent).status_code == 200
        after = _answer(client, 11).json()
        assert after["index"] == "milvus"
        found = [each["id"] for each in after["neighbors"]]
        assert found[:8] == before[2:]
        assert deleted not in found
        assert replaced not in found
        nearest = client.post("/neighbors", params={"k": 1}, content=image, headers=sent).json()
        assert nearest["neighbors"][0]["id"] == replaced


def test_releases_stand_side_by_side(
    milvus_home: Path, settings: IndexSettings, client: MilvusClient, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(milvus_home, home, symlinks=True)
    releases = home / "releases"
    old = current_release(releases)
    with served(_service(home, settings, writable=True)) as (service, _):
        assert service.delete("/images", params={"id": "lake/lake_0000"}).status_code == 204
    new = _republish(home, settings)
    assert client.has_collection(_collection(old))
    assert client.has_collection(_collection(new))
    with served(_service(home, settings)) as (service, _):
        assert _answer(service, 100).json()["index"] == "milvus"
    # Equal contents have one collection, which stays for the release that remains.
    twin = tmp_path / "releases" / old.name
    shutil.copytree(releases, tmp_path / "releases", symlinks=True)
    shutil.copytree(twin, twin.with_name("twin"))
    discard_index(twin, settings)
    assert client.has_collection(_collection(old))
    discard_index(new, settings)
    assert not client.has_collection(_collection(new))


def _collection(release: Path) -> str:
    return str(read_manifest(release).index.parameters["collection"])


def test_a_wrong_address_is_refused_without_the_token(tmp_path: Path) -> None:
    settings = IndexSettings(milvus_uri="http://127.0.0.1:1", milvus_token=SecretStr(f"x:{SECRET}"))
    with pytest.raises(IndexUnavailable, match=r":1 .*`flat` needs no server") as caught:
        open_kind("milvus", settings).build(tmp_path, many_rows())
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(settings)
