"""The page of benchmarks: measurements, missed targets and parts left out."""

from pathlib import Path

import pytest

from benchmarks.actions.results import (
    ActionsMeasurement,
    CallFigures,
    CollectionFigures,
    ExportFigures,
    LassoFigures,
    ReviewFigures,
)
from benchmarks.loads import LOADS, BaselineRound, HttpMeasurement, Round
from benchmarks.maps import MapMeasurement
from benchmarks.measurements import save
from benchmarks.page import page
from benchmarks.plot import plot_rates
from benchmarks.results import Results, load_results
from benchmarks.services import BARE, OURS, TUTORIAL
from benchmarks.visits import BrowserMeasurement, Frames
from benchmarks.writes import Latency, ReadRound, WriteMeasurement
from benchmarks.wrk import Answered
from embeddings.release.reader import Release, current_release, open_release

_RATES = {OURS: 400.0, TUTORIAL: 8.0, BARE: 1000.0}


@pytest.fixture(scope="module")
def release(home: Path) -> Release:
    return open_release(current_release(home / "releases"))


def _http(failed: int = 0) -> HttpMeasurement:
    rounds = tuple(
        Round(
            service=service,
            load=load,
            answered=Answered(
                per_second=rate * speed, p50_ms=10, p99_ms=2.5, failed=failed if speed == 3 else 0
            ),
        )
        for speed in (3, 1, 0.5)
        for load in LOADS
        for service, rate in _RATES.items()
    )
    return HttpMeasurement(
        rounds=rounds,
        baseline=(BaselineRound(milliseconds=9, per_second=420),),
        left_out={"BentoML": "it is not installed"},
        versions={"wrk": "4.1.0"},
    )


def _line(text: str, *parts: str) -> str:
    return next(line for line in text.splitlines() if all(part in line for part in parts))


def test_medians_are_compared_with_the_targets(release: Release):
    text = page(release, Results(http=_http()))
    assert "400/s, 40% of the bare ASGI | ≥ 50 % of the bare ASGI | **no** |" in text
    assert "50 × the tutorial | ≥ 100 × | **no** |" in text
    assert "95% of the baseline loop (420/s) | ≥ 85 % | yes |" in text
    assert "10.0 ms, 1.11 × the baseline loop (9.0 ms) | ≤ 1.25 × | yes |" in text
    assert "wrk 4.1.0" in text
    assert "BentoML was left out: it is not installed" in text


def test_failures_of_all_rounds_are_counted(release: Release):
    text = page(release, Results(http=_http(failed=2)))
    assert _line(text, "failed requests").endswith(f"| {2 * len(LOADS)} | none | **no** |")
    assert _line(text, "`POST /predict` | 1 |", OURS).endswith("| 2 |")


def test_parts_are_saved_separately(release: Release, tmp_path: Path):
    assert load_results(tmp_path) == Results()
    assert "/tsne" not in page(release, load_results(tmp_path))
    maps = MapMeasurement(
        stored_milliseconds=2,
        fitted_seconds=4,
        first_placed_milliseconds=900,
        placed_milliseconds=20,
    )
    save(_http(), tmp_path)
    save(maps, tmp_path)
    assert load_results(tmp_path) == Results(http=_http(), maps=maps)
    text = page(release, load_results(tmp_path))
    assert "| 4.0 s | ≤ 3 s | **no** |" in text
    assert "20 ms, the first 900 ms | ≤ 100 ms | yes |" in text


def test_the_page_is_compared_by_first_view_and_slow_frames(release: Release):
    smooth = Frames(count=90, p95_ms=17, longest_ms=70)
    browser = BrowserMeasurement(
        images=3767,
        first_view_seconds=(0.9, 0.5, 0.6),
        transferred_megabytes=0.33,
        many_first_view_seconds=(1.2,),
        pointed=Frames(count=80, p95_ms=101, longest_ms=167),
        dragged=smooth,
        zoomed=smooth,
    )
    text = page(release, Results(browser=browser))
    assert "| 0.60 s; 1.20 s with 20,000 | ≤ 1 s | yes |" in text
    assert _line(text, "hovered", "101 ms, the longest 167 ms").endswith("| **no** |")
    assert _line(text, "zoomed", "of the 90 frames", "17 ms").endswith("| yes |")


