"""Water: reflected shores, ripples in perspective, and reflections of a low sun."""

import numpy as np

from training.scenes.canvas import Array, Rng, cover, grid, mix, smoothstep, spread
from training.scenes.light import Light
from training.scenes.noise import origin, sample
from training.scenes.terrain import View


def ripples(rng: Rng, view: View, length: float) -> Array:
    """Return the waves on the plane of the water, float32 (height, width), 0 above the horizon.

    `length` is the size of the waves in world units; they shrink with distance, and fade out if
    they are finer than a pixel.
    """
    rows, columns = grid(view.size)
    below = np.maximum(rows - view.horizon, 0.35)
    z = view.eye * view.focal / below
    x = (columns - view.centre) * z / view.focal
    left, top = origin(rng)
    cells = 24 / length
    values = sample("cloud", x * cells * 0.45 + left, np.broadcast_to(z * cells, x.shape) + top)
    fade = np.clip(below / (view.size[0] * 0.06), 0.12, 1)
    wave: Array = values * fade * (rows > view.horizon)
    return wave


def mirror(
    rng: Rng, canvas: Array, light: Light, view: View, shore: Array, body: Array, calm: float
) -> None:
    """Paint water below the shore line, with the reflection of the image above it.

    `shore` is the row of the shore line for each column, float (width,); `body` is the colour of
    the water; `calm` is 1 for a perfect reflection and 0 for none.
    """
    height, width = view.size
    top = max(0, int(shore.min()) - 1)
    rows, columns = grid(view.size)
    rows, line = rows[top:], shore[None, :]
    wave = ripples(rng, view, float(rng.uniform(0.5, 1.4)))[top:]
    nearness = np.clip((rows - line) / (height * 0.6), 0, 1)
    swing = (1.15 - calm) * height * 0.09 * (0.25 + nearness)
    # If the frame has more water than sky, the reflection is compressed to fit.
    fit = np.minimum(1, line / np.maximum(height - line, 1))
    source = line - (rows - line) * fit + wave * swing
    source_row = np.clip(np.abs(source), 0, np.maximum(line - 1, 0)).astype(np.int32)
    source_column = np.clip(columns + wave * swing * 0.2, 0, width - 1).astype(np.int32)
    planes = np.moveaxis(canvas, 2, 0)[:, source_row, source_column]
    image = np.moveaxis(planes, 0, 2)
    # Steep views show the water itself, grazing views the reflection.
    grazing = (0.45 + 0.4 * calm) + 0.2 * (1 - nearness)
    share = spread(np.clip(grazing - 0.1 * wave, 0.1, 0.95))
    surface = mix(light.shine(body, 0.45), image * 0.94, share)
    surface = surface * (1 + (1.1 - calm) * 0.08 * spread(wave))
    cover(canvas[top:], surface, np.clip(rows - line + 0.5, 0, 1))


def glitter(canvas: Array, light: Light, view: View, wave: Array, mask: Array) -> None:
    """Paint reflections of the sun on the waves below it; `mask` limits them to water."""
    rows, columns = grid(view.size)
    height, width = view.size
    x = light.sun_at[0] * width
    spread = width * (0.03 + 0.16 * np.clip((rows - view.horizon) / height, 0, 1))
    path = np.exp(-(((columns - x) / spread) ** 2))
    sparks = smoothstep(0.1, 0.9, wave * 1.3 + path * 0.9 - 0.35) * path
    cover(canvas, np.clip(light.sun * 1.35 + 0.2, 0, 1.25), np.clip(sparks * mask, 0, 1))
