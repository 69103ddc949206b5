"""Jobs: long changes in the background, recorded on the disk."""

import asyncio
import logging
import re
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from time import monotonic

from pydantic import ValidationError

from embeddings.atomic import atomic_write
from embeddings.errors import BelvedereError
from embeddings.frozen_model import FrozenModel
from service.schemas import ItemOutcome, JobRecord, JobState
from service.serving.errors import QueueFull, UnknownJob

MOST_KEPT = 100
"""Number of finished jobs whose records are kept."""

_MOST_BODIES = 5
"""Number of bulk requests and jobs at a time; their bodies are on the disk."""

_RETRY_SECONDS = 10
_RECORD_SECONDS = 1.0
_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{8}")
_UNREMARKABLE = frozenset({"added", "replaced", "relabelled", "unchanged"})
_INTERRUPTED = (
    "The service ended before the job. Images with an outcome are stored; sending all images again "
    "is safe, since those that are stored stay unchanged."
)
_CANCELLED = "The job was cancelled. Images that were written before stay stored."

_log = logging.getLogger(__name__)


class JobFile(FrozenModel):
    """Record of a job on the disk."""

    record: JobRecord
    problems: tuple[ItemOutcome, ...] = ()


@dataclass
class Progress:
    """Running count of a job; changed on the event loop alone."""

    total: int
    outcomes: Counter[str] = field(default_factory=Counter)
    problems: list[ItemOutcome] = field(default_factory=list)
    committed: int | None = None
    cancelled: bool = False

    def add(self, outcomes: Iterable[ItemOutcome], revision: int | None) -> None:
        """Count the outcomes of some images, which `revision` contains."""
        for each in outcomes:
            self.outcomes[each.outcome] += 1
            if each.outcome not in _UNREMARKABLE:
                self.problems.append(each)
        if revision is not None:
            self.committed = max(revision, self.committed or 0)


Work = Callable[[Progress], Awaitable[None]]
"""Does the work of a job and counts it; ends early if the progress is cancelled."""


class _Job:
    """Job of this process."""

    def __init__(self, by: str, total: int, work: Work, close: Callable[[], None]) -> None:
        now = datetime.now(UTC)
        self.id = f"{now:%Y%m%d-%H%M%S}-{token_hex(4)}"
        self.progress = Progress(total)
        self.work = work
        self.close = close
        self.state: JobState = "waiting"
        self.detail = ""
        self._by = by
        self._created = now
        self._finished: datetime | None = None
        self._started = 0.0

    def start(self) -> None:
        """Set the state to `running`."""
        self.state, self._started = "running", monotonic()

    def finish(self, state: JobState, detail: str = "") -> None:
        """Set the last state."""
        self.state, self.detail, self._finished = state, detail, datetime.now(UTC)

    def file(self) -> JobFile:
        """Return the record of the present state."""
        progress = self.progress
        done = progress.outcomes.total()
        record = JobRecord(
            id=self.id,
            kind="add",
            state=self.state,
            detail=self.detail,
            by=self._by,
            created=self._created,
            finished=self._finished,
            total=progress.total,
            done=done,
            eta=self._eta(done),
            outcomes=dict(sorted(progress.outcomes.items())),
            committed=progress.committed,
        )
        return JobFile(record=record, problems=tuple(progress.problems))

    def _eta(self, done: int) -> float | None:
        if self.state != "running" or not done:
            return None
        seconds = (monotonic() - self._started) / done * (self.progress.total - done)
        return round(seconds, 1)


