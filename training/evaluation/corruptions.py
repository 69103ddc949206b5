"""Corruptions of images in five strengths: blur, noise, compression, exposure, crops and grey.

Blur, noise, compression, brightness and saturation are families of Hendrycks and Dietterich (2019),
"Benchmarking Neural Network Robustness to Common Corruptions and Perturbations"; the standard
deviations of noise and the JPEG qualities are theirs. All functions are pure.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from embeddings.release.robustness import CorruptionName

CORRUPTIONS_VERSION = 1
"""Version of the corruptions; increment it if any image gets different pixels."""

LONGEST_SHORT_SIDE = 320
"""Maximum of the shorter side in pixels of an image that is corrupted.

Noise and JPEG blocks have a fixed size in pixels, and vanish if a larger image is scaled to the
input of a network.
"""

_RANDOM_BYTES = 8


@dataclass(frozen=True)
class Corruption:
    """Corruption with a parameter for each strength."""

    name: CorruptionName
    unit: str
    values: tuple[float, ...]
    """Values of the parameter for the strengths 1-5."""
    apply: Callable[[Image.Image, float, np.random.Generator], Image.Image]
    """Function of an RGB image, a value and a generator; returns another RGB image."""


def corrupt(
    image: Image.Image, corruption: Corruption, strength: int, seed: int, identifier: str
) -> Image.Image:
    """Return a corrupted RGB image for a strength of 1-5; a crop is not scaled to the old size.

    The same seed and id give the same pixels. Noise and places of crops have one draw for all
    strengths, so that a strength differs from another in its parameter alone.
    """
    drawn = sha256(f"{seed} {corruption.name} {identifier}".encode()).digest()[:_RANDOM_BYTES]
    rng = np.random.default_rng(int.from_bytes(drawn))
    return corruption.apply(image, corruption.values[strength - 1], rng)


def at_common_size(image: Image.Image) -> Image.Image:
    """Return an RGB image with a shorter side of at most `LONGEST_SHORT_SIDE` pixels."""
    scale = LONGEST_SHORT_SIDE / min(image.size)
    if scale >= 1:
        return image
    width, height = (round(side * scale) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def _blur(image: Image.Image, value: float, _: np.random.Generator) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(value / 100 * min(image.size)))


def _noise(image: Image.Image, value: float, rng: np.random.Generator) -> Image.Image:
    pixels = np.asarray(image, np.float32)
    noisy = pixels + 255 * value / 100 * rng.standard_normal(pixels.shape, np.float32)
    return Image.fromarray(np.clip(np.rint(noisy), 0, 255).astype(np.uint8))


def _jpeg(image: Image.Image, value: float, _: np.random.Generator) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=round(value))
    return Image.open(buffer).convert("RGB")


def _exposure(image: Image.Image, value: float, _: np.random.Generator) -> Image.Image:
    """Scale the light of an sRGB image by a power of two (IEC 61966-2-1)."""
    encoded = np.arange(256) / 255
    light = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    light = np.clip(light * 2.0**value, 0, 1)
    shown = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return image.point(np.rint(255 * shown).astype(int).tolist() * 3)


def _crop(image: Image.Image, value: float, rng: np.random.Generator) -> Image.Image:
    places = rng.random(2).tolist()
    lengths = [max(1, round(value / 100 * side)) for side in image.size]
    left, top = (
        round(place * (side - length))
        for place, side, length in zip(places, image.size, lengths, strict=True)
    )
    return image.crop((left, top, left + lengths[0], top + lengths[1]))


def _grey(image: Image.Image, value: float, _: np.random.Generator) -> Image.Image:
    return ImageEnhance.Color(image).enhance(1 - value / 100)


CORRUPTIONS = (
    Corruption("blur", "standard deviation, % of the shorter side", (0.5, 1, 1.5, 2, 3), _blur),
    Corruption("noise", "standard deviation, % of the range", (8, 12, 18, 26, 38), _noise),
    Corruption("jpeg", "JPEG quality", (25, 18, 15, 10, 7), _jpeg),
    Corruption("exposure", "stops", (-1, -2, -3, -4, -5), _exposure),
    Corruption("crop", "% of each side kept", (90, 75, 60, 45, 30), _crop),
    Corruption("grey", "% of the saturation removed", (20, 40, 60, 80, 100), _grey),
)
