"""Thumbnails of images, compared by the detection of near-duplicates."""

import numpy as np
import numpy.typing as npt
from PIL import Image

Thumbnail = npt.NDArray[np.uint8]
"""RGB of shape (16, 17, 3)."""

SIDE = 16
"""Height of a thumbnail in pixels; its width is one more."""


def make_thumbnail(image: Image.Image) -> Thumbnail:
    """Return the RGB thumbnail of an image, shape (16, 17, 3)."""
    small = image.resize((SIDE + 1, SIDE), Image.Resampling.BILINEAR)
    return np.asarray(small, dtype=np.uint8)
