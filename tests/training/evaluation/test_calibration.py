import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings.arrays import Floats, Labels, Rows
from embeddings.release.reader import UNCERTAINTY, current_release, open_release
from embeddings.release.reliability import (
    LEAST_OF_A_CLASS,
    Thresholds,
    class_thresholds,
    conformal_threshold,
    prediction_sets,
    reliability,
)
from training.evaluation.calibration import calibrate, fit_temperature, scale, temperature_of
from training.models.heads import encoder_of
from training.models.networks import convnet
from training.runs import Predictions
from training.workspace import Workspace


def drawn(count: int, seed: int, sharpness: float = 2.0):
    """Return probabilities, and labels drawn from them."""
    rng = np.random.default_rng(seed)
    logits = sharpness * rng.standard_normal((count, 5))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (probabilities.cumsum(axis=1) < rng.random((count, 1))).sum(axis=1)
    return probabilities.astype(np.float32), labels


@pytest.mark.parametrize("overconfidence", [0.5, 1.0, 2.5])
def test_the_temperature_corrects_overconfidence(overconfidence: float) -> None:
    calibrated, labels = drawn(20_000, 0)
    overconfident = scale(calibrated, 1 / overconfidence)
    assert fit_temperature(overconfident, labels) == pytest.approx(overconfidence, rel=0.05)


def test_overconfident_probabilities_have_a_larger_calibration_error() -> None:
    calibrated, labels = drawn(20_000, 1)
    assert reliability(calibrated, labels).error < 0.015
    overconfident = reliability(scale(calibrated, 0.3), labels)
    assert overconfident.error > 0.1
    assert sum(each.count for each in overconfident.bins) == len(labels)


def test_a_calibrated_network_scales_its_logits_and_keeps_its_embedding() -> None:
    network = convnet((32, 48), 3)
    pixels = np.random.default_rng(0).integers(0, 256, (8, 32, 48, 3), dtype=np.uint8)
    embeddings, before = encoder_of(network).predict(pixels, verbose=0)
    calibrate(network, 2.0)
    same, after = encoder_of(network).predict(pixels, verbose=0)
    assert np.array_equal(embeddings, same)
    assert np.allclose(after, scale(before, 2.0), atol=1e-5)


def test_out_of_fold_predictions_give_the_temperature_if_there_are_any(
    workspace: Workspace,
) -> None:
    data = workspace.dataset()
    rng = np.random.default_rng(0)

    def predict(rows: Rows) -> Floats:
        logits = rng.standard_normal((len(rows), len(data.classes))).astype(np.float32)
        logits[np.arange(len(rows)), data.labels[rows]] += 2
        return scale(np.exp(logits), 1.0)

    predictions = Predictions(predict(data.indices.tuning), predict(data.indices.validation))
    out_of_fold = scale(predict(data.indices.fit), 0.2)
    alone, helped = (
        temperature_of(predictions, data),
        temperature_of(predictions, data, out_of_fold),
    )
    assert helped == pytest.approx(fit_temperature(out_of_fold, data.labels[data.indices.fit]))
    assert helped > 3 * alone
    out_of_fold[::2] = 0
    labels = data.labels[data.indices.fit]
    assert temperature_of(predictions, data, out_of_fold) == pytest.approx(
        fit_temperature(out_of_fold[1::2], labels[1::2])
    )


def test_the_published_coverage_is_measured_on_the_published_probabilities(
    workspace: Workspace,
) -> None:
    folder = current_release(workspace.settings.releases_folder)
    release, data = open_release(folder), workspace.dataset()
    tuning, validation = data.indices.tuning, data.indices.validation
    sets = release.uncertainty.sets
    served = release.probabilities
    counts = np.array([each.calibrated_on for each in sets.per_class])
    assert (counts >= np.bincount(data.labels[tuning], minlength=len(counts))).all()
    assert sets == prediction_sets(
        Thresholds(sets.thresholds, counts),
        served[validation],
        data.labels[validation],
        data.classes,
    )
    assert release.uncertainty.calibration.after == reliability(
        served[validation], data.labels[validation]
    )
    assert set(json.loads((folder / UNCERTAINTY).read_text("utf-8"))) == {"calibration", "sets"}


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 400), st.floats(0.34, 1.0), st.integers(2, 9))
def test_the_confidence_of_perfect_predictions_is_limited_by_their_number(
    count: int, confidence: float, classes: int
) -> None:
    labels = np.arange(count) % classes
    others = (1 - confidence) / (classes - 1)
    sure = np.where(np.eye(classes)[labels] > 0, confidence, others).astype(np.float32)
    if (sure.argmax(axis=1) != labels).any():
        return
    temperature = fit_temperature(sure, labels)
    assert 0.1 < temperature <= 1.0
    claimed = scale(sure, temperature).max(axis=1).mean(dtype=float)
    limit = (count + 1) / (count + 2)
    assert claimed <= max(limit, sure.max(axis=1).mean(dtype=float)) + 1e-5


