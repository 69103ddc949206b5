"""Change of the labels of stored images by a person."""

from collections.abc import Collection, Sequence

from embeddings.ingest.classes import NEW_CLASS_OPTION, refuse_new_classes
from embeddings.ingest.draft import NextRevision
from embeddings.ingest.names import checked_label
from embeddings.store.decision_kinds import REVIEW
from embeddings.store.images import Snapshot
from embeddings.store.records import Decision, reviewed
from embeddings.store.store import Store
from embeddings.store.tables import StoreError


def relabel(
    store: Store, label: str, ids: Sequence[str], by: str, classes: Collection[str] = ()
) -> int:
    """Set the label of images, record the decisions and return the revision.

    Labelled images keep their side of the split; images without a label get one. The caller must
    hold the lock of the home. Raises `StoreError` for an unknown or deleted image, for an
    unusable label, and for one that is not among `classes`, if there are any.
    """
    label = checked_label(label)
    refuse_new_classes([label], classes, NEW_CLASS_OPTION)
    snapshot = store.at()
    draft = NextRevision(store, snapshot.all, source="")
    for row in _rows(store, snapshot, ids):
        before = draft.known.labels[row]
        if before != label:
            attributes = reviewed(draft.known[row], store.now()).attributes
            draft.update(row, attributes=attributes)
            draft.set_label(row, label)
            draft.decisions.append(Decision(draft.known.ids[row], before, label, by, REVIEW))
    if draft.affects_split:
        # The comparison of images takes long to import.
        from embeddings.ingest.places import find_new_links, place_images

        place_images(draft, find_new_links(draft), snapshot.split_seed).record_in(draft)
    return draft.commit()


def _rows(store: Store, snapshot: Snapshot, ids: Sequence[str]) -> list[int]:
    deleted = set(snapshot.deleted.ids)
    rows = {identifier: row for row, identifier in enumerate(snapshot.all.ids)}
    for identifier in ids:
        if identifier not in rows:
            raise StoreError(f"The feature store {store.uri} has no image {identifier!r}.")
        if identifier in deleted:
            raise StoreError(
                f"The image {identifier!r} is deleted; run `belvedere restore` with its id first."
            )
    return [rows[identifier] for identifier in ids]
