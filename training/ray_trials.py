"""Training of trials on a Ray cluster, each as a task without effects in a process of its own."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt

from embeddings.arrays import Mask
from embeddings.atomic import atomic_write
from embeddings.cpu import limit_processors
from embeddings.progress import no_progress
from embeddings.ray_cluster import RETRIES, Cluster, connect, library_versions, require_versions
from embeddings.runtime import CompiledModel
from training.data.dataset import Dataset
from training.experiments.config import (
    Experiment,
    FineTuning,
    FrozenTransfer,
    all_backbones,
    backbones,
)
from training.experiments.planner import Trial, teachers_of
from training.models.weights import local_weights
from training.runs import Facts, RunIndex
from training.trainers.context import TrainingContext
from training.trainers.frozen_features import CachedFeatures, cached_features
from training.trials import describe, teacher_missing, train_trial
from training.workspace import Workspace

_LIBRARIES = ("keras", "tensorflow")
_CACHE = "cache"
_RUNS = "runs"
_WEIGHTS = "weights"
_SILENCE_SECONDS = 60


@dataclass(frozen=True)
class _Input:
    """File that a trial reads."""

    target: str
    """Path in the working folder of the task."""
    source: Path
    """Path on the machine of the command, and on nodes that share its file system."""
    size: int
    changed: int
    """Modification time in ns."""

    @classmethod
    def of(cls, target: str, source: Path) -> "_Input":
        status = source.stat()
        return cls(target, source, status.st_size, status.st_mtime_ns)

    @property
    def is_present(self) -> bool:
        """True if this machine has the file at its path."""
        try:
            status = self.source.stat()
        except OSError:
            return False
        return (status.st_size, status.st_mtime_ns) == (self.size, self.changed)


@dataclass(frozen=True)
class _Task:
    """Trial with everything that it depends on, except the dataset and contents of files."""

    trial: Trial
    key: str
    facts: Facts
    epochs: int
    seed: int
    processors: int
    has_weights: bool
    """True if there is a folder of pretrained weights."""
    teachers: Mapping[Experiment, str]
    """Paths of the models of trained teachers in the working folder."""
    inputs: tuple[_Input, ...]
    features: frozenset[str]
    """Names of the files with frozen features that the trial has to compute."""
    versions: Mapping[str, str]


@dataclass(frozen=True)
class _Outcome:
    """Result of a task as files."""

    name: str
    """Name of the folder of the run."""
    run: Mapping[str, bytes]
    cached: Mapping[str, bytes]
    """New and changed files of the cache, such as frozen features."""
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class _Detached:
    """Images of a dataset on a node, whose pixels are decoded already."""

    revision: int

    def jpegs(self, digests: Sequence[str]) -> Iterator[bytes]:
        """Raise an error: the command decodes the pixels of each trial before it starts."""
        raise AssertionError("the pixels of a trial are among its inputs")

    def has_files(self, digests: Sequence[str]) -> Mask:
        """Return True for each digest, so that no feature of another dataset version is dropped."""
        return np.ones(len(digests), np.bool_)


@contextmanager
def ray_executor(workspace: Workspace, address: str) -> Iterator["RayExecutor"]:
    """Yield the executor of a Ray cluster; raises `ClusterError` as `connect` does."""
    with connect(address, workspace.display.warn, ("embeddings", "training")) as cluster:
        yield RayExecutor(workspace, cluster)


class RayExecutor:
    """Executor that trains as many trials at once as the nodes of a Ray cluster have room for.

    The tasks read files of the home if their node has them at the same path; otherwise the files
    are sent. Finished runs come back as bytes, and only this process writes into the home.
    """

    def __init__(self, workspace: Workspace, cluster: Cluster) -> None:
        self._workspace = workspace
        self._cluster = cluster
        self._running: dict[Any, _Task] = {}
        self._datasets: dict[str, Any] = {}
        self._contents: dict[_Input, Any] = {}
        self._sends = False
        """True once a node lacked input files."""
        settings = workspace.settings
        self._processors = settings.trial_cpus
        has_gpus = "GPU" in cluster.ray.cluster_resources()
        self._gpus = float(has_gpus) if settings.trial_gpus is None else settings.trial_gpus
        # Each trial needs a process of its own, for a new TensorFlow with its number of threads.
        self._call = cluster.ray.remote(
            num_cpus=self._processors,
            num_gpus=self._gpus,
            max_retries=RETRIES,
            max_calls=1,
            runtime_env={"env_vars": _environment(self._processors, self._gpus)},
        )(_train)

    def start(self, trial: Trial) -> bool:
        """Submit a trial if the nodes have room for it.

        One trial more than that is submitted, so that a node is never idle and a cluster that grows
        on demand does so. Trials with the same frozen features wait for the first of them.
        """
        dataset = self._workspace.dataset(trial.split)
        needed = _features(dataset, trial.experiment, self._workspace.settings.weights)
        features = frozenset(each.path.name for each in needed if not each.is_complete)
        computing = features.intersection(
            name for task in self._running.values() for name in task.features
        )
        if computing or len(self._running) > self._room:
            return False
        self._submit(self._task(trial, features))
        self._workspace.display.info(f"{describe(trial)}: sent to the cluster")
        return True

    def wait(self) -> Trial:
        """Return the first finished trial after writing its run.

        Raises `ClusterError`, and `BelvedereError`s of the trial that do not skip it.
        """
        while True:
            reference = self._first()
            task = self._running.pop(reference)
            outcome = self._cluster.get(reference)
            if outcome is not None:
                self._install(task.trial, outcome)
                return task.trial
            self._sends = True
            self._submit(task)

    def _submit(self, task: _Task) -> None:
        contents = [self._content(each) for each in task.inputs] if self._sends else ()
        reference = self._call.remote(task, self._dataset(task.trial), *contents)
        self._running[reference] = task

    def _first(self) -> Any:
        ray = self._cluster.ray
        while True:
            done, _ = ray.wait(list(self._running), timeout=_SILENCE_SECONDS)
            if done:
                return done[0]
            if not self._room:
                self._workspace.display.warn(
                    f"No node of the Ray cluster has {self._processors} CPUs and {self._gpus:g} "
                    "GPUs for a trial (BELVEDERE_TRIAL_CPUS, BELVEDERE_TRIAL_GPUS); the command "
                    "waits for one."
                )

    @property
    def _room(self) -> int:
        """Number of trials that all nodes together have room for."""
        nodes = (node["Resources"] for node in self._cluster.ray.nodes() if node["Alive"])
        return sum(
            min(
                int(has.get("CPU", 0) // self._processors),
                int(has.get("GPU", 0) // self._gpus) if self._gpus else sys.maxsize,
            )
            for has in nodes
        )

    def _task(self, trial: Trial, features: frozenset[str]) -> _Task:
        workspace, settings = self._workspace, self._workspace.settings
        teachers = {each: workspace.run(each) for each in teachers_of(trial)}
        models = {
            each.experiment: run.inference_model
            for each, run in teachers.items()
            if run is not None and run.report.status == "done"
        }
        return _Task(
            trial=trial,
            key=workspace.key(trial),
            facts=workspace.facts(trial),
            epochs=workspace.preset.epochs,
            seed=settings.seed + trial.repeat,
            processors=self._processors,
            has_weights=settings.weights is not None,
            teachers={teacher: _model_target(path) for teacher, path in models.items()},
            inputs=tuple(self._inputs(trial, models)),
            features=features,
            versions=library_versions(*_LIBRARIES),
        )

    def _inputs(self, trial: Trial, models: Mapping[Experiment, Path]) -> Iterator[_Input]:
        dataset, experiment = self._workspace.dataset(trial.split), trial.experiment
        for size in dict.fromkeys(each.input for each in (experiment, *models)):
            dataset.pixels(size)
            path = dataset.pixels_path(size)
            yield _Input.of(f"{_CACHE}/{path.name}", path)
        for cached in _features(dataset, experiment, self._workspace.settings.weights):
            if cached.path.exists():
                yield _Input.of(f"{_CACHE}/{cached.path.name}", cached.path)
        for name in all_backbones(experiment):
            weights = local_weights(name, self._workspace.settings.weights)
            if weights is not None:
                yield _Input.of(f"{_WEIGHTS}/{weights.name}", weights)
        for model in models.values():
            for path in (model, model.with_suffix(".bin")):
                yield _Input.of(_model_target(path), path)

    def _dataset(self, trial: Trial) -> Any:
        """Return the reference of the dataset, which is sent to each node once."""
        if trial.split not in self._datasets:
            dataset = self._workspace.dataset(trial.split)
            detached = replace(
                dataset,
                snapshot=_Detached(dataset.snapshot.revision),
                cache=Path(),
                track=no_progress,
                warn=_ignore,
            )
            self._datasets[trial.split] = self._cluster.ray.put(detached)
        return self._datasets[trial.split]

    def _content(self, file: _Input) -> Any:
        """Return the reference of a file's content, which is sent to each node once."""
        if file not in self._contents:
            self._contents[file] = self._cluster.ray.put(np.fromfile(file.source, np.uint8))
        return self._contents[file]

    def _install(self, trial: Trial, outcome: _Outcome) -> None:
        dataset = self._workspace.dataset(trial.split)
        for warning in outcome.warnings:
            dataset.warn(warning)
        for name, content in outcome.cached.items():
            atomic_write(dataset.cache / name, content)
        self._workspace.runs.install(outcome.name, outcome.run)


