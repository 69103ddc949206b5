"""`/livez`, `/readyz` and `/metrics`, which never queue."""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from service.api.dependencies import Served, State
from service.api.errors import ServiceProblem, problem_responses
from service.problems import ProblemType
from service.schemas import Liveness, Readiness

router = APIRouter(tags=["health"])


@router.get("/livez", summary="Liveness")
async def livez(state: State) -> Liveness:
    """Return 200 if the process answers."""
    revision = state.served.revision if state.served else None
    return Liveness(status="alive", release=state.fingerprint, revision=revision)


@router.get("/readyz", summary="Readiness", responses=problem_responses())
async def readyz(served: Served, state: State) -> Readiness:
    """Return 200 if a verified release is served whose encoder was tested with an image."""
    if state.trouble:
        raise ServiceProblem(ProblemType.NOT_READY, state.trouble)
    manifest = served.manifest
    return Readiness(
        status="ready",
        data=manifest.data.name,
        photographs=served.count,
        classes=manifest.classes,
        network=manifest.encoder.experiment,
        refused=state.not_fetched or state.reason or state.outdated,
        writable=state.settings.writable,
        keys=state.keys.trouble,
        release=manifest.fingerprint,
        revision=served.revision,
    )


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={
        200: {
            "description": "Metrics in the text format of Prometheus.",
            "content": {"text/plain": {}},
        }
    },
)
def metrics(state: State) -> Response:
    """Return counts and durations of requests, the served release, and figures of the process."""
    return Response(state.metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})
