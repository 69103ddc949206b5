"""Export of the images of a state, or of a dataset version with the features of the release."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embeddings.arrays import Mask, Rows
from embeddings.export import EXTENSIONS, FormatName
from embeddings.export.batches import ExportedImages, images_of_state, images_of_version
from embeddings.export.formats import FORMATS, Options, UnusableOption, write
from embeddings.store.images import Snapshot
from embeddings.store.records import Images
from embeddings.store.tables import StoreError
from service.image_filter import OF_VERSIONS, ImageFilter, from_json
from service.serving.errors import QueueFull, StoreUnreadable
from service.serving.history import ImagesAt
from service.serving.served_release import ServedRelease

_MOST_EXPORTS = 4
_RETRY_SECONDS = 5


class ExportSlots:
    """Limit of the exports at the same time, each of which takes some 80 MB of memory."""

    def __init__(self) -> None:
        self._free = _MOST_EXPORTS

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold a slot. Raises `QueueFull` if there is none."""
        if not self._free:
            raise QueueFull(_RETRY_SECONDS)
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1


@dataclass(frozen=True)
class Export:
    """File that is made while it is read."""

    chunks: Iterator[bytes]
    """Parts of the file; reading them raises `StoreUnreadable` and `ImageRejected`."""
    name: str
    """Name of the file, with the release and the revision."""
    media_type: str
    count: int
    """Number of images."""
    revision: int
    """Revision of the feature store that the images are from."""


def export_filtered(
    served: ServedRelease,
    where: ImageFilter,
    at: str | None,
    format_name: FormatName,
    options: Options,
) -> Export:
    """Export the images that meet a filter, of the state or of a dataset version.

    The images of a dataset version can be filtered by label, split and selection alone. Raises
    `UnusableOption`, `UnknownSelection`, `UnknownVersion` and `StoreUnreadable`.
    """
    if at is None:
        _refuse_other_classes(where.label, served.classes)
        _refuse_other_classes(where.predicted, served.manifest.classes)
        in_order = served.live.ids_in_order()
        rows = in_order[served.mask(where)[in_order]]
        return _export_state(served, rows, format_name, options)
    snapshot, version = _open_version(served, at)
    _refuse_other_classes(where.label, version.classes)
    rows = _rows_at(served, version, where)
    return _export_version(served, snapshot, version.images.take(rows), format_name, options)


def export_chosen(
    served: ServedRelease,
    ids: Sequence[str],
    at: str | None,
    format_name: FormatName,
    options: Options,
) -> Export:
    """Export the images with these ids, each once, ordered by id.

    Raises `UnknownImage`, `UnusableOption`, `UnknownVersion` and `StoreUnreadable`.
    """
    if at is None:
        in_order = served.live.ids_in_order()
        rows = in_order[np.isin(in_order, [served.row(each) for each in ids])]
        return _export_state(served, rows, format_name, options)
    snapshot, version = _open_version(served, at)
    rows = np.unique([version.row(each) for each in ids])
    return _export_version(served, snapshot, version.images.take(rows), format_name, options)


def _rows_at(served: ServedRelease, version: ImagesAt, where: ImageFilter) -> Rows:
    """Return the rows of a dataset version that meet a filter, as its saved selection is now."""
    selection = served.selection_of(where)
    parts = [replace(where, selection=None)]
    if selection is not None and selection.ids is None:
        parts.append(from_json(selection.filter or {}))
    for part in parts:
        _refuse_conditions_of_states(part)
    rows = reduce(np.intersect1d, map(version.matching, parts))
    if selection is None or selection.ids is None:
        return rows
    ids = version.images.array("id").take(pa.array(rows, pa.int64()))
    found = pc.is_in(ids, value_set=pa.array(selection.ids, pa.string()))
    mask: Mask = np.asarray(found.to_numpy(zero_copy_only=False), np.bool_)
    return rows[mask]


def _refuse_conditions_of_states(where: ImageFilter) -> None:
    others = [f"`{name}`" for name in where.names() if name not in OF_VERSIONS]
    if others:
        raise UnusableOption(
            "Images of a dataset version can be exported by `label`, `split` and `selection` "
            f"alone; leave out `at`, or {', '.join(others)}."
        )


def _refuse_other_classes(names: Sequence[str], classes: Sequence[str]) -> None:
    """Raise `UnusableOption` for a name that is not one of the classes."""
    for each in names:
        if each not in classes:
            raise UnusableOption(
                f"There is no class {each!r:.100}; the classes are {', '.join(classes)}."
            )


def _export_state(
    served: ServedRelease, rows: Rows, format_name: FormatName, options: Options
) -> Export:
    with _readable():
        snapshot = served.store.at(served.revision)
        images = images_of_state(served.live, rows, snapshot)
    return _export(images, format_name, options)


def _open_version(served: ServedRelease, version: str) -> tuple[Snapshot, ImagesAt]:
    """Open a dataset version, given by tag or revision.

    Raises `UnknownVersion` and `StoreUnreadable`.
    """
    served.history.images(version)
    with _readable():
        snapshot = served.store.at(version)
    # A tag may have moved.
    return snapshot, served.history.images(str(snapshot.revision))


def _export_version(
    served: ServedRelease,
    snapshot: Snapshot,
    images: Images,
    format_name: FormatName,
    options: Options,
) -> Export:
    features = served.store.features(served.manifest.encoder.fingerprint)
    with _readable():
        found = images_of_version(served.live, images, features, snapshot)
    return _export(found, format_name, options)


def _export(images: ExportedImages, format_name: FormatName, options: Options) -> Export:
    release = images.release.replace(" ", "-")
    return Export(
        chunks=_read(write(images, format_name, options)),
        name=f"belvedere-{release}-{images.revision}{EXTENSIONS[format_name]}",
        media_type=FORMATS[format_name].media_type,
        count=images.count,
        revision=images.revision,
    )


def _read(chunks: Iterator[bytes]) -> Iterator[bytes]:
    with _readable():
        yield from filter(None, chunks)


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except StoreError as error:
        raise StoreUnreadable from error
