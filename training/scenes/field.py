"""Fields: furrows and crop rows up to the horizon, meadows, stubble with bales."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from training.scenes.backdrop import massif, ranges, tree_line
from training.scenes.canvas import (
    Array,
    Rng,
    Size,
    cover,
    mix,
    pick,
    sketch,
    smoothstep,
    spread,
    tint,
)
from training.scenes.farmland import rolling_farmland
from training.scenes.light import DAYLIGHT, Light, choose_light
from training.scenes.noise import origin, patch, sample
from training.scenes.sky import birds, paint_sky
from training.scenes.terrain import Ground, View, flat, random_view
from training.scenes.vegetation import broadleaf, grass, poplar, summer_leaves

# Colours of crop and soil, by kind of cultivation.
CROPS = {
    "wheat": (0xD2AE5A, 0xA8843E),
    "canola": (0xE6CC2E, 0x9AA23A),
    "lavender": (0x8A74B8, 0x7C8458),
    "greens": (0x6F9A3C, 0x7A5C40),
    "plough": (0x7C5A40, 0x54392A),
    "stubble": (0xCDB270, 0xA48850),
    "young": (0x8CB04C, 0x6E7C40),
    "winter": (0xDDE4EA, 0x8A8070),
}


def paint_field(rng: Rng, size: Size) -> Array:
    """Paint open farmland on a new canvas of `size`."""
    light = choose_light(rng, DAYLIGHT)
    draw = rng.random()
    if draw < 0.28:
        return rolling_farmland(rng, light, size)
    view = random_view(rng, size, float(rng.uniform(0.18, 0.6)))
    canvas = paint_sky(rng, light, size, view.horizon)
    if rng.random() < 0.2:
        birds(rng, canvas, view.horizon)
    _horizon(rng, canvas, light, view)
    if draw < 0.68:
        _rows(rng, canvas, light, view)
    else:
        _meadow(rng, canvas, light, view)
    _accents(rng, canvas, light, view)
    return canvas


def _horizon(rng: Rng, canvas: Array, light: Light, view: View) -> None:
    draw, height = rng.random(), view.size[0]
    if draw < 0.06:
        massif(rng, canvas, light, view, float(rng.uniform(0.08, 0.2)), snowy=rng.random() < 0.5)
    elif draw < 0.5:
        tall = view.horizon * float(rng.uniform(0.05, 0.2))
        colour = pick(rng, 0x55684C, 0x5C6A70, 0x7A7858)
        ranges(rng, canvas, light, view.horizon + 1, tall, int(rng.integers(1, 4)), colour)
    if rng.random() < 0.75:
        tall = height * float(rng.choice([0.02, 0.04, 0.07, 0.12]))
        density = float(rng.uniform(0.2, 1.1))
        tree_line(rng, canvas, light, lambda _: view.horizon + 1.5, tall, 0.3, density)


def _rows(rng: Rng, canvas: Array, light: Light, view: View) -> None:
    plane = flat(view)
    crop, soil = (tint(code) for code in CROPS[list(CROPS)[int(rng.integers(len(CROPS)))]])
    angle = float(rng.normal(0, 0.7))
    across = plane.x * np.cos(angle) + plane.z * np.sin(angle)
    along = plane.z * np.cos(angle) - plane.x * np.sin(angle)
    spacing = float(rng.choice([0.22, 0.4, 0.8]))
    left, top = origin(rng)
    wobble = sample("cloud", along * 8 + left, across * 3 + top)
    wave = np.cos(2 * np.pi * across / spacing + 0.5 * wobble)
    # Rows finer than two pixels would alias; they fade into their mean.
    fade = smoothstep(1.5, 5, spacing * view.focal / plane.z * max(0.15, float(np.cos(angle))))
    tufts = sample("cloud", across * 90 + left, along * 60 + top)
    level = np.clip(0.5 + 0.62 * wave * fade + 0.2 * tufts * fade, 0, 1)
    colour = mix(soil, crop, spread(level))
    colour = colour * spread(1 + 0.07 * wobble + 0.1 * (level - 0.5) + 0.07 * tufts)
    _lay(rng, canvas, light, view, plane, colour)


def _meadow(rng: Rng, canvas: Array, light: Light, view: View) -> None:
    plane = flat(view)
    near = pick(rng, 0x6E8C3C, 0x8A9848, 0xA89A54, 0xC8A850, 0x5C8044)
    far = pick(rng, 0x8AA050, 0xA8A860, 0x6E8A48)
    left, top = origin(rng)
    tufts = sample("cloud", plane.x * 80 + left, plane.z * 34 + top)
    drift = sample("cloud", plane.x * 9 + top, plane.z * 7 + left)
    colour = mix(near, far, spread(smoothstep(-0.8, 0.9, drift)))
    colour = colour * spread(1 + 0.16 * tufts + 0.05 * drift)
    _lay(rng, canvas, light, view, plane, colour)
    if rng.random() < 0.65:
        _flowers(rng, canvas, light, view, drift)
    if rng.random() < 0.6:
        tall = view.size[0] * float(rng.uniform(0.06, 0.3))
        grass(
            canvas, rng, view.size[0] * float(rng.uniform(0.75, 0.95)), tall, light.shine(near, 0.8)
        )


def _lay(rng: Rng, canvas: Array, light: Light, view: View, plane: Ground, colour: Array) -> None:
    """Paint the lit ground with cloud shadows and haze."""
    left, top = origin(rng)
    passing = sample("smooth", plane.x * 2 + left, plane.z * 1.4 + top)
    sunny = 0.75 - 0.3 * smoothstep(0.2, 1.2, passing) * (light.cover > 0.25)
    rough = 1 + 0.05 * patch(rng, view.size, 9, "grain")
    paint = light.shine(colour * spread(rough), sunny)
    cover(canvas, light.veil(paint, smoothstep(2, 160, plane.z) * 0.5), plane.seen)


def _flowers(rng: Rng, canvas: Array, light: Light, view: View, drift: Array) -> None:
    height, width = view.size
    kinds = [
        light.shine(pick(rng, 0xD8322A, 0xE8E4F0, 0xE8C82C, 0x7C60C0, 0xE07CA8), 0.85)
        for _ in range(int(rng.integers(1, 4)))
    ]
    depth = (
        view.horizon
        + (height - view.horizon) * np.sort(rng.random(int(rng.integers(150, 600)))) ** 0.7
    )
    with sketch(canvas) as pen:
        for y in depth.tolist():
            x, near = float(rng.uniform(0, width)), (y - view.horizon) / height
            if drift[min(height - 1, int(y)), int(x)] > -0.4:
                size = 0.25 + 4.2 * near * float(rng.uniform(0.5, 1))
                bloom = kinds[int(rng.integers(len(kinds)))]
                pen.ellipse(x, y, size, size * 0.75, bloom * float(rng.uniform(0.75, 1.1)))


def _accents(rng: Rng, canvas: Array, light: Light, view: View) -> None:
    scatter: tuple[tuple[float, Callable[[Rng, Array, Light, View], None]], ...] = (
        (0.22, _bales),
        (0.28, _lone_trees),
        (0.14, _fence),
        (0.1, _barn),
    )
    for chance, add in scatter:
        if rng.random() < chance:
            add(rng, canvas, light, view)


def _bales(rng: Rng, canvas: Array, light: Light, view: View) -> None:
    straw = light.shine(pick(rng, 0xD8B868, 0xC4A458, 0xE0C88C), 0.8)
    with sketch(canvas) as pen:
        for z in np.sort(rng.uniform(3.5, 30, int(rng.integers(2, 11))))[::-1].tolist():
            x, y = view.project(float(rng.uniform(-0.6, 0.6)) * z, 0, z)
            size = view.focal / z * 0.3
            pen.ellipse(x + size * 0.5, y, size * 2.1, size * 0.28, straw * 0.35)
            pen.rectangle((x, y - size * 1.9, x + size * 1.5, y), straw * 0.72)
            pen.ellipse(x + size * 1.5, y - size * 0.95, size * 0.7, size * 0.95, straw * 0.72)
            for ring in (1.0, 0.7, 0.4):
                tone = straw * (1.0 if ring != 0.7 else 0.85)
                pen.ellipse(x, y - size * 0.95, size * 0.8 * ring, size * 0.95 * ring, tone)


def _lone_trees(rng: Rng, canvas: Array, light: Light, view: View) -> None:
    leaves = summer_leaves(rng, 1.0 if light.toward[0] > 0 else -1.0)
    kind = broadleaf if rng.random() < 0.75 else poplar
    with sketch(canvas) as pen:
        for z in np.sort(rng.uniform(6, 40, int(rng.choice([1, 1, 2, 4]))))[::-1].tolist():
            x, y = view.project(float(rng.uniform(-0.45, 0.45)) * z, 0, z)
            tall = view.focal / z * float(rng.uniform(2, 4.5))
            pen.ellipse(x, y, tall * 0.4, tall * 0.035, leaves.under(light, 0.1).shade)
            kind(pen, rng, x, y, min(tall, view.size[0] * 0.7), leaves.under(light, z / 120))


def _fence(rng: Rng, canvas: Array, light: Light, view: View) -> None:
    wood = light.shine(pick(rng, 0x6A5A48, 0x8A8276, 0xD8D4CC), 0.6)
    offset, slant = float(rng.choice([-1, 1])) * float(rng.uniform(1, 3)), float(rng.normal(0, 0.2))
    with sketch(canvas) as pen:
        posts = [(offset + slant * (z - 2), z) for z in np.arange(40, 1.6, -1.3).tolist()]
        for (x, z), (x2, z2) in pairwise(posts):
            thick = 0.055 * view.focal / z
            pen.line([view.project(x, 0, z), view.project(x, 0.6, z)], wood, thick)
            for level in (0.28, 0.52):
                pen.line(
                    [view.project(x, level, z), view.project(x2, level, z2)],
                    wood * 0.85,
                    thick * 0.5,
                )


def _barn(rng: Rng, canvas: Array, light: Light, view: View) -> None:
    wall = light.shine(pick(rng, 0x8C3228, 0xD8D0C0, 0x7A6450), 0.75)
    roof = light.shine(pick(rng, 0x4A4444, 0x8A5A44, 0x9A9A9A), 0.6)
    z = float(rng.uniform(14, 40))
    x, y = view.project(float(rng.uniform(-0.4, 0.4)) * z, 0, z)
    unit = view.focal / z
    wide, tall, deep = unit * 1.6, unit * 1.3, unit * float(rng.uniform(1.5, 3.5))
    with sketch(canvas) as pen:
        pen.rectangle((x, y - tall, x + deep, y), wall * 0.75)
        gable = [
            (x - wide, y),
            (x - wide, y - tall),
            (x - wide / 2, y - tall * 1.7),
            (x, y - tall),
            (x, y),
        ]
        pen.polygon(gable, wall)
        ridge = (x - wide / 2, y - tall * 1.75)
        pen.polygon([ridge, (ridge[0] + deep, ridge[1]), (x + deep, y - tall), (x, y - tall)], roof)
        pen.rectangle((x - wide * 0.65, y - tall * 0.6, x - wide * 0.35, y), wall * 0.4)
