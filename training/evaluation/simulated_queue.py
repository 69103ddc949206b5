"""Review queue of a collection with other labels, in the order of the served queue."""

from dataclasses import replace

import numpy as np

from embeddings.arrays import Floats, Labels, Rows
from embeddings.encoded import Encoded
from embeddings.index.blocks import BlockSearch
from embeddings.index.knn_graph import build_neighbor_graph
from embeddings.recognition import typicalities
from embeddings.release.reader import LabelIssue
from embeddings.release.reliability import class_thresholds
from embeddings.release.training_distances import distances_to_training
from embeddings.review.evidence import Evidence, Suspicions
from embeddings.review.queue import review_queue
from embeddings.review.reasons import Reasons
from training.data.dataset import Dataset
from training.evaluation.label_issues import issues_among, out_of_fold_probabilities
from training.evaluation.simulated_review import Order


def queue_order(dataset: Dataset, features: Floats) -> Order:
    """Return the order of the review queue of a release with other labels.

    `features` of shape (n, dimension) are those that likely label errors are found with.
    """

    def order(labels: Labels, rows: Rows, model: Encoded) -> Rows:
        known = replace(dataset, labels=labels)
        return review_queue(Reasons(_evidence(known, features, model)), rows).rows

    return order


def _evidence(dataset: Dataset, features: Floats, model: Encoded) -> Evidence:
    """Return the evidence that a release of this model would have."""
    indices, labels = dataset.indices, dataset.labels
    search = BlockSearch(dataset.images.ids, model.embeddings)
    learned = np.zeros(len(labels), np.bool_)
    learned[indices.fit] = learned[indices.tuning] = True
    distances = distances_to_training(search, learned)
    tuning = model.probabilities[indices.tuning], labels[indices.tuning]
    return Evidence(
        classes=dataset.classes,
        labels=labels,
        probabilities=model.probabilities,
        thresholds=class_thresholds(*tuning).values,
        typicalities=typicalities(np.sort(distances[indices.validation]), distances),
        neighbors=build_neighbor_graph(search).rows,
        suspicions=_suspicions(dataset, features),
    )


def _suspicions(dataset: Dataset, features: Floats) -> Suspicions:
    probabilities = out_of_fold_probabilities(features, dataset)
    judged = np.flatnonzero(probabilities.any(axis=1))
    issues: tuple[LabelIssue, ...] = ()
    if len(judged):
        issues = issues_among(probabilities[judged], judged, dataset)
    rows = {identifier: row for row, identifier in enumerate(dataset.images.ids)}
    return Suspicions(
        rows=np.array([rows[each.id] for each in issues], np.int64),
        suggested=np.array([dataset.classes.index(each.suggested) for each in issues], np.int64),
        label_probabilities=np.array([each.label_probability for each in issues]),
        suggested_probabilities=np.array([each.suggested_probability for each in issues]),
    )
