"""Loading of releases: the service responds meanwhile, and recovers from errors."""

import ctypes
import os
import threading
from pathlib import Path

import pytest

from api_tests.conftest import served
from api_tests.test_swap import (
    DEADLINE,
    another_release,
    fingerprint,
    point_to,
    wait_for,
    wait_until,
)
from service.settings import ServiceSettings

POLL = 0.05


class BlockedRelease:
    """Release whose manifest blocks readers until `unblock` is called."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "manifest.json"
        self._content = self._path.read_bytes()
        self._path.unlink()
        os.mkfifo(self._path)

    def unblock(self) -> None:
        with self._path.open("wb") as pipe:
            draft = self._path.with_suffix(".draft")
            draft.write_bytes(self._content)
            draft.replace(self._path)
            pipe.write(self._content)


def test_the_service_responds_while_the_first_release_is_loaded(copied_home, sentence):
    blocked = BlockedRelease((copied_home / "releases" / "current").resolve())
    with served(ServiceSettings(home=copied_home, poll=POLL), at_once=True) as (client, _):
        try:
            assert client.get("/livez").json() == {
                "status": "alive",
                "release": None,
                "revision": None,
            }
            assert client.get("/metrics").status_code == 200
            for call in ("/readyz", "/neighbors?id=a", "/predict?id=a", "/images", "/tsne"):
                answer = client.get(call)
                assert "is being opened; try again" in sentence(answer, 503)
                assert answer.headers["Retry-After"] == "1"
        finally:
            blocked.unblock()
        wait_for(client, status="ready", refused=None)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_lost_thread_is_replaced_while_a_release_is_loaded(copied_home, a_jpeg):
    others = set(threading.enumerate())
    releases = copied_home / "releases"
    new = another_release(releases)
    settings = ServiceSettings(home=copied_home, poll=POLL, concurrency=1, work_seconds=1)
    with served(settings) as (client, _):
        blocked = BlockedRelease(new)
        point_to(releases, new)
        try:
            for _ in range(2):
                before = set(threading.enumerate()) - others
                (worker,) = (each for each in before if each.name == "image")
                assert worker.ident is not None
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(worker.ident), ctypes.py_object(SystemExit)
                )
                client.post("/predict", content=a_jpeg)
                worker.join(DEADLINE)
                assert not worker.is_alive()
                wait_until(lambda: client.get("/readyz").status_code == 200)
                assert client.post("/predict", content=a_jpeg).status_code == 200
        finally:
            blocked.unblock()


def test_an_error_does_not_end_the_polling_of_releases(copied_home, caplog):
    releases = copied_home / "releases"
    new = another_release(releases)
    failed = threading.Event()

    def fail() -> None:
        failed.set()
        raise RuntimeError("an unexpected error")

    with served(ServiceSettings(home=copied_home, poll=POLL), after=fail) as (client, _):
        wait_until(failed.is_set)
        failed.clear()
        point_to(releases, new)
        wait_for(client, release=fingerprint(new), refused=None)
        wait_until(failed.is_set)
    assert "an unexpected error" in caplog.text


def test_readiness_reports_that_polling_has_ended(home, sentence):
    with served(ServiceSettings(home=home, poll=POLL)) as (client, state):
        assert client.get("/readyz").status_code == 200
        task = state._loops[0]
        task.get_loop().call_soon_threadsafe(task.cancel)
        wait_until(task.done)
        assert "restart the service" in sentence(client.get("/readyz"), 503)
        assert client.get("/livez").status_code == 200
