"""All that was measured on one home, together."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path

from benchmarks.loads import HttpMeasurement
from benchmarks.maps import MapMeasurement
from benchmarks.measurements import Measurement, kept
from benchmarks.million import MillionMeasurement
from benchmarks.precision import PrecisionMeasurement
from benchmarks.serving import ServingMeasurement
from benchmarks.stages import StageMeasurement
from benchmarks.visits import BrowserMeasurement


@dataclass(frozen=True)
class Results:
    """The last result of each part; None where it did not run."""

    stages: StageMeasurement | None = None
    serving: ServingMeasurement | None = None
    maps: MapMeasurement | None = None
    http: HttpMeasurement | None = None
    million: MillionMeasurement | None = None
    precision: PrecisionMeasurement | None = None
    browser: BrowserMeasurement | None = None

    @property
    def days(self) -> list[date]:
        """When they were measured."""
        return [each.day for each in self._taken()]

    def _taken(self) -> Iterator[Measurement]:
        found = (getattr(self, field.name) for field in fields(self))
        return (each for each in found if each is not None)


def results_of(home: Path) -> Results:
    """What the parts kept."""
    return Results(
        stages=kept(StageMeasurement, home),
        serving=kept(ServingMeasurement, home),
        maps=kept(MapMeasurement, home),
        http=kept(HttpMeasurement, home),
        million=kept(MillionMeasurement, home),
        precision=kept(PrecisionMeasurement, home),
        browser=kept(BrowserMeasurement, home),
    )
