"""Types of NumPy arrays; importing them loads neither OpenVINO nor FAISS."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
"""Embeddings, probabilities, heat maps."""

Doubles = npt.NDArray[np.float64]
"""Distances."""

Points = npt.NDArray[np.float64]
"""Shape (n, 2): coordinates on the t-SNE map."""

Pixels = npt.NDArray[np.uint8]
"""RGB, channels last."""

Rows = npt.NDArray[np.int64]
"""Row numbers."""

Labels = npt.NDArray[np.int64]
"""Class numbers."""

Mask = npt.NDArray[np.bool_]
"""True for the rows to consider."""
