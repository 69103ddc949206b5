"""Responses about changes of the images, and the writer that makes them."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Header, Response

from embeddings.store.records import record_tag
from service.api.dependencies import State
from service.api.errors import ServiceProblem, problem_responses
from service.problems import ProblemType
from service.schemas import (
    REVISION_HEADER,
    Answer,
    Neighbor,
    Prediction,
    WrittenChanges,
    WrittenImage,
)
from service.serving.responses import as_json, record
from service.serving.writing import AppliedChange, Writing

REVISION = {
    REVISION_HEADER: {
        "description": "Revision that contains the change.",
        "schema": {"type": "integer"},
    }
}

_TAG = re.compile(r'(?:W/)?"([^"]*)"')

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        description="Entity tag (`etag`) of the state on which the change is based.",
    ),
]

OK: dict[int | str, dict[str, Any]] = {200: {"headers": REVISION}}


def write_problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a writing route for these statuses and those of all of them."""
    return problem_responses(400, 401, 403, 413, 422, 429, 507, *statuses)


async def _writing(state: State) -> Writing:
    """Return the writer. Raises `ReleaseUnavailable` before the first release."""
    state.current_release()
    # A caller was permitted, so that the service writes.
    assert state.writing is not None
    return state.writing


WriterOf = Annotated[Writing, Depends(_writing)]


def changed(
    done: AppliedChange,
    predicted: Prediction | None = None,
    neighbors: tuple[Neighbor, ...] = (),
    status: int = 200,
) -> Response:
    """Return the response about a changed record."""
    written, served = done
    row = served.live.row(written.id)
    answer = WrittenImage(
        outcome=written.outcome,
        detail=written.detail,
        decisions=written.decisions,
        image=None if row is None else record(served, row),
        prediction=predicted,
        neighbors=neighbors,
        release=served.manifest.fingerprint,
        revision=served.revision,
    )
    return answered(answer, status)


def all_changed(done: AppliedChange) -> Response:
    """Return the response about many changed records."""
    written, served = done
    answer = WrittenChanges(
        outcomes={**written.outcomes},
        decisions=written.decisions,
        images={image.id: record_tag(image) for image in written.images},
        release=served.manifest.fingerprint,
        revision=served.revision,
    )
    return answered(answer)


def answered(
    answer: Answer, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return an answer about a change, with its revision as a header."""
    response = as_json(answer)
    response.status_code = status
    response.headers[REVISION_HEADER] = str(answer.revision)
    response.headers.update(headers or {})
    return response


def entity_tag(if_match: str | None) -> str | None:
    """Return the entity tag of a header; None to match any. Raises `ServiceProblem` (422)."""
    if if_match is None or if_match.strip() == "*":
        return None
    found = _TAG.fullmatch(if_match.strip())
    if found is None:
        raise ServiceProblem(
            ProblemType.INVALID_PARAMETER,
            'The header `If-Match` is no entity tag; send the `etag` in quotes: "…".',
        )
    return found[1]
