"""Decisions about single changes, from the images in memory."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from pydantic import JsonValue

from embeddings.arrays import Pixels
from embeddings.file_names import to_nfc
from embeddings.images import open_rgb
from embeddings.ingest.changes import (
    Change,
    Delete,
    ImageChanged,
    InvalidChange,
    PreparedFile,
    Put,
    Relabel,
    Restore,
    UnknownImage,
)
from embeddings.ingest.collection import Collection
from embeddings.ingest.names import checked_id, checked_label
from embeddings.ingest.near_duplicates import is_same_image
from embeddings.ingest.outcomes import CONFLICT, COPY_OF, RESTORED, WriteOutcome
from embeddings.store.blobs import THUMBNAIL_SHAPE
from embeddings.store.records import Decision, StoredImage, record_tag

UPLOADS = "uploads"
"""Source of images that were put one by one."""

_LARGEST_ATTRIBUTES = 16 << 10
"""Bytes of the attributes of an image as JSON."""

_DELETED = "deleted earlier; put it again with `restore` to add it"


@dataclass(frozen=True)
class Step:
    """Outcome of a change and the records that it writes."""

    outcome: WriteOutcome
    id: str
    detail: str = ""
    row: int | None = None
    """Row of the record to return."""
    records: Mapping[int, StoredImage] = field(default_factory=dict)
    """Changed and new records, by row."""
    decisions: tuple[Decision, ...] = ()
    file: PreparedFile | None = None
    """New content of `row`."""


@dataclass(frozen=True)
class Situation:
    """State on which a decision is based."""

    images: Collection
    read_jpeg: Callable[[str], bytes]
    """Returns the stored JPEG file with a digest."""
    now: datetime


def decide(change: Change, situation: Situation) -> Step:
    """Return the outcome of a change; nothing is changed.

    Raises `InvalidChange`, `UnknownImage`, `ImageChanged` and `StoreError`.
    """
    match change:
        case Put():
            return _decide_put(change, situation)
        case Relabel():
            return _decide_relabel(change, situation)
        case Delete():
            return _mark(change.ids, situation, situation.now, change.by)
        case Restore():
            return _mark(change.ids, situation, None, change.by)


def _decide_put(change: Put, situation: Situation) -> Step:
    images, identifier = situation.images, to_nfc(change.id)
    label = None if change.label is None else checked_label(change.label)
    row = images.row_of(identifier)
    if row is None:
        identifier = checked_id(identifier)
    same = images.rows_with(change.file)
    if row is not None and row in same and images.is_live(row) == images.is_live(same[0]):
        return _put_same(change, label, row, situation)
    if same and images.is_live(same[0]):
        return _put_stored(label, same[0], images)
    if same and not change.restore:
        return Step("deleted_before", images.record(same[0]).id, _DELETED, same[0])
    return _put_content(change, identifier, label, row, situation)


def _put_same(change: Put, label: str | None, row: int, situation: Situation) -> Step:
    """Put the content that the image has already."""
    record = situation.images.record(row)
    if record.deleted is not None:
        if not change.restore:
            return Step("deleted_before", record.id, _DELETED, row)
        restored = record.model_copy(update={"deleted": None})
        step = _relabelled(restored, label, row, situation, change.by, "restore")
        return Step("added", record.id, RESTORED, row, step.records, step.decisions)
    if label in (None, record.label):
        return Step("unchanged", record.id, row=row)
    return _relabelled(record, label, row, situation, change.by, "review")


def _put_stored(label: str | None, row: int, images: Collection) -> Step:
    """Put the content of another image."""
    record = images.record(row)
    if label is None or record.label in (None, label):
        return Step("duplicate_of", record.id, f"{COPY_OF}{record.id}", row)
    detail = f"{CONFLICT}the same image as {record.id}, which is in {record.label}"
    return Step("conflict", record.id, detail, row)


def _put_content(
    change: Put, identifier: str, label: str | None, row: int | None, situation: Situation
) -> Step:
    """Put content that is not stored."""
    images, file = situation.images, change.file
    before = None if row is None else images.record(row)
    if label is None and before is not None:
        label = before.label
    row = len(images) if row is None else row
    alike = images.find_alike(thumbnail_of(file), row)
    copy = images.copy_of(alike, label)
    if copy is not None and _is_copy(file, images.record(copy), situation):
        return _put_stored(label, copy, images)
    record = _record(identifier, label, file, before)
    is_added = before is None or before.deleted is not None
    old_label = None if before is None else before.label
    return Step(
        "added" if is_added else "replaced",
        identifier,
        row=row,
        records=images.placed(row, record, alike),
        decisions=(
            Decision(
                identifier, old_label, label, change.by, "import" if is_added else "replacement"
            ),
        ),
        file=file,
    )


def _is_copy(file: PreparedFile, other: StoredImage, situation: Situation) -> bool:
    stored = situation.read_jpeg(other.digest)
    return is_same_image(open_rgb(file.blob.jpeg), open_rgb(stored))


def _record(
    identifier: str, label: str | None, file: PreparedFile, before: StoredImage | None
) -> StoredImage:
    content: dict[str, Any] = {
        "label": label,
        "digest": file.blob.digest,
        "source_digest": file.source_digest,
        "width": file.blob.width,
        "height": file.blob.height,
        "attributes": file.attributes,
        "source": UPLOADS,
        "path": identifier,
        "deleted": None,
    }
    if before is not None:
        return before.model_copy(update=content)
    return StoredImage(id=identifier, split="pool", group=-1, **content)


def _decide_relabel(change: Relabel, situation: Situation) -> Step:
    row = _live_row(change.id, situation.images)
    record = situation.images.record(row)
    label = None if change.label is None else checked_label(change.label)
    attributes = _merged(record.attributes, change.attributes or {})
    _check_size(attributes)
    patched = record.model_copy(update={"attributes": attributes})
    if label in (None, record.label) and patched == record:
        # The answer to the same change may have been lost (RFC 9110, section 13.1.1).
        return Step("unchanged", record.id, row=row)
    if change.if_match is not None and change.if_match != record_tag(record):
        raise ImageChanged(
            f"The image {record.id!r} has changed meanwhile; read it again and repeat the change."
        )
    if label in (None, record.label):
        decision = Decision(record.id, record.label, record.label, change.by, "attributes")
        return Step("changed", record.id, "", row, {row: patched}, (decision,))
    return _relabelled(patched, label, row, situation, change.by, "review")


def _relabelled(
    record: StoredImage, label: str | None, row: int, situation: Situation, by: str, why: str
) -> Step:
    """Give a stored image a label; None to keep its label."""
    images = situation.images
    before = images.record(row).label
    label = before if label is None else label
    labelled = record.model_copy(update={"label": label})
    records = {row: labelled}
    if before is None and label is not None:
        records = images.placed(row, labelled, images.find_alike(images.thumbnail(row), row))
    decision = Decision(record.id, before, label, by, why)
    return Step("relabelled", record.id, "", row, records, (decision,))


def _merged(
    attributes: Mapping[str, JsonValue], patch: Mapping[str, JsonValue]
) -> dict[str, JsonValue]:
    """Return attributes with a JSON merge patch."""
    merged = {**attributes}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict):
            inner = merged.get(name)
            merged[name] = _merged(inner if isinstance(inner, dict) else {}, value)
        else:
            merged[name] = value
    return merged


def _check_size(attributes: Mapping[str, JsonValue]) -> None:
    size = len(json.dumps(attributes))
    if size > _LARGEST_ATTRIBUTES:
        raise InvalidChange(
            f"The attributes would have {size:,} bytes as JSON; up to {_LARGEST_ATTRIBUTES:,} are "
            "stored. Send fewer or shorter ones."
        )


def _mark(ids: Sequence[str], situation: Situation, deleted: datetime | None, by: str) -> Step:
    """Mark images as deleted at a time, or as not deleted."""
    images = situation.images
    rows = [_row(identifier, images) for identifier in dict.fromkeys(map(to_nfc, ids))]
    found = {row: images.record(row) for row in rows}
    changed = {
        row: record.model_copy(update={"deleted": deleted})
        for row, record in found.items()
        if (record.deleted is None) != (deleted is None)
    }
    if deleted is None:
        _check_restored(changed, images)
    why = "restore" if deleted is None else "delete"
    decisions = tuple(
        Decision(record.id, record.label, record.label, by, why) for record in changed.values()
    )
    done: WriteOutcome = "restored" if deleted is None else "deleted"
    one = rows[0] if len(rows) == 1 else None
    name = found[one].id if one is not None else ""
    return Step(done if changed else "unchanged", name, "", one, changed, decisions)


def _check_restored(changed: Mapping[int, StoredImage], images: Collection) -> None:
    """Raise `InvalidChange` if the content of an image is stored under another id meanwhile."""
    taken: dict[str, str] = {}
    for row, record in changed.items():
        other = next((each for each in images.live_copies(row)), None)
        name = taken.setdefault(record.digest, record.id) if other is None else other
        if name != record.id:
            raise InvalidChange(
                f"The image {record.id!r} cannot be restored: its content is stored as {name!r}; "
                "delete that image first."
            )


def _row(identifier: str, images: Collection) -> int:
    row = images.row_of(to_nfc(identifier))
    if row is None:
        raise UnknownImage(f"The feature store has no image {identifier!r}.")
    return row


def _live_row(identifier: str, images: Collection) -> int:
    row = _row(identifier, images)
    if not images.is_live(row):
        raise UnknownImage(f"The image {identifier!r} is deleted; restore it first.")
    return row


def thumbnail_of(file: PreparedFile) -> Pixels:
    """Return the thumbnail of a file, uint8 of shape (16, 17, 3)."""
    return np.frombuffer(file.blob.thumbnail, np.uint8).reshape(THUMBNAIL_SHAPE)
