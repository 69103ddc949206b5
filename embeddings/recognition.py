"""Recognition of one image: embedding, class probabilities, prediction set, typicality."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Literal

import numpy as np

from embeddings.arrays import Doubles, Floats, Mask
from embeddings.encoded import Encoded
from embeddings.encoder import Encoder
from embeddings.image_box import ImageBox, read_box_pixels
from embeddings.images import read_pixels
from embeddings.index import VectorIndex, search_despite_outage

NEIGHBOR = 10
"""Rank of the training image whose distance measures typicality."""

_CANDIDATES = 2 * NEIGHBOR

Observe = Callable[[Literal["decode", "inference"], float], None]
"""Called with the name of a finished step and its duration in seconds."""


@dataclass(frozen=True)
class RecognitionModel:
    """Encoder and everything needed to interpret its outputs; safe to use from many threads."""

    encoder: Encoder
    thresholds: Floats
    """Shape (classes,): least probability of each class in the prediction set, 0-1."""
    index: VectorIndex
    """Stored embeddings, shape (n, dimension)."""
    training: Mask
    """Shape (n,): true for the training images."""
    validation_distances: Doubles
    """Distances of the validation images to the training images, ascending."""


@dataclass(frozen=True)
class Recognition:
    """Result of recognising one image."""

    embedding: Floats
    """Shape (dimension,)."""
    probabilities: Floats
    """Shape (classes,): sums to 1."""
    prediction_set: tuple[int, ...]
    """Numbers of the classes that cannot be ruled out, the most probable first."""
    typicality: float
    """Share of validation images, 0-1, that are farther from the training images."""


def recognise(model: RecognitionModel, image: bytes, observe: Observe) -> Recognition:
    """Recognise an image file. Raises `ImageRejected`."""
    encoded = encode_image(model.encoder, image, observe)
    embedding, probabilities = encoded.embeddings[0], encoded.probabilities[0]
    distance = distance_to_training(model.index, model.training, embedding)
    return Recognition(
        embedding=embedding,
        probabilities=probabilities,
        prediction_set=prediction_set(probabilities, model.thresholds),
        typicality=typicality(model.validation_distances, distance),
    )


def encode_image(
    encoder: Encoder, image: bytes, observe: Observe, box: ImageBox | None = None
) -> Encoded:
    """Decode and encode an image file or a part of it, giving one row. Raises `ImageRejected`."""
    started = perf_counter()
    size = encoder.height, encoder.width
    pixels = read_pixels(image, *size) if box is None else read_box_pixels(image, box, *size)
    decoded = perf_counter()
    encoded = encoder.encode(pixels[np.newaxis])
    observe("decode", decoded - started)
    observe("inference", perf_counter() - decoded)
    return encoded


def prediction_set(probabilities: Floats, thresholds: Floats) -> tuple[int, ...]:
    """Return the numbers of the classes that cannot be ruled out, the most probable first.

    Both arrays have shape (classes,).
    """
    order = np.argsort(-probabilities, kind="stable").tolist()
    return tuple(number for number in order if probabilities[number] >= thresholds[number])


def distance_to_training(
    index: VectorIndex,
    training: Mask,
    embedding: Floats,
    exclude: int | None = None,
    *,
    exact: bool = False,
) -> float:
    """Return the distance of an embedding, shape (dimension,), to its tenth nearest training image.

    If there are fewer, the distance to the farthest; infinity if there are none. `training` is a
    mask over the rows of `index`; `exclude` leaves one row out. With `exact`, and if the server of
    an index does not answer, all rows are compared. Method: Sun et al. 2022.
    """
    search = partial(search_despite_outage, index, embedding, exclude=exclude, exact=exact)
    # Most stored images are training images, so a search without a mask finds enough of them.
    found = search(_CANDIDATES)
    distances = found.distances[training[found.rows]]
    if len(distances) < NEIGHBOR:
        distances = search(NEIGHBOR, among=training).distances
    return float(distances[:NEIGHBOR][-1]) if len(distances) else float("inf")


def typicality(validation_distances: Doubles, distance: float) -> float:
    """Return the share of validation images, 0-1, that are farther from the training images.

    0 if there are no validation images. `validation_distances` is ascending.
    """
    return float(typicalities(validation_distances, np.array([distance]))[0])


def typicalities(validation_distances: Doubles, distances: Doubles) -> Doubles:
    """Return the typicality for each of the distances, shape (n,)."""
    count = len(validation_distances)
    farther = count - np.searchsorted(validation_distances, distances, side="right")
    return farther / max(1, count)
