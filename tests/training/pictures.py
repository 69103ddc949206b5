"""Small pictures for tests: each its own, or alike on purpose."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from embeddings.ingest.outcomes import SETTLED
from embeddings.store.images import Snapshot
from training.settings import OUTCOMES

Take = Callable[..., Snapshot]
"""Takes a data set into a store and opens its photographs."""


def left_out(home: Path) -> dict[str, str]:
    """The reason for each file without an image at the last ingest, by path."""
    with (home / OUTCOMES).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {row["path"]: row["detail"] for row in rows if row["outcome"] not in SETTLED}


def outcomes(home: Path) -> dict[str, str]:
    """The outcome of each file at the last ingest, by path."""
    with (home / OUTCOMES).open(encoding="utf-8", newline="") as file:
        return {row["path"]: row["outcome"] for row in csv.DictReader(file)}


def picture(seed: int, width: int = 48, height: int = 32) -> Image.Image:
    """A blurry pattern that no other seed comes near to."""
    noise = np.random.default_rng(seed).integers(0, 256, (8, 12, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)


def jpeg(seed: int, quality: int = 90) -> bytes:
    buffer = io.BytesIO()
    picture(seed).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def class_folders(folder: Path, counts: dict[str, int]) -> Path:
    """A folder of class folders with that many different photographs each."""
    seed = 0
    for label, count in counts.items():
        (folder / label).mkdir(parents=True)
        for number in range(count):
            (folder / label / f"{number:03}.jpg").write_bytes(jpeg(seed))
            seed += 1
    return folder
