"""Prepared files of painted pictures, and stores for tests of the writer."""

import io
from concurrent.futures import Future
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import TracebackType

import numpy as np
from PIL import Image, ImageEnhance

from embeddings.encoded import Encoded
from embeddings.ingest.changes import Change, PreparedFile, Written
from embeddings.ingest.thumbnails import make_thumbnail
from embeddings.ingest.writer import Writer
from embeddings.store.changed_images import ChangedImages
from embeddings.store.records import Blob
from embeddings.store.store import Store

ENCODER = "e" * 64

ORIGINAL, ENCODED_ANEW, BRIGHTER = range(3)
"""Variants of a scene: the second is the same image, the third a near-duplicate."""


@cache
def prepared(scene: int, variant: int = ORIGINAL, encoder: str = ENCODER) -> PreparedFile:
    """Return the file of a scene; different scenes are no near-duplicates."""
    jpeg = painted(scene, variant)
    with Image.open(io.BytesIO(jpeg)) as image:
        thumbnail, size = make_thumbnail(image.convert("RGB")).tobytes(), image.size
    digest = sha256(jpeg).hexdigest()
    source = sha256(b"source of " + jpeg).hexdigest()
    blob = Blob(digest, jpeg, *size, thumbnail)
    return PreparedFile(blob, source, {"camera": f"camera {scene}"}, features(jpeg), encoder)


@cache
def painted(scene: int, variant: int = ORIGINAL) -> bytes:
    """Return a JPEG file of 160 x 120 pixels."""
    cells = np.random.default_rng(scene).integers(0, 256, (9, 12, 3), np.uint8)
    image = Image.fromarray(cells).resize((160, 120), Image.Resampling.BICUBIC)
    if variant == BRIGHTER:
        image = ImageEnhance.Brightness(image).enhance(1.3)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=70 if variant == ENCODED_ANEW else 92)
    return file.getvalue()


def features(jpeg: bytes) -> Encoded:
    """Return features that are a function of a file."""
    random = np.random.default_rng(np.frombuffer(sha256(jpeg).digest(), np.uint32))
    probabilities = random.dirichlet((1, 1), 1).astype(np.float32)
    return Encoded(random.normal(size=(1, 4)).astype(np.float32), probabilities)


class OpenWriter:
    """Writer of a new or existing store that records the changes it reports."""

    def __init__(self, folder: Path, group_seconds: float = 0.0, most: int = 100) -> None:
        self.store = Store(str(folder))
        self.store.create(split_seed=5, split_rule=3)
        self.reported: list[ChangedImages] = []
        self.writer = Writer(
            self.store,
            ENCODER,
            self.reported.append,
            encode=lambda files: map(features, files),
            group_seconds=group_seconds,
            most=most,
        )

    def __enter__(self) -> "OpenWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.writer.close()

    def submit(self, change: Change) -> "Future[Written]":
        return self.writer.submit(change)

    def write(self, change: Change) -> Written:
        return self.writer.submit(change).result(timeout=60)
