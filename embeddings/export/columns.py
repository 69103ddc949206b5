"""Columns of an export: records, attributes and predictions of a batch of images."""

import json
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pyarrow as pa
from pydantic import JsonValue

from embeddings.export.batches import Batch, ExportedImages
from embeddings.store.attribution import Attribution, attribution_of
from embeddings.store.records import IMAGE_SCHEMA, LOCATION, StoredImage

_ATTRIBUTION = tuple(Attribution.model_fields)
_TEXTS = ("taken", "camera", "lens")
"""Attributes with a column of their own."""

_STORED = ("label", "split", "tuning", "group", "width", "height", "tags", "digest", "added")
_NOTHING = Attribution.model_construct(**dict.fromkeys(_ATTRIBUTION))

_TIME = IMAGE_SCHEMA.field("changed").type

FACTS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        *(IMAGE_SCHEMA.field(name) for name in _STORED),
        pa.field("event_timestamp", _TIME),
        pa.field("learned", pa.bool_()),
        *(pa.field(name, pa.string()) for name in _ATTRIBUTION),
        *(pa.field(name, pa.string()) for name in _TEXTS),
        pa.field("attributes", pa.string()),
        pa.field("predicted", pa.string()),
        pa.field("probability", pa.float32()),
        pa.field("typicality", pa.float64()),
        pa.field("x", pa.float64()),
        pa.field("y", pa.float64()),
    ]
)
"""Columns of all tables, without embeddings and the probabilities of all classes."""


def facts_of(images: ExportedImages, batch: Batch, *, keep_location: bool) -> pa.Table:
    """Return the columns `FACTS` of a batch; the location is left out by default.

    Columns of the model are null for an image without features.
    """
    records = list(batch.images)
    without = ~batch.has_features
    best = batch.encoded.probabilities.argmax(axis=1)
    probability = batch.encoded.probabilities[np.arange(len(best)), best]
    x, y = batch.points.T
    stored = {name: batch.images.table.column(name) for name in ("id", *_STORED)}
    columns: dict[str, object] = {
        **stored,
        "event_timestamp": batch.images.table.column("changed"),
        "learned": batch.learned,
        **_attributions(records),
        **_attributes([each.attributes for each in records], keep_location),
        "predicted": pa.array(np.array(images.classes, np.object_)[best], mask=without),
        "probability": pa.array(probability, mask=without),
        "typicality": pa.array(batch.typicalities, mask=without),
        "x": pa.array(x, mask=without),
        "y": pa.array(y, mask=without),
    }
    return pa.table([columns[name] for name in FACTS.names], schema=FACTS)


def _attributions(records: Iterable[StoredImage]) -> dict[str, Sequence[str | None]]:
    found = [attribution_of(each) or _NOTHING for each in records]
    return {name: [getattr(each, name) for each in found] for name in _ATTRIBUTION}


def _attributes(
    attributes: Sequence[Mapping[str, JsonValue]], keep_location: bool
) -> dict[str, Sequence[str | None]]:
    left_out = () if keep_location else (LOCATION,)
    columns: dict[str, Sequence[str | None]] = {
        name: [_text(each.get(name)) for each in attributes] for name in _TEXTS
    }
    kept = ({name: each[name] for name in each if name not in left_out} for each in attributes)
    return columns | {"attributes": [json.dumps(each, ensure_ascii=False) for each in kept]}


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) else None
