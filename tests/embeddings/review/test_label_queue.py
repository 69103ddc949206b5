import numpy as np
import pytest

from embeddings.review.queue import label_queue, measure_information

RNG = np.random.default_rng(7)


def queue(probabilities, embeddings, among=None):
    rows = np.arange(len(probabilities))
    embeddings = np.array(embeddings, np.float32)
    information = measure_information(
        rows, np.array(probabilities, np.float32), embeddings.__getitem__
    )
    among = np.ones(len(rows), np.bool_) if among is None else among
    return information, label_queue(information, among, embeddings.__getitem__)


def test_of_equally_placed_images_the_uncertain_one_comes_first() -> None:
    _, found = queue([[0.99, 0.01], [0.5, 0.5], [0.8, 0.2]], np.eye(3))
    assert found.rows.tolist() == [1, 2, 0]


def test_of_equally_uncertain_images_one_like_many_others_comes_first() -> None:
    alone, many = [0, 1, 0.1], [[1, 0, step / 100] for step in range(4)]
    _, found = queue([[0.5, 0.5]] * 5, [alone, *many])
    assert found.rows[0] != 0


def test_an_image_like_the_first_waits_for_a_different_one() -> None:
    # The rows 0 to 2 show the same; row 3 is less informative, but different.
    _, found = queue([[0.5, 0.5]] * 3 + [[0.7, 0.3]], [[1, 0.2]] * 3 + [[0.2, 1]])
    assert found.rows.tolist()[:2] == [0, 3]


def test_entropy_and_density_are_those_of_their_definitions() -> None:
    probabilities = RNG.dirichlet([1, 1, 1], 20)
    embeddings = RNG.uniform(0, 1, (20, 4)).astype(np.float32)
    information, found = queue(probabilities, embeddings)
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    entropies = -(probabilities * np.log(probabilities)).sum(axis=1) / np.log(3)
    assert information.entropies == pytest.approx(entropies, rel=1e-4)
    assert information.densities == pytest.approx((unit @ unit.T).mean(axis=1), rel=1e-4)
    assert sorted(found.rows.tolist()) == list(range(20))
    assert found.rows[0] == np.argmax(information.scores)


def test_only_the_rows_of_the_mask_are_in_the_queue() -> None:
    among = np.array([True, False, True])
    assert set(queue([[0.5, 0.5]] * 3, np.eye(3), among)[1].rows.tolist()) == {0, 2}


def test_an_empty_collection_has_an_empty_queue() -> None:
    _, found = queue(np.empty((0, 2)), np.empty((0, 4)))
    assert found.rows.tolist() == []
