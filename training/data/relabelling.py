"""Change of the labels of stored images by a person."""

from collections.abc import Sequence

from embeddings.file_names import printable, to_nfc
from embeddings.store.store import Store
from embeddings.store.tables import StoreError

_LONGEST = 100


def relabel(store: Store, label: str, ids: Sequence[str], by: str) -> int:
    """Set the label of images, record the decisions and return the revision.

    The images keep their side of the split. The caller must hold the lock of the home. Raises
    `StoreError` for an unknown or deleted image and for an unusable label.
    """
    label = to_nfc(label)
    _check(label)
    deleted = set(store.at().deleted.ids)
    for identifier in ids:
        if identifier in deleted:
            raise StoreError(
                f"The image {identifier!r} is deleted; run `belvedere restore` with its id first."
            )
    return store.relabel(dict.fromkeys(ids, label), by, "review")


def _check(label: str) -> None:
    named = label.strip() == label != "" and label not in {".", ".."}
    if not named or "/" in label or len(label) > _LONGEST or printable(label) != label:
        raise StoreError(
            f"{label!r} cannot be a label; use up to {_LONGEST} printable characters without `/`, "
            "and no space at either end."
        )
