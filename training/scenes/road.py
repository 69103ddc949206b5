"""Roads: paved or dirt, straight or winding, in different landscapes."""

from dataclasses import dataclass

import numpy as np

from training.scenes.backdrop import massif, ranges, tree_line
from training.scenes.canvas import Array, Rng, Size, cover, mix, pick, smoothstep, spread, tint
from training.scenes.light import DAYLIGHT, Light, choose_light
from training.scenes.noise import origin, patch, sample
from training.scenes.roadside import Course, roadside
from training.scenes.sky import paint_sky
from training.scenes.terrain import Ground, View, random_view, visible_ground


@dataclass(frozen=True)
class Country:
    """Landscape beside the road: colours, range of hill heights, density of trees."""

    ground: tuple[int, int]
    hills: tuple[float, float]
    trees: float


COUNTRIES = (
    Country((0x7A9448, 0x5E7C3A), (0.0, 0.8), 0.25),
    Country((0xCDA86A, 0xA8744C), (0.0, 0.5), 0.0),
    Country((0xC9AE5E, 0x94984C), (0.0, 0.5), 0.15),
    Country((0x4E6234, 0x5C5034), (0.1, 1.0), 1.0),
    Country((0xE6ECF2, 0xB8C2CC), (0.0, 1.0), 0.5),
    Country((0x77705C, 0x5F6448), (0.6, 2.2), 0.2),
)


def paint_road(rng: Rng, size: Size) -> Array:
    """Paint a road in a landscape on a new canvas of `size`."""
    light = choose_light(rng, DAYLIGHT)
    view = random_view(rng, size, float(rng.uniform(0.28, 0.56)))
    country = COUNTRIES[int(rng.integers(len(COUNTRIES)))]
    canvas = paint_sky(rng, light, size, view.horizon)
    _distance(rng, canvas, light, view)
    course = _lay_out(rng, country)
    near = view.eye * view.focal / (size[0] - view.horizon) * 0.75
    ground = visible_ground(view, light, (near, 160), course.rise, 140)
    _land(rng, canvas, light, ground, course, country)
    _surface(rng, canvas, light, view, ground, course)
    roadside(rng, canvas, light, view, ground, course, country.trees)
    return canvas


def _distance(rng: Rng, canvas: Array, light: Light, view: View) -> None:
    draw = rng.random()
    if draw < 0.13:
        massif(rng, canvas, light, view, float(rng.uniform(0.1, 0.4)), snowy=rng.random() < 0.5)
    elif draw < 0.55:
        tall = view.horizon * float(rng.uniform(0.05, 0.25))
        colour = pick(rng, 0x55684C, 0x5C6A70, 0x7A6858)
        ranges(rng, canvas, light, view.horizon + 3, tall, int(rng.integers(1, 4)), colour)
    if rng.random() < 0.4:
        tall = view.size[0] * float(rng.uniform(0.02, 0.08))
        tree_line(rng, canvas, light, lambda _: view.horizon + 2, tall, 0.35, 0.9)


def _lay_out(rng: Rng, country: Country) -> Course:
    straight = rng.random() < 0.35
    return Course(
        offset=float(rng.normal(0, 0.55)),
        drift=float(rng.normal(0, 0.05)),
        swing=0.0 if straight else float(rng.uniform(0.5, 3.2)) * float(rng.choice([-1, 1])),
        bend=float(rng.uniform(9, 26)),
        half=float(rng.uniform(0.9, 2.0)),
        dips=float(rng.uniform(0, 0.5)) if rng.random() < 0.5 else 0.0,
        hills=float(rng.uniform(*country.hills)),
        place=origin(rng),
    )


def _land(
    rng: Rng, canvas: Array, light: Light, ground: Ground, course: Course, country: Country
) -> None:
    first, second = (pick(rng, code) for code in country.ground)
    left, top = course.place
    drift = sample("cloud", ground.x * 7 + left, ground.z * 5 + top)
    tufts = sample("cloud", ground.x * 70 + top, ground.z * 35 + left)
    albedo = mix(first, second, spread(smoothstep(-1, 1, drift)))
    albedo = albedo * spread(1 + 0.11 * tufts + 0.05 * drift)
    aside = np.abs(course.beside(ground.x, ground.z)) / course.half
    verge = pick(rng, 0x8A7E64, 0xA89878, 0x6E6A50)
    albedo = mix(albedo, verge, spread(smoothstep(1.7, 1.1, aside + 0.15 * tufts) * 0.75))
    paint = light.shine(albedo, smoothstep(0, 0.9, ground.shade))
    cover(canvas, light.veil(paint, smoothstep(3, 150, ground.z) * 0.55), ground.seen)


def _surface(
    rng: Rng, canvas: Array, light: Light, view: View, ground: Ground, course: Course
) -> None:
    lateral = course.beside(ground.x, ground.z) / course.half
    # Blur by one pixel at each depth avoids aliasing of far edges and markings.
    pixel = ground.z / view.focal / course.half
    aside = np.abs(lateral)
    road = smoothstep(1.0 + 0.02, 1.0 - 0.02, aside - 0.5 * pixel) * ground.seen
    unmade = rng.random() < 0.17
    tar = pick(rng, 0x5A5A5E, 0x48484C, 0x74726E, 0x8A8680, 0x3C3C42)
    dirt = pick(rng, 0xB09468, 0x9A7C5C, 0xC4B08C)
    worn = 0.1 * np.cos(lateral * 2 * np.pi) * (2.2 if unmade else 0.7)
    speckle = 0.06 * patch(rng, view.size, 10, "grain") + 0.06 * patch(rng, view.size, 3)
    albedo: Array = (dirt if unmade else tar) * spread(1 + worn + speckle)
    if rng.random() < 0.14:
        albedo = mix(albedo, np.clip(canvas[::-1], 0, 1), 0.35)
    paint = light.veil(light.shine(albedo, 0.7), smoothstep(3, 150, ground.z) * 0.5)
    cover(canvas, paint, road)
    if not unmade:
        _markings(rng, canvas, light, ground, (lateral, pixel))


def _markings(
    rng: Rng, canvas: Array, light: Light, ground: Ground, plan: tuple[Array, Array]
) -> None:
    lateral, pixel = plan
    aside, wide = np.abs(lateral), 0.035 + 0.5 * pixel
    strength = np.minimum(1, 0.035 / wide * 1.6) * ground.seen * float(rng.uniform(0.5, 0.95))
    white = light.shine(tint(0xF2F0E8), 0.75)
    centre = light.shine(tint(0xE8B83A), 0.75) if rng.random() < 0.35 else white
    if rng.random() < 0.8:
        edge = smoothstep(wide * 1.6, wide * 0.8, np.abs(aside - 0.9))
        cover(canvas, white, edge * strength)
    style = rng.random()
    if style < 0.6:
        dash = smoothstep(
            -0.1, 0.1, np.sin(ground.z * 2 * np.pi / float(rng.uniform(1.8, 3.6))) + 0.1
        )
        fade = smoothstep(60, 25, ground.z)
        line = smoothstep(wide * 1.6, wide * 0.8, aside)
        cover(canvas, centre, line * mix(np.full_like(dash, 0.5), dash, fade) * strength)
    elif style < 0.85:
        line = smoothstep(wide * 1.5, wide * 0.8, np.abs(aside - 0.055))
        cover(canvas, centre, line * strength)
