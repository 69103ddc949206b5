"""Results of the growth benchmark."""

from benchmarks.growth.steps import Spent, StepResult
from benchmarks.measurements import Figures, Measurement

PARTS = ("ingest", "features", "graph", "map", "publish")
"""Measured parts; `publish` is publishing in all, with features, graph and map."""


class SizeResult(Figures):
    """Results for a collection of one size."""

    images: int
    ingest: StepResult
    """First ingest, into an empty store."""
    publish: StepResult
    """First publishing, with the features of all images."""
    added: int
    """Images added afterwards: one in a hundred."""
    add: StepResult
    republish: StepResult
    unchanged: StepResult
    """Ingest of the unchanged folder."""
    recall: float
    """Recall of the neighbour graph, measured on a sample; 1 for an exact one."""

    def part(self, name: str) -> Spent:
        """Return the time of a part."""
        whole = {"ingest": self.ingest, "publish": self.publish}
        return whole[name] if name in whole else self.publish.parts[name]

    def milliseconds_per_image(self, name: str) -> float:
        """Return the wall-clock time of a part divided by the number of images."""
        return self.part(name).seconds / self.images * 1e3


class GrowthMeasurement(Measurement):
    """Results of all sizes, the smallest first."""

    machine: str
    load: tuple[float, ...]
    """Load averages of one minute at the start of each size, by other processes included."""
    sizes: tuple[SizeResult, ...]
