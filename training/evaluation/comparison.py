"""Putting the experiments of a preset beside each other, with the evidence for each."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

import numpy as np

from embeddings.errors import BelvedereError
from embeddings.release.reader import COMPARISON, current_release, verify_release
from embeddings.release.reports import Comparison, Evidence, ExperimentReport, Verdict, choose_best
from training.data.dataset import Dataset
from training.errors import DataError
from training.evaluation.statistics import SIGNIFICANCE, Correct, bootstrap_interval, holm, mcnemar
from training.experiments.planner import Trial
from training.runs import Run
from training.workspace import Stage


@dataclass(frozen=True)
class _Repeats:
    """The finished runs of one experiment."""

    runs: tuple[Run, ...]
    reports: tuple[ExperimentReport, ...]
    correct: tuple[Correct, ...]


def compare(stage: Stage, dataset: Dataset | None = None) -> Comparison:
    """Put the runs of the preset beside each other and choose the best.

    Raises `DataError` where none is finished for the photographs and their split, and `DamagedRun`.
    """
    dataset = dataset or stage.dataset()
    trials = stage.trials(dataset)
    reports = _compared(stage, trials, dataset)
    leaking = [trial for trial in trials if trial.split == "random"]
    if not any(report.status == "done" for report in reports):
        raise DataError(
            "No experiment is finished for the photographs in the store and their split; run "
            "`belvedere train` first."
        )
    parts = dataset.parts
    return Comparison(
        preset=stage.preset.name,
        classes=dataset.classes,
        train=len(parts.fit) + len(parts.tuning),
        tuning=len(parts.tuning),
        validation=len(parts.validation),
        best=choose_best(reports).name,
        experiments=reports,
        random_split=_compared(stage, leaking, _at_random(stage, dataset)) if leaking else (),
    )


def up_to_date(stage: Stage) -> bool:
    """Whether the current release says what training anew would say.

    An experiment that was skipped for want of weights counts as done until they are at hand.
    """
    try:
        folder = current_release(stage.settings.releases)
        manifest = verify_release(folder)
        published = Comparison.model_validate_json((folder / COMPARISON).read_bytes())
        dataset = stage.dataset()
        if manifest.data.fingerprint != dataset.fingerprint:
            return False
        return published == compare(stage, dataset) and not _to_train(stage, dataset)
    except (BelvedereError, OSError, ValueError):
        return False


def _to_train(stage: Stage, dataset: Dataset) -> bool:
    trials = stage.trials(dataset)
    splits = {"grouped": dataset}
    if any(trial.split == "random" for trial in trials):
        splits["random"] = _at_random(stage, dataset)
    return any(stage.run(trial, splits[trial.split]) is None for trial in trials)


def _at_random(stage: Stage, dataset: Dataset) -> Dataset:
    return dataset.split_at_random(stage.settings.seed)


def warn_of_unused_runs(stage: Stage) -> None:
    """Name the runs that take space and that nothing finds under the present settings."""
    folders = stage.unused_runs(stage.dataset())
    if not folders:
        return
    files = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    size = sum(path.stat().st_size for path in files) / 1e6
    named = ", ".join(folder.name for folder in folders)
    stage.display.warn(
        f"Not used: {len(folders)} of the runs in {stage.settings.runs}, made by another "
        "version or for other photographs, another split or other weights; delete them to free "
        f"{size:.0f} MB: {named}."
    )


def _compared(
    stage: Stage, trials: Sequence[Trial], dataset: Dataset
) -> tuple[ExperimentReport, ...]:
    trials = [trial for trial in trials if trial.split == dataset.split]
    labels = dataset.labels[dataset.parts.validation]
    skipped: dict[str, ExperimentReport] = {}
    finished: dict[str, _Repeats] = {}
    order: dict[str, None] = {}
    for trial in trials:
        run = stage.run(trial, dataset)
        if run is None:
            continue
        report, name = run.report, trial.experiment.name
        order[name] = None
        if report.status == "skipped":
            skipped[name] = report
            continue
        correct = run.predictions.validation.argmax(axis=1) == labels
        before = finished.get(name, _Repeats((), (), ()))
        finished[name] = _Repeats(
            (*before.runs, run), (*before.reports, report), (*before.correct, correct)
        )
    evidence = _evidence(finished, dataset)
    return tuple(
        _together(finished[name], evidence[name]) if name in finished else skipped[name]
        for name in order
    )


def _evidence(finished: dict[str, _Repeats], dataset: Dataset) -> dict[str, Evidence]:
    groups = [dataset.images[row].group for row in dataset.parts.validation]
    names = list(finished)
    if not names:
        return {}
    first = finished[names[0]].correct[0]
    p_values = [mcnemar(first, finished[name].correct[0]) for name in names[1:]]
    adjusted = holm(p_values)
    found = {}
    for number, name in enumerate(names):
        repeats = finished[name]
        accuracies = [float(correct.mean()) for correct in repeats.correct]
        tested = number > 0
        found[name] = Evidence(
            seeds=len(accuracies),
            lowest=min(accuracies),
            highest=max(accuracies),
            interval=bootstrap_interval(np.mean(repeats.correct, axis=0), groups),
            p_value=p_values[number - 1] if tested else None,
            p_adjusted=adjusted[number - 1] if tested else None,
            verdict=_verdict(adjusted[number - 1], first, repeats.correct[0]) if tested else None,
        )
    return found


def _verdict(p_adjusted: float, first: Correct, other: Correct) -> Verdict:
    if p_adjusted >= SIGNIFICANCE:
        return "no evidence of a difference"
    return "better" if other.sum() > first.sum() else "worse"


def _together(repeats: _Repeats, evidence: Evidence) -> ExperimentReport:
    """The report of the first seed with the means over all of them."""

    def over_seeds(name: str) -> float | None:
        found = [getattr(report, name) for report in repeats.reports]
        return None if None in found else float(mean(found))

    return repeats.reports[0].model_copy(
        update={
            "accuracy": over_seeds("accuracy"),
            "macro_f1": over_seeds("macro_f1"),
            "tuning_accuracy": over_seeds("tuning_accuracy"),
            "tuning_loss": over_seeds("tuning_loss"),
            "precision_at_3": over_seeds("precision_at_3"),
            "pooled_precision_at_3": over_seeds("pooled_precision_at_3"),
            "train_seconds": over_seeds("train_seconds"),
            "cost": repeats.runs[0].cost,
            "evidence": evidence,
        }
    )
