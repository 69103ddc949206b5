"""`/experiments`: the networks that were compared."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from service.api.dependencies import Served, State
from service.api.errors import ServiceProblem, problem_responses, shown
from service.problems import ProblemType
from service.schemas import Experiment, ExperimentList
from service.serving.responses import as_json
from service.serving.served_release import ServedRelease

router = APIRouter(tags=["experiments"])


@router.get(
    "/experiments",
    summary="The comparison of all experiments",
    response_model=ExperimentList,
    responses=problem_responses(429),
)
async def experiments(served: Served, state: State) -> Response:
    """The comparison: one line per experiment, and which one is published."""
    return await state.queries.run(_compared, served)


def _compared(served: ServedRelease) -> Response:
    comparison = served.release.comparison
    compared = ExperimentList(
        preset=comparison.preset,
        classes=comparison.classes,
        train=comparison.train,
        tuning=comparison.tuning,
        validation=comparison.validation,
        best=comparison.best,
        experiments=tuple(report.summary() for report in comparison.experiments),
        random_split=tuple(report.summary() for report in comparison.random_split),
        release=served.manifest.fingerprint,
    )
    return as_json(compared)


@router.get(
    "/experiments/{name:path}",
    summary="One experiment",
    response_model=Experiment,
    responses=problem_responses(404, 429),
)
async def experiment(
    served: Served,
    state: State,
    name: Annotated[str, Path(description="The experiment's name.")],
) -> Response:
    """Everything kept of one experiment."""
    return await state.queries.run(_named, served, name)


def _named(served: ServedRelease, name: str) -> Response:
    reports = {report.name: report for report in served.release.comparison.experiments}
    if name not in reports:
        raise ServiceProblem(
            ProblemType.UNKNOWN_EXPERIMENT,
            f"There is no experiment {shown(name)}; there are {', '.join(reports)}.",
        )
    return as_json(Experiment(**dict(reports[name]), release=served.manifest.fingerprint))
