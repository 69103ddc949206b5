"""Workspace of a command, and ingest of its data set into the store."""

from collections.abc import Hashable
from contextlib import ExitStack
from copy import copy
from dataclasses import replace
from functools import partial
from pathlib import Path

from pydantic import JsonValue

from embeddings.cpu import usable_processors
from embeddings.images import PIXELS_VERSION
from embeddings.release.reader import referenced_versions
from embeddings.release.reports import Comparison, ExperimentReport
from embeddings.store.images import ImageTable
from embeddings.store.records import Collection
from embeddings.store.tables import StoreDamaged, StoreError
from embeddings.store.versions import delete_old_versions
from training.console import Display, show_collection, show_inspection, write_left_out
from training.data.dataset import Dataset, open_dataset
from training.data.download import PublishedArchive
from training.data.ingest import collect
from training.data.sources import PUBLISHED, open_source, setting_of
from training.data.split import SPLIT_RULE, SplitName
from training.experiments.config import (
    BUILDER_VERSION,
    DESCRIPTION_FIELDS,
    FineTuning,
    FromScratch,
    Preset,
    all_backbones,
    experiment_key,
)
from training.experiments.planner import Trial, plan_trials, without_combinations
from training.models.weights import weights_digest
from training.runs import Facts, Run, RunIndex
from training.scenes import PAINTER_VERSION
from training.settings import TrainingSettings


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
        self.runs = RunIndex(settings.runs)
        self.comparisons: dict[Hashable, Comparison] = {}
        """Comparisons computed by `training.evaluation.comparison`, keyed by their runs."""
        self._datasets: dict[SplitName, Dataset] = {} if dataset is None else {"grouped": dataset}

    def with_preset(self, preset: Preset) -> "Workspace":
        """Return a workspace with another preset that shares the dataset, runs and comparisons."""
        other = copy(self)
        other.preset = preset
        return other

    def dataset(self, split: SplitName = "grouped") -> Dataset:
        """Return the images of the store under a split. Raises `StoreError` if there are none."""
        if split not in self._datasets:
            self._datasets[split] = self._open_dataset(split)
        return self._datasets[split]

    def discard_dataset(self) -> None:
        """Discard the open dataset and all comparisons; called after a change of the store."""
        self._datasets.clear()
        self.comparisons.clear()

    def key(self, trial: Trial) -> str:
        """Return the cache key of a trial: a digest of everything that its result depends on."""
        return experiment_key(trial.experiment, self.facts(trial))

    def facts(self, trial: Trial) -> dict[str, JsonValue]:
        """Return the conditions of a trial's result beside its hyper-parameters."""
        experiment, settings = trial.experiment, self.settings
        facts: dict[str, JsonValue] = {
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
        """Return the report of a trial; None if it has no run. Raises `DamagedRun`."""
        run = self.run(trial)
        return None if run is None else run.report

    def trials(self) -> tuple[Trial, ...]:
        """Return the trials of the preset; the plan grows with the finished runs."""
        has_tuning = len(self.dataset().indices.tuning) > 0
        preset = self.preset if has_tuning else without_combinations(self.preset)
        return plan_trials(preset, self.report)

    def unused_runs(self) -> list[Path]:
        """Return the folders of trained runs that no trial under these settings can have.

        They belong to another version, or to other images, another split or other weights.
        """
        weights = self.settings.weights
        versions = {
            "builder": BUILDER_VERSION,
            "pixels": PIXELS_VERSION,
            "painter": PAINTER_VERSION,
        }

        def is_current(facts: Facts) -> bool:
            named = facts["weights"]
            assert isinstance(named, dict)
            split: SplitName = "random" if facts["split"] == "random" else "grouped"
            return (
                facts["data"] == self.dataset(split).training_digest
                and all(facts.get(name, version) == version for name, version in versions.items())
                and all(weights_digest(name, weights) == digest for name, digest in named.items())
            )

        return self.runs.unused(is_current)

    def _open_dataset(self, split: SplitName) -> Dataset:
        settings, display = self.settings, self.display
        if split == "random":
            return self.dataset().split_at_random(settings.seed)
        return open_dataset(
            settings.store_uri, settings.cache, settings.seed, display.track, display.warn
        )


def ingest(workspace: Workspace, published: PublishedArchive, *, again: bool = True) -> Collection:
    """Ingest the data set of the settings into the store, unless the store has it unchanged.

    The published archive never changes. If it was not available, the store has generated scenes in
    its place; `again` tries the download once more. Raises `DataError`.
    """
    settings, display = workspace.settings, workspace.display
    known = known_collection(settings.store_uri)
    wanted = (setting_of(settings), settings.seed, SPLIT_RULE)
    if known is not None and (known.source, known.split_seed, known.split_rule) != wanted:
        known = None
    if known is not None and known.source == PUBLISHED and not again:
        return known
    with ExitStack() as open_files:
        with display.download("ml5 Landscapes archive") as advance:
            opened = open_source(settings, published, advance=advance, warn=display.warn)
            source = open_files.enter_context(opened)
        if known is not None and known.source_digest == source.digest:
            write_left_out(known.left_out, settings.home)
            display.info(f"The store is up to date: {known.name}, unchanged.")
            return known
        display.info(f"Ingesting {source.name} ({source.setting})")
        report = partial(show_inspection, home=settings.home, display=display)
        collection = collect(
            source, settings.store_uri, settings.seed, usable_processors(), display.track, report
        )
    workspace.discard_dataset()
    delete_unused_versions(settings)
    show_collection(ImageTable.open(settings.store_uri), display)
    return collection


def delete_unused_versions(settings: TrainingSettings) -> None:
    """Delete the versions of the store except the newest and those of releases on disk.

    A store set by `BELVEDERE_STORE` is skipped, because other homes may refer to its versions.
    """
    kept = referenced_versions(settings.releases)
    if settings.store is None and kept is not None:
        images = {each.images for each in kept}
        delete_old_versions(settings.store_uri, images, {each.features for each in kept})


def known_collection(store_uri: str) -> Collection | None:
    """Return the collection in the store; None if there is none, or one of another version.

    Raises `StoreDamaged`.
    """
    try:
        return ImageTable.open(store_uri).collection
    except StoreDamaged:
        raise
    except StoreError:
        return None
