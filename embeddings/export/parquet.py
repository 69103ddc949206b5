"""Parquet files of images with embeddings, probabilities and places on the map."""

import json
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from embeddings.arrays import Mask
from embeddings.export.batches import Batch, ExportedImages
from embeddings.export.chunks import Chunks
from embeddings.export.columns import FACTS, facts_of
from embeddings.images import to_jpeg

THUMBNAIL_SIDE = 160
"""Longer side of a thumbnail in pixels."""

_QUALITY = 85
_ROWS = 1024
"""Rows of a row group."""
_ROWS_WITH_THUMBNAILS = 128
_THUMBNAIL = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
"""Image of a data set of Hugging Face, which other programs show, too."""

_METADATA = b"belvedere"


def write_parquet(
    images: ExportedImages, *, thumbnails: bool = False, keep_location: bool = False
) -> Iterator[bytes]:
    """Yield the parts of a Parquet file, a row group for each batch of images.

    Raises `StoreError`, and `ImageRejected` for a damaged file of a thumbnail.
    """
    schema = _schema(images, thumbnails)
    file = Chunks()
    # Neither numbers without repetition nor compressed images get smaller by a dictionary.
    repeated = [field.name for field in schema if pa.types.is_string(field.type)]
    with pq.ParquetWriter(file, schema, compression="zstd", use_dictionary=repeated) as writer:
        for batch in images.batches(_ROWS_WITH_THUMBNAILS if thumbnails else _ROWS):
            facts = facts_of(images, batch, keep_location=keep_location)
            columns = [*facts.columns, *_features(batch)]
            if thumbnails:
                columns.append(_thumbnails(images, batch))
            writer.write_table(pa.table(columns, schema=schema))
            yield file.take()
    yield file.take()


def _schema(images: ExportedImages, thumbnails: bool) -> pa.Schema:
    fields = [
        *FACTS,
        pa.field("probabilities", pa.list_(pa.float32(), len(images.classes))),
        pa.field("embedding", pa.list_(pa.float32(), images.dimension)),
    ]
    if thumbnails:
        fields.append(pa.field("thumbnail", _THUMBNAIL))
    state = {
        "release": images.release,
        "encoder": images.encoder,
        "revision": images.revision,
        "classes": images.classes,
    }
    return pa.schema(fields, {_METADATA: json.dumps(state, ensure_ascii=False).encode()})


def _features(batch: Batch) -> tuple[pa.Array, pa.Array]:
    encoded, without = batch.encoded, ~batch.has_features
    return _vectors(encoded.probabilities, without), _vectors(encoded.embeddings, without)


def _vectors(matrix: npt.NDArray[np.float32], without: Mask) -> pa.FixedSizeListArray:
    values = pa.array(np.ascontiguousarray(matrix).ravel())
    mask = pa.array(without) if without.any() else None
    return pa.FixedSizeListArray.from_arrays(values, matrix.shape[1], mask=mask)


def _thumbnails(images: ExportedImages, batch: Batch) -> pa.Array:
    files = images.jpegs(batch.images.digests)
    small = [to_jpeg(each, THUMBNAIL_SIDE, _QUALITY) for each in files]
    return pa.StructArray.from_arrays(
        [pa.array(small, pa.binary()), pa.array([f"{each}.jpg" for each in batch.images.ids])],
        fields=list(_THUMBNAIL),
    )
