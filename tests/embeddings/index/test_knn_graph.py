import numpy as np

from embeddings.index.flat import FlatIndex
from embeddings.index.knn_graph import DEGREE, build_neighbor_graph


def test_the_graph_agrees_with_search() -> None:
    rng = np.random.default_rng(0)
    embeddings = rng.integers(0, 4, (60, 3)).astype(np.float32)
    index = FlatIndex([f"{row:02}" for row in range(60)], embeddings)
    graph = build_neighbor_graph(index)
    for row, embedding in enumerate(embeddings):
        found = index.search(embedding, DEGREE, exclude=row)
        assert graph.of(row).rows.tolist() == found.rows.tolist()
        assert graph.of(row).distances.tolist() == found.distances.tolist()
        assert row not in graph.of(row).rows


def test_a_small_collection_has_fewer_neighbours() -> None:
    index = FlatIndex(["a", "b"], np.eye(2, dtype=np.float32))
    assert build_neighbor_graph(index).rows.tolist() == [[1], [0]]
