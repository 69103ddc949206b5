"""Simulated reviews of drawn clusters, classified by the nearest mean."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.arrays import Floats, Labels, Rows
from embeddings.encoded import Encoded
from embeddings.release.label_loop import Noise
from training.errors import DataError
from training.evaluation.label_noise import with_wrong_labels
from training.evaluation.simulated_review import (
    BUDGETS,
    NOISES,
    Order,
    Reviewed,
    Simulation,
    Train,
    simulate,
)

CLASSES, EACH = 3, 120


@pytest.fixture(scope="module")
def features() -> Floats:
    """Return three overlapping clusters in a plane; the last third of each is for validation."""
    rng = np.random.default_rng(0)
    centres = np.array([(0, 0), (3, 0), (0, 3)])
    return np.concatenate([rng.normal(each, 1, (EACH, 2)) for each in centres]).astype(np.float32)


@pytest.fixture(scope="module")
def images(features: Floats) -> Reviewed:
    labels = np.repeat(np.arange(CLASSES), EACH)
    held_out = np.arange(len(labels)) % EACH >= EACH * 2 // 3
    return Reviewed(
        labels=labels,
        groups=range(len(labels)),
        train=np.flatnonzero(~held_out),
        validation=np.flatnonzero(held_out),
        probabilities=np.full((len(labels), CLASSES), 1 / CLASSES, np.float32),
    )


@pytest.fixture(scope="module")
def train(features: Floats, images: Reviewed) -> Train:
    def train(labels: Labels, seed: int) -> Encoded:
        """Predict the class whose mean is nearest."""
        learned, known = features[images.train], labels[images.train]
        means = np.stack([learned[known == number].mean(axis=0) for number in range(CLASSES)])
        return Encoded(features, np.exp(-((features[:, np.newaxis] - means) ** 2).sum(axis=2)))

    return train


def wrong_first(images: Reviewed) -> Order:
    """Return an order that knows the stored labels."""

    def order(labels: Labels, rows: Rows, model: Encoded) -> Rows:
        return rows[np.argsort(labels[rows] == images.labels[rows], kind="stable")]

    return order


def wrong_last(images: Reviewed) -> Order:
    """Return the opposite order."""
    return lambda labels, rows, model: wrong_first(images)(labels, rows, model)[::-1]


def test_a_queue_that_knows_the_wrong_labels_finds_and_corrects_all(
    images: Reviewed, train: Train
) -> None:
    reviews = simulate(images, Simulation(0.1, 2), train, wrong_first(images))
    assert [review.noise for review in reviews] == list(NOISES)
    for review in reviews:
        assert review.wrong == round(0.1 * len(images.train))
        assert [step.checked for step in review.steps] == [
            round(share * len(images.train)) for share in BUDGETS
        ]
        for step in review.steps:
            assert step.found_by_queue == min(step.checked, review.wrong)
            assert step.found_at_random < step.found_by_queue
        # As many images are checked as labels are wrong, or more.
        for step in review.steps[1:]:
            assert step.queue == review.everything


def test_the_report_is_of_the_trained_models(images: Reviewed, train: Train) -> None:
    labels, rows = images.labels, images.validation
    review, _ = simulate(images, Simulation(0.1, 1), train, wrong_first(images))
    right = train(labels, 0).probabilities[rows].argmax(axis=1) == labels[rows]
    assert review.everything.accuracy == pytest.approx(right.mean())
    for step in review.steps:
        assert step.difference == pytest.approx(step.queue.accuracy - step.random.accuracy)
        low, high = step.interval
        assert low <= step.difference <= high


def test_a_queue_that_misses_the_wrong_labels_gets_no_praise(
    images: Reviewed, train: Train
) -> None:
    for review in simulate(images, Simulation(0.3, 2), train, wrong_last(images)):
        for step in review.steps:
            assert step.found_by_queue == 0
            assert step.queue == review.none
            assert step.verdict != "better"


def test_a_better_queue_is_called_better(images: Reviewed) -> None:
    def train(labels: Labels, seed: int) -> Encoded:
        """Misclassify an image if the label of the training image beside it is wrong."""
        right = (labels == images.labels)[images.train][: len(images.validation)]
        predicted = images.labels.copy()
        predicted[images.validation] += ~right
        answers = np.eye(CLASSES, dtype=np.float32)[predicted % CLASSES]
        return Encoded(answers, answers)

    for review in simulate(images, Simulation(0.4, 3), train, wrong_first(images)):
        last = review.steps[-1]
        assert last.queue.accuracy > last.random.accuracy
        assert last.verdict == "better"
        assert last.interval[0] > 0


def test_a_short_queue_is_followed_by_images_at_random(images: Reviewed, train: Train) -> None:
    def order(labels: Labels, rows: Rows, model: Encoded) -> Rows:
        return wrong_first(images)(labels, rows, model)[:5]

    for review in simulate(images, Simulation(0.1, 2), train, order):
        found = [step.found_by_queue for step in review.steps]
        assert found[0] >= 5
        assert found == sorted(found)
        assert found[-1] < review.wrong


def test_equal_settings_give_equal_reports(images: Reviewed, train: Train) -> None:
    first, again = (
        simulate(images, Simulation(0.1, 2, 5), train, wrong_first(images)) for _ in range(2)
    )
    assert first == again


def test_too_few_images_are_refused(images: Reviewed, train: Train) -> None:
    few = Reviewed(
        images.labels, images.groups, images.train[:4], images.validation, images.probabilities
    )
    with pytest.raises(DataError, match="4 training images"):
        simulate(few, Simulation(), train, wrong_first(images))


@given(
    st.lists(st.integers(0, 3), min_size=8, max_size=60),
    st.sampled_from(NOISES),
    st.integers(0, 2**31),
)
def test_exactly_the_wanted_labels_become_wrong(values, noise: Noise, seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = np.array(values)
    rows: Rows = np.sort(rng.choice(len(labels), len(labels) // 2, replace=False))
    probabilities = rng.dirichlet(np.ones(4), len(labels)).astype(np.float32)
    probabilities[0] = 0
    number = int(rng.integers(0, len(rows) + 1))
    wrong, changed = with_wrong_labels(labels, rows, probabilities, number, noise, rng)
    assert len(changed) == number
    assert set(changed.tolist()) <= set(rows.tolist())
    assert np.flatnonzero(wrong != labels).tolist() == changed.tolist()
    assert wrong.min() >= 0
    assert wrong.max() < 4


def test_wrong_labels_follow_the_confusion() -> None:
    labels = np.repeat([0, 1, 2], 400)
    probabilities = np.eye(3, dtype=np.float32)[labels] * 0.8
    # Class 0 is confused with class 2 alone; the first images of class 1 are doubtful.
    probabilities[labels == 0, 2] += 0.2
    probabilities[labels == 1, 0] += 0.2
    probabilities[labels == 2, 1] += 0.2
    probabilities[400:500] = (0.9, 0.1, 0)
    rows, rng = np.arange(len(labels)), np.random.default_rng(1)
    wrong, changed = with_wrong_labels(labels, rows, probabilities, 300, "class", rng)
    assert set(wrong[changed[labels[changed] == 0]].tolist()) <= {1, 2}
    assert np.mean(wrong[changed[labels[changed] == 0]] == 2) > 0.9
    _, doubtful = with_wrong_labels(labels, rows, probabilities, 300, "image", rng)
    among = np.isin(doubtful, np.arange(400, 500))
    assert among.mean() > 2 * np.isin(changed, np.arange(400, 500)).mean()
