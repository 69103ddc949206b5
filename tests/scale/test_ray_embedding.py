"""Embedding on a Ray cluster: the features of the local run, whatever is killed meanwhile."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TypeVar

import lance
import pytest

from embeddings.encoder import encoder_fingerprint
from embeddings.progress import Track, no_progress
from embeddings.ray_cluster import Cluster, ClusterError, connect
from embeddings.release.embed import embed
from embeddings.release.publish import publish
from embeddings.release.reader import current_release, open_release
from embeddings.store.features import FeatureTable
from embeddings.store.store import Store
from embeddings.store.tables import StoreDamaged
from tests.scale.servers import ROOT, RayCluster
from tests.tiny_release import candidate, draw, fill_store

T = TypeVar("T")

KILLED_DRIVER = """
import os, signal, sys
from itertools import islice
from pathlib import Path
from embeddings.ray_cluster import connect
from embeddings.release import distributed_encoding, encoding
from embeddings.release.embed import embed
from embeddings.store.store import Store

def killed(steps, description, total):
    yield from islice(steps, 50)
    os.kill(os.getpid(), signal.SIGKILL)

encoding.CHECKPOINT, distributed_encoding.BATCH = 20, 10
home = Path(sys.argv[1])
with connect(sys.argv[2], print) as cluster:
    embed(Store(str(home / "store")), home / "releases", None, cluster, killed)
"""


@pytest.fixture
def fresh(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a home without features, whose images are embedded in tasks of few images."""
    monkeypatch.setattr("embeddings.release.distributed_encoding.BATCH", 4)
    copy = tmp_path / "home"
    shutil.copytree(home, copy, symlinks=True)
    shutil.rmtree(table_of(copy).path)
    return copy


def table_of(home: Path) -> FeatureTable:
    release = open_release(current_release(home / "releases"))
    return Store(str(home / "store")).features(release.manifest.encoder.fingerprint)


def embedded(home: Path, cluster: Cluster | None, track: Track) -> int:
    store = Store(str(home / "store"))
    return embed(store, home / "releases", None, cluster, track).computed


def assert_equal_bits(found: FeatureTable, expected: FeatureTable) -> None:
    """Assert that both tables have the same digests, each once, with bit-equal features."""
    digests = found.digests()
    assert len(digests) == len(set(digests))
    assert sorted(digests) == sorted(expected.digests())
    one, other = found.read(digests)[1], expected.read(digests)[1]
    assert one.embeddings.tobytes() == other.embeddings.tobytes()
    assert one.probabilities.tobytes() == other.probabilities.tobytes()


def after(count: int, act: Callable[[], None]) -> Track:
    """Return a track that acts once, after so many results."""

    def track(steps: Iterable[T], description: str, total: int) -> Iterator[T]:
        running = iter(steps)
        yield from islice(running, count)
        act()
        yield from running

    return track


def kill_workers(cluster: RayCluster) -> int:
    """Kill all processes of tasks; return their number."""
    workers = [*cluster.worker_processes("_call"), *cluster.worker_processes("IDLE")]
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    return len(workers)


def test_features_of_a_cluster_are_congruent_with_local_ones(
    fresh: Path, home: Path, cluster: RayCluster
) -> None:
    count = len(Store(str(fresh / "store")).at().images)
    with connect(cluster.address, print) as connected:
        assert embedded(fresh, connected, no_progress) == count
        assert embedded(fresh, connected, no_progress) == 0
    assert_equal_bits(table_of(fresh), table_of(home))
    shutil.rmtree(table_of(fresh).path)
    assert embedded(fresh, None, no_progress) == count
    assert_equal_bits(table_of(fresh), table_of(home))


def test_a_release_published_on_a_cluster_is_the_local_one(
    tmp_path: Path, cluster: RayCluster
) -> None:
    drawn, published = draw(), []
    found = candidate(drawn, tmp_path)
    with connect(cluster.address, print) as connected:
        for name, computed_on in (("local", None), ("cluster", connected)):
            store = Store(str(tmp_path / name))
            fill_store(store, drawn)
            releases = tmp_path / f"{name} releases"
            published.append(publish(found, store, releases, cluster=computed_on))
    local, distributed = (open_release(each).manifest for each in published)
    assert distributed.files == local.files


@pytest.mark.parametrize("results", [1, 100])
def test_killed_workers_lose_and_double_nothing(
    fresh: Path, home: Path, cluster: RayCluster, results: int
) -> None:
    def kill() -> None:
        assert kill_workers(cluster) > 0

    with connect(cluster.address, print) as connected:
        embedded(fresh, connected, after(results, kill))
    assert_equal_bits(table_of(fresh), table_of(home))


