"""Buildings in front view: façades with windows, and rows of towers with roofs."""

from dataclasses import dataclass

import numpy as np

from training.scenes.canvas import (
    Array,
    Pen,
    Rng,
    cover,
    jitter,
    pick,
    sketch,
    smoothstep,
    spread,
    tint,
)
from training.scenes.light import Light
from training.scenes.noise import profile

WALLS = (0xB8AC9C, 0x9C9088, 0xC8C0B4, 0x7C7C84, 0x8A6E5C, 0x5C6C7C, 0xA87860, 0xD4CCC0)
LAMPS = (0xFFD890, 0xFFC060, 0xFFE8C0, 0xE8F0FF)


@dataclass(frozen=True)
class Style:
    """Style of a town: wall colours, window pitch in pixels, share of lit windows, widths."""

    walls: tuple[int, ...]
    pitch: float
    lit: float
    width: tuple[float, float]


def choose_style(rng: Rng, light: Light) -> Style:
    """Return a random style for a light; widths are shares of the image width."""
    few = rng.permutation(WALLS)[:4].tolist()
    lit = float(rng.uniform(0.25, 0.7)) if light.dark else float(rng.uniform(0, 0.06))
    narrow = float(rng.uniform(0.025, 0.06))
    return Style(tuple(few), float(rng.uniform(2.6, 4.6)), lit, (narrow, narrow * 2.4))


def facade(
    rng: Rng,
    canvas: Array,
    box: tuple[float, float, float, float],
    pitch: float,
    glow: tuple[Array, Array, float],
) -> None:
    """Paint windows in a box (left, top, right, bottom); glow = (glass, lamp, lit share)."""
    height, width = canvas.shape[:2]
    left, top = max(0, int(box[0]) + 1), max(0, int(box[1]) + 2)
    right, bottom = min(width, int(box[2])), min(height, int(box[3]))
    if right - left < 3 or bottom - top < 3:
        return
    glass, lamp, lit = glow
    u = (np.arange(left, right, dtype=np.float32) - float(box[0])) / pitch
    v = (np.arange(top, bottom, dtype=np.float32) - float(box[1])) / (
        pitch * float(rng.uniform(1.0, 1.5))
    )
    wide, tall = float(rng.uniform(-0.5, 0.3)), float(rng.uniform(-0.4, 0.4))
    across = np.clip(0.5 + 1.6 * (np.sin(u * 2 * np.pi) - wide), 0, 1)
    down = np.clip(0.5 + 1.6 * (np.sin(v * 2 * np.pi) - tall), 0, 1)
    shape = (int(v[-1]) + 2, int(u[-1]) + 2)
    power = rng.uniform(0.5, 1.1, shape).astype(np.float32)
    lamps = np.where(rng.random(shape, np.float32) < lit, power, np.float32(0))
    on = spread(lamps[np.ix_(v.astype(np.int32), u.astype(np.int32))])
    cover(
        canvas[top:bottom, left:right],
        glass + (lamp - glass) * on,
        down[:, None] * across[None, :] * 0.95,
    )


def skyline(
    rng: Rng, canvas: Array, light: Light, style: Style, band: tuple[float, float, float]
) -> None:
    """Paint a row of towers; band = (row of their base, largest height in pixels, nearness 0-1)."""
    foot, crest, near = band
    width = canvas.shape[1]
    rise = smoothstep(-1.3, 1.5, profile(rng, width, float(rng.uniform(1.2, 3)), "cloud"))
    distance = 1.1 * (1 - near) * 0.8 + 0.06
    x = float(rng.uniform(-0.05, 0)) * width
    boxes: list[tuple[float, float, float, float]] = []
    with sketch(canvas) as pen:
        while x < width:
            wide = width * float(rng.uniform(*style.width)) * (0.6 + 0.6 * near)
            share = 0.22 + 0.78 * float(rise[int(np.clip(x + wide / 2, 0, width - 1))])
            tall = crest * share * float(rng.uniform(0.55, 1.1))
            wall = jitter(rng, tint(style.walls[int(rng.integers(len(style.walls)))]), 0.08)
            tone = light.veil(light.shine(wall, 0.65), distance)
            dark = light.veil(light.shine(wall, 0.15), distance)
            box = (x, foot - tall, x + wide, foot)
            _tower(pen, rng, box, tone, dark, 1 if light.toward[0] > 0 else -1)
            boxes.append(box)
            x += wide * float(rng.choice([0.75, 1.0, 1.0, 1.05, 1.5]))
    glass = light.veil(light.shine(pick(rng, 0x3A4654, 0x50606C, 0x2C343C), 0.4), distance)
    lamp = light.veil(pick(rng, *LAMPS), distance * 0.4)
    for box in boxes:
        if rng.random() < 0.9:
            facade(rng, canvas, box, style.pitch * (0.55 + 0.55 * near), (glass, lamp, style.lit))


def _tower(
    pen: Pen,
    rng: Rng,
    box: tuple[float, float, float, float],
    tone: Array,
    dark: Array,
    sunward: int,
) -> None:
    left, top, right, bottom = box
    wide = right - left
    pen.rectangle(box, tone)
    shaded = wide * float(rng.uniform(0, 0.35))
    if sunward > 0:
        pen.rectangle((left, top, left + shaded, bottom), dark)
    else:
        pen.rectangle((right - shaded, top, right, bottom), dark)
    middle, roof = (left + right) / 2, rng.random()
    if roof < 0.16:
        pen.polygon(
            [(left, top), (middle, top - wide * float(rng.uniform(0.3, 1.4))), (right, top)],
            tone * 0.85,
        )
    elif roof < 0.38:
        step = wide * float(rng.uniform(0.12, 0.3))
        pen.rectangle((left + step, top - step * 1.3, right - step, top), tone * 0.93)
        pen.rectangle(
            (left + 1.7 * step, top - step * 2.2, right - 1.7 * step, top - step * 1.3), tone * 0.88
        )
    elif roof < 0.5:
        pen.line([(middle, top), (middle, top - wide * float(rng.uniform(0.5, 1.6)))], dark, 0.8)
    elif roof < 0.6:
        pen.polygon([(left, top), (right, top - wide * 0.5), (right, top)], tone * 0.9)
    elif roof < 0.68:
        pen.ellipse(middle, top, wide / 2, wide * 0.3, tone * 0.9)