class Jobs:
    """Jobs of a service, run one after the other; used on one event loop.

    A record on the disk survives the process. `recover` marks the unfinished jobs of an earlier
    process as interrupted.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._jobs: dict[str, _Job] = {}
        self._waiting: deque[_Job] = deque()
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self._bodies = 0

    def recover(self) -> None:
        """Mark unfinished jobs of an earlier process as interrupted; the caller is the writer."""
        for each in self._read_all():
            if each.record.finished is None:
                changes = {
                    "state": "interrupted", "detail": _INTERRUPTED, "eta": None,
                    "finished": datetime.now(UTC),
                }  # fmt: skip
                self._write(
                    each.model_copy(update={"record": each.record.model_copy(update=changes)})
                )

    @property
    def running(self) -> bool:
        """True if a job has not ended."""
        return self._task is not None and not self._task.done()

    @property
    def waiting(self) -> int:
        """Number of jobs that wait for the one before."""
        return len(self._waiting)

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Reserve a place for the body of a bulk request, until its images have outcomes.

        Raises `QueueFull`.
        """
        if self._bodies >= _MOST_BODIES:
            raise QueueFull(_RETRY_SECONDS)
        self._bodies += 1
        try:
            yield
        finally:
            self._bodies -= 1

    async def start(self, by: str, total: int, work: Work, close: Callable[[], None]) -> JobRecord:
        """Record a job, run it as soon as the jobs before have ended, and return its record.

        `close` is called when the job has ended.
        """
        job = _Job(by, total, work, close)
        self._jobs[job.id] = job
        self._waiting.append(job)
        await self._record(job)
        if not self.running:
            self._task = asyncio.create_task(self._run_all())
        return job.file().record

    async def find(self, identifier: str) -> JobFile:
        """Return a job. Raises `UnknownJob`."""
        job = self._jobs.get(identifier)
        if job is not None:
            return job.file()
        return await asyncio.to_thread(self._read, identifier)

    async def listed(self) -> tuple[JobRecord, ...]:
        """Return all jobs, newest first."""
        stored = await asyncio.to_thread(self._read_all)
        found = {each.record.id: each.record for each in stored}
        found |= {job.id: job.file().record for job in self._jobs.values()}
        return tuple(found[each] for each in sorted(found, reverse=True))[:MOST_KEPT]

    async def cancel(self, identifier: str) -> JobFile:
        """Cancel a job that has not ended, and return it. Raises `UnknownJob`."""
        job = self._jobs.get(identifier)
        if job is None:
            return await asyncio.to_thread(self._read, identifier)
        job.progress.cancelled = True
        if job in self._waiting:
            self._waiting.remove(job)
            await self._finish(job, "cancelled", _CANCELLED)
        return job.file()

    async def close(self) -> None:
        """End after the images that are being written; the job is recorded as interrupted."""
        self._closing = True
        for job in self._jobs.values():
            job.progress.cancelled = True
        self._waiting.clear()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
        for job in list(self._jobs.values()):
            await self._finish(job, "interrupted", _INTERRUPTED)

    async def _run_all(self) -> None:
        while self._waiting:
            job = self._waiting.popleft()
            job.start()
            recording = asyncio.create_task(self._keep_recorded(job))
            try:
                await job.work(job.progress)
            except BelvedereError as error:
                await self._finish(job, "failed", str(error))
            except Exception:
                _log.exception("a job failed")
                await self._finish(job, "failed", "The service failed; its log has the cause.")
            else:
                await self._finish(job, *self._end_of(job.progress))
            finally:
                recording.cancel()

    def _end_of(self, progress: Progress) -> tuple[JobState, str]:
        if progress.outcomes.total() >= progress.total:
            return "done", ""
        return ("interrupted", _INTERRUPTED) if self._closing else ("cancelled", _CANCELLED)

    async def _keep_recorded(self, job: _Job) -> None:
        while True:
            await asyncio.sleep(_RECORD_SECONDS)
            await self._record(job)

    async def _finish(self, job: _Job, state: JobState, detail: str = "") -> None:
        job.finish(state, detail)
        job.close()
        await self._record(job)
        self._jobs.pop(job.id, None)
        await asyncio.to_thread(self._prune)

    async def _record(self, job: _Job) -> None:
        await asyncio.to_thread(self._write, job.file())

    def _write(self, file: JobFile) -> None:
        try:
            atomic_write(self._folder / f"{file.record.id}.json", file.model_dump_json())
        except OSError as error:
            # The images are stored all the same.
            _log.warning("the record of a job was not written: %s", error)

    def _read(self, identifier: str) -> JobFile:
        """Return the record of a job on the disk. Raises `UnknownJob`."""
        if not _ID.fullmatch(identifier):
            raise UnknownJob(identifier)
        try:
            content = (self._folder / f"{identifier}.json").read_bytes()
            return JobFile.model_validate_json(content)
        except (OSError, ValidationError) as error:
            raise UnknownJob(identifier) from error

    def _read_all(self) -> list[JobFile]:
        found = []
        for path in self._paths():
            try:
                found.append(self._read(path.stem))
            except UnknownJob:
                continue
        return found

    def _prune(self) -> None:
        for path in self._paths()[:-MOST_KEPT]:
            if path.stem not in self._jobs:
                path.unlink(missing_ok=True)

    def _paths(self) -> list[Path]:
        """Return the records, oldest first."""
        return sorted(path for path in self._folder.glob("*.json") if _ID.fullmatch(path.stem))
