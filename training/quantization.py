"""Post-training quantization of an encoder to 8-bit integers, by NNCF.

The ranges of all layers are measured on training images, so the validation images stay unseen.
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
    """Write the 8-bit version of an OpenVINO model into `folder` and return its path.

    `pixels`, uint8 of shape (n, height, width, 3), are training images; a random part is used.
    """
    # The import takes a second and is rarely needed.
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
        # The error of the embeddings is a third smaller; it takes twice as long, once.
        fast_bias_correction=False,
        # The dense layers are 1 % of the work, and one of them gives the embedding.
        ignored_scope=nncf.IgnoredScope(types=["MatMul"], validate=False),
    )
    with atomic_folder(folder) as draft:
        ov.save_model(smaller, draft / model.name, compress_to_fp16=False)
    return folder / model.name
