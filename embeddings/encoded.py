"""Outputs of an encoder; importing them does not load OpenVINO."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from embeddings.arrays import Floats


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
