"""Edits of stored images: labels, attributes, tags, reviews; decisions that are taken back."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Response

from embeddings.ingest.changes import Change, Delete, Distinct, Edit, Restore, Undo
from embeddings.ingest.unset import UNSET
from embeddings.store.decision_kinds import is_mark
from embeddings.store.records import RecordedDecision
from service.api.auth import Labeller, Permit
from service.api.dependencies import State, refuse_new_classes
from service.api.errors import ServiceProblem, shown
from service.api.written import (
    OK,
    IfMatch,
    WriterOf,
    all_changed,
    changed,
    entity_tag,
    write_problems,
)
from service.problems import ProblemType
from service.schemas import (
    DecisionKeys,
    DistinctIds,
    ImageChange,
    ImagesChange,
    WrittenChanges,
    WrittenImage,
)

router = APIRouter(tags=["changes"])

ChangedId = Annotated[str, Query(description="Id of the image.")]


@router.patch(
    "/images",
    summary="Correct the label, attributes or tags of an image",
    response_model=WrittenImage,
    responses={**OK, **write_problems(404, 412)},
)
async def patch_image(
    id: ChangedId,
    change: ImageChange,
    by: Labeller,
    state: State,
    writing: WriterOf,
    if_match: IfMatch = None,
) -> Response:
    """Change an image, or record its review; the decisions are recorded with the caller."""
    tag = entity_tag(if_match)
    refuse_new_classes([change.label], state.current_release(), new_class=change.new_class)
    edit = Edit(
        (id,),
        by,
        label=change.label if "label" in change.model_fields_set else UNSET,
        attributes=change.attributes or {},
        add_tags=change.add_tags,
        remove_tags=change.remove_tags,
        reviewed=change.reviewed,
        if_match={} if tag is None else {id: tag},
    )
    done = await writing.submit(edit)
    return await state.queries.run(changed, done)


@router.post(
    "/changes",
    summary="Change many images at once",
    response_model=WrittenChanges,
    responses={**OK, **write_problems(404, 412)},
)
async def post_changes(
    change: ImagesChange, by: Labeller, permit: Permit, state: State, writing: WriterOf
) -> Response:
    """Change all of the images in one revision, or none of them.

    Labels, tags and reviews require the role `label`, deletions and restorations `write`.
    """
    if change.deleted is not None:
        permit("write")
    refuse_new_classes([change.label], state.current_release(), new_class=change.new_class)
    done = await writing.submit(_change(change, by))
    return await state.queries.run(all_changed, done)


def _change(change: ImagesChange, by: str) -> Change:
    """Return the change of many images. Raises `ServiceProblem` (422)."""
    given = change.model_fields_set - {"ids", "if_match", "new_class"}
    if not given:
        raise ServiceProblem(
            ProblemType.INVALID_PARAMETER,
            "No change is named; send at least one of `label`, `add_tags`, `remove_tags`, "
            "`reviewed` and `deleted`.",
        )
    if change.deleted is None:
        return Edit(
            change.ids,
            by,
            label=change.label if "label" in given else UNSET,
            add_tags=change.add_tags,
            remove_tags=change.remove_tags,
            reviewed=change.reviewed,
            if_match=change.if_match,
        )
    if given != {"deleted"}:
        raise ServiceProblem(
            ProblemType.INVALID_PARAMETER,
            "`deleted` cannot be combined with other changes; send them in a call of their own.",
        )
    kind = Delete if change.deleted else Restore
    return kind(change.ids, by, change.if_match)


@router.post(
    "/undo",
    summary="Take decisions back",
    response_model=WrittenChanges,
    responses={**OK, **write_problems(404, 412)},
)
async def undo(
    keys: DecisionKeys, by: Labeller, permit: Permit, state: State, writing: WriterOf
) -> Response:
    """Take decisions back, all or none; each becomes a decision of its own.

    A decision can be taken back until a later one about its image is made. Deletions and
    restorations require the role `write`, others `label`.
    """
    journal = state.current_release().store.labels
    found = await state.queries.run(journal.find, keys.decisions)
    _check_found(keys.decisions, found)
    if any(is_mark(each.decision.why) for each in found):
        permit("write")
    done = await writing.submit(Undo(found, by))
    return await state.queries.run(all_changed, done)


def _check_found(keys: Sequence[str], found: Sequence[RecordedDecision]) -> None:
    """Raise `ServiceProblem` (404) if a key is unknown."""
    unknown = {*keys} - {each.key for each in found}
    if unknown:
        raise ServiceProblem(
            ProblemType.UNKNOWN_DECISION,
            f"The label journal has no decision {shown(min(unknown))}; see `GET /history`.",
        )


@router.post(
    "/distinct",
    summary="Remember near-duplicates as different images",
    response_model=WrittenChanges,
    responses={**OK, **write_problems(404)},
)
async def post_distinct(
    group: DistinctIds, by: Labeller, state: State, writing: WriterOf
) -> Response:
    """Record that the images of a group are different, until the file of one is replaced."""
    done = await writing.submit(Distinct(group.ids, by))
    return await state.queries.run(all_changed, done)
