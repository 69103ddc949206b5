"""City views: a street between buildings, and blocks from above."""

from dataclasses import dataclass

import numpy as np

from training.scenes.buildings import LAMPS, WALLS, choose_style, facade, skyline
from training.scenes.canvas import (
    Array,
    Pen,
    Rng,
    Size,
    cover,
    grid,
    mix,
    pick,
    sketch,
    smoothstep,
    spread,
    tint,
)
from training.scenes.light import Light
from training.scenes.noise import patch, profile
from training.scenes.roadside import car
from training.scenes.sky import paint_sky
from training.scenes.terrain import Ground, View, flat, random_view

ROOFS = (0x8A8680, 0x7C5C50, 0x9C9890, 0x6A6C70)


@dataclass(frozen=True)
class Estate:
    """Built-up area: palettes (n, 3), profile of towers, skew of its grid, share of lit windows."""

    walls: Array
    roofs: Array
    core: Array
    turn: float
    lit: float


@dataclass(frozen=True)
class Block:
    """Building on the plane, in world units."""

    x: float
    wide: float
    deep: float
    level: float
    z: float


def canyon(rng: Rng, light: Light, size: Size) -> Array:
    """Paint a street between two rows of buildings on a new canvas of `size`."""
    view = random_view(rng, size, float(rng.uniform(0.5, 0.75)))
    canvas = paint_sky(rng, light, size, view.horizon)
    style = choose_style(rng, light)
    skyline(
        rng,
        canvas,
        light,
        style,
        (view.horizon + 2, view.horizon * float(rng.uniform(0.3, 0.7)), 0.45),
    )
    half = float(rng.uniform(1.6, 3.6))
    plane = flat(view)
    _pavement(rng, canvas, light, plane, half)
    for side in (-1, 1):
        _wall(rng, canvas, light, view, side * half, style.lit)
    _traffic(rng, canvas, light, view, half)
    return canvas


def _pavement(rng: Rng, canvas: Array, light: Light, plane: Ground, half: float) -> None:
    size = (canvas.shape[0], canvas.shape[1])
    tar = pick(rng, 0x5A5A5E, 0x6E6C6A, 0x484A50)
    slab = pick(rng, 0x9A948C, 0x85807A)
    lateral = np.abs(plane.x) / half
    colour = mix(tar, slab, spread(smoothstep(0.68, 0.7, lateral)))
    colour = colour * spread(1 + 0.07 * patch(rng, size, 6, "cloud", stretch=3))
    if rng.random() < 0.35:
        colour = mix(colour, canvas[::-1], 0.3)
    dash = (
        smoothstep(0, 0.2, np.sin(plane.z * 3))
        * smoothstep(0.05, 0.02, lateral)
        * smoothstep(40, 12, plane.z)
    )
    colour = mix(colour, tint(0xE8E4D8), spread(dash * 0.7))
    cover(
        canvas, light.veil(light.shine(colour, 0.4), smoothstep(2, 80, plane.z) * 0.4), plane.seen
    )


def _wall(rng: Rng, canvas: Array, light: Light, view: View, aside: float, lit: float) -> None:
    """Paint the façades on one side; each image column shows them at one distance."""
    rows, columns = grid(view.size)
    lateral = (columns - view.centre) * float(np.sign(aside))
    z = abs(aside) * view.focal / np.maximum(lateral, 0.5)
    level = view.eye - (rows - view.horizon) * z / view.focal
    house = np.searchsorted(np.cumsum(rng.uniform(1.5, 5, 40)), z[0])
    tops = rng.uniform(2.5, float(rng.uniform(5, 14)), 41).astype(np.float32)[house]
    storey, bay = rng.uniform(0.5, 0.9, (2, 41)).astype(np.float32)[:, house]
    up, along = level / storey, np.broadcast_to(z / bay, level.shape)
    panes = _panes(rng, light, up, along, lit)
    windows = _windows(rng, up, along, np.clip(view.focal / z * 0.12, 0, 1))
    walls = np.stack([pick(rng, *WALLS) for _ in range(41)])[house]
    face = mix(light.shine(walls, float(rng.uniform(0.05, 0.85))), panes, spread(windows))
    face = face * spread(0.62 + 0.38 * smoothstep(0, 3, level))
    mask = ((level > 0) & (level < tops) & (lateral > 0.5)).astype(np.float32)
    cover(canvas, light.veil(face, np.broadcast_to(smoothstep(3, 60, z) * 0.7, view.size)), mask)


def _panes(rng: Rng, light: Light, up: Array, along: Array, lit: float) -> Array:
    """Return the colour of every window, lit or dark, shape (h, w, 3)."""
    lamps = (rng.random((64, 64)) < lit).astype(np.float32)
    storeys, bays = np.clip(up, 0, 63).astype(np.int32), along.astype(np.int32) % 64
    glass = light.shine(pick(rng, 0x39424E, 0x5A6A78), 0.3)
    return mix(glass, pick(rng, *LAMPS), spread(lamps[storeys, bays]))


