"""Objects at sea: headlands, rocks, breaking waves, sailing boats, a lighthouse."""

import numpy as np

from training.scenes.canvas import (
    Array,
    Rng,
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
from training.scenes.noise import origin, patch, profile, sample
from training.scenes.terrain import View, visible_ground


def headland(rng: Rng, canvas: Array, light: Light, view: View) -> None:
    """Paint a rocky coast that extends from one side of the image."""
    side = float(rng.choice([-1, 1]))
    tall, reach = view.eye * float(rng.uniform(0.9, 3)), float(rng.uniform(6, 26)) * view.eye
    edge, shift = float(rng.uniform(0.1, 0.5)), origin(rng)
    size = view.eye * 64

    def rise(x: Array, z: Array) -> Array:
        crag = sample("ridge", x * 60 / size * 4 + shift[0], z * 60 / size * 4 + shift[1])
        bay = sample("cloud", x * 6 / view.eye + shift[1], z * 6 / view.eye + shift[0])
        inland = (
            side * x - edge * z * 0.6 + 0.09 * z * bay - smoothstep(reach * 0.8, reach * 1.3, z) * z
        )
        cliff = smoothstep(0, 0.22, inland / reach)
        return tall * cliff * (0.75 + 0.16 * crag + 0.1 * bay) - 0.02

    ground = visible_ground(view, light, (2.5 * view.eye, 1.4 * reach), rise)
    rock = pick(rng, 0x8C7C68, 0x6A645E, 0xA8947A, 0xD8D0C0, 0x7A5C48)
    turf = pick(rng, 0x5E7040, 0x707848, 0x4E5C3A)
    layers = 1 + 0.16 * np.sin(ground.level / tall * 34 + 3 * patch(rng, view.size, 3))
    albedo = mix(turf, rock * spread(layers), spread(smoothstep(0.25, 0.8, ground.slope)))
    albedo = albedo * (1 + 0.12 * spread(patch(rng, view.size, 8)))
    paint = light.veil(
        light.shine(albedo, smoothstep(0, 0.9, ground.shade)), ground.z / reach * 0.3
    )
    above = ground.seen * (ground.level > 0.004 * tall)
    surf = ground.seen * smoothstep(0.1, 0.02, ground.level / tall) * above
    cover(canvas, paint, above)
    cover(canvas, light.shine(tint(0xF0F4F4), 0.6), surf * 0.5)


def rocks(rng: Rng, canvas: Array, light: Light, view: View) -> None:
    """Paint rocks in the water, with foam around them."""
    stone = light.shine(pick(rng, 0x5C5650, 0x4A4846, 0x786858), 0.6)
    height, _ = view.size
    nearest = view.eye * view.focal / (height - view.horizon)
    foam = light.shine(tint(0xF0F4F4), 0.6)
    with sketch(canvas) as pen:
        depths = nearest * np.exp(rng.uniform(0.1, 2, int(rng.integers(2, 9))))
        for z in np.sort(depths)[::-1].tolist():
            x, y = view.project(float(rng.uniform(-0.6, 0.6)) * z, 0, z)
            wide = view.focal / z * view.eye * float(rng.uniform(0.06, 0.3))
            tall = wide * float(rng.uniform(0.4, 1.9))
            outline = np.linspace(-1, 1, 9)
            crest = tall * (1 - np.abs(outline) ** 1.7) * rng.uniform(0.35, 1.15, 9)
            top = [
                (x + wide * a, y - b) for a, b in zip(outline.tolist(), crest.tolist(), strict=True)
            ]
            pen.ellipse(x, y, wide * 1.3, wide * 0.16, foam)
            pen.polygon(
                [*top, (x + wide * 0.8, y + 1), (x - wide * 0.8, y + 1)], light.veil(stone, z / 90)
            )
            lit = top[:5] if light.toward[0] < 0 else top[4:]
            pen.polygon([*lit, (x, y)], light.veil(stone * 1.35, z / 90))


def breaker(rng: Rng, canvas: Array, light: Light, view: View) -> None:
    """Paint a breaking wave close to the camera."""
    height, width = view.size
    rows, _ = grid(view.size)
    level = view.horizon + (height - view.horizon) * float(rng.uniform(0.15, 0.6))
    tall = height * float(rng.uniform(0.06, 0.2))
    hump = smoothstep(-1.2, 1.2, profile(rng, width, 1.2, "smooth"))
    crest = level - tall * hump + 1.5 * profile(rng, width, 8)
    drop = (rows - crest[None, :]) / np.maximum(tall * 1.1 * hump[None, :], 1)
    face = (
        smoothstep(0, 0.05, drop)
        * smoothstep(1.15, 0.85, drop)
        * smoothstep(0.1, 0.3, hump)[None, :]
    )
    glass = light.shine(pick(rng, 0x4FA49C, 0x3F8C94, 0x5C9A8C), 0.85)
    dark = light.shine(pick(rng, 0x1F5468, 0x24505C), 0.45)
    streaks = 1 + 0.12 * spread(patch(rng, view.size, 8, "cloud", stretch=0.3))
    cover(canvas, mix(glass, dark, spread(np.clip(drop, 0, 1))) * streaks, face)
    lace = patch(rng, view.size, 8, "cloud")
    spill = smoothstep(0.1, 0.6, profile(rng, width, 2) * 0.6 + hump)[None, :]
    reach = 0.12 + 0.75 * spill
    foam = (
        smoothstep(-0.25, 0, drop)
        * smoothstep(reach, reach * 0.5, drop + 0.18 * lace)
        * (hump > 0.15)
    )
    cover(canvas, light.shine(tint(0xF6FAFA), 0.65), np.clip(foam, 0, 1) * 0.95)


def sails(rng: Rng, canvas: Array, light: Light, view: View) -> None:
    """Paint one to four sailing boats."""
    cloth = light.shine(pick(rng, 0xF4F2EA, 0xE8E0D0, 0xF0F0F0, 0xE4E8EC, 0xC8503C, 0x3C5C88), 0.85)
    with sketch(canvas) as pen:
        for z in rng.uniform(8, 70, int(rng.choice([1, 1, 2, 4]))).tolist():
            x, y = view.project(float(rng.uniform(-0.4, 0.4)) * z, 0, z * view.eye)
            tall = view.size[0] * float(rng.uniform(0.8, 1.6)) / z**0.6
            long = tall * 0.36
            pen.polygon(
                [
                    (x - long, y - tall * 0.1),
                    (x + long, y - tall * 0.1),
                    (x + long * 0.7, y),
                    (x - long * 0.8, y),
                ],
                cloth * 0.45,
            )
            pen.polygon([(x, y - tall), (x, y - tall * 0.14), (x + long, y - tall * 0.14)], cloth)
            pen.polygon(
                [
                    (x - 0.4, y - tall * 0.9),
                    (x - 0.6, y - tall * 0.14),
                    (x - long * 0.9, y - tall * 0.14),
                ],
                cloth * 0.85,
            )


def lighthouse(rng: Rng, canvas: Array, light: Light, view: View) -> None:
    """Paint a striped lighthouse on a rock at the horizon."""
    height, width = view.size
    x, foot = width * float(rng.uniform(0.1, 0.9)), view.horizon + height * 0.02
    tall = height * float(rng.uniform(0.14, 0.34))
    wall = light.shine(tint(0xF2EEE6), 0.8)
    band = light.shine(pick(rng, 0xB83A30, 0x2A3A50), 0.8)
    wide = tall * 0.09
    with sketch(canvas) as pen:
        ledge = np.linspace(-0.7, 0.7, 13)
        crest = 0.16 * (1 - (ledge / 0.7) ** 2) * rng.uniform(0.7, 1.1, 13)
        mound = [
            (x + a * tall, foot - b * tall)
            for a, b in zip(ledge.tolist(), crest.tolist(), strict=True)
        ]
        pen.polygon(mound, light.shine(tint(0x5A544C), 0.5))
        foot -= 0.1 * tall
        for step in range(5):
            low, high = foot - tall * step / 5, foot - tall * (step + 1) / 5
            a, b = wide * (1 - 0.09 * step), wide * (1 - 0.09 * (step + 1))
            corners = [(x - a, low), (x + a, low), (x + b, high), (x - b, high)]
            pen.polygon(corners, wall if step % 2 else band)
        pen.rectangle((x - wide * 0.5, foot - tall * 1.12, x + wide * 0.5, foot - tall), band * 0.5)
        pen.ellipse(x, foot - tall * 1.06, wide * 0.4, wide * 0.4, tint(0xFFF2C0))
