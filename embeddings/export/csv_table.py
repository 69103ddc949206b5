"""CSV tables of images with predictions, without embeddings."""

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from embeddings.export.batches import Batch, ExportedImages
from embeddings.export.columns import FACTS, facts_of

_ROWS = 1024
_TAG_SEPARATOR = "; "
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def write_csv(images: ExportedImages, *, keep_location: bool = False) -> Iterator[bytes]:
    """Yield the parts of a CSV table (UTF-8, RFC 4180) with a line for each image.

    A text that spreadsheets would take for a formula begins with an apostrophe. Raises
    `StoreError`.
    """
    names = [*FACTS.names, *(f"probability_{each}" for each in images.classes)]
    yield lines([map(safe_text, names)])
    for batch in images.batches(_ROWS):
        facts = facts_of(images, batch, keep_location=keep_location).to_pylist()
        yield lines(_cells(row, batch, place) for place, row in enumerate(facts))


def lines(rows: Any) -> bytes:
    """Return rows of cells as lines of CSV."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def safe_text(text: str) -> str:
    """Return a text that spreadsheets do not take for a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _cells(row: Mapping[str, object], batch: Batch, place: int) -> list[object]:
    known = bool(batch.has_features[place])
    chances = batch.encoded.probabilities[place].tolist()
    return [*map(_cell, row.values()), *(chances if known else [None] * len(chances))]


def _cell(value: object) -> object:
    match value:
        case str():
            return safe_text(value)
        case list():
            return safe_text(_TAG_SEPARATOR.join(value))
        case bool():
            return str(value).lower()
        case datetime():
            return value.isoformat()
        case _:
            return value
