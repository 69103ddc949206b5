"""Verification of the feature store: tables, files and features against each other."""

from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import sha256

from embeddings.progress import Track
from embeddings.store.blobs import Blobs, BlobTable
from embeddings.store.images import ImageTable, Snapshot
from embeddings.store.records import Images
from embeddings.store.tables import StoreError
from embeddings.store.versions import list_tags

_SHOWN = 5


def verify_store(table: ImageTable, track: Track) -> Iterator[str]:
    """Yield a sentence for each inconsistency, with the remedy. Reads every file of an image."""
    try:
        newest = table.open()
        yield from _check_ids(newest.all)
        blobs = BlobTable(table.uri).open()
        yield from _check_files(newest, blobs, track)
        for name, revision in list_tags(table).items():
            yield from _check_tag(table, name, revision, blobs)
    except StoreError as error:
        yield str(error)


def _check_ids(images: Images) -> Iterator[str]:
    doubled = [identifier for identifier, count in Counter(images.ids).items() if count > 1]
    if doubled:
        yield f"The table `images` has more than one row for {_named(doubled)}; erase and add them."


def _check_files(newest: Snapshot, blobs: Blobs, track: Track) -> Iterator[str]:
    images = newest.all
    rows = blobs.rows_of(images.digests)
    missing = [images.ids[row] for row in (rows < 0).nonzero()[0]]
    if missing:
        yield f"The files of {_named(missing)} are missing; run `belvedere add` with their folder."
    present = (rows >= 0).nonzero()[0]
    stored = track(blobs.jpegs(rows[present]), "Verifying", len(present))
    damaged = [
        images.ids[row]
        for row, jpeg in zip(present.tolist(), stored, strict=True)
        if sha256(jpeg).hexdigest() != images.digests[row]
    ]
    if damaged:
        yield (
            f"The files of {_named(damaged)} differ from their digest; run `belvedere erase` for "
            "these ids and `belvedere add` with their folder."
        )


def _check_tag(table: ImageTable, name: str, revision: int, blobs: Blobs) -> Iterator[str]:
    try:
        images = table.open(revision).all
    except StoreError as error:
        yield f"The dataset version {name} cannot be opened: {error}"
        return
    missing = [images.ids[row] for row in (blobs.rows_of(images.digests) < 0).nonzero()[0]]
    if missing:
        yield (
            f"The dataset version {name} needs the files of {_named(missing)}, which are missing; "
            "restore the folder of the store from a backup, or delete the tag."
        )


def _named(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else ""
    return ", ".join(repr(identifier) for identifier in ids[:_SHOWN]) + more
