"""Targets of the project, compared with the measurements."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from benchmarks.ann import AnnMeasurement
from benchmarks.live import LiveMeasurement
from benchmarks.loads import (
    NEIGHBORS,
    NEIGHBORS_PACED,
    PREDICT,
    PREDICT_ALONE,
    HttpMeasurement,
)
from benchmarks.maps import MapMeasurement
from benchmarks.million import MillionMeasurement
from benchmarks.results import Results
from benchmarks.services import BARE, BENTOML, LITSERVE, OURS, TUTORIAL
from benchmarks.serving import ServingMeasurement
from benchmarks.visits import MANY, BrowserMeasurement
from benchmarks.writes import STARTED, WRITES_PER_SECOND, WriteMeasurement, share_of_loop
from embeddings.release.manifest import Parity


@dataclass(frozen=True)
class Target:
    """Measured figure with its target and verdict."""

    what: str
    measured: str
    wanted: str
    met: bool

    @property
    def row(self) -> list[str]:
        """Row of the table."""
        return [self.what, self.measured, self.wanted, "yes" if self.met else "**no**"]


HEADER = ("measurement", "measured", "target", "met")


def targets(results: Results, parity: Parity) -> list[Target]:
    """Return the targets with a measured figure."""
    found: list[Target] = []
    if results.http is not None:
        found += _of_http(results.http)
    if results.maps is not None:
        found += _of_maps(results.maps)
    if results.serving is not None:
        found += _of_serving(results.serving)
    if results.ann is not None:
        found += _of_ann(results.ann)
    if results.browser is not None:
        found += _of_browser(results.browser)
    if results.writes is not None:
        found += _of_writes(results.writes)
    if results.live is not None:
        found += _of_live(results.live)
    if results.million is not None:
        found += _of_million(results.million)
    error = parity.largest_relative_error
    name = "largest relative error of an exported embedding"
    return [*found, Target(name, f"{error:.1e}", "≤ 1e-4", error <= 1e-4)]


def _of_http(http: HttpMeasurement) -> Iterator[Target]:
    near, bare = http.of(OURS, NEIGHBORS), http.of(BARE, NEIGHBORS)
    slow = http.of(TUTORIAL, NEIGHBORS)
    if near and bare and slow:
        share, times = near.per_second / bare.per_second, near.per_second / slow.per_second
        name = "`GET /neighbors?id=`, 16 clients"
        figure = f"{near.per_second:,.0f}/s, {share:.0%} of the {BARE}"
        yield Target(name, figure, f"≥ 50 % of the {BARE}", share >= 0.5)
        yield Target(name, f"{times:.0f} × the tutorial", "≥ 100 ×", times >= 100)
    if paced := http.of(OURS, NEIGHBORS_PACED):
        yield Target(
            f"the same at {paced.per_second:,.0f} requests/s: 99th percentile",
            f"{paced.p99_ms:.1f} ms",
            "≤ 3 ms",
            paced.p99_ms <= 3,
        )
    yield from _of_predict(http)
    failed = sum(each.answered.failed for each in http.rounds if each.service == OURS)
    if http.rounds:
        yield Target("failed requests under all loads", str(failed), "none", failed == 0)


def _of_predict(http: HttpMeasurement) -> Iterator[Target]:
    alone, many = http.of(OURS, PREDICT_ALONE), http.of(OURS, PREDICT)
    slow = http.of(TUTORIAL, PREDICT)
    if not (alone and many and slow and http.baseline):
        return
    baseline = http.baseline_milliseconds
    ratio = alone.p50_ms / baseline
    yield Target(
        "`POST /predict`, one client: median",
        f"{alone.p50_ms:.1f} ms, {ratio:.2f} × the baseline loop ({baseline:.1f} ms)",
        "≤ 1.25 ×",
        ratio <= 1.25,
    )
    name = "`POST /predict`, 16 clients"
    baseline = http.baseline_per_second
    share, times = many.per_second / baseline, many.per_second / slow.per_second
    figure = f"{many.per_second:.0f}/s, {share:.0%} of the baseline loop ({baseline:.0f}/s)"
    yield Target(name, figure, "≥ 85 %", share >= 0.85)
    yield Target(name, f"{times:.0f} × the tutorial", "≥ 10 ×", times >= 10)
    for rival in (LITSERVE, BENTOML):
        if answered := http.of(rival, PREDICT):
            times = many.per_second / answered.per_second
            yield Target(name, f"{times:.2f} × {rival}", "> 1 ×", times > 1)


def _of_maps(maps: MapMeasurement) -> Iterator[Target]:
    stored, placed = maps.stored_milliseconds, maps.placed_milliseconds
    seconds, first = maps.fitted_seconds, maps.first_placed_milliseconds
    yield Target("`GET /tsne?n=500` from the release", f"{stored:.1f} ms", "≤ 3 ms", stored <= 3)
    yield Target("the same fitted for a new seed", f"{seconds:.1f} s", "≤ 3 s", seconds <= 3)
    figure = f"{placed:.0f} ms, the first {first:.0f} ms"
    yield Target("`POST /tsne`: one image placed", figure, "≤ 100 ms", placed <= 100)


def _of_serving(serving: ServingMeasurement) -> Iterator[Target]:
    starts = ", ".join(f"{each:.2f}" for each in serving.seconds_to_ready)
    ready = median(serving.seconds_to_ready)
    name = f"start to ready, median of {starts} s"
    yield Target(name, f"{ready:.2f} s", "≤ 1.5 s", ready <= 1.5)
    rest = serving.megabytes
    yield Target("memory at rest (resident)", f"{rest:.0f} MB", "≤ 300 MB", rest <= 300)
    if load := serving.under_load:
        yield Target(
            "the same while 16 clients send images",
            f"{load.peak:.0f} MB, {load.after:.0f} MB after",
            "≤ 500 MB",
            load.peak <= 500,
        )
    loaded = serving.tensorflow_loaded
    yield Target("TensorFlow loaded", "yes" if loaded else "never", "never", not loaded)
    exact = serving.exact_neighbors
    name = "three nearest of all images agree with scikit-learn's `NearestNeighbors`"
    yield Target(name, f"{exact:.2%}", "100 %", exact == 1)


def _of_ann(ann: AnnMeasurement) -> Iterator[Target]:
    times = ann.exact_milliseconds / ann.approximate_milliseconds
    name = "1,000,000 embeddings, approximate search"
    recall = ann.recall
    yield Target(f"{name}: recall@3", f"{recall:.3f}", "≥ 0.99", recall >= 0.99)
    yield Target(name, f"{times:.0f} × faster than exact", "≥ 50 ×", times >= 50)


def _of_browser(browser: BrowserMeasurement) -> Iterator[Target]:
    seconds, megabytes = median(browser.first_view_seconds), browser.transferred_megabytes
    name = f"page: first view, a map of {browser.images:,} images"
    many = f"{median(browser.many_first_view_seconds):.2f} s with {MANY:,}"
    yield Target(name, f"{seconds:.2f} s; {many}", "≤ 1 s", seconds <= 1)
    yield Target(
        "transferred by the first view", f"{megabytes:.2f} MB", "≤ 0.5 MB", megabytes <= 0.5
    )
    moved = {"hovered": browser.pointed, "panned": browser.dragged, "zoomed": browser.zoomed}
    for how, frames in moved.items():
        figure = f"{frames.p95_ms:.0f} ms, the longest {frames.longest_ms:.0f} ms"
        name = f"{MANY:,} points {how}: 95th percentile of the {frames.count} frames drawn"
        yield Target(name, figure, "≤ 33 ms", frames.p95_ms <= 33)


def _of_writes(writes: WriteMeasurement) -> Iterator[Target]:
    put, replica = writes.put, writes.replica
    figure = f"{put.p50_ms:.0f} / {put.p95_ms:.0f} ms"
    met = put.p50_ms <= 60 and put.p95_ms <= 120
    yield Target("`PUT` of one JPEG to its answer, p50 / p95", figure, "≤ 60 / 120 ms", met)
    for name, each in (("relabelling", writes.relabel), ("deletion", writes.delete)):
        yield Target(f"{name}, p95", f"{each.p95_ms:.0f} ms", "≤ 30 ms", each.p95_ms <= 30)
    name = "change in a replica that polls every 0.5 s, p95"
    yield Target(name, f"{replica.p95_ms:.0f} ms", "≤ 700 ms", replica.p95_ms <= 700)
    share = share_of_loop(writes)
    name = "`POST /images` of 1,000 JPEGs, rate relative to the plain loop"
    yield Target(name, f"{share:.2f}", "≥ 0.8", share >= 0.8)
    rate = median(each.beside_writes.per_second / each.alone.per_second for each in writes.reads)
    name = f"`GET /neighbors?id=` beside {WRITES_PER_SECOND} writes/s, rate relative to none"
    yield Target(name, f"{rate:.2f}", "≥ 0.8", rate >= 0.8)
    paced = median(each.paced_beside_writes.p99_ms for each in writes.reads)
    name = "the same at 1,000 requests/s: 99th percentile"
    yield Target(name, f"{paced:.1f} ms", "≤ 5 ms", paced <= 5)
    more = median(writes.changed_start_seconds) - median(writes.start_seconds)
    name = f"start to ready with {STARTED:,} unfolded changes, more than without"
    yield Target(name, f"{more:.1f} s", "≤ 1 s", more <= 1)


def _of_live(live: LiveMeasurement) -> Iterator[Target]:
    for each in live.collections:
        times = each.changed_search / each.search
        name = f"search beside {live.changes:,} changes, {each.count:,} × {each.dimension}"
        figure = f"{times:.1f} × ({each.search:.2f} → {each.changed_search:.2f} ms)"
        yield Target(name, figure, "≤ 2 ×", times <= 2)


def _of_million(million: MillionMeasurement) -> Iterator[Target]:
    vectors = 4 * million.images * million.dimension / 1e6
    for each in million.kinds:
        name = f"service with {million.images:,} × {million.dimension}, `{each.kind}`"
        ready = median(each.seconds_to_ready)
        yield Target(f"{name}: start to ready", f"{ready:.1f} s", "≤ 5 s", ready <= 5)
        resident, most = each.searched.resident, 1.3 * vectors + 350
        if each.kind == "ivf":
            most = min(most, 600)
        figure = f"{resident:,.0f} MB"
        yield Target(
            f"{name}: memory after searches", figure, f"≤ {most:,.0f} MB", resident <= most
        )
        if each.kind in ("hnsw", "ivf"):
            figure = f"{each.stored.p50_ms:.1f} ms at recall@3 {each.recall:.3f}"
            met = each.stored.p50_ms <= 5 and each.recall >= 0.99
            yield Target(f"{name}: search, p50", figure, "≤ 5 ms at recall ≥ 0.99", met)
