"""Workspace of a command, and ingest of its data set into the store."""

from collections.abc import Hashable
from contextlib import suppress
from copy import copy
from dataclasses import replace
from pathlib import Path

from pydantic import JsonValue

from embeddings.images import PIXELS_VERSION
from embeddings.ingest.split import SplitName
from embeddings.lock import Locked, store_lock
from embeddings.release.reader import NewerReleaseError, ReleaseError
from embeddings.release.reports import Comparison, ExperimentReport
from embeddings.release.sharing import Share, SharedReleases, keep_local
from embeddings.store.retention import TRAINING_PREFIX
from embeddings.store.store import Store
from training.collection import ingest_data_set
from training.console import Display
from training.data.dataset import Dataset, open_dataset
from training.data.download import PublishedArchive
from training.experiments.config import (
    BUILDER_VERSION,
    DESCRIPTION_FIELDS,
    FineTuning,
    FromScratch,
    Preset,
    all_backbones,
    experiment_key,
)
from training.experiments.planner import ReportLookup, Trial, plan_trials, without_combinations
from training.models.weights import local_weights, weights_digest
from training.runs import Facts, Run, RunIndex
from training.scenes.version import PAINTER_VERSION
from training.settings import TrainingSettings

_DIGEST_LENGTH = 12


class Workspace:
    """Settings, preset, dataset and runs of one command; the last two are opened once.

    Other processes must not write into the home meanwhile; a writer holds its lock.
    """

    def __init__(
        self,
        settings: TrainingSettings,
        preset: Preset,
        display: Display,
        dataset: Dataset | None = None,
    ) -> None:
        self.settings = settings
        self.preset = preset
        self.display = display
        self.store = Store(settings.store_uri)
        self.runs = RunIndex(settings.runs)
        self.comparisons: dict[Hashable, Comparison] = {}
        """Comparisons computed by `training.evaluation.comparison`, keyed by their runs."""
        self.shared = SharedReleases.of(settings)
        """Releases in object storage; None if they are in a folder alone."""
        self._version = settings.dataset_version
        self._newest = settings.retrain
        self._datasets: dict[SplitName, Dataset] = {} if dataset is None else {"grouped": dataset}

    def with_preset(self, preset: Preset) -> "Workspace":
        """Return a workspace with another preset that shares the dataset, runs and comparisons."""
        other = copy(self)
        other.preset = preset
        return other

    def dataset(self, split: SplitName = "grouped") -> Dataset:
        """Return the images of the dataset version under a split.

        It is that of the settings; otherwise the last version that was trained on, or the newest
        revision if there is none or if `train_on_newest` was called. Raises `StoreError` if the
        store has no images.
        """
        if split not in self._datasets:
            self._datasets[split] = self._open_dataset(split)
        return self._datasets[split]

    def at_version(self, version: str) -> "Workspace":
        """Return a workspace at another dataset version that shares the runs."""
        other = copy(self)
        other._version = version
        other._datasets = {}
        return other

    def train_on_newest(self) -> None:
        """Select the newest revision for the dataset; without it, the last one trained on."""
        self._newest = True
        self.discard_dataset()

    def tag_dataset(self) -> None:
        """Tag the dataset version of the dataset, so that its runs can be made again."""
        dataset = self.dataset()
        tag = training_tag(dataset)
        if tag not in self.store.tags():
            self.store.tag(tag, dataset.snapshot.revision)

    @property
    def share(self) -> Share:
        """Function that makes a release the current one for other machines."""
        return keep_local if self.shared is None else self.shared.share

    def pull_release(self) -> None:
        """Make the current release in object storage that of the home.

        A damaged one is left, since publishing replaces it. Raises `ObjectStorageError`, and
        `NewerReleaseError` if a newer version published it.
        """
        if self.shared is None:
            return
        try:
            self.shared.pull()
        except NewerReleaseError:
            raise
        except ReleaseError as error:
            self.display.warn(str(error))

    def discard_dataset(self) -> None:
        """Discard the open dataset and all comparisons; called after a change of the store."""
        self._datasets.clear()
        self.comparisons.clear()

    def clean_up(self) -> None:
        """Compact the store and delete old versions; the caller must hold the lock of the store."""
        self.store.compact(self.settings.retention)

    def clean_up_unless_written(self, holder: str) -> None:
        """Clean the store up, unless another process holds its lock, which does it then itself."""
        with suppress(Locked), store_lock(self.settings.store_uri, holder):
            self.clean_up()

    def key(self, trial: Trial) -> str:
        """Return the cache key of a trial: a digest of everything that its result depends on."""
        return experiment_key(trial.experiment, self.facts(trial))

    def facts(self, trial: Trial) -> dict[str, JsonValue]:
        """Return the conditions of a trial's result beside its hyper-parameters."""
        experiment, settings = trial.experiment, self.settings
        facts: dict[str, JsonValue] = {
            "version": training_tag(self.dataset()),
            "data": self.dataset(trial.split).training_digest,
            "split": trial.split,
            "seed": settings.seed + trial.repeat,
            "builder": BUILDER_VERSION,
            "pixels": PIXELS_VERSION,
            "weights": {
                name: weights_digest(name, settings.weights) for name in all_backbones(experiment)
            },
        }
        if isinstance(experiment, FromScratch):
            facts["epochs"] = self.preset.epochs
            if experiment.scenes:
                facts["painter"] = PAINTER_VERSION
        if isinstance(experiment, FineTuning) and experiment.teachers:
            facts["seed of the teachers"] = settings.seed
        return facts

    def run(self, trial: Trial) -> Run | None:
        """Return the run of a trial, described as the experiment is declared today.

        Returns None if the trial was neither trained nor skipped. Raises `DamagedRun`.
        """
        run = self.runs.find(self.key(trial))
        if run is None:
            return None
        declared = {name: getattr(trial.experiment, name) for name in DESCRIPTION_FIELDS}
        return replace(run, report=run.report.model_copy(update=declared))

    def report(self, trial: Trial) -> ExperimentReport | None:
        """Return the report of a trial with its P@3 of the tuning images, if measured.

        Returns None if the trial has no run. Raises `DamagedRun`.
        """
        run = self.run(trial)
        if run is None:
            return None
        searched = run.retrieval
        found = None if searched is None else searched.tuning_precision_at_3
        return run.report.model_copy(update={"tuning_precision_at_3": found})

    def trials(self, report_of: ReportLookup | None = None) -> tuple[Trial, ...]:
        """Return the trials of the preset; the plan grows with the finished runs.

        `report_of` returns the reports to plan with, by default those of all runs.
        """
        tuning = len(self.dataset().indices.tuning)
        preset = self.preset if tuning else without_combinations(self.preset)
        return plan_trials(preset, report_of or self.report, tuning)

    def unused_runs(self) -> list[Path]:
        """Return the folders of trained runs that no trial under these settings can have.

        They belong to another version of Belvedere, to a dataset version that was deleted, or to
        other weights.
        """
        weights = self.settings.weights
        tags = {*self.store.tags(), training_tag(self.dataset())}
        return self.runs.unused(
            lambda facts: facts["version"] in tags and is_current(facts, weights)
        )

    def _open_dataset(self, split: SplitName) -> Dataset:
        settings, display = self.settings, self.display
        if split == "random":
            return self.dataset().split_at_random(settings.seed)
        version = self._version or (None if self._newest else last_trained(self.store))
        snapshot = self.store.at(version)
        return open_dataset(snapshot, settings.cache, display.track, display.warn)


