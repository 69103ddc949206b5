"""Lease of a feature store in object storage, with a server that honours or ignores conditions."""

import json
import logging
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event

import pytest

from embeddings import lease as leases
from embeddings.lease import LEASE, LeaseLost, require_lease
from embeddings.lock import SERVICE, Locked, LockedByService, store_lock
from embeddings.objects import Objects, ObjectStorageError, WrittenMeanwhile
from embeddings.store.store import Store
from embeddings.store.tables import StoreDamaged
from tests.object_server import ObjectServer, object_server
from tests.tiny_release import draw, fill_store

pytest.importorskip("obstore")

URI = "s3://bucket/store"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectServer]:
    with object_server() as running:
        _use(running, monkeypatch)
        yield running


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the times of leases."""
    monkeypatch.setattr(leases, "SECONDS", 1.0)
    monkeypatch.setattr(leases, "_VALID_SECONDS", 0.6)
    monkeypatch.setattr(leases, "_RENEWAL_SECONDS", 0.1)
    monkeypatch.setattr(leases, "_LOOK_SECONDS", 0.05)


def _use(server: ObjectServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)


def _take_over() -> None:
    """Replace the lease as another machine does after the time of the lease."""
    objects = Objects.open(URI)
    while True:
        found = objects.read(LEASE)
        assert found is not None
        with suppress(WrittenMeanwhile):
            content = json.dumps({"owner": "another", "holder": "`belvedere add` elsewhere"})
            objects.replace(LEASE, content.encode(), found.e_tag)
            return


def _wait_until_lost() -> None:
    while True:
        try:
            require_lease(URI)
        except LeaseLost:
            return
        Event().wait(0.01)


def test_a_server_that_ignores_conditions_is_refused_before_the_first_write(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with object_server(conditional=False) as server:
        _use(server, monkeypatch)
        with (
            pytest.raises(ObjectStorageError, match="ignores the conditions of writes"),
            store_lock(URI, "belvedere data"),
        ):
            Store(URI).create(split_seed=0, split_rule=3)
        assert server.objects == {}


@pytest.mark.usefixtures("server", "short")
def test_the_lease_of_a_running_process_is_refused_and_a_released_one_is_free() -> None:
    for holder, error in (("belvedere add", Locked), (SERVICE, LockedByService)):
        with (
            store_lock(URI, holder),
            pytest.raises(error, match=f"locked by `{holder}`"),
            store_lock(URI, "another"),
        ):
            pass


@pytest.mark.usefixtures("server", "short")
def test_the_lease_of_a_killed_process_is_taken_over(caplog: pytest.LogCaptureFixture) -> None:
    Objects.open(URI).create(LEASE, b'{"owner": "killed", "holder": "`belvedere add`"}')
    with caplog.at_level(logging.WARNING), store_lock(URI, "belvedere add"):
        require_lease(f"{URI}/images.lance")
    assert "waiting up to 1 s" in caplog.text


@pytest.mark.usefixtures("server", "short")
def test_a_writer_whose_lease_was_taken_over_commits_nothing() -> None:
    store = Store(URI)
    with store_lock(URI, "belvedere data"):
        fill_store(store, draw())
    before = store.at().revision
    with store_lock(URI, "belvedere add"):
        store.delete([store.at().images.ids[0]])
        _take_over()
        _wait_until_lost()
        with pytest.raises(StoreDamaged, match="took over the lease"):
            store.delete([store.at().images.ids[1]])
    assert store.at().revision == before + 1
    found = Objects.open(URI).read(LEASE)
    assert found is not None
    assert b"another" in found.content


@pytest.mark.usefixtures("short")
def test_without_its_server_a_writer_stops_and_it_writes_again_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with object_server() as server:
        _use(server, monkeypatch)
        with store_lock(URI, "belvedere add"):
            server.lock.acquire()
            _wait_until_lost()
            server.lock.release()
            while True:
                with suppress(LeaseLost):
                    require_lease(URI)
                    break


@pytest.mark.usefixtures("server")
def test_a_commit_to_an_older_revision_is_refused(tmp_path: Path) -> None:
    """A process that was suspended within a commit must not write over the next writer."""
    store = Store(URI)
    fill_store(store, draw())
    images = store.at().images
    opened = store.images.open().dataset
    store.delete([images.ids[0]])
    merge = opened.merge_insert("id").when_matched_update_all().when_not_matched_insert_all()
    with pytest.raises(OSError, match="concurrent writers"):
        merge.use_index(False).conflict_retries(0).execute(images.table)


@pytest.mark.usefixtures("server")
def test_credentials_are_in_no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://key-of-the-test:secret-of-the-test@127.0.0.1:9")
    with pytest.raises(ObjectStorageError) as caught:
        Objects.open(URI).read("x")
    assert "secret-of-the-test" not in str(caught.value)
    with pytest.raises(StoreDamaged) as damaged:
        Store(URI).at()
    assert "secret-of-the-test" not in str(damaged.value)


def test_the_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "obstore.store", None)
    with pytest.raises(ObjectStorageError, match=r"belvedere\[s3\]"):
        Objects.open(URI)
