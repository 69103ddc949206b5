"""Drawing a heat map over its photograph."""

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
    """A JPEG file of an image with heat in 0-1 over it, its longer side at most 480 pixels.

    Heat is a coarse grid over the whole image. Where it is hot, the image shines through an orange
    glow; where it is cold, it is dim and blue. Raises `ImageRejected`.
    """
    image = open_rgb(data, at_least=_SIDE)
    image.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    grid = Image.fromarray(np.asarray(heat, dtype=np.float32))
    smooth = np.asarray(grid.resize(image.size, Image.Resampling.BICUBIC)).clip(0, 1)[..., None]
    colour = smooth * np.array(_WARM) + (1 - smooth) * np.array(_COLD)
    # Least where it is lukewarm, so that both ends can be told from the photograph itself.
    share = _STRONGEST * np.abs(2 * smooth - 1)
    mixed = (1 - share) * np.asarray(image, dtype=np.float64) + share * colour
    buffer = io.BytesIO()
    Image.fromarray(mixed.astype(np.uint8)).save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()
