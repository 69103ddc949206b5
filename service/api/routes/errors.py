"""`/errors`, `/labels`, `/robustness`, `/calibration`: weaknesses of model and labels."""

from collections.abc import Sequence
from typing import Annotated, TypeVar

from fastapi import APIRouter, Path, Query, Response

from embeddings.heatmap import overlay
from embeddings.release.reader import LabelIssue, Misclassified
from embeddings.review.decided import decided_rows
from embeddings.store.attribution import attribution_of
from service.api.dependencies import FILTER_PARAMETERS, MOST_LISTED, Served, State, Where
from service.api.errors import ServiceProblem, problem_responses, shown
from service.image_filter import ImageFilter
from service.problems import ProblemType
from service.schemas import (
    CalibrationReport,
    ErrorList,
    LabelIssueList,
    LabelLoopReport,
    LikelyLabelError,
    Misclassification,
    RobustnessReport,
    heatmap_path,
    image_path,
)
from service.serving.responses import as_json, nearest_in_training, probabilities_by_class
from service.serving.served_release import ServedRelease

router = APIRouter(tags=["errors"])

Finding = TypeVar("Finding", LabelIssue, Misclassified)

_NEAREST = 3

ErrorId = Annotated[
    str, Path(description="Id that `GET /errors` lists with a heat map, percent-encoded.")
]

Limit = Annotated[
    int, Query(ge=1, le=MOST_LISTED, description="Maximum number; all if there are fewer.")
]


@router.get(
    "/errors",
    summary="Misclassified images",
    response_model=ErrorList,
    openapi_extra=FILTER_PARAMETERS,
    responses=problem_responses(400, 404, 422, 429),
)
async def errors(served: Served, state: State, where: Where, limit: Limit = 20) -> Response:
    """Return the misclassified validation images, worst first.

    Those that came or changed after the release are among them, without a heat map.
    """
    return await state.queries.run(_errors, served, where, limit)


def _errors(served: ServedRelease, where: ImageFilter, limit: int) -> Response:
    found = _matching(served, served.errors, where)
    worst = ErrorList(
        errors=tuple(_misclassification(served, each) for each in found[:limit]),
        total=len(found),
        release=served.manifest.fingerprint,
        revision=served.revision,
    )
    return as_json(worst)


@router.get(
    "/errors/{id:path}/heatmap",
    summary="Heat map of a misclassified image",
    response_class=Response,
    responses={
        200: {"description": "A JPEG file.", "content": {"image/jpeg": {}}},
        **problem_responses(404, 429),
    },
)
async def heatmap(served: Served, state: State, id: ErrorId) -> Response:
    """Return the image with the regions in favour of the wrong class highlighted (Grad-CAM)."""
    jpeg = await state.images.run(_overlay, served, id)
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "no-cache"})


def _overlay(served: ServedRelease, id: str) -> bytes:
    row = served.row(id)
    error = next((each for each in served.errors if each.id == served.live.record(row).id), None)
    if error is None:
        raise ServiceProblem(
            ProblemType.UNKNOWN_IMAGE,
            f"{shown(id)} is not misclassified; GET /errors lists the images that are.",
        )
    if not error.heat:
        raise ServiceProblem(
            ProblemType.NO_HEATMAP,
            f"This release has no heat map of {shown(id)}; run `belvedere publish` again.",
        )
    return overlay(served.jpeg(row), error.heat)


@router.get(
    "/labels/issues",
    summary="Likely label errors",
    response_model=LabelIssueList,
    openapi_extra=FILTER_PARAMETERS,
    responses=problem_responses(400, 404, 422, 429),
)
async def label_issues(served: Served, state: State, where: Where, limit: Limit = 20) -> Response:
    """Return the images with a likely label error, the most likely first.

    Images that were relabelled, replaced or deleted since the release are left out, and those
    whose label a person has set or kept.
    """
    return await state.queries.run(_label_issues, served, where, limit)


def _label_issues(served: ServedRelease, where: ImageFilter, limit: int) -> Response:
    matching = _matching(served, served.label_issues, where)
    decided = decided_rows(served.live, served.history.decided())
    found = [each for each in matching if not decided[served.row(each.id)]]
    issues = LabelIssueList(
        issues=tuple(_label_issue(served, each) for each in found[:limit]),
        total=len(found),
        decided=len(matching) - len(found),
        release=served.manifest.fingerprint,
        revision=served.revision,
    )
    return as_json(issues)


@router.get(
    "/labels/loop",
    summary="Simulated reviews",
    response_model=LabelLoopReport,
    responses=problem_responses(429),
)
async def label_loop(served: Served, state: State) -> Response:
    """Return the effect of corrected labels on the model, in the order of the queue and at random.

    It is measured with wrong labels that replace stored ones for the measurement alone.
    """
    return await state.queries.run(_label_loop, served)


def _label_loop(served: ServedRelease) -> Response:
    report = LabelLoopReport(
        loop=served.release.label_loop,
        release=served.manifest.fingerprint,
        revision=served.revision,
    )
    return as_json(report)


@router.get(
    "/robustness",
    summary="Models on corrupted images",
    response_model=RobustnessReport,
    responses=problem_responses(429),
)
async def robustness(served: Served, state: State) -> Response:
    """Return accuracy and precision at 3 of the best model of each family on corrupted images.

    Six corruptions of the validation images have five strengths each.
    """
    return await state.queries.run(_robustness, served)


def _robustness(served: ServedRelease) -> Response:
    report = RobustnessReport(
        robustness=served.release.robustness,
        release=served.manifest.fingerprint,
        revision=served.revision,
    )
    return as_json(report)


@router.get(
    "/calibration",
    summary="Calibration of the model",
    response_model=CalibrationReport,
    responses=problem_responses(429),
)
async def calibration(served: Served, state: State) -> Response:
    """Return calibration, prediction sets and typicality of the served model."""
    return await state.queries.run(_calibration, served)


def _calibration(served: ServedRelease) -> Response:
    release = served.release
    report = CalibrationReport(
        calibration=release.uncertainty.calibration,
        sets=release.uncertainty.sets,
        typicality=release.typicality,
        release=served.manifest.fingerprint,
        revision=served.revision,
    )
    return as_json(report)


def _matching(
    served: ServedRelease, found: Sequence[Finding], where: ImageFilter
) -> Sequence[Finding]:
    """Return the findings about images that meet a filter."""
    mask = served.among(where)
    return found if mask is None else [each for each in found if mask[served.row(each.id)]]


def _label_issue(served: ServedRelease, issue: LabelIssue) -> LikelyLabelError:
    image = served.live.record(served.row(issue.id))
    return LikelyLabelError(
        **issue.model_dump(),
        split=image.split,
        image=served.root_path + image_path(issue.id),
        attribution=attribution_of(image),
    )


def _misclassification(served: ServedRelease, error: Misclassified) -> Misclassification:
    row = served.row(error.id)
    return Misclassification(
        id=error.id,
        label=error.label,
        predicted=error.predicted,
        probabilities=probabilities_by_class(served.manifest, served.live.probabilities(row)),
        true_probability=error.true_probability,
        image=served.root_path + image_path(error.id),
        heatmap=served.root_path + heatmap_path(error.id) if error.heat else None,
        nearest=nearest_in_training(served, row, _NEAREST),
        attribution=attribution_of(served.live.record(row)),
    )
