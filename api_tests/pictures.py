"""Small images with a content of their own."""

import io

import numpy as np
from PIL import Image


def jpeg_of(seed: int, size: tuple[int, int] = (240, 160)) -> bytes:
    """Return the JPEG file of a coarse random pattern, unlike those of other seeds."""
    pattern = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pattern).resize(size, Image.Resampling.NEAREST).save(buffer, "JPEG")
    return buffer.getvalue()
