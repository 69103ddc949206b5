"""Measures of the search against definitions that are computed query by query."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from embeddings.release.retrieval import mean_over_seeds
from training.evaluation import retrieval
from training.evaluation.comparison import compare
from training.evaluation.latency import layer_outputs
from training.evaluation.retrieval import measure_retrieval, rank
from training.evaluation.statistics import bootstrap_interval
from training.experiments.planner import Trial
from training.trainers.context import LayerOutputs
from training.workspace import Workspace

SMALL = st.integers(1, 12)


def one_by_one(query, label, collection, labels):
    """Return the four measures of one query, from their definitions."""
    distances = [float(((query - each) ** 2).sum()) for each in collection]
    order = sorted(range(len(collection)), key=lambda row: (distances[row], row))
    alike = [bool(labels[row] == label) for row in order]
    relevant = sum(alike)
    precisions = [sum(alike[: end + 1]) / (end + 1) for end in range(len(alike)) if alike[end]]
    return (
        float(alike[0]),
        sum(alike[:3]) / len(alike[:3]),
        sum(precisions) / relevant if relevant else 0.0,
        sum(alike[:relevant]) / relevant if relevant else 0.0,
    ), order[:3]


@given(st.data(), SMALL, SMALL, st.integers(1, 3))
def test_the_measures_are_those_of_the_definitions(data, queries, images, dimension) -> None:
    def drawn(count):
        # Small integers give equal distances, and exact ones.
        vectors = arrays.arrays(np.float32, (count, dimension), elements=st.integers(-3, 3))
        labels = arrays.arrays(np.int64, count, elements=st.integers(0, 2))
        return data.draw(vectors), data.draw(labels)

    (asked, asked_labels), (among, labels) = drawn(queries), drawn(images)
    ranked = rank(asked, asked_labels, among, labels)
    for row in range(queries):
        measures, nearest = one_by_one(asked[row], asked_labels[row], among, labels)
        assert ranked.measures[row] == pytest.approx(measures)
        assert ranked.nearest[row].tolist() == nearest


def test_blocks_give_the_same_ranking(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(60, 5)).astype(np.float32)
    labels = rng.integers(0, 3, 60)
    whole = rank(vectors[:25], labels[:25], vectors[25:], labels[25:])
    monkeypatch.setattr(retrieval, "_PER_BLOCK", 150)
    blocks = rank(vectors[:25], labels[:25], vectors[25:], labels[25:])
    assert np.array_equal(blocks.measures, whole.measures)
    assert np.array_equal(blocks.nearest, whole.nearest)


def test_the_search_of_a_trained_network_is_measured_with_its_intervals(
    workspace: Workspace,
) -> None:
    dataset = workspace.dataset()
    report = compare(workspace).experiments[0]
    run = workspace.run(Trial(workspace.preset.experiments[0]))  # type: ignore[arg-type]
    assert run is not None
    assert report.input is not None
    outputs = layer_outputs(run.inference_model, dataset.pixels(report.input))
    indices, labels = dataset.indices, dataset.labels
    train = np.concatenate([indices.fit, indices.tuning])

    def measures(vectors, asked, among):
        return np.array(
            [
                one_by_one(vectors[row], labels[row], vectors[among], labels[among])[0]
                for row in asked
            ]
        )

    found = measures(outputs.embedding.astype(np.float64), indices.validation, train)
    assert report.retrieval is not None
    scores = report.retrieval.embedding
    assert [
        scores.precision_at_1.value,
        scores.precision_at_3.value,
        scores.mean_average_precision.value,
        scores.r_precision.value,
    ] == pytest.approx(found.mean(axis=0).tolist())
    assert report.precision_at_3 == scores.precision_at_3.value
    assert report.pooled_precision_at_3 == report.retrieval.pooled.precision_at_3.value
    groups = dataset.images.groups[indices.validation].tolist()
    assert scores.r_precision.interval == pytest.approx(bootstrap_interval(found[:, 3], groups))
    tuned = measures(outputs.embedding.astype(np.float64), indices.tuning, indices.fit)
    assert report.tuning_precision_at_3 == pytest.approx(tuned[:, 1].mean())
    first = report.retrieval.per_class[0]
    of_class = labels[indices.validation] == dataset.classes.index(first.label)
    assert first.support == of_class.sum()
    assert first.embedding.precision_at_1.value == pytest.approx(found[of_class, 0].mean())


def test_the_neighbours_are_training_images(workspace: Workspace) -> None:
    run = workspace.run(Trial(workspace.preset.experiments[0]))  # type: ignore[arg-type]
    assert run is not None
    neighbors, indices = run.neighbors, workspace.dataset().indices
    assert neighbors is not None
    assert neighbors.shape == (len(indices.validation), 3)
    assert np.isin(neighbors, np.concatenate([indices.fit, indices.tuning])).all()


def test_seeds_are_averaged(workspace: Workspace) -> None:
    dataset = workspace.dataset()
    rng = np.random.default_rng(1)
    found = []
    for _ in range(2):
        vectors = rng.normal(size=(len(dataset.labels), 4)).astype(np.float32)
        outputs = LayerOutputs(vectors, vectors)
        found.append(measure_retrieval(outputs.embedding, outputs.pooled, dataset).report.retrieval)
    mean = mean_over_seeds(found)
    assert mean is not None
    first, second = (each.per_class[-1].pooled.mean_average_precision for each in found)
    both = mean.per_class[-1].pooled.mean_average_precision
    assert both.value == pytest.approx((first.value + second.value) / 2)
    assert both.interval[1] == pytest.approx((first.interval[1] + second.interval[1]) / 2)
    assert mean_over_seeds([]) is None
