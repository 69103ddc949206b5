import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings.index.blocks import BlockSearch
from embeddings.index.flat import FlatIndex
from embeddings.index.knn_graph import match_rows
from embeddings.recognition import distance_to_training
from embeddings.release.training_distances import (
    TrainingDistances,
    distances_to_training,
    update_distances_to_training,
)

State = dict[str, tuple[list[float], bool]]

# Few distinct values make ties and duplicates common.
names = st.integers(0, 60).map(str)
images = st.tuples(
    st.lists(st.sampled_from([-2.0, 0.0, 0.1, 1.0, 3.0]), min_size=2, max_size=2), st.booleans()
)
states = st.dictionaries(names, images, min_size=1, max_size=40)
edits = st.lists(
    st.tuples(st.sets(names, max_size=8), st.dictionaries(names, images, min_size=1, max_size=6)),
    min_size=1,
    max_size=4,
)
"""Ids to delete, and images to add or replace, of each step."""


def columns(state: State) -> tuple[list[str], np.ndarray, np.ndarray]:
    ids = sorted(state)
    embeddings = np.array([state[identifier][0] for identifier in ids], np.float32)
    return ids, embeddings, np.array([state[identifier][1] for identifier in ids])


@settings(max_examples=150, deadline=None)
@given(states)
def test_all_distances_agree_with_those_of_single_images(state: State) -> None:
    ids, embeddings, training = columns(state)
    index = FlatIndex(embeddings)
    expected = [
        distance_to_training(index, training, embedding, exclude=row)
        for row, embedding in enumerate(embeddings)
    ]
    assert distances_to_training(BlockSearch(ids, embeddings), training).tolist() == expected


@settings(max_examples=300, deadline=None)
@given(states, edits)
def test_updates_agree_with_new_distances(
    state: State, steps: list[tuple[set[str], State]]
) -> None:
    previous_ids, embeddings, training = columns(state)
    distances = distances_to_training(BlockSearch(previous_ids, embeddings), training)
    for deleted, added in steps:
        previous = TrainingDistances(distances, training, embeddings)
        state = {name: each for name, each in state.items() if name not in deleted} | added
        ids, embeddings, training = columns(state)
        search = BlockSearch(ids, embeddings)
        origin = match_rows(ids, embeddings, previous_ids, previous.embeddings)
        distances = update_distances_to_training(search, training, previous, origin)
        assert distances.tolist() == distances_to_training(search, training).tolist()
        previous_ids = ids


def test_distances_of_a_large_collection_are_approximate() -> None:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(40, 16))
    drawn = centres[rng.integers(0, 40, 6000)] + 0.4 * rng.normal(size=(6000, 16))
    search = BlockSearch([f"{row:04}" for row in range(6000)], drawn.astype(np.float32))
    training = rng.random(6000) < 0.1
    exact = distances_to_training(search, training)
    found = distances_to_training(search, training, most_exact=1000)
    assert (found >= exact).all()
    assert np.mean(found == exact) > 0.9
    assert (distances_to_training(search, np.zeros(6000, np.bool_), 1000) == np.inf).all()
