"""Vegetation: conifers, broad-leaved and bare trees, grass."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from training.scenes.canvas import Array, Pen, Rng, jitter, pick, sketch
from training.scenes.light import Light

Tree: TypeAlias = Callable[[Pen, Rng, float, float, float, "Leaves"], None]


@dataclass(frozen=True)
class Leaves:
    """Colours of trees: foliage in shade and in sun, and bark.

    `sunward` is -1 if the light comes from the left, 1 if it comes from the right.
    """

    shade: Array
    lit: Array
    bark: Array
    sunward: float

    def under(self, light: Light, distance: float) -> "Leaves":
        """Return the colours in this light at `distance` (0 near, 1 far)."""
        return Leaves(
            light.veil(light.shine(self.shade, 0.35), distance),
            light.veil(light.shine(self.lit, 0.75), distance),
            light.veil(light.shine(self.bark, 0.4), distance),
            self.sunward,
        )


def _gradation(rng: Rng, leaves: Leaves, shares: Array) -> Array:
    """Return random colours between shade (0) and sun (1), float32 (n, 3)."""
    tones = leaves.shade + (leaves.lit - leaves.shade) * shares[:, None]
    return (tones * rng.normal(1, 0.07, (len(shares), 1))).astype(np.float32)


def conifer(pen: Pen, rng: Rng, x: float, base: float, height: float, leaves: Leaves) -> None:
    """Draw a spruce: tiers of branches that narrow to the tip; `height` in pixels."""
    tiers = min(11, max(3, int(height / 4.5)))
    spread = height * float(rng.uniform(0.17, 0.27))
    vigour = float(rng.normal(1, 0.1))
    pen.line([(x, base), (x, base - height * 0.3)], leaves.bark, height * 0.035)
    left, right = [(x, base - height)], [(x, base - height)]
    for tier, wobble in enumerate(rng.uniform(0.75, 1.2, tiers).tolist()):
        low = (tier + 1) / tiers
        y = base - height * (1 - 0.92 * low)
        reach = spread * low * wobble
        left += [(x - reach, y), (x - reach * 0.45, y - height * 0.02)]
        right += [(x + reach, y + height * 0.01), (x + reach * 0.45, y - height * 0.02)]
    pen.polygon(left + right[::-1], leaves.shade * vigour)
    lit = left if leaves.sunward < 0 else right
    if height > 9:
        spine = [(x + leaves.sunward * spread * 0.12, base - height * 0.1)]
        pen.polygon(lit + spine, leaves.lit * vigour)


def broadleaf(pen: Pen, rng: Rng, x: float, base: float, height: float, leaves: Leaves) -> None:
    """Draw a round crown of clumps, lighter on the sunny side and on top."""
    pen.line([(x, base), (x + height * 0.02, base - height * 0.5)], leaves.bark, height * 0.06)
    wide = height * float(rng.uniform(0.28, 0.42))
    clumps = int(np.clip(height * 1.0, 8, 190))
    fine = (35 / max(clumps, 35)) ** 0.45
    angle, reach = rng.uniform(0, 2 * np.pi, clumps), np.sqrt(rng.random(clumps))
    across, up = np.cos(angle) * reach, np.sin(angle) * reach
    order = np.argsort(up * 0.8 + across * leaves.sunward * 0.6 + rng.normal(0, 0.25, clumps))
    tones = _gradation(rng, leaves, np.linspace(0, 1, clumps))
    for rank, which in enumerate(order.tolist()):
        share = rank / clumps
        size = height * (0.13 - 0.07 * share) * fine
        cx = x + float(across[which]) * wide
        cy = base - height * 0.63 - float(up[which]) * height * 0.31
        pen.ellipse(cx, cy, size * 1.15, size * 0.85, tones[rank])


def poplar(pen: Pen, rng: Rng, x: float, base: float, height: float, leaves: Leaves) -> None:
    """Draw a narrow column of foliage: a Lombardy poplar or a cypress."""
    wide = height * float(rng.uniform(0.07, 0.11))
    pen.ellipse(x, base - height * 0.48, wide, height * 0.48, jitter(rng, leaves.shade, 0.06))
    places = rng.uniform(-1, 1, (int(np.clip(height, 6, 60)), 2))
    tones = _gradation(rng, leaves, 0.5 + 0.5 * places[:, 0] * leaves.sunward)
    for (across, up), tone in zip(places.tolist(), tones, strict=True):
        cx = x + across * wide * (1 - up * up) ** 0.5
        pen.ellipse(cx, base - height * (0.5 + 0.46 * up), wide * 0.4, height * 0.06, tone)


def bare(pen: Pen, rng: Rng, x: float, base: float, height: float, leaves: Leaves) -> None:
    """Draw a leafless tree with recursively forking limbs."""

    def limb(x: float, y: float, length: float, angle: float, depth: int) -> None:
        tip_x, tip_y = x + np.sin(angle) * length, y - np.cos(angle) * length
        pen.line([(x, y), (tip_x, tip_y)], leaves.bark, length * 0.13)
        if depth:
            for side in (-1, 1):
                fork = angle + side * float(rng.uniform(0.2, 0.6))
                limb(tip_x, tip_y, length * float(rng.uniform(0.6, 0.8)), fork, depth - 1)

    limb(x, base, height * 0.32, float(rng.normal(0, 0.06)), 5 if height > 40 else 3)


def stand_of_trees(
    pen: Pen,
    rng: Rng,
    kinds: tuple[Tree, ...],
    places: Array,
    base: Callable[[float], float],
    tall: float,
    leaves: Leaves,
) -> None:
    """Draw a tree at each x of `places`, with its root at row base(x), about `tall` pixels high."""
    for x in places.tolist():
        tree = kinds[int(rng.integers(len(kinds)))]
        tree(pen, rng, x, base(x), tall * min(1.7, max(0.4, rng.normal(1, 0.25))), leaves)


def grass(canvas: Array, rng: Rng, top: float, tall: float, tone: Array) -> None:
    """Draw blades of grass in the foreground, between row `top` and the lower edge."""
    height, width = canvas.shape[:2]
    count = int(width * 0.9)
    with sketch(canvas) as pen:
        for x, depth, lean, vigour in rng.random((count, 4)).tolist():
            root = top + (height - top) * depth**0.7 + tall * 0.4
            length = tall * (0.3 + 0.7 * vigour) * (0.4 + 0.6 * depth)
            foot, bend = x * width, (lean - 0.5) * length
            middle = (foot + bend * 0.3, root - length * 0.6)
            pen.line(
                [(foot, root), middle, (foot + bend, root - length)],
                tone * (0.7 + 0.5 * vigour),
                0.8,
            )


def summer_leaves(rng: Rng, sunward: float) -> Leaves:
    """Return the colours of summer foliage."""
    lit = pick(rng, 0x6F8F3A, 0x7FA046, 0x5F8440, 0x8A9A48)
    return Leaves(lit * 0.42, lit, pick(rng, 0x4A3A2C, 0x3C342C), sunward)


def autumn_leaves(rng: Rng, sunward: float) -> Leaves:
    """Return the colours of autumn foliage: yellow, orange or red."""
    lit = pick(rng, 0xD89A2C, 0xC8642A, 0xB8442C, 0xE0B43C, 0xA8743A)
    return Leaves(lit * 0.5, lit, pick(rng, 0x43352B, 0x2F2A28), sunward)


def needle_leaves(rng: Rng, sunward: float) -> Leaves:
    """Return the colours of needles, blue-green to olive, sometimes with snow."""
    if rng.random() < 0.12:
        return Leaves(pick(rng, 0x46545A), pick(rng, 0xAEBAC4), pick(rng, 0x3A322C), sunward)
    lit = pick(rng, 0x4A6A3E, 0x3F6248, 0x587048, 0x4C6650)
    return Leaves(lit * 0.5, lit, pick(rng, 0x3A2F28), sunward)


def choose_wood(rng: Rng, light: Light) -> tuple[tuple[Tree, ...], Leaves]:
    """Return random kinds of trees, and the colours of their leaves in a season."""
    sunward = 1.0 if light.toward[0] > 0 else -1.0
    draw = rng.random()
    if draw < 0.38:
        return (conifer,), needle_leaves(rng, sunward)
    if draw < 0.78:
        return (broadleaf,), summer_leaves(rng, sunward)
    if draw < 0.89:
        return (broadleaf, broadleaf, conifer), autumn_leaves(rng, sunward)
    if draw < 0.95:
        return (poplar, broadleaf), summer_leaves(rng, sunward)
    return (bare,), autumn_leaves(rng, sunward)
