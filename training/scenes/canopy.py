"""Foliage: leaves at the top of the frame, shafts of light, crowns from above."""

import numpy as np

from training.scenes.canvas import (
    Array,
    Rng,
    Size,
    cover,
    grid,
    jitter,
    mix,
    pick,
    sketch,
    smoothstep,
    spread,
)
from training.scenes.light import Light
from training.scenes.noise import patch, profile
from training.scenes.vegetation import Leaves


def curtain(rng: Rng, canvas: Array, leaves: Leaves, near: float) -> None:
    """Paint leaves at the top of the frame; `near` (0-1) makes them coarser and lower."""
    size = (canvas.shape[0], canvas.shape[1])
    rows, _ = grid(size)
    reach = float(rng.uniform(0.15, 0.75)) * (1.1 - 0.5 * near)
    clumps = patch(rng, size, 3 + 3 * (1 - near), "cloud")
    fine = patch(rng, size, 8 - 3 * near, "grain")
    hang = clumps + 0.55 * fine + 2.2 * (reach - rows / size[0])
    mask = smoothstep(0.0, 0.6, hang)
    sun = np.clip(0.35 + 0.3 * clumps + 0.3 * fine, 0, 1.1)
    cover(canvas, mix(leaves.shade, leaves.lit, spread(sun)), mask * 0.93)


def shafts(rng: Rng, canvas: Array, light: Light) -> None:
    """Paint slanting beams of sunlight in mist between the trunks."""
    height, width = canvas.shape[:2]
    rows, columns = grid((height, width))
    slant = float(rng.uniform(0.2, 0.9)) * (1 if light.toward[0] > 0 else -1)
    beams = np.clip(profile(rng, 3 * width, float(rng.uniform(6, 14))) - 0.2, 0, 1.4)
    place = np.clip(columns + slant * rows + width, 0, 3 * width - 1).astype(np.int32)
    fade = np.clip(1.15 - rows / height, 0, 1) * float(rng.uniform(0.15, 0.45))
    cover(canvas, np.clip(light.sun * 1.2 + 0.15, 0, 1.2), beams[place] * fade * 0.7)


def canopy_from_above(rng: Rng, light: Light, size: Size) -> Array:
    """Paint adjoining tree crowns from above on a new canvas of `size`."""
    height, width = size
    families = [pick(rng, 0x4F7038, 0x5F8440, 0x3E5E38, 0x6E8A44) for _ in range(3)]
    if rng.random() < 0.4:
        families += [pick(rng, 0xC8842C, 0xB8502C, 0xD8AC3C, 0x8A6A38) for _ in range(3)]
    canvas = spread(np.zeros(size, np.float32)) + light.shine(families[0] * 0.22, 0.2)
    blend = patch(rng, size, 3, "cloud")
    thin = patch(rng, size, 2, "cloud")
    radius = width * float(rng.uniform(0.03, 0.06))
    deeper = float(rng.uniform(0.35, 1))
    side = light.toward[0]
    with sketch(canvas) as pen:
        for y in np.arange(-radius, height + radius, radius * 0.95).tolist():
            scale = radius * (deeper + (1 - deeper) * y / height)
            for x in np.arange(-radius, width + radius, scale * 1.5).tolist():
                x, top = (
                    x + float(rng.normal(0, scale * 0.6)),
                    y + float(rng.normal(0, scale * 0.4)),
                )
                spot = min(height - 1, max(0, int(top))), min(width - 1, max(0, int(x)))
                if thin[spot] < -1.9:
                    continue
                which = int(len(families) / 2 + float(blend[spot]) + rng.normal(0, 0.6))
                which = min(len(families) - 1, max(0, which))
                crown, size_here = (
                    jitter(rng, families[which], 0.09),
                    scale * float(rng.uniform(0.7, 1.25)),
                )
                dark, bright = light.shine(crown * 0.45, 0.2), light.shine(crown, 0.9)
                pen.ellipse(x, top, size_here, size_here * 0.92, dark)
                dabs = rng.uniform(-0.7, 0.7, (7, 2))
                shares = np.clip(0.45 + 0.4 * (dabs[:, 1] + side * dabs[:, 0]), 0, 1)[:, None]
                reach = size_here * 0.38
                for (right, up), tone in zip(dabs.tolist(), mix(dark, bright, shares), strict=True):
                    pen.ellipse(
                        x + right * size_here, top - up * size_here, reach, reach * 0.85, tone
                    )
    canvas *= 1 + 0.1 * spread(patch(rng, size, 9, "grain"))
    haze = np.broadcast_to(
        np.linspace(0.25 * (1 - deeper), 0, height, dtype=np.float32)[:, None], size
    )
    return light.veil(canvas, haze)
