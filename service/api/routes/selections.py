"""`/selections`: saved sets of images and saved filters."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from embeddings.store.selections import StoredSelection
from service.api.auth import Labeller
from service.api.dependencies import Served, State, refuse_unknown_classes
from service.api.errors import ServiceProblem, problem_responses, shown
from service.api.written import IfMatch, WriterOf, entity_tag, write_problems
from service.image_filter import as_json as filter_as_json
from service.problems import ProblemType
from service.schemas import SavedSelection, SelectionContent, SelectionList, SelectionRecord
from service.serving.responses import as_json
from service.serving.served_release import ServedRelease
from service.serving.writing import Writing

router = APIRouter(tags=["selections"])

SelectionName = Annotated[
    str, Path(description="Name of the selection, 1–80 characters, percent-encoded.")
]


@router.get(
    "/selections",
    summary="Saved selections",
    response_model=SelectionList,
    responses=problem_responses(429),
)
async def selections(served: Served, state: State) -> Response:
    """Return all saved selections, ordered by name.

    A selection is not part of a revision: each answer uses its newest content.
    """
    return await state.queries.run(_listed, served)


def _listed(served: ServedRelease) -> Response:
    found = served.history.selections().values()
    answer = SelectionList(
        selections=tuple(_record(served, each) for each in found),
        release=served.manifest.fingerprint,
        revision=served.revision,
    )
    return as_json(answer)


@router.get(
    "/selections/{name:path}",
    summary="Saved selection",
    response_model=SavedSelection,
    responses=problem_responses(404, 429),
)
async def selection(served: Served, state: State, name: SelectionName) -> Response:
    """Return a saved selection, with its `etag` as `ETag`.

    `GET /ids?selection=` lists its images.
    """
    return await state.queries.run(_one, served, name)


def _one(served: ServedRelease, name: str) -> Response:
    return _answer(served, served.history.selection(name))


@router.put(
    "/selections/{name:path}",
    summary="Save a selection",
    response_model=SavedSelection,
    responses=write_problems(404, 412),
)
async def save_selection(
    name: SelectionName,
    by: Labeller,
    served: Served,
    state: State,
    writing: WriterOf,
    content: SelectionContent,
    if_match: IfMatch = None,
) -> Response:
    """Save ids or a filter under a name, instead of the selection that has it.

    `ids` give a fixed set, from which deleted images are left out when it is read. `filter` gives
    a live selection: the images that meet the conditions whenever it is read.
    """
    tag = entity_tag(if_match)
    return await state.queries.run(_save, served, writing, name, content, by, tag)


def _save(
    served: ServedRelease,
    writing: Writing,
    name: str,
    content: SelectionContent,
    by: str,
    if_match: str | None,
) -> Response:
    if (content.ids is None) == (content.filter is None):
        raise ServiceProblem(
            ProblemType.INVALID_PARAMETER, "A selection has either `ids` or `filter`; send one."
        )
    if content.ids is not None:
        for each in content.ids:
            served.row(each)
    elif content.filter is not None:
        refuse_unknown_classes(content.filter, served)
        _refuse_reference(content.filter.selection)
    conditions = None if content.filter is None else filter_as_json(content.filter)
    return _answer(served, writing.save_selection(name, content.ids, conditions, by, if_match))


def _refuse_reference(name: str | None) -> None:
    if name is not None:
        raise ServiceProblem(
            ProblemType.INVALID_PARAMETER,
            f"A saved filter cannot name another selection, here {shown(name)}; leave out "
            "`selection`.",
        )


@router.delete(
    "/selections/{name:path}",
    summary="Delete a selection",
    status_code=204,
    response_class=Response,
    responses=write_problems(404, 412),
)
async def delete_selection(
    name: SelectionName,
    by: Labeller,
    served: Served,
    state: State,
    writing: WriterOf,
    if_match: IfMatch = None,
) -> Response:
    """Delete a saved selection; its images stay stored."""
    return await state.queries.run(_delete, served, writing, name, entity_tag(if_match))


def _delete(served: ServedRelease, writing: Writing, name: str, if_match: str | None) -> Response:
    writing.delete_selection(served.history.selection(name).name, if_match)
    return Response(status_code=204)


def _answer(served: ServedRelease, found: StoredSelection) -> Response:
    answer = SavedSelection(
        **dict(_record(served, found)),
        release=served.manifest.fingerprint,
        revision=served.revision,
    )
    response = as_json(answer)
    response.headers["ETag"] = f'"{found.tag}"'
    return response


def _record(served: ServedRelease, found: StoredSelection) -> SelectionRecord:
    count = int(served.filtering.selected(found).sum())
    return SelectionRecord(
        name=found.name,
        kind=found.kind,
        images=count,
        missing=0 if found.ids is None else len(found.ids) - count,
        filter=found.filter,
        by=found.by,
        created=found.created,
        changed=found.changed,
        etag=found.tag,
    )
