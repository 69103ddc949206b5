"""Canvas: float pixels, masks, and a pen with anti-aliased edges.

A canvas is a float32 array of shape (height, width, 3) with display values, 0 (black) to 1 (white);
painters may exceed 1, and `film` compresses the highlights at the end. The memory layout is planar:
the three channels follow one another, which makes arithmetic between a canvas and a mask several
times faster than interleaved channels. `spread` keeps this layout; plain broadcasting loses it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

Array: TypeAlias = npt.NDArray[np.floating[Any]]
Rng: TypeAlias = np.random.Generator
Size: TypeAlias = tuple[int, int]
Points: TypeAlias = Sequence[tuple[float, float]]

PEN_SCALE = 2


def tint(code: int) -> Array:
    """Return the colour 0xRRGGBB as a float32 array of shape (3,) with values 0-1."""
    return np.array([code >> 16 & 255, code >> 8 & 255, code & 255], np.float32) / 255


def mix(first: Array, second: Array, share: float | Array) -> Array:
    """Blend two colours or images; `share` (0-1) is the weight of the second."""
    blend: Array = first + (second - first) * share
    return blend


def jitter(rng: Rng, colour: Array, amount: float) -> Array:
    """Return a variation of a colour: brightness and channels change by about `amount`."""
    shift = rng.standard_normal(4, np.float32)
    varied: Array = colour * (1 + amount * (shift[0] + 0.5 * shift[1:]))
    return varied


def pick(rng: Rng, *codes: int) -> Array:
    """Return a slight variation of one of several 0xRRGGBB colours."""
    return jitter(rng, tint(codes[int(rng.integers(len(codes)))]), 0.07)


def grid(size: Size) -> tuple[Array, Array]:
    """Return pixel rows of shape (height, 1) and columns of shape (1, width), float32."""
    height, width = size
    rows = np.arange(height, dtype=np.float32)[:, None]
    return rows, np.arange(width, dtype=np.float32)[None, :]


def smoothstep(low: float | Array, high: float | Array, value: Array) -> Array:
    """Interpolate from 0 at `low` to 1 at `high` by the smoothstep; falls if low > high."""
    t: Array = np.clip((value - low) / (high - low), 0, 1)
    curve: Array = t * t * (3 - 2 * t)
    return curve


def spread(values: Array) -> Array:
    """Return values of shape (h, w) repeated in three planar channels, shape (h, w, 3)."""
    return np.moveaxis(np.broadcast_to(values, (3, *values.shape)).copy(), 0, 2)


def cover(canvas: Array, paint: Array, mask: Array) -> None:
    """Blend `paint` (a colour or an image) into the canvas by `mask`, shape (h, w), 0-1."""
    used = np.flatnonzero(mask.any(axis=1))
    if not used.size:
        return
    # Most masks are non-zero in a band of rows only.
    band = slice(used[0], used[-1] + 1)
    part = paint if paint.ndim == 1 else paint[band]
    canvas[band] += (part - canvas[band]) * spread(mask[band])


def enlarge(canvas: Array, size: Size) -> Array:
    """Return a canvas resampled to a larger (height, width) by bicubic interpolation."""
    shape = (size[1], size[0])
    planes = [Image.fromarray(np.ascontiguousarray(canvas[..., part])) for part in range(3)]
    larger = [np.asarray(plane.resize(shape, Image.Resampling.BICUBIC)) for plane in planes]
    return np.moveaxis(np.stack(larger), 0, 2)


def to_image(canvas: Array) -> Image.Image:
    """Return the canvas as an 8-bit RGB image with clipped values."""
    pixels = (np.clip(canvas, 0, 1) * 255 + 0.5).astype(np.uint8)
    planes = [Image.fromarray(np.ascontiguousarray(pixels[..., part])) for part in range(3)]
    return Image.merge("RGB", planes)


def from_image(image: Image.Image) -> Array:
    """Return the canvas of an RGB image."""
    planes = np.stack([np.asarray(plane) for plane in image.split()])
    return np.moveaxis(planes.astype(np.float32) / 255, 0, 2)


@dataclass(frozen=True)
class Pen:
    """Pen for shapes in canvas pixels; colours are float arrays of shape (3,)."""

    draw: ImageDraw.ImageDraw

    def polygon(self, points: Points, colour: Array) -> None:
        """Fill a polygon of (x, y) points."""
        scaled = [(x * PEN_SCALE, y * PEN_SCALE) for x, y in points]
        self.draw.polygon(scaled, fill=_ink(colour))

    def line(self, points: Points, colour: Array, width: float) -> None:
        """Draw a polyline; `width` is in canvas pixels, at least half a pixel."""
        scaled = [(x * PEN_SCALE, y * PEN_SCALE) for x, y in points]
        self.draw.line(scaled, fill=_ink(colour), width=max(1, round(width * PEN_SCALE)))

    def rectangle(self, box: tuple[float, float, float, float], colour: Array) -> None:
        """Fill a box (left, top, right, bottom); a box of negative size is ignored."""
        left, top, right, bottom = (edge * PEN_SCALE for edge in box)
        if right >= left and bottom >= top:
            self.draw.rectangle((left, top, right, bottom), fill=_ink(colour))

    def ellipse(self, x: float, y: float, rx: float, ry: float, colour: Array) -> None:
        """Fill an ellipse with centre (x, y) and radii rx, ry."""
        box = (x - rx, y - ry, x + rx, y + ry)
        self.draw.ellipse([edge * PEN_SCALE for edge in box], fill=_ink(colour))


@contextmanager
def sketch(canvas: Array) -> Iterator[Pen]:
    """Yield a pen at twice the resolution; its shapes are on the canvas after the block."""
    height, width = canvas.shape[:2]
    double = (width * PEN_SCALE, height * PEN_SCALE)
    image = to_image(canvas).resize(double, Image.Resampling.NEAREST)
    yield Pen(ImageDraw.Draw(image))
    canvas[:] = from_image(image.reduce(PEN_SCALE))


def _ink(colour: Array) -> tuple[int, int, int]:
    red, green, blue = (colour * 255 + 0.5).tolist()
    return min(255, max(0, int(red))), min(255, max(0, int(green))), min(255, max(0, int(blue)))
