"""Results of the measurements of actions."""

from benchmarks.measurements import Figures, Measurement
from benchmarks.visits import Frames
from benchmarks.writes import Latency


class ReviewFigures(Figures):
    """Review by keyboard in a browser, and the label journal after it."""

    keys: int
    """Keys pressed, of decisions and of undo."""
    shown: Latency
    """From a key until the next image is decoded and painted."""
    longest_ms: float
    lost: int
    """Decisions that are not in the journal."""
    doubled: int
    """Rows of the journal without a decision."""


class LassoFigures(Figures):
    """Lassos around a part of the points of the map."""

    points: int
    selected: int
    """Points inside a lasso."""
    lassos: int
    drawn: Latency
    """From the end of the line until the selected points are painted."""
    frames: Frames
    """Frames from the start of the line until the selected points are painted."""


class CallFigures(Figures):
    """Latency of one call, one client."""

    name: str
    count: int
    latency: Latency
    cpu_ms: float
    """Processor time of the service for each call, in milliseconds."""


class ExportFigures(Figures):
    """Parquet export of all records and embeddings, several times."""

    seconds: tuple[float, ...]
    """From the request to the last byte."""
    cpu_seconds: tuple[float, ...]
    """Processor time of the service."""
    file_megabytes: float
    """Size of the file, in 10^6 bytes."""
    memory_megabytes: float
    """Largest growth of the anonymous memory of the service, in 10^6 bytes."""


class CollectionFigures(Figures):
    """Calls and export of one collection."""

    images: int
    dimension: int
    calls: tuple[CallFigures, ...]
    export: ExportFigures


class ActionsMeasurement(Measurement):
    """Review, selection, calls and export."""

    machine: str
    load: float
    """Load average at the start."""
    review: ReviewFigures | None
    """None if no browser is installed."""
    lasso: LassoFigures | None
    """None if no browser is installed."""
    collections: tuple[CollectionFigures, ...]
    """The collection of the release, then generated ones of growing size."""
