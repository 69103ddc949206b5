"""Table of embeddings and class probabilities for each encoder."""

from collections.abc import Sequence
from dataclasses import dataclass

import lance
import numpy as np
import pyarrow as pa

from embeddings.arrays import Floats
from embeddings.encoder import Encoded
from embeddings.store.records import StoredImage
from embeddings.store.tables import (
    StoreError,
    flush_table,
    open_table,
    table_uri,
    translate_errors,
)

_FEATURES = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("encoder", pa.string()),
        pa.field("digest", pa.string()),
        pa.field("embedding", pa.list_(pa.float32())),
        pa.field("probabilities", pa.list_(pa.float32())),
    ]
)


@dataclass(frozen=True)
class FeatureTable:
    """Table `features`: embedding and probabilities of each image for each encoder."""

    uri: str

    @property
    def version(self) -> int:
        """Version of the table, recorded in the manifest of a release. Raises `StoreError`."""
        dataset = open_table(table_uri(self.uri, "features"))
        if dataset is None:
            raise StoreError(f"The feature store {self.uri} has no features; publish first.")
        return int(dataset.version)

    def upsert(self, encoder: str, images: Sequence[StoredImage], encoded: Encoded) -> None:
        """Add or replace the features of these images for this encoder in one atomic commit."""
        rows = pa.table(
            [
                pa.array([image.id for image in images]),
                pa.array([encoder] * len(images)),
                pa.array([image.digest for image in images]),
                _lists(encoded.embeddings),
                _lists(encoded.probabilities),
            ],
            schema=_FEATURES,
        )
        path = table_uri(self.uri, "features")
        dataset = open_table(path)
        with translate_errors(path):
            if dataset is None:
                lance.write_dataset(rows, path, mode="create")
            else:
                merge = dataset.merge_insert(["id", "encoder"])
                merge.when_matched_update_all().when_not_matched_insert_all().execute(rows)
        flush_table(path)

    def read(self, encoder: str, images: Sequence[StoredImage]) -> dict[str, Encoded]:
        """Return the stored features for this encoder by id.

        Images without features, or with features of a file of another digest, are left out.
        """
        dataset = open_table(table_uri(self.uri, "features"))
        if dataset is None:
            return {}
        digests = {image.id: image.digest for image in images}
        with translate_errors(dataset.uri):
            table = dataset.to_table(filter=f"encoder = '{encoder}'")
        return {
            row["id"]: Encoded(
                np.asarray([row["embedding"]], np.float32),
                np.asarray([row["probabilities"]], np.float32),
            )
            for row in table.to_pylist()
            if digests.get(row["id"]) == row["digest"]
        }


def _lists(matrix: Floats) -> pa.Array:
    count, width = matrix.shape
    offsets = np.arange(0, (count + 1) * width, width, dtype=np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(matrix.ravel()))
