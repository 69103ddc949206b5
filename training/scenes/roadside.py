"""Course of a road, and objects beside it: trees, posts, rails, wires, cars, signs."""

from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from training.scenes.canvas import Array, Pen, Rng, pick, sketch, smoothstep, tint
from training.scenes.light import Light
from training.scenes.noise import sample
from training.scenes.terrain import Ground, View
from training.scenes.vegetation import choose_wood


@dataclass(frozen=True)
class Course:
    """Course of a road in world units, and the relief around it.

    The centre line is x = offset + drift z + swing (1 - cos(z / bend)); `half` is half the width of
    the road. The road follows the dips of the land; hills rise on both sides.
    """

    offset: float
    drift: float
    swing: float
    bend: float
    half: float
    dips: float
    hills: float
    place: tuple[float, float]

    def centre(self, z: Array) -> Array:
        """Return the lateral position of the centre line at distance z."""
        line: Array = self.offset + self.drift * z + self.swing * (1 - np.cos(z / self.bend))
        return line

    def beside(self, x: Array, z: Array) -> Array:
        """Return the signed distance of a point from the centre line."""
        return x - self.centre(z)

    def rise(self, x: Array, z: Array) -> Array:
        """Return the height of the ground."""
        left, top = self.place
        along = self.dips * np.sin(z / 7.5 + left) * smoothstep(2, 18, z)
        aside = np.abs(self.beside(x, z))
        bank = smoothstep(self.half * 1.2, self.half * 1.2 + 9, aside)
        bumps = sample("cloud", x * 5 + left, z * 5 + top)
        land: Array = along + self.hills * bank * (1.4 + bumps + 0.03 * aside)
        return land


Spot: TypeAlias = tuple[float, float, float]


def roadside(
    rng: Rng, canvas: Array, light: Light, view: View, ground: Ground, course: Course, wooded: float
) -> None:
    """Paint objects beside the road; `wooded` is 0 (open) to 1 (forest on both sides)."""
    _trees(rng, canvas, light, view, ground, course, wooded)
    draw = rng.random()
    if draw < 0.25:
        _rail(rng, canvas, light, view, course)
    elif draw < 0.4:
        _markers(canvas, light, view, course)
    if rng.random() < 0.18:
        _wires(rng, canvas, light, view, course)
    if rng.random() < 0.3:
        _cars(rng, canvas, light, view, ground, course)
    if rng.random() < 0.12:
        _sign(rng, canvas, light, view, course)


def _places(course: Course, view: View, asides: Array | float, depths: Array) -> list[Spot]:
    """Return positions beside the road: (distance, column, row), in the order of `depths`."""
    x = course.centre(depths) + asides
    levels = course.rise(x, depths)
    scale = view.focal / depths
    columns, rows = view.centre + x * scale, view.horizon - (levels - view.eye) * scale
    return list(zip(depths.tolist(), columns.tolist(), rows.tolist(), strict=True))


def _visible(ground: Ground, spot: Spot) -> bool:
    """Return whether an object at `spot` is not hidden by a nearer crest."""
    height, width = ground.z.shape
    z, column, row = spot
    x, y = min(max(int(column), 0), width - 1), min(max(int(row) - 1, 0), height - 1)
    return bool(ground.seen[y, x] == 0 or ground.z[y, x] > 0.8 * z)


def _trees(
    rng: Rng, canvas: Array, light: Light, view: View, ground: Ground, course: Course, wooded: float
) -> None:
    count = int(rng.uniform(0.5, 1.2) * 110 * wooded)
    kinds, leaves = choose_wood(rng, light)
    depths = np.sort(np.exp(rng.uniform(np.log(4.5), np.log(90), count)))[::-1]
    belt = 3.0 if wooded >= 1 else 12.0
    asides = rng.choice([-1, 1], count) * (course.half * 1.35 + 0.5 + rng.exponential(belt, count))
    with sketch(canvas) as pen:
        for spot in _places(course, view, asides, depths):
            z, x, y = spot
            tall = view.focal / z * float(rng.uniform(1.6, 4.2))
            if -tall < x < view.size[1] + tall and _visible(ground, spot):
                kind = kinds[int(rng.integers(len(kinds)))]
                kind(pen, rng, x, y, min(tall, view.size[0] * 1.1), leaves.under(light, z / 130))


def _rail(rng: Rng, canvas: Array, light: Light, view: View, course: Course) -> None:
    steel = light.shine(pick(rng, 0xB4B8BC, 0x8C8E90, 0xD8D8D4), 0.7)
    aside = float(rng.choice([-1, 1])) * course.half * 1.18
    spots = _places(course, view, aside, np.geomspace(40, 1.3, 34))
    with sketch(canvas) as pen:
        for (far, x, y), (near, x2, y2) in pairwise(spots):
            lift, lift2 = 0.42 * view.focal / far, 0.42 * view.focal / near
            pen.line([(x, y), (x, y - lift)], steel * 0.5, lift * 0.12)
            upper, lower = (
                [(x, y - lift), (x2, y2 - lift2)],
                [(x2, y2 - lift2 * 0.55), (x, y - lift * 0.55)],
            )
            pen.polygon(upper + lower, steel * float(rng.uniform(0.9, 1.0)))


