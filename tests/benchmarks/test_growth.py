"""The growth benchmark: its generated collection, its steps at a tiny size, and its targets."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.growth.__main__ import measure
from benchmarks.growth.page import plot_growth, section
from benchmarks.growth.results import PARTS, GrowthMeasurement, SizeResult
from benchmarks.growth.scenes import BATCH, CLASSES, SIZE, draw
from benchmarks.growth.steps import Spent, StepResult
from benchmarks.growth.targets import growth_targets
from benchmarks.markdown import with_section
from benchmarks.measurements import load_saved
from embeddings.ingest.near_duplicates import NEW, find_links
from embeddings.ingest.thumbnails import make_thumbnail


def _step(seconds: float, megabytes: float = 100) -> StepResult:
    spent = Spent(seconds=seconds, processor_seconds=seconds)
    return StepResult(
        **spent.model_dump(),
        megabytes=megabytes,
        parts=dict.fromkeys(("features", "graph", "map"), spent),
    )


def _size(images: int, seconds: float, megabytes: float = 100) -> SizeResult:
    step = _step(seconds, megabytes)
    return SizeResult(
        images=images,
        ingest=step,
        publish=step,
        added=images // 100,
        add=step,
        republish=step,
        unchanged=step,
        recall=0.995,
    )


def _growth(*sizes: SizeResult) -> GrowthMeasurement:
    return GrowthMeasurement(machine="a machine", load=(1.0,) * len(sizes), sizes=sizes)


def test_every_step_of_a_tiny_collection_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OMP_THREAD_LIMIT", "1")
    measured = measure(tmp_path, [64])
    (size,) = measured.sizes
    assert (size.images, size.added, size.recall) == (64, 1, 1.0)
    assert all(size.part(part).seconds > 0 for part in PARTS)
    assert size.part("publish").seconds >= sum(each.seconds for each in size.publish.parts.values())
    steps = (size.ingest, size.publish, size.add, size.republish, size.unchanged)
    assert all(step.megabytes > 50 for step in steps)
    assert load_saved(GrowthMeasurement, tmp_path) == measured
    assert not (tmp_path / "growth").exists()


def test_an_image_is_the_same_in_every_range():
    parts = [number_and_pixels for start in (0, 700) for number_and_pixels in draw(start, 700)]
    parts += list(draw(700, 1100))
    whole = list(draw(0, 1100))
    assert [number for number, _ in parts] == list(range(1100))
    assert all(
        np.array_equal(one, other) for (_, one), (_, other) in zip(parts, whole, strict=True)
    )
    assert {pixels.shape for _, pixels in whole} == {(*SIZE, 3)}


def test_only_the_intended_images_are_near_duplicates():
    count = 2 * BATCH
    thumbnails = [make_thumbnail(Image.fromarray(pixels)) for _, pixels in draw(0, count)]
    labels = [CLASSES[number % len(CLASSES)] for number in range(count)]
    new = np.full(count, NEW)
    found = find_links(np.stack(thumbnails), np.arange(count), new, labels)
    pairs = {
        (number - len(CLASSES), number) for number in range(count) if number % BATCH >= BATCH - 8
    }
    joined: dict[int, list[int]] = {}
    for number, group in enumerate(found.clusters.tolist()):
        joined.setdefault(group, []).append(number)
    linked = {pair for members in joined.values() for pair in pairwise(members)}
    assert linked == pairs
    assert not found.copies


def test_growth_is_compared_per_image_with_a_sixteenth_of_the_largest_size():
    growth = _growth(_size(4000, 1), _size(16_000, 10), _size(256_000, 200, megabytes=2000))
    verdicts = {target.what: target for target in growth_targets(growth)}
    graph = verdicts["graph: time per image at 256,000 images"]
    assert (graph.measured, graph.met) == ("0.78 ms, 1.25 × that at 16,000", True)
    assert not verdicts["peak memory of ingest, 256,000 images"].met
    assert verdicts["peak memory of publishing, 256,000 images"].met
    slower = _growth(_size(16_000, 10), _size(256_000, 250))
    assert not next(iter(growth_targets(slower))).met


def test_the_section_has_a_row_for_each_size_and_its_chart(tmp_path: Path):
    growth = _growth(_size(4000, 1), _size(16_000, 10))
    text = "\n".join(section(growth))
    assert "| 4,000 | 1.0 (0.25) |" in text
    assert "| 16,000 | 160 | 10.0 | 10.0 | 10.0 |" in text
    plot_growth(growth, tmp_path / "growth.png")
    with Image.open(tmp_path / "growth.png") as chart:
        assert chart.width > 1000


def test_the_section_replaces_that_of_an_earlier_run():
    page = "# Benchmarks\n\n## Services\n\nText.\n"
    once = with_section(page, section(_growth(_size(4000, 1))))
    twice = with_section(once, section(_growth(_size(4000, 1))))
    assert once.startswith(page)
    assert twice == once
    between = with_section(f"{once}\n## Last\n\nEnd.\n", section(_growth(_size(8000, 1))))
    assert between.endswith("\n## Last\n\nEnd.\n")
    assert "8,000" in between
    assert "4,000" not in between
