"""Runner of all experiments of a preset; each result is stored when it is finished."""

from pathlib import Path

import keras

from embeddings.arrays import Floats
from embeddings.ingest.split import SplitName
from embeddings.release.reports import ExperimentReport
from embeddings.runtime import CompiledModel
from training.errors import DataError
from training.evaluation.comparison import best_trial, warn_of_unused_runs
from training.evaluation.feasibility import limitations
from training.evaluation.latency import export_inference_model, layer_outputs, measure_cost
from training.evaluation.metrics import accuracy, cross_entropy, evaluate, precision_at_3
from training.experiments.config import Experiment, FineTuning, FrozenTransfer
from training.experiments.planner import Trial
from training.models.backbones import WeightsUnavailable
from training.runs import NETWORK, Predictions, write_predictions
from training.trainers.context import (
    TeacherMissing,
    TrainingContext,
    TrainingDiverged,
    TrainingResult,
)
from training.trainers.dispatch import train_experiment
from training.trainers.head import predict_out_of_fold
from training.workspace import Workspace


def train(workspace: Workspace) -> None:
    """Train the experiments of the preset that are not finished yet.

    The trials are planned again after each of them: the results so far determine the combinations
    and the repeated experiments. An experiment without its weights or teachers is
    stored as skipped and tried again by the next call.
    """
    workspace.tag_dataset()
    workspace.runs.delete_damaged(workspace.display.warn)
    warn_of_unused_runs(workspace)
    for limitation in limitations(workspace.dataset()):
        workspace.display.warn(limitation)
    handled: set[tuple[str, int, SplitName]] = set()
    while True:
        trials = workspace.trials()
        trial = next((each for each in trials if _identity(each) not in handled), None)
        if trial is None:
            break
        handled.add(_identity(trial))
        _train_if_needed(workspace, trial)
    _measure_costs(workspace)
    _predict_best_out_of_fold(workspace)


def out_of_fold_predictions(workspace: Workspace, trial: Trial) -> Floats | None:
    """Return out-of-fold predictions of the images to fit on, by grouped cross-validation.

    The array of shape (images to fit on, classes) is stored with the run of the trial. Returns None
    for a fine-tuned network, which would have to be trained again for each fold. Raises
    `DamagedRun`.
    """
    run = workspace.run(trial)
    if run is None or not isinstance(trial.experiment, FrozenTransfer):
        return None
    dataset = workspace.dataset(trial.split)
    key = dataset.groups_digest(dataset.indices.fit)
    predictions = run.out_of_fold(key, dataset.warn)
    if predictions is None:
        predictions = predict_out_of_fold(trial.experiment, _context(workspace, trial))
        if predictions is not None:
            run.write_out_of_fold(key, predictions)
    return predictions


def _identity(trial: Trial) -> tuple[str, int, SplitName]:
    return trial.experiment.name, trial.repeat, trial.split


def _train_if_needed(workspace: Workspace, trial: Trial) -> None:
    name = describe(trial)
    report = workspace.report(trial)
    if report is not None and report.status == "done":
        workspace.display.info(f"{name}: already trained")
        return
    report = _train_trial(workspace, trial)
    if report.status == "skipped":
        workspace.display.warn(f"{name}: skipped: {report.reason}")
    else:
        workspace.display.info(
            f"{name}: validation accuracy {report.accuracy:.1%}, macro F1 "
            f"{report.macro_f1:.3f}, {report.parameters:,} parameters, "
            f"{report.train_seconds:.0f} s"
        )


def describe(trial: Trial) -> str:
    """Return the name of a trial in messages."""
    repeat = f" (seed {trial.repeat + 1})" if trial.repeat else ""
    split = " (random split)" if trial.split == "random" else ""
    return f"{trial.experiment.name}{repeat}{split}"


def _train_trial(workspace: Workspace, trial: Trial) -> ExperimentReport:
    experiment = trial.experiment
    key, facts = workspace.key(trial), workspace.facts(trial)
    context = _context(workspace, trial)
    dataset = context.dataset
    try:
        with workspace.display.epochs(describe(trial)) as on_epoch:
            result = train_experiment(experiment, context, on_epoch)
    except (WeightsUnavailable, TeacherMissing, TrainingDiverged) as error:
        return workspace.runs.save(key, facts, _skipped(experiment, str(error))).report
    finally:
        keras.utils.clear_session(free_memory=True)
    report = _report(experiment, result, context)

    def write(folder: Path) -> ExperimentReport:
        result.network.save(folder / NETWORK)
        write_predictions(folder, Predictions(result.tuning, result.validation))
        model = export_inference_model(result.network, folder)
        outputs = result.layer_outputs or layer_outputs(model, dataset.pixels(experiment.input))
        precision = {
            "precision_at_3": precision_at_3(outputs.embedding, dataset),
            "pooled_precision_at_3": precision_at_3(outputs.pooled, dataset),
        }
        return report.model_copy(update=precision)

    return workspace.runs.save(key, facts, report, write).report


def _context(workspace: Workspace, trial: Trial) -> TrainingContext:
    def teacher(declared: FrozenTransfer | FineTuning) -> CompiledModel:
        run = workspace.run(Trial(declared, 0, trial.split))
        if run is None or run.report.status != "done":
            raise TeacherMissing(
                f"Its teacher {declared.name} is not trained; see the reason reported for it."
            )
        return CompiledModel(run.inference_model)

    settings, dataset = workspace.settings, workspace.dataset(trial.split)
    seed = settings.seed + trial.repeat
    return TrainingContext(dataset, workspace.preset.epochs, seed, settings.weights, teacher)


def _predict_best_out_of_fold(workspace: Workspace) -> None:
    """Compute the out-of-fold predictions of the best experiment, so that publishing is short."""
    try:
        trial = best_trial(workspace)
    except DataError:
        return
    out_of_fold_predictions(workspace, trial)


def _measure_costs(workspace: Workspace) -> None:
    """Time the networks one after the other, so that the conditions are the same for each."""
    for trial in workspace.trials():
        run = workspace.run(trial)
        if trial.repeat or trial.split == "random" or run is None:
            continue
        if run.report.status == "done" and run.cost is None:
            run.write_cost(measure_cost(run.inference_model))


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
        epochs=len(result.curves.loss),
        input=experiment.input,
        seed=context.seed,
        curves=result.curves,
        classes=data.classes,
        confusion=metrics.confusion,
        per_class=metrics.per_class,
    )
