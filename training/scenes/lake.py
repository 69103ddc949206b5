"""Lakes: calm or rough water with the reflection of the far shore."""

import numpy as np

from training.scenes.backdrop import massif, ranges, tree_line
from training.scenes.canvas import (
    Array,
    Rng,
    Size,
    cover,
    grid,
    pick,
    sketch,
    smoothstep,
    spread,
    tint,
)
from training.scenes.light import DAYLIGHT, Light, choose_light
from training.scenes.noise import patch, profile
from training.scenes.sky import paint_sky
from training.scenes.terrain import View, random_view
from training.scenes.vegetation import choose_wood, stand_of_trees
from training.scenes.water import glitter, mirror, ripples


def paint_lake(rng: Rng, size: Size) -> Array:
    """Paint a lake on a new canvas of `size`."""
    light = choose_light(rng, DAYLIGHT)
    view = random_view(rng, size, float(rng.uniform(0.3, 0.62)), eye=float(rng.uniform(0.6, 2)))
    canvas = paint_sky(rng, light, size, view.horizon)
    shore = _far_shore(rng, canvas, light, view)
    body = pick(rng, 0x2F5A6E, 0x3C6A6A, 0x2A4A5E, 0x4A8A94, 0x3E5048, 0x5A6A62)
    calm = float(rng.beta(2.2, 1.6))
    mirror(rng, canvas, light, view, shore, body, calm)
    _shore_edge(rng, canvas, light, shore)
    rows, _ = grid(size)
    if light.low_sun and rng.random() < 0.6:
        wave = ripples(rng, view, 0.7)
        glitter(canvas, light, view, wave, smoothstep(0, 4, rows - shore[None, :]) * 0.8)
    _nearby(rng, canvas, light, view)
    return canvas


def _far_shore(rng: Rng, canvas: Array, light: Light, view: View) -> Array:
    """Paint the land behind the lake; return the row of the shore line for each column."""
    height, width = view.size
    draw = rng.random()
    if draw < 0.34:
        tall = float(rng.uniform(0.45, 0.9)) * view.horizon / height
        massif(rng, canvas, light, view, tall, snowy=rng.random() < 0.5)
    elif draw < 0.85:
        colour = pick(rng, 0x4A6040, 0x56684C, 0x4E5A5E, 0x6A6A4A)
        tall = view.horizon * float(rng.uniform(0.1, 0.5))
        ranges(rng, canvas, light, view.horizon + 2, tall, int(rng.integers(1, 4)), colour)
    bend = profile(rng, width, float(rng.uniform(0.6, 2)), "smooth")
    shore = view.horizon + height * (0.022 + 0.014 * np.clip(bend, -1.4, 3))
    _land_strip(rng, canvas, light, view.horizon - 2, shore)

    def base(x: float) -> float:
        return float(shore[min(width - 1, max(0, int(x)))]) + 1

    for distance in (0.4, 0.2):
        if rng.random() < 0.75:
            tall = height * float(rng.choice([0.04, 0.07, 0.11, 0.17]))
            density = float(rng.uniform(0.35, 1.1))
            tree_line(rng, canvas, light, base, tall, distance, density)
    return shore


def _land_strip(rng: Rng, canvas: Array, light: Light, top: float, shore: Array) -> None:
    size = (canvas.shape[0], canvas.shape[1])
    rows, _ = grid(size)
    colour = light.veil(light.shine(pick(rng, 0x55683E, 0x7A7450, 0x4A5A3A, 0x8A8470), 0.6), 0.25)
    mottle = 1 + 0.12 * spread(patch(rng, size, 10, "cloud", stretch=4))
    cover(canvas, colour * mottle, ((rows >= top) & (rows <= shore[None, :])).astype(np.float32))


def _shore_edge(rng: Rng, canvas: Array, light: Light, shore: Array) -> None:
    rows, _ = grid((canvas.shape[0], canvas.shape[1]))
    line = np.exp(-(((rows - shore[None, :]) / 0.9) ** 2))
    tone = light.shine(pick(rng, 0x2C2A22, 0xB8AE96, 0x3A3A2C), 0.4)
    cover(canvas, tone, line * 0.6)


def _nearby(rng: Rng, canvas: Array, light: Light, view: View) -> None:
    draw = rng.random()
    if draw < 0.3:
        _reeds(rng, canvas, light)
    elif draw < 0.42:
        _jetty(rng, canvas, light, view)
    elif draw < 0.54:
        _stones(rng, canvas, light)
    elif draw < 0.7:
        _framing_tree(rng, canvas, light)
    elif draw < 0.8:
        _boat(rng, canvas, light, view)


