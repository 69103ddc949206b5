"""Data set as arrays: images are decoded once per size into a memory-mapped file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.lib.format import write_array_header_1_0

from embeddings.arrays import Labels, Pixels, Rows
from embeddings.atomic import atomic_file
from embeddings.images import PIXELS_VERSION, Size, read_pixels
from embeddings.ingest.split import TUNING_SHARE, VALIDATION_SHARE, SplitName, split_groups
from embeddings.progress import Track
from embeddings.store.images import Snapshot
from embeddings.store.records import Images
from training.digests import Warn, delete_superseded, digest_of, read_cached

_KEY_LENGTH = 16


class ImageFiles(Protocol):
    """Files of the images of one dataset version."""

    @property
    def revision(self) -> int:
        """Revision of the store."""

    def jpegs(self, digests: Sequence[str]) -> Iterator[bytes]:
        """Yield the JPEG files with these digests in their order. Raises `StoreError`."""


@dataclass(frozen=True)
class SplitIndices:
    """Row numbers of the images in each part of the split."""

    fit: Rows
    """Training images without the tuning part: the weights are fitted to them."""
    tuning: Rows
    """Tuning part of the training set, for early stopping and all other choices."""
    validation: Rows
    """Validation images, evaluated once per run for the report."""


@dataclass(frozen=True)
class Dataset:
    """Images of one dataset version with their labels and split; the pool is left out."""

    snapshot: ImageFiles
    images: Images
    """Images in the order of all arrays."""
    classes: tuple[str, ...]
    labels: Labels
    """Shape (n,): position of each image's class in `classes`."""
    indices: SplitIndices
    cache: Path
    track: Track
    warn: Warn
    split: SplitName = "grouped"

    @cached_property
    def images_digest(self) -> str:
        """Digest of the ids and files of all images, in the order of all arrays."""
        return digest_of([self.images.ids, self.images.digests])

    @cached_property
    def training_digest(self) -> str:
        """Digest of the inputs of training and validation: ids, files, labels and split."""
        parts = [self.indices.fit, self.indices.tuning, self.indices.validation]
        labels = [self.classes[label] for label in self.labels]
        rows = [part.tolist() for part in parts]
        return digest_of([self.images_digest, self.classes, labels, rows])

    def groups_digest(self, rows: Rows) -> str:
        """Return the digest of the partition of these images into groups, for any numbering."""
        first: dict[int, int] = {}
        groups = self.images.groups[rows].tolist()
        return digest_of([first.setdefault(group, len(first)) for group in groups])

    def pixels_key(self, size: Size) -> str:
        """Return the cache key of all images at a size (height, width)."""
        return digest_of([self.images_digest, size, PIXELS_VERSION])[:_KEY_LENGTH]

    def split_at_random(self, seed: int) -> "Dataset":
        """Return the same images with a random split of equal shares that ignores groups.

        Its results show the effect of leakage: near-duplicates are on both sides.
        """
        labels = [self.classes[number] for number in self.labels]
        count = len(labels)
        held_out = split_groups(labels, range(count), VALIDATION_SHARE, seed)
        train = [row for row in range(count) if row not in held_out]
        tuning = split_groups([labels[row] for row in train], train, TUNING_SHARE, seed)
        indices = SplitIndices(
            fit=np.array([row for row in train if row not in tuning], np.int64),
            tuning=np.array(sorted(tuning), np.int64),
            validation=np.array(sorted(held_out), np.int64),
        )
        return replace(self, indices=indices, split="random")

    def pixels(self, size: Size) -> Pixels:
        """Return all images at a size: uint8, shape (n, height, width, 3), memory-mapped."""
        path = self.pixels_path(size)

        def read(path: Path) -> Pixels:
            pixels: Pixels = np.load(path, mmap_mode="r")
            if pixels.shape != (len(self.images), *size, 3) or pixels.dtype != np.uint8:
                raise ValueError(pixels.shape)
            return pixels

        kept = read_cached(path, read, self.warn)
        if kept is None:
            self._decode(path, size)
            delete_superseded(path, self.pixels_key(size))
            kept = read(path)
        return kept

    def pixels_path(self, size: Size) -> Path:
        """Return the cached file of all images at a size (height, width)."""
        height, width = size
        return self.cache / f"pixels-{self.pixels_key(size)}-{height}x{width}.npy"

    def _decode(self, path: Path, size: Size) -> None:
        count = len(self.images)
        with atomic_file(path) as draft:
            header = {"descr": "|u1", "fortran_order": False, "shape": (count, *size, 3)}
            # Not a memory map: on a full disk a write raises an error, a map ends the process.
            with draft.open("wb") as file:
                write_array_header_1_0(file, header)
                stored = self.snapshot.jpegs(self.images.digests)
                jpegs = self.track(stored, f"Decoding at {size[1]}x{size[0]}", count)
                for jpeg in jpegs:
                    file.write(read_pixels(jpeg, *size).tobytes())


def open_dataset(snapshot: Snapshot, cache: Path, track: Track, warn: Warn) -> Dataset:
    """Return the labelled images of a snapshot that are on a side of the split."""
    images = snapshot.images.take(snapshot.images.splits != "pool")
    classes = images.classes
    numbers = {label: number for number, label in enumerate(classes)}
    labels = np.array([numbers[label] for label in images.labels if label is not None], np.int64)
    return Dataset(snapshot, images, classes, labels, _stored_indices(images), cache, track, warn)


def _stored_indices(images: Images) -> SplitIndices:
    train = images.splits == "train"
    return SplitIndices(
        fit=np.flatnonzero(train & ~images.tuning),
        tuning=np.flatnonzero(train & images.tuning),
        validation=np.flatnonzero(images.splits == "validation"),
    )
