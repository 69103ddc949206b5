"""Page load and frame times as measured in a browser."""

from benchmarks.measurements import Figures, Measurement

MANY = 20_000
"""Number of points of the large map."""


class Frames(Figures):
    """Milliseconds from a frame in which the map was drawn to the next frame."""

    count: int
    p95_ms: float
    longest_ms: float


class BrowserMeasurement(Measurement):
    """Page loads by a browser with an empty cache."""

    images: int
    first_view_seconds: tuple[float, ...]
    """Seconds from the navigation to the drawn map, for each page load."""
    transferred_megabytes: float
    """Bytes transferred for the first view, including thumbnails, in 10^6 bytes."""
    many_first_view_seconds: tuple[float, ...]
    """The same with `MANY` points, which replace the response of the service."""
    pointed: Frames
    """Frames while the pointer moves over `MANY` points."""
    dragged: Frames
    """Frames while the map is panned."""
    zoomed: Frames
    """Frames while the map is zoomed with the wheel."""
