"""Quantization after training: the encoder in 8-bit integers, which processors compute faster.

Method: NNCF's post-training quantization; the ranges of all layers are measured on photographs that
the network learned from, so the validation set stays unseen.
"""

import logging
from pathlib import Path

import numpy as np
import openvino as ov

from embeddings.arrays import Pixels
from embeddings.atomic import atomic_folder

_IMAGES = 300
_SEED = 0


def quantize(model: Path, pixels: Pixels, folder: Path) -> Path:
    """Write an OpenVINO model in 8 bits into `folder` and return its path.

    `pixels`, uint8 of shape (n, height, width, 3), are training photographs; some of them are used.
    """
    # A second to import, for a precision that is rarely asked for.
    import nncf

    logging.getLogger("nncf").setLevel(logging.ERROR)
    network = ov.Core().read_model(model)
    network.reshape([1, *pixels.shape[1:]])
    rng = np.random.default_rng(_SEED)
    rows = rng.choice(len(pixels), min(_IMAGES, len(pixels)), replace=False)
    smaller = nncf.quantize(
        network,
        nncf.Dataset([pixels[row : row + 1] for row in rows]),
        subset_size=len(rows),
        # Embeddings come closer to the network's by a third; it takes twice as long, once.
        fast_bias_correction=False,
        # The dense layers are a hundredth of the work, and the embedding is one of them.
        ignored_scope=nncf.IgnoredScope(types=["MatMul"], validate=False),
    )
    with atomic_folder(folder) as draft:
        ov.save_model(smaller, draft / model.name, compress_to_fp16=False)
    return folder / model.name
