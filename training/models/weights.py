"""Pretrained weight files in the folder of `BELVEDERE_WEIGHTS`."""

import json
import zipfile
from functools import lru_cache
from pathlib import Path

from embeddings.digests import file_digest
from embeddings.images import Size

_AXES = 4

WEIGHT_FILES: dict[str, tuple[str, ...]] = {
    "MobileNetV2": (
        "mobilenet_v2_1.0_224_no_top.weights.h5",
        "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
    ),
    "EfficientNetV2B0": ("efficientnetv2-b0_notop.h5",),
    "ConvNeXtTiny": ("convnext_tiny_notop.h5",),
}
"""File names of weights of `keras.applications`; other backbones are `<backbone>.keras`."""


def local_weights(backbone: str, folder: Path | None) -> Path | None:
    """Return the path of a backbone's weights in a folder; None if there are none."""
    if folder is None:
        return None
    names = WEIGHT_FILES.get(backbone, (f"{backbone}.keras",))
    return next((folder / name for name in names if (folder / name).is_file()), None)


def weights_digest(backbone: str, folder: Path | None) -> str:
    """Return the identity of a backbone's weights: the SHA-256 of the local file.

    Weights that Keras would download are identified by their published name.
    """
    path = local_weights(backbone, folder)
    if path is None:
        return f"keras.applications.{backbone}" if backbone in WEIGHT_FILES else "missing"
    status = path.stat()
    return _digest(path, status.st_size, status.st_mtime_ns)


@lru_cache
def _digest(path: Path, _size: int, _changed: int) -> str:
    """Return the digest of a file, cached by size and modification time."""
    return file_digest(path)


def local_networks(folder: Path | None) -> dict[str, Size | None]:
    """Return the networks in a folder: input size by name of the `.keras` file, None if variable.

    Files that are not Keras networks are ignored.
    """
    paths = [] if folder is None else sorted(folder.glob("*.keras"))
    found = ((path.stem, _input_shape(path)) for path in paths)
    return {
        name: None if None in shape[1:3] else (int(shape[1]), int(shape[2]))
        for name, shape in found
        if shape is not None and len(shape) == _AXES
    }


def _input_shape(path: Path) -> list[int] | None:
    """Return the input shape from the network's configuration, without loading the network."""
    try:
        with zipfile.ZipFile(path) as archive:
            description = json.loads(archive.read("config.json"))
        shape: list[int] = description["config"]["layers"][0]["config"]["batch_shape"]
    except (OSError, KeyError, IndexError, TypeError, ValueError, zipfile.BadZipFile):
        return None
    return shape
