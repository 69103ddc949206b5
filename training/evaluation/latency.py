"""Looking into a trained network with the runtime that serves: its layers, and what it costs."""

from pathlib import Path
from statistics import median
from time import perf_counter

import keras
import numpy as np

from embeddings.arrays import Pixels
from embeddings.release.reports import Cost
from embeddings.runtime import CompiledNetwork
from training.models.networks import EMBEDDING, POOLED
from training.runs import PROBE
from training.trainers.context import Layers

_REPETITIONS = 60
_IMAGES = 192


def export_probe(network: keras.Model, folder: Path) -> Path:
    """Export a network with its pooled features, embedding and probabilities as outputs."""
    layers = [network.get_layer(name).output for name in (POOLED, EMBEDDING)]
    path = folder / PROBE
    keras.Model(network.input, [*layers, network.output]).export(
        str(path), format="openvino", verbose=False
    )
    return path


def look(probe: Path, pixels: Pixels) -> Layers:
    """Run a probe over pixels of shape (n, height, width, 3)."""
    found = list(CompiledNetwork(probe).infer_all(pixels))
    pooled, embedding, _ = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return Layers(pooled, embedding)


def measure_cost(probe: Path) -> Cost:
    """Time the network on random pixels: one after the other, then many at once."""
    compiled = CompiledNetwork(probe)
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
