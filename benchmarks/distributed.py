"""`python -m benchmarks.distributed [ROUNDS]`: embedding on Ray against the local pipeline.

The images of BELVEDERE_HOME are encoded by the encoder of its release, with two cores: by the local
pipeline, by a Ray cluster of two nodes with one processor each, and by one of these nodes. The
rates are those of encoding and storing all images; the start of Ray is measured separately.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from typing import Any

import psutil

from benchmarks.measurements import Figures, Measurement, bench_home, save
from embeddings.encoder import Encoder
from embeddings.progress import no_progress
from embeddings.ray_cluster import Cluster, connect
from embeddings.release.distributed_encoding import BATCH, encode_on
from embeddings.release.encoding import Encode, encode_here, store_features
from embeddings.release.reader import ENCODER, current_release
from embeddings.store.features import FeatureTable
from embeddings.store.images import Snapshot
from embeddings.store.store import Store

ROUNDS = 3

_CORES = 2


class EncodingRun(Figures):
    """Encoding of all images."""

    seconds: float
    cpu_seconds: float
    """Processor time of this process and of all that it started."""


class Round(Figures):
    """Runs one after the other."""

    local: EncodingRun
    two_nodes: EncodingRun
    one_node: EncodingRun
    connected_seconds: float
    """Connection to a running cluster."""
    opened_seconds: float
    """Time to the first results: processes start and open the encoder."""


class DistributedMeasurement(Measurement):
    """Embedding on Ray against the local pipeline."""

    images: int
    rounds: tuple[Round, ...]

    @property
    def relative_rate(self) -> float:
        """Rate of two nodes relative to the local pipeline: the median of the rounds."""
        return median(each.local.seconds / each.two_nodes.seconds for each in self.rounds)

    @property
    def relative_cpu(self) -> float:
        """Processor time of two nodes relative to the local pipeline: the median of the rounds."""
        return median(each.two_nodes.cpu_seconds / each.local.cpu_seconds for each in self.rounds)

    @property
    def efficiency(self) -> float:
        """Rate of two nodes relative to twice that of one: the median of the rounds."""
        return median(each.one_node.seconds / each.two_nodes.seconds / 2 for each in self.rounds)


def main() -> None:
    """Measure and save the result in BELVEDERE_HOME."""
    # Workers would otherwise give way to every other process.
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:_CORES])
    home = bench_home()
    measured = measure(home, int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
    save(measured, home)
    sys.stdout.write("\n".join(describe(measured)) + "\n")


def measure(home: Path, rounds: int) -> DistributedMeasurement:
    """Encode the images of a home in each way."""
    model = current_release(home / "releases") / ENCODER
    snapshot = Store(str(home / "store")).at()
    return DistributedMeasurement(
        images=len(set(snapshot.images.digests)),
        rounds=tuple(_round(snapshot, model) for _ in range(rounds)),
    )


def describe(measured: DistributedMeasurement) -> Iterator[str]:
    """Yield the figures as lines."""
    for each in measured.rounds:
        runs = {"local": each.local, "two nodes": each.two_nodes, "one node": each.one_node}
        shown = [
            f"{name} {measured.images / run.seconds:.1f}/s ({run.seconds:.1f} s, CPU "
            f"{run.cpu_seconds:.1f} s)"
            for name, run in runs.items()
        ]
        start = f"start {each.connected_seconds:.1f} + {each.opened_seconds:.1f} s"
        yield f"{'; '.join(shown)}; {start}"
    yield (
        f"{measured.images} images: {measured.relative_rate:.2f} of the local rate, "
        f"{measured.relative_cpu:.2f} of its processor time, efficiency {measured.efficiency:.2f}"
    )


def _round(snapshot: Snapshot, model: Path) -> Round:
    local = _timed(snapshot, encode_here(Encoder(model)))
    with _nodes(2) as (address, remove_node):
        start = perf_counter()
        with connect(address, _warn) as cluster:
            connected = perf_counter()
            encode = _opened(cluster, snapshot, model)
            opened = perf_counter()
            both = _timed(snapshot, encode)
            remove_node()
            while cluster.processors > 1:
                sleep(0.1)
            one = _timed(snapshot, encode)
    return Round(
        local=local,
        two_nodes=both,
        one_node=one,
        connected_seconds=connected - start,
        opened_seconds=opened - connected,
    )


def _opened(cluster: Cluster, snapshot: Snapshot, model: Path) -> Encode:
    """Return the function that encodes on a cluster whose processes have opened the encoder."""
    encode = encode_on(cluster, model)
    for _ in encode(snapshot, snapshot.images.digests[: 2 * _CORES * BATCH]):
        pass
    return encode


def _timed(snapshot: Snapshot, encode: Encode) -> EncodingRun:
    with TemporaryDirectory(prefix="features-") as folder:
        cpu, start = _cpu_seconds(), perf_counter()
        store_features(snapshot, FeatureTable(folder, "encoder"), encode, no_progress)
        return EncodingRun(seconds=perf_counter() - start, cpu_seconds=_cpu_seconds() - cpu)


def _cpu_seconds() -> float:
    own = psutil.Process()
    times = [each.cpu_times() for each in (own, *own.children(recursive=True))]
    return float(sum(each.user + each.system for each in times))


def _warn(text: str) -> None:
    sys.stderr.write(f"{text}\n")


@contextmanager
def _nodes(count: int) -> Iterator[tuple[str, Callable[[], None]]]:
    """Run a Ray cluster of nodes with one processor; yield its address and the end of one node."""
    from ray.cluster_utils import Cluster as Nodes

    small: dict[str, Any] = {"object_store_memory": 200 << 20, "include_dashboard": False}
    cluster = Nodes(initialize_head=True, head_node_args={"num_cpus": 0, **small})
    nodes = [cluster.add_node(num_cpus=1, **small) for _ in range(count)]
    cluster.wait_for_nodes()

    def remove_node() -> None:
        cluster.remove_node(nodes[0], allow_graceful=False)

    try:
        yield cluster.address, remove_node
    finally:
        cluster.shutdown()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
