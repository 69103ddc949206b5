"""Encoder: exported model that maps pixels to an embedding and class probabilities."""

from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path

import numpy as np

from embeddings.arrays import Pixels
from embeddings.digests import file_digest
from embeddings.encoded import Encoded
from embeddings.images import PIXELS_VERSION, read_pixels
from embeddings.runtime import CompiledModel, Precision


class Encoder:
    """Compiled model with two outputs, embedding and probabilities.

    `encode` is thread-safe. Without `cores`, all cores of the process are used.
    """

    def __init__(self, model: Path, precision: Precision = "f32", cores: int | None = None) -> None:
        self._model = CompiledModel(model, precision, cores)
        self.height, self.width = self._model.size

    def encode(self, pixels: Pixels) -> Encoded:
        """Encode one image, uint8 of shape (1, height, width, 3)."""
        return Encoded(*self._model.infer(pixels))

    def encode_all(self, images: Iterable[Pixels]) -> Iterator[Encoded]:
        """Yield the outputs of images, each of shape (height, width, 3), using all cores."""
        return (Encoded(*outputs) for outputs in self._model.infer_all(images))

    def encode_files(self, files: Iterable[bytes]) -> Iterator[Encoded]:
        """Yield the outputs of image files, decoding and encoding on all cores.

        Raises `ImageRejected`.
        """
        outputs = self._model.decode_and_infer(files, self._pixels)
        return (Encoded(*each) for each in outputs)

    def encode_beside_others(self, pixels: Pixels) -> Encoded:
        """Encode one image, uint8 of shape (height, width, 3), on one core.

        The outputs are bit-equal to those of `encode_all`; several threads can encode at once.
        """
        return Encoded(*self._model.infer_beside_others(pixels[np.newaxis]))

    def _pixels(self, file: bytes) -> Pixels:
        return read_pixels(file, self.height, self.width)


def encoder_fingerprint(model: Path) -> str:
    """Return the SHA-256 over an OpenVINO model (`.xml` and `.bin`) and `PIXELS_VERSION`.

    It is the key of stored features, so features of other pixels are never reused.
    """
    digest = sha256(f"pixels {PIXELS_VERSION}".encode())
    for part in (model, model.with_suffix(".bin")):
        digest.update(bytes.fromhex(file_digest(part)))
    return digest.hexdigest()
