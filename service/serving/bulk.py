"""Addition of many images: prepared in the image threads, committed in batches."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from embeddings.errors import BelvedereError
from embeddings.images import ImageRejected
from embeddings.ingest.changes import InvalidChange, PreparedFile, Put, Written
from embeddings.ingest.names import checked_id, checked_label
from service.schemas import BulkOutcome, ItemOutcome
from service.serving.archives import FileRefused
from service.serving.bulk_items import BulkItem
from service.serving.errors import QueueFull, QueueTimeout, WorkerFailed
from service.serving.served_release import ServedRelease
from service.serving.worker_pool import WorkerPool
from service.serving.writing import Writing, prepared

_BATCH = 64
"""Number of images in one commit; one batch is committed while the next is prepared."""

_PAUSE_SECONDS = 0.05

_log = logging.getLogger(__name__)


class AddedBatch(NamedTuple):
    """Outcomes of some images in their order."""

    outcomes: tuple[ItemOutcome, ...]
    revision: int | None
    """Revision that contains the batch; None if nothing was submitted."""


@dataclass(frozen=True)
class Adding:
    """Means of adding many images."""

    writing: Writing
    pool: WorkerPool
    current: Callable[[], ServedRelease]
    most_bytes: int
    """Maximum size of one file."""
    at_a_time: int
    """Images in preparation at a time, so that a single request waits for these at most."""

    async def add(
        self, items: Sequence[BulkItem], by: str, *, restore: bool
    ) -> AsyncGenerator[AddedBatch, None]:
        """Add images and yield the outcomes of each batch. Raises `StoreError`.

        If the caller stops, the batch in the writer is still written.
        """
        slots = asyncio.Semaphore(self.at_a_time)
        batches = [items[start : start + _BATCH] for start in range(0, len(items), _BATCH)]
        ahead = self._begin(batches[0], slots) if batches else []
        try:
            for number, batch in enumerate(batches):
                # The threads begin the next batch before the last image of this one is ready.
                tasks, ahead = ahead, self._begin(_next(batches, number), slots)
                files = await asyncio.gather(*tasks)
                yield await self._commit(batch, files, by, restore)
        finally:
            for task in ahead:
                task.cancel()
            await asyncio.gather(*ahead, return_exceptions=True)

    def _begin(
        self, batch: Sequence[BulkItem], slots: asyncio.Semaphore
    ) -> list[asyncio.Task[PreparedFile | ItemOutcome]]:
        return [asyncio.create_task(self._prepared(item, slots)) for item in batch]

    async def _prepared(
        self, item: BulkItem, slots: asyncio.Semaphore
    ) -> PreparedFile | ItemOutcome:
        """Return the prepared file of an item, or the outcome of an unusable one."""
        async with slots:
            try:
                return await self._run(item)
            except (ImageRejected, FileRefused, InvalidChange) as error:
                return _outcome(item, "rejected", str(error))
            except (WorkerFailed, QueueTimeout) as error:
                return _outcome(item, "failed", str(error))
            except BelvedereError:
                raise
            except Exception:
                _log.exception("an image of many could not be prepared")
                return _outcome(item, "failed", "The image cannot be processed; leave it out.")

    async def _run(self, item: BulkItem) -> PreparedFile:
        while True:
            try:
                return await self.pool.run(self._prepare, item)
            except QueueFull:
                await asyncio.sleep(_PAUSE_SECONDS)

    def _prepare(self, item: BulkItem) -> PreparedFile:
        checked_id(item.id)
        if item.label is not None:
            checked_label(item.label)
        file = prepared(self.current(), item.read(self.most_bytes))
        return replace(file, attributes={**file.attributes, **item.attributes})

    async def _commit(
        self,
        batch: Sequence[BulkItem],
        files: Sequence[PreparedFile | ItemOutcome],
        by: str,
        restore: bool,
    ) -> AddedBatch:
        """Write the prepared files of a batch."""
        results = await asyncio.gather(
            *(
                self._put(Put(item.id, item.label, each, by, restore))
                for item, each in zip(batch, files, strict=True)
                if isinstance(each, PreparedFile)
            )
        )
        written, revision = iter(results), None
        outcomes = []
        for item, each in zip(batch, files, strict=True):
            found = each if isinstance(each, ItemOutcome) else next(written)
            if isinstance(found, Written):
                revision = max(found.revision, revision or 0)
                outcomes.append(_outcome(item, found.outcome, found.detail, found.id))
            elif isinstance(found, InvalidChange):
                outcomes.append(_outcome(item, "rejected", str(found)))
            else:
                outcomes.append(found)
        return AddedBatch(tuple(outcomes), revision)

    async def _put(self, change: Put) -> Written | InvalidChange:
        while True:
            try:
                return (await self.writing.submit(change)).written
            except InvalidChange as error:
                return error
            except QueueFull:
                await asyncio.sleep(_PAUSE_SECONDS)


def _next(batches: Sequence[Sequence[BulkItem]], number: int) -> Sequence[BulkItem]:
    return batches[number + 1] if number + 1 < len(batches) else ()


def _outcome(
    item: BulkItem, outcome: BulkOutcome, detail: str, id: str | None = None
) -> ItemOutcome:
    return ItemOutcome(file=item.file, id=id or item.id, outcome=outcome, detail=detail)