def test_without_images_the_temperature_is_one() -> None:
    assert fit_temperature(np.zeros((0, 3), np.float32), np.zeros(0, np.int64)) == 1.0


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.8, 0.9, 0.95]))
def test_prediction_sets_reach_their_coverage(seed: int, level: float) -> None:
    known, known_labels = drawn(2000, seed)
    others, labels = drawn(4000, seed + 1)
    sets = prediction_sets(
        class_thresholds(known, known_labels, level), others, labels, tuple("abcde")
    )
    assert sets.coverage == pytest.approx(level, abs=0.04)
    for each in sets.per_class:
        assert each.coverage == pytest.approx(level, abs=0.08)
    shares = [each.coverage * each.support for each in sets.per_class]
    assert sum(shares) / len(labels) == pytest.approx(sets.coverage)


@settings(deadline=None)
@given(st.integers(0, 8), st.integers(0, 10**6))
def test_with_too_few_images_prediction_sets_contain_all_classes(count: int, seed: int) -> None:
    probabilities, labels = drawn(count, seed)
    assert conformal_threshold(probabilities, labels, 0.9) == 0.0


@settings(deadline=None)
@given(st.integers(0, 60), st.floats(0.875, 1.0, width=32))
def test_the_prediction_set_contains_the_most_probable_class(count: int, surest: float) -> None:
    known = np.tile(np.array([surest, 1 - surest], np.float32), (count, 1))
    thresholds = class_thresholds(known, np.zeros(count, np.int64))
    sure = np.array([[1, 0], [0.9990001, 0.0009999]], np.float32)
    labels = np.array([0, 0])
    assert prediction_sets(thresholds, sure, labels, ("a", "b")).coverage == 1.0


@settings(deadline=None)
@given(st.integers(10, 60), st.floats(0.5, 1.0, width=32), st.floats(-5e-5, 5e-5))
def test_prediction_sets_do_not_depend_on_rounding(
    count: int, probability: float, rounding: float
) -> None:
    known = np.tile(np.array([probability, 1 - probability], np.float32), (count, 1))
    labels = np.zeros(count, np.int64)
    thresholds = class_thresholds(known, labels)
    elsewhere = np.clip(known + np.float32(rounding), 0, 1)
    assert prediction_sets(thresholds, elsewhere, labels, ("a", "b")).empty == 0.0


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6), st.integers(9, 120))
def test_the_mean_coverage_over_tuning_parts_of_any_size_is_reached(seed: int, count: int) -> None:
    others, labels = drawn(2000, seed)
    covered = []
    for draw in range(30):
        known, known_labels = drawn(count, seed + draw + 1)
        thresholds = class_thresholds(known, known_labels, 0.9)
        covered.append(prediction_sets(thresholds, others, labels, tuple("abcde")).coverage)
    assert np.mean(covered) > 0.9 - 0.04


def test_the_coverage_of_a_hard_class_does_not_suffer_from_the_easy_ones() -> None:
    rng = np.random.default_rng(0)

    def images(count: int) -> tuple[Floats, Labels]:
        labels = np.repeat([0, 1], [10 * count, count])
        own = np.where(labels == 0, rng.uniform(0.9, 1, len(labels)), rng.uniform(size=len(labels)))
        probabilities = np.column_stack([1 - own, own]).astype(np.float32)
        return np.where(labels[:, None] == 1, probabilities, probabilities[:, ::-1]), labels

    known, others = images(100), images(1000)
    together = Thresholds(
        np.full(2, conformal_threshold(*known), np.float32), np.zeros(2, np.int64)
    )
    assert prediction_sets(together, *others, ("a", "b")).per_class[1].coverage < 0.6
    for each in prediction_sets(class_thresholds(*known), *others, ("a", "b")).per_class:
        assert each.coverage == pytest.approx(0.9, abs=0.06)


@pytest.mark.parametrize("count", [8, 9, LEAST_OF_A_CLASS - 1])
def test_a_class_with_few_images_is_never_excluded_more_than_others(count: int) -> None:
    known = np.full((200 + count, 2), 0.5, np.float32)
    known[200:] = 0.05, 0.95
    labels = np.repeat([0, 1], [200, count])
    thresholds = class_thresholds(known, labels)
    overall = conformal_threshold(known, labels)
    assert thresholds.values.tolist() == [pytest.approx(0.4999), pytest.approx(overall)]
    assert thresholds.counts.tolist() == [200, count]