def _environment(processors: int, gpus: float) -> dict[str, str]:
    """Return the variables that libraries of a task read when they are imported."""
    counts = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    gpu = {"TF_FORCE_GPU_ALLOW_GROWTH": "true"} if gpus else {"CUDA_VISIBLE_DEVICES": "-1"}
    return {
        **dict.fromkeys(counts, str(processors)),
        **gpu,
        "OMP_WAIT_POLICY": "passive",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "KERAS_BACKEND": os.environ.get("KERAS_BACKEND", "tensorflow"),
    }


def _features(
    dataset: Dataset, experiment: Experiment, weights: Path | None
) -> list[CachedFeatures]:
    """Return the frozen features that an experiment needs."""
    match experiment:
        case FrozenTransfer(views=views):
            numbers = range(views + 1)
        case FineTuning(head_first=True):
            numbers = range(1)
        case _:
            return []
    return [
        cached_features(name, weights, dataset, experiment.input, view)
        for name in backbones(experiment)
        for view in numbers
    ]


def _model_target(path: Path) -> str:
    return f"teachers/{path.parent.name}/{path.name}"


def _ignore(message: str) -> None:
    """Take a message without showing it."""


def _train(task: _Task, dataset: Dataset, *contents: npt.NDArray[np.uint8]) -> _Outcome | None:
    """Train a trial in a process of a node; return None if the node lacks input files."""
    require_versions(task.versions)
    limit_processors(task.processors)
    with TemporaryDirectory(prefix="belvedere-trial-") as temporary:
        folder = Path(temporary)
        if not contents and not all(each.is_present for each in task.inputs):
            return None
        _place(task.inputs, contents, folder)
        return _train_in(folder, task, dataset)


