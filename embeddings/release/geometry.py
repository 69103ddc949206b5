"""Geometry of a release: neighbours, distances to training images and places on the map.

Rows that the previous release of the same encoder contains with the same embedding are reused.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from embeddings.arrays import Doubles, Floats, Mask, Points, Rows
from embeddings.index.blocks import BlockSearch
from embeddings.index.knn_graph import (
    NeighborGraph,
    build_neighbor_graph,
    match_rows,
    update_neighbor_graph,
)
from embeddings.release.training_distances import (
    TrainingDistances,
    distances_to_training,
    update_distances_to_training,
)
from embeddings.tsne import fit_map


@dataclass(frozen=True)
class Geometry:
    """Results of comparing n embeddings with each other."""

    ids: Sequence[str]
    embeddings: Floats
    """Shape (n, dimension)."""
    learned: Mask
    """Shape (n,): true for the images that the model learned from."""
    training_distances: Doubles
    """Shape (n,): distance to the tenth nearest learned image."""
    graph: NeighborGraph
    points: Points
    """Shape (n, 2): coordinates on the t-SNE map."""
    map_seed: int


def measure_geometry(
    ids: Sequence[str],
    embeddings: Floats,
    learned: Mask,
    map_seed: int,
    previous: Geometry | None = None,
    training_distances: Doubles | None = None,
) -> Geometry:
    """Return the geometry of n images, given that of a previous release.

    `training_distances` are not computed if they are known.
    """
    search = BlockSearch(ids, embeddings)
    origin = np.full(len(search), -1)
    if previous is not None:
        origin = match_rows(ids, embeddings, previous.ids, previous.embeddings)
    if training_distances is None:
        training_distances = _training_distances(search, learned, previous, origin)
    return Geometry(
        ids=ids,
        embeddings=embeddings,
        learned=learned,
        training_distances=training_distances,
        graph=_graph(search, previous, origin),
        points=fit_map(embeddings, map_seed, known=_known_points(previous, map_seed, origin)),
        map_seed=map_seed,
    )


def _training_distances(
    search: BlockSearch, learned: Mask, previous: Geometry | None, origin: Rows
) -> Doubles:
    if previous is None:
        return distances_to_training(search, learned)
    known = TrainingDistances(previous.training_distances, previous.learned, previous.embeddings)
    return update_distances_to_training(search, learned, known, origin)


def _graph(search: BlockSearch, previous: Geometry | None, origin: Rows) -> NeighborGraph:
    if previous is None:
        return build_neighbor_graph(search)
    return update_neighbor_graph(search, previous.graph, origin)


def _known_points(previous: Geometry | None, map_seed: int, origin: Rows) -> Points | None:
    """Return the previous places, NaN for new embeddings; None if the map has another seed."""
    if previous is None or previous.map_seed != map_seed:
        return None
    return np.where(origin[:, np.newaxis] < 0, np.nan, previous.points[origin])
