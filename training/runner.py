"""Runner of all experiments of a preset; each result is stored when it is finished."""

from collections.abc import Collection, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from embeddings.arrays import Floats
from embeddings.release.reports import ExperimentReport
from embeddings.runtime import CompiledModel
from training.errors import DataError
from training.evaluation.comparison import best_trial, warn_of_unused_runs
from training.evaluation.feasibility import limitations
from training.evaluation.latency import layer_outputs, measure_cost
from training.evaluation.retrieval import is_measured, measure_retrieval
from training.experiments.config import FineTuning, FrozenTransfer
from training.experiments.planner import Trial, ready_trials
from training.trainers.context import TrainingContext
from training.trainers.head import predict_out_of_fold
from training.trials import describe, teacher_missing, train_trial
from training.workspace import Workspace


class TrialExecutor(Protocol):
    """Executor that trains trials and adds their runs to the workspace."""

    def start(self, trial: Trial) -> bool:
        """Start a trial; return False if it has to wait until a started one is finished."""

    def wait(self) -> Trial:
        """Return a started trial that is finished."""


class InProcess:
    """Executor that trains one trial after the other in this process."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._started: Trial | None = None

    def start(self, trial: Trial) -> bool:
        """Start a trial, which is trained by `wait`, unless one is started."""
        is_free = self._started is None
        if is_free:
            self._started = trial
        return is_free

    def wait(self) -> Trial:
        """Train the started trial and return it."""
        trial, workspace = self._started, self._workspace
        assert trial is not None
        self._started = None
        key, facts = workspace.key(trial), workspace.facts(trial)
        with workspace.display.epochs(describe(trial)) as on_epoch:
            context = _context(workspace, trial)
            train_trial(trial.experiment, context, key, facts, workspace.runs, on_epoch)
        return trial


def train(
    workspace: Workspace, executor: AbstractContextManager[TrialExecutor] | None = None
) -> None:
    """Train the experiments of the preset that are not finished yet.

    The trials are planned again after each of them: the results so far determine the combinations
    and the repeated experiments. An experiment without its weights or teachers is
    stored as skipped and tried again by the next call. Without an executor, one trial is trained
    after the other. The executor is closed before the latencies are measured.
    """
    workspace.tag_dataset()
    workspace.runs.delete_damaged(workspace.display.warn)
    warn_of_unused_runs(workspace)
    for limitation in limitations(workspace.dataset()):
        workspace.display.warn(limitation)
    with executor or nullcontext(InProcess(workspace)) as opened:
        _train_trials(workspace, opened)
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


def _train_trials(workspace: Workspace, executor: TrialExecutor) -> None:
    """Start each trial as soon as it is planned and its teachers are finished."""
    finished: set[Trial] = set()
    running: set[Trial] = set()
    while True:
        ready = _startable(workspace, finished, running)
        running.update(trial for trial in ready if executor.start(trial))
        if not running:
            break
        trial = executor.wait()
        running.remove(trial)
        finished.add(trial)
        _show(workspace, trial)


def _startable(
    workspace: Workspace, finished: set[Trial], running: Collection[Trial]
) -> list[Trial]:
    """Return the trials to start now; those that are trained already are added to `finished`."""

    def report_of(trial: Trial) -> ExperimentReport | None:
        # A skipped trial is tried again, and its result can change the plan.
        report = workspace.report(trial)
        tried = report is not None and (report.status == "done" or trial in finished)
        return report if tried else None

    while True:
        ready = ready_trials(workspace.trials(report_of), finished)
        waiting = [trial for trial in ready if trial not in running]
        trained = [trial for trial in waiting if report_of(trial) is not None]
        if not trained:
            break
        for trial in trained:
            workspace.display.info(f"{describe(trial)}: already trained")
            _measure_retrieval(workspace, trial)
        finished.update(trained)
    return _without_shared_runs(workspace, waiting, running)


def _without_shared_runs(
    workspace: Workspace, waiting: Iterable[Trial], running: Iterable[Trial]
) -> list[Trial]:
    """Return the waiting trials whose run no trial before them or running trial will write.

    Declarations with the same hyper-parameters share a run.
    """
    keys = {workspace.key(trial) for trial in running}
    chosen = []
    for trial in waiting:
        key = workspace.key(trial)
        if key not in keys:
            keys.add(key)
            chosen.append(trial)
    return chosen


def _show(workspace: Workspace, trial: Trial) -> None:
    name, report = describe(trial), workspace.report(trial)
    assert report is not None, "an executor adds the run of each trial"
    if report.status == "skipped":
        workspace.display.warn(f"{name}: skipped: {report.reason}")
    else:
        workspace.display.info(
            f"{name}: validation accuracy {report.accuracy:.1%}, macro F1 "
            f"{report.macro_f1:.3f}, {report.parameters:,} parameters, "
            f"{_duration(report)}"
        )


def _duration(report: ExperimentReport) -> str:
    """Return the time of a training, with the part that an earlier one took."""
    seconds = f"{report.train_seconds:.0f} s"
    if not report.reused_seconds:
        return seconds
    return f"{seconds}, {report.reused_seconds:.0f} s of it in an earlier training, for features"


def _context(workspace: Workspace, trial: Trial) -> TrainingContext:
    def teacher(declared: FrozenTransfer | FineTuning) -> CompiledModel:
        run = workspace.run(Trial(declared, 0, trial.split))
        if run is None or run.report.status != "done":
            raise teacher_missing(declared)
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


def _measure_retrieval(workspace: Workspace, trial: Trial) -> None:
    """Measure the search by a trained run without it, or if groups changed since.

    The plan of repeated experiments depends on it.
    """
    run, dataset = workspace.run(trial), workspace.dataset(trial.split)
    if run is None or run.report.status != "done" or is_measured(run, dataset):
        return
    workspace.display.info(f"{describe(trial)}: measuring the search by its layers")
    outputs = layer_outputs(run.inference_model, dataset.pixels(trial.experiment.input))
    run.write_retrieval(measure_retrieval(outputs.embedding, outputs.pooled, dataset))
