"""Data set as arrays: images are decoded once per size into a memory-mapped file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from embeddings.arrays import Labels, Mask, Pixels, Rows
from embeddings.atomic import atomic_file
from embeddings.images import PIXELS_VERSION, Size, read_pixels
from embeddings.ingest.split import TUNING_SHARE, VALIDATION_SHARE, SplitName, split_groups
from embeddings.progress import Track
from embeddings.store.images import Snapshot
from embeddings.store.records import Images
from training.data.pixel_file import decoded_rows, open_pixels, write_pixels
from training.digests import Warn, delete_superseded, digest_of, read_cached

_KEY_LENGTH = 16


class ImageFiles(Protocol):
    """Files of the images of one dataset version."""

    @property
    def revision(self) -> int:
        """Revision of the store."""

    def jpegs(self, digests: Sequence[str]) -> Iterator[bytes]:
        """Yield the JPEG files with these digests in their order. Raises `StoreError`."""

    def has_files(self, digests: Sequence[str]) -> Mask:
        """Return a mask of the digests whose JPEG file the store has. Raises `StoreError`."""


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
        """Return all images at a size: uint8, shape (n, height, width, 3), memory-mapped.

        Images of an earlier dataset version in the cache are copied from there, not decoded again.
        """
        path = self.pixels_path(size)

        def read(path: Path) -> Pixels:
            return open_pixels(path, len(self.images), size)

        kept = read_cached(path, read, self.warn)
        if kept is None:
            self._decode(path, size)
            delete_superseded(path, self.pixels_key(size))
            kept = read(path)
        return kept

    def pixels_path(self, size: Size) -> Path:
        """Return the cached file of all images at a size (height, width)."""
        return self._pixels_file(size, self.pixels_key(size))

    def _pixels_file(self, size: Size, key: str) -> Path:
        height, width = size
        return self.cache / f"pixels-{key}-{height}x{width}.npy"

    def _decode(self, path: Path, size: Size) -> None:
        digests = self.images.digests
        others = self.cache.glob(self._pixels_file(size, "*").name)
        known = decoded_rows((each for each in others if each != path), size)
        jpegs = self.snapshot.jpegs([digest for digest in digests if digest not in known])
        rows = (
            known[digest] if digest in known else read_pixels(next(jpegs), *size)
            for digest in digests
        )
        tracked = self.track(rows, f"Decoding at {size[1]}x{size[0]}", len(digests))
        with atomic_file(path) as draft:
            write_pixels(draft, digests, size, tracked)


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
