"""The stages before training: what they share, and taking the data in."""

from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

from pydantic import JsonValue

from embeddings.cpu import usable_processors
from embeddings.images import PIXELS_VERSION
from embeddings.release.reader import referenced_versions
from embeddings.release.reports import ExperimentReport
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
    DESCRIPTION,
    FineTuning,
    OwnNetwork,
    Preset,
    all_backbones,
    experiment_key,
)
from training.experiments.planner import Found, Trial, planned, without_combinations
from training.models.weights import weights_digest
from training.runs import Facts, Run, Runs
from training.scenes import PAINTER_VERSION
from training.settings import TrainingSettings


@dataclass(frozen=True)
class Stage:
    """What the stages share."""

    settings: TrainingSettings
    preset: Preset
    display: Display

    @property
    def runs(self) -> Runs:
        """Where experiments are kept."""
        return Runs(self.settings.runs)

    def dataset(self, split: SplitName = "grouped") -> Dataset:
        """The photographs of the store. Raises `StoreError` where there are none."""
        settings = self.settings
        data = open_dataset(
            settings.store_uri,
            settings.cache,
            settings.seed,
            self.display.track,
            self.display.warn,
        )
        return data if split == "grouped" else data.split_at_random(settings.seed)

    def key(self, trial: Trial, dataset: Dataset) -> str:
        """Return the digest of all that the result of a trial depends on."""
        return experiment_key(trial.experiment, self.facts(trial, dataset))

    def facts(self, trial: Trial, dataset: Dataset) -> dict[str, JsonValue]:
        """Return what the result of a trial depends on beside its hyper-parameters."""
        experiment, settings = trial.experiment, self.settings
        facts: dict[str, JsonValue] = {
            "data": dataset.training_digest,
            "split": trial.split,
            "seed": settings.seed + trial.repeat,
            "builder": BUILDER_VERSION,
            "pixels": PIXELS_VERSION,
            "weights": {
                name: weights_digest(name, settings.weights) for name in all_backbones(experiment)
            },
        }
        if isinstance(experiment, OwnNetwork):
            facts["epochs"] = self.preset.epochs
            if experiment.scenes:
                facts["painter"] = PAINTER_VERSION
        if isinstance(experiment, FineTuning) and experiment.teachers:
            facts["seed of the teachers"] = settings.seed
        return facts

    def run(self, trial: Trial, dataset: Dataset) -> Run | None:
        """Return the run of a trial, finished or skipped, described as it is declared today.

        Raises `DamagedRun`.
        """
        run = self.runs.find(self.key(trial, dataset))
        if run is None:
            return None
        declared = {name: getattr(trial.experiment, name) for name in DESCRIPTION}
        return replace(run, report=run.report.model_copy(update=declared))

    def unused_runs(self, dataset: Dataset) -> list[Path]:
        """Return the folders of finished runs that nothing finds any more under these settings.

        They were made by another version, or for other photographs, another split or other weights.
        """
        weights, seed = self.settings.weights, self.settings.seed
        current = {"builder": BUILDER_VERSION, "pixels": PIXELS_VERSION, "painter": PAINTER_VERSION}

        @cache
        def data(split: SplitName) -> str:
            whole = dataset if split == "grouped" else dataset.split_at_random(seed)
            return whole.training_digest

        def is_current(facts: Facts) -> bool:
            named = facts["weights"]
            assert isinstance(named, dict)
            return (
                facts["data"] == data("random" if facts["split"] == "random" else "grouped")
                and all(facts.get(name, version) == version for name, version in current.items())
                and all(weights_digest(name, weights) == digest for name, digest in named.items())
            )

        return self.runs.unused(is_current)

    def found(self, dataset: Dataset) -> Found:
        """How to look up the report of a trial."""

        def find(trial: Trial) -> ExperimentReport | None:
            run = self.run(trial, dataset)
            return None if run is None else run.report

        return find

    def trials(self, dataset: Dataset) -> tuple[Trial, ...]:
        """What the preset comes to, as far as it can be said by now."""
        choosing = len(dataset.parts.tuning) > 0
        preset = self.preset if choosing else without_combinations(self.preset)
        return planned(preset, self.found(dataset))


def take_data(stage: Stage, published: PublishedArchive, *, again: bool = True) -> Collection:
    """Take the data set of the settings into the store, unless it is there unchanged.

    The published archive never changes, so only with `again` is it asked for once more where
    generated scenes took its place. Raises `DataError`.
    """
    settings, display = stage.settings, stage.display
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
            display.say(f"The store holds {known.name} already, unchanged.")
            return known
        display.say(f"Taking in {source.name} ({source.setting})")
        report = partial(show_inspection, home=settings.home, display=display)
        collection = collect(
            source, settings.store_uri, settings.seed, usable_processors(), display.track, report
        )
    delete_unused_versions(settings)
    show_collection(ImageTable.open(settings.store_uri), display)
    return collection


def delete_unused_versions(settings: TrainingSettings) -> None:
    """Delete the versions of the store that are neither the newest nor those of a release on disk.

    A store named by `BELVEDERE_STORE` is left alone, since other homes may refer to it.
    """
    kept = referenced_versions(settings.releases)
    if settings.store is None and kept is not None:
        images = {each.images for each in kept}
        delete_old_versions(settings.store_uri, images, {each.features for each in kept})


def known_collection(store_uri: str) -> Collection | None:
    """Return what the store holds; None where there is no store, or one of another version.

    Raises `StoreDamaged`.
    """
    try:
        return ImageTable.open(store_uri).collection
    except StoreDamaged:
        raise
    except StoreError:
        return None
