"""Hilly farmland: parcels with different crops."""

import numpy as np

from training.scenes.backdrop import ranges
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
from training.scenes.light import Light
from training.scenes.noise import origin, patch, sample
from training.scenes.sky import paint_sky
from training.scenes.terrain import Ground, View, random_view, visible_ground
from training.scenes.vegetation import broadleaf, poplar, summer_leaves

PARCELS = (0x8AA848, 0x6E9440, 0xC8AC58, 0xDCC63C, 0x8A6848, 0xA89A60, 0x557A3C, 0x9CB464)


def rolling_farmland(rng: Rng, light: Light, size: Size) -> Array:
    """Paint hills divided into fields on a new canvas of `size`."""
    view = random_view(rng, size, float(rng.uniform(0.2, 0.5)), eye=float(rng.uniform(3.5, 8)))
    canvas = paint_sky(rng, light, size, view.horizon)
    if rng.random() < 0.5:
        tall = view.horizon * float(rng.uniform(0.1, 0.35))
        base = view.horizon + view.eye * view.focal / 110 + 4
        ranges(
            rng, canvas, light, base, tall + base - view.horizon, 2, pick(rng, 0x5C6A60, 0x66705C)
        )
    pitch, shift = float(rng.uniform(1.8, 4)), origin(rng)
    swell = float(rng.uniform(1, 2.4)) / pitch

    def rise(x: Array, z: Array) -> Array:
        hills = sample("smooth", x * pitch + shift[0], z * pitch * 0.8 + shift[1])
        return swell * hills * smoothstep(3, 16, z) + 0.012 * z

    ground = visible_ground(view, light, (view.eye * 0.7, 110), rise)
    albedo, edge = _parcels(rng, ground)
    albedo = albedo * spread(1 + 0.08 * patch(rng, size, 9))
    albedo = mix(albedo, tint(0x3E5230), spread(edge * float(rng.uniform(0, 0.8))))
    paint = light.shine(albedo, smoothstep(0.05, 0.9, ground.shade))
    cover(canvas, light.veil(paint, smoothstep(4, 110, ground.z) * 0.6), ground.seen)
    _trees(rng, canvas, light, view, ground, edge)
    return canvas


def _parcels(rng: Rng, ground: Ground) -> tuple[Array, Array]:
    """Return the colour of the ground, (h, w, 3), and the nearness to a boundary, (h, w), 0-1."""
    turn = float(rng.uniform(0, np.pi))
    left, top = origin(rng)
    warp = sample("smooth", ground.x * 1.6 + left, ground.z * 1.6 + top)
    u = (ground.x * np.cos(turn) + ground.z * np.sin(turn)) / float(
        rng.uniform(5, 10)
    ) + 0.25 * warp
    v = (ground.z * np.cos(turn) - ground.x * np.sin(turn)) / float(rng.uniform(6, 12)) - 0.2 * warp
    v = v + 0.37 * np.floor(u)
    names = (np.floor(u) * 57 + np.floor(v) * 131).astype(np.int64)
    palette = np.stack([pick(rng, code) for code in rng.permutation(PARCELS)[:6].tolist()])
    albedo = np.moveaxis(palette.T[:, names % len(palette)], 0, 2)
    # Each parcel has its own direction of rows, and some have none.
    heading = (names % 7) * 0.9
    across = ground.x * np.cos(heading) + ground.z * np.sin(heading)
    rows = np.cos(across * np.where(names % 3 > 0, 9, 4)) * smoothstep(45, 8, ground.z)
    albedo = albedo * spread(1 + 0.13 * rows)
    margin = np.minimum(np.abs(u - np.round(u)), np.abs(v - np.round(v)))
    return albedo, smoothstep(0.05, 0.015, margin)


def _trees(rng: Rng, canvas: Array, light: Light, view: View, ground: Ground, edge: Array) -> None:
    rows, columns = np.nonzero((edge > 0.6) & (ground.seen > 0))
    if not rows.size:
        return
    chosen = rng.integers(rows.size, size=int(rng.integers(5, 90)))
    chosen = chosen[np.argsort(rows[chosen])]
    leaves = summer_leaves(rng, 1.0 if light.toward[0] > 0 else -1.0)
    kind = poplar if rng.random() < 0.3 else broadleaf
    with sketch(canvas) as pen:
        for y, x in zip(rows[chosen].tolist(), columns[chosen].tolist(), strict=True):
            z = float(ground.z[y, x])
            tall = view.focal / z * float(rng.uniform(0.5, 1.1))
            pen.ellipse(x, y, tall * 0.5, tall * 0.1, leaves.under(light, z / 150).shade * 0.8)
            kind(pen, rng, x, y, min(tall, view.size[0] * 0.3), leaves.under(light, z / 150))
