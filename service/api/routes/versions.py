"""`/versions`: dataset versions of the feature store and their differences."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from embeddings.store.versions import Difference
from service.api.dependencies import MOST_LISTED, Served, State, Version
from service.api.errors import problem_responses
from service.schemas import (
    ChangeCounts,
    ClassChanges,
    DatasetVersion,
    Relabelled,
    VersionDifference,
    VersionList,
)
from service.serving.responses import as_json, training_version
from service.serving.served_release import ServedRelease

router = APIRouter(tags=["versions"])

_PAGE = 100
_MOST_VERSIONS = 1000

Limit = Annotated[int, Query(ge=1, le=_MOST_VERSIONS, description="Dataset versions per page.")]
Offset = Annotated[int, Query(ge=0, description="Number of dataset versions to skip.")]
IdLimit = Annotated[int, Query(ge=1, le=MOST_LISTED, description="Most ids in each list.")]
IdOffset = Annotated[int, Query(ge=0, description="Number of ids to skip in each list.")]


@router.get(
    "/versions",
    summary="Dataset versions",
    response_model=VersionList,
    responses=problem_responses(422, 429),
)
async def versions(
    served: Served, state: State, limit: Limit = _PAGE, offset: Offset = 0
) -> Response:
    """Return the dataset versions of the feature store, newest first."""
    return await state.queries.run(_versions, served, limit, offset)


def _versions(served: ServedRelease, limit: int, offset: int) -> Response:
    revisions = served.history.revisions()
    described = filter(None, map(served.history.describe, revisions[offset:][:limit]))
    page = VersionList(
        versions=tuple(DatasetVersion(**dict(each)) for each in described),
        total=len(revisions),
        training=training_version(served.manifest),
        release=served.manifest.fingerprint,
        revision=served.revision,
    )
    return as_json(page)


@router.get(
    "/versions/diff",
    summary="Difference between two dataset versions",
    response_model=VersionDifference,
    responses=problem_responses(400, 404, 422, 429),
)
async def version_difference(
    served: Served,
    state: State,
    a: Version,
    b: Version,
    limit: IdLimit = _PAGE,
    offset: IdOffset = 0,
) -> Response:
    """Return the images that changed from version `a` to version `b`."""
    return await state.queries.run(_difference, served, a, b, limit, offset)


def _difference(served: ServedRelease, a: str, b: str, limit: int, offset: int) -> Response:
    found = served.history.difference(a, b)
    page = slice(offset, offset + limit)
    answer = VersionDifference(
        before=found.before,
        after=found.after,
        total=_total(found),
        added=found.added[page],
        removed=found.removed[page],
        replaced=found.replaced[page],
        relabelled=tuple(Relabelled(**dict(each)) for each in found.relabelled[page]),
        moved_to_pool=found.moved_to_pool[page],
        kept=found.kept[page],
        by_class={label: ClassChanges(**counts) for label, counts in found.by_class.items()},
        release=served.manifest.fingerprint,
        revision=served.revision,
    )
    return as_json(answer)


def _total(found: Difference) -> ChangeCounts:
    return ChangeCounts(
        added=len(found.added),
        removed=len(found.removed),
        replaced=len(found.replaced),
        relabelled=len(found.relabelled),
        moved_to_pool=len(found.moved_to_pool),
        kept=len(found.kept),
    )
