"""Comparison with the models of earlier dataset versions, on common validation images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from embeddings.arrays import Doubles, Labels, Rows
from embeddings.release.reports import Comparison, PairedAccuracy, Verdict, VersionComparison
from training.data.dataset import Dataset
from training.evaluation.statistics import SIGNIFICANCE, sign_flip_test
from training.workspace import Workspace


@dataclass(frozen=True)
class Judged:
    """Finished runs of a dataset version: predicted classes of its validation images."""

    dataset: Dataset
    predicted: Mapping[str, Mapping[int, Labels]]
    """Class numbers by experiment and number of the seed, on the grouped split."""

    def classes_of(self, name: str, seeds: Sequence[int], positions: Rows) -> list[list[str]]:
        """Return the predicted classes of validation images, by seed."""
        classes, predicted = self.dataset.classes, self.predicted[name]
        return [[classes[number] for number in predicted[seed][positions]] for seed in seeds]


@dataclass(frozen=True)
class _Common:
    """Validation images of two dataset versions; arrays have a row for each."""

    before: Rows
    """Positions among the validation images of the earlier version."""
    after: Rows
    """Positions among those of the present version."""
    labels: tuple[str, ...]
    """Present labels."""
    groups: tuple[int, ...]


def compare_versions(
    present: Judged, earlier: Judged, report: Comparison
) -> VersionComparison | None:
    """Compare the models of two dataset versions; None without a common validation image.

    `report` is the comparison of the earlier version.
    """
    common = _common(present.dataset, earlier.dataset)
    if not common.labels:
        return None
    indices = earlier.dataset.indices
    best = next(each for each in report.experiments if each.name == report.best)
    return VersionComparison(
        version=report.version,
        revision=report.revision,
        train=len(indices.fit) + len(indices.tuning),
        validation=len(indices.validation),
        common=len(common.labels),
        best=best.name,
        accuracy=best.accuracy or 0.0,
        experiments=tuple(
            _paired(name, present, earlier, common)
            for name, seeds in present.predicted.items()
            if seeds.keys() & earlier.predicted.get(name, {}).keys()
        ),
    )


def judged(workspace: Workspace) -> Judged:
    """Return the predictions of the finished runs. Raises `DamagedRun`."""
    predicted: dict[str, dict[int, Labels]] = {}
    for trial in workspace.trials():
        run = workspace.run(trial)
        if run is None or run.report.status != "done" or trial.split == "random":
            continue
        seeds = predicted.setdefault(trial.experiment.name, {})
        seeds[trial.repeat] = run.predictions.validation.argmax(axis=1)
    return Judged(workspace.dataset(), predicted)


def _common(present: Dataset, earlier: Dataset) -> _Common:
    """Return the validation images of both with the same file."""
    positions = {image: position for position, image in enumerate(_validation(earlier))}
    pairs = [
        (positions[image], position)
        for position, image in enumerate(_validation(present))
        if image in positions
    ]
    before, after = np.array(pairs, np.int64).reshape(-1, 2).T
    rows = present.indices.validation[after]
    return _Common(
        before,
        after,
        tuple(present.classes[number] for number in present.labels[rows].tolist()),
        tuple(present.images.groups[rows].tolist()),
    )


def _validation(dataset: Dataset) -> list[tuple[str, str]]:
    images = dataset.images
    return [(images.ids[row], images.digests[row]) for row in dataset.indices.validation.tolist()]


def _paired(name: str, present: Judged, earlier: Judged, common: _Common) -> PairedAccuracy:
    """Compare the models of an experiment that were trained with the same seeds."""
    seeds = sorted(present.predicted[name].keys() & earlier.predicted[name].keys())
    before = _correct(earlier.classes_of(name, seeds, common.before), common)
    after = _correct(present.classes_of(name, seeds, common.after), common)
    p_value = sign_flip_test((after - before).mean(axis=0), common.groups)
    verdict: Verdict = "better" if after.sum() > before.sum() else "worse"
    return PairedAccuracy(
        experiment=name,
        seeds=len(seeds),
        before=float(before.mean()),
        after=float(after.mean()),
        p_value=p_value,
        verdict=verdict if p_value < SIGNIFICANCE else "no evidence of a difference",
    )


def _correct(predicted: Sequence[Sequence[str]], common: _Common) -> Doubles:
    """Return the correct predictions by the present labels, 0 or 1: shape (seeds, n)."""
    return np.array(
        [
            [one == other for one, other in zip(classes, common.labels, strict=True)]
            for classes in predicted
        ],
        np.float64,
    )
