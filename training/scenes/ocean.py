"""Oceans: open water, surf on beaches, cliffs, sailing boats, reflections of the sun."""

import numpy as np

from training.scenes.canvas import (
    Array,
    Rng,
    Size,
    cover,
    grid,
    mix,
    pick,
    smoothstep,
    spread,
    tint,
)
from training.scenes.coast import breaker, headland, lighthouse, rocks, sails
from training.scenes.light import DAYLIGHT, Light, choose_light
from training.scenes.noise import origin, patch, sample
from training.scenes.sky import birds, paint_sky
from training.scenes.terrain import Ground, View, flat, random_view
from training.scenes.water import glitter, ripples


def paint_ocean(rng: Rng, size: Size) -> Array:
    """Paint a seascape on a new canvas of `size`."""
    light = choose_light(rng, {**DAYLIGHT, "sunset": 2, "storm": 1.4})
    if rng.random() < 0.06:
        return _from_above(rng, light, size)
    view = random_view(rng, size, float(rng.uniform(0.22, 0.62)), eye=float(rng.uniform(0.8, 2.6)))
    canvas = paint_sky(rng, light, size, view.horizon)
    if rng.random() < 0.3:
        birds(rng, canvas, view.horizon)
    plane = flat(view)
    wave = _sea(rng, canvas, light, view, plane)
    if light.low_sun or rng.random() < 0.2:
        glitter(canvas, light, view, wave, plane.seen * float(rng.uniform(0.6, 1)))
    _features(rng, canvas, light, view)
    if rng.random() < 0.42:
        _beach(rng, canvas, light, view, plane)
    return canvas


def _features(rng: Rng, canvas: Array, light: Light, view: View) -> None:
    if rng.random() < 0.36:
        headland(rng, canvas, light, view)
    if rng.random() < 0.25:
        sails(rng, canvas, light, view)
    if rng.random() < 0.08:
        lighthouse(rng, canvas, light, view)
    if rng.random() < 0.22:
        breaker(rng, canvas, light, view)
    if rng.random() < 0.25:
        rocks(rng, canvas, light, view)


def _sea(rng: Rng, canvas: Array, light: Light, view: View, plane: Ground) -> Array:
    """Paint the open water; return its waves, float32 (height, width)."""
    left, top = origin(rng)
    length, slant = float(rng.uniform(7, 26)), float(rng.normal(0, 0.5))
    swell = sample(
        "cloud", plane.x * length * 0.25 + left, (plane.z + slant * plane.x) * length + top
    )
    rows, _ = grid(view.size)
    swell = swell * smoothstep(0, 0.14, (rows - view.horizon) / view.size[0])
    wave = 0.6 * swell + 0.6 * ripples(rng, view, float(rng.uniform(0.5, 1.1)))
    deep = light.shine(pick(rng, 0x1E4F74, 0x25647A, 0x1C3E5C, 0x2E6E78, 0x3A5560), 0.55)
    nearness = np.clip((rows - view.horizon) / view.size[0] / 0.6, 0, 1)
    reflect = np.clip(0.6 - 0.42 * nearness**0.6 - 0.16 * wave, 0.02, 0.95)
    sky = mix(light.horizon, light.zenith, spread(np.clip(nearness * 1.4, 0, 1)))
    water = mix(deep * (1 + 0.14 * spread(wave)), sky, spread(reflect))
    cover(canvas, light.veil(water, smoothstep(40, 400, plane.z) * 0.35), plane.seen)
    _whitecaps(rng, canvas, light, plane, wave)
    return wave


def _whitecaps(rng: Rng, canvas: Array, light: Light, plane: Ground, wave: Array) -> None:
    rough = 1.2 if light.mood == "storm" else float(rng.uniform(1.3, 2.6))
    left, top = origin(rng)
    lace = sample("grain", plane.x * 30 + left, plane.z * 60 + top)
    foam = smoothstep(rough, rough + 0.5, wave * 1.35 + 0.25 * lace)
    cover(canvas, light.shine(tint(0xF0F4F4), 0.6), foam * 0.75 * plane.seen)


