"""The encoder: one serving file that turns pixels into an embedding and class probabilities."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from embeddings.arrays import Floats, Pixels
from embeddings.digests import file_digest
from embeddings.images import PIXELS_VERSION
from embeddings.runtime import CompiledNetwork, Precision


@dataclass(frozen=True)
class Encoded:
    """What an encoder says of n photographs."""

    embeddings: Floats
    """Shape (n, dimension): output of the penultimate layer."""
    probabilities: Floats
    """Shape (n, classes): each row sums to 1."""

    def row(self, number: int) -> "Encoded":
        """One of them, as arrays of shape (1, ...)."""
        part = slice(number, number + 1)
        return Encoded(self.embeddings[part], self.probabilities[part])

    @classmethod
    def concatenate(cls, parts: Iterable["Encoded"]) -> "Encoded":
        """Join several, in their order."""
        kept = list(parts)
        return cls(
            np.concatenate([part.embeddings for part in kept]),
            np.concatenate([part.probabilities for part in kept]),
        )


class Encoder:
    """A network with two outputs, embedding and probabilities, ready to serve.

    `encode` may be called from many threads at once.
    """

    def __init__(self, model: Path, precision: Precision = "f32") -> None:
        self._network = CompiledNetwork(model, precision)
        self.height, self.width = self._network.size

    def encode(self, pixels: Pixels) -> Encoded:
        """Encode one photograph, uint8 of shape (1, height, width, 3)."""
        return Encoded(*self._network.infer(pixels))

    def encode_all(self, images: Iterable[Pixels]) -> Iterator[Encoded]:
        """Encode single photographs, each of shape (height, width, 3), using every core.

        Yields one result per photograph, in order.
        """
        return (Encoded(*outputs) for outputs in self._network.infer_all(images))


def encoder_fingerprint(model: Path) -> str:
    """Return the SHA-256 over an OpenVINO model and the version of the pixel rules.

    The model's files are `.xml` and `.bin`. Features are stored under this fingerprint, so those of
    other pixels are never taken for these.
    """
    digest = sha256(f"pixels {PIXELS_VERSION}".encode())
    for part in (model, model.with_suffix(".bin")):
        digest.update(bytes.fromhex(file_digest(part)))
    return digest.hexdigest()
