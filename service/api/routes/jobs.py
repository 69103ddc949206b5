"""`/jobs`: long changes in the background."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from service.api.auth import Author
from service.api.dependencies import MOST_LISTED, Served, State
from service.api.errors import problem_responses
from service.schemas import Job, JobList
from service.serving.jobs import JobFile
from service.serving.responses import as_json
from service.serving.served_release import ServedRelease

router = APIRouter(tags=["jobs"])

_PAGE = 100

JobId = Annotated[str, Path(description="Id of the job.")]
Limit = Annotated[int, Query(ge=1, le=MOST_LISTED, description="Problems per page.")]
Offset = Annotated[int, Query(ge=0, description="Number of problems to skip.")]


@router.get(
    "/jobs", summary="Last jobs", response_model=JobList, responses=problem_responses(400, 422, 429)
)
async def list_jobs(served: Served, state: State) -> Response:
    """Return the last 100 jobs, newest first."""
    answer = JobList(
        jobs=await state.jobs.listed(),
        release=served.manifest.fingerprint,
        revision=served.revision,
    )
    return as_json(answer)


@router.get(
    "/jobs/{id}",
    summary="Progress of a job",
    response_model=Job,
    responses=problem_responses(400, 404, 422, 429),
)
async def job(
    id: JobId, served: Served, state: State, limit: Limit = _PAGE, offset: Offset = 0
) -> Response:
    """Return the progress of a job, and a page of the images that were not stored as sent."""
    return _answer(served, await state.jobs.find(id), limit, offset)


@router.delete(
    "/jobs/{id}",
    summary="Cancel a job",
    response_model=Job,
    responses=problem_responses(400, 401, 403, 404, 422, 429),
)
async def cancel_job(id: JobId, by: Author, served: Served, state: State) -> Response:
    """Cancel a job; images that were written before stay stored. An ended job stays as it is."""
    return _answer(served, await state.jobs.cancel(id), _PAGE, 0)


def _answer(served: ServedRelease, file: JobFile, limit: int, offset: int) -> Response:
    answer = Job(
        **dict(file.record),
        problems=file.problems[offset:][:limit],
        problems_total=len(file.problems),
        release=served.manifest.fingerprint,
        revision=served.revision,
    )
    return as_json(answer)
