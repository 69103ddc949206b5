"""Comparison with the models of earlier dataset versions, on common validation images."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from embeddings.arrays import Labels
from embeddings.release.reports import Comparison, PairedAccuracy, Verdict, VersionComparison
from training.data.dataset import Dataset
from training.evaluation.statistics import SIGNIFICANCE, Correct, mcnemar
from training.workspace import Workspace


@dataclass(frozen=True)
class Judged:
    """Finished runs of a dataset version: predicted classes of its validation images."""

    dataset: Dataset
    predicted: Mapping[str, Labels]
    """Class numbers by experiment, of the first seed on the grouped split."""


def compare_versions(
    present: Judged, earlier: Judged, report: Comparison
) -> VersionComparison | None:
    """Compare the models of two dataset versions; None without a common validation image.

    `report` is the comparison of the earlier version.
    """
    rows, other_rows = _common(present.dataset, earlier.dataset)
    if not len(rows):
        return None
    indices = earlier.dataset.indices
    best = next(each for each in report.experiments if each.name == report.best)
    return VersionComparison(
        version=report.version,
        revision=report.revision,
        train=len(indices.fit) + len(indices.tuning),
        validation=len(indices.validation),
        common=len(rows),
        best=best.name,
        accuracy=best.accuracy or 0.0,
        experiments=tuple(
            _paired(
                name,
                _correct(earlier, name, other_rows, present.dataset, rows),
                _correct(present, name, rows, present.dataset, rows),
            )
            for name in present.predicted
            if name in earlier.predicted
        ),
    )


def judged(workspace: Workspace) -> Judged:
    """Return the predictions of the finished first seeds. Raises `DamagedRun`."""
    predicted: dict[str, Labels] = {}
    for trial in workspace.trials():
        run = workspace.run(trial)
        name = trial.experiment.name
        if run is None or run.report.status != "done" or trial.split == "random":
            continue
        if name not in predicted:
            predicted[name] = run.predictions.validation.argmax(axis=1)
    return Judged(workspace.dataset(), predicted)


def _common(present: Dataset, earlier: Dataset) -> tuple[Labels, Labels]:
    """Return positions among the validation images of both for images with the same file."""
    before = {image: position for position, image in enumerate(_validation(earlier))}
    pairs = [
        (position, before[image])
        for position, image in enumerate(_validation(present))
        if image in before
    ]
    found = np.array(pairs, np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def _validation(dataset: Dataset) -> list[tuple[str, str]]:
    images = dataset.images
    return [(images.ids[row], images.digests[row]) for row in dataset.indices.validation.tolist()]


def _correct(
    version: Judged, name: str, positions: Labels, present: Dataset, rows: Labels
) -> Correct:
    """Return a mask of the correct predictions, by the present labels of the images."""
    classes = version.dataset.classes
    predicted = [classes[number] for number in version.predicted[name][positions].tolist()]
    labels = present.labels[present.indices.validation[rows]].tolist()
    wanted = [present.classes[number] for number in labels]
    return np.array([one == other for one, other in zip(predicted, wanted, strict=True)])


def _paired(name: str, before: Correct, after: Correct) -> PairedAccuracy:
    p_value = mcnemar(before, after)
    verdict: Verdict = "better" if after.sum() > before.sum() else "worse"
    return PairedAccuracy(
        experiment=name,
        before=float(before.mean()),
        after=float(after.mean()),
        p_value=p_value,
        verdict=verdict if p_value < SIGNIFICANCE else "no evidence of a difference",
    )
