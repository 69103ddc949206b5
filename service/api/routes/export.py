"""`/export`: images with their features as a file, streamed while it is made."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from starlette.types import Message, Send

from embeddings.export import FormatName
from embeddings.export.formats import FORMATS, Options
from service.api.auth import REQUIRE_API_KEY
from service.api.dependencies import (
    FILTER_PARAMETERS,
    At,
    HeadersOnly,
    RequestedFilter,
    Served,
    State,
)
from service.api.errors import problem_responses
from service.schemas import RELEASE_HEADER, REVISION_HEADER, ExportedIds
from service.serving.errors import QueueFull
from service.serving.exporting import Export, export_chosen, export_filtered
from service.serving.served_release import ServedRelease
from service.serving.state import ServiceState

router = APIRouter(tags=["export"])

_PAUSE_SECONDS = 0.1
"""Seconds until the next attempt if all threads are busy during a download."""

_SEND_SECONDS = 60.0
"""Seconds in which a client must take a part of a file."""

_FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A file of the requested format.",
        "content": {
            each.media_type: {"schema": {"type": "string", "format": "binary"}}
            for each in FORMATS.values()
        },
        "headers": {
            RELEASE_HEADER: {
                "description": "Fingerprint of the release that the features come from.",
                "schema": {"type": "string"},
            },
            REVISION_HEADER: {
                "description": "Revision of the feature store that the images are from.",
                "schema": {"type": "integer"},
            },
        },
    }
}


async def hold_slot(state: State) -> AsyncIterator[None]:
    """Hold a slot of exports until the file is sent. Raises `QueueFull`."""
    with state.exports.held():
        yield


_DEPENDENCIES = [*REQUIRE_API_KEY, Depends(hold_slot)]

Format = Annotated[FormatName, Query(alias="format", description="Format of the file.")]
Thumbnails = Annotated[
    bool, Query(description="Contain a thumbnail of each image; in the format `parquet`.")
]


@router.get(
    "/export",
    summary="Export of images",
    response_class=StreamingResponse,
    dependencies=_DEPENDENCIES,
    openapi_extra=FILTER_PARAMETERS,
    responses={**_FILES, **problem_responses(400, 401, 404, 422, 429)},
)
async def export(
    served: Served,
    state: State,
    without_body: HeadersOnly,
    where: RequestedFilter,
    format_name: Format = "parquet",
    at: At = None,
    thumbnails: Thumbnails = False,
) -> StreamingResponse:
    """Return records and features of the images, or of those of a dataset version.

    The images are ordered by id. A download that was cut off has no proper end, so that HTTP
    clients report it. `HEAD` makes no file.
    """
    options = Options(thumbnails, state.settings.keep_location)
    made = await state.queries.run(export_filtered, served, where, at, format_name, options)
    if without_body:
        return _answer(served, made, _chunks(state, b"", iter(())))
    return await _streamed(state, served, made)


@router.post(
    "/export",
    summary="Export of chosen images",
    response_class=StreamingResponse,
    dependencies=_DEPENDENCIES,
    responses={**_FILES, **problem_responses(400, 401, 404, 413, 422, 429)},
)
async def export_ids(served: Served, state: State, chosen: ExportedIds) -> StreamingResponse:
    """Return records and features of the images with these ids, as `GET /export` does.

    Repeated ids are exported once.
    """
    options = Options(chosen.thumbnails, state.settings.keep_location)
    made = await state.queries.run(
        export_chosen, served, chosen.ids, chosen.at, chosen.format, options
    )
    return await _streamed(state, served, made)


class Download(StreamingResponse):
    """File that is sent while it is made; a client that takes no part of it in time is left."""

    async def stream_response(self, send: Send) -> None:
        """Send the parts, each within a limited time."""

        async def sent(message: Message) -> None:
            async with asyncio.timeout(_SEND_SECONDS):
                await send(message)

        # The server closes the connection of an unfinished answer.
        with suppress(TimeoutError):
            await super().stream_response(sent)


async def _streamed(state: ServiceState, served: ServedRelease, made: Export) -> Download:
    # The first part is made before the status is sent, so that most errors are problems.
    first = await state.queries.run(next, made.chunks, b"")
    return _answer(served, made, _chunks(state, first, made.chunks))


def _answer(served: ServedRelease, made: Export, body: AsyncIterator[bytes]) -> Download:
    headers = {
        "Content-Disposition": f'attachment; filename="{made.name}"',
        "Cache-Control": "no-store",
        RELEASE_HEADER: served.manifest.fingerprint,
        REVISION_HEADER: str(made.revision),
    }
    return Download(body, headers=headers, media_type=made.media_type)


async def _chunks(state: ServiceState, first: bytes, rest: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the parts of a file; a thread makes each, and none waits for the client."""
    chunk = first
    while chunk:
        yield chunk
        chunk = await _next(state, rest)


async def _next(state: ServiceState, rest: Iterator[bytes]) -> bytes:
    while True:
        try:
            return await state.queries.run(next, rest, b"")
        except QueueFull:
            await asyncio.sleep(_PAUSE_SECONDS)
