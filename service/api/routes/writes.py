"""Changes of `/images`: adding, replacing, deleting and restoring images."""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack, aclosing
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.convertors import Convertor, register_url_convertor

from embeddings.index.knn_graph import DEGREE
from embeddings.ingest.changes import Delete, PreparedFile, Put, Restore, Written
from embeddings.ingest.names import checked_id
from service.api.auth import Administrator, Author
from service.api.bulk_uploads import BULK_BODY, read_items, spool, unpack
from service.api.dependencies import Identifier, State, refuse_new_classes
from service.api.errors import ServiceProblem, problem_responses, shown
from service.api.uploads import UPLOAD_BODY, Upload
from service.api.written import OK, REVISION, WriterOf, answered, changed, write_problems
from service.problems import ProblemType
from service.schemas import (
    REVISION_HEADER,
    AcceptedJob,
    ImageIds,
    ItemOutcome,
    JobRecord,
    Publishing,
    Restored,
    WrittenImage,
    WrittenImages,
)
from service.serving.bulk import Adding
from service.serving.bulk_items import BulkItem, usable_labels
from service.serving.jobs import Progress
from service.serving.responses import neighborhood, prediction
from service.serving.served_release import ServedRelease
from service.serving.state import ServiceState
from service.serving.writing import AppliedChange, Writing, prepared

router = APIRouter(tags=["changes"])

MOST_ANSWERED = 100
"""Number of images up to which a bulk request is answered with all outcomes."""

_MOST_IDS = 1000


class _ImageConvertor(Convertor[str]):
    """Part of a path that is an id; the paths of other calls are none."""

    regex = "(?!random$|.*/thumbnail$).*"

    def convert(self, value: str) -> str:
        """Return the id."""
        return value

    def to_string(self, value: str) -> str:
        """Return the part of the path."""
        return value


register_url_convertor("image", _ImageConvertor())

Label = Annotated[
    str | None,
    Query(description="Class of the image; by default that of the stored image, or none."),
]
BulkLabel = Annotated[
    str | None, Query(description="Class of the images for which the manifest names none.")
]
Again = Annotated[bool, Query(description="Store an image again that was stored and deleted.")]
NewClass = Annotated[
    bool,
    Query(
        description="Create classes that neither an image nor the model has; otherwise such labels "
        "are refused, and nothing is stored."
    ),
]
DeletedIds = Annotated[
    list[str],
    Query(min_length=1, max_length=_MOST_IDS, description="Id of an image; may be repeated."),
]


@router.put(
    "/images/{id:image}",
    summary="Add or replace an image",
    response_model=WrittenImage,
    openapi_extra=UPLOAD_BODY,
    responses={
        **OK,
        201: {
            "model": WrittenImage,
            "description": "The image was added.",
            "headers": REVISION,
        },
        **write_problems(408, 409, 415),
    },
)
async def put_image(
    id: Identifier,
    by: Author,
    state: State,
    writing: WriterOf,
    upload: Upload,
    label: Label = None,
    restore: Again = False,
    new_class: NewClass = False,
) -> Response:
    """Store an image under an id; sending it again changes nothing."""
    served = state.current_release()
    refuse_new_classes([label], served, new_class=new_class)
    file = await state.images.run(_prepared, served, id, upload)
    done = await writing.submit(Put(id, label, file, by, restore))
    _refuse(done.written)
    return await state.queries.run(_recognised, done)


def _prepared(served: ServedRelease, id: str, upload: bytes) -> PreparedFile:
    checked_id(id)
    return prepared(served, upload)


def _refuse(written: Written) -> None:
    """Raise `ServiceProblem` (409) if nothing was written because of another image."""
    if written.outcome == "conflict":
        label = None if written.image is None else written.image.label
        raise ServiceProblem(
            ProblemType.CONFLICT,
            f"The same image is stored as {shown(written.id)} with the label {shown(label)}; "
            "correct that label with `PATCH /images`, or leave the image out.",
        )
    if written.outcome == "deleted_before":
        raise ServiceProblem(
            ProblemType.DELETED_BEFORE,
            f"The same image was stored as {shown(written.id)} and deleted; send it with "
            "`restore=true` to store it again.",
        )


def _recognised(done: AppliedChange) -> Response:
    """Return the response about a stored file, with its prediction and neighbours."""
    written, served = done
    row = served.live.row(written.id)
    if row is None:
        return changed(done)
    found = neighborhood(served, written.id, DEGREE, served.live.neighbors(row))
    predicted = prediction(served, served.recognition(row))
    return changed(done, predicted, found.neighbors, 201 if written.outcome == "added" else 200)


