"""`/experiments`: the networks that were compared."""

from typing import Annotated

from fastapi import APIRouter, Path

from service.errors import ServiceProblem, problem_responses, shown
from service.parameters import Opened
from service.schemas import Experiment, ExperimentList

router = APIRouter(tags=["experiments"])


@router.get(
    "/experiments", summary="The comparison of all experiments", responses=problem_responses()
)
async def experiments(opened: Opened) -> ExperimentList:
    """The comparison: one line per experiment, and which one is published."""
    comparison = opened.release.comparison
    return ExperimentList(
        preset=comparison.preset,
        classes=comparison.classes,
        train=comparison.train,
        tuning=comparison.tuning,
        validation=comparison.validation,
        best=comparison.best,
        experiments=tuple(report.summary() for report in comparison.experiments),
        random_split=tuple(report.summary() for report in comparison.random_split),
        release=opened.manifest.fingerprint,
    )


@router.get("/experiments/{name:path}", summary="One experiment", responses=problem_responses(404))
async def experiment(
    opened: Opened, name: Annotated[str, Path(description="The experiment's name.")]
) -> Experiment:
    """Everything kept of one experiment."""
    reports = {report.name: report for report in opened.release.comparison.experiments}
    if name not in reports:
        raise ServiceProblem(
            404, f"There is no experiment {shown(name)}; there are {', '.join(reports)}."
        )
    return Experiment(**dict(reports[name]), release=opened.manifest.fingerprint)
