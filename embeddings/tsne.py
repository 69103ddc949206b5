"""The t-SNE map of the embeddings: fitted once, and new photographs placed on it.

Method: van der Maaten & Hinton 2008, in openTSNE's implementation (Poličar et al. 2024); placing a
photograph follows Poličar et al. 2021, "Embedding to reference t-SNE space".
"""

import numpy as np
import numpy.typing as npt

from embeddings.index import FlatIndex
from embeddings.runtime import Floats

Points = npt.NDArray[np.float64]

_PERPLEXITY = 30.0
_PLACING_PERPLEXITY = 5.0
_PLACING_STEPS = 100


def fit_map(embeddings: Floats, seed: int = 0, threads: int = -1) -> Points:
    """Fit a two-dimensional map of shape (n, 2) to embeddings of shape (n, dimension).

    Fewer than four photographs have no neighbourhoods to show and are laid in a row.
    """
    # openTSNE brings scikit-learn along; a service that fits no map need not load it.
    from openTSNE import TSNE

    count = len(embeddings)
    if count < 4:
        return np.column_stack([np.arange(count), np.zeros(count)]).astype(np.float64)
    tsne = TSNE(
        perplexity=min(_PERPLEXITY, (count - 1) / 3),
        neighbors="exact",
        negative_gradient_method="bh",
        random_state=seed,
        n_jobs=threads,
    )
    return np.asarray(tsne.fit(np.asarray(embeddings, dtype=np.float64)), dtype=np.float64)


def place(index: FlatIndex, points: Points, embedding: Floats) -> tuple[float, float]:
    """Place one embedding of shape (dimension,) on the map `points` of shape (n, 2).

    It starts amid its nearest photographs and moves as t-SNE moves it, while they stay.
    """
    from openTSNE import PartialTSNEEmbedding, TSNEEmbedding, initialization
    from openTSNE.affinity import PrecomputedAffinities, joint_probabilities_nn
    from scipy.sparse import csr_matrix

    count = len(index)
    perplexity = min(_PLACING_PERPLEXITY, count / 3)
    near = index.search(embedding, k=max(1, int(3 * perplexity)))
    start = initialization.median(points, near.rows[None])
    if count < 4:
        return float(start[0, 0]), float(start[0, 1])
    affinities = joint_probabilities_nn(
        near.rows[None],
        near.distances[None],
        [perplexity],
        symmetrize=False,
        normalization="point-wise",
        n_reference_samples=count,
    )
    # The photographs on the map stay, so no affinities among them are needed.
    none = PrecomputedAffinities(csr_matrix((count, count)), normalize=False)
    fitted = TSNEEmbedding(points, none, negative_gradient_method="bh")
    placed = PartialTSNEEmbedding(start, fitted, P=affinities, negative_gradient_method="bh")
    placed.optimize(
        n_iter=_PLACING_STEPS,
        learning_rate=0.1,
        exaggeration=1.5,
        momentum=0.8,
        max_grad_norm=0.25,
        inplace=True,
        n_jobs=1,
    )
    return float(placed[0, 0]), float(placed[0, 1])
