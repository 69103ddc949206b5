"""Data set as arrays: images are decoded once per size into a memory-mapped file."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.lib.format import write_array_header_1_0

from embeddings.arrays import Labels, Pixels, Rows
from embeddings.atomic import atomic_file
from embeddings.images import PIXELS_VERSION, Size, read_pixels
from embeddings.progress import Track
from embeddings.store.images import ImageTable
from embeddings.store.records import StoredImage
from training.data.split import TUNING_SHARE, VALIDATION_SHARE, SplitName, split_groups
from training.digests import Warn, delete_superseded, digest_of, read_cached

_KEY_LENGTH = 16


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
    """Images of the store with their labels and split."""

    table: ImageTable
    classes: tuple[str, ...]
    labels: Labels
    """Shape (n,): position of each image's class in `classes`."""
    indices: SplitIndices
    cache: Path
    track: Track
    warn: Warn
    split: SplitName = "grouped"

    @property
    def images(self) -> tuple[StoredImage, ...]:
        """Images in the order of all arrays."""
        return self.table.images

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the collection."""
        return self.table.collection.fingerprint

    @cached_property
    def images_digest(self) -> str:
        """Digest of the ids and files of all images, in the order of all arrays."""
        return digest_of([(each.id, each.digest) for each in self.images])

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
        return digest_of([first.setdefault(self.images[row].group, len(first)) for row in rows])

    def pixels_key(self, size: Size) -> str:
        """Return the cache key of all images at a size (height, width)."""
        return digest_of([self.images_digest, size, PIXELS_VERSION])[:_KEY_LENGTH]

    def split_at_random(self, seed: int) -> "Dataset":
        """Return the same images with a random split of equal shares that ignores groups.

        Its results show the effect of leakage: near-duplicates are on both sides.
        """
        alone = [image.model_copy(update={"group": row}) for row, image in enumerate(self.images)]
        held_out = split_groups(
            [image.label for image in alone], range(len(alone)), VALIDATION_SHARE, seed
        )
        drawn = [
            image.model_copy(update={"split": "validation" if image.group in held_out else "train"})
            for image in alone
        ]
        return replace(self, indices=_split_indices(drawn, seed), split="random")

    def pixels(self, size: Size) -> Pixels:
        """Return all images at a size: uint8, shape (n, height, width, 3), memory-mapped."""
        height, width = size
        key = self.pixels_key(size)
        path = self.cache / f"pixels-{key}-{height}x{width}.npy"

        def read(path: Path) -> Pixels:
            pixels: Pixels = np.load(path, mmap_mode="r")
            if pixels.shape != (len(self.images), *size, 3) or pixels.dtype != np.uint8:
                raise ValueError(pixels.shape)
            return pixels

        kept = read_cached(path, read, self.warn)
        if kept is None:
            self._decode(path, size)
            delete_superseded(path, key)
            kept = read(path)
        return kept

    def _decode(self, path: Path, size: Size) -> None:
        count = len(self.images)
        with atomic_file(path) as draft:
            header = {"descr": "|u1", "fortran_order": False, "shape": (count, *size, 3)}
            # Not a memory map: on a full disk a write raises an error, a map ends the process.
            with draft.open("wb") as file:
                write_array_header_1_0(file, header)
                jpegs = self.track(self.table.jpegs(), f"Decoding at {size[1]}x{size[0]}", count)
                for jpeg in jpegs:
                    file.write(read_pixels(jpeg, *size).tobytes())


def open_dataset(store_uri: str, cache: Path, seed: int, track: Track, warn: Warn) -> Dataset:
    """Open the latest version of the store. Raises `StoreError` if there is none."""
    table = ImageTable.open(store_uri)
    classes = table.collection.classes
    numbers = {label: number for number, label in enumerate(classes)}
    labels = np.array([numbers[image.label] for image in table.images], np.int64)
    return Dataset(table, classes, labels, _split_indices(table.images, seed), cache, track, warn)


def _split_indices(images: Sequence[StoredImage], seed: int) -> SplitIndices:
    train = [row for row, image in enumerate(images) if image.split == "train"]
    held_out = split_groups(
        [images[row].label for row in train],
        [images[row].group for row in train],
        TUNING_SHARE,
        seed,
    )
    tuning = {row for row in train if images[row].group in held_out}
    validation = set(range(len(images))) - set(train)
    return SplitIndices(
        fit=np.array([row for row in train if row not in tuning], np.int64),
        tuning=np.array(sorted(tuning), np.int64),
        validation=np.array(sorted(validation), np.int64),
    )