def _beach(rng: Rng, canvas: Array, light: Light, view: View, plane: Ground) -> None:
    height, _ = view.size
    bottom = view.eye * view.focal / (height - view.horizon)
    middle, slant = bottom * float(rng.uniform(1.15, 2.1)), float(rng.normal(0, 0.8))
    left, _ = origin(rng)
    cusps = sample("cloud", plane.x * 24 / view.eye + left, plane.z * 2)
    offshore = plane.z - middle - slant * plane.x + 0.12 * view.eye * cusps
    _shallows(rng, canvas, light, view, plane, offshore)
    sand = light.shine(pick(rng, 0xD9C49A, 0xC8B088, 0xE6D8B8, 0x9A8A78, 0xB89878), 0.75)
    mottle = 1 + 0.07 * spread(patch(rng, view.size, 8, "cloud", stretch=4))
    wet = mix(sand * 0.62, canvas[::-1] * 0.8, 0.25)
    run = view.eye * float(rng.uniform(0.2, 0.6))
    beach = mix(wet, sand * mottle, spread(smoothstep(-0.2 * run, -run, offshore)))
    cover(canvas, beach, smoothstep(0.02, -0.02, offshore) * plane.seen)
    edge = np.exp(-((offshore / (0.05 * view.eye)) ** 2))
    cover(canvas, light.shine(tint(0xFAFAF6), 0.7), edge * 0.9 * plane.seen)


def _shallows(
    rng: Rng, canvas: Array, light: Light, view: View, plane: Ground, offshore: Array
) -> None:
    shallow = light.shine(pick(rng, 0x5FB4B0, 0x7AA8A0, 0x86B0B8, 0x4AA0B0), 0.6)
    depth = offshore / view.eye
    cover(canvas, shallow, smoothstep(2.6, 0, depth) * 0.65 * plane.seen)
    left, top = origin(rng)
    lace = sample("cloud", plane.x * 50 / view.eye + left, plane.z * 70 / view.eye + top)
    spacing = float(rng.uniform(0.5, 1.1))
    bend = sample("smooth", plane.x * 16 / view.eye + left, plane.z * 5)
    foam = np.zeros(view.size, np.float32)
    for line in range(1, int(rng.integers(2, 5))):
        away = depth - line * spacing + 0.2 * bend
        # Foam is dense at the front towards the land and thin behind it.
        sheet = smoothstep(-0.05, 0.02, away) * smoothstep(0.16 + 0.14 * line, 0, away)
        foam = np.maximum(foam, sheet * smoothstep(-0.7, 0.9, lace + 1.2 * sheet + 0.6 * bend))
    cover(canvas, light.shine(tint(0xF4F8F8), 0.65), np.clip(foam, 0, 0.95) * plane.seen)


def _from_above(rng: Rng, light: Light, size: Size) -> Array:
    """Paint a coast from directly above: sand, surf lines, shallow and deep water."""
    height, width = size
    rows, columns = grid(size)
    turn = float(rng.uniform(0, 2 * np.pi))
    along = (columns - width / 2) * np.cos(turn) + (rows - height / 2) * np.sin(turn)
    bays = patch(rng, size, 2, "smooth") * 14 + patch(rng, size, 5, "cloud") * 4
    offshore = (along + bays + float(rng.uniform(-30, 60))) / max(size)
    deep, shallow = pick(rng, 0x1D5B84, 0x226C8C), pick(rng, 0x58C0BC, 0x6CB8A8)
    water = mix(shallow, deep, spread(smoothstep(0.02, float(rng.uniform(0.2, 0.5)), offshore)))
    water = water * (1 + 0.07 * spread(patch(rng, size, 8, "cloud")))
    sand = pick(rng, 0xE2CFA4, 0xCDB58C) * (1 + 0.05 * spread(patch(rng, size, 8)))
    canvas = mix(sand, water, spread(smoothstep(-0.005, 0.01, offshore)))
    dune = smoothstep(-0.22, -0.3, offshore + 0.03 * patch(rng, size, 6))
    cover(canvas, pick(rng, 0x5F7444, 0x4A5E3A), dune)
    lace = patch(rng, size, 9, "cloud")
    for line in (0.0, float(rng.uniform(0.05, 0.09)), float(rng.uniform(0.11, 0.17))):
        away = offshore - line + 0.012 * float(rng.normal())
        sheet = smoothstep(-0.004, 0.004, away) * smoothstep(0.05, 0, away)
        cover(canvas, tint(0xF6FAFA), sheet * smoothstep(-0.9, 0.5, lace - line * 6))
    return light.shine(canvas, 0.7)
