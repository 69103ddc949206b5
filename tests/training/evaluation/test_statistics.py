import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.statistics import (
    bootstrap_interval,
    crossed_interval,
    holm,
    mcnemar,
    sign_flip_test,
)


def test_the_interval_of_independent_images_is_binomial() -> None:
    correct = np.arange(400) % 5 != 0
    low, high = bootstrap_interval(correct.astype(float), range(400))
    reach = 1.96 * np.sqrt(0.8 * 0.2 / 400)
    assert low == pytest.approx(0.8 - reach, abs=0.006)
    assert high == pytest.approx(0.8 + reach, abs=0.006)


def test_few_photographers_widen_the_interval() -> None:
    correct = (np.arange(400) // 20 % 5 != 0).astype(float)
    alone = bootstrap_interval(correct, range(400))
    together = bootstrap_interval(correct, [number // 20 for number in range(400)])
    assert together[1] - together[0] > 3 * (alone[1] - alone[0])


def test_the_interval_is_deterministic() -> None:
    correct = np.array([1.0, 0.0, 1.0, 1.0])
    assert bootstrap_interval(correct, [0, 1, 2, 2]) == bootstrap_interval(correct, [5, 6, 7, 7])


def test_only_images_that_one_model_classifies_correctly_count() -> None:
    first = np.array([True] * 50 + [True] * 10 + [False] * 2 + [False] * 30)
    second = np.array([True] * 50 + [False] * 10 + [True] * 2 + [False] * 30)
    # Two-sided binomial tail of 2 in 12.
    assert mcnemar(first, second) == pytest.approx(2 * (1 + 12 + 66) / 4096)
    assert mcnemar(second, first) == mcnemar(first, second)
    assert mcnemar(first, first) == 1.0


def test_holm_gives_the_textbook_values() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_the_correction_is_at_most_bonferroni_and_keeps_the_order(values) -> None:
    adjusted = holm(values)
    for before, after in zip(values, adjusted, strict=True):
        assert before <= after <= min(1.0, len(values) * before) + 1e-12
    order = sorted(range(len(values)), key=lambda number: values[number])
    assert [adjusted[number] for number in order] == sorted(adjusted)


def test_the_interval_of_a_single_group_is_everything() -> None:
    assert bootstrap_interval(np.ones(12), [7] * 12) == (0.0, 1.0)


def test_the_crossed_interval_of_one_repeat_is_that_of_the_groups() -> None:
    correct = (np.arange(400) // 20 % 5 != 0).astype(float)
    groups = [number // 20 for number in range(400)]
    alone = bootstrap_interval(correct, groups)
    assert crossed_interval(correct[np.newaxis], groups) == pytest.approx(alone, abs=0.015)


def test_repeats_that_differ_widen_the_crossed_interval() -> None:
    equal = np.tile(np.arange(400) % 2, (4, 1)).astype(float)
    different = np.stack([np.arange(400) % 2 < share for share in (0, 1, 1, 2)]).astype(float)
    narrow, wide = (crossed_interval(each, range(400)) for each in (equal, different))
    assert wide[1] - wide[0] > 2 * (narrow[1] - narrow[0])


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=9))
def test_the_sign_flip_test_approximates_the_exact_one(values) -> None:
    differences = np.array(values, float)
    signs = np.array(list(itertools.product((-1, 1), repeat=len(values))))
    exact = np.mean(np.abs(signs @ differences) >= abs(differences.sum()) - 1e-9)
    found = sign_flip_test(differences, range(len(values)))
    assert found == pytest.approx(exact, abs=0.025)


def test_the_images_of_a_group_are_one_observation() -> None:
    differences = np.ones(40)
    assert sign_flip_test(differences, range(40)) < 0.001
    assert sign_flip_test(differences, [0] * 20 + [1] * 20) == pytest.approx(0.5, abs=0.025)
