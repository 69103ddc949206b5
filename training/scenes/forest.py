"""Forests: among trunks, along a path, at the edge, misty slopes of conifers."""

import numpy as np

from training.scenes.backdrop import ranges, tree_line
from training.scenes.canopy import canopy_from_above, curtain, shafts
from training.scenes.canvas import (
    Array,
    Rng,
    Size,
    cover,
    grid,
    mix,
    pick,
    sketch,
    smoothstep,
    spread,
)
from training.scenes.light import DAYLIGHT, Light, choose_light
from training.scenes.noise import patch, profile
from training.scenes.sky import paint_sky
from training.scenes.trunks import BARKS, trunks
from training.scenes.vegetation import Leaves, choose_wood, conifer, needle_leaves, stand_of_trees


def paint_forest(rng: Rng, size: Size) -> Array:
    """Paint a forest on a new canvas of `size`."""
    light = choose_light(rng, {**DAYLIGHT, "fog": 1.0, "dusk": 0.2})
    draw = rng.random()
    if draw < 0.68:
        return _inside(rng, light, size)
    if draw < 0.88:
        return _slopes(rng, light, size)
    if draw < 0.95:
        return _edge(rng, light, size)
    return canopy_from_above(rng, light, size)


def _inside(rng: Rng, light: Light, size: Size) -> Array:
    height, _ = size
    _, leaves = choose_wood(rng, light)
    floor = height * float(rng.uniform(0.52, 0.82))
    canvas = _glow(rng, light, size, leaves, floor)
    bark = pick(rng, *BARKS)
    layers = int(rng.integers(3, 6))
    for layer in range(layers):
        near = (layer + 0.6) / layers
        distance = (1 - near) * (0.9 if light.haze > 3 else 0.5)
        if rng.random() < 0.85:
            curtain(rng, canvas, leaves.under(light, distance), near)
        trunks(rng, canvas, light, (bark, distance), near, floor)
        if layer < layers - 1:
            _undergrowth(rng, canvas, leaves.under(light, distance), floor, near)
    if light.sun.max() > 0.35 and rng.random() < 0.6:
        shafts(rng, canvas, light)
    return canvas


def _glow(rng: Rng, light: Light, size: Size, leaves: Leaves, floor: float) -> Array:
    """Paint the background of the forest with a bright clearing, and the forest floor."""
    height, width = size
    rows, columns = grid(size)
    far = light.veil(light.shine(leaves.lit, 0.6), 0.45)
    x, y = float(rng.uniform(0.2, 0.8)) * width, float(rng.uniform(0.1, 0.7)) * floor
    clearing = np.exp(-(((columns - x) / width / 0.35) ** 2) - ((rows - y) / height / 0.4) ** 2)
    sky = np.clip(light.horizon * 0.9 + light.sun * 0.25, 0, 1.1)
    mottle = 0.5 + 0.35 * patch(rng, size, 7, "cloud", stretch=0.5)
    bright = np.clip(clearing * mottle * float(rng.uniform(0.5, 1.6)), 0, 1)
    canvas = mix(far * 0.8, sky, spread(bright)) * spread(0.9 + 0.1 * mottle)
    ground = pick(rng, 0x6E5A3A, 0x57643A, 0x8A6238, 0x4A5632, 0x57643A, 0x7A6A50, 0xD6DCE2)
    litter = 1 + 0.2 * patch(rng, size, 9, "cloud", stretch=5)
    dapple = 0.35 + 0.5 * smoothstep(-0.2, 1, patch(rng, size, 5, "cloud", stretch=4))
    paint = light.shine(ground * spread(litter), dapple)
    depth = np.clip((rows - floor) / (height - floor), 0, 1)
    if rng.random() < 0.3:
        _path(rng, paint, light, depth)
    edge = floor + 3 * profile(rng, width, 4)[None, :]
    cover(
        canvas,
        light.veil(paint, np.broadcast_to((1 - depth) * 0.35, size)),
        smoothstep(-4, 5, rows - edge),
    )
    return canvas


def _path(rng: Rng, paint: Array, light: Light, depth: Array) -> None:
    height, width = paint.shape[:2]
    _, columns = grid((height, width))
    bend = float(rng.normal(0, 0.2)) * width * np.sin(depth * float(rng.uniform(1, 4)))
    middle = float(rng.uniform(0.35, 0.65)) * width + bend
    half = width * (0.015 + float(rng.uniform(0.12, 0.34)) * depth)
    ragged = 0.15 * patch(rng, (height, width), 6)
    trodden = light.shine(pick(rng, 0xA89070, 0x8C7A60, 0xB49C78), 0.7)
    cover(
        paint,
        trodden * (1 + 0.5 * spread(ragged)),
        smoothstep(1.15, 0.8, np.abs(columns - middle) / half + ragged),
    )


