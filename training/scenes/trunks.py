"""Tree trunks: tapered, lit from one side, with a few dead branches."""

from dataclasses import dataclass

import numpy as np

from training.scenes.canvas import Array, Pen, Rng, jitter, sketch, tint
from training.scenes.light import Light

BARKS = (0x5A4A3C, 0x3E342C, 0x7A6A5C, 0x8C5A3C, 0x6A645C, 0xD8D6CE)


@dataclass(frozen=True)
class Trunk:
    """Trunk in pixels: column and row of its base and of its top, and its width."""

    foot_x: float
    foot: float
    top_x: float
    top: float
    wide: float

    def at(self, row: float) -> float:
        """Return the column of the trunk's centre at a row."""
        share = (self.foot - row) / (self.foot - self.top)
        return self.foot_x + (self.top_x - self.foot_x) * share


def trunks(
    rng: Rng, canvas: Array, light: Light, wood: tuple[Array, float], near: float, floor: float
) -> None:
    """Paint one layer of trunks.

    `wood` is the colour of the bark and the distance (0 near, 1 far); `near` is 0 for the farthest
    layer and 1 for the nearest; `floor` is the first row of the ground.
    """
    height, width = canvas.shape[:2]
    bark, distance = wood
    birch = float(bark.min()) > 0.6
    sunward = 1 if light.toward[0] > 0 else -1
    thick = width * 0.042 * near**2.1 * float(rng.uniform(0.6, 1.4)) + 0.8
    count = int(float(rng.uniform(0.22, 0.42)) * width / (thick + 5))
    base = floor + (height - floor) * max(0.0, near - 0.15) ** 2.2
    with sketch(canvas) as pen:
        for x in rng.uniform(-0.05, 1.05, count).tolist():
            foot = base + float(rng.normal(0, 0.02)) * height
            top_x = x * width + float(rng.normal(0, 0.05)) * height
            top = float(rng.choice([-5.0, -5.0, floor * 0.2]))
            wide = thick * float(np.exp(rng.normal(0, 0.35)))
            trunk = Trunk(x * width, foot, top_x, top, wide)
            dark = light.veil(light.shine(jitter(rng, bark, 0.1), 0.2), distance)
            lit = light.veil(light.shine(jitter(rng, bark, 0.1), 0.85), distance)
            _stem(pen, trunk, dark, lit, sunward)
            if birch and wide > 2:
                _birch_marks(pen, rng, trunk)
            if wide > 1.5:
                _branches(pen, rng, trunk, dark, floor)


def _stem(pen: Pen, trunk: Trunk, dark: Array, lit: Array, sunward: int) -> None:
    x, tip, wide = trunk.foot_x, trunk.top_x, trunk.wide
    root, knee = trunk.foot + wide * 0.3, trunk.foot - wide
    left = [(x - wide * 0.75, root), (x - wide * 0.5, knee), (tip - wide * 0.3, trunk.top)]
    right = [(tip + wide * 0.3, trunk.top), (x + wide * 0.5, knee), (x + wide * 0.75, root)]
    pen.polygon(left + right, dark)
    half = sunward * wide
    outer = [(x + half * 0.5, knee), (tip + half * 0.3, trunk.top)]
    pen.polygon([*outer, (tip + half * 0.05, trunk.top), (x + half * 0.08, knee)], lit)


def _birch_marks(pen: Pen, rng: Rng, trunk: Trunk) -> None:
    for row in rng.uniform(0, trunk.foot, 9).tolist():
        middle = trunk.at(row)
        end = middle + trunk.wide * float(rng.uniform(-0.2, 0.3))
        pen.line([(middle - trunk.wide * 0.4, row), (end, row)], tint(0x2A2826), trunk.wide * 0.1)


def _branches(pen: Pen, rng: Rng, trunk: Trunk, dark: Array, floor: float) -> None:
    for _ in range(int(rng.integers(0, 4))):
        row = float(rng.uniform(0.05, 0.6)) * floor
        reach = float(rng.choice([-1, 1])) * trunk.wide * float(rng.uniform(2, 6))
        tip = (trunk.at(row) + reach, row - abs(reach) * float(rng.uniform(-0.1, 0.8)))
        pen.line([(trunk.at(row), row), tip], dark, max(0.6, trunk.wide * 0.14))
