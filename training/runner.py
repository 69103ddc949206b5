"""Training all experiments of a preset, each kept as soon as it is finished."""

from pathlib import Path

import keras

from embeddings.arrays import Floats
from embeddings.release.reports import ExperimentReport
from embeddings.runtime import CompiledNetwork
from training.data.split import SplitName
from training.errors import DataError
from training.evaluation.comparison import compare, warn_of_unused_runs
from training.evaluation.feasibility import limitations
from training.evaluation.latency import export_probe, look, measure_cost
from training.evaluation.metrics import cross_entropy, evaluate, precision_at_3, share_correct
from training.experiments.config import Experiment, FineTuning, FrozenTransfer
from training.experiments.planner import Trial
from training.models.backbones import WeightsUnavailable
from training.runs import NETWORK, Predictions, write_predictions
from training.trainers.context import Circumstances, TeacherMissing, Trained, TrainingDiverged
from training.trainers.dispatch import run
from training.trainers.head import cross_fit
from training.workspace import Workspace


def train(workspace: Workspace) -> None:
    """Train the experiments of the preset that are not finished yet.

    The trials are planned again after each of them: the results so far decide which techniques are
    combined and which experiments are repeated. An experiment without its weights or teachers is
    stored as skipped and tried again by the next call.
    """
    workspace.runs.delete_damaged(workspace.display.warn)
    warn_of_unused_runs(workspace)
    for limitation in limitations(workspace.dataset()):
        workspace.display.warn(limitation)
    settled: set[tuple[str, int, SplitName]] = set()
    while True:
        trials = workspace.trials()
        trial = next((each for each in trials if _identity(each) not in settled), None)
        if trial is None:
            break
        settled.add(_identity(trial))
        _settle(workspace, trial)
    _measure_costs(workspace)
    _predict_out_of_fold(workspace)


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
    key = dataset.groups_digest(dataset.parts.fit)
    predictions = run.out_of_fold(key, dataset.warn)
    if predictions is None:
        predictions = cross_fit(trial.experiment, _circumstances(workspace, trial))
        if predictions is not None:
            run.write_out_of_fold(key, predictions)
    return predictions


def _identity(trial: Trial) -> tuple[str, int, SplitName]:
    return trial.experiment.name, trial.repeat, trial.split


def _settle(workspace: Workspace, trial: Trial) -> None:
    name = described(trial)
    report = workspace.report(trial)
    if report is not None and report.status == "done":
        workspace.display.say(f"{name}: already trained")
        return
    report = _train_one(workspace, trial)
    if report.status == "skipped":
        workspace.display.warn(f"{name}: skipped: {report.reason}")
    else:
        workspace.display.say(
            f"{name}: validation accuracy {report.accuracy:.1%}, macro F1 "
            f"{report.macro_f1:.3f}, {report.parameters:,} parameters, "
            f"{report.train_seconds:.0f} s"
        )


def described(trial: Trial) -> str:
    """A trial as it is called in messages."""
    repeat = f" (seed {trial.repeat + 1})" if trial.repeat else ""
    split = " (random split)" if trial.split == "random" else ""
    return f"{trial.experiment.name}{repeat}{split}"


def _train_one(workspace: Workspace, trial: Trial) -> ExperimentReport:
    experiment = trial.experiment
    key, facts = workspace.key(trial), workspace.facts(trial)
    given = _circumstances(workspace, trial)
    dataset = given.dataset
    try:
        with workspace.display.epochs(described(trial)) as on_epoch:
            trained = run(experiment, given, on_epoch)
    except (WeightsUnavailable, TeacherMissing, TrainingDiverged) as error:
        return workspace.runs.save(key, facts, _skipped(experiment, str(error))).report
    finally:
        keras.utils.clear_session(free_memory=True)
    report = _report(experiment, trained, given)

    def write(folder: Path) -> ExperimentReport:
        trained.network.save(folder / NETWORK)
        write_predictions(folder, Predictions(trained.tuning, trained.validation))
        probe = export_probe(trained.network, folder)
        layers = trained.layers or look(probe, dataset.pixels(experiment.input))
        figures = {
            "precision_at_3": precision_at_3(layers.embedding, dataset),
            "pooled_precision_at_3": precision_at_3(layers.pooled, dataset),
        }
        return report.model_copy(update=figures)

    return workspace.runs.save(key, facts, report, write).report


def _circumstances(workspace: Workspace, trial: Trial) -> Circumstances:
    def teacher(declared: FrozenTransfer | FineTuning) -> CompiledNetwork:
        run = workspace.run(Trial(declared, 0, trial.split))
        if run is None or run.report.status != "done":
            raise TeacherMissing(
                f"It learns from {declared.name}, which could not be trained; see there."
            )
        return CompiledNetwork(run.probe)

    settings, dataset = workspace.settings, workspace.dataset(trial.split)
    seed = settings.seed + trial.repeat
    return Circumstances(dataset, workspace.preset.epochs, seed, settings.weights, teacher)


def _predict_out_of_fold(workspace: Workspace) -> None:
    """Compute the out-of-fold predictions of the best experiment, so that publishing is short."""
    try:
        best = compare(workspace).best
    except DataError:
        return
    trial = next(each for each in workspace.trials() if each.experiment.name == best)
    out_of_fold_predictions(workspace, trial)


def _measure_costs(workspace: Workspace) -> None:
    """Time the networks one after the other, so that the conditions are the same for each."""
    for trial in workspace.trials():
        run = workspace.run(trial)
        if trial.repeat or trial.split == "random" or run is None:
            continue
        if run.report.status == "done" and run.cost is None:
            run.write_cost(measure_cost(run.probe))


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
    tuning = data.labels[data.parts.tuning]
    return ExperimentReport(
        name=experiment.name,
        family=experiment.family,
        base=experiment.base,
        change=experiment.change,
        status="done",
        accuracy=figures.accuracy,
        macro_f1=figures.macro_f1,
        tuning_accuracy=share_correct(trained.tuning, tuning) if len(tuning) else None,
        tuning_loss=cross_entropy(trained.tuning, tuning) if len(tuning) else None,
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
