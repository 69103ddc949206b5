"""`/experiments`: the compared models."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from service.api.dependencies import Served, State
from service.api.errors import ServiceProblem, problem_responses, shown
from service.problems import ProblemType
from service.schemas import Experiment, ExperimentList
from service.serving.responses import as_json, training_version
from service.serving.served_release import ServedRelease

router = APIRouter(tags=["experiments"])


@router.get(
    "/experiments",
    summary="Comparison of all experiments",
    response_model=ExperimentList,
    responses=problem_responses(429),
)
async def experiments(served: Served, state: State) -> Response:
    """Return the summaries of all experiments, and the name of the published one."""
    return await state.queries.run(_comparison, served)


def _comparison(served: ServedRelease) -> Response:
    comparison = served.release.comparison
    listed = ExperimentList(
        preset=comparison.preset,
        classes=comparison.classes,
        training=training_version(served.manifest),
        not_learned=served.not_learned,
        train=comparison.train,
        tuning=comparison.tuning,
        validation=comparison.validation,
        best=comparison.best,
        experiments=tuple(report.summary() for report in comparison.experiments),
        random_split=tuple(report.summary() for report in comparison.random_split),
        versions=comparison.versions,
        release=served.manifest.fingerprint,
        revision=served.revision,
    )
    return as_json(listed)


@router.get(
    "/experiments/{name:path}",
    summary="Report of one experiment",
    response_model=Experiment,
    responses=problem_responses(404, 429),
)
async def experiment(
    served: Served,
    state: State,
    name: Annotated[str, Path(description="Name of the experiment.")],
) -> Response:
    """Return the full report of one experiment."""
    return await state.queries.run(_report, served, name)


def _report(served: ServedRelease, name: str) -> Response:
    reports = {report.name: report for report in served.release.comparison.experiments}
    if name not in reports:
        raise ServiceProblem(
            ProblemType.UNKNOWN_EXPERIMENT,
            f"There is no experiment {shown(name)}; there are {', '.join(reports)}.",
        )
    experiment = Experiment(
        **dict(reports[name]),
        release=served.manifest.fingerprint,
        revision=served.revision,
    )
    return as_json(experiment)
