"""Generated collection: small smooth scenes of eight classes, drawn in batches.

Colours vary slowly, within a class around 64 motifs, with variances that differ as those of real
embeddings do. Finer grey structure differs from image to image, so that only the intended pairs are
near-duplicates: one image in 64 is an earlier one in another light.
"""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from embeddings.arrays import Pixels

SIZE = (48, 64)
"""Height and width in pixels."""

CLASSES = ("city", "desert", "field", "forest", "lake", "mountain", "ocean", "road")

BATCH = 512

_COARSE, _FINE = (4, 5), (12, 16)
"""Rows and columns of the grids of colours and of grey values."""

_MOTIFS = 64
_QUALITY = 85
_SEED = 16

_Grid = npt.NDArray[np.float32]


def add_images(folder: Path, start: int, stop: int) -> None:
    """Write the images of these numbers to class folders."""
    for label in CLASSES:
        (folder / label).mkdir(parents=True, exist_ok=True)
    for number, pixels in draw(start, stop):
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG", quality=_QUALITY)
        path = folder / CLASSES[number % len(CLASSES)] / f"{number:06}.jpg"
        path.write_bytes(buffer.getvalue())


def draw(start: int, stop: int) -> Iterator[tuple[int, Pixels]]:
    """Yield the numbers and pixels of images; those of a number are always the same.

    The class of an image is its number modulo the number of classes.
    """
    for batch in range(start // BATCH, -(-stop // BATCH)):
        for number, pixels in enumerate(_draw_batch(batch), batch * BATCH):
            if start <= number < stop:
                yield number, pixels


def _draw_batch(batch: int) -> Pixels:
    """Return images of shape (BATCH, height, width, 3)."""
    chance = np.random.default_rng([_SEED, batch])
    classes = np.arange(BATCH) % len(CLASSES)
    motifs = chance.integers(_MOTIFS, size=BATCH)
    coarse = _centres()[classes, motifs] + _variation(chance)
    fine = chance.normal(0, 12, (BATCH, *_FINE, 1)).astype(np.float32)
    # The images of the last row of the batch are those of the row before, in another light.
    last, before = slice(-len(CLASSES), None), slice(-2 * len(CLASSES), -len(CLASSES))
    coarse[last], fine[last] = coarse[before] + 8, fine[before]
    return (_enlarge(coarse) + _enlarge(fine)).clip(0, 255).astype(np.uint8)


def _centres() -> _Grid:
    """Return the colours of all motifs, shape (classes, motifs, rows, columns, 3)."""
    chance = np.random.default_rng(_SEED)
    of_class = chance.normal(128, 16, (len(CLASSES), 1, *_COARSE, 3))
    of_motif = chance.normal(0, 10, (len(CLASSES), _MOTIFS, *_COARSE, 3))
    return np.asarray(of_class + of_motif, np.float32)


def _variation(chance: np.random.Generator) -> _Grid:
    """Return differences from the motifs, of shape (BATCH, rows, columns, 3).

    The standard deviation of the i-th direction is i ** -0.75 of the first.
    """
    shape = (*_COARSE, 3)
    size = int(np.prod(shape))
    directions = np.linalg.qr(np.random.default_rng(_SEED + 1).normal(size=(size, size)))[0]
    steps = chance.normal(size=(BATCH, size)) * np.arange(1, size + 1) ** -0.75
    return np.asarray(90 * (steps @ directions).reshape(BATCH, *shape), np.float32)


def _enlarge(grids: _Grid) -> _Grid:
    """Interpolate grids of shape (n, rows, columns, channels) linearly to the size of an image."""
    height, width = (_interpolation(*sides) for sides in zip(SIZE, grids.shape[1:3], strict=True))
    return np.asarray(np.einsum("hr,nrcx,wc->nhwx", height, grids, width, optimize=True))


def _interpolation(length: int, nodes: int) -> _Grid:
    """Return the weights of nodes for each of the pixels, shape (length, nodes)."""
    places = np.linspace(0, nodes - 1, length)[:, np.newaxis]
    return np.asarray(np.maximum(0, 1 - np.abs(places - np.arange(nodes))), np.float32)
