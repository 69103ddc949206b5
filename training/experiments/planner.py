"""What a preset comes to: which experiment is trained with which seed on which split."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from embeddings.release.reports import ExperimentReport, rank_experiments
from training.data.split import SplitName
from training.experiments.combination import Score, combined
from training.experiments.config import Combination, Declared, Experiment, OwnNetwork, Preset

_OWN = {"own network", "technique", "combination"}
_TRANSFER = {"transfer", "distillation"}
_TRANSFERS_REPEATED = 2


@dataclass(frozen=True)
class Trial:
    """One training of one experiment."""

    experiment: Experiment
    repeat: int = 0
    """Added to the seed of the settings."""
    split: SplitName = "grouped"


Found = Callable[[Trial], ExperimentReport | None]
"""The report of a trial that is finished."""


def planned(preset: Preset, found: Found) -> tuple[Trial, ...]:
    """Every trial that can be named by now, in the order of training.

    Combinations, and which experiments are worth repeating, depend on the tuning accuracies of
    others; where those are not known yet, the plan grows as they become known.
    """
    trials: list[Trial] = []
    for declared in preset.experiments:
        repeats = preset.repeats if preset.repeat_all or declared is preset.experiments[0] else 1
        if isinstance(declared, Combination):
            trials += [Trial(declared.compared_with, repeat) for repeat in range(declared.seeds)]
        for experiment in _resolved(declared, found):
            trials += [Trial(experiment, repeat) for repeat in range(repeats)]
    trials = list(dict.fromkeys(trials))
    if preset.repeats > 1 and not preset.repeat_all:
        trials += list(_repeats(preset, trials, found))
    trials += [
        Trial(trial.experiment, 0, "random")
        for trial in trials
        if trial.repeat == 0 and trial.experiment.name in preset.random_split
    ]
    return tuple(trials)


def without_combinations(preset: Preset) -> Preset:
    """Return the preset without its combinations, which only a tuning part can choose."""
    kept = tuple(each for each in preset.experiments if not isinstance(each, Combination))
    return replace(preset, experiments=kept)


def _resolved(declared: Declared, found: Found) -> tuple[Experiment, ...]:
    if not isinstance(declared, Combination):
        return (declared,)

    def tuning(experiment: OwnNetwork) -> Sequence[Score]:
        repeats = range(declared.seeds if experiment == declared.compared_with else 1)
        reports = [found(Trial(experiment, repeat)) for repeat in repeats]
        # A choice that some seeds are missing from would change when they come.
        known = [
            Score(report.tuning_accuracy, report.tuning_loss)
            for report in reports
            if report is not None
            and report.tuning_accuracy is not None
            and report.tuning_loss is not None
        ]
        return known if len(known) == len(reports) else ()

    return combined(declared, tuning)


def _repeats(preset: Preset, trials: Sequence[Trial], found: Found) -> Iterator[Trial]:
    """More seeds for what is ablated, the best own network and the best pretrained ones.

    Named once every first trial is finished or skipped, since only then the best are known.
    """
    first = [trial for trial in trials if trial.repeat == 0]
    reports = [report for trial in first if (report := found(trial)) is not None]
    if len(reports) < len(first):
        return
    best = rank_experiments(reports)
    own = [report.name for report in best if report.family in _OWN]
    transfer = [report.name for report in best if report.family in _TRANSFER]
    combinations = {
        each.name for each in preset.experiments if isinstance(each, Combination) and each.ablation
    }
    wanted = {*own[:1], *transfer[:_TRANSFERS_REPEATED]}
    for trial in first:
        name = trial.experiment.name
        if name in wanted | combinations and trial.experiment != first[0].experiment:
            yield from (Trial(trial.experiment, each) for each in range(1, preset.repeats))
