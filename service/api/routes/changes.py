"""`/changes` and `/history`: changes of the stored images and of one image."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from service.api.dependencies import MOST_LISTED, RowId, Served, State
from service.api.errors import problem_responses
from service.schemas import ChangedCounts, ImageChanges, ImageHistory, LabelDecision
from service.serving.responses import as_json
from service.serving.served_release import ServedRelease

router = APIRouter(tags=["versions"])

_PAGE = 1000
_MOST_REVISION = 2**53

Since = Annotated[
    int, Query(ge=0, le=_MOST_REVISION, description="Revision after which the images changed.")
]
Limit = Annotated[int, Query(ge=1, le=MOST_LISTED, description="Most ids in each list.")]
Offset = Annotated[int, Query(ge=0, description="Number of ids to skip in each list.")]


@router.get(
    "/changes",
    summary="Changes after a revision",
    response_model=ImageChanges,
    responses=problem_responses(400, 422, 429),
)
async def changes(
    served: Served, state: State, since: Since, limit: Limit = _PAGE, offset: Offset = 0
) -> Response:
    """Return the images that changed after a revision, up to that of the response, by id."""
    return await state.queries.run(_changes, served, since, limit, offset)


def _changes(served: ServedRelease, since: int, limit: int, offset: int) -> Response:
    found = served.history.changes(since, served.revision)
    page = slice(offset, offset + limit)
    answer = ImageChanges(
        since=since,
        total=ChangedCounts(
            added=len(found.added), changed=len(found.changed), deleted=len(found.deleted)
        ),
        added=found.added[page],
        changed=found.changed[page],
        deleted=found.deleted[page],
        release=served.manifest.fingerprint,
        revision=served.revision,
    )
    return as_json(answer)


@router.get(
    "/history",
    summary="History of one image",
    response_model=ImageHistory,
    responses=problem_responses(400, 404, 422, 429),
)
async def history(served: Served, state: State, id: RowId) -> Response:
    """Return the decisions about the label of an image and its times; it may be deleted."""
    return await state.queries.run(_history, served, id)


def _history(served: ServedRelease, id: str) -> Response:
    image, decisions = served.history.of_image(id, served.revision)
    answer = ImageHistory(
        id=image.id,
        added=image.added,
        changed=image.changed,
        deleted=image.deleted,
        decisions=tuple(
            LabelDecision(
                key=key,
                time=at,
                before=each.before,
                after=each.after,
                by=each.by,
                why=each.why,
                undoes=each.undoes,
            )
            for key, at, each in decisions
        ),
        release=served.manifest.fingerprint,
        revision=served.revision,
    )
    return as_json(answer)
