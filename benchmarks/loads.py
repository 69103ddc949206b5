"""The loads that the services are put under, and what came of them."""

from collections.abc import Mapping
from statistics import median
from typing import Literal

from benchmarks.measurements import Figures, Measurement
from benchmarks.wrk import Answered

Call = Literal["neighbors", "predict"]

MANY = 16
"""Clients of a full load."""

PACE = 1000
"""Requests per second of the run whose 99th percentile counts."""


ROUNDS = 5
"""How often all loads go round."""


class Load(Figures):
    """What is asked, by how many clients, for how long in each round."""

    call: Call
    clients: int
    seconds: int
    per_second: int | None = None
    """Requests per second that the clients try to send; None for as many as they can."""


NEIGHBORS_ALONE = Load(call="neighbors", clients=1, seconds=2)
NEIGHBORS = Load(call="neighbors", clients=MANY, seconds=2)
NEIGHBORS_PACED = Load(call="neighbors", clients=MANY, seconds=3, per_second=PACE)
PREDICT_ALONE = Load(call="predict", clients=1, seconds=2)
PREDICT = Load(call="predict", clients=MANY, seconds=3)
LOADS = (NEIGHBORS, NEIGHBORS_ALONE, NEIGHBORS_PACED, PREDICT_ALONE, PREDICT)


class Round(Figures):
    """What one service made of one load."""

    service: str
    load: Load
    answered: Answered


class PlainRound(Figures):
    """The plain loop, measured between the services."""

    milliseconds: float
    """Of one photograph, one after the other on one thread."""
    per_second: float
    """Photographs, with a thread for each core."""


class HttpMeasurement(Measurement):
    """All rounds of all services; figures over them are medians."""

    rounds: tuple[Round, ...] = ()
    plain: tuple[PlainRound, ...] = ()
    left_out: Mapping[str, str] = {}
    """Why a service is missing."""
    versions: Mapping[str, str] = {}

    def of(self, service: str, load: Load) -> Answered | None:
        """The medians of one service under one load, all failures together; None without it."""
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
    def plain_milliseconds(self) -> float:
        """The plain loop on one thread."""
        return median(each.milliseconds for each in self.plain)

    @property
    def plain_per_second(self) -> float:
        """The plain loop on every core."""
        return median(each.per_second for each in self.plain)
