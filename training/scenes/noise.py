"""Noise: tileable textures, generated once and then cropped and sampled.

Every texture has 512 x 512 cells and wraps around. Its largest features are about 64 cells wide;
`features` is the number of these across a frame. Textures are generated once per process from a
fixed seed, and scenes draw only offsets, which keeps scenes cheap and equal in every process.
"""

from functools import cache
from typing import Literal, TypeAlias

import numpy as np
from PIL import Image

from training.scenes.canvas import Array, Rng, Size

Kind: TypeAlias = Literal["cloud", "smooth", "grain", "ridge"]

CELLS = 512
FEATURE = 64
# Exponent of the spectral fall-off: higher values give smoother textures.
SLOPES = {"cloud": 1.75, "smooth": 2.6, "grain": 0.7}


@cache
def texture(kind: Kind) -> Array:
    """Return a tileable float32 texture of shape (512, 512) with mean 0 and deviation 1."""
    rng = np.random.default_rng([7, len(kind), ord(kind[0])])
    values: Array = (
        _ridged(rng) if kind == "ridge" else _spectral(rng, SLOPES[kind], CELLS / FEATURE)
    )
    values = np.asarray((values - values.mean()) / values.std(), np.float32)
    values.flags.writeable = False
    return values


def sample(kind: Kind, u: Array, v: Array) -> Array:
    """Return bilinear samples at (u, v) in cells, with wrap-around; u and v are broadcast."""
    flat = texture(kind).ravel()
    left, top = np.floor(u), np.floor(v)
    right_share, bottom_share = u - left, v - top
    column, row = left.astype(np.int32), top.astype(np.int32)
    west, east = column & CELLS - 1, column + 1 & CELLS - 1
    north, south = (row & CELLS - 1) * CELLS, (row + 1 & CELLS - 1) * CELLS
    upper = flat[north + west]
    upper = upper + (flat[north + east] - upper) * right_share
    lower = flat[south + west]
    lower = lower + (flat[south + east] - lower) * right_share
    return upper + (lower - upper) * bottom_share


def origin(rng: Rng) -> tuple[float, float]:
    """Return a random position in a texture, in cells."""
    return float(rng.uniform(0, CELLS)), float(rng.uniform(0, CELLS))


def patch(rng: Rng, size: Size, features: float, kind: Kind = "cloud", stretch: float = 1) -> Array:
    """Return a float32 field of shape (height, width) in the image plane.

    `features` is the number of large features across the longer side; a `stretch` above 1 widens
    them horizontally.
    """
    height, width = size
    cells = features * FEATURE / max(size)
    wide, tall = width * cells / stretch**0.5, height * cells * stretch**0.5
    left, top = origin(rng)
    source = texture(kind)
    # If the texture is finer than the image, nearest cells are sufficient.
    across, down = min(width, max(2, round(wide))), min(height, max(2, round(tall)))
    rows = (top + np.arange(down) * (tall / down)).astype(np.int32) & CELLS - 1
    columns = (left + np.arange(across) * (wide / across)).astype(np.int32) & CELLS - 1
    crop = source[np.ix_(rows, columns)]
    if crop.shape == size:
        return crop
    larger = Image.fromarray(crop).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(larger, np.float32)


def profile(rng: Rng, count: int, features: float, kind: Kind = "cloud") -> Array:
    """Return a one-dimensional section of a texture, float32 of shape (count,)."""
    row, start = origin(rng)
    u = start + np.linspace(0, features * FEATURE, count, dtype=np.float32)
    return sample(kind, u, np.full(count, row, np.float32))


def _spectral(rng: Rng, slope: float, corner: float) -> Array:
    frequency = np.hypot(np.fft.fftfreq(CELLS)[:, None], np.fft.rfftfreq(CELLS)[None, :]) * CELLS
    amplitude = (frequency**2 + corner**2) ** (-slope / 2)
    amplitude[0, 0] = 0
    spectrum = np.fft.rfft2(rng.normal(size=(CELLS, CELLS))) * amplitude
    return np.fft.irfft2(spectrum, s=(CELLS, CELLS))


def _ridged(rng: Rng) -> Array:
    # Crests are the zero crossings of smooth noise. The weight of each octave is the previous one,
    # so that crests have detail and valleys are smooth, as in eroded rock.
    total, weight, gain = np.zeros((CELLS, CELLS)), np.ones((CELLS, CELLS)), 1.0
    for octave in range(6):
        band = _spectral(rng, 4.0, CELLS / FEATURE * 2**octave * 0.7)
        crest = (1 - np.minimum(1, np.abs(band) / (1.6 * band.std()))) ** 2
        total += crest * weight * gain
        weight = np.clip(crest * 1.6, 0.15, 1)
        gain *= 0.52
    return total
