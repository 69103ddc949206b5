"""Training of one trial into the folder of its run."""

from pathlib import Path

import keras

from embeddings.release.reports import ExperimentReport
from training.evaluation.latency import export_inference_model, layer_outputs
from training.evaluation.metrics import accuracy, cross_entropy, evaluate
from training.evaluation.retrieval import measure_retrieval
from training.experiments.config import Experiment, FineTuning, FrozenTransfer
from training.experiments.planner import Trial
from training.models.backbones import WeightsUnavailable
from training.runs import (
    NETWORK,
    Facts,
    MeasuredRetrieval,
    Predictions,
    Run,
    RunIndex,
    write_predictions,
)
from training.trainers.context import (
    TeacherMissing,
    TrainingContext,
    TrainingDiverged,
    TrainingResult,
)
from training.trainers.dispatch import train_experiment
from training.trainers.fit import OnEpoch


def train_trial(
    experiment: Experiment,
    context: TrainingContext,
    key: str,
    facts: Facts,
    runs: RunIndex,
    on_epoch: OnEpoch,
) -> Run:
    """Train an experiment and write its run.

    An experiment without its weights or teachers, or whose training diverges, is written as
    skipped.
    """
    try:
        result = train_experiment(experiment, context, on_epoch)
    except (WeightsUnavailable, TeacherMissing, TrainingDiverged) as error:
        return runs.save(key, facts, _skipped(experiment, str(error)))
    finally:
        keras.utils.clear_session(free_memory=True)
    report = _report(experiment, result, context)
    dataset = context.dataset
    measured: list[MeasuredRetrieval] = []

    def write(folder: Path) -> ExperimentReport:
        result.network.save(folder / NETWORK)
        write_predictions(folder, Predictions(result.tuning, result.validation))
        model = export_inference_model(result.network, folder)
        outputs = result.layer_outputs or layer_outputs(model, dataset.pixels(experiment.input))
        measured.append(measure_retrieval(outputs.embedding, outputs.pooled, dataset))
        found = measured[0].report.retrieval
        precision = {
            "precision_at_3": found.embedding.precision_at_3.value,
            "pooled_precision_at_3": found.pooled.precision_at_3.value,
        }
        return report.model_copy(update=precision)

    run = runs.save(key, facts, report, write)
    run.write_retrieval(measured[0])
    return run


def describe(trial: Trial) -> str:
    """Return the name of a trial in messages."""
    repeat = f" (seed {trial.repeat + 1})" if trial.repeat else ""
    split = " (random split)" if trial.split == "random" else ""
    return f"{trial.experiment.name}{repeat}{split}"


def teacher_missing(declared: FrozenTransfer | FineTuning) -> TeacherMissing:
    """Return the error for a teacher without a trained model."""
    return TeacherMissing(
        f"Its teacher {declared.name} is not trained; see the reason reported for it."
    )


def _skipped(experiment: Experiment, reason: str) -> ExperimentReport:
    return ExperimentReport(
        name=experiment.name,
        family=experiment.family,
        base=experiment.base,
        change=experiment.change,
        status="skipped",
        reason=reason,
    )


def _report(
    experiment: Experiment, result: TrainingResult, context: TrainingContext
) -> ExperimentReport:
    data = context.dataset
    metrics = evaluate(result.validation, data.labels[data.indices.validation], data.classes)
    tuning = data.labels[data.indices.tuning]
    return ExperimentReport(
        name=experiment.name,
        family=experiment.family,
        base=experiment.base,
        change=experiment.change,
        status="done",
        accuracy=metrics.accuracy,
        macro_f1=metrics.macro_f1,
        tuning_accuracy=accuracy(result.tuning, tuning) if len(tuning) else None,
        tuning_loss=cross_entropy(result.tuning, tuning) if len(tuning) else None,
        parameters=result.network.count_params(),
        trainable_parameters=result.trainable_parameters,
        train_seconds=result.seconds,
        reused_seconds=result.reused_seconds,
        epochs=len(result.curves.loss),
        input=experiment.input,
        seed=context.seed,
        curves=result.curves,
        classes=data.classes,
        confusion=metrics.confusion,
        per_class=metrics.per_class,
    )
