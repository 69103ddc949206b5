"""Decisions about single changes, from the images in memory."""

from typing import Any

import numpy as np

from embeddings.arrays import Pixels
from embeddings.file_names import to_nfc
from embeddings.images import open_rgb
from embeddings.ingest.changes import (
    Change,
    Delete,
    Distinct,
    Edit,
    PreparedFile,
    Put,
    Restore,
    Undo,
)
from embeddings.ingest.collection import Collection
from embeddings.ingest.editing import decide_distinct, decide_edit
from embeddings.ingest.names import checked_id, checked_label
from embeddings.ingest.near_duplicates import is_same_image
from embeddings.ingest.outcomes import CONFLICT, COPY_OF, RESTORED, WriteOutcome
from embeddings.ingest.steps import (
    Situation,
    Step,
    check_restored,
    check_tags,
    keys_of_last,
    relabelled,
    rows_of,
    step_of,
)
from embeddings.ingest.undoing import decide_undo
from embeddings.store.blobs import THUMBNAIL_SHAPE
from embeddings.store.decision_kinds import DELETE, IMPORT, REPLACEMENT, RESTORE, REVIEW
from embeddings.store.records import Decision, StoredImage, reviewed

UPLOADS = "uploads"
"""Source of images that were put one by one."""

_DELETED = "deleted earlier; put it again with `restore` to add it"


def decide(change: Change, situation: Situation) -> Step:
    """Return the outcome of a change; nothing is changed.

    Raises `InvalidChange`, `UnknownImage`, `ImageChanged` and `StoreError`.
    """
    match change:
        case Put():
            return _decide_put(change, situation)
        case Edit():
            return decide_edit(change, situation)
        case Distinct():
            return decide_distinct(change, situation)
        case Undo():
            return decide_undo(change, situation)
        case Delete() | Restore():
            return _mark(change, situation)


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
        step = _labelled(restored, label, row, situation, change.by, RESTORE)
        return Step("added", record.id, RESTORED, row, step.records, step.decisions)
    if label in (None, record.label):
        return Step("unchanged", record.id, row=row)
    return _labelled(record, label, row, situation, change.by, REVIEW)


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
            Decision(identifier, old_label, label, change.by, IMPORT if is_added else REPLACEMENT),
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


def _labelled(
    record: StoredImage, label: str | None, row: int, situation: Situation, by: str, why: str
) -> Step:
    """Give a stored image a label; None to keep its label."""
    before = situation.images.record(row).label
    label = before if label is None else label
    if why == REVIEW:
        record = reviewed(record, situation.now)
    records = relabelled(record, label, row, situation.images)
    decision = Decision(record.id, before, label, by, why)
    return Step("relabelled", record.id, "", row, records, (decision,))


def _mark(change: Delete | Restore, situation: Situation) -> Step:
    """Mark images as deleted, or as not deleted."""
    images, is_deletion = situation.images, isinstance(change, Delete)
    rows = rows_of(change.ids, images)
    marked = {"deleted": situation.now if is_deletion else None}
    changed = {
        row: record.model_copy(update=marked)
        for row in rows
        if ((record := images.record(row)).deleted is None) == is_deletion
    }
    check_tags([images.record(row) for row in changed], change.if_match)
    if not is_deletion:
        check_restored(changed, images)
    why = DELETE if is_deletion else RESTORE
    done: WriteOutcome = "deleted" if is_deletion else "restored"
    outcomes: list[WriteOutcome] = [done if row in changed else "unchanged" for row in rows]
    decisions = [
        Decision(record.id, record.label, record.label, change.by, why)
        for record in changed.values()
    ]
    based = {to_nfc(identifier) for identifier in change.if_match}
    repeated = based & {images.record(row).id for row in rows if row not in changed}
    earlier = keys_of_last(sorted(repeated), why, change.by, situation)
    return step_of(rows, outcomes, images, changed, decisions, earlier)


def thumbnail_of(file: PreparedFile) -> Pixels:
    """Return the thumbnail of a file, uint8 of shape (16, 17, 3)."""
    return np.frombuffer(file.blob.thumbnail, np.uint8).reshape(THUMBNAIL_SHAPE)
