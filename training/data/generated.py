"""Generated scenes as arrays, for pre-training."""

from dataclasses import dataclass

import numpy as np

from embeddings.arrays import Labels, Pixels
from embeddings.images import Size, read_pixels
from embeddings.progress import Track
from training.scenes.catalogue import LABELS, paint_all


@dataclass(frozen=True)
class GeneratedScenes:
    """Arrays of n generated scenes."""

    pixels: Pixels
    """Shape (n, height, width, 3), uint8."""
    labels: Labels
    """Shape (n,): position of each scene's class in `classes`."""
    classes: tuple[str, ...]


def generate_scenes(per_class: int, size: Size, seed: int, track: Track) -> GeneratedScenes:
    """Paint `per_class` scenes of each class; `size` is (height, width) in pixels."""
    count = per_class * len(LABELS)
    pixels = np.empty((count, *size, 3), np.uint8)
    labels = np.empty(count, np.int64)
    for row, scene in enumerate(track(paint_all(per_class, seed), "Generating scenes", count)):
        pixels[row] = read_pixels(scene.jpeg, *size)
        labels[row] = LABELS.index(scene.label)
    return GeneratedScenes(pixels, labels, LABELS)
