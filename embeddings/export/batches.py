"""Images to export, read in batches: records, features and place on the map."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embeddings.arrays import Doubles, Mask, Points, Rows
from embeddings.encoded import Encoded
from embeddings.live_state import LiveState
from embeddings.store.blobs import positions_of
from embeddings.store.features import FeatureTable
from embeddings.store.images import Snapshot
from embeddings.store.records import Images
from embeddings.store.tables import translate_errors

_TIMES = ("added", "changed")


@dataclass(frozen=True)
class Batch:
    """Images with their features; all parts have the same order."""

    images: Images
    encoded: Encoded
    """Features by the encoder of the release; zeros for an image without them."""
    has_features: Mask
    typicalities: Doubles
    points: Points
    learned: Mask


@dataclass(frozen=True)
class ExportedImages:
    """Images of one state, ordered by id, with the facts that hold for all of them."""

    release: str
    """Fingerprint of the release that the features come from."""
    encoder: str
    """Fingerprint of the encoder."""
    revision: int
    classes: tuple[str, ...]
    dimension: int
    """Length of an embedding."""
    count: int
    batches: Callable[[int], Iterator[Batch]]
    """Function that reads the images with features, in batches of a number of images."""
    jpegs: Callable[[Sequence[str]], Iterator[bytes]]
    """Function that yields the JPEG files with these digests."""


def images_of_state(state: LiveState, rows: Rows, snapshot: Snapshot) -> ExportedImages:
    """Return rows of a state; the snapshot is that of its revision. Raises `StoreError`."""
    times = _times(snapshot, state.ids(rows))

    def batches(size: int) -> Iterator[Batch]:
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            images = _with_times(state.images(part), times.slice(start, len(part)))
            yield _of_rows(state, part, images)

    return _exported(state, len(rows), snapshot, batches)


def images_of_version(
    state: LiveState, images: Images, features: FeatureTable, snapshot: Snapshot
) -> ExportedImages:
    """Return images of a dataset version with the features of their files at that version.

    Files that neither the release nor the table has have no features. Raises `StoreError`.
    """
    rows = positions_of(
        images.array("digest"), pa.chunked_array([state.release.images.array("digest")])
    )

    def batches(size: int) -> Iterator[Batch]:
        for start in range(0, len(rows), size):
            part = slice(start, start + size)
            yield _of_files(state, rows[part], images[part], features)

    return _exported(state, len(rows), snapshot, batches)


def _exported(
    state: LiveState, count: int, snapshot: Snapshot, batches: Callable[[int], Iterator[Batch]]
) -> ExportedImages:
    manifest = state.release.manifest
    return ExportedImages(
        release=manifest.fingerprint,
        encoder=manifest.encoder.fingerprint,
        revision=snapshot.revision,
        classes=manifest.classes,
        dimension=state.release.embeddings.shape[1],
        count=count,
        batches=batches,
        jpegs=snapshot.jpegs,
    )


def _times(snapshot: Snapshot, ids: list[str]) -> pa.Table:
    """Return the times of adding and of the last change of these images, in their order."""
    with translate_errors(snapshot.dataset.uri):
        stored = snapshot.dataset.to_table(columns=["id", *_TIMES])
    found = pc.index_in(pa.array(ids, pa.string()), value_set=stored.column("id"))
    return stored.select(_TIMES).take(found)


def _with_times(images: Images, times: pa.Table) -> Images:
    table = images.table
    for name in _TIMES:
        table = table.set_column(table.schema.get_field_index(name), name, times.column(name))
    return Images(table)


def _of_rows(state: LiveState, rows: Rows, images: Images) -> Batch:
    release = state.release
    added = rows >= len(release.images)
    later = rows[added].tolist()
    sealed = np.where(added, 0, rows)
    probabilities = release.probabilities[sealed]
    typicalities, learned = release.typicalities[sealed], release.learned[sealed]
    if later:
        probabilities[added] = [state.probabilities(row) for row in later]
        typicalities[added] = [state.typicality(row) for row in later]
        learned[added] = [state.learned(row) for row in later]
    return Batch(
        images=images,
        encoded=Encoded(state.index.embeddings[rows], probabilities),
        has_features=np.ones(len(rows), np.bool_),
        typicalities=typicalities,
        points=state.points(rows),
        learned=learned,
    )


def _of_files(state: LiveState, rows: Rows, images: Images, features: FeatureTable) -> Batch:
    """Return images whose files have these rows in the release, or -1."""
    release, files = state.release, state.files
    sealed = np.maximum(rows, 0)
    embeddings, probabilities = release.embeddings[sealed], release.probabilities[sealed]
    typicalities, points = release.typicalities[sealed], release.points[sealed]
    learned, known = release.learned[sealed], rows >= 0
    missing = np.flatnonzero(~known)
    if len(missing):
        digests = [images.digests[place] for place in missing]
        learned[missing] = [files.learned(each) for each in digests]
        embeddings[missing], probabilities[missing] = 0, 0
        found, encoded = features.read(digests)
        places = missing[found]
        known[places] = True
        if len(places):
            named = [each for each, has in zip(digests, found, strict=True) if has]
            embeddings[places], probabilities[places] = encoded.embeddings, encoded.probabilities
            typicalities[places] = list(map(files.typicality, named, encoded.embeddings))
            points[places] = files.points(named, encoded.embeddings)
    return Batch(images, Encoded(embeddings, probabilities), known, typicalities, points, learned)
