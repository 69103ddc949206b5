"""Objects on the horizon: hills, distant mountain ranges, lines of trees."""

from collections.abc import Callable

import numpy as np

from training.scenes.canvas import (
    Array,
    Rng,
    cover,
    grid,
    jitter,
    mix,
    pick,
    sketch,
    smoothstep,
    spread,
    tint,
)
from training.scenes.light import Light
from training.scenes.noise import origin, patch, profile, sample
from training.scenes.terrain import Ground, View, visible_ground
from training.scenes.vegetation import choose_wood, stand_of_trees


def ranges(
    rng: Rng, canvas: Array, light: Light, horizon: float, tall: float, layers: int, colour: Array
) -> None:
    """Paint layers of ridges that fade with distance; `tall` is the highest crest in pixels."""
    height, width = canvas.shape[:2]
    rows, _ = grid((height, width))
    bottom = min(height, max(1, int(horizon) + 1))
    rows = rows[:bottom]
    for layer in range(layers):
        near = (layer + 1) / layers
        share = width / max(width, height) * (0.6 + near)
        broad = profile(rng, width, float(rng.uniform(0.6, 1.7)) * share, "smooth")
        crest = 0.8 * broad + 0.3 * profile(rng, width, float(rng.uniform(1, 2.5)) * share)
        lift = tall * (1.1 - 0.75 * near) * (1 + 0.38 * crest)
        mask = np.clip(rows - (horizon - lift)[None, :] + 0.5, 0, 1)
        mottle = 1 + 0.045 * spread(patch(rng, (bottom, width), 9, "cloud"))
        tone = light.veil(light.shine(jitter(rng, colour, 0.05), 0.45), 1.3 * (1.15 - near))
        fade = spread(np.clip((rows - (horizon - lift)[None, :]) / max(tall, 1), 0, 1))
        paint = mix(tone * mottle, light.veil(tone, 0.7), fade * 0.6)
        cover(canvas[:bottom], paint, mask)


def massif(rng: Rng, canvas: Array, light: Light, view: View, tall: float, snowy: bool) -> Ground:
    """Paint a sunlit mountain chain; `tall` is its height as a share of the frame."""
    peak = tall * view.size[0] / view.focal * 30
    scale, shift = float(rng.uniform(1.3, 3)), origin(rng) + origin(rng)
    rough = float(rng.uniform(0.75, 1.1))

    def rise(x: Array, z: Array) -> Array:
        broad = sample("smooth", x * scale * 0.35 + shift[0], z * scale * 0.35 + shift[1])
        crag = sample("ridge", x * scale + shift[2], z * scale + shift[3])
        envelope = smoothstep(7, 30, z) * (1 + z / 90)
        shape = np.maximum(0.42 + 0.2 * broad + 0.26 * rough * crag, 0)
        # The highest crests are compressed, so that they stay within the frame.
        return peak * envelope * 1.5 * np.tanh(shape / 1.5)

    ground = visible_ground(view, light, (6, 75), rise)
    rock = pick(rng, 0x8A8078, 0x77787C, 0x96866F, 0x6C6A70, 0x9A7560)
    low = pick(rng, 0x5C6E3E, 0x4A5C3A, 0x6E7048, 0x3E5238)
    paint = _alpine(rng, ground, light, peak, (rock, low), snowy)
    distance = smoothstep(6, 75, ground.z)
    cover(canvas, light.veil(paint, distance * 0.75), ground.seen)
    return ground


def _alpine(
    rng: Rng, ground: Ground, light: Light, peak: float, colours: tuple[Array, Array], snowy: bool
) -> Array:
    rock, low = colours
    size = (ground.z.shape[0], ground.z.shape[1])
    mottle = patch(rng, size, 8, "cloud")
    altitude = ground.level / peak + 0.08 * mottle
    tree_line = float(rng.uniform(0.2, 0.42))
    albedo = mix(
        low,
        rock,
        spread(smoothstep(tree_line - 0.1, tree_line + 0.12, altitude + 0.15 * ground.slope)),
    )
    strata = 1 + 0.05 * np.sin(ground.level / peak * 30 + mottle) + 0.12 * mottle
    albedo = albedo * spread(strata)
    shade = smoothstep(0.15, 0.85, ground.shade)
    if snowy:
        line = float(rng.uniform(0.25, 0.75))
        snow = smoothstep(line - 0.08, line + 0.08, altitude) * smoothstep(2.6, 1.3, ground.slope)
        albedo = mix(albedo, tint(0xE2E8F0) * 0.94, spread(snow))
    return light.shine(albedo, shade)


def tree_line(
    rng: Rng,
    canvas: Array,
    light: Light,
    base: Callable[[float], float],
    tall: float,
    distance: float,
    density: float = 1.0,
) -> None:
    """Paint a line of trees with roots at row base(x); a `density` below 1 leaves gaps."""
    width = canvas.shape[1]
    kinds, leaves = choose_wood(rng, light)
    toned = leaves.under(light, distance)
    count = int(np.clip(width / max(tall, 4) * 3.2 * density, 2, 130))
    groups = profile(rng, width, 3, "cloud") + 2.4 * density - 1.2
    places = rng.uniform(-5, width + 5, count)
    places = places[groups[np.clip(places, 0, width - 1).astype(int)] > 0]
    with sketch(canvas) as pen:
        stand_of_trees(pen, rng, kinds, places, base, tall, toned)
