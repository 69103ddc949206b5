"""What a visitor of the page waits for."""

from benchmarks.measurements import Figures, Measurement

MANY = 20_000
"""Points of a map that is to stay smooth."""


class Frames(Figures):
    """Milliseconds from a frame in which the map was drawn to the next one."""

    count: int
    p95_ms: float
    longest_ms: float


class BrowserMeasurement(Measurement):
    """Visits by a browser that knows nothing of the page yet."""

    photographs: int
    first_view_seconds: tuple[float, ...]
    """From the navigation to the drawn map, for each visit."""
    transferred_megabytes: float
    """All that the first view loads, as it is sent, thumbnails included; in 10^6 bytes."""
    many_first_view_seconds: tuple[float, ...]
    """The same with `MANY` points, which the browser is given in place of the service's answer."""
    pointed: Frames
    """While the mouse moves over `MANY` points."""
    dragged: Frames
    """While they are moved."""
    zoomed: Frames
    """While they are zoomed with the wheel."""
