"""Mountains: sunlit massifs, ranges in haze, peaks above woods and meadows."""

import numpy as np

from training.scenes.backdrop import massif, ranges, tree_line
from training.scenes.canvas import Array, Rng, Size, cover, grid, mix, pick, smoothstep, spread
from training.scenes.light import DAYLIGHT, Light, choose_light
from training.scenes.noise import patch, profile
from training.scenes.sky import paint_sky
from training.scenes.terrain import View, random_view


def paint_mountain(rng: Rng, size: Size) -> Array:
    """Paint a mountain landscape on a new canvas of `size`."""
    light = choose_light(rng, DAYLIGHT)
    view = random_view(rng, size, float(rng.uniform(0.64, 0.95)))
    canvas = paint_sky(rng, light, size, view.horizon)
    if rng.random() < 0.15:
        _blue_ranges(rng, canvas, light, view)
    else:
        _peaks(rng, canvas, light, view)
    if light.mood in ("overcast", "fog", "storm", "morning") and rng.random() < 0.6:
        _cloud_bank(rng, canvas, light, view)
    if rng.random() < 0.7:
        _foreground(rng, canvas, light, view)
    return canvas


def _peaks(rng: Rng, canvas: Array, light: Light, view: View) -> None:
    if rng.random() < 0.45:
        colour = pick(rng, 0x6A7480, 0x74707C)
        ranges(rng, canvas, light, view.horizon, view.size[0] * 0.3, 1, colour)
    tall = float(rng.uniform(0.4, 0.85)) * view.horizon / view.size[0]
    massif(rng, canvas, light, view, tall, snowy=rng.random() < 0.8)
    _fill_below(rng, canvas, light, view)


def _blue_ranges(rng: Rng, canvas: Array, light: Light, view: View) -> None:
    layers = int(rng.integers(3, 7))
    tall = view.horizon * float(rng.uniform(0.45, 0.7))
    colour = pick(rng, 0x3E4C5C, 0x4A5648, 0x54485A, 0x38506A)
    low = view.size[0] * float(rng.uniform(1.02, 1.15))
    ranges(rng, canvas, light, low, tall + low - view.horizon, layers, colour)


def _fill_below(rng: Rng, canvas: Array, light: Light, view: View) -> None:
    rows, _ = grid(view.size)
    colour = light.shine(pick(rng, 0x5F7040, 0x6F6A4A, 0x4E5E3C, 0x77705C), 0.6)
    mottle = 1 + 0.1 * spread(patch(rng, view.size, 5, "cloud", stretch=6))
    edge = view.horizon + 0.03 * view.size[0] * profile(rng, view.size[1], 2)
    mask = smoothstep(-3, 6, rows - edge[None, :])
    cover(canvas, colour * mottle, mask)


def _cloud_bank(rng: Rng, canvas: Array, light: Light, view: View) -> None:
    rows, _ = grid(view.size)
    height = float(rng.uniform(0.25, 0.8)) * view.horizon
    band = np.exp(-(((rows - height) / (view.size[0] * float(rng.uniform(0.06, 0.16)))) ** 2))
    wisps = smoothstep(-0.6, 1.3, patch(rng, view.size, 4, "cloud", stretch=3))
    cover(canvas, mix(light.horizon, light.ambient + light.sun * 0.4, 0.4), band * wisps * 0.9)


def _foreground(rng: Rng, canvas: Array, light: Light, view: View) -> None:
    height, width = view.size
    rows, _ = grid(view.size)
    slope = float(rng.normal(0, 0.12)) * height
    level = height * float(rng.uniform(0.74, 0.97))
    across = np.linspace(-1, 1, width, dtype=np.float32)
    edge = level + slope * across + 0.02 * height * profile(rng, width, 3)
    colour = light.shine(pick(rng, 0x55683A, 0x6C6644, 0x4A4A40, 0x7A7568, 0x3F5234), 0.6)
    mottle = 1 + 0.18 * spread(patch(rng, view.size, 9, "cloud", stretch=3))
    if rng.random() < 0.55:
        tall = height * float(rng.uniform(0.06, 0.22))
        density = float(rng.uniform(0.25, 1))

        def base(x: float) -> float:
            return float(edge[min(width - 1, max(0, int(x)))]) + 2

        tree_line(rng, canvas, light, base, tall, float(rng.uniform(0.02, 0.2)), density)
    cover(canvas, colour * mottle, smoothstep(-1, 1, rows - edge[None, :]))