def test_the_chart_is_written(tmp_path: Path):
    plot_rates(_http(), tmp_path / "rates.png")
    assert (tmp_path / "rates.png").read_bytes().startswith(b"\x89PNG")


def test_changes_are_compared_with_their_targets(release: Release):
    answered = {
        rate: Answered(per_second=rate, p50_ms=1, p99_ms=6, failed=0) for rate in (10_000, 9000)
    }
    reads = ReadRound(
        alone=answered[10_000],
        beside_writes=answered[9000],
        paced_beside_writes=answered[9000],
    )
    writes = WriteMeasurement(
        images=3767,
        put=Latency(p50_ms=50, p95_ms=130),
        relabel=Latency(p50_ms=20, p95_ms=25),
        delete=Latency(p50_ms=20, p95_ms=45),
        replica=Latency(p50_ms=250, p95_ms=550),
        bulk_seconds=(10, 8, 9),
        loop_seconds=(6, 5, 6.3),
        reads=(reads,),
        start_seconds=(3, 3.2, 3.1),
        changed_start_seconds=(4, 3.9, 3.8),
    )
    text = page(release, Results(writes=writes))
    for parts in (
        ("50 / 130 ms", "**no**"),
        ("relabelling, p95", "25 ms", "yes"),
        ("deletion, p95", "45 ms", "**no**"),
        ("replica", "550 ms", "yes"),
        ("POST /images", "0.67", "**no**"),
        ("beside 20 writes/s", "0.90", "yes"),
        ("99th percentile", "6.0 ms", "≤ 5 ms", "**no**"),
        ("5,000 unfolded changes", "0.8 s", "yes"),
    ):
        assert _line(text, *parts)


def _collection(images: int, milliseconds: float, memory_megabytes: float) -> CollectionFigures:
    latency = Latency(p50_ms=milliseconds, p95_ms=2 * milliseconds)
    return CollectionFigures(
        images=images,
        dimension=256,
        calls=(CallFigures(name="`GET /queue`", count=100, latency=latency, cpu_ms=7),),
        export=ExportFigures(
            seconds=(2, 0.8, 0.9),
            cpu_seconds=(1.2, 0.4, 0.5),
            file_megabytes=images / 1000,
            memory_megabytes=memory_megabytes,
        ),
    )


def _actions(doubled: int = 0) -> ActionsMeasurement:
    return ActionsMeasurement(
        machine="two cores",
        load=0.5,
        review=ReviewFigures(
            keys=200,
            shown=Latency(p50_ms=40, p95_ms=130),
            longest_ms=300,
            lost=0,
            doubled=doubled,
        ),
        lasso=LassoFigures(
            points=20_000,
            selected=2000,
            lassos=15,
            drawn=Latency(p50_ms=30, p95_ms=49),
            frames=Frames(count=900, p95_ms=34, longest_ms=50),
        ),
        collections=(
            _collection(3767, 8, 60),
            _collection(10_000, 10, 60),
            _collection(100_000, 30, 120),
        ),
    )


def test_actions_are_compared_with_their_targets(release: Release):
    text = page(release, Results(actions=_actions()))
    for parts in (
        ("next image shown", "130 ms", "≤ 100 ms", "**no**"),
        ("200 keys", "0, 0", "none", "yes"),
        ("lasso around 2,000 of 20,000 points", "49 ms", "≤ 50 ms", "yes"),
        ("95th percentile of 900", "34 ms", "≤ 33 ms", "**no**"),
        ("export of 3,767 images", "0.90 s, 0.50 s of processor time", "≤ 1 s", "yes"),
        ("at 100,000 images relative to 10,000", "2.00 × (60 → 120 MB)", "**no**"),
        ("`GET /queue`", "8.0 / 16.0 (7.0)", "10.0 / 20.0", "30.0 / 60.0"),
    ):
        assert _line(text, *parts)
    doubled = page(release, Results(actions=_actions(doubled=2)))
    assert _line(doubled, "200 keys", "0, 2").endswith("| **no** |")


def test_actions_without_a_browser_have_no_figures_of_the_page(release: Release):
    actions = _actions().model_copy(update={"review": None, "lasso": None})
    text = page(release, Results(actions=actions))
    assert "export of 3,767 images" in text
    assert "lasso" not in text.lower()
