"""Pretrained weight files: under which names they are looked for in `BELVEDERE_WEIGHTS`."""

from pathlib import Path

WEIGHT_FILES: dict[str, tuple[str, ...]] = {
    "MobileNetV2": (
        "mobilenet_v2_1.0_224_no_top.weights.h5",
        "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
    ),
}


def local_weights(backbone: str, folder: Path | None) -> Path | None:
    """The weights of a backbone in a folder, where they are there."""
    names = WEIGHT_FILES[backbone] if folder is not None else ()
    candidates = [folder / name for name in names if folder is not None]
    return next((path for path in candidates if path.is_file()), None)
