"""Ground in perspective: height fields and the plane, as seen by a level camera.

World units are arbitrary: x points right, z away from the camera, heights up. A point
(x, height, z) is at column centre + x * focal / z and at row horizon - (height - eye) * focal / z.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from training.scenes.canvas import Array, Rng, Size, grid, mix
from training.scenes.light import Light


@dataclass(frozen=True)
class View:
    """Level camera: image size, row of the horizon, focal length in pixels, eye height."""

    size: Size
    horizon: float
    focal: float
    eye: float
    centre: float

    def project(self, x: float, height: float, z: float) -> tuple[float, float]:
        """Return the pixel (column, row) of a point in the world."""
        scale = self.focal / z
        return self.centre + x * scale, self.horizon - (height - self.eye) * scale


@dataclass(frozen=True)
class Ground:
    """Visible ground at each pixel, as float32 arrays of shape (height, width).

    `seen` is 1 on the ground and 0 in the sky; x, z and level are the world coordinates of the
    point; shade is its sunlight, 0-1; slope is 0 if level and 1 at 45 degrees.
    """

    seen: Array
    x: Array
    z: Array
    level: Array
    shade: Array
    slope: Array


def random_view(rng: Rng, size: Size, horizon: float, eye: float = 1.0) -> View:
    """Return a camera with random focal length; `horizon` is a share of the image height."""
    height, width = size
    focal = max(size) * float(rng.uniform(0.7, 1.15))
    centre = width * float(rng.uniform(0.42, 0.58))
    return View(size, height * horizon, focal, eye, centre)


def flat(view: View, far: float = 400) -> Ground:
    """Return the plane at height 0, up to the horizon."""
    rows, columns = grid(view.size)
    below = np.maximum(rows - view.horizon, view.eye * view.focal / far)
    z = np.broadcast_to(view.eye * view.focal / below, view.size)
    seen = np.broadcast_to(np.clip(rows - view.horizon + 0.5, 0, 1), view.size)
    x = (columns - view.centre) * z / view.focal
    zero = np.zeros(view.size, np.float32)
    return Ground(seen, x, z, zero, zero + 0.8, zero)


def visible_ground(
    view: View,
    light: Light,
    reach: tuple[float, float],
    rise: Callable[[Array, Array], Array],
    steps: int = 120,
) -> Ground:
    """Return the visible surface height = rise(x, z) between the distances `reach`.

    `rise` is called once with x and z of shape (steps, width). Each image column is traced away
    from the camera; a point is visible if it is above all nearer points.
    """
    height, width = view.size
    z = np.geomspace(*reach, steps, dtype=np.float32)[:, None]
    bearing = ((np.arange(width, dtype=np.float32) - view.centre) / view.focal)[None, :]
    x = bearing * z
    levels = rise(x, np.broadcast_to(z, x.shape))
    rows = view.horizon - (levels - view.eye) * view.focal / z
    index, share = _first_hits(rows, height)
    columns = np.arange(width)[None, :]
    near, here = np.maximum(index - 1, 0), np.minimum(index, steps - 1)
    shade, slope = _relief(levels, bearing, z, light)
    depth = mix(z[near, 0], z[here, 0], share)
    return Ground(
        seen=(index < steps).astype(np.float32),
        x=bearing * depth,
        z=depth,
        level=mix(levels[near, columns], levels[here, columns], share),
        shade=mix(shade[near, columns], shade[here, columns], share),
        slope=mix(slope[near, columns], slope[here, columns], share),
    )


def _first_hits(
    rows: Array, height: int
) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.int32]], Array]:
    """Return the first step that reaches each pixel, and its fraction from the step before."""
    steps, width = rows.shape
    skyline = np.minimum.accumulate(rows, axis=0)
    top = np.clip(np.ceil(skyline), 0, height).astype(np.int32)
    first = np.full((height + 1, width), steps, np.int32)
    order = np.arange(steps - 1, -1, -1, dtype=np.int32)[:, None]
    # Far to near, so that the nearer of two steps in one row is kept.
    first[top[::-1], np.arange(width)[None, :]] = order
    index = np.minimum.accumulate(first[:height], axis=0)
    here, near = np.minimum(index, steps - 1), np.maximum(index - 1, 0)
    columns = np.arange(width)[None, :]
    foot, head = rows[near, columns], rows[here, columns]
    pixel = np.arange(height, dtype=np.float32)[:, None]
    share = np.clip((foot - pixel) / np.maximum(foot - head, 1e-3), 0, 1)
    return index, share


def _relief(levels: Array, bearing: Array, z: Array, light: Light) -> tuple[Array, Array]:
    spacing = z * (bearing[0, 1] - bearing[0, 0])
    across = np.gradient(levels, axis=1) / spacing
    along = np.gradient(levels, axis=0) / np.gradient(z, axis=0)
    away = along - across * bearing
    right, up, forward = light.toward
    length = np.sqrt(across**2 + away**2 + 1)
    shade = np.clip((up - right * across - forward * away) / length, 0, 1)
    return shade, np.hypot(across, away)
