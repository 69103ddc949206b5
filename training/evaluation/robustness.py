"""Accuracy and P@3 of the best model of each family on corrupted validation images."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from embeddings.arrays import Pixels, Rows
from embeddings.cpu import usable_processors
from embeddings.encoded import Encoded
from embeddings.images import PIXELS_VERSION, open_rgb, scale_pixels
from embeddings.release.reports import ExperimentReport, rank_experiments
from embeddings.release.robustness import (
    CorruptionRobustness,
    ModelRobustness,
    Robustness,
    RobustnessStep,
)
from embeddings.runtime import CompiledModel
from training.data.dataset import Dataset
from training.digests import digest_of
from training.errors import DataError
from training.evaluation.comparison import compare
from training.evaluation.corruptions import (
    CORRUPTIONS,
    CORRUPTIONS_VERSION,
    LONGEST_SHORT_SIDE,
    Corruption,
    at_common_size,
    corrupt,
)
from training.evaluation.metrics import accuracy
from training.evaluation.retrieval import precision_at_3
from training.runs import Run
from training.workspace import Workspace

_CHUNK = 64
"""Images read from the store at once."""

_Found = tuple[ExperimentReport, Run]


@dataclass(frozen=True)
class _Model:
    """Compiled network of a run with its outputs for all images."""

    compiled: CompiledModel
    clean: Encoded


def measure_robustness(workspace: Workspace) -> Robustness:
    """Return the robustness of the best model of each family; nothing is measured twice.

    Each corruption is stored with the runs when it is finished. Raises `DataError` without a
    finished experiment or without validation images, and `DamagedRun`.
    """
    dataset, seed = workspace.dataset(), workspace.settings.seed
    found = _best_of_each_family(workspace)
    if not len(dataset.indices.validation):
        raise DataError("There are no validation images to corrupt; add images.")
    key = _key(dataset, seed)
    measured = {run.key: _stored(report, run, key, dataset) for report, run in found}
    models: dict[str, _Model] = {}
    for corruption in CORRUPTIONS:
        missing = [each for each in found if not _has(measured[each[1].key], corruption)]
        for report, run in missing:
            if run.key not in models:
                models[run.key] = _open(report, run, workspace)
        opened = [models[run.key] for _, run in missing]
        steps = _measure(corruption, opened, workspace) if opened else ()
        for (report, run), result in zip(missing, steps, strict=True):
            before = measured[run.key] or _clean(report, models[run.key], dataset)
            complete = before.model_copy(update={"corruptions": (*before.corruptions, result)})
            measured[run.key] = complete
            run.write_robustness(key, complete)
    return _report(dataset, seed, found, measured)


def stored_robustness(workspace: Workspace) -> Robustness | None:
    """Return the report of the present best models; None if one of them is not measured.

    Raises `DataError` without a finished experiment, and `DamagedRun`.
    """
    dataset, seed = workspace.dataset(), workspace.settings.seed
    found, key = _best_of_each_family(workspace), _key(dataset, seed)
    measured = {run.key: _stored(report, run, key, dataset) for report, run in found}
    complete = all(
        _has(each, corruption) for each in measured.values() for corruption in CORRUPTIONS
    )
    return _report(dataset, seed, found, measured) if complete else None


def _best_of_each_family(workspace: Workspace) -> list[_Found]:
    """Return the report and the first run of the best experiment of each family, best first."""
    best: dict[str, ExperimentReport] = {}
    for report in rank_experiments(compare(workspace).experiments):
        best.setdefault(report.family, report)
    trials = {
        trial.experiment.name: trial
        for trial in workspace.trials()
        if trial.repeat == 0 and trial.split == "grouped"
    }
    runs = ((report, workspace.run(trials[report.name])) for report in best.values())
    return [(report, run) for report, run in runs if run is not None]


def _key(dataset: Dataset, seed: int) -> str:
    return digest_of([CORRUPTIONS_VERSION, PIXELS_VERSION, seed, dataset.training_digest])


def _stored(
    report: ExperimentReport, run: Run, key: str, dataset: Dataset
) -> ModelRobustness | None:
    # Declarations with the same hyper-parameters share a run.
    kept = run.robustness(key, dataset.warn)
    named = {"experiment": report.name, "family": report.family}
    return None if kept is None else kept.model_copy(update=named)


def _has(model: ModelRobustness | None, corruption: Corruption) -> bool:
    return model is not None and any(
        each.corruption == corruption.name for each in model.corruptions
    )


def _report(
    dataset: Dataset,
    seed: int,
    found: Sequence[_Found],
    measured: Mapping[str, ModelRobustness | None],
) -> Robustness:
    models = (measured[run.key] for _, run in found)
    return Robustness(
        validation=len(dataset.indices.validation),
        seed=seed,
        models=tuple(model for model in models if model is not None),
    )


def _open(report: ExperimentReport, run: Run, workspace: Workspace) -> _Model:
    compiled = CompiledModel(run.inference_model)
    pixels = workspace.dataset().pixels(compiled.size)
    outputs = (Encoded(*each[1:]) for each in compiled.infer_all(pixels))
    tracked = workspace.display.track(outputs, f"Images by {report.name}", len(pixels))
    return _Model(compiled, Encoded.concatenate(tracked))


def _clean(report: ExperimentReport, model: _Model, dataset: Dataset) -> ModelRobustness:
    rows = dataset.indices.validation
    return ModelRobustness(
        experiment=report.name,
        family=report.family,
        accuracy=accuracy(model.clean.probabilities[rows], dataset.labels[rows]),
        precision_at_3=precision_at_3(model.clean.embeddings, dataset),
        corruptions=(),
    )


def _measure(
    corruption: Corruption, models: Sequence[_Model], workspace: Workspace
) -> list[CorruptionRobustness]:
    """Return the metrics of each model; an image is decoded and corrupted once for all of them."""
    dataset = workspace.dataset()
    rows = dataset.indices.validation
    outputs = _encoded(corruption, models, dataset, workspace.settings.seed)
    tracked = workspace.display.track(outputs, f"Robustness to {corruption.name}", len(rows))
    by_image = list(tracked)
    return [
        CorruptionRobustness(
            corruption=corruption.name,
            unit=corruption.unit,
            steps=tuple(
                _step(step, value, [each[number][step] for each in by_image], model, dataset)
                for step, value in enumerate(corruption.values)
            ),
        )
        for number, model in enumerate(models)
    ]


def _encoded(
    corruption: Corruption, models: Sequence[_Model], dataset: Dataset, seed: int
) -> Iterator[list[list[Encoded]]]:
    """Yield the outputs for each validation image: for each model, those of each strength."""

    def encode(identifier: str, jpeg: bytes) -> list[list[Encoded]]:
        image = at_common_size(open_rgb(jpeg, at_least=2 * LONGEST_SHORT_SIDE))
        strengths = range(1, len(corruption.values) + 1)
        corrupted = [corrupt(image, corruption, each, seed, identifier) for each in strengths]
        sizes = {model.compiled.size for model in models}
        pixels = {size: [scale_pixels(each, *size) for each in corrupted] for size in sizes}
        return [
            [_infer(model.compiled, each) for each in pixels[model.compiled.size]]
            for model in models
        ]

    rows = dataset.indices.validation
    with ThreadPoolExecutor(usable_processors()) as pool:
        for start in range(0, len(rows), _CHUNK):
            yield from pool.map(encode, *_files(dataset, rows[start : start + _CHUNK]))


def _files(dataset: Dataset, rows: Rows) -> tuple[list[str], list[bytes]]:
    ids, digests = dataset.images.ids, dataset.images.digests
    jpegs = dataset.snapshot.jpegs([digests[row] for row in rows.tolist()])
    return [ids[row] for row in rows.tolist()], list(jpegs)


def _infer(model: CompiledModel, pixels: Pixels) -> Encoded:
    return Encoded(*model.infer_beside_others(pixels[np.newaxis])[1:])


def _step(
    step: int, value: float, outputs: Sequence[Encoded], model: _Model, dataset: Dataset
) -> RobustnessStep:
    rows = dataset.indices.validation
    corrupted = Encoded.concatenate(outputs)
    embeddings = model.clean.embeddings.copy()
    embeddings[rows] = corrupted.embeddings
    return RobustnessStep(
        strength=step + 1,
        value=value,
        accuracy=accuracy(corrupted.probabilities, dataset.labels[rows]),
        precision_at_3=precision_at_3(embeddings, dataset),
    )
