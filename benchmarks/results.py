"""All results saved in one home."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path

from benchmarks.actions.results import ActionsMeasurement
from benchmarks.ann import AnnMeasurement
from benchmarks.growth.results import GrowthMeasurement
from benchmarks.live import LiveMeasurement
from benchmarks.loads import HttpMeasurement
from benchmarks.maps import MapMeasurement
from benchmarks.measurements import Measurement, load_saved
from benchmarks.million import MillionMeasurement
from benchmarks.pipeline import PipelineMeasurement
from benchmarks.precision import PrecisionMeasurement
from benchmarks.serving import ServingMeasurement
from benchmarks.visits import BrowserMeasurement
from benchmarks.writes import WriteMeasurement


@dataclass(frozen=True)
class Results:
    """Last result of each part; None if it did not run."""

    pipeline: PipelineMeasurement | None = None
    serving: ServingMeasurement | None = None
    maps: MapMeasurement | None = None
    http: HttpMeasurement | None = None
    ann: AnnMeasurement | None = None
    precision: PrecisionMeasurement | None = None
    browser: BrowserMeasurement | None = None
    growth: GrowthMeasurement | None = None
    writes: WriteMeasurement | None = None
    actions: ActionsMeasurement | None = None
    live: LiveMeasurement | None = None
    million: MillionMeasurement | None = None

    @property
    def days(self) -> list[date]:
        """Dates of the measurements."""
        return [each.day for each in self._taken()]

    def _taken(self) -> Iterator[Measurement]:
        found = (getattr(self, field.name) for field in fields(self))
        return (each for each in found if each is not None)


def load_results(home: Path) -> Results:
    """Return the saved results of all parts."""
    return Results(
        pipeline=load_saved(PipelineMeasurement, home),
        serving=load_saved(ServingMeasurement, home),
        maps=load_saved(MapMeasurement, home),
        http=load_saved(HttpMeasurement, home),
        ann=load_saved(AnnMeasurement, home),
        precision=load_saved(PrecisionMeasurement, home),
        browser=load_saved(BrowserMeasurement, home),
        growth=load_saved(GrowthMeasurement, home),
        writes=load_saved(WriteMeasurement, home),
        actions=load_saved(ActionsMeasurement, home),
        live=load_saved(LiveMeasurement, home),
        million=load_saved(MillionMeasurement, home),
    )
