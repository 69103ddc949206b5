"""Targets of the growth benchmark."""

from collections.abc import Iterator

from benchmarks.growth.results import PARTS, GrowthMeasurement, SizeResult
from benchmarks.targets import Target

_LARGEST_RATIO = 1.5
_INGEST_MEGABYTES, _PUBLISH_MEGABYTES = 1500, 2500
_LEAST_RECALL = 0.99


def growth_targets(growth: GrowthMeasurement) -> Iterator[Target]:
    """Yield the targets of the largest size; growth is compared with a sixteenth of it."""
    largest = growth.sizes[-1]
    smaller = next((each for each in growth.sizes if each.images * 16 == largest.images), None)
    if smaller is not None:
        for part in PARTS:
            before, after = (each.milliseconds_per_image(part) for each in (smaller, largest))
            ratio = after / before
            yield Target(
                f"{part}: time per image at {largest.images:,} images",
                f"{after:.2f} ms, {ratio:.2f} × that at {smaller.images:,}",
                f"≤ {_LARGEST_RATIO} ×",
                ratio <= _LARGEST_RATIO,
            )
    yield Target(
        "recall@3 of the neighbour graph",
        f"{largest.recall:.4f}",
        f"≥ {_LEAST_RECALL}",
        largest.recall >= _LEAST_RECALL,
    )
    publish = max(largest.publish.megabytes, largest.republish.megabytes)
    yield _memory("ingest", largest, largest.ingest.megabytes, _INGEST_MEGABYTES)
    yield _memory("publishing", largest, publish, _PUBLISH_MEGABYTES)


def _memory(name: str, size: SizeResult, megabytes: float, limit: int) -> Target:
    return Target(
        f"peak memory of {name}, {size.images:,} images",
        f"{megabytes:,.0f} MB",
        f"≤ {limit:,} MB",
        megabytes <= limit,
    )
