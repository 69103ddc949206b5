"""Comparison of the experiments of a preset, with intervals and tests."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import mean

import numpy as np

from embeddings.errors import BelvedereError
from embeddings.release.reader import COMPARISON, current_release, read_manifest, verify_release
from embeddings.release.reports import (
    Comparison,
    Evidence,
    ExperimentReport,
    Verdict,
    VersionComparison,
    choose_best,
)
from embeddings.release.retrieval import mean_over_seeds
from training.data.dataset import Dataset
from training.errors import DataError
from training.evaluation.retrieval import is_measured
from training.evaluation.statistics import SIGNIFICANCE, Correct, bootstrap_interval, holm, mcnemar
from training.evaluation.versions import compare_versions, judged
from training.experiments.planner import Trial
from training.runs import Run
from training.workspace import Workspace, trained_versions, training_tag

_Finished = tuple[Trial, Run]


@dataclass(frozen=True)
class _Repeats:
    """Finished runs of one experiment, a run for each seed."""

    runs: tuple[Run, ...]
    reports: tuple[ExperimentReport, ...]
    correct: tuple[Correct, ...]


def compare(workspace: Workspace) -> Comparison:
    """Compare the runs of the preset and choose the best; computed once for the same runs.

    Raises `DataError` if none is finished for the images and their split, and `DamagedRun`.
    """
    finished = _finished(workspace)
    results = tuple(
        (trial, run.key, run.report.status, run.cost, run.retrieval) for trial, run in finished
    )
    key = (workspace.preset.name, training_tag(workspace.dataset()), results)
    if key not in workspace.comparisons:
        alone = _compute(workspace, finished)
        versions = tuple(_earlier_versions(workspace))
        workspace.comparisons[key] = alone.model_copy(update={"versions": versions})
    return workspace.comparisons[key]


def best_trial(workspace: Workspace) -> Trial:
    """Return the first trial of the best experiment. Raises `DataError` and `DamagedRun`."""
    best = compare(workspace).best
    return next(each for each in workspace.trials() if each.experiment.name == best)


def is_published(workspace: Workspace) -> bool:
    """Return whether training and publishing again would give the model of the current release.

    An experiment that was skipped for lack of weights counts as finished until they are available.
    """
    try:
        folder = current_release(workspace.settings.releases_folder)
        manifest = verify_release(folder)
        published = Comparison.model_validate_json((folder / COMPARISON).read_bytes())
        if manifest.training.version != training_tag(workspace.dataset()):
            return False
        finished = _finished(workspace)
        everything = len(finished) == len(workspace.trials()) and all(
            run.report.status == "skipped" or is_measured(run, workspace.dataset(trial.split))
            for trial, run in finished
        )
        return everything and published == compare(workspace)
    except (BelvedereError, OSError, ValueError):
        return False


def is_newest(workspace: Workspace) -> bool:
    """Return whether the current release has the newest images and the chosen kind of index."""
    settings = workspace.settings
    manifest = read_manifest(current_release(settings.releases_folder))
    if settings.index not in (None, manifest.index.kind):
        return False
    return manifest.data.fingerprint == workspace.store.at().images.fingerprint


def warn_of_unused_runs(workspace: Workspace) -> None:
    """Warn of runs that no trial under the present settings uses, with their size."""
    folders = workspace.unused_runs()
    if not folders:
        return
    files = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    size = sum(path.stat().st_size for path in files) / 1e6
    named = ", ".join(folder.name for folder in folders)
    workspace.display.warn(
        f"Not used: {len(folders)} of the runs in {workspace.settings.runs}, made by another "
        "version of Belvedere, for a deleted dataset version or with other weights; run `belvedere "
        f"prune` to free {size:.0f} MB: {named}."
    )


def _finished(workspace: Workspace) -> tuple[_Finished, ...]:
    """Return the planned trials that are trained or skipped, with their runs."""
    runs = ((trial, workspace.run(trial)) for trial in workspace.trials())
    return tuple((trial, run) for trial, run in runs if run is not None)


def _compute(workspace: Workspace, finished: Sequence[_Finished]) -> Comparison:
    grouped = [each for each in finished if each[0].split == "grouped"]
    leaking = [each for each in finished if each[0].split == "random"]
    if not any(run.report.status == "done" for _, run in grouped):
        raise DataError(
            "No experiment is finished for the images in the store and their split; run "
            "`belvedere train` first."
        )
    dataset = workspace.dataset()
    reports = _reports(grouped, dataset)
    indices = dataset.indices
    return Comparison(
        preset=workspace.preset.name,
        version=training_tag(dataset),
        revision=dataset.snapshot.revision,
        classes=dataset.classes,
        train=len(indices.fit) + len(indices.tuning),
        tuning=len(indices.tuning),
        validation=len(indices.validation),
        best=choose_best(reports, len(indices.tuning)).name,
        experiments=reports,
        random_split=_reports(leaking, workspace.dataset("random")) if leaking else (),
    )


def _earlier_versions(workspace: Workspace) -> Iterator[VersionComparison]:
    tag = training_tag(workspace.dataset())
    trained = trained_versions(workspace.store)
    earlier = trained[: trained.index(tag)] if tag in trained else trained
    for version in reversed(earlier):
        other = workspace.at_version(version)
        finished = _finished(other)
        if any(run.report.status == "done" for trial, run in finished if trial.split == "grouped"):
            report = _compute(other, finished)
            compared = compare_versions(judged(workspace), judged(other), report)
            if compared is not None:
                yield compared


def _reports(runs: Sequence[_Finished], dataset: Dataset) -> tuple[ExperimentReport, ...]:
    """Return a report for each experiment, merged from its seeds."""
    labels = dataset.labels[dataset.indices.validation]
    skipped: dict[str, ExperimentReport] = {}
    finished: dict[str, _Repeats] = {}
    order: dict[str, None] = {}
    for trial, run in runs:
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
        _merge(finished[name], evidence[name]) if name in finished else skipped[name]
        for name in order
    )


def _evidence(finished: dict[str, _Repeats], dataset: Dataset) -> dict[str, Evidence]:
    groups = dataset.images.groups[dataset.indices.validation].tolist()
    names = list(finished)
    if not names:
        return {}
    first = finished[names[0]].correct[0]
    p_values = [mcnemar(first, finished[name].correct[0]) for name in names[1:]]
    adjusted = holm(p_values)
    evidence = {}
    for number, name in enumerate(names):
        repeats = finished[name]
        accuracies = [float(correct.mean()) for correct in repeats.correct]
        tested = number > 0
        evidence[name] = Evidence(
            seeds=len(accuracies),
            lowest=min(accuracies),
            highest=max(accuracies),
            interval=bootstrap_interval(np.mean(repeats.correct, axis=0), groups),
            p_value=p_values[number - 1] if tested else None,
            p_adjusted=adjusted[number - 1] if tested else None,
            verdict=_verdict(adjusted[number - 1], first, repeats.correct[0]) if tested else None,
        )
    return evidence


def _verdict(p_adjusted: float, first: Correct, other: Correct) -> Verdict:
    if p_adjusted >= SIGNIFICANCE:
        return "no evidence of a difference"
    return "better" if other.sum() > first.sum() else "worse"


def _merge(repeats: _Repeats, evidence: Evidence) -> ExperimentReport:
    """Return the report of the first seed with the means over all seeds."""

    def over_seeds(name: str) -> float | None:
        return _mean([getattr(report, name) for report in repeats.reports])

    searched = [found for run in repeats.runs if (found := run.retrieval) is not None]
    if len(searched) < len(repeats.runs):
        searched = []
    return repeats.reports[0].model_copy(
        update={
            "accuracy": over_seeds("accuracy"),
            "macro_f1": over_seeds("macro_f1"),
            "tuning_accuracy": over_seeds("tuning_accuracy"),
            "tuning_loss": over_seeds("tuning_loss"),
            "precision_at_3": over_seeds("precision_at_3"),
            "pooled_precision_at_3": over_seeds("pooled_precision_at_3"),
            "tuning_precision_at_3": _mean([each.tuning_precision_at_3 for each in searched]),
            "retrieval": mean_over_seeds([each.retrieval for each in searched]),
            "train_seconds": over_seeds("train_seconds"),
            "reused_seconds": over_seeds("reused_seconds"),
            "cost": repeats.runs[0].cost,
            "evidence": evidence,
        }
    )


def _mean(values: Sequence[float | None]) -> float | None:
    """Return the mean; None without values or if one is missing."""
    known = [value for value in values if value is not None]
    return float(mean(known)) if known and len(known) == len(values) else None
