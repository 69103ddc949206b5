"""Pairs of images with nearly equal thumbnails, found once for each file."""

from threading import Lock

from embeddings.live_state import LiveState
from embeddings.review.duplicates import (
    MOST_COMPARED,
    Pairs,
    thumbnail_pairs,
    thumbnail_pairs_of_groups,
)
from embeddings.store.store import Store
from embeddings.store.tables import StoreError
from service.serving.errors import StoreUnreadable


class CopyFinder:
    """Pairs of rows of all states of a release; safe to use from many threads.

    A row keeps its file, so that the rows added since the last call are compared alone. In a large
    release, the images of each group are compared.
    """

    def __init__(self) -> None:
        self._pairs = Pairs.none()
        self._count = 0
        self._lock = Lock()

    def pairs(self, store: Store, live: LiveState) -> Pairs:
        """Return the pairs of rows of a state, live or not. Raises `StoreUnreadable`."""
        with self._lock:
            if self._count < len(live):
                self._extend(store, live)
            return self._pairs

    def _extend(self, store: Store, live: LiveState) -> None:
        digests = live.release.images.digests
        added = range(len(digests), len(live))
        try:
            thumbnails = store.blobs.thumbnails(
                [*digests, *(live.record(row).digest for row in added)]
            )
        except StoreError as error:
            raise StoreUnreadable from error
        if not self._count and len(digests) > MOST_COMPARED:
            known = thumbnails[: len(digests)]
            self._pairs = thumbnail_pairs_of_groups(known, live.release.images.groups)
            self._count = len(digests)
        self._pairs = self._pairs | thumbnail_pairs(thumbnails, self._count)
        self._count = len(live)
