"""Small model of the generated collection, without TensorFlow: encoder and its reports.

The encoder averages squares of an image and applies a fixed layer of 256 rectified units, the
embedding; the probabilities come from its distances to the mean embedding of each class.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from benchmarks.growth.scenes import CLASSES, SIZE, draw
from embeddings.arrays import Floats, Pixels
from embeddings.encoded import Encoded
from embeddings.images import read_pixels
from embeddings.release.parity import Reference
from embeddings.release.publish import Candidate
from embeddings.release.reliability import reliability
from embeddings.release.reports import Comparison, ExperimentReport
from embeddings.store.images import Snapshot

DIMENSION = 256

_CELL = 8
_FITTED = 2048
_SEED = 17
_CHECKED = 200
"""Validation images of the parity check."""
_SHARPNESS = 8.0
"""Factor of the squared distances to the prototypes in the logits."""


@dataclass(frozen=True)
class Model:
    """Encoder of the generated collection."""

    mean: Floats
    """Mean of the averaged squares, shape (squares * 3,)."""
    layer: Floats
    """Weights of the units, shape (squares * 3, DIMENSION)."""
    prototypes: Floats
    """Mean embedding of each class, shape (classes, DIMENSION)."""

    @classmethod
    def fitted(cls) -> "Model":
        """Return the model fitted to the first images of the collection."""
        pixels = np.stack([each for _, each in draw(0, _FITTED)])
        averaged = _average(pixels)
        mean = np.asarray(averaged.mean(axis=0), np.float32)
        chance = np.random.default_rng(_SEED)
        inputs = averaged.shape[1]
        layer = chance.standard_normal((inputs, DIMENSION), np.float32) / np.float32(inputs**0.5)
        embeddings = np.maximum((averaged - mean) @ layer, 0)
        labels = np.arange(_FITTED) % len(CLASSES)
        prototypes = [embeddings[labels == number].mean(axis=0) for number in range(len(CLASSES))]
        return cls(mean, layer, np.asarray(prototypes, np.float32))

    def encode(self, pixels: Pixels) -> Encoded:
        """Encode images of shape (n, height, width, 3)."""
        embeddings = np.maximum((_average(pixels) - self.mean) @ self.layer, 0)
        logits = embeddings @ self._weights + self._biases
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return Encoded(embeddings, powers / powers.sum(axis=1, keepdims=True))

    def save(self, path: Path) -> None:
        """Write an OpenVINO model with the outputs `embedding` and `probabilities`."""
        image = ops.parameter([-1, *SIZE, 3], ov.Type.u8)
        planar = ops.transpose(ops.convert(image, "f32"), np.array([0, 3, 1, 2]))
        sides = [_CELL, _CELL]
        averaged = ops.avg_pool(planar, sides, [0, 0], [0, 0], sides, exclude_pad=False)
        flat = ops.reshape(
            ops.transpose(averaged, np.array([0, 2, 3, 1])), np.array([0, -1]), special_zero=True
        )
        centred = ops.subtract(ops.divide(flat, np.float32(255)), self.mean[np.newaxis])
        embedding = ops.relu(ops.matmul(centred, self.layer, False, False))
        logits = ops.add(
            ops.matmul(embedding, self._weights, False, False), self._biases[np.newaxis]
        )
        model = ov.Model([embedding, ops.softmax(logits, 1)], [image], "growth")
        # OpenVINO gives each model of a process other names, but the fingerprint covers them.
        for number, operation in enumerate(model.get_ordered_ops()):
            operation.set_friendly_name(f"operation_{number}")
        for port, name in zip(
            (*model.inputs, *model.outputs), ("image", "embedding", "probabilities"), strict=True
        ):
            port.tensor.set_names({name})
        ov.save_model(model, path, compress_to_fp16=False)

    @property
    def _weights(self) -> Floats:
        return np.asarray(2 * _SHARPNESS * self.prototypes.T, np.float32)

    @property
    def _biases(self) -> Floats:
        return np.asarray(-_SHARPNESS * (self.prototypes**2).sum(axis=1), np.float32)


def make_candidate(snapshot: Snapshot, tag: str, folder: Path) -> Candidate:
    """Return the model as a candidate for publishing; its files are written to `folder`."""
    model = Model.fitted()
    model.save(folder / "encoder.xml")
    images = snapshot.images
    validation = images.splits == "validation"
    checked = images.take(np.flatnonzero(validation)[:_CHECKED])
    pixels = [read_pixels(jpeg, *SIZE) for jpeg in snapshot.jpegs(checked.digests)]
    encoded = model.encode(np.stack(pixels))
    labels = np.array([CLASSES.index(label or "") for label in checked.labels])
    correct = encoded.probabilities.argmax(axis=1) == labels
    report = ExperimentReport(
        name="growth",
        family="own network",
        base=None,
        change="Averages of squares and one fixed layer.",
        status="done",
        accuracy=float(correct.mean()),
        tuning_accuracy=float(correct.mean()),
        parameters=model.layer.size,
        input=SIZE,
        classes=CLASSES,
    )
    return Candidate(
        model=folder / "encoder.xml",
        comparison=Comparison(
            preset="growth",
            classes=CLASSES,
            train=int((images.splits == "train").sum()),
            tuning=int(images.tuning.sum()),
            validation=int(validation.sum()),
            best=report.name,
            experiments=(report,),
        ),
        reference=Reference(tuple(checked.ids), encoded),
        temperature=1.0,
        uncalibrated=reliability(encoded.probabilities, labels),
        training_version=tag,
        label_issues=(),
        explain=explain,
    )


def explain(ids: Sequence[str], predicted: Sequence[str]) -> Floats:
    """Return even heat maps of shape (n, rows, columns)."""
    rows, columns = (side // _CELL for side in SIZE)
    return np.full((len(ids), rows, columns), 0.5, np.float32)


def _average(pixels: Pixels) -> Floats:
    """Return mean colours of squares, 0-1, of shape (n, squares * 3)."""
    count, height, width, _ = pixels.shape
    squares = pixels.reshape(count, height // _CELL, _CELL, width // _CELL, _CELL, 3)
    means = squares.mean(axis=(2, 4), dtype=np.float64).reshape(count, -1) / 255
    return np.asarray(means, np.float32)
