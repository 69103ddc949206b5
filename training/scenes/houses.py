"""Old town: rows of gabled houses and a church."""

from dataclasses import dataclass

import numpy as np

from training.scenes.buildings import LAMPS, facade
from training.scenes.canvas import (
    Array,
    Pen,
    Rng,
    cover,
    grid,
    jitter,
    pick,
    sketch,
    smoothstep,
    tint,
)
from training.scenes.light import Light
from training.scenes.terrain import View

PLASTER = (0xE8D8B8, 0xD8A878, 0xC88468, 0xE4C888, 0xB8C0B4, 0xE8E0D4, 0xD0906C)


@dataclass(frozen=True)
class House:
    """House in front view, in pixels: left edge, width, rows of its base, eaves and ridge."""

    x: float
    wide: float
    foot: float
    eaves: float
    ridge: float


def old_houses(rng: Rng, canvas: Array, light: Light, view: View) -> None:
    """Paint rows of gabled houses, and a church tower in one of them."""
    height, _ = view.size
    lit = float(rng.uniform(0.3, 0.6)) if light.dark else 0.03
    rows = int(rng.integers(3, 7))
    roof = pick(rng, 0xA8543A, 0x8C4A38, 0x6A6468, 0xB86A48, 0x7A4C40)
    top = min(view.horizon - 4, height * float(rng.uniform(0.35, 0.6)))
    church = int(rng.integers(-1, rows))
    for row in range(rows):
        near = (row + 1) / rows
        foot = top + (height * 1.12 - top) * near
        if row == church:
            _church(
                rng, canvas, light, foot, height * float(rng.uniform(0.35, 0.6)), 0.5 * (1 - near)
            )
        _house_row(rng, canvas, light, (foot, near, lit), roof)
    rows_at, _ = grid(view.size)
    shadow = smoothstep(height * 0.8, height * 1.1, rows_at) * 0.25
    cover(canvas, light.ambient * 0.2, np.broadcast_to(shadow, view.size))


def _house_row(
    rng: Rng, canvas: Array, light: Light, band: tuple[float, float, float], roof: Array
) -> None:
    height, width = canvas.shape[:2]
    foot, near, lit = band
    distance, x = 0.7 * (1 - near), -width * float(rng.uniform(0.02, 0.1))
    boxes = []
    with sketch(canvas) as pen:
        while x < width:
            wide = width * (0.05 + 0.13 * near) * float(rng.uniform(0.7, 1.4))
            eaves = foot - wide * float(rng.uniform(0.9, 1.7))
            ridge = eaves - wide * float(rng.uniform(0.35, 0.6))
            low = foot + float(rng.normal(0, 0.015)) * height
            wall = light.shine(pick(rng, *PLASTER), float(rng.uniform(0.2, 0.9)))
            tile = light.shine(jitter(rng, roof, 0.12), float(rng.uniform(0.35, 0.9)))
            house = House(x, wide, low, eaves, ridge)
            _draw_house(pen, rng, house, light.veil(wall, distance), light.veil(tile, distance))
            boxes.append((x + wide * 0.08, eaves + wide * 0.05, x + wide * 0.92, low))
            x += wide * float(rng.choice([1.0, 1.0, 1.03, 1.2]))
    glass = light.veil(light.shine(tint(0x3A3A40), 0.4), distance)
    for box in boxes:
        pitch = (box[2] - box[0]) / int(rng.integers(2, 5))
        facade(rng, canvas, box, pitch, (glass, pick(rng, *LAMPS), lit))


def _draw_house(pen: Pen, rng: Rng, house: House, wall: Array, tile: Array) -> None:
    left, right = (house.x - 1, house.eaves), (house.x + house.wide + 1, house.eaves)
    # The wall continues below its base, behind the next row.
    pen.rectangle((house.x, house.eaves, right[0] - 1, house.foot + house.wide), wall)
    if rng.random() < 0.5:
        apex = (house.x + house.wide / 2, house.ridge)
        pen.polygon([left, apex, right], wall)
        pen.line([left, apex, right], tile, max(1.0, house.wide * 0.06))
    else:
        inset = house.wide * float(rng.uniform(0, 0.15))
        top = [(house.x + inset, house.ridge), (right[0] - 1 - inset, house.ridge)]
        pen.polygon([left, *top, right], tile)
    if rng.random() < 0.4:
        rise, at = house.eaves - house.ridge, house.x + house.wide * float(rng.uniform(0.2, 0.8))
        chimney = (at, house.ridge - rise * 0.15, at + house.wide * 0.08, house.ridge + rise * 0.5)
        pen.rectangle(chimney, tile * 0.8)


def _church(
    rng: Rng, canvas: Array, light: Light, foot: float, tall: float, distance: float
) -> None:
    x, wide = canvas.shape[1] * float(rng.uniform(0.15, 0.85)), tall * float(rng.uniform(0.12, 0.2))
    wall = light.veil(light.shine(pick(rng, 0xD0C4B0, 0xB8A48C, 0xE0DCD0), 0.7), distance)
    spire = light.veil(light.shine(pick(rng, 0x4A5C58, 0x5A4844, 0x70443A), 0.5), distance)
    body = foot - tall * 0.6
    with sketch(canvas) as pen:
        pen.rectangle((x - wide / 2, body, x + wide / 2, foot), wall)
        pen.rectangle((x - wide / 2, body, x - wide * 0.1, foot), wall * 0.8)
        pen.polygon([(x - wide * 0.6, body), (x, foot - tall), (x + wide * 0.6, body)], spire)
        pen.ellipse(x, body + wide * 0.6, wide * 0.2, wide * 0.2, spire * 0.7)
