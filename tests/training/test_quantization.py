from dataclasses import replace
from pathlib import Path

import numpy as np

from embeddings.encoded import Encoded
from embeddings.encoder import Encoder
from embeddings.images import read_pixels
from embeddings.release.parity import Reference
from embeddings.release.publish import publish
from embeddings.release.reader import current_release, open_release
from training.evaluation.comparison import compare
from training.export import export
from training.quantization import quantize
from training.workspace import Workspace


def test_a_quantized_encoder_is_small_predicts_the_same_and_can_be_published(
    workspace: Workspace, tmp_path: Path
) -> None:
    dataset = workspace.dataset()
    comparison = compare(workspace)
    best = next(t for t in workspace.trials() if t.experiment.name == comparison.best)
    run = workspace.run(best)
    assert run is not None
    candidate = export(run, dataset, workspace.store, comparison, (), None)
    exact = Encoder(candidate.model)
    pixels = dataset.pixels((exact.height, exact.width))
    model = quantize(candidate.model, pixels[dataset.indices.fit], tmp_path / "quantized")

    sizes = [each.with_suffix(".bin").stat().st_size for each in (model, candidate.model)]
    assert sizes[0] < 0.6 * sizes[1]
    outputs = [
        Encoded.concatenate(encoder.encode_all(pixels))
        for encoder in (Encoder(model, "int8"), exact)
    ]
    classes = [each.probabilities.argmax(axis=1) for each in outputs]
    assert np.mean(classes[0] == classes[1]) > 0.9

    ids = tuple(image.id for image in dataset.images)
    quantized = replace(candidate, model=model, reference=Reference(ids, outputs[0]))
    publish(quantized, workspace.store, tmp_path / "releases", precision="int8")
    release = open_release(current_release(tmp_path / "releases"))
    assert release.manifest.encoder.precision == "int8"
    snapshot = workspace.store.at()
    jpeg = snapshot.jpeg(snapshot.images.digests[0])
    served = Encoder(release.encoder, "int8")
    again = served.encode(read_pixels(jpeg, served.height, served.width)[None])
    assert np.allclose(again.probabilities[0], release.probabilities[0], atol=1e-4)
