"""The painting surface: float pixels, masks, and a pen whose edges come out smooth.

A canvas is a float32 array of shape (height, width, 3) holding display values, 0 black to
1 white; painters may overshoot 1, and the film rolls the highlights off at the end.
In memory the three channels lie one after the other. That makes arithmetic between a canvas
and a mask several times faster than with the channels of each pixel side by side; `spread`
is what keeps to this layout, and ordinary broadcasting is what breaks it.
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
    """The colour 0xRRGGBB as a float32 array of shape (3,) in 0..1."""
    return np.array([code >> 16 & 255, code >> 8 & 255, code & 255], np.float32) / 255


def mix(first: Array, second: Array, share: float | Array) -> Array:
    """Blend two colours or images; `share` is the part taken by the second."""
    blend: Array = first + (second - first) * share
    return blend


def jitter(rng: Rng, colour: Array, amount: float) -> Array:
    """A colour of the same family: brightness and each channel moved by about `amount`."""
    shift = rng.standard_normal(4, np.float32)
    varied: Array = colour * (1 + amount * (shift[0] + 0.5 * shift[1:]))
    return varied


def pick(rng: Rng, *codes: int) -> Array:
    """One of several 0xRRGGBB colours, slightly varied."""
    return jitter(rng, tint(codes[int(rng.integers(len(codes)))]), 0.07)


def grid(size: Size) -> tuple[Array, Array]:
    """Pixel rows of shape (height, 1) and columns of shape (1, width), float32."""
    height, width = size
    rows = np.arange(height, dtype=np.float32)[:, None]
    return rows, np.arange(width, dtype=np.float32)[None, :]


def smoothstep(low: float | Array, high: float | Array, value: Array) -> Array:
    """0 below `low`, 1 above `high`, an S-curve between; also falls when low > high."""
    t: Array = np.clip((value - low) / (high - low), 0, 1)
    curve: Array = t * t * (3 - 2 * t)
    return curve


def spread(values: Array) -> Array:
    """The same (h, w) values in each of three channels: (h, w, 3), channel after channel."""
    return np.moveaxis(np.broadcast_to(values, (3, *values.shape)).copy(), 0, 2)


def cover(canvas: Array, paint: Array, mask: Array) -> None:
    """Lay `paint` (a colour or an image) over the canvas where `mask` (h, w) is above 0."""
    used = np.flatnonzero(mask.any(axis=1))
    if not used.size:
        return
    # Most masks touch only a band of rows, and the rest need not be computed.
    band = slice(used[0], used[-1] + 1)
    part = paint if paint.ndim == 1 else paint[band]
    canvas[band] += (part - canvas[band]) * spread(mask[band])


def enlarge(canvas: Array, size: Size) -> Array:
    """A canvas resampled smoothly to a greater (height, width)."""
    shape = (size[1], size[0])
    planes = [Image.fromarray(np.ascontiguousarray(canvas[..., part])) for part in range(3)]
    larger = [np.asarray(plane.resize(shape, Image.Resampling.BICUBIC)) for plane in planes]
    return np.moveaxis(np.stack(larger), 0, 2)


def to_image(canvas: Array) -> Image.Image:
    """The canvas as an 8-bit RGB image, clipped."""
    pixels = (np.clip(canvas, 0, 1) * 255 + 0.5).astype(np.uint8)
    planes = [Image.fromarray(np.ascontiguousarray(pixels[..., part])) for part in range(3)]
    return Image.merge("RGB", planes)


def from_image(image: Image.Image) -> Array:
    """A canvas showing an RGB image."""
    planes = np.stack([np.asarray(plane) for plane in image.split()])
    return np.moveaxis(planes.astype(np.float32) / 255, 0, 2)


@dataclass(frozen=True)
class Pen:
    """Draws shapes given in canvas pixels; colours are float arrays of shape (3,)."""

    draw: ImageDraw.ImageDraw

    def polygon(self, points: Points, colour: Array) -> None:
        """Fill a polygon of (x, y) points."""
        scaled = [(x * PEN_SCALE, y * PEN_SCALE) for x, y in points]
        self.draw.polygon(scaled, fill=_ink(colour))

    def line(self, points: Points, colour: Array, width: float) -> None:
        """Stroke a polyline; the width is in canvas pixels and never vanishes."""
        scaled = [(x * PEN_SCALE, y * PEN_SCALE) for x, y in points]
        self.draw.line(scaled, fill=_ink(colour), width=max(1, round(width * PEN_SCALE)))

    def rectangle(self, box: tuple[float, float, float, float], colour: Array) -> None:
        """Fill left, top, right, bottom; a box turned inside out draws nothing."""
        left, top, right, bottom = (edge * PEN_SCALE for edge in box)
        if right >= left and bottom >= top:
            self.draw.rectangle((left, top, right, bottom), fill=_ink(colour))

    def ellipse(self, x: float, y: float, rx: float, ry: float, colour: Array) -> None:
        """Fill an ellipse about (x, y)."""
        box = (x - rx, y - ry, x + rx, y + ry)
        self.draw.ellipse([edge * PEN_SCALE for edge in box], fill=_ink(colour))


@contextmanager
def sketch(canvas: Array) -> Iterator[Pen]:
    """Draw on the canvas at twice its resolution; the shapes land when the block ends."""
    height, width = canvas.shape[:2]
    double = (width * PEN_SCALE, height * PEN_SCALE)
    image = to_image(canvas).resize(double, Image.Resampling.NEAREST)
    yield Pen(ImageDraw.Draw(image))
    canvas[:] = from_image(image.reduce(PEN_SCALE))


def _ink(colour: Array) -> tuple[int, int, int]:
    red, green, blue = (colour * 255 + 0.5).tolist()
    return min(255, max(0, int(red))), min(255, max(0, int(green))), min(255, max(0, int(blue)))
