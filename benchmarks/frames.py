"""Times of the frames in which a canvas of the page is drawn."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from playwright.sync_api import Page

from benchmarks.visits import Frames

Milliseconds = npt.NDArray[np.float64]

# Each drawing starts with clearing the canvas.
WATCH = """
window.watched = {frames: [], drawn: []};
const {clearRect} = CanvasRenderingContext2D.prototype;
CanvasRenderingContext2D.prototype.clearRect = function (...area) {
  window.watched.drawn.push(performance.now());
  clearRect.apply(this, area);
};
const next = now => {
  window.watched.frames.push(now);
  requestAnimationFrame(next);
};
requestAnimationFrame(next);
"""
_RESET = "window.watched = {frames: [], drawn: []}"

SETTLED_MILLISECONDS = 400
"""Wait until the map, once it is idle, has been redrawn completely."""


def frames_of(page: Page, act: Callable[[Page], None]) -> Milliseconds:
    """Return the milliseconds from each frame in which the map was drawn to the next frame."""
    page.evaluate(_RESET)
    act(page)
    page.wait_for_timeout(SETTLED_MILLISECONDS)
    watched: dict[str, list[float]] = page.evaluate("window.watched")
    starts = np.array(watched["frames"])
    drawn = np.unique(np.searchsorted(starts, watched["drawn"], side="right") - 1)
    lasted: Milliseconds = np.diff(starts)[drawn[(drawn >= 0) & (drawn < len(starts) - 1)]]
    return lasted


def together(visits: Sequence[Milliseconds]) -> Frames:
    """Return the figures of the frames of several visits. Raises RuntimeError if there are none."""
    frames = np.concatenate(visits)
    if len(frames) == 0:
        raise RuntimeError("The map was not drawn during the input; check the page in a browser.")
    return Frames(
        count=len(frames), p95_ms=float(np.percentile(frames, 95)), longest_ms=float(frames.max())
    )
