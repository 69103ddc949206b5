"""Cities: skylines, waterfronts, streets, old houses, views from above."""

import numpy as np

from training.scenes.backdrop import massif, ranges, tree_line
from training.scenes.buildings import Style, choose_style, skyline
from training.scenes.canvas import Array, Rng, Size, cover, grid, mix, pick, smoothstep, spread
from training.scenes.houses import old_houses
from training.scenes.light import DAYLIGHT, Light, choose_light
from training.scenes.noise import patch
from training.scenes.sky import paint_sky
from training.scenes.street import canyon, rooftops
from training.scenes.terrain import View, random_view
from training.scenes.water import mirror

CITY_LIGHT = {**DAYLIGHT, "night": 3.2, "dusk": 1.6}


def paint_city(rng: Rng, size: Size) -> Array:
    """Paint a city on a new canvas of `size`."""
    light = choose_light(rng, CITY_LIGHT)
    draw = rng.random()
    if draw < 0.22:
        return canyon(rng, light, size)
    if draw < 0.36:
        return rooftops(rng, light, size)
    view = random_view(rng, size, float(rng.uniform(0.58, 0.88)))
    canvas = paint_sky(rng, light, size, view.horizon)
    _beyond(rng, canvas, light, view)
    style = choose_style(rng, light)
    if draw < 0.55:
        old_houses(rng, canvas, light, view)
        return canvas
    _towers(rng, canvas, light, view, style)
    if draw < 0.76 or light.mood == "night":
        _waterfront(rng, canvas, light, view)
    else:
        _park(rng, canvas, light, view)
    return canvas


def _beyond(rng: Rng, canvas: Array, light: Light, view: View) -> None:
    draw = rng.random()
    if draw < 0.12:
        colour = pick(rng, 0x5A6468, 0x66685C)
        ranges(rng, canvas, light, view.horizon, view.horizon * 0.4, 2, colour)
    elif draw < 0.16:
        massif(rng, canvas, light, view, float(rng.uniform(0.2, 0.45)), snowy=True)


def _towers(rng: Rng, canvas: Array, light: Light, view: View, style: Style) -> None:
    height = view.size[0]
    tall = view.horizon / height * float(rng.uniform(0.6, 0.98))
    layers = int(rng.integers(2, 5))
    for layer in range(layers):
        near = (layer + 1) / layers
        crest = height * tall * (1.05 - 0.45 * near) * float(rng.uniform(0.75, 1.1))
        foot = view.horizon + height * 0.02 * near
        skyline(rng, canvas, light, style, (foot, crest, near))


def _waterfront(rng: Rng, canvas: Array, light: Light, view: View) -> None:
    height, width = view.size
    shore = np.full(width, view.horizon + height * 0.025, np.float32)
    if rng.random() < 0.4:
        tall = height * float(rng.uniform(0.02, 0.06))
        tree_line(rng, canvas, light, lambda _: float(shore[0]), tall, 0.15, 0.8)
    body = pick(rng, 0x2C4658, 0x34505C, 0x40585C)
    mirror(rng, canvas, light, view, shore, body, float(rng.uniform(0.1, 0.9)))


def _park(rng: Rng, canvas: Array, light: Light, view: View) -> None:
    height, _ = view.size
    rows, _ = grid(view.size)
    colour = light.shine(pick(rng, 0x6A6A68, 0x7A7468, 0x8C8880, 0x5C6A4C), 0.55)
    mottle = 1 + 0.12 * spread(patch(rng, view.size, 6, "cloud", stretch=6))
    cover(canvas, colour * mottle, smoothstep(-1, 1, rows - view.horizon))
    if rng.random() < 0.5:
        tall = height * float(rng.uniform(0.04, 0.1))
        line = view.horizon + height * float(rng.uniform(0.01, 0.06))
        tree_line(rng, canvas, light, lambda _: line, tall, 0.05, float(rng.uniform(0.4, 1.1)))
    if rng.random() < 0.3:
        haze = np.exp(-(((rows - view.horizon) / (height * 0.12)) ** 2)) * 0.5
        cover(canvas, mix(light.horizon, light.ambient, 0.2), np.broadcast_to(haze, view.size))