def _place(
    inputs: Sequence[_Input], contents: Sequence[npt.NDArray[np.uint8]], folder: Path
) -> None:
    """Make the inputs available in a folder."""
    for number, each in enumerate(inputs):
        target = folder / each.target
        target.parent.mkdir(parents=True, exist_ok=True)
        if each.is_present:
            target.symlink_to(each.source)
        else:
            contents[number].tofile(target)


def _train_in(folder: Path, task: _Task, dataset: Dataset) -> _Outcome:
    """Train a trial in a folder with its inputs."""

    def teacher(declared: FrozenTransfer | FineTuning) -> CompiledModel:
        if declared not in task.teachers:
            raise teacher_missing(declared)
        return CompiledModel(folder / task.teachers[declared])

    warnings: list[str] = []
    cache, runs = folder / _CACHE, folder / _RUNS
    dataset = replace(dataset, cache=cache, warn=warnings.append)
    weights = folder / _WEIGHTS if task.has_weights else None
    context = TrainingContext(dataset, task.epochs, task.seed, weights, teacher)
    given = _versions_of(cache)
    run = train_trial(
        task.trial.experiment, context, task.key, task.facts, RunIndex(runs), lambda end: None
    )
    new = [path for path, version in _versions_of(cache).items() if given.get(path) != version]
    return _Outcome(run.folder.name, _read(run.folder.iterdir()), _read(new), tuple(warnings))


def _versions_of(folder: Path) -> dict[Path, tuple[int, int]]:
    """Return the numbers and times of the files in a folder, which change when one is replaced."""
    files = {path: path.lstat() for path in folder.iterdir()}
    return {path: (each.st_ino, each.st_mtime_ns) for path, each in files.items()}


def _read(files: Iterable[Path]) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in files}