def _reeds(rng: Rng, canvas: Array, light: Light) -> None:
    height, width = canvas.shape[:2]
    tone = light.shine(pick(rng, 0x7C7A3C, 0x56682E, 0x9A8A50), 0.5)
    centre, spread = rng.uniform(-0.1, 1.1) * width, rng.uniform(0.12, 0.5) * width
    tall = height * float(rng.uniform(0.12, 0.36))
    with sketch(canvas) as pen:
        for offset, vigour, lean in rng.normal(0, 1, (int(spread * 1.3), 3)).tolist():
            x, length = centre + offset * spread, tall * (0.7 + 0.25 * vigour)
            foot = height + 2 - abs(lean) * 4
            tip = (x + lean * length * 0.13, foot - length)
            pen.line([(x, foot), tip], tone * (0.75 + 0.2 * vigour), 0.9)


def _jetty(rng: Rng, canvas: Array, light: Light, view: View) -> None:
    height, _ = view.size
    wood = light.shine(pick(rng, 0x8A7458, 0x6E6458, 0xA08A6C), 0.7)
    left, wide = float(rng.uniform(-1.2, 0.8)), float(rng.uniform(0.35, 0.7))
    far, level, run = float(rng.uniform(3, 6)), view.eye * 0.35, float(rng.normal(0, 0.6))
    near = view.focal * (view.eye - level) / max(8.0, height - view.horizon)
    with sketch(canvas) as pen:
        for z in np.geomspace(far, near * 0.9, 16).tolist():
            x = left + run * (z - near) / far
            deck = view.project(x, level, z)
            right = view.project(x + wide, level, z)
            deep = view.project(x, -0.1, z)
            thick = max(0.8, 0.03 * view.focal / z)
            pen.line([deck, deep], wood * 0.45, thick)
            pen.line([right, (right[0], deep[1])], wood * 0.4, thick)
            ahead = z * 0.86
            x2 = left + run * (ahead - near) / far
            front = [view.project(x2 + wide, level, ahead), view.project(x2, level, ahead)]
            pen.polygon([deck, right, *front], wood * float(rng.uniform(0.85, 1.1)))


def _stones(rng: Rng, canvas: Array, light: Light) -> None:
    height, width = canvas.shape[:2]
    stone = light.shine(pick(rng, 0x7C7870, 0x666460, 0x8E8474), 0.5)
    with sketch(canvas) as pen:
        for depth in np.sort(rng.random(int(rng.integers(8, 40)))).tolist():
            x, y = rng.uniform(0, width), height * (0.84 + 0.2 * depth)
            size = (2 + 9 * depth) * float(rng.uniform(0.4, 1.4))
            pen.ellipse(x, y, size * 1.6, size * 0.8, stone * float(rng.uniform(0.5, 0.8)))
            pen.ellipse(
                x, y - size * 0.2, size * 1.3, size * 0.5, stone * float(rng.uniform(0.9, 1.2))
            )


def _framing_tree(rng: Rng, canvas: Array, light: Light) -> None:
    height, width = canvas.shape[:2]
    side = rng.random() < 0.5
    kinds, leaves = choose_wood(rng, light)
    x = np.array([-0.02, 0.06]) * width if side else np.array([0.95, 1.03]) * width
    with sketch(canvas) as pen:
        tall = height * float(rng.uniform(0.5, 0.95))
        stand_of_trees(pen, rng, kinds, x, lambda _: height * 1.02, tall, leaves.under(light, 0))


def _boat(rng: Rng, canvas: Array, light: Light, view: View) -> None:
    hull = light.shine(pick(rng, 0x8A3A2E, 0x3A5A7A, 0x7A6248, 0xE4E0D6), 0.7)
    z = float(rng.uniform(3, 12))
    x, y = view.project(float(rng.uniform(-0.35, 0.35)) * z, 0, z)
    long = view.focal / z * 0.5
    with sketch(canvas) as pen:
        pen.polygon(
            [
                (x - long, y - long * 0.28),
                (x + long, y - long * 0.28),
                (x + long * 0.7, y),
                (x - long * 0.7, y),
            ],
            hull,
        )
        pen.polygon(
            [
                (x - long * 0.7, y),
                (x + long * 0.7, y),
                (x + long * 0.8, y + long * 0.2),
                (x - long * 0.8, y + long * 0.2),
            ],
            hull * 0.45 + tint(0x101820),
        )
