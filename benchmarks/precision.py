"""`python -m benchmarks.precision`: the published encoder in f32 and quantized to int8."""

from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.baseline_loop import BaselineLoop
from benchmarks.http import draw_material
from benchmarks.measurements import Figures, Measurement, bench_home, save
from embeddings.arrays import Pixels, Rows
from embeddings.encoded import Encoded
from embeddings.encoder import Encoder
from embeddings.images import read_pixels
from embeddings.release.manifest import Parity
from embeddings.release.parity import ParityError, Reference, check_quality, measure_parity
from embeddings.release.reader import Release, current_release, open_release
from embeddings.settings import PathSettings
from embeddings.store.images import Snapshot
from embeddings.store.split import Split
from embeddings.store.store import Store
from training.quantization import quantize

_ROUNDS = 5
_SECONDS = 2.0
_CALIBRATION_IMAGES = 300


class EncoderCost(Figures):
    """Cost of one encoder."""

    milliseconds: float
    """Median time of decoding and encoding one image on one thread."""
    per_second: float
    """Images per second with a thread for each core."""
    megabytes: float
    """Size of its weights, in 10^6 bytes."""


class PrecisionMeasurement(Measurement):
    """Cost of both encoders, and changes in quality of int8 on the validation images."""

    f32: EncoderCost
    int8: EncoderCost
    accuracy_change: float
    precision_at_3_change: float
    refused: str | None
    """Reason for which publishing rejects int8; None if it accepts it."""


def main() -> None:
    """Measure the release of BELVEDERE_HOME and save the result."""
    home = bench_home()
    save(measure(home), home)


def measure(home: Path) -> PrecisionMeasurement:
    """Quantize the encoder of a release and measure both alternately."""
    release = open_release(current_release(home / "releases"))
    snapshot = Store(PathSettings(home=home).store_uri).at(release.manifest.data.revision)
    exact = Encoder(release.encoder, "f32")
    learned = np.random.default_rng(0).permutation(_rows(release, "train"))[:_CALIBRATION_IMAGES]
    digests = [release.images.digests[row] for row in learned]
    with TemporaryDirectory() as folder:
        model = quantize(release.encoder, _pixels(snapshot, exact, digests), Path(folder) / "int8")
        coarse = Encoder(model, "int8")
        loops = [
            BaselineLoop(each, draw_material(home, release).images) for each in (exact, coarse)
        ]
        f32, int8 = _timed(loops, [release.encoder, model])
        parity = _parity(release, snapshot, exact, coarse)
    return PrecisionMeasurement(
        f32=f32,
        int8=int8,
        accuracy_change=parity.accuracy_change,
        precision_at_3_change=parity.precision_at_3_change,
        refused=_refused(parity),
    )


def _timed(loops: list[BaselineLoop], models: list[Path]) -> list[EncoderCost]:
    rounds = [
        [(loop.milliseconds(_SECONDS), loop.per_second(_SECONDS)) for loop in loops]
        for _ in range(_ROUNDS)
    ]
    return [
        EncoderCost(
            milliseconds=median(each[number][0] for each in rounds),
            per_second=median(each[number][1] for each in rounds),
            megabytes=model.with_suffix(".bin").stat().st_size / 1e6,
        )
        for number, model in enumerate(models)
    ]


def _parity(release: Release, snapshot: Snapshot, exact: Encoder, coarse: Encoder) -> Parity:
    images = release.images.take(_rows(release, "validation"))
    pixels = _pixels(snapshot, exact, images.digests)
    classes = {label: number for number, label in enumerate(release.manifest.classes)}
    labels = [classes[label] for label in images.labels if label is not None]
    results = [Encoded.concatenate(encoder.encode_all(pixels)) for encoder in (exact, coarse)]
    return measure_parity(Reference(tuple(images.ids), results[0]), results[1], np.asarray(labels))


def _refused(parity: Parity) -> str | None:
    try:
        check_quality(parity)
    except ParityError as error:
        return str(error)
    return None


def _rows(release: Release, split: Split) -> Rows:
    return np.flatnonzero(release.images.splits == split)


def _pixels(snapshot: Snapshot, encoder: Encoder, digests: list[str]) -> Pixels:
    jpegs = snapshot.jpegs(digests)
    return np.stack([read_pixels(jpeg, encoder.height, encoder.width) for jpeg in jpegs])


if __name__ == "__main__":
    main()
