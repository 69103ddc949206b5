"""Conversion of networks to OpenVINO; run as a module, it converts a `.keras` file."""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import keras

_ROOT = Path(__file__).parents[2]


def write_inference_model(network: keras.Model, path: Path) -> None:
    """Convert a network to an OpenVINO model: the file `path` (`.xml`) and a `.bin` file beside it.

    OpenVINO converts graphs of TensorFlow, but not those of current versions of JAX. A process has
    one backend, so networks of other backends are converted by another process. Raises
    `CalledProcessError` if that fails.
    """
    if keras.backend.backend() == "tensorflow":
        network.export(str(path), format="openvino", verbose=False)
        return
    with TemporaryDirectory() as folder:
        saved = Path(folder) / "network.keras"
        network.save(saved)
        subprocess.run(
            [sys.executable, "-m", __name__, saved, path.resolve()],
            cwd=_ROOT,
            env={**os.environ, "KERAS_BACKEND": "tensorflow"},
            check=True,
        )


def main(saved: str, path: str) -> None:
    """Convert a `.keras` file to an OpenVINO model."""
    write_inference_model(keras.models.load_model(saved, compile=False), Path(path))


if __name__ == "__main__":
    main(*sys.argv[1:])
