"""Publishing that is killed at random moments."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from api_tests.chaos.publisher import BEGINS
from api_tests.chaos.running import ROOT, continuous_requests, running, valid_calls, wait_until
from embeddings.atomic import DRAFT_PREFIX
from embeddings.release.reader import current_release, open_release
from embeddings.store.store import Store

pytestmark = pytest.mark.chaos

KILLS = 60


@pytest.fixture
def publisher(copied_home: Path, tmp_path_factory: pytest.TempPathFactory):
    """Yield a function that starts a publisher, which waits for a line of input."""
    folder = tmp_path_factory.mktemp("models")
    started = []

    def start(seed: int) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "api_tests.chaos.publisher",
                str(copied_home),
                str(seed),
                folder,
            ],
            cwd=ROOT,
            # On a busy machine, spinning threads slow publishing down greatly.
            env=os.environ | {"OMP_WAIT_POLICY": "passive"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def begin(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    assert process.stdout.readline().strip() == BEGINS


def test_publishing_is_killed(copied_home, publisher, tally):
    """Publishing is killed (`kill -9`) at a random moment while the service answers requests."""
    releases, store = copied_home / "releases", Store(str(copied_home / "store"))
    first = open_release(current_release(releases))
    kept = first.manifest.encoder.fingerprint
    known = {first.manifest.fingerprint}

    def undisturbed(seed: int) -> float:
        process = publisher(seed)
        begin(process)
        started = time.monotonic()
        assert process.wait() == 0
        known.add(open_release(current_release(releases)).manifest.fingerprint)
        return time.monotonic() - started

    finished = 0
    with (
        running(copied_home) as service,
        continuous_requests(service, valid_calls(service, 1), clients=1, pause=0.05) as sent,
    ):
        duration = max(undisturbed(seed) for seed in (1, 2))
        delays = np.random.default_rng(9).uniform(0, duration, KILLS).tolist()
        following = publisher(100)
        for number, delay in enumerate(delays):
            process, following = following, publisher(101 + number)
            before = open_release(current_release(releases)).manifest
            with tally.attempt():
                begin(process)
                time.sleep(delay)
                process.kill()
                process.wait()
                manifest = open_release(current_release(releases)).manifest
                assert manifest == before or manifest.map_seed == 100 + number
                finished += manifest != before
                known.add(manifest.fingerprint)
                assert store.at().images.fingerprint == first.images.fingerprint
                found, features = store.features(kept).read(first.images.digests)
                assert found.all()
                assert np.array_equal(features.embeddings, first.embeddings)
        undisturbed(1000)
        last = open_release(current_release(releases)).manifest
        with service.client() as client:
            wait_until(lambda: client.get("/readyz").json()["release"] == last.fingerprint)
            assert client.get("/readyz").json()["refused"] is None
    assert last.map_seed == 1000
    assert not list(releases.glob(f"{DRAFT_PREFIX}*"))
    assert sent.errors == []
    assert {answer.status_code for _, answer in sent.answers} == {200}
    assert {answer.json()["release"] for _, answer in sent.answers} <= known
    tally.measured = (
        f"uninterrupted {duration:.1f} s; {finished} had finished; "
        f"{len(sent.answers):,} requests meanwhile, none failed"
    )
