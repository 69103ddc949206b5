"""Training all experiments of a preset, each kept as soon as it is finished."""

from pathlib import Path

import numpy as np

from embeddings.comparison import ExperimentReport
from training.backbones import WeightsUnavailable
from training.dataset import Dataset
from training.evaluation import evaluate, share_correct
from training.experiments import Experiment
from training.running import Circumstances, Trained, run
from training.runs import Run, Write
from training.stages import Stage


def train(stage: Stage) -> None:
    """Train the experiments of the preset that are not finished yet.

    One whose pretrained weights cannot be had is kept as skipped and tried again the next time.
    """
    settings, display = stage.settings, stage.display
    dataset = stage.dataset()
    given = Circumstances(dataset, stage.preset.epochs, settings.seed, settings.weights)
    for experiment in stage.preset.experiments:
        key = stage.key(experiment, dataset)
        if stage.runs.finished(experiment.name, key):
            display.say(f"{experiment.name}: already trained")
            continue
        report = _train_one(stage, experiment, key, given)
        if report.status == "skipped":
            display.warn(f"{report.name}: skipped: {report.reason}")
        else:
            display.say(
                f"{report.name}: validation accuracy {report.accuracy:.1%}, macro F1 "
                f"{report.macro_f1:.3f}, {report.parameters:,} parameters, "
                f"{report.train_seconds:.0f} s"
            )


def _train_one(
    stage: Stage, experiment: Experiment, key: str, given: Circumstances
) -> ExperimentReport:
    try:
        with stage.display.epochs(experiment.name) as on_epoch:
            trained = run(experiment, given, on_epoch)
    except WeightsUnavailable as error:
        return stage.runs.save(key, _skipped(experiment, str(error))).report
    report = _report(experiment, trained, given)
    return stage.runs.save(key, report, _writer(trained, given.dataset)).report


def _skipped(experiment: Experiment, reason: str) -> ExperimentReport:
    return ExperimentReport(
        name=experiment.name,
        family=experiment.family,
        base=experiment.base,
        change=experiment.change,
        status="skipped",
        reason=reason,
    )


def _report(experiment: Experiment, trained: Trained, given: Circumstances) -> ExperimentReport:
    data = given.dataset
    figures = evaluate(trained.validation, data.labels[data.parts.validation], data.classes)
    return ExperimentReport(
        name=experiment.name,
        family=experiment.family,
        base=experiment.base,
        change=experiment.change,
        status="done",
        accuracy=figures.accuracy,
        macro_f1=figures.macro_f1,
        tuning_accuracy=share_correct(trained.tuning, data.labels[data.parts.tuning]),
        parameters=trained.network.count_params(),
        trainable_parameters=trained.trainable_parameters,
        train_seconds=trained.seconds,
        epochs=len(trained.curves.loss),
        input=experiment.input,
        seed=given.seed,
        curves=trained.curves,
        classes=data.classes,
        confusion=figures.confusion,
        per_class=figures.per_class,
    )


def _writer(trained: Trained, dataset: Dataset) -> Write:
    def write(folder: Path) -> None:
        draft = Run(folder)
        trained.network.save(draft.network)
        ids = [dataset.photographs[row].id for row in dataset.parts.validation]
        np.savez(draft.predictions, ids=np.array(ids), probabilities=trained.validation)

    return write
