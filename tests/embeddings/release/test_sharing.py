"""Releases in object storage: publishing, copies, concurrent publishers, damage and deletion."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from embeddings.objects import ObjectStorageError
from embeddings.release.manifest import MANIFEST
from embeddings.release.publish import publish
from embeddings.release.reader import (
    CURRENT,
    ReleaseError,
    current_release,
    verify_release,
)
from embeddings.release.sharing import SharedReleases
from embeddings.settings import PathSettings
from embeddings.store.store import Store
from tests.object_server import ObjectServer, object_server
from tests.tiny_release import candidate, draw, fill_store

pytest.importorskip("obstore")

URI = "s3://bucket/releases"
POINTER = "/bucket/releases/current"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ObjectServer, Path]]:
    """Yield a server with two releases, and the home that published them."""
    home = tmp_path_factory.mktemp("publisher")
    with object_server() as server, pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment.items():
            patch.setenv(name, value)
        drawn, store = draw(), Store(str(home / "store"))
        fill_store(store, drawn)
        for seed in (0, 1):
            shared = shared_by(home)
            shared.pull()
            with TemporaryDirectory() as folder:
                found = candidate(drawn, Path(folder))
                publish(found, store, shared.folder, map_seed=seed, share=shared.share)
        yield server, home


@pytest.fixture
def server(
    published: tuple[ObjectServer, Path], monkeypatch: pytest.MonkeyPatch
) -> Iterator[ObjectServer]:
    """Yield the server, whose objects are restored at the end."""
    server, _ = published
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    before = dict(server.objects)
    yield server
    server.objects.clear()
    server.objects.update(before)


def shared_by(home: Path) -> SharedReleases:
    shared = SharedReleases.of(PathSettings(home=home, releases=URI))
    assert shared is not None
    return shared


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(each.relative_to(folder)): each.read_bytes() for each in folder.rglob("*.*")}


def test_a_copy_is_the_published_release(
    published: tuple[ObjectServer, Path], server: ObjectServer, tmp_path: Path
) -> None:
    shared = shared_by(tmp_path)
    assert shared.pull()
    release = current_release(shared.folder)
    verify_release(release)
    assert files_of(release) == files_of(current_release(published[1] / "releases"))
    server.requests.clear()
    assert not shared.pull()
    assert server.requests == [f"GET {POINTER}"]


def test_every_release_is_copied_for_maintenance(server: ObjectServer, tmp_path: Path) -> None:
    shared = shared_by(tmp_path)
    shared.pull_all()
    assert len(shared.names()) == 2
    assert all(verify_release(shared.folder / name) for name in shared.names())
    assert list(shared.check()) == []
    name = shared.names()[0]
    del server.objects[f"/bucket/releases/{name}/errors.json"]
    assert "errors.json" in next(shared.check())


def test_a_damaged_release_is_refused_and_the_earlier_copy_stays(
    server: ObjectServer, tmp_path: Path
) -> None:
    shared = shared_by(tmp_path)
    newest = server.objects[POINTER].decode().split("\n")[0]
    (oldest,) = set(shared.names()) - {newest}
    server.objects[POINTER] = oldest.encode()
    shared.pull()
    server.objects[POINTER] = newest.encode()
    server.objects[f"/bucket/releases/{newest}/errors.json"] += b" "
    with pytest.raises(ReleaseError, match=f"{URI}/{newest}/errors.json is missing or damaged"):
        shared.pull()
    assert current_release(shared.folder).name == oldest
    assert sorted(each.name for each in shared.folder.iterdir()) == sorted([CURRENT, oldest])


def test_a_damaged_copy_is_fetched_again(server: ObjectServer, tmp_path: Path) -> None:
    shared = shared_by(tmp_path)
    shared.pull()
    release = current_release(shared.folder)
    (release / "errors.json").unlink()
    assert not shared.pull()
    assert shared.pull(verify=True)
    verify_release(release)


@pytest.mark.usefixtures("server")
def test_one_of_two_concurrent_publishers_is_refused(
    published: tuple[ObjectServer, Path], tmp_path: Path
) -> None:
    first, second = shared_by(published[1]), shared_by(tmp_path)
    first.pull()
    second.pull_all()
    names = second.names()
    first.share(first.folder / names[0])
    with pytest.raises(ReleaseError, match="Another process published"):
        second.share(second.folder / names[1])
    second.pull()
    assert current_release(second.folder).name == names[0]


def test_an_interrupted_upload_goes_on(
    published: tuple[ObjectServer, Path], server: ObjectServer
) -> None:
    shared = shared_by(published[1])
    shared.pull()
    release = current_release(shared.folder)
    gone = [f"/bucket/releases/{release.name}/{name}" for name in (MANIFEST, "errors.json")]
    for key in gone:
        del server.objects[key]
    server.requests.clear()
    shared.share(release)
    puts = [each for each in server.requests if each.startswith("PUT") and ".probe" not in each]
    assert puts == [f"PUT {gone[1]}", f"PUT {gone[0]}", f"PUT {POINTER}"]


def test_a_discarded_release_leaves_all_copies(
    published: tuple[ObjectServer, Path], server: ObjectServer, tmp_path: Path
) -> None:
    replica, publisher = shared_by(tmp_path), shared_by(published[1])
    replica.pull_all()
    newest = current_release(replica.folder)
    (oldest,) = set(replica.names()) - {newest.name}
    publisher.discard(publisher.folder / oldest)
    assert not [key for key in server.objects if oldest in key]
    replica.drop_discarded(tmp_path)
    assert sorted(each.name for each in replica.folder.iterdir()) == sorted([CURRENT, newest.name])
    publisher.pull()
    publisher.point_to_none()
    assert replica.pull()
    assert not (replica.folder / CURRENT).exists()


def test_a_server_without_conditions_gets_no_release(
    published: tuple[ObjectServer, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with object_server(conditional=False) as careless:
        for name, value in careless.environment.items():
            monkeypatch.setenv(name, value)
        shared = shared_by(published[1])
        with pytest.raises(ObjectStorageError, match="ignores the conditions of writes"):
            shared.share(current_release(shared.folder))
        assert careless.objects == {}


@pytest.mark.parametrize("name", ["../x", "a/b", ".hidden", "current"])
def test_a_pointer_to_no_release_is_refused(
    server: ObjectServer, tmp_path: Path, name: str
) -> None:
    server.objects[POINTER] = name.encode()
    with pytest.raises(ReleaseError, match="names no release"):
        shared_by(tmp_path).pull()


def test_a_manifest_of_another_release_is_refused(server: ObjectServer, tmp_path: Path) -> None:
    manifests = [key for key in server.objects if key.endswith(MANIFEST)]
    server.objects[manifests[0]], server.objects[manifests[1]] = (
        server.objects[manifests[1]],
        server.objects[manifests[0]],
    )
    with pytest.raises(ReleaseError, match="has the manifest of another release"):
        shared_by(tmp_path).pull()
