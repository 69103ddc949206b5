"""How good an embedding is for finding alike photographs: precision among the nearest."""

import numpy as np
from sklearn.neighbors import NearestNeighbors

from embeddings.runtime import Floats
from training.dataset import Dataset

_NEAREST = 3


def precision_at_3(embeddings: Floats, data: Dataset) -> float:
    """Of the three training photographs nearest to a validation photograph, the share of its class.

    `embeddings` has shape (n, dimension), a row for each photograph. Nobody's photographs stand on
    both sides, so this is what a newcomer's photograph would meet.
    """
    train = np.concatenate([data.parts.fit, data.parts.tuning])
    index = NearestNeighbors(n_neighbors=min(_NEAREST, len(train))).fit(embeddings[train])
    found = index.kneighbors(embeddings[data.parts.validation], return_distance=False)
    alike = data.labels[train][found] == data.labels[data.parts.validation][:, None]
    return float(alike.mean())
