"""Export of a trained Keras model as a calibrated OpenVINO encoder."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from embeddings.arrays import Floats, Labels
from embeddings.atomic import atomic_folder
from embeddings.encoded import Encoded
from embeddings.images import read_pixels
from embeddings.ray_cluster import Cluster
from embeddings.release.parity import Reference
from embeddings.release.publish import Candidate, Explain, publish
from embeddings.release.reader import LabelIssue, read_manifest
from embeddings.release.reliability import reliability
from embeddings.release.reports import Comparison
from embeddings.runtime import CompiledModel, Precision
from embeddings.store.store import Store
from training.checksums import damaged_file, write_checksums
from training.data.dataset import Dataset
from training.digests import Warn
from training.evaluation.calibration import calibrate, scale, temperature_of
from training.evaluation.comparison import best_trial, compare
from training.evaluation.grad_cam import grad_cam
from training.evaluation.label_issues import find_label_issues
from training.evaluation.label_loop import stored_label_loop
from training.evaluation.neighbor_stages import compare_neighbors
from training.evaluation.robustness import stored_robustness
from training.models.conversion import write_inference_model
from training.models.heads import encoder_of
from training.quantization import quantize
from training.runner import out_of_fold_predictions
from training.runs import Run
from training.workspace import Workspace, training_tag

_MODEL = "encoder.xml"
_BATCH = 64


def publish_best(
    workspace: Workspace, precision: Precision = "f32", cluster: Cluster | None = None
) -> Path:
    """Publish the best model of the preset and return the folder of the release.

    With `cluster`, its nodes compute the features.
    """
    settings, display = workspace.settings, workspace.display
    dataset, comparison = workspace.dataset(), compare(workspace)
    best = best_trial(workspace)
    run = workspace.run(best)
    assert run is not None, "the comparison contains only experiments with a run"
    display.info(f"Publishing {comparison.best}")
    # A store that was filled again has the same dataset version, but not its tag.
    workspace.tag_dataset()
    issues = find_label_issues(workspace, run)
    out_of_fold = out_of_fold_predictions(workspace, best)
    candidate = export(run, dataset, workspace.store, comparison, issues, out_of_fold)
    candidate = replace(
        candidate,
        label_loop=stored_label_loop(workspace),
        neighbor_stages=compare_neighbors(workspace, comparison),
        robustness=stored_robustness(workspace),
    )
    if precision == "int8":
        candidate = _quantized(candidate, run, dataset)
    folder = publish(
        candidate,
        workspace.store,
        settings.releases_folder,
        track=display.track,
        precision=precision,
        index=settings,
        share=workspace.share,
        cluster=cluster,
    )
    display.info(f"Published {read_manifest(folder).fingerprint} in {folder}")
    return folder


def export(
    run: Run,
    dataset: Dataset,
    store: Store,
    comparison: Comparison,
    label_issues: tuple[LabelIssue, ...],
    out_of_fold: Floats | None,
) -> Candidate:
    """Export a run's model as an encoder, with the calibrated outputs of Keras as a reference."""
    network = keras.saving.load_model(run.network)
    predictions, indices = run.predictions, dataset.indices
    temperature = temperature_of(predictions, dataset, out_of_fold)
    calibrate(network, temperature)
    encoder = encoder_of(network)

    def write(draft: Path) -> None:
        write_inference_model(encoder, draft / _MODEL)

    run.delete_other_encoders(temperature)
    return Candidate(
        model=_export_once(run.encoder(temperature), write, dataset.warn),
        comparison=comparison,
        reference=_reference(encoder, dataset),
        temperature=temperature,
        uncalibrated=reliability(predictions.validation, dataset.labels[indices.validation]),
        training_version=training_tag(dataset),
        label_issues=label_issues,
        explain=explainer(network, store, dataset.classes),
        out_of_fold=_calibrated(out_of_fold, temperature, dataset),
    )


def _calibrated(
    out_of_fold: Floats | None, temperature: float, dataset: Dataset
) -> tuple[Floats, Labels] | None:
    """Return the calibrated probabilities of the images with a prediction, and their labels."""
    if out_of_fold is None:
        return None
    known = out_of_fold.any(axis=1)
    return scale(out_of_fold[known], temperature), dataset.labels[dataset.indices.fit][known]


def _quantized(candidate: Candidate, run: Run, dataset: Dataset) -> Candidate:
    def write(draft: Path) -> None:
        pixels = dataset.pixels(CompiledModel(candidate.model).size)
        quantize(candidate.model, pixels[dataset.indices.fit], draft)

    folder = run.quantized(candidate.temperature)
    return replace(candidate, model=_export_once(folder, write, dataset.warn))


def _export_once(folder: Path, write: Callable[[Path], None], warn: Warn) -> Path:
    """Return the model in a folder, which is written if it is missing or damaged."""
    damaged = damaged_file(folder, content=True)
    if damaged is not None:
        if folder.exists():
            warn(f"{damaged} is damaged; the encoder is exported again.")
        with atomic_folder(folder) as draft:
            write(draft)
            write_checksums(draft)
    return folder / _MODEL


def explainer(network: keras.Model, store: Store, classes: Sequence[str]) -> Explain:
    """Return a function that makes the heat maps of images of the newest revision."""

    def explain(ids: Sequence[str], predicted: Sequence[str]) -> Floats:
        snapshot = store.at()
        digests = dict(zip(snapshot.images.ids, snapshot.images.digests, strict=True))
        height, width = network.input_shape[1:3]
        jpegs = snapshot.jpegs([digests[identifier] for identifier in ids])
        pixels = np.stack([read_pixels(jpeg, height, width) for jpeg in jpegs])
        return grad_cam(network, pixels, np.array([classes.index(each) for each in predicted]))

    return explain


def _reference(network: keras.Model, dataset: Dataset) -> Reference:
    rows = dataset.indices.validation
    pixels = dataset.pixels(network.input_shape[1:3])[rows]
    embeddings, probabilities = network.predict(pixels, batch_size=_BATCH, verbose=0)
    ids = tuple(dataset.images.ids[row] for row in rows)
    return Reference(ids, Encoded(embeddings, probabilities))