def _windows(rng: Rng, up: Array, along: Array, sharp: Array) -> Array:
    tall = smoothstep(0.05, 0.35, np.sin(up * 2 * np.pi) + float(rng.uniform(-0.2, 0.5)))
    wide = smoothstep(0.05, 0.35, np.sin(along * 2 * np.pi) + float(rng.uniform(-0.2, 0.5)))
    # Distant windows blend into a uniform colour.
    return mix(np.full_like(tall, 0.4), tall * wide, sharp) * 0.9


def _traffic(rng: Rng, canvas: Array, light: Light, view: View, half: float) -> None:
    with sketch(canvas) as pen:
        for z in np.sort(rng.uniform(3, 26, int(rng.integers(0, 11))))[::-1].tolist():
            lane = float(rng.choice([-0.6, -0.25, 0.25, 0.6])) * half
            paint = light.shine(pick(rng, 0xB82C28, 0xE8C030, 0xE8E8E8, 0x2C2C30, 0x9CA0A4), 0.5)
            car(pen, view.project(lane, 0, z), 0.34 * view.focal / z, paint, lane > 0, light.dark)
        for z in np.geomspace(22, 3, 8).tolist() if rng.random() < 0.5 else []:
            for side in (-0.78, 0.78):
                foot, head = view.project(side * half, 0, z), view.project(side * half, 1.9, z)
                pen.line([foot, head], tint(0x303034), 0.05 * view.focal / z)
                lamp = pick(rng, *LAMPS) if light.dark else tint(0x8A8A88)
                pen.ellipse(*head, 0.1 * view.focal / z, 0.07 * view.focal / z, lamp)


def rooftops(rng: Rng, light: Light, size: Size) -> Array:
    """Paint blocks of buildings up to the horizon on a new canvas of `size`."""
    view = random_view(rng, size, float(rng.uniform(0.15, 0.42)), eye=float(rng.uniform(2.2, 4.5)))
    canvas = paint_sky(rng, light, size, view.horizon)
    plane = flat(view)
    ground = light.shine(pick(rng, 0x6A6864, 0x5C6450, 0x77736C), 0.4)
    cover(
        canvas,
        light.veil(np.broadcast_to(ground, canvas.shape), smoothstep(3, 70, plane.z)),
        plane.seen,
    )
    style = choose_style(rng, light)
    estate = Estate(
        walls=np.stack([pick(rng, *style.walls) for _ in range(12)]),
        roofs=np.stack([pick(rng, *ROOFS) for _ in range(8)]),
        core=np.maximum(profile(rng, 64, 2, "cloud"), 0) ** 1.5,
        turn=float(rng.normal(0, 0.25)),
        lit=style.lit,
    )
    for z in np.geomspace(60, view.eye * 1.1, 24).tolist():
        _block_row(rng, canvas, light, view, estate, z)
    return canvas


def _block_row(rng: Rng, canvas: Array, light: Light, view: View, estate: Estate, z: float) -> None:
    unit, distance = view.focal / z, min(1.0, z / 75)
    span = view.size[1] / unit
    x = -span / 2 - float(rng.uniform(0, 1.5)) + (view.size[1] / 2 - view.centre) / unit
    fronts = light.veil(light.shine(estate.walls, 0.55), distance)
    sides = light.veil(light.shine(estate.walls, 0.1), distance)
    roofs = light.veil(light.shine(estate.roofs, 0.85), distance)
    faces = []
    with sketch(canvas) as pen:
        while x < span * 0.65:
            wide, deep = float(rng.uniform(0.7, 1.6)), float(rng.uniform(0.5, 1.2))
            tower = float(estate.core[min(63, max(0, int((x / span + 0.5) * 63)))]) * min(
                1.0, z / 12
            )
            level = 0.5 * float(rng.uniform(0.6, 1.5)) + tower * float(rng.uniform(0.3, 1.6))
            which = int(rng.integers(len(fronts)))
            block = Block(x, wide, deep, level, z)
            colours = (fronts[which], sides[which], roofs[int(rng.integers(len(roofs)))])
            faces.append(_draw_block(pen, view, block, estate.turn, colours))
            x += wide * float(rng.uniform(1.05, 1.7))
    glass = light.veil(light.shine(tint(0x3C4650), 0.3), distance)
    for box in faces:
        facade(rng, canvas, box, max(1.8, unit * 0.17), (glass, pick(rng, *LAMPS), estate.lit))


def _draw_block(
    pen: Pen, view: View, block: Block, turn: float, colours: tuple[Array, Array, Array]
) -> tuple[float, float, float, float]:
    """Draw roof, visible side and front; return the box of the front in pixels."""
    front, side, roof = colours
    far, right = block.z + block.deep, block.x + block.wide
    a, b = view.project(block.x, block.level, block.z), view.project(right, block.level, block.z)
    c, d = (
        view.project(right + turn, block.level, far),
        view.project(block.x + turn, block.level, far),
    )
    bottom = view.project(block.x, 0, block.z)[1]
    behind = view.project(block.x, 0, far)[1]
    pen.polygon([a, b, c, d], roof)
    if c[0] > b[0]:
        pen.polygon([b, c, (c[0], behind), (b[0], bottom)], side)
    elif d[0] < a[0]:
        pen.polygon([a, d, (d[0], behind), (a[0], bottom)], side)
    box = (a[0], a[1], b[0], bottom)
    pen.rectangle(box, front)
    return box
