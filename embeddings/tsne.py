"""The t-SNE map of the embeddings.

Method: van der Maaten & Hinton 2008, in openTSNE's implementation (Poličar et al. 2024).
"""

import numpy as np
import numpy.typing as npt

from embeddings.runtime import Floats

Points = npt.NDArray[np.float64]

_PERPLEXITY = 30.0


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
