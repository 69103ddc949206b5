"""Light of a scene: colours of sun, shade, sky and haze by time of day and weather."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from training.scenes.canvas import Array, Rng, jitter, mix, spread, tint


@dataclass(frozen=True)
class Mood:
    """Kind of light: colours as 0xRRGGBB, strengths in display units."""

    zenith: int
    horizon: int
    sun: int
    ambient: int
    power: float
    fill: float
    haze: float
    sun_height: tuple[float, float]
    cover: tuple[float, float]


MOODS: Mapping[str, Mood] = {
    "noon": Mood(0x2F6FB8, 0xB4D3EA, 0xFFF6E4, 0xA9C0DE, 0.82, 0.52, 0.5, (0.9, 2), (0, 0.6)),
    "clear": Mood(0x4D8FD0, 0xD5E6F0, 0xFFF2DC, 0xB4C6DC, 0.8, 0.55, 0.8, (0.7, 1.6), (0, 0.4)),
    "morning": Mood(0x7FA9D2, 0xF5DDCB, 0xFFDDB4, 0xADB6D2, 0.72, 0.5, 1.6, (0.2, 0.6), (0, 0.6)),
    "golden": Mood(
        0x6A90BC, 0xF9D092, 0xFFC373, 0xA6A2B4, 0.9, 0.42, 1.2, (0.12, 0.45), (0.1, 0.7)
    ),
    "sunset": Mood(
        0x4C5590, 0xFF9C58, 0xFF9350, 0x90809E, 0.72, 0.36, 1.2, (0.02, 0.2), (0.2, 0.8)
    ),
    "dusk": Mood(0x222F5C, 0xD08E8C, 0xC48088, 0x6A74A4, 0.3, 0.38, 1.1, (-0.2, 0), (0.1, 0.7)),
    "overcast": Mood(0x98A3AE, 0xD0D5D8, 0xF0F0F0, 0xCED4D8, 0.2, 0.72, 1.3, (1, 2), (0.8, 1)),
    "fog": Mood(0xBCC4C8, 0xDDDFDF, 0xF4F0EA, 0xCCD2D4, 0.14, 0.7, 3.2, (0.6, 1.2), (0.5, 1)),
    "storm": Mood(0x414B58, 0xA3ACB0, 0xE8E0D0, 0x9AA4B0, 0.42, 0.5, 1.0, (0.6, 1.4), (0.75, 1)),
    "night": Mood(0x0A1028, 0x4A4058, 0x8090B8, 0x6070A0, 0.1, 0.3, 0.8, (0.4, 1), (0, 0.6)),
}


@dataclass(frozen=True)
class Light:
    """Light of one scene.

    Colours are float32 arrays of shape (3,). `sun_at` is the position of the sun: x as a share of
    the width, y in frame heights above the horizon. `toward` is the unit vector to the sun in
    (right, up, away). `haze` is the optical thickness of the air at distance 1.
    """

    mood: str
    zenith: Array
    horizon: Array
    sun: Array
    ambient: Array
    haze: float
    sun_at: tuple[float, float]
    toward: tuple[float, float, float]
    cover: float

    @property
    def dark(self) -> bool:
        """True if lamps are lit."""
        return self.mood in ("night", "dusk")

    @property
    def low_sun(self) -> bool:
        """True if the sun is low enough for a glow and reflections."""
        return self.mood in ("golden", "sunset", "morning")

    def shine(self, albedo: Array, shade: Array | float) -> Array:
        """Return the lit colour of a surface; `shade` is 0 in shadow and 1 in full sun."""
        if isinstance(shade, np.ndarray):
            shade = spread(shade)
        return albedo * (self.ambient + self.sun * shade)

    def veil(self, colour: Array, distance: Array | float) -> Array:
        """Return a colour or image with the haze at `distance` (0 near, 1 far)."""
        share = 1 - np.exp(-self.haze * np.asarray(distance, np.float32))
        if isinstance(distance, np.ndarray):
            share = spread(share)
        return mix(colour, mix(self.horizon, self.zenith, 0.25), share)


def choose_light(rng: Rng, weights: Mapping[str, float]) -> Light:
    """Return a random light of one of the moods, drawn by weight."""
    names = sorted(weights)
    odds = np.array([weights[name] for name in names], np.float64)
    name = names[int(rng.choice(len(names), p=odds / odds.sum()))]
    mood = MOODS[name]
    height = float(rng.uniform(*mood.sun_height))
    across = float(rng.uniform(-0.1, 1.1))
    side = (across - 0.5) * 2 + float(rng.normal(0, 0.5))
    # Mostly beside or behind the camera; otherwise all visible slopes would be black.
    away = 0.3 if mood.sun_height[1] < 0.5 else -0.4
    vector = np.array([side, 0.35 + 0.5 * max(0, height), away + rng.normal(0, 0.3)])
    vector /= np.linalg.norm(vector)
    return Light(
        mood=name,
        zenith=jitter(rng, tint(mood.zenith), 0.08),
        horizon=jitter(rng, tint(mood.horizon), 0.05),
        sun=jitter(rng, tint(mood.sun), 0.04) * mood.power,
        ambient=jitter(rng, tint(mood.ambient), 0.04) * mood.fill * 1.15,
        haze=mood.haze * float(rng.uniform(0.4, 1.2)),
        sun_at=(across, height),
        toward=(float(vector[0]), float(vector[1]), float(vector[2])),
        cover=float(rng.uniform(*mood.cover)),
    )


DAYLIGHT: Mapping[str, float] = {
    "noon": 6,
    "clear": 6,
    "morning": 1,
    "golden": 1.5,
    "sunset": 0.4,
    "dusk": 0.1,
    "overcast": 1,
    "fog": 0.12,
    "storm": 0.3,
}
