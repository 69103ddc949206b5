"""Principal components of embeddings: a short vector for each row.

The axes are orthonormal, so two rows are at least as far apart as their components.
"""

import numpy as np

from embeddings.arrays import Floats

SAMPLE = 10_000
"""Number of rows that is enough to compute axes."""


def principal_axes(sample: Floats, most: int) -> Floats:
    """Return at most `most` axes of largest variance as columns, shape (dimension, axes).

    `sample` has shape (n, dimension).
    """
    centred = sample - sample.mean(axis=0)
    # NumPy computes the axes, because FAISS does not end in this step if OMP_THREAD_LIMIT is below
    # the number of CPUs.
    axes = np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, :most]
    return np.ascontiguousarray(axes)


def project(embeddings: Floats, axes: Floats) -> Floats:
    """Return the components of embeddings on the axes, shape (n, axes).

    The mean is not subtracted, which has no effect on distances.
    """
    return np.ascontiguousarray(embeddings @ axes, np.float32)