@router.delete(
    "/images",
    summary="Delete images",
    status_code=204,
    response_class=Response,
    responses={
        204: {"description": "The images are deleted.", "headers": REVISION},
        **write_problems(404),
    },
)
async def delete_images(id: DeletedIds, by: Author, writing: WriterOf) -> Response:
    """Delete images; `POST /restore` takes it back."""
    done = await writing.submit(Delete(tuple(id), by))
    return Response(status_code=204, headers={REVISION_HEADER: str(done.served.revision)})


@router.post(
    "/restore",
    summary="Restore deleted images",
    response_model=Restored,
    responses={**OK, **write_problems(404)},
)
async def restore_images(ids: ImageIds, by: Author, writing: WriterOf) -> Response:
    """Take the deletion of images back."""
    written, served = await writing.submit(Restore(ids.ids, by))
    answer = Restored(
        outcome=written.outcome, release=served.manifest.fingerprint, revision=served.revision
    )
    return answered(answer)


@router.post(
    "/images",
    summary="Add many images",
    response_model=WrittenImages,
    openapi_extra=BULK_BODY,
    responses={
        **OK,
        202: {
            "model": AcceptedJob,
            "description": "A job adds the images.",
            "headers": {
                "Location": {"description": "Path of the job.", "schema": {"type": "string"}},
                **REVISION,
            },
        },
        **write_problems(408, 415),
    },
)
async def post_images(
    request: Request,
    by: Author,
    state: State,
    writing: WriterOf,
    label: BulkLabel = None,
    restore: Again = False,
    new_class: NewClass = False,
) -> Response:
    """Store images, each with an outcome of its own; more than 100 are added by a job."""
    served, settings = state.current_release(), state.settings
    refuse_new_classes([label], served, new_class=new_class)
    with ExitStack() as spooled:
        spooled.enter_context(writing.jobs.admitted())
        body = await spool(request, settings.jobs, settings.upload_seconds, spooled)
        unpacked = partial(unpack, folder=settings.jobs, most=settings.bulk_limit, kept=spooled)
        kind = request.headers.get("content-type", "")
        items = await asyncio.to_thread(read_items, body, kind, label, unpacked)
        refuse_new_classes(usable_labels(items), served, new_class=new_class)
        adding = _adding(state, writing)
        if len(items) <= MOST_ANSWERED:
            async with aclosing(adding.add(items, by, restore=restore)) as batches:
                outcomes = [each async for batch in batches for each in batch.outcomes]
            return _all_written(state.current_release(), outcomes)
        work = partial(_work, adding, items, by, restore)
        job = await writing.jobs.start(by, len(items), work, spooled.pop_all().close)
    return _accepted(state.current_release(), job, settings.root_path)


@router.post(
    "/publish",
    summary="Publish a release of the present images",
    status_code=202,
    response_model=Publishing,
    responses=problem_responses(400, 401, 403, 413, 422, 429),
)
async def publish(by: Administrator, state: State) -> Response:
    """Publish the served model over the present images, in the background at low priority."""
    served = state.current_release()
    # A caller was permitted, so that the service writes.
    assert state.folding is not None
    state.folding.request()
    answer = Publishing(
        changes=served.change_count, release=served.manifest.fingerprint, revision=served.revision
    )
    return answered(answer, 202)


def _adding(state: ServiceState, writing: Writing) -> Adding:
    return Adding(
        writing=writing,
        pool=state.images,
        current=state.current_release,
        most_bytes=state.settings.upload_limit,
        at_a_time=state.settings.concurrency,
    )


async def _work(
    adding: Adding, items: Sequence[BulkItem], by: str, restore: bool, progress: Progress
) -> None:
    async with aclosing(adding.add(items, by, restore=restore)) as batches:
        async for batch in batches:
            progress.add(batch.outcomes, batch.revision)
            if progress.cancelled:
                return


def _all_written(served: ServedRelease, outcomes: Sequence[ItemOutcome]) -> Response:
    answer = WrittenImages(
        outcomes=tuple(outcomes), release=served.manifest.fingerprint, revision=served.revision
    )
    return answered(answer)


def _accepted(served: ServedRelease, job: JobRecord, root_path: str) -> Response:
    answer = AcceptedJob(job=job, release=served.manifest.fingerprint, revision=served.revision)
    return answered(answer, 202, {"Location": f"{root_path}/jobs/{job.id}"})
