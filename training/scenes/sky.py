"""Sky: gradient, sun and glow, clouds in perspective, stars."""

import numpy as np

from training.scenes.canvas import (
    Array,
    Rng,
    Size,
    cover,
    enlarge,
    grid,
    mix,
    sketch,
    smoothstep,
    spread,
    tint,
)
from training.scenes.light import Light
from training.scenes.noise import FEATURE, origin, sample


def paint_sky(rng: Rng, light: Light, size: Size, horizon: float) -> Array:
    """Paint the sky on a new canvas of `size`; below row `horizon` the lowest colour repeats."""
    # A sky has no sharp edges, so it is painted at half size, for a quarter of the cost.
    height, width = (size[0] + 1) // 2, (size[1] + 1) // 2
    rows, _ = grid((height, width))
    rise = np.clip((horizon / 2 - rows) / height, 0, 1)
    share = np.clip(rise / float(rng.uniform(0.5, 0.95)), 0, 1) ** float(rng.uniform(0.5, 0.8))
    small = mix(light.horizon, light.zenith, spread(np.repeat(share, width, axis=1)))
    _glow(rng, small, light, horizon / 2)
    if light.mood != "fog":
        _clouds(rng, small, light, horizon / 2)
    _uneven(rng, small, light)
    canvas = enlarge(small, size)
    if light.mood == "night":
        _stars(rng, canvas, horizon)
    return canvas


def _glow(rng: Rng, canvas: Array, light: Light, horizon: float) -> None:
    height, width = canvas.shape[:2]
    rows, columns = grid((height, width))
    x, y = light.sun_at[0] * width, horizon - light.sun_at[1] * height
    distance = np.hypot(columns - x, (rows - y) * 1.25) / max(height, width)
    warmth = 0.75 if light.low_sun else 0.25
    halo = np.exp(-((distance / 0.32) ** 1.3)) * warmth
    cover(canvas, np.clip(light.sun * 1.25 + 0.12, 0, 1.2), halo * min(1, light.sun.max() * 1.3))
    if light.low_sun and light.cover < 0.75:
        radius = float(rng.uniform(0.012, 0.035))
        disc = smoothstep(radius * 1.25, radius, distance)
        cover(canvas, tint(0xFFF3D0) * 1.25, disc)


def _stars(rng: Rng, canvas: Array, horizon: float) -> None:
    height, width = canvas.shape[:2]
    count = int(rng.integers(0, 60))
    for x, y, power in rng.random((count, 3)):
        if y * height < horizon:
            canvas[int(y * height), int(x * width)] += 0.5 * power


def _clouds(rng: Rng, canvas: Array, light: Light, horizon: float) -> None:
    height, width = canvas.shape[:2]
    band = int(np.clip(horizon, 4, height))
    rows, columns = grid((band, width))
    rise = np.maximum(horizon - rows, 0) / height
    depth = 1 / (rise + float(rng.uniform(0.12, 0.4)))
    scale = FEATURE * float(rng.choice([0.22, 0.4, 0.7, 1.1]))
    skew = float(rng.normal(0, 0.6))
    left, top = origin(rng)
    u = (columns / width - 0.5) * depth * scale + left
    v = depth * scale * float(rng.uniform(0.8, 1.8)) + top + skew * u
    density = sample("cloud", u, np.broadcast_to(v, u.shape))
    edge = 1.7 - 3.2 * light.cover
    softness = float(rng.choice([0.35, 0.7, 1.6]))
    mask = smoothstep(edge, edge + softness, density) * smoothstep(0.0, 0.09, rise)
    # An edge is lit if the density decreases towards the sun.
    step_x = 2 if light.sun_at[0] > 0.5 else -2
    beyond = np.roll(density, (2, -step_x), axis=(0, 1))
    lit = np.clip(0.55 + 0.55 * (density - beyond) - 0.12 * (density - edge), 0, 1)
    shadow = mix(light.zenith, light.horizon, 0.55) * (0.62 if light.mood == "storm" else 0.86)
    bright = np.clip(light.sun * 0.75 + light.ambient * 0.75, 0, 1.08)
    paint = mix(shadow, bright, spread(lit))
    cover(canvas[:band], paint, mask * float(rng.uniform(0.65, 0.97)))


def _uneven(rng: Rng, canvas: Array, light: Light) -> None:
    # A slow drift of brightness, as in real skies, makes the gradients of cloudless scenes
    # different from each other.
    height, width = canvas.shape[:2]
    u = np.linspace(0, float(rng.uniform(0.6, 2.2)) * FEATURE, width, dtype=np.float32)
    v = np.linspace(0, float(rng.uniform(0.5, 1.6)) * FEATURE, height, dtype=np.float32)
    left, top = origin(rng)
    drift = sample("smooth", u[None, :] + left, v[:, None] + top)
    strength = 0.02 if light.mood in ("noon", "clear") else 0.035
    canvas *= 1 + strength * spread(drift)


def birds(rng: Rng, canvas: Array, horizon: float) -> None:
    """Paint two to eight distant birds."""
    width = canvas.shape[1]
    with sketch(canvas) as pen:
        for _ in range(int(rng.integers(2, 9))):
            x, y = rng.uniform(0, width), rng.uniform(0.1, 0.8) * horizon
            span = rng.uniform(1.5, 5)
            wings = [(x - span, y - span * 0.4), (x, y), (x + span, y - span * 0.5)]
            pen.line(wings, tint(0x2A2A30), 0.8)
