"""Natural irregularity: tileable noise textures made once, then cropped and sampled.

Every texture is 512 cells on a side and wraps around. Its largest features are about 64
cells wide, so callers speak of *features*: how many of those fit across a frame. Making
the textures from a fixed seed once per process, and drawing only offsets per scene, is
what keeps a scene cheap; the bytes stay the same in every process.
"""

from functools import cache
from typing import Literal, TypeAlias

import numpy as np
from PIL import Image

from training.scenes.canvas import Array, Rng, Size

Kind: TypeAlias = Literal["cloud", "smooth", "grain", "ridge"]

CELLS = 512
FEATURE = 64
# Power of the spectral fall-off: the higher, the smoother the texture.
SLOPES = {"cloud": 1.75, "smooth": 2.6, "grain": 0.7}


@cache
def texture(kind: Kind) -> Array:
    """A wrapping float32 texture of shape (512, 512), mean 0 and deviation 1."""
    rng = np.random.default_rng([7, len(kind), ord(kind[0])])
    values: Array = (
        _ridged(rng) if kind == "ridge" else _spectral(rng, SLOPES[kind], CELLS / FEATURE)
    )
    values = np.asarray((values - values.mean()) / values.std(), np.float32)
    values.flags.writeable = False
    return values


def sample(kind: Kind, u: Array, v: Array) -> Array:
    """Bilinear look-up at (u, v) in cells, wrapping; u and v broadcast together."""
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
    """A random place in a texture, in cells."""
    return float(rng.uniform(0, CELLS)), float(rng.uniform(0, CELLS))


def patch(rng: Rng, size: Size, features: float, kind: Kind = "cloud", stretch: float = 1) -> Array:
    """A float32 (height, width) field in the plane of the picture.

    `features` is the number of large features across the longer side; `stretch` above 1
    pulls them out sideways.
    """
    height, width = size
    cells = features * FEATURE / max(size)
    wide, tall = width * cells / stretch**0.5, height * cells * stretch**0.5
    left, top = origin(rng)
    source = texture(kind)
    # Where the texture is finer than the picture, picking single cells is good enough.
    across, down = min(width, max(2, round(wide))), min(height, max(2, round(tall)))
    rows = (top + np.arange(down) * (tall / down)).astype(np.int32) & CELLS - 1
    columns = (left + np.arange(across) * (wide / across)).astype(np.int32) & CELLS - 1
    crop = source[np.ix_(rows, columns)]
    if crop.shape == size:
        return crop
    larger = Image.fromarray(crop).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(larger, np.float32)


def profile(rng: Rng, count: int, features: float, kind: Kind = "cloud") -> Array:
    """A one-dimensional cut through a texture, float32 of shape (count,)."""
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
    # Sharp crests where smooth noise crosses zero; each octave is weighted by the last, so
    # that detail gathers on the crests and the valleys stay smooth, as in eroded rock.
    total, weight, gain = np.zeros((CELLS, CELLS)), np.ones((CELLS, CELLS)), 1.0
    for octave in range(6):
        band = _spectral(rng, 4.0, CELLS / FEATURE * 2**octave * 0.7)
        crest = (1 - np.minimum(1, np.abs(band) / (1.6 * band.std()))) ** 2
        total += crest * weight * gain
        weight = np.clip(crest * 1.6, 0.15, 1)
        gain *= 0.52
    return total
