"""Feature store: versioned tables of images, files, labels and features, and their protocol."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from embeddings.store.images import Snapshot
    from embeddings.store.records import Decision, StoredImage
    from embeddings.store.retention import Retention
    from embeddings.store.verification import Check
    from embeddings.store.versions import Changes


class FeatureStore(Protocol):
    """Verbs of a feature store; `embeddings.store.store.Store` implements them on Lance tables.

    A write is one commit and returns the revision, which only grows. All methods raise
    `StoreError`.
    """

    def put(self, images: "Sequence[StoredImage]", decisions: "Sequence[Decision]" = ()) -> int:
        """Add or replace images by id; their files must be stored already."""
        ...

    def delete(self, ids: Collection[str]) -> int:
        """Mark images as deleted; their rows and files stay."""
        ...

    def restore(self, ids: Collection[str]) -> int:
        """Take the deletion of images back."""
        ...

    def at(self, version: int | str | None = None) -> "Snapshot":
        """Return the images at a revision, at a tag, or at the newest revision."""
        ...

    def changes(self, since: int, until: int | None = None) -> "Changes":
        """Return the ids that changed after a revision."""
        ...

    def tag(self, name: str, revision: int | None = None) -> None:
        """Set a tag to a revision, by default to the newest."""
        ...

    def compact(self, retention: "Retention") -> bool:
        """Compact the tables and delete old dataset versions without a tag.

        Returns whether files or features were deleted.
        """
        ...

    def verify(self) -> "Sequence[Check]":
        """Check all tables against each other."""
        ...
