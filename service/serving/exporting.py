"""Export of the images of a state, or of a dataset version with the features of the release."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from embeddings.arrays import Rows
from embeddings.export import EXTENSIONS, FormatName
from embeddings.export.batches import ExportedImages, images_of_state, images_of_version
from embeddings.export.formats import FORMATS, Options, write
from embeddings.store.images import Snapshot
from embeddings.store.records import Images
from embeddings.store.tables import StoreError
from service.image_filter import ImageFilter
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


def rows_of(served: ServedRelease, where: ImageFilter) -> Rows:
    """Return the rows of the images that meet a filter, ordered by id."""
    in_order = served.live.ids_in_order()
    return in_order[served.mask(where)[in_order]]


def export_state(
    served: ServedRelease, rows: Rows, format_name: FormatName, options: Options
) -> Export:
    """Export rows of a state. Raises `StoreUnreadable` and `UnusableOption`."""
    with _readable():
        snapshot = served.store.at(served.revision)
        images = images_of_state(served.live, rows, snapshot)
    return _export(images, format_name, options)


def open_version(served: ServedRelease, version: str) -> tuple[Snapshot, ImagesAt]:
    """Open a dataset version, given by tag or revision.

    Raises `UnknownVersion` and `StoreUnreadable`.
    """
    served.history.images(version)
    with _readable():
        snapshot = served.store.at(version)
    # A tag may have moved.
    return snapshot, served.history.images(str(snapshot.revision))


def export_version(
    served: ServedRelease,
    snapshot: Snapshot,
    images: Images,
    format_name: FormatName,
    options: Options,
) -> Export:
    """Export images of a dataset version. Raises `StoreUnreadable` and `UnusableOption`."""
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
