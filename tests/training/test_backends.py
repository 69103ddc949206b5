"""Training works on every installed backend of Keras."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

# Each in its own process, because the backend is chosen before Keras is imported.
ONE_EPOCH = """
import keras, numpy as np
from training.experiments.config import FineTuning
from training.trainers.fit import Examples, TrainConfig, fit, one_hot, predict
from training.models.networks import NETWORKS, Regularisation
from training.models.augmentation import augmented
from training.trainers.fine_tuning import freeze

rng = np.random.default_rng(0)
pixels = rng.integers(0, 256, (24, 32, 48, 3), dtype=np.uint8)
examples = Examples(pixels, one_hot(np.arange(24) % 3, 3))
for name, build in NETWORKS.items():
    network = build((32, 48), 3, Regularisation(0.5, 0.1, True))
    names = ("flip", "shift", "zoom", "jitter", "erasing") if name == "convnet" else ()
    shown = augmented(network, names, 0)
    config = TrainConfig(
        1, 8, 1e-3, warm_up=0, weight_decay=0.01, label_smoothing=0.1, averaging=0.9,
        class_weights=True, mixing=("mixup", "cutmix"),
        multiplier=freeze([network], FineTuning("", "", first_rate=0.5)),
    )
    curves = fit(shown, examples, examples, config, lambda end: None)
    # TensorFlow on the CPU and PyTorch compile no step.
    assert shown.jit_compile == (keras.backend.backend() == "jax")
    assert np.isfinite(curves.loss).all() and np.isfinite(curves.tuning_loss).all()
    assert np.allclose(predict(network, pixels).sum(axis=1), 1, atol=1e-4)
print(keras.backend.backend())
"""

CONVERSION = """
import keras, numpy as np
from pathlib import Path
from tempfile import TemporaryDirectory
from embeddings.runtime import CompiledModel
from training.models.conversion import write_inference_model
from training.models.heads import encoder_of
from training.models.networks import NETWORKS, Regularisation
from training.trainers.fit import predict

network = NETWORKS["residual"]((32, 48), 3, Regularisation(0.5, 0.1, True))
pixels = np.random.default_rng(0).integers(0, 256, (4, 32, 48, 3), dtype=np.uint8)
with TemporaryDirectory() as folder:
    path = Path(folder) / "model.xml"
    write_inference_model(encoder_of(network), path)
    outputs = [np.concatenate(each) for each in zip(*CompiledModel(path).infer_all(pixels))]
assert [each.shape for each in outputs] == [(4, 128), (4, 3)]
assert np.allclose(outputs[1], predict(network, pixels), atol=1e-5)
print(keras.backend.backend())
"""


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_one_epoch_with_every_technique(backend: str) -> None:
    _run(ONE_EPOCH, backend)


# The backend "openvino" infers only, but is installed with the runtime.
@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch", "openvino"])
def test_the_inference_model_agrees_with_the_network(backend: str) -> None:
    _run(CONVERSION, backend)


def _run(program: str, backend: str) -> None:
    if find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    ended = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split() == [backend]
