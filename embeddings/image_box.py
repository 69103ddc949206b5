"""Boxes: rectangular parts of images, given as fractions of width and height."""

from dataclasses import dataclass
from math import ceil
from re import fullmatch
from typing import Self

from PIL import Image

from embeddings.arrays import Pixels
from embeddings.errors import BelvedereError
from embeddings.images import (
    MIN_SIDE,
    ImageRejected,
    Rejection,
    least_side,
    open_rgb,
    scale_pixels,
)

_NUMBER = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_BOX = rf"{_NUMBER}(?:,{_NUMBER}){{3}}"

_ROUNDING = 1e-6
"""Excess of a sum of fractions that a client has rounded."""

_LEAST_FRACTION = 1e-3
"""No side of an image is so long that less of it would be decoded at a reduced size."""


class InvalidBox(BelvedereError):
    """Text that is not a box inside an image."""

    def __init__(self, text: str) -> None:
        super().__init__(
            f"The box {text!r:.100} is not inside the image; give `x,y,w,h` as fractions of its "
            "width and height, such as 0.25,0.25,0.5,0.5 for the middle."
        )


@dataclass(frozen=True)
class ImageBox:
    """Part of an image; all numbers are fractions of its width or height, 0-1."""

    left: float
    top: float
    width: float
    height: float

    @classmethod
    def of(cls, text: str) -> Self:
        """Return the box of a text `x,y,w,h`. Raises `InvalidBox`."""
        if not fullmatch(_BOX, text):
            raise InvalidBox(text)
        left, top, width, height = map(float, text.split(","))
        if min(width, height) <= 0 or max(left + width, top + height) > 1 + _ROUNDING:
            raise InvalidBox(text)
        return cls(left, top, width, height)

    def crop(self, image: Image.Image) -> Image.Image:
        """Return the part of an image. Raises `ImageRejected` if it has too few pixels."""
        width, height = image.size
        left, right = _edges(self.left, self.width, width)
        top, bottom = _edges(self.top, self.height, height)
        if min(right - left, bottom - top) < MIN_SIDE:
            raise ImageRejected(
                Rejection.TOO_SMALL,
                f"The box covers {right - left}x{bottom - top} pixels of the image; each side "
                f"needs at least {MIN_SIDE}.",
            )
        return image.crop((left, top, right, bottom))


def read_box_pixels(data: bytes, box: ImageBox, height: int, width: int) -> Pixels:
    """Decode a part of an image file to a uint8 array of shape (height, width, 3), values 0-255.

    The part is scaled to that size as `images.read_pixels` scales a whole image. Raises
    `ImageRejected`.
    """
    # A large JPEG is decoded at a reduced size only if enough pixels of the part are left.
    fraction = max(_LEAST_FRACTION, min(box.width, box.height))
    least = ceil(least_side(height, width) / fraction)
    return scale_pixels(box.crop(open_rgb(data, at_least=least)), height, width)


def _edges(start: float, length: float, pixels: int) -> tuple[int, int]:
    return round(start * pixels), min(pixels, round((start + length) * pixels))
