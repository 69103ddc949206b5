"""Erasure of images from a home: store, releases, caches, report and lists of outcomes."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from embeddings.atomic import delete_whole
from embeddings.release.reader import (
    CURRENT,
    read_ids,
    read_manifest,
    release_folders,
)
from embeddings.release.sealed_index import discard_index
from embeddings.release.sharing import SharedReleases
from embeddings.settings import IndexSettings, PathSettings
from embeddings.store.erasing import Erased, Traces
from embeddings.store.store import Store
from embeddings.store.tables import StoreError
from training.runs import DamagedRun, RunIndex

_REPORT = "report"
_LISTS = ("*.csv", "*.txt")


@dataclass(frozen=True)
class Erasure:
    """Plan of what is erased with images, and what still knows them afterwards."""

    traces: Traces
    releases: tuple[Path, ...]
    """Releases that contain one of the images."""
    current: bool
    """True if the current release is one of them."""
    derived: tuple[Path, ...]
    """Caches, report and lists of outcomes, which are made again when they are needed."""
    runs: tuple[str, ...]
    """Runs whose dataset version is dropped."""
    models: tuple[str, ...]
    """Runs and remaining releases whose model learned from one of the images."""
    shared: bool
    """True for a store outside of the home, which other homes may use."""
    archives: tuple[Path, ...]
    """Downloaded archives, which may contain the source files."""


def plan_erasing(settings: PathSettings, ids: list[str]) -> Erasure:
    """Return what is erased with these images; releases in object storage are copied first.

    Raises `StoreError`, `ReleaseError` and `ObjectStorageError`.
    """
    if (shared := SharedReleases.of(settings)) is not None:
        shared.pull_all()
    traces = Store(settings.store_uri).find_traces(ids)
    contents = {
        folder: set(read_ids(folder)) for folder in release_folders(settings.releases_folder)
    }
    known = traces.known.union(*contents.values())
    for identifier in ids:
        if identifier not in known:
            raise StoreError(
                f"{identifier!r} is no image of a release or of a revision of the feature store."
            )
    releases = tuple(folder for folder, found in contents.items() if found & set(ids))
    trained = dict(_trained_on(settings))
    remaining = contents.keys() - set(releases)
    trained_remaining = {
        f"release {folder.name}": read_manifest(folder).training.version for folder in remaining
    }
    pointer = settings.releases_folder / CURRENT
    return Erasure(
        traces=traces,
        releases=releases,
        current=pointer.exists() and pointer.resolve() in releases,
        derived=tuple(_derived(settings, traces)),
        runs=tuple(sorted(run for run, version in trained.items() if version in traces.tags)),
        models=tuple(
            sorted(
                name
                for name, version in (trained | trained_remaining).items()
                if version in traces.learned
            )
        ),
        shared=not Path(settings.store_uri).is_relative_to(settings.home),
        archives=tuple(sorted(each for each in settings.downloads.glob("*") if each.is_file())),
    )


def erase(settings: IndexSettings, plan: Erasure) -> Erased:
    """Erase the images of a plan and return the numbers of erased rows of the store.

    A second call finishes what a killed process began. The caller must hold the locks. Raises
    `StoreError`, `ReleaseError`, `ObjectStorageError`, `UnknownKind` and `IndexUnavailable`.
    """
    for path in plan.releases:
        discard_index(path, settings)
    shared = SharedReleases.of(settings)
    if shared is not None:
        shared.pull()
        if plan.current:
            shared.point_to_none()
        for folder in plan.releases:
            shared.discard(folder)
    if plan.current:
        (settings.releases_folder / CURRENT).unlink(missing_ok=True)
    for path in (*plan.releases, *plan.derived):
        delete_whole(path)
    return Store(settings.store_uri).erase(plan.traces)


def _trained_on(settings: PathSettings) -> Iterator[tuple[str, str]]:
    runs = RunIndex(settings.runs)
    for folder in runs.folders:
        try:
            run = runs.open(folder)
        except DamagedRun:
            continue
        if run is not None and run.report.status == "done":
            yield f"run {folder.name}", str(run.facts["version"])


def _derived(settings: PathSettings, traces: Traces) -> Iterator[Path]:
    """Yield the files that are made from all images, and the lists that name one of these."""
    yield from sorted(settings.cache.glob("*"))
    report = settings.home / _REPORT
    if report.exists():
        yield report
    names = [name.encode() for name in (*traces.ids, *traces.paths)]
    for path in sorted(found for pattern in _LISTS for found in settings.home.glob(pattern)):
        content = path.read_bytes()
        if any(name in content for name in names):
            yield path
