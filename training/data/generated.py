"""Generated scenes as arrays, for networks that learn them before the photographs."""

from dataclasses import dataclass

import numpy as np

from embeddings.arrays import Labels, Pixels
from embeddings.images import Size, read_pixels
from embeddings.progress import Track
from training.scenes import LABELS, paint_all


@dataclass(frozen=True)
class Painted:
    """n generated scenes."""

    pixels: Pixels
    """Shape (n, height, width, 3), uint8."""
    labels: Labels
    """Shape (n,): number of each scene's class in `classes`."""
    classes: tuple[str, ...]


def painted(per_class: int, size: Size, seed: int, track: Track) -> Painted:
    """Paint so many scenes of every class that the painter knows."""
    count = per_class * len(LABELS)
    pixels = np.empty((count, *size, 3), np.uint8)
    labels = np.empty(count, np.int64)
    for row, scene in enumerate(track(paint_all(per_class, seed), "Painting scenes", count)):
        pixels[row] = read_pixels(scene.jpeg, *size)
        labels[row] = LABELS.index(scene.label)
    return Painted(pixels, labels, LABELS)
