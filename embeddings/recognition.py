"""Which classes cannot be ruled out, and which photographs are unlike those learned from."""

import numpy as np

from embeddings.arrays import Floats
from embeddings.index import VectorIndex

NEIGHBOR = 10
"""Which of the nearest training photographs says how usual a photograph is."""


def prediction_set(probabilities: Floats, threshold: float) -> list[int]:
    """Numbers of the classes that cannot be ruled out, the most probable first.

    `probabilities` has shape (classes,).
    """
    order = np.argsort(-probabilities, kind="stable")
    return [int(number) for number in order if probabilities[number] >= threshold]


def distance_to_training(
    training: VectorIndex, embedding: Floats, exclude: int | None = None
) -> float:
    """Distance of an embedding of shape (dimension,) to its tenth nearest training photograph.

    To the farthest where there are fewer; `training` holds nothing else. Method: Sun et al. 2022.
    """
    found = training.search(embedding, NEIGHBOR, exclude=exclude)
    return float(found.distances[-1]) if len(found.distances) else float("inf")
