"""Encoder: exported model that maps pixels to an embedding and class probabilities."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from embeddings.arrays import Floats, Pixels
from embeddings.digests import file_digest
from embeddings.images import PIXELS_VERSION
from embeddings.runtime import CompiledModel, Precision


@dataclass(frozen=True)
class Encoded:
    """Outputs of an encoder for n images."""

    embeddings: Floats
    """Shape (n, dimension): output of the penultimate layer."""
    probabilities: Floats
    """Shape (n, classes): each row sums to 1."""

    def row(self, number: int) -> "Encoded":
        """Return the outputs of one image, as arrays of shape (1, ...)."""
        part = slice(number, number + 1)
        return Encoded(self.embeddings[part], self.probabilities[part])

    @classmethod
    def concatenate(cls, parts: Iterable["Encoded"]) -> "Encoded":
        """Concatenate outputs in their order."""
        kept = list(parts)
        return cls(
            np.concatenate([part.embeddings for part in kept]),
            np.concatenate([part.probabilities for part in kept]),
        )


class Encoder:
    """Compiled model with two outputs, embedding and probabilities.

    `encode` is thread-safe.
    """

    def __init__(self, model: Path, precision: Precision = "f32") -> None:
        self._model = CompiledModel(model, precision)
        self.height, self.width = self._model.size

    def encode(self, pixels: Pixels) -> Encoded:
        """Encode one image, uint8 of shape (1, height, width, 3)."""
        return Encoded(*self._model.infer(pixels))

    def encode_all(self, images: Iterable[Pixels]) -> Iterator[Encoded]:
        """Yield the outputs of images, each of shape (height, width, 3), using all cores."""
        return (Encoded(*outputs) for outputs in self._model.infer_all(images))


def encoder_fingerprint(model: Path) -> str:
    """Return the SHA-256 over an OpenVINO model (`.xml` and `.bin`) and `PIXELS_VERSION`.

    It is the key of stored features, so features of other pixels are never reused.
    """
    digest = sha256(f"pixels {PIXELS_VERSION}".encode())
    for part in (model, model.with_suffix(".bin")):
        digest.update(bytes.fromhex(file_digest(part)))
    return digest.hexdigest()
