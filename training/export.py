"""Export: a trained Keras network becomes the encoder that is served."""

from pathlib import Path
from tempfile import TemporaryDirectory

import keras

from embeddings.comparison import Comparison
from embeddings.encoder import Encoded
from embeddings.parity import Reference
from embeddings.publishing import Candidate, publish
from embeddings.release import read_manifest
from training.dataset import Dataset
from training.networks import encoder_of
from training.runs import Run
from training.stages import Stage, compare

_MODEL = "encoder.xml"
_BATCH = 64


def publish_best(stage: Stage) -> Path:
    """Publish the best network of the preset; return the folder of the release."""
    settings, display = stage.settings, stage.display
    dataset = stage.dataset()
    comparison = compare(stage)
    best = next(
        experiment for experiment in stage.preset.experiments if experiment.name == comparison.best
    )
    run = stage.runs.find(best.name, stage.key(best, dataset))
    assert run is not None, "the comparison is made of the runs that are found"
    display.say(f"Publishing {best.name}")
    candidate = export(run, dataset, comparison)
    folder = publish(candidate, settings.store_uri, settings.releases, track=display.track)
    display.say(f"Published {read_manifest(folder).fingerprint} in {folder}")
    return folder


def export(run: Run, dataset: Dataset, comparison: Comparison) -> Candidate:
    """Export a run's network and let Keras say what the encoder must say, too."""
    network = encoder_of(keras.saving.load_model(run.network))
    if not run.encoder.is_dir():
        _export(network, run.encoder)
    return Candidate(run.encoder / _MODEL, comparison, _reference(network, dataset))


def _export(network: keras.Model, folder: Path) -> None:
    with TemporaryDirectory(prefix=".exporting-", dir=folder.parent) as temporary:
        draft = Path(temporary) / folder.name
        draft.mkdir()
        network.export(str(draft / _MODEL), format="openvino", verbose=False)
        draft.rename(folder)


def _reference(network: keras.Model, dataset: Dataset) -> Reference:
    rows = dataset.parts.validation
    pixels = dataset.pixels(network.input_shape[1:3])[rows]
    embeddings, probabilities = network.predict(pixels, batch_size=_BATCH, verbose=0)
    ids = tuple(dataset.photographs[row].id for row in rows)
    return Reference(ids, Encoded(embeddings, probabilities))
