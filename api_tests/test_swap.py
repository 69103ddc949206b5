"""Change of the release at runtime: valid releases are served, damaged ones are rejected."""

import gc
import shutil
import threading
import time
import weakref
from collections.abc import Callable
from functools import partial
from pathlib import Path

import httpx
import pytest

from api_tests.conftest import served
from embeddings.release.manifest import MANIFEST, Manifest
from embeddings.release.reader import CURRENT, read_manifest
from service.serving.served_release import ServedRelease
from service.settings import ServiceSettings

POLL = 0.05
DEADLINE = 60.0


def another_release(releases: Path) -> Path:
    """Add a copy of the current release with another fingerprint; `current` is unchanged."""
    current = (releases / CURRENT).resolve()
    manifest = read_manifest(current)
    other: Manifest = manifest.model_copy(update={"versions": {"release": "another"}}).sealed()
    folder = releases / other.folder
    shutil.copytree(current, folder)
    (folder / MANIFEST).write_text(other.model_dump_json(indent=2))
    return folder


def point_to(releases: Path, folder: Path) -> None:
    draft = releases / ".next"
    draft.symlink_to(folder.name)
    draft.replace(releases / CURRENT)


def wait_until(happened: Callable[[], object]) -> None:
    until = time.monotonic() + DEADLINE
    while not happened():
        assert time.monotonic() < until, "The condition was not met in time."
        time.sleep(0.01)


def wait_for(client: httpx.Client, **expected: object) -> dict:
    until = time.monotonic() + DEADLINE
    while time.monotonic() < until:
        answer = client.get("/readyz")
        found = answer.json()
        if all(found.get(name) == value for name, value in expected.items()):
            return found
        time.sleep(POLL)
    raise AssertionError(f"{found} never became {expected}")


def wait_for_answers(answers: list[httpx.Response], release: str) -> None:
    """Wait for a response of this release or for an error response."""
    until = time.monotonic() + DEADLINE
    while not any(each.is_error or each.json()["release"] == release for each in list(answers)):
        assert time.monotonic() < until, f"No response of {release} arrived."
        time.sleep(POLL)


def fingerprint(folder: Path) -> str:
    return read_manifest(folder).fingerprint


def test_no_request_fails_when_a_new_release_is_loaded(serving, copied_home, records):
    releases = copied_home / "releases"
    old, new = (releases / CURRENT).resolve(), another_release(releases)
    known = {fingerprint(old), fingerprint(new)}
    with serving(ServiceSettings(home=copied_home, poll=POLL)) as client:
        jpeg = client.get(f"/images/{records[0]['id']}").content
        calls = (
            lambda: client.get("/neighbors", params={"id": records[0]["id"]}),
            lambda: client.get("/neighbors", params={"id": records[0]["id"], "k": 5}),
            lambda: client.get("/tsne", params={"n": 20}),
            lambda: client.post("/predict", content=jpeg),
        )
        answers: list[httpx.Response] = []
        done = threading.Event()

        def send() -> None:
            while not done.is_set():
                answers.extend(call() for call in calls)

        senders = [threading.Thread(target=send) for _ in range(3)]
        for each in senders:
            each.start()
        try:
            wait_for_answers(answers, fingerprint(old))
            point_to(releases, new)
            wait_for(client, release=fingerprint(new), refused=None)
            wait_for_answers(answers, fingerprint(new))
        finally:
            done.set()
            for each in senders:
                each.join()
        assert {each.status_code for each in answers} == {200}
        assert {each.json()["release"] for each in answers} == known
        point_to(releases, old)
        wait_for(client, release=fingerprint(old))


def _references(served: ServedRelease) -> list[weakref.ref[object]]:
    """Return weak references to a served release and its parts."""
    parts = (served, served.release, served.model.encoder, served.caches)
    return [weakref.ref(each) for each in parts]


def _are_freed(seen: list[weakref.ref[object]]) -> bool:
    return not any(each() for each in seen)


def test_a_replaced_release_is_freed(copied_home, records):
    releases = copied_home / "releases"
    old, new = (releases / CURRENT).resolve(), another_release(releases)
    with served(ServiceSettings(home=copied_home, poll=POLL)) as (client, state):
        params = {"id": records[0]["id"]}
        jpeg = client.get(f"/images/{records[0]['id']}").content
        gc.collect()
        # Without reference cycles, objects are freed without the garbage collector.
        gc.disable()
        try:
            for folder in (new, old, new):
                for call in ("/neighbors", "/predict", "/features"):
                    assert client.get(call, params=params).status_code == 200
                    assert client.get(call, params=params | {"k": 3}).status_code == 200
                for call in ("/predict", "/neighbors", "/tsne"):
                    assert client.post(call, content=jpeg).status_code == 200
                for path in (
                    "/tsne",
                    f"/images/{records[0]['id']}/thumbnail",
                    "/errors",
                    "/versions",
                    "/versions/diff?a=1&b=2",
                    "/images?at=2",
                    "/openapi.json",
                ):
                    assert client.get(path).status_code == 200
                seen = _references(state.current_release())
                point_to(releases, folder)
                wait_for(client, release=fingerprint(folder), refused=None)
                wait_until(partial(_are_freed, seen))
        finally:
            gc.enable()


@pytest.mark.parametrize("harm", ["damaged", "half copied"])
def test_a_damaged_release_is_rejected_and_the_old_one_is_still_served(
    serving, copied_home, records, harm, caplog
):
    releases = copied_home / "releases"
    old, new = (releases / CURRENT).resolve(), another_release(releases)
    encoder = new / "encoder.bin"
    content = encoder.read_bytes()
    encoder.write_bytes(content[: len(content) // 2] if harm == "half copied" else b"x" + content)
    with serving(ServiceSettings(home=copied_home, poll=POLL)) as client:
        point_to(releases, new)
        until = time.monotonic() + DEADLINE
        while not (found := client.get("/readyz").json())["refused"]:
            assert time.monotonic() < until
            time.sleep(POLL)
        assert "encoder.bin is missing or damaged" in found["refused"]
        assert found["release"] == fingerprint(old)
        assert "encoder.bin" in caplog.text
        assert client.get("/neighbors", params={"id": records[0]["id"]}).status_code == 200
        encoder.write_bytes(content)
        wait_for(client, release=fingerprint(new), refused=None)


def test_the_first_release_is_served_without_a_restart(serving, copied_home, tmp_path, sentence):
    home = tmp_path / "new"
    home.mkdir()
    with serving(ServiceSettings(home=home, poll=POLL)) as client:
        assert "belvedere publish" in sentence(client.get("/readyz"), 503)
        shutil.copytree(copied_home / "store", home / "store")
        shutil.copytree(copied_home / "releases", home / "releases", symlinks=True)
        wait_for(client, status="ready")
