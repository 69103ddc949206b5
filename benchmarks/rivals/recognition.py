"""Recognition for the other services: the encoder of a release, with the same decoding."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from embeddings.encoder import Encoder
from embeddings.images import read_pixels
from embeddings.release.manifest import MANIFEST, Manifest

Answer = dict[str, str | dict[str, float]]


def recognition(release: Path) -> Callable[[bytes], Answer]:
    """Return a function from an image file to its label and probabilities."""
    manifest = Manifest.model_validate_json((release / MANIFEST).read_bytes())
    encoder = Encoder(release / "encoder.xml", manifest.encoder.precision)

    def recognise(image: bytes) -> Answer:
        pixels = read_pixels(image, encoder.height, encoder.width)
        shares = encoder.encode(pixels[np.newaxis]).probabilities[0].tolist()
        probabilities = dict(zip(manifest.classes, shares, strict=True))
        return {
            "label": max(probabilities, key=probabilities.__getitem__),
            "probabilities": probabilities,
        }

    return recognise
