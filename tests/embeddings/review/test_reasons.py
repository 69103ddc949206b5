import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings.review.evidence import NO_CLASS, Evidence, Suspicions
from embeddings.review.queue import review_queue
from embeddings.review.reasons import UNTYPICAL, WEIGHTS, Reasons

CLASSES = ("beach", "forest", "lake")
NO_LISTS = (-1, -1, -1)


def evidence(
    labels, probabilities, *, typicalities=None, neighbors=None, suspicions=None, threshold=0.5
) -> Evidence:
    count = len(labels)
    return Evidence(
        classes=CLASSES,
        labels=np.array(labels, np.int64),
        probabilities=np.array(probabilities, np.float32),
        thresholds=np.full(np.shape(probabilities)[1], threshold, np.float32),
        typicalities=np.array(typicalities or [0.5] * count),
        neighbors=np.array(neighbors or [NO_LISTS] * count),
        suspicions=suspicions or Suspicions.none(),
    )


def suspicion(row, suggested, label, other) -> Suspicions:
    numbers = [np.array([each]) for each in (row, suggested, label, other)]
    return Suspicions(*numbers)


def kinds(reasons, row):
    return {each.kind: each.value for each in reasons.of(row)}


def test_an_image_that_agrees_with_everything_has_no_reason() -> None:
    reasons = Reasons(evidence([0], [[0.9, 0.05, 0.05]]))
    assert reasons.of(0) == ()
    assert reasons.scores.tolist() == [0]


def test_each_reason_has_its_number_and_its_strength() -> None:
    facts = evidence(
        [0, 1, 1, 1],
        [[0.1, 0.8, 0.1], [0.1, 0.8, 0.1], [0.1, 0.8, 0.1], [0.3, 0.4, 0.3]],
        typicalities=[0.5, 0.5, UNTYPICAL / 2, 0.5],
        neighbors=[(1, 2, 3), (2, 3, -1), NO_LISTS, NO_LISTS],
        suspicions=suspicion(0, 1, 0.05, 0.9),
    )
    reasons = Reasons(facts)
    first = kinds(reasons, 0)
    assert first == pytest.approx({"disagreement": 0.1, "label_error": 0.05, "neighbors": 1})
    assert reasons.scores[0] == pytest.approx(0.7 + 0.85 + 1)
    assert kinds(reasons, 1) == {}
    assert kinds(reasons, 2) == {"untypical": UNTYPICAL / 2}
    assert reasons.scores[2] == pytest.approx(WEIGHTS["untypical"] / 2)
    assert kinds(reasons, 3) == {"uncertain": 0}
    assert reasons.scores[3] == pytest.approx(WEIGHTS["uncertain"] * 0.6)


def test_sentences_contain_the_numbers() -> None:
    facts = evidence(
        [0, 0], [[0.2, 0.8, 0.0]] * 2, neighbors=[(1, 1, 1), NO_LISTS], threshold=0.1,
        suspicions=suspicion(0, 1, 0.05, 0.9), typicalities=[0.01, 0.5],
    )  # fmt: skip
    texts = {each.kind: each.text for each in Reasons(facts).of(0)}
    assert "beach a probability of 0.05, and forest 0.90" in texts["label_error"]
    assert "predicts forest with a probability of 0.80; beach has 0.20" in texts["disagreement"]
    assert "2 classes" in texts["uncertain"]
    assert "99%" in texts["untypical"]


def test_the_suggestion_is_the_class_with_the_most_support() -> None:
    facts = evidence(
        [0, 1, 2, 2],
        [[0.4, 0.6, 0.0], [0.1, 0.9, 0.0], [0.0, 0.1, 0.9], [0.0, 0.1, 0.9]],
        neighbors=[(2, 3, 1), NO_LISTS, NO_LISTS, NO_LISTS],
        suspicions=suspicion(0, 2, 0.1, 0.8),
    )
    reasons = Reasons(facts)
    # lake: 0.7 out of fold and 2/3 of the neighbours; forest: 0.2 by the model and 1/3.
    assert CLASSES[reasons.suggested(0)] == "lake"
    assert reasons.suggested(1) == NO_CLASS


def test_images_without_a_label_have_no_reason_about_it() -> None:
    facts = evidence([NO_CLASS, 0], [[0.4, 0.3, 0.3], [0.9, 0.1, 0.0]], typicalities=[0, 0.5])
    assert Reasons(facts).of(0) == ()
    assert review_queue(Reasons(facts), np.arange(2)).rows.tolist() == []


def test_a_label_that_the_model_does_not_know_has_the_probability_zero() -> None:
    facts = evidence([2], [[0.6, 0.4]])
    assert kinds(Reasons(facts), 0)["disagreement"] == 0


@settings(deadline=None)
@given(st.data())
def test_the_queue_is_the_brute_force_order_of_the_sums(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 12))
    part = st.sampled_from([0.0, 0.125, 0.25, 0.5, 0.75])
    probabilities = np.array(
        data.draw(st.lists(st.tuples(part, part, part), min_size=count, max_size=count))
    )
    labels = data.draw(st.lists(st.integers(-1, 2), min_size=count, max_size=count))
    typicalities = data.draw(
        st.lists(st.sampled_from([0, 0.01, 0.05, 0.9]), min_size=count, max_size=count)
    )
    row = st.integers(-1, count - 1)
    neighbors = data.draw(st.lists(st.tuples(row, row, row), min_size=count, max_size=count))
    facts = evidence(labels, probabilities, typicalities=typicalities, neighbors=neighbors)
    queue = review_queue(Reasons(facts), np.arange(count))

    def score(row: int) -> float:
        chances, label = probabilities[row].tolist(), labels[row]
        if label == NO_CLASS:
            return 0
        found = 0.0
        if chances.index(max(chances)) != label:
            found += max(chances) - chances[label]
        near = [labels[each] for each in neighbors[row] if each >= 0 and labels[each] != NO_CLASS]
        other = [each for each in near if each != label]
        if 2 * len(other) > len(near):
            found += len(other) / len(near)
        if sum(each >= 0.5 for each in chances) != 1:
            found += WEIGHTS["uncertain"] * (1 - max(chances))
        return found + WEIGHTS["untypical"] * max(0, 1 - typicalities[row] / UNTYPICAL)

    scores = {row: score(row) for row in range(count)}
    expected = sorted((row for row in scores if scores[row] > 1e-9), key=lambda row: -scores[row])
    assert sorted(queue.rows.tolist()) == sorted(expected)
    assert queue.scores == pytest.approx([scores[row] for row in expected])
    assert queue.scores == pytest.approx([scores[row] for row in queue.rows.tolist()])


def test_one_of_three_neighbours_with_another_label_is_no_reason() -> None:
    sure = [[0.9, 0.1, 0.0], [0.1, 0.9, 0.0], [0.9, 0.1, 0.0], [0.9, 0.1, 0.0]]
    facts = evidence([0, 1, 0, 0], sure, neighbors=[(1, 2, 3), NO_LISTS, NO_LISTS, NO_LISTS])
    assert kinds(Reasons(facts), 0) == {}
