"""Layer outputs and inference cost of a trained model, computed with OpenVINO."""

from pathlib import Path
from statistics import median
from time import perf_counter

import keras
import numpy as np

from embeddings.arrays import Pixels
from embeddings.release.reports import Cost
from embeddings.runtime import CompiledModel
from training.models.conversion import write_inference_model
from training.models.heads import EMBEDDING, POOLED
from training.runs import INFERENCE_MODEL
from training.trainers.context import LayerOutputs

_REPETITIONS = 60
_IMAGES = 192


def export_inference_model(network: keras.Model, folder: Path) -> Path:
    """Export a model with pooled features, embedding and probabilities as outputs."""
    layers = [network.get_layer(name).output for name in (POOLED, EMBEDDING)]
    path = folder / INFERENCE_MODEL
    write_inference_model(keras.Model(network.input, [*layers, network.output]), path)
    return path


def layer_outputs(model: Path, pixels: Pixels) -> LayerOutputs:
    """Return the layer outputs for uint8 pixels of shape (n, height, width, 3)."""
    outputs = list(CompiledModel(model).infer_all(pixels))
    pooled, embedding, _ = (np.concatenate(parts) for parts in zip(*outputs, strict=True))
    return LayerOutputs(pooled, embedding)


def measure_cost(model: Path) -> Cost:
    """Measure the latency of single images and the throughput of batches, on random pixels."""
    compiled = CompiledModel(model)
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (_IMAGES, *compiled.size, 3), dtype=np.uint8)
    times = []
    for number in range(_REPETITIONS):
        row = number % len(pixels)
        start = perf_counter()
        compiled.infer(pixels[row : row + 1])
        times.append(perf_counter() - start)
    start = perf_counter()
    for _ in compiled.infer_all(pixels):
        pass
    rate = len(pixels) / (perf_counter() - start)
    return Cost(latency_ms=1000 * median(times), images_per_second=rate)
