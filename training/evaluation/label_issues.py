"""Likely label errors, found by out-of-fold predictions.

Method: confident learning (Northcutt et al. 2021), by cleanlab.
"""

import numpy as np
from cleanlab.filter import find_label_issues as _confident_learning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from embeddings.arrays import Floats, Labels, Rows
from embeddings.release.reader import LabelIssue
from training.data.dataset import Dataset
from training.data.folds import grouped_folds
from training.experiments.config import FrozenTransfer
from training.models.backbones import pretrained
from training.runs import Run
from training.trainers.frozen_features import frozen_features
from training.workspace import Workspace

ISSUE_FOLDS = 5
"""Number of folds of all images; fewer if there are too few groups."""
_REGULARISATION = 1e-3
_TINY = 1e-12


def find_label_issues(workspace: Workspace, best: Run) -> tuple[LabelIssue, ...]:
    """Return the images whose label is likely wrong, the least probable label first.

    A linear classifier on the frozen features of the preset predicts each image out of fold: it is
    never trained on other images by the same photographer. Without such features, or with too few
    groups for folds, the best model predicts the tuning and validation images, and the others are
    not examined. Classes without an examined image are ignored.
    """
    dataset = workspace.dataset()
    features = _frozen(workspace)
    if features is not None:
        probabilities = out_of_fold_probabilities(features, dataset)
        judged = np.flatnonzero(probabilities.any(axis=1))
        if len(judged):
            return issues_among(probabilities[judged], judged, dataset)
    known = best.predictions
    rows = np.concatenate([dataset.indices.tuning, dataset.indices.validation])
    return issues_among(np.concatenate([known.tuning, known.validation]), rows, dataset)


def out_of_fold_probabilities(features: Floats, dataset: Dataset) -> Floats:
    """Predict each image by a classifier that was not trained on its group.

    Returns probabilities of shape (n, classes), with a row of zeros for each image whose class has
    no other group to learn from.
    """
    labels = dataset.labels
    groups = dataset.images.groups.tolist()
    probabilities = np.zeros((len(labels), len(dataset.classes)), np.float32)
    for fitted, predicted in grouped_folds(labels, groups, ISSUE_FOLDS):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=_REGULARISATION, max_iter=300))
        model.fit(features[fitted], labels[fitted])
        known = model[-1].classes_
        probabilities[np.ix_(predicted, known)] = model.predict_proba(features[predicted])
    return probabilities


def _frozen(workspace: Workspace) -> Floats | None:
    """Return the features of every frozen backbone of the preset, concatenated."""
    kept = {}
    for trial in workspace.trials():
        experiment = trial.experiment
        if not isinstance(experiment, FrozenTransfer) or trial.split == "random":
            continue
        if experiment.beside:
            continue  # each of its two backbones has its own experiment
        report = workspace.report(trial)
        if report is not None and report.status == "done":
            name = (experiment.backbone, experiment.input)
            if name not in kept:
                weights = workspace.settings.weights
                networks = {name[0]: pretrained(*name, weights)}
                features = frozen_features(networks, weights, workspace.dataset(), name[1])
                kept[name] = features.features
    return np.concatenate(list(kept.values()), axis=1) if kept else None


def issues_among(probabilities: Floats, rows: Rows, dataset: Dataset) -> tuple[LabelIssue, ...]:
    """Return the likely label errors among rows, given their out-of-fold predictions."""
    labels: Labels = dataset.labels[rows]
    judged = np.unique(labels)
    if len(judged) < 2:
        return ()
    shares = probabilities[:, judged].astype(np.float64) + _TINY
    ranked = _confident_learning(
        np.searchsorted(judged, labels), shares / shares.sum(axis=1, keepdims=True),
        return_indices_ranked_by="self_confidence", filter_by="both",
        n_jobs=1,
    )  # fmt: skip
    return tuple(
        LabelIssue(
            id=dataset.images.ids[rows[number]],
            label=dataset.classes[labels[number]],
            suggested=dataset.classes[int(probabilities[number].argmax())],
            label_probability=float(probabilities[number, labels[number]]),
            suggested_probability=float(probabilities[number].max()),
        )
        for number in ranked
    )
