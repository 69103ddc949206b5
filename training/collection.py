"""Ingest of data sets into the collection: of the data set of the settings, and of given paths."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

from embeddings.cpu import usable_processors
from embeddings.ingest.classes import classes_of
from embeddings.ray_cluster import Cluster
from embeddings.store.records import GENERATED_SCENES
from embeddings.store.store import Store
from training.console import Display, show_collection
from training.data.download import PublishedArchive
from training.data.files import DataSource
from training.data.ingest import (
    LAST_INGEST,
    FileOutcome,
    Policy,
    Report,
    ingest_source,
    other_data_set,
)
from training.data.inspection import Options
from training.data.sources import LANDSCAPES, group_files, key_of, open_path, open_source
from training.errors import DataError
from training.ingest_report import show_outcomes, write_outcomes
from training.settings import TrainingSettings


@dataclass(frozen=True)
class Ingest:
    """Ingest of data sets into one store, with its messages on a console."""

    settings: TrainingSettings
    store: Store
    display: Display
    outcomes: list[FileOutcome] = field(default_factory=list)
    """Outcomes of all files so far."""
    cluster: Cluster | None = None
    """Cluster that decodes the files."""

    def run(self, source: DataSource, options: Options, policy: Policy) -> None:
        """Ingest one data set and report the outcomes. Raises `DataError`."""

        def report(result: Report) -> None:
            self.outcomes.extend(result.outcomes)
            write_outcomes(self.outcomes, self.settings.home)
            show_outcomes(result, source.key, self.settings.home, self.display)

        ingest_source(
            source,
            self.store,
            options,
            policy,
            seed=self.settings.seed,
            workers=usable_processors(),
            track=self.display.track,
            report=report,
            cluster=self.cluster,
        )


def ingest_data_set(
    settings: TrainingSettings,
    store: Store,
    display: Display,
    published: PublishedArchive,
    *,
    again: bool,
) -> None:
    """Ingest the data set of the settings; only new and changed files are read.

    The published archive never changes, so that a store that has it is not compared with it unless
    `again` is set. If it was not available, the store has generated scenes in its place; `again`
    tries the download once more. Raises `DataError`, also if the store has another data set.
    """
    key = key_of(settings)
    sources = _live_sources(store)
    is_stand_in = key == LANDSCAPES and sources == {GENERATED_SCENES}
    if sources:
        # Published and generated data sets have a name; a folder or zip can be at a new path.
        if "/" not in key and key not in sources and not is_stand_in:
            raise other_data_set(key, sorted(sources))
        settings = _with_own_seed(settings, store, display)
        if key == LANDSCAPES and not again:
            return
    with ExitStack() as open_files:
        with display.download("ml5 Landscapes archive") as advance:
            opened = open_source(settings, published, advance=advance, warn=display.warn)
            source = open_files.enter_context(opened)
        if source.digest and source.digest == _scenes_digest(store):
            display.info(f"The store is up to date: {GENERATED_SCENES}, unchanged.")
            return
        display.info(f"Ingesting {source.key}")
        replaced = GENERATED_SCENES if is_stand_in and source.key != GENERATED_SCENES else None
        before = store.at().revision if store.exists else 0
        policy = Policy(usable=True, instead_of=replaced, alone=True)
        Ingest(settings, store, display).run(source, Options(), policy)
    snapshot = store.at()
    if snapshot.revision == before:
        display.info(f"The store is up to date: {snapshot.images.name}, unchanged.")
    else:
        show_collection(snapshot.images, display)


def add_paths(
    settings: TrainingSettings,
    store: Store,
    display: Display,
    paths: Iterable[Path],
    options: Options,
    policy: Policy,
    cluster: Cluster | None = None,
) -> None:
    """Ingest folders and zips one after the other, then all single files.

    With `cluster`, its nodes decode the files. Without `new_class`, a data set with a class that
    neither an image nor the release has is refused. Raises `DataError` if nothing could be done.
    """
    ingest = Ingest(settings, store, display, cluster=cluster)
    problems: list[DataError] = []
    named = list(paths)
    if not options.new_class:
        policy = replace(policy, classes=classes_of(store, settings.releases_folder))
    if policy.mirror:
        _refuse_single_files(named)
    for opened in open_paths(settings, named, lambda: _classes(store)):
        try:
            with opened as source:
                display.info(f"Adding {source.key}")
                ingest.run(source, options, policy)
        except DataError as error:
            problems.append(error)
    conclude(ingest.outcomes, problems, display)
    if policy.mirror and problems:
        raise problems[0]


def open_paths(
    settings: TrainingSettings, paths: Sequence[Path], classes: Callable[[], Collection[str]]
) -> Iterator[AbstractContextManager[DataSource]]:
    """Yield the data sets of these paths, to be opened one after the other.

    `classes` returns the classes of the collection, which the folders of single files name.
    """
    single = _single_files(paths)
    for path in paths:
        if path not in single:
            yield open_path(settings, path.resolve())
    if single:
        yield from map(nullcontext, group_files(single, classes()))


def conclude(
    outcomes: Sequence[FileOutcome], problems: Sequence[DataError], display: Display
) -> None:
    """Print the problems of single data sets. Raises `DataError` if nothing could be done."""
    if all(each.outcome == "rejected" for each in outcomes):
        raise problems[0] if problems else _nothing_usable(outcomes)
    for problem in problems:
        display.warn(str(problem))


def _single_files(paths: Sequence[Path]) -> list[Path]:
    return [path for path in paths if not path.is_dir() and path.suffix.lower() != ".zip"]


def _refuse_single_files(paths: Sequence[Path]) -> None:
    if single := _single_files(paths):
        raise DataError(
            f"--mirror needs a folder or a zip, because single files such as {single[0]} do not "
            "say which files are gone; remove --mirror or give their folder."
        )


def _classes(store: Store) -> Collection[str]:
    return store.at().images.classes if store.exists else ()


def _nothing_usable(outcomes: Sequence[FileOutcome]) -> DataError:
    if not outcomes:
        return DataError("The paths contain no files; give folders, zips or image files.")
    first = outcomes[0]
    more = f"; {len(outcomes) - 1} more files were rejected, too" if len(outcomes) > 1 else ""
    return DataError(f"Nothing was added: {first.path}: {first.detail}{more}.")


def _live_sources(store: Store) -> set[str]:
    return set(store.at().images.column("source")) if store.exists else set()


def _with_own_seed(settings: TrainingSettings, store: Store, display: Display) -> TrainingSettings:
    """Return the settings with the seed of the store's split."""
    seed = store.at().split_seed
    if seed == settings.seed:
        return settings
    display.info(
        f"The images keep their split, which was drawn with the seed {seed}; "
        f"BELVEDERE_SEED={settings.seed} applies to training only."
    )
    return settings.model_copy(update={"seed": seed})


def _scenes_digest(store: Store) -> str | None:
    if not store.exists:
        return None
    entry = store.files.read(GENERATED_SCENES).get(LAST_INGEST)
    return None if entry is None else entry.state