def _undergrowth(rng: Rng, canvas: Array, leaves: Leaves, floor: float, near: float) -> None:
    size = (canvas.shape[0], canvas.shape[1])
    rows, _ = grid(size)
    base = floor + (size[0] - floor) * near**2.2 * 0.8
    bushy = patch(rng, size, 4 + 5 * (1 - near), "cloud")
    tall = size[0] * 0.05 * (0.4 + near)
    mask = smoothstep(0.2, 0.8, bushy * 0.7 + 0.6 - np.abs(rows - base + tall) / tall)
    tone = mix(leaves.shade, leaves.lit, spread(np.clip(0.4 + 0.35 * patch(rng, size, 9), 0, 1)))
    cover(canvas, tone, mask * 0.85)


def _slopes(rng: Rng, light: Light, size: Size) -> Array:
    """Paint wooded slopes one behind the other, with mist between them."""
    height, width = size
    horizon = height * float(rng.uniform(0.2, 0.5))
    canvas = paint_sky(rng, light, size, horizon)
    if rng.random() < 0.4:
        ranges(rng, canvas, light, height * 0.8, height * 0.5, 2, pick(rng, 0x4A5A58, 0x4A6050))
    layers = int(rng.integers(3, 7))
    leaves = needle_leaves(rng, 1.0 if light.toward[0] > 0 else -1.0)
    rows, _ = grid(size)
    for layer in range(layers):
        near = (layer + 1) / layers
        slope = float(rng.normal(0, 0.16)) * np.linspace(-1, 1, width)
        crest = horizon + (height - horizon) * (near - 0.75 / layers) ** 1.2
        edge = crest + height * (slope + 0.045 * profile(rng, width, 1.5, "smooth"))
        toned = leaves.under(light, 0.75 * (1 - near) + 0.02)
        cover(
            canvas,
            toned.shade * spread(1 + 0.15 * patch(rng, size, 9)),
            smoothstep(-1, 1, rows - edge[None, :]),
        )
        tall = height * (0.05 + 0.2 * near**1.6)
        _ranks(rng, canvas, toned, edge, tall)
        mist = (
            smoothstep(0, height * 0.3, rows - edge[None, :])
            * (1 - near)
            * min(1, 0.4 + light.haze * 0.3)
        )
        cover(canvas, mix(light.horizon, light.ambient, 0.2), mist * 0.75)
    return canvas


def _ranks(rng: Rng, canvas: Array, leaves: Leaves, edge: Array, tall: float) -> None:
    width = canvas.shape[1]
    with sketch(canvas) as pen:
        for rank in range(2):
            count = int(width / tall * 2.3)
            drop = rank * tall * 0.7

            def base(x: float, drop: float = drop) -> float:
                return float(edge[min(width - 1, max(0, int(x)))]) + drop + tall * 0.25

            stand_of_trees(
                pen, rng, (conifer,), rng.uniform(-4, width + 4, count), base, tall, leaves
            )


def _edge(rng: Rng, light: Light, size: Size) -> Array:
    """Paint the edge of a forest behind open ground."""
    height, width = size
    line = height * float(rng.uniform(0.62, 0.88))
    canvas = paint_sky(rng, light, size, line)
    rows, _ = grid(size)
    slope = height * float(rng.normal(0, 0.04)) * np.linspace(-1, 1, width)
    for distance, lift in ((0.35, 0.06), (0.18, 0.03), (0.05, 0.0)):

        def base(x: float, lift: float = lift) -> float:
            return line - lift * height + float(slope[min(width - 1, max(0, int(x)))])

        tree_line(rng, canvas, light, base, height * float(rng.uniform(0.4, 0.75)), distance, 1.15)
    ground = pick(rng, 0x6E8440, 0x8A8A50, 0x5A6A3A, 0x9A8454)
    mottle = 1 + 0.16 * patch(rng, size, 8, "cloud", stretch=4)
    edge = line + slope + 2 * profile(rng, width, 6)
    cover(
        canvas,
        light.shine(ground, 0.7) * spread(mottle),
        smoothstep(-2, 2, rows - edge[None, :]),
    )
    return canvas
