"""Queries from examples and counter-examples."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from embeddings.example_query import query_of_examples

NONE = np.empty((0, 4), np.float32)
SOME = arrays(
    np.float32, st.tuples(st.integers(1, 5), st.just(4)), elements=st.floats(-9, 9, width=32)
)


def test_the_query_of_one_example_is_its_embedding() -> None:
    one = np.array([[0.1, -2.0, 3.3, 0.0]], np.float32)
    assert query_of_examples(one, NONE).tolist() == one[0].tolist()


@given(SOME, SOME, st.randoms())
def test_the_order_of_examples_has_no_effect(like, unlike, random) -> None:
    orders = [random.sample(range(len(each)), len(each)) for each in (like, unlike)]
    again = query_of_examples(like[orders[0]], unlike[orders[1]])
    assert again.tolist() == query_of_examples(like, unlike).tolist()


@given(SOME, SOME)
def test_a_counter_example_moves_the_query_straight_away(like, unlike) -> None:
    mean = like.mean(axis=0, dtype=np.float64)
    away = mean - unlike.mean(axis=0, dtype=np.float64)
    moved = query_of_examples(like, unlike) - mean
    assert moved == pytest.approx(0.5 * away, abs=1e-4)
