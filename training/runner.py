"""Training all experiments of a preset, each kept as soon as it is finished."""

from pathlib import Path

import keras

from embeddings.arrays import Floats
from embeddings.release.reports import ExperimentReport
from embeddings.runtime import CompiledNetwork
from training.data.dataset import Dataset
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
from training.workspace import Stage


def train(stage: Stage) -> None:
    """Train the experiments of the preset that are not finished yet.

    The plan is made anew after each: what is combined and what is repeated depends on what the
    others reached. One whose weights or teachers cannot be had is kept as skipped and tried again
    the next time.
    """
    stage.runs.delete_damaged(stage.display.warn)
    warn_of_unused_runs(stage)
    datasets: dict[SplitName, Dataset] = {"grouped": stage.dataset()}
    for limitation in limitations(datasets["grouped"]):
        stage.display.warn(limitation)
    settled: set[tuple[str, int, SplitName]] = set()
    while True:
        trials = stage.trials(datasets["grouped"])
        trial = next((each for each in trials if _identity(each) not in settled), None)
        if trial is None:
            break
        settled.add(_identity(trial))
        if trial.split not in datasets:
            datasets[trial.split] = stage.dataset(trial.split)
        _settle(stage, trial, datasets[trial.split])
    _measure_costs(stage, datasets["grouped"])
    _hold_out_for_the_best(stage, datasets["grouped"])


def held_out(stage: Stage, trial: Trial, dataset: Dataset) -> Floats | None:
    """What the photographs to fit on look like to networks that have seen none of their group.

    Probabilities of shape (photographs to fit on, classes), kept with the run of the trial; None
    where it is a whole network that would have to be trained again for each fold.
    """
    run = stage.run(trial, dataset)
    if run is None or not isinstance(trial.experiment, FrozenTransfer):
        return None
    key = dataset.groups_digest(dataset.parts.fit)
    kept = run.held_out(key, dataset.warn)
    if kept is None:
        kept = cross_fit(trial.experiment, _circumstances(stage, trial, dataset))
        if kept is not None:
            run.write_held_out(key, kept)
    return kept


def _identity(trial: Trial) -> tuple[str, int, SplitName]:
    return trial.experiment.name, trial.repeat, trial.split


def _settle(stage: Stage, trial: Trial, dataset: Dataset) -> None:
    name = described(trial)
    run = stage.run(trial, dataset)
    if run is not None and run.report.status == "done":
        stage.display.say(f"{name}: already trained")
        return
    report = _train_one(stage, trial, dataset)
    if report.status == "skipped":
        stage.display.warn(f"{name}: skipped: {report.reason}")
    else:
        stage.display.say(
            f"{name}: validation accuracy {report.accuracy:.1%}, macro F1 "
            f"{report.macro_f1:.3f}, {report.parameters:,} parameters, "
            f"{report.train_seconds:.0f} s"
        )


def described(trial: Trial) -> str:
    """A trial as it is called in messages."""
    repeat = f" (seed {trial.repeat + 1})" if trial.repeat else ""
    split = " (random split)" if trial.split == "random" else ""
    return f"{trial.experiment.name}{repeat}{split}"


def _train_one(stage: Stage, trial: Trial, dataset: Dataset) -> ExperimentReport:
    experiment = trial.experiment
    key, facts = stage.key(trial, dataset), stage.facts(trial, dataset)
    given = _circumstances(stage, trial, dataset)
    try:
        with stage.display.epochs(described(trial)) as on_epoch:
            trained = run(experiment, given, on_epoch)
    except (WeightsUnavailable, TeacherMissing, TrainingDiverged) as error:
        return stage.runs.save(key, facts, _skipped(experiment, str(error))).report
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

    return stage.runs.save(key, facts, report, write).report


def _circumstances(stage: Stage, trial: Trial, dataset: Dataset) -> Circumstances:
    def teacher(declared: FrozenTransfer | FineTuning) -> CompiledNetwork:
        run = stage.run(Trial(declared, 0, trial.split), dataset)
        if run is None or run.report.status != "done":
            raise TeacherMissing(
                f"It learns from {declared.name}, which could not be trained; see there."
            )
        return CompiledNetwork(run.probe)

    settings = stage.settings
    seed = settings.seed + trial.repeat
    return Circumstances(dataset, stage.preset.epochs, seed, settings.weights, teacher)


def _hold_out_for_the_best(stage: Stage, dataset: Dataset) -> None:
    """Do now what publishing will want, so that publishing itself stays short."""
    try:
        best = compare(stage, dataset).best
    except DataError:
        return
    trials = stage.trials(dataset)
    held_out(stage, next(each for each in trials if each.experiment.name == best), dataset)


def _measure_costs(stage: Stage, dataset: Dataset) -> None:
    """Time the networks one after the other, so that they are measured under like conditions."""
    for trial in stage.trials(dataset):
        run = stage.run(trial, dataset)
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
