"""Loads on the services, and their results."""

from collections.abc import Mapping
from statistics import median
from typing import Literal

from benchmarks.measurements import Figures, Measurement
from benchmarks.wrk import Answered

Call = Literal["neighbors", "predict"]

MANY = 16
"""Number of concurrent clients of a full load."""

PACE = 1000
"""Requests per second of the paced load, whose 99th percentile is reported."""

ROUNDS = 5
"""Number of rounds of all loads."""


class Load(Figures):
    """Load of one round: call, number of clients, duration in seconds."""

    call: Call
    clients: int
    seconds: int
    per_second: int | None = None
    """Target requests per second of all clients together; None for no limit."""


NEIGHBORS_ALONE = Load(call="neighbors", clients=1, seconds=2)
NEIGHBORS = Load(call="neighbors", clients=MANY, seconds=2)
NEIGHBORS_PACED = Load(call="neighbors", clients=MANY, seconds=3, per_second=PACE)
PREDICT_ALONE = Load(call="predict", clients=1, seconds=2)
PREDICT = Load(call="predict", clients=MANY, seconds=3)
LOADS = (NEIGHBORS, NEIGHBORS_ALONE, NEIGHBORS_PACED, PREDICT_ALONE, PREDICT)


class Round(Figures):
    """Result of one service under one load in one round."""

    service: str
    load: Load
    answered: Answered


class BaselineRound(Figures):
    """Result of the baseline loop in one round."""

    milliseconds: float
    """Median time of one image on one thread."""
    per_second: float
    """Images per second, with a thread for each core."""


class HttpMeasurement(Measurement):
    """Results of all rounds of all services."""

    rounds: tuple[Round, ...] = ()
    baseline: tuple[BaselineRound, ...] = ()
    left_out: Mapping[str, str] = {}
    """Reason for each service that was not measured."""
    versions: Mapping[str, str] = {}

    def of(self, service: str, load: Load) -> Answered | None:
        """Return the medians of a service under a load and the sum of failures; None if missing."""
        found = [
            each.answered for each in self.rounds if (each.service, each.load) == (service, load)
        ]
        if not found:
            return None
        middle = {
            name: median(getattr(each, name) for each in found)
            for name in ("per_second", "p50_ms", "p99_ms")
        }
        return Answered(**middle, failed=sum(each.failed for each in found))

    @property
    def baseline_milliseconds(self) -> float:
        """Median time of one image in the baseline loop on one thread."""
        return median(each.milliseconds for each in self.baseline)

    @property
    def baseline_per_second(self) -> float:
        """Median images per second of the baseline loop with a thread for each core."""
        return median(each.per_second for each in self.baseline)
