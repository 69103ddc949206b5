import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings.runtime import Floats
from training.calibration import (
    calibrate,
    conformal_threshold,
    fit_temperature,
    prediction_sets,
    reliability,
    scale,
    trust,
)
from training.dataset import Rows
from training.networks import convnet, encoder_of
from training.runs import Predictions
from training.stages import Stage


def drawn(count: int, seed: int, sharpness: float = 2.0):
    """Probabilities and labels that follow them."""
    rng = np.random.default_rng(seed)
    logits = sharpness * rng.standard_normal((count, 5))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (probabilities.cumsum(axis=1) < rng.random((count, 1))).sum(axis=1)
    return probabilities.astype(np.float32), labels


@pytest.mark.parametrize("overconfidence", [0.5, 1.0, 2.5])
def test_the_temperature_undoes_overconfidence(overconfidence: float) -> None:
    honest, labels = drawn(20_000, 0)
    boasting = scale(honest, 1 / overconfidence)
    assert fit_temperature(boasting, labels) == pytest.approx(overconfidence, rel=0.05)


def test_honest_probabilities_are_found_reliable_and_boasting_ones_not() -> None:
    honest, labels = drawn(20_000, 1)
    assert reliability(honest, labels).error < 0.015
    boasting = reliability(scale(honest, 0.3), labels)
    assert boasting.error > 0.1
    assert sum(each.count for each in boasting.bins) == len(labels)


def test_a_calibrated_network_answers_scaled_from_the_same_embedding() -> None:
    network = convnet((32, 48), 3)
    pictures = np.random.default_rng(0).integers(0, 256, (8, 32, 48, 3), dtype=np.uint8)
    embeddings, before = encoder_of(network).predict(pictures, verbose=0)
    calibrate(network, 2.0)
    same, after = encoder_of(network).predict(pictures, verbose=0)
    assert np.array_equal(embeddings, same)
    assert np.allclose(after, scale(before, 2.0), atol=1e-5)


def test_held_out_photographs_give_the_temperature_and_the_tuning_part_the_sets(
    stage: Stage,
) -> None:
    data = stage.dataset()
    rng = np.random.default_rng(0)

    def said(rows: Rows) -> Floats:
        logits = rng.standard_normal((len(rows), len(data.classes))).astype(np.float32)
        logits[np.arange(len(rows)), data.labels[rows]] += 2
        return scale(np.exp(logits), 1.0)

    predictions = Predictions(said(data.parts.tuning), said(data.parts.validation))
    held_out = scale(said(data.parts.fit), 0.2)
    alone, helped = trust(predictions, data), trust(predictions, data, held_out)
    expected = fit_temperature(held_out, data.labels[data.parts.fit])
    assert helped.calibration.temperature == pytest.approx(expected)
    assert helped.calibration.temperature > 3 * alone.calibration.temperature
    published = scale(predictions.tuning, helped.calibration.temperature)
    threshold = conformal_threshold(published, data.labels[data.parts.tuning])
    assert helped.sets.threshold == pytest.approx(threshold)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.8, 0.9, 0.95]))
def test_sets_hold_the_true_class_as_often_as_promised(seed: int, level: float) -> None:
    known, known_labels = drawn(2000, seed)
    others, labels = drawn(4000, seed + 1)
    threshold = conformal_threshold(known, known_labels, level)
    sets = prediction_sets(threshold, others, labels, tuple("abcde"))
    assert sets.coverage == pytest.approx(level, abs=0.04)
    shares = [each.coverage * each.support for each in sets.per_class]
    assert sum(shares) / len(labels) == pytest.approx(sets.coverage)


def test_with_too_few_photographs_no_class_is_ruled_out() -> None:
    probabilities, labels = drawn(5, 0)
    assert conformal_threshold(probabilities, labels, 0.9) == 0.0
