"""Sharpness of an image: variance of its Laplacian.

Method: Pech-Pacheco et al. 2000, "Diatom autofocusing in brightfield microscopy".
"""

import io

import numpy as np
from PIL import Image

from embeddings.arrays import Floats

_SIDE = 512
"""Longer side in pixels to which larger images are scaled, so that sizes are comparable."""


def sharpness(jpeg: bytes) -> float:
    """Return the variance of the Laplacian of the grey values (0-255) of a stored JPEG file."""
    with Image.open(io.BytesIO(jpeg)) as image:
        # The decoder scales by powers of two, which saves most of the time.
        image.draft("L", (_SIDE, _SIDE))
        grey = image.convert("L")
    grey.thumbnail((_SIDE, _SIDE), Image.Resampling.BOX)
    return laplacian_variance(np.asarray(grey, np.float32))


def laplacian_variance(grey: Floats) -> float:
    """Return the variance of the Laplacian of grey values, shape (height, width)."""
    if min(grey.shape) < 3:
        return 0.0
    inner = grey[1:-1, 1:-1]
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return float(np.var(around - 4 * inner))
