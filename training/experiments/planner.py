"""Planner of the trials of a preset: experiments with their seeds and splits."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from embeddings.ingest.split import SplitName
from embeddings.release.reports import ExperimentReport, rank_experiments
from training.experiments.combination import Score, expand
from training.experiments.config import (
    Combination,
    Declaration,
    Experiment,
    FromScratch,
    Preset,
    prerequisites,
)

_FROM_SCRATCH = {"own network", "technique", "combination"}
_TRANSFER = {"transfer", "distillation"}
_TRANSFERS_REPEATED = 2


@dataclass(frozen=True)
class Trial:
    """Experiment with one seed on one split."""

    experiment: Experiment
    repeat: int = 0
    """Number of the seed, which is added to the seed of the settings."""
    split: SplitName = "grouped"


ReportLookup = Callable[[Trial], ExperimentReport | None]
"""Function that returns the report of a trial; None if it has no run."""


def plan_trials(preset: Preset, report_of: ReportLookup, tuning: int = 0) -> tuple[Trial, ...]:
    """Return the trials that the reports so far determine, in the order of training.

    Combinations and repeated experiments depend on the results of other experiments; the plan
    grows as these are finished. `tuning` is the number of tuning images; see `rank_experiments`.
    """
    trials: list[Trial] = []
    for declared in preset.experiments:
        repeats = preset.repeats if preset.repeat_all or declared is preset.experiments[0] else 1
        if isinstance(declared, Combination):
            trials += [Trial(declared.compared_with, repeat) for repeat in range(declared.seeds)]
        for experiment in _resolved(declared, report_of):
            trials += [Trial(experiment, repeat) for repeat in range(repeats)]
    trials = list(dict.fromkeys(trials))
    if preset.repeats > 1 and not preset.repeat_all:
        trials += list(_repeats(preset, trials, report_of, tuning))
    trials += [
        Trial(trial.experiment, 0, "random")
        for trial in trials
        if trial.repeat == 0 and trial.experiment.name in preset.random_split
    ]
    return tuple(trials)


def ready_trials(trials: Sequence[Trial], finished: Collection[Trial]) -> tuple[Trial, ...]:
    """Return the unfinished trials of a plan that can be trained, in the order of the plan.

    A trial waits for the planned trials of its teachers.
    """
    waiting = {trial for trial in trials if trial not in finished}
    return tuple(
        trial for trial in trials if trial in waiting and waiting.isdisjoint(teachers_of(trial))
    )


def teachers_of(trial: Trial) -> tuple[Trial, ...]:
    """Return the trials whose models a trial learns from."""
    return tuple(Trial(each, 0, trial.split) for each in prerequisites(trial.experiment))


def without_combinations(preset: Preset) -> Preset:
    """Return the preset without its combinations, which need tuning images."""
    kept = tuple(each for each in preset.experiments if not isinstance(each, Combination))
    return replace(preset, experiments=kept)


def _resolved(declared: Declaration, report_of: ReportLookup) -> tuple[Experiment, ...]:
    if not isinstance(declared, Combination):
        return (declared,)

    def tuning(experiment: FromScratch) -> Sequence[Score]:
        repeats = range(declared.seeds if experiment == declared.compared_with else 1)
        reports = [report_of(Trial(experiment, repeat)) for repeat in repeats]
        # A choice from a part of the seeds would change with the others.
        known = [
            Score(report.tuning_accuracy, report.tuning_loss)
            for report in reports
            if report is not None
            and report.tuning_accuracy is not None
            and report.tuning_loss is not None
        ]
        return known if len(known) == len(reports) else ()

    return expand(declared, tuning)


def _repeats(
    preset: Preset, trials: Sequence[Trial], report_of: ReportLookup, tuning: int
) -> Iterator[Trial]:
    """Yield more seeds of ablated combinations and of the best experiments.

    The best by the rule of publishing are known once every other trial is finished or skipped: the
    last seed of a compared experiment can determine a combination.
    """
    if any(report_of(trial) is None for trial in trials):
        return
    first = [trial for trial in trials if trial.repeat == 0]
    reports = [report for trial in first if (report := report_of(trial)) is not None]
    best = rank_experiments(reports, tuning)
    from_scratch = [report.name for report in best if report.family in _FROM_SCRATCH]
    transfer = [report.name for report in best if report.family in _TRANSFER]
    combinations = {
        each.name for each in preset.experiments if isinstance(each, Combination) and each.ablation
    }
    wanted = {*from_scratch[:1], *transfer[:_TRANSFERS_REPEATED]}
    for trial in first:
        name = trial.experiment.name
        if name in wanted | combinations and trial.experiment != first[0].experiment:
            yield from (Trial(trial.experiment, each) for each in range(1, preset.repeats))
