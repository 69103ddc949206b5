"""Overlay of a heat map on its image."""

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from embeddings.images import open_rgb

_SIDE = 480
_QUALITY = 85
_STRONGEST = 0.65
_COLD, _WARM = (40.0, 60.0, 140.0), (255.0, 150.0, 30.0)


def overlay(data: bytes, heat: Sequence[Sequence[float]]) -> bytes:
    """Return a JPEG file of an image with a heat map over it, at most 480 pixels a side.

    `heat` is a coarse grid of values in 0-1 over the whole image: high values are tinted orange,
    low values blue. Raises `ImageRejected`.
    """
    image = open_rgb(data, at_least=_SIDE)
    image.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    grid = Image.fromarray(np.asarray(heat, dtype=np.float32))
    smooth = np.asarray(grid.resize(image.size, Image.Resampling.BICUBIC)).clip(0, 1)[..., None]
    colour = smooth * np.array(_WARM) + (1 - smooth) * np.array(_COLD)
    # The tint is weakest at 0.5, so that both extremes differ from the untinted image.
    share = _STRONGEST * np.abs(2 * smooth - 1)
    mixed = (1 - share) * np.asarray(image, dtype=np.float64) + share * colour
    buffer = io.BytesIO()
    Image.fromarray(mixed.astype(np.uint8)).save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()
