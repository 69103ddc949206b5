"""Maintenance of a store by its writer: compaction between commits, removal of old versions."""

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event

from embeddings.objects import in_object_storage
from embeddings.store.flushing import flush_table
from embeddings.store.retention import Retention
from embeddings.store.store import Store
from embeddings.store.tables import (
    ROWS_PER_FILE,
    StoreError,
    check_lease,
    open_table,
    translate_errors,
)
from embeddings.store.versions import versions_to_keep

COMMITS = 100
"""Commits between two compactions."""

_COMMITS_OF_OBJECTS = 20
"""The same in object storage, where a reader of changes sends requests for each fragment."""

_VERSIONS_FOR_READERS = 100
"""Newest versions of the tables beside `images` that stay, because readers have them open."""

_COMPACTIONS = 10
"""Compactions between two removals of old versions, which read all of them."""

_log = logging.getLogger(__name__)


class Maintenance:
    """Maintenance of a store between the commits of one thread, which holds its lock.

    Readers, training and publishing go on meanwhile.
    """

    def __init__(self, store: Store, retention: Retention, *, commits: int | None = None) -> None:
        self._store, self._retention = store, retention
        default = _COMMITS_OF_OBJECTS if in_object_storage(store.uri) else COMMITS
        self._every = commits or default
        self._commits = 0
        self._wanted = Event()
        self._pool = ThreadPoolExecutor(1, "maintenance")
        self._removal: Future[None] | None = None

    def request_clean_up(self) -> None:
        """Delete unneeded files and features after the next commit; called from any thread."""
        self._wanted.set()

    def after_commit(self) -> bool:
        """Maintain the store if it is time; return whether files or features were deleted.

        Raises `StoreDamaged`.
        """
        self._commits += 1
        if self._wanted.is_set():
            self._wanted.clear()
            self._wait()
            return self._store.compact(self._retention)
        if self._commits % self._every == 0:
            self._compact()
        if self._commits % (self._every * _COMPACTIONS) == 0:
            self._wait()
            self._removal = self._pool.submit(self._remove_old_versions)
        return False

    def close(self) -> None:
        """Wait for the removal of old versions."""
        self._pool.shutdown()

    def _wait(self) -> None:
        if self._removal is not None:
            self._removal.result()

    def _compact(self) -> None:
        store = self._store
        for path in (store.images.path, store.labels.path, *store.feature_paths()):
            compact_fragments(path, ROWS_PER_FILE)
        # Larger fragments of files are merged by a clean-up: they would be written again each time.
        compact_fragments(store.blobs.path, self._every)

    def _remove_old_versions(self) -> None:
        """Remove old versions while the writer goes on; files that no version has stay."""
        store = self._store
        try:
            _remove_versions(store, self._retention)
            for path in (store.labels.path, store.blobs.path, *store.feature_paths()):
                _remove_versions_of(path)
        except StoreError:
            _log.exception("The removal of old versions failed.")


def compact_fragments(path: str, rows: int) -> None:
    """Merge the fragments of a table with fewer rows. Raises `StoreDamaged`."""
    dataset = open_table(path)
    if dataset is not None:
        check_lease(path)
        with translate_errors(path):
            dataset.optimize.compact_files(target_rows_per_fragment=rows)
        flush_table(path)


def _remove_versions(store: Store, retention: Retention) -> None:
    kept = versions_to_keep(store.images, retention, store.now())
    dataset = store.images.open().dataset
    with translate_errors(store.images.path):
        found = {int(each["version"]) for each in dataset.versions()}
        if unused := sorted(found - kept - {int(dataset.version)}):
            check_lease(store.images.path)
            # A version that got a tag meanwhile is kept.
            dataset.cleanup_old_versions(versions=unused, error_if_tagged_old_versions=False)


def _remove_versions_of(path: str) -> None:
    dataset = open_table(path)
    if dataset is not None:
        check_lease(path)
        with translate_errors(path):
            dataset.cleanup_old_versions(retain_versions=_VERSIONS_FOR_READERS)
