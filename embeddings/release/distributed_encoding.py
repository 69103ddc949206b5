"""Features computed by the nodes of a Ray cluster; this process alone stores them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import lance
import numpy as np
import pyarrow as pa

from embeddings.arrays import Rows
from embeddings.encoded import Encoded
from embeddings.encoder import Encoder, encoder_fingerprint
from embeddings.ray_cluster import Cluster
from embeddings.release.encoding import Encode, encode_in_order
from embeddings.runtime import Precision
from embeddings.settings import is_remote
from embeddings.store.blobs import Blobs, BlobTable
from embeddings.store.images import Snapshot
from embeddings.store.tables import StoreError

BATCH = 64
"""Images of one task."""

_XML, _BIN = "encoder.xml", "encoder.bin"


@dataclass(frozen=True)
class SharedEncoder:
    """Encoder in the object store of a cluster; a process of a node opens it once."""

    key: str
    precision: Precision
    files: Any = field(compare=False)
    """Reference to the contents of the files `.xml` and `.bin`."""


@dataclass(frozen=True)
class SentFiles:
    """Files of a task, read by the driver: a folder may exist on its machine only."""

    digests: list[str]
    files: list[bytes]

    def read(self) -> Iterator[bytes]:
        """Yield the files."""
        return iter(self.files)


@dataclass(frozen=True)
class NamedFiles:
    """Files of a task in a store on object storage, which its node reads itself."""

    digests: list[str]
    uri: str
    version: int
    """Version of the table `blobs`."""
    rows: Rows

    def read(self) -> Iterator[bytes]:
        """Yield the files; if that version was cleaned up, those of the newest one."""
        done = 0
        try:
            dataset = lance.dataset(BlobTable(self.uri).path, version=self.version)
            for file in Blobs(dataset, pa.chunked_array([], pa.string())).jpegs(self.rows):
                yield file
                done += 1
        except (StoreError, OSError, ValueError):
            yield from BlobTable(self.uri).jpegs(self.digests[done:])


def encode_on(cluster: Cluster, model: Path, precision: Precision = "f32") -> Encode:
    """Return the function that encodes files on the nodes of a cluster.

    The features are bit-equal to those of `encode_here`. Every task is repeated if its process or
    its node ends, and has no effect but its result.
    """
    contents = tuple(path.read_bytes() for path in (model, model.with_suffix(".bin")))
    shared = SharedEncoder(encoder_fingerprint(model), precision, cluster.ray.put(contents))

    def encode(snapshot: Snapshot, digests: Sequence[str]) -> Iterator[tuple[str, Encoded]]:
        for done, encoded in cluster.run(_encode, [shared], _batches(snapshot, digests)):
            for row, digest in enumerate(done):
                yield digest, encoded.row(row)

    return encode


def _batches(snapshot: Snapshot, digests: Sequence[str]) -> Iterator[SentFiles | NamedFiles]:
    """Yield the files of each task in the order of their rows, which is that of their reading."""
    blobs = snapshot.blobs
    rows = blobs.rows_of(digests)
    order = np.argsort(rows, kind="stable")
    remote = is_remote(snapshot.uri)
    for start in range(0, len(order), BATCH):
        part = order[start : start + BATCH]
        chosen = [digests[each] for each in part]
        if remote:
            yield NamedFiles(chosen, snapshot.uri, int(blobs.dataset.version), rows[part])
        else:
            yield SentFiles(chosen, _files(snapshot, chosen, rows[part]))


def _files(snapshot: Snapshot, digests: Sequence[str], rows: Rows) -> list[bytes]:
    try:
        return list(snapshot.blobs.jpegs(rows))
    except StoreError:
        # The opened version of the table was cleaned up, or a file is missing.
        return list(snapshot.jpegs(digests))


def _encode(shared: SharedEncoder, batch: SentFiles | NamedFiles) -> tuple[list[str], Encoded]:
    """Return the digests and the features of the files of a task, on one processor."""
    outputs = encode_in_order(_open_encoder(shared), batch.digests, batch.read())
    return batch.digests, Encoded.concatenate(encoded for _, encoded in outputs)


@lru_cache(maxsize=1)
def _open_encoder(shared: SharedEncoder) -> Encoder:
    import ray

    with TemporaryDirectory() as folder:
        for name, content in zip((_XML, _BIN), ray.get(shared.files), strict=True):
            Path(folder, name).write_bytes(content)
        return Encoder(Path(folder, _XML), shared.precision, cores=1)
