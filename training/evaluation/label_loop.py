"""Effect of the review on the model of a data set, measured by simulated reviews."""

import numpy as np

from embeddings.arrays import Floats, Labels, Rows
from embeddings.encoded import Encoded
from embeddings.release.label_loop import LabelLoop
from embeddings.release.reports import rank_experiments
from training.data.dataset import Dataset
from training.digests import digest_of
from training.errors import DataError
from training.evaluation.label_issues import out_of_fold_probabilities
from training.evaluation.simulated_queue import queue_order
from training.evaluation.simulated_review import Reviewed, Simulation, Train, simulate
from training.experiments.config import FrozenTransfer
from training.runs import Run
from training.trainers.fit import Examples, one_hot
from training.trainers.head import ReusedHead, features_of
from training.workspace import Workspace

_METHOD = 1
"""Version of the simulation; reports of other versions are made again."""


def measure_label_loop(workspace: Workspace, simulation: Simulation) -> LabelLoop:
    """Return the report of the simulated reviews, made once for the same settings.

    The head of the best frozen experiment is trained on features of a network that was pretrained
    on other images, so that no wrong label has influenced them. Raises `DataError` without such an
    experiment, `DamagedRun` and `WeightsUnavailable`.
    """
    found = _frozen(workspace)
    if found is None:
        raise DataError(
            "The simulation trains a head on a frozen pretrained network, and no such experiment "
            "is finished; run `belvedere train` with its weights in BELVEDERE_WEIGHTS."
        )
    experiment, run = found
    dataset = workspace.dataset()
    kept = run.label_loop(_key(dataset), dataset.warn)
    if kept is not None and _settings_of(kept) == simulation:
        return kept
    features = features_of(experiment, dataset, workspace.settings.weights)
    images = _reviewed(dataset, features)
    train = _counting(workspace, simulation, _training(experiment, dataset, features))
    report = LabelLoop(
        experiment=experiment.name,
        train=len(images.train),
        validation=len(images.validation),
        share=simulation.share,
        repeats=simulation.repeats,
        seed=simulation.seed,
        reviews=simulate(images, simulation, train, queue_order(dataset, features)),
    )
    run.write_label_loop(_key(dataset), report)
    return report


def stored_label_loop(workspace: Workspace) -> LabelLoop | None:
    """Return the report that was measured last for the data set; None if there is none."""
    found = _frozen(workspace)
    if found is None:
        return None
    dataset = workspace.dataset()
    return found[1].label_loop(_key(dataset), dataset.warn)


def _frozen(workspace: Workspace) -> tuple[FrozenTransfer, Run] | None:
    """Return the best finished experiment with frozen networks, and its first run."""
    runs: dict[str, tuple[FrozenTransfer, Run]] = {}
    for trial in workspace.trials():
        if not isinstance(trial.experiment, FrozenTransfer) or trial.split == "random":
            continue
        run = workspace.run(trial)
        if run is not None and run.report.status == "done":
            runs.setdefault(run.report.name, (trial.experiment, run))
    ranked = rank_experiments(run.report for _, run in runs.values())
    return runs[ranked[0].name] if ranked else None


def _key(dataset: Dataset) -> str:
    # The groups decide about folds and intervals, and are no part of the key of a run.
    return digest_of([_METHOD, dataset.groups_digest(np.arange(len(dataset.labels)))])


def _settings_of(report: LabelLoop) -> Simulation:
    return Simulation(report.share, report.repeats, report.seed)


def _reviewed(dataset: Dataset, features: Floats) -> Reviewed:
    indices = dataset.indices
    return Reviewed(
        labels=dataset.labels,
        groups=dataset.images.groups.tolist(),
        train=np.sort(np.concatenate([indices.fit, indices.tuning])),
        validation=indices.validation,
        probabilities=out_of_fold_probabilities(features, dataset),
    )


def _training(experiment: FrozenTransfer, dataset: Dataset, features: Floats) -> Train:
    """Return a function that trains a head with other labels of the training images."""
    classes, fit = len(dataset.classes), dataset.indices.fit
    head = ReusedHead(experiment, features.shape[1], classes, len(fit))

    def train(labels: Labels, seed: int) -> Encoded:
        def examples(rows: Rows) -> Examples:
            return Examples(features[rows], one_hot(labels[rows], classes))

        return head.encode(examples(fit), examples(dataset.indices.tuning), features, seed)

    return train


def _counting(workspace: Workspace, simulation: Simulation, train: Train) -> Train:
    """Return the same function; a progress bar counts its calls."""
    total = simulation.heads
    steps = workspace.display.track(range(total), "Heads of the simulated reviews", total)

    def counted(labels: Labels, seed: int) -> Encoded:
        next(steps, None)
        return train(labels, seed)

    return counted
