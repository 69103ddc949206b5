"""Rows that an export holds: those of one batch, however many images it has."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from weakref import ReferenceType, ref

import numpy as np
import pyarrow.parquet as pq
import pytest

from embeddings.arrays import Floats
from embeddings.encoded import Encoded
from embeddings.export import FormatName, csv_table, folder, parquet
from embeddings.export.batches import Batch, ExportedImages
from embeddings.export.formats import Options, write
from embeddings.store.records import Images, StoredImage

_ROWS = 4
_CLASSES = ("lake", "ocean")
_DIMENSION = 3
_FILE = b"file"
_OPTIONS = Options(keep_location=True)
"""Files are exported as they are stored, without decoding."""


@dataclass
class Source:
    """Images that are made as they are read, and counted while they are held."""

    count: int
    batches_read: int = 0
    most_held: int = 0
    """Most earlier batches that were in memory when a batch was read."""
    files_read: int = 0
    _embeddings: list[ReferenceType[Floats]] = field(default_factory=list)

    def images(self) -> ExportedImages:
        return ExportedImages(
            release="0" * 16,
            encoder="0" * 16,
            revision=1,
            classes=_CLASSES,
            dimension=_DIMENSION,
            count=self.count,
            batches=self._batches,
            jpegs=self._jpegs,
        )

    def _batches(self, size: int) -> Iterator[Batch]:
        for start in range(0, self.count, size):
            held = sum(each() is not None for each in self._embeddings)
            self.most_held = max(self.most_held, held)
            self.batches_read += 1
            yield self._batch(range(start, min(start + size, self.count)))

    def _batch(self, numbers: Sequence[int]) -> Batch:
        count = len(numbers)
        embeddings = np.ones((count, _DIMENSION), np.float32)
        self._embeddings.append(ref(embeddings))
        return Batch(
            images=Images.of(map(_image, numbers)),
            encoded=Encoded(embeddings, np.full((count, len(_CLASSES)), 0.5, np.float32)),
            has_features=np.ones(count, np.bool_),
            typicalities=np.zeros(count),
            points=np.zeros((count, 2)),
            learned=np.ones(count, np.bool_),
        )

    def _jpegs(self, digests: Sequence[str]) -> Iterator[bytes]:
        for _ in digests:
            self.files_read += 1
            yield _FILE


def _image(number: int) -> StoredImage:
    return StoredImage(
        id=f"lake/{number:05}",
        label="lake",
        split="train",
        group=number,
        digest=sha256(str(number).encode()).hexdigest(),
        source_digest="",
        width=1,
        height=1,
    )


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (csv_table, parquet):
        monkeypatch.setattr(module, "_ROWS", _ROWS)
    monkeypatch.setattr(folder, "_IMAGES", _ROWS)
    # A part of the file after each image.
    monkeypatch.setattr(folder, "_CHUNK", 1)


@pytest.mark.parametrize("name", ["parquet", "csv", "folder"])
@pytest.mark.parametrize("batches", [3, 60])
def test_at_most_one_earlier_batch_is_in_memory(name: FormatName, batches: int) -> None:
    source = Source(batches * _ROWS)
    for _ in write(source.images(), name, _OPTIONS):
        pass
    assert source.batches_read == batches
    assert source.most_held <= 1


@pytest.mark.parametrize("name", ["parquet", "csv", "folder"])
def test_images_are_read_as_parts_of_the_file_are_taken(name: FormatName) -> None:
    source = Source(60 * _ROWS)
    for taken, _ in enumerate(write(source.images(), name, _OPTIONS), start=1):
        assert source.batches_read <= taken
        assert source.files_read <= taken * _ROWS


def test_the_parts_of_a_larger_file_are_no_larger() -> None:
    sizes = {}
    for batches in (6, 60):
        *groups, _ = map(len, write(Source(batches * _ROWS).images(), "parquet", _OPTIONS))
        assert len(groups) == batches
        # Numbers of places in the file get longer.
        sizes[batches] = max(groups)
    assert sizes[60] <= 1.1 * sizes[6]


def test_the_parts_are_one_file() -> None:
    content = b"".join(write(Source(60 * _ROWS).images(), "parquet", _OPTIONS))
    assert pq.read_table(io.BytesIO(content)).column("id").to_pylist() == [
        f"lake/{number:05}" for number in range(60 * _ROWS)
    ]