def test_a_killed_node_is_replaced_by_one_that_joins(
    fresh: Path, home: Path, cluster: RayCluster
) -> None:
    def replace_nodes() -> None:
        for node in cluster.nodes:
            cluster.kill_node(node)
            cluster.add_node()

    with connect(cluster.address, print) as connected:
        embedded(fresh, connected, after(5, replace_nodes))
    assert_equal_bits(table_of(fresh), table_of(home))


def test_a_killed_driver_resumes_at_its_last_checkpoint(
    fresh: Path, home: Path, cluster: RayCluster
) -> None:
    command = [sys.executable, "-c", KILLED_DRIVER, str(fresh), cluster.address]
    done = subprocess.run(command, cwd=ROOT, check=False, timeout=300)
    assert done.returncode == -signal.SIGKILL
    assert len(table_of(fresh).known()) == 40
    count = len(Store(str(fresh / "store")).at().images)
    with connect(cluster.address, print) as connected:
        assert embedded(fresh, connected, no_progress) == count - 40
    assert_equal_bits(table_of(fresh), table_of(home))


def test_an_interruption_keeps_what_was_computed(fresh: Path, cluster: RayCluster) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), connect(cluster.address, print) as connected:
        embedded(fresh, connected, after(30, interrupt))
    assert len(table_of(fresh).known()) == 30


def test_a_damaged_file_is_named_and_the_others_stay(fresh: Path, cluster: RayCluster) -> None:
    store = Store(str(fresh / "store"))
    digest = store.at().images.digests[-1]
    blobs = lance.dataset(store.blobs.path)
    blobs.update({"jpeg": "X'FFD8FF00'"}, where=f"digest = '{digest}'")
    with connect(cluster.address, print) as connected:
        for computed_on in (connected, None):
            with pytest.raises(StoreDamaged, match=f"{digest} is damaged"):
                embedded(fresh, computed_on, no_progress)
    assert digest not in table_of(fresh).known()
    assert len(table_of(fresh).known()) == len(store.at().images) - 1


def test_a_local_cluster_reads_object_storage_itself(
    home: Path, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = draw()
    store = Store(f"{bucket}/store")
    fill_store(store, drawn)
    model = next((home / "releases").glob("*/encoder.xml"))
    monkeypatch.setenv("BELVEDERE_STORE", store.uri)
    monkeypatch.setenv("BELVEDERE_HOME", str(tmp_path))
    # A process of its own: after a local cluster, Ray does not use another one reliably.
    command = [sys.executable, "-m", "belvedere", "embed", "--model", str(model), "--ray"]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    assert f"{len(drawn.images)} were computed" in done.stdout
    assert_equal_bits(store.features(encoder_fingerprint(model)), table_of(home))


def test_nodes_with_other_libraries_are_refused(
    fresh: Path, cluster: RayCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("embeddings.ray_cluster.library_versions", lambda: {"numpy": "0.1"})
    with (
        connect(cluster.address, print) as connected,
        pytest.raises(ClusterError, match=r"has numpy \d\S*, but this command runs with 0\.1"),
    ):
        embedded(fresh, connected, no_progress)
    assert not table_of(fresh).known()


def test_a_node_without_a_package_is_named_in_one_sentence(
    cluster: RayCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "only_here.py").write_text("def call(argument): return argument\n")
    monkeypatch.syspath_prepend(tmp_path)
    import only_here  # type: ignore[import-not-found]

    with (
        connect(cluster.address, print) as connected,
        pytest.raises(ClusterError, match=r"cannot run Belvedere .*only_here") as raised,
    ):
        list(connected.run(only_here.call, [], [1]))
    assert len(str(raised.value).splitlines()) == 1


def once_more(folder: str, number: int) -> int:
    """Return the number at the second attempt; the first one waits for a signal."""
    attempt = Path(folder, f"{number} {len(list(Path(folder).glob(f'{number} *')))}")
    attempt.write_text(str(os.getpid()))
    if attempt.name.endswith(" 0"):
        signal.pause()
    return number


def test_a_task_of_a_killed_process_is_repeated(cluster: RayCluster, tmp_path: Path) -> None:
    def arguments() -> Iterator[int]:
        yield 1
        while not (tmp_path / "1 0").exists() or not (tmp_path / "1 0").read_text():
            pass
        os.kill(int((tmp_path / "1 0").read_text()), signal.SIGKILL)

    with connect(cluster.address, print) as connected:
        assert list(connected.run(once_more, [str(tmp_path)], arguments())) == [1]
    assert (tmp_path / "1 1").exists()
