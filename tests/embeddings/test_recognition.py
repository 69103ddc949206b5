import numpy as np
import pytest

from embeddings.index.flat import FlatIndex
from embeddings.recognition import NEIGHBOR, distance_to_training, prediction_set, typicality


def expected(embeddings, training, query, exclude) -> float:
    rows = [row for row in np.flatnonzero(training) if row != exclude]
    distances = np.sort(np.linalg.norm(embeddings[rows] - query, axis=1))
    return float(distances[:NEIGHBOR][-1])


@pytest.mark.parametrize("share", [0.05, 0.3, 0.9])
def test_typicality_is_measured_to_the_tenth_nearest_training_image(share):
    random = np.random.default_rng(1)
    embeddings = random.normal(size=(400, 6)).astype(np.float32)
    training = random.random(400) < share
    index = FlatIndex(embeddings)
    for row in range(0, 400, 7):
        for exclude in (None, row):
            found = distance_to_training(index, training, embeddings[row], exclude)
            wanted = expected(embeddings, training, embeddings[row], exclude)
            assert found == pytest.approx(wanted, rel=1e-6)


def test_without_training_images_every_image_is_infinitely_far():
    index = FlatIndex(np.zeros((1, 2), np.float32))
    assert distance_to_training(index, np.array([False]), np.zeros(2, np.float32)) == np.inf


def test_typicality_is_the_share_of_greater_distances():
    distances = np.array([1.0, 2.0, 2.0, 3.0])
    assert [typicality(distances, each) for each in (0.5, 2.0, 3.0)] == [1.0, 0.25, 0.0]
    assert typicality(np.empty(0), 1.0) == 0.0


def test_prediction_sets_begin_with_the_most_probable_class():
    probabilities = np.array([0.2, 0.5, 0.05, 0.25], np.float32)
    assert prediction_set(probabilities, np.full(4, 0.2, np.float32)) == (1, 3, 0)
    assert prediction_set(probabilities, np.array([0.3, 0.6, 0.01, 0.2], np.float32)) == (3, 2)
    assert prediction_set(probabilities, np.full(4, 0.9, np.float32)) == ()