def training_tag(dataset: Dataset) -> str:
    """Return the tag of the dataset version that a dataset was opened at."""
    return f"{TRAINING_PREFIX}{dataset.training_digest[:_DIGEST_LENGTH]}"


def is_current(facts: Facts, weights: Path | None) -> bool:
    """Return whether this version of Belvedere can use a run with these facts.

    The files of pretrained weights in the folder `weights` must be the same; missing files decide
    nothing.
    """
    versions = {"builder": BUILDER_VERSION, "pixels": PIXELS_VERSION, "painter": PAINTER_VERSION}
    named = facts["weights"]
    assert isinstance(named, dict)
    return all(facts.get(name, version) == version for name, version in versions.items()) and all(
        local_weights(name, weights) is None or weights_digest(name, weights) == digest
        for name, digest in named.items()
    )


def trained_versions(store: Store) -> list[str]:
    """Return the tags of the dataset versions that were trained on, the oldest first."""
    tags = store.tags() if store.exists else {}
    return sorted((tag for tag in tags if tag.startswith(TRAINING_PREFIX)), key=tags.__getitem__)


def last_trained(store: Store) -> str | None:
    """Return the tag of the newest dataset version that was trained on; None if there is none."""
    return next(reversed(trained_versions(store)), None)


def ingest(workspace: Workspace, published: PublishedArchive, *, again: bool = True) -> None:
    """Ingest the data set of the settings into the store, as `ingest_data_set` does.

    Raises `DataError`.
    """
    settings, display, store = workspace.settings, workspace.display, workspace.store
    ingest_data_set(settings, store, display, published, again=again)
    workspace.discard_dataset()
