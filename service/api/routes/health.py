"""`/livez`, `/readyz` and `/metrics`: how the service is doing; these calls wait for no other."""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from service.api.dependencies import Served, State
from service.api.errors import ServiceProblem, problem_responses
from service.problems import ProblemType
from service.schemas import Liveness, Readiness

router = APIRouter(tags=["health"])


@router.get("/livez", summary="Is the process alive?")
async def livez(state: State) -> Liveness:
    """Whether the process answers."""
    return Liveness(status="alive", release=state.fingerprint)


@router.get("/readyz", summary="Is a release served?", responses=problem_responses())
async def readyz(served: Served, state: State) -> Readiness:
    """Whether a verified release is served; one of its photographs was encoded at the start."""
    if state.trouble:
        raise ServiceProblem(ProblemType.NOT_READY, state.trouble)
    manifest = served.manifest
    return Readiness(
        status="ready",
        data=manifest.data.name,
        photographs=manifest.data.photographs,
        classes=manifest.classes,
        network=manifest.encoder.experiment,
        refused=state.reason,
        release=manifest.fingerprint,
    )


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses={200: {"description": "Prometheus' text format.", "content": {"text/plain": {}}}},
)
def metrics(state: State) -> Response:
    """Requests by route and status, their times, the release, and the process' memory."""
    return Response(state.metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})