def _markers(canvas: Array, light: Light, view: View, course: Course) -> None:
    white, dark = light.shine(tint(0xF0EEE8), 0.7), light.shine(tint(0x8C2A22), 0.6)
    with sketch(canvas) as pen:
        for side in (-1.15, 1.15):
            for z, x, y in _places(course, view, side * course.half, np.arange(45, 2, -3.2)):
                tall = 0.55 * view.focal / z
                pen.line([(x, y), (x, y - tall)], white, tall * 0.13)
                pen.line([(x, y - tall * 0.72), (x, y - tall * 0.88)], dark, tall * 0.13)


def _wires(rng: Rng, canvas: Array, light: Light, view: View, course: Course) -> None:
    wood = light.shine(pick(rng, 0x5A4A3C, 0x7A7672), 0.4)
    aside = float(rng.choice([-1, 1])) * course.half * float(rng.uniform(1.6, 2.6))
    with sketch(canvas) as pen:
        tops: list[tuple[float, float]] = []
        for z, x, y in _places(course, view, aside, np.arange(62, 2.5, -6.0)):
            unit = view.focal / z
            pen.line([(x, y), (x, y - 3.4 * unit)], wood, 0.09 * unit)
            pen.line(
                [(x - 0.5 * unit, y - 3.1 * unit), (x + 0.5 * unit, y - 3.1 * unit)],
                wood,
                0.07 * unit,
            )
            tops.append((x, y - 3.1 * unit))
        pen.line(tops, wood, 0.5)


def _cars(
    rng: Rng, canvas: Array, light: Light, view: View, ground: Ground, course: Course
) -> None:
    with sketch(canvas) as pen:
        depths = np.sort(rng.uniform(4, 40, int(rng.integers(1, 5))))[::-1]
        lanes = rng.choice([-0.5, 0.5], len(depths))
        for lane, spot in zip(
            lanes, _places(course, view, lanes * course.half, depths), strict=True
        ):
            if _visible(ground, spot):
                paint = light.shine(
                    pick(rng, 0xB82C28, 0xE8E8E8, 0x2C2C30, 0x3A5A8C, 0x9CA0A4), 0.75
                )
                car(pen, spot[1:], 0.34 * view.focal / spot[0], paint, bool(lane > 0), light.dark)


def car(
    pen: Pen, spot: tuple[float, float], half: float, paint: Array, away: bool, lamps: bool
) -> None:
    """Paint a car at `spot`, `half` its half width in pixels; from behind if `away`."""
    x, y = spot
    pen.ellipse(x, y, half * 1.25, half * 0.16, paint * 0.15)
    pen.rectangle((x - half, y - half * 0.95, x + half, y - half * 0.14), paint * 0.85)
    pen.polygon(
        [
            (x - half * 0.92, y - half * 0.95),
            (x - half * 0.68, y - half * 1.55),
            (x + half * 0.68, y - half * 1.55),
            (x + half * 0.92, y - half * 0.95),
        ],
        paint,
    )
    pen.rectangle((x - half * 0.66, y - half * 1.45, x + half * 0.66, y - half), paint * 0.25)
    lamp = tint(0xC02018) if away else tint(0xFFF6D8)
    for side in (-0.75, 0.75):
        pen.rectangle(
            (
                x + side * half - half * 0.18,
                y - half * 0.75,
                x + side * half + half * 0.18,
                y - half * 0.5,
            ),
            lamp if lamps or away else lamp * 0.8,
        )


def _sign(rng: Rng, canvas: Array, light: Light, view: View, course: Course) -> None:
    aside = float(rng.choice([-1, 1])) * course.half * 1.4
    ((z, x, y),) = _places(course, view, aside, rng.uniform(5, 14, 1))
    unit = view.focal / z
    face = light.shine(pick(rng, 0xE8C030, 0xF0F0EC, 0x2C5CA0, 0x2F7A4C), 0.8)
    with sketch(canvas) as pen:
        pen.line([(x, y), (x, y - 1.7 * unit)], light.shine(tint(0x8A8A8A), 0.5), 0.06 * unit)
        turn = 0.36 * unit
        diamond = [
            (x, y - 1.6 * unit - turn),
            (x + turn, y - 1.6 * unit),
            (x, y - 1.6 * unit + turn),
            (x - turn, y - 1.6 * unit),
        ]
        pen.polygon(diamond, face)
