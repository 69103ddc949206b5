"""Search for similar images by the layers of a network: precision, average precision, intervals.

The measures are those of information retrieval (Manning, Raghavan and Schütze 2008, chapter 8);
Musgrave, Belongie and Lim (2020) advise R-precision for embeddings, since it regards every image of
the query's class and not the nearest few alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from embeddings.arrays import Doubles, Floats, Labels, Rows
from embeddings.release.retrieval import ClassRetrieval, Estimate, Retrieval, RetrievalScores
from training.data.dataset import Dataset
from training.evaluation.statistics import bootstrap_intervals
from training.runs import MeasuredRetrieval, RetrievalReport, Run

_NEAREST = 3
_PER_BLOCK = 2**22
"""Distances that are held in memory at a time."""


@dataclass(frozen=True)
class Ranked:
    """Measures of n queries among the images of a collection."""

    measures: Doubles
    """Shape (n, 4), 0-1: precision at 1, precision at 3, average precision, R-precision."""
    nearest: Rows
    """Shape (n, 3): positions in the collection of the three nearest images, the nearest first.
    There are fewer columns for a smaller collection."""


def measure_retrieval(embeddings: Floats, pooled: Floats, data: Dataset) -> MeasuredRetrieval:
    """Measure the search for validation images among all training images.

    The outputs of both layers have a row for each image: shape (n, dimension).
    The precision at 3 of the tuning images among the images to fit on is None without tuning
    images. In the grouped split, no photographer has images on both sides.
    """
    fit, tuning, validation = data.indices.fit, data.indices.tuning, data.indices.validation
    train = np.concatenate([fit, tuning])
    ranked, by_pooled = (
        _rank_rows(each, data.labels, validation, train) for each in (embeddings, pooled)
    )
    report = RetrievalReport(
        key=_key(data),
        retrieval=_report(ranked.measures, by_pooled.measures, data),
        tuning_precision_at_3=(
            _precision_at_3(embeddings, data.labels, tuning, fit) if len(tuning) else None
        ),
    )
    return MeasuredRetrieval(report, train[ranked.nearest])


def precision_at_3(embeddings: Floats, data: Dataset) -> float:
    """Return the share of correct labels among the three nearest training images, 0-1.

    The mean over the validation images; `embeddings` has shape (n, dimension), a row for each
    image.
    """
    train = np.concatenate([data.indices.fit, data.indices.tuning])
    return _precision_at_3(embeddings, data.labels, data.indices.validation, train)


def is_measured(run: Run, data: Dataset) -> bool:
    """Return whether a run has the report of the search for the present groups of images.

    Raises `DamagedRun`.
    """
    found = run.retrieval
    return found is not None and found.key == _key(data) and run.neighbors is not None


def rank(
    queries: Floats, query_labels: Labels, collection: Floats, collection_labels: Labels
) -> Ranked:
    """Rank the images of a collection by their Euclidean distance to each query.

    `queries` has shape (n, dimension), `collection` (m, dimension). Equal distances are ordered by
    the position in the collection. A query without images of its class has measures of zero.
    """
    ranked = [
        _rank_block(order, labels, collection_labels)
        for order, labels in _orders(queries, query_labels, collection)
    ]
    return Ranked(
        np.concatenate([each.measures for each in ranked]),
        np.concatenate([each.nearest for each in ranked]),
    )


def _key(data: Dataset) -> str:
    # The groups determine the intervals, and are no part of the key of a run.
    return data.groups_digest(data.indices.validation)


def _rank_rows(vectors: Floats, labels: Labels, queries: Rows, among: Rows) -> Ranked:
    return rank(vectors[queries], labels[queries], vectors[among], labels[among])


def _precision_at_3(vectors: Floats, labels: Labels, queries: Rows, among: Rows) -> float:
    return float(_rank_rows(vectors, labels, queries, among).measures[:, 1].mean())


def _orders(queries: Floats, labels: Labels, collection: Floats) -> Iterator[tuple[Rows, Labels]]:
    """Yield the positions in the collection by distance, and the labels, of blocks of queries."""
    among = collection.astype(np.float64)
    squares = np.einsum("ij,ij->i", among, among)
    block = max(1, _PER_BLOCK // len(among))
    for start in range(0, len(queries), block):
        vectors = queries[start : start + block].astype(np.float64)
        # The square of the query's own length does not affect the order.
        distances = squares - 2 * (vectors @ among.T)
        yield np.argsort(distances, axis=1, kind="stable"), labels[start : start + block]


def _rank_block(order: Rows, labels: Labels, collection_labels: Labels) -> Ranked:
    alike = collection_labels[order] == labels[:, np.newaxis]
    found = np.cumsum(alike, axis=1)
    ranks = np.arange(1, order.shape[1] + 1)
    relevant = found[:, -1]
    last = np.maximum(relevant, 1)
    measures = np.stack(
        [
            alike[:, 0].astype(np.float64),
            alike[:, :_NEAREST].mean(axis=1),
            (alike * found / ranks).sum(axis=1) / last,
            found[np.arange(len(order)), last - 1] / last,
        ],
        axis=1,
    )
    return Ranked(measures, order[:, :_NEAREST])


def _report(embedding: Doubles, pooled: Doubles, data: Dataset) -> Retrieval:
    rows = data.indices.validation
    labels, groups = data.labels[rows], data.images.groups[rows]
    both = np.concatenate([embedding, pooled], axis=1)
    overall = _estimates(both, groups)
    per_class = []
    for number, label in enumerate(data.classes):
        chosen = labels == number
        if chosen.any():
            own = _estimates(both[chosen], groups[chosen])
            support = int(chosen.sum())
            per_class.append(
                ClassRetrieval(label=label, support=support, embedding=own[0], pooled=own[1])
            )
    return Retrieval(embedding=overall[0], pooled=overall[1], per_class=tuple(per_class))


def _estimates(measures: Doubles, groups: Rows) -> tuple[RetrievalScores, RetrievalScores]:
    """Return the scores of two layers from measures of shape (n, 8)."""
    limits = bootstrap_intervals(measures, groups.tolist())
    found = [
        Estimate(value=float(value), interval=interval)
        for value, interval in zip(measures.mean(axis=0), limits, strict=True)
    ]
    return _scores(found[:4]), _scores(found[4:])


def _scores(found: list[Estimate]) -> RetrievalScores:
    first, three, average, r_precision = found
    return RetrievalScores(
        precision_at_1=first,
        precision_at_3=three,
        mean_average_precision=average,
        r_precision=r_precision,
    )
