"""The stages before and after training: taking data in, finding runs, comparing them."""

import os
from dataclasses import dataclass

from embeddings.comparison import Comparison, choose_best
from embeddings.photographs import Collection
from embeddings.release import COMPARISON, ReleaseError, current_release, read_manifest
from embeddings.store import ImageTable, StoreError
from training.archive import PublishedArchive
from training.collecting import collect
from training.dataset import Dataset, open_dataset
from training.experiments import Experiment, FrozenTransfer, Preset, experiment_key
from training.files import DataError
from training.progress import Display
from training.runs import Runs
from training.settings import TrainingSettings
from training.showing import show_collection
from training.sources import PUBLISHED, open_source, setting_of
from training.weights import local_weights


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

    def dataset(self) -> Dataset:
        """The photographs of the store. Raises `StoreError` where there are none."""
        settings = self.settings
        return open_dataset(settings.store_uri, settings.cache, settings.seed, self.display.track)

    def key(self, experiment: Experiment, dataset: Dataset) -> str:
        """Digest of an experiment and of all that its result hangs on."""
        facts: dict[str, int | str] = {
            "data": dataset.fingerprint,
            "epochs": self.preset.epochs,
            "seed": self.settings.seed,
        }
        return experiment_key(experiment, facts)


def take_data(stage: Stage, published: PublishedArchive, *, again: bool = True) -> Collection:
    """Take the data set of the settings into the store, unless it is there unchanged.

    The published archive never changes, so only with `again` is it asked for once more where
    generated scenes took its place. Raises `DataError`.
    """
    settings, display = stage.settings, stage.display
    known = _known(settings.store_uri)
    wanted = (setting_of(settings), settings.seed)
    if known is not None and (known.source, known.split_seed) != wanted:
        known = None
    if known is not None and known.source == PUBLISHED and not again:
        return known
    with display.download("ml5 Landscapes archive") as advance:
        source = open_source(settings, published, advance=advance, warn=display.warn)
    if known is not None and known.source_digest == source.digest:
        display.say(f"The store holds {known.name} already, unchanged.")
        return known
    display.say(f"Taking in {source.name} ({source.setting})")
    collection = collect(
        source, settings.store_uri, settings.seed, os.cpu_count() or 1, display.track
    )
    show_collection(ImageTable.open(settings.store_uri), settings.home, display)
    return collection


def compare(stage: Stage) -> Comparison:
    """Put the runs of the preset beside each other and choose the best.

    Raises `DataError` where none is finished.
    """
    dataset = stage.dataset()
    reports = []
    for experiment in stage.preset.experiments:
        run = stage.runs.find(experiment.name, stage.key(experiment, dataset))
        if run is not None:
            reports.append(run.report)
    if not any(report.status == "done" for report in reports):
        raise DataError("No experiment is finished; run `belvedere train` first.")
    parts = dataset.parts
    return Comparison(
        preset=stage.preset.name,
        classes=dataset.classes,
        train=len(parts.fit) + len(parts.tuning),
        tuning=len(parts.tuning),
        validation=len(parts.validation),
        best=choose_best(tuple(reports)).name,
        experiments=tuple(reports),
    )


def up_to_date(stage: Stage) -> bool:
    """Whether the current release says what training anew would say.

    An experiment that was skipped for want of weights counts as done until they are at hand.
    """
    settings = stage.settings
    try:
        folder = current_release(settings.releases)
        manifest = read_manifest(folder)
        published = Comparison.model_validate_json((folder / COMPARISON).read_bytes())
        known = _known(settings.store_uri)
        if known is None or manifest.data.fingerprint != known.fingerprint:
            return False
        return published == compare(stage) and not _to_train(stage, published)
    except (ReleaseError, StoreError, DataError, OSError, ValueError):
        return False


def _to_train(stage: Stage, published: Comparison) -> bool:
    skipped = {report.name for report in published.experiments if report.status == "skipped"}
    listed = {report.name for report in published.experiments}
    return any(
        experiment.name not in listed
        or (
            experiment.name in skipped
            and isinstance(experiment, FrozenTransfer)
            and local_weights(experiment.backbone, stage.settings.weights) is not None
        )
        for experiment in stage.preset.experiments
    )


def _known(store_uri: str) -> Collection | None:
    try:
        return ImageTable.open(store_uri).collection
    except StoreError:
        return None
