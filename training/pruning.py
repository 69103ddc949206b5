"""Deletion of old releases and runs, and of features and caches that nothing uses."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from embeddings.atomic import delete_whole
from embeddings.encoder import encoder_fingerprint
from embeddings.index import IndexUnavailable
from embeddings.release.manifest import Manifest
from embeddings.release.reader import CURRENT, current_release, read_manifest, release_folders
from embeddings.release.sealed_index import discard_index
from embeddings.release.sharing import SharedReleases
from embeddings.store.retention import RELEASE_PREFIX, TRAINING_PREFIX
from embeddings.store.store import Store
from training.data.dataset import open_dataset
from training.digests import Warn
from training.runs import DamagedRun, RunIndex
from training.settings import TrainingSettings
from training.workspace import is_current, last_trained

_PIXELS = re.compile(r"pixels-([0-9a-f]+)-(\d+)x(\d+)\.npy")


@dataclass(frozen=True)
class Prunable:
    """Folder or file that nothing needs."""

    path: Path
    size: int
    """Size in bytes."""
    reason: str


@dataclass(frozen=True)
class Pruning:
    """Plan of what is deleted; the order of `items` is that of the deletion."""

    items: tuple[Prunable, ...]
    tags: tuple[str, ...]
    """Tags of dataset versions that belong to the releases and runs in `items`, or to none."""
    shared: bool
    """True for a store outside of the home: its tags and tables may be used by other homes."""


@dataclass
class _Home:
    """Needs of the kept releases and of the last training."""

    settings: TrainingSettings
    store: Store
    manifests: dict[Path, Manifest]
    """Manifests of the kept releases."""
    versions: set[str]
    """Tags of the dataset versions whose runs are kept."""
    encoders: set[str] = field(default_factory=set)


def plan_pruning(settings: TrainingSettings, warn: Warn) -> Pruning:
    """Return what the policy of the settings deletes.

    The current release and the newest `keep_releases` others stay, with the runs and features of
    their dataset versions, and those of the last version that was trained on. Runs of a version
    with a name given by a user stay, too. Releases in object storage are copied first. Raises
    `ReleaseError` if a release cannot be read, `StoreError` and `ObjectStorageError`.
    """
    if (shared_releases := SharedReleases.of(settings)) is not None:
        shared_releases.pull_all()
    store, runs = Store(settings.store_uri), RunIndex(settings.runs)
    manifests = {each: read_manifest(each) for each in release_folders(settings.releases_folder)}
    kept = _kept_releases(manifests, settings)
    home = _Home(
        settings,
        store,
        {folder: manifests[folder] for folder in kept},
        _kept_versions(store, [manifests[folder] for folder in kept]),
    )
    shared = not Path(settings.store_uri).is_relative_to(settings.home)
    old_runs = dict(_old_runs(runs, home))
    home.encoders = _encoders(home, set(runs.folders) - set(old_runs))
    found = {
        **dict.fromkeys(manifests.keys() - kept, "older than the releases that are kept"),
        **old_runs,
        **({} if shared else dict(_old_features(home))),
        **dict(_old_pixels(home, warn)),
    }
    return Pruning(
        tuple(Prunable(path, size_of(path), reason) for path, reason in found.items()),
        () if shared else _old_tags(home),
        shared,
    )


def prune(settings: TrainingSettings, plan: Pruning, warn: Warn) -> None:
    """Delete what a plan lists, then compact the store. The caller must hold the locks.

    A release stays if the server of its index cannot be used. Raises `StoreError`,
    `ObjectStorageError` and `UnknownKind`.
    """
    shared = SharedReleases.of(settings)
    for item in plan.items:
        try:
            discard_index(item.path, settings)
        except IndexUnavailable as error:
            warn(f"{item.path} stays until the next `belvedere prune`. {error}")
            continue
        if shared is not None and item.path.parent == settings.releases_folder:
            shared.discard(item.path)
        delete_whole(item.path)
    store = Store(settings.store_uri)
    for tag in plan.tags:
        store.untag(tag)
    store.compact(settings.retention)


def size_of(path: Path) -> int:
    """Return the size of a file, or of all files in a folder, in bytes."""
    files = path.rglob("*") if path.is_dir() else (path,)
    return sum(each.stat().st_size for each in files if each.is_file() and not each.is_symlink())


def _kept_releases(manifests: dict[Path, Manifest], settings: TrainingSettings) -> set[Path]:
    if not manifests:
        return set()
    current = current_release(settings.releases_folder)
    others = sorted(
        (each for each in manifests if each not in {current, settings.releases_folder / CURRENT}),
        key=lambda each: (manifests[each].data.revision, each.stat().st_mtime_ns),
    )
    return {current, *others[max(len(others) - settings.keep_releases, 0) :]} & manifests.keys()


def _kept_versions(store: Store, manifests: Collection[Manifest]) -> set[str]:
    tags = store.tags()
    own = {
        revision
        for tag, revision in tags.items()
        if not tag.startswith((TRAINING_PREFIX, RELEASE_PREFIX))
    }
    named = {tag for tag, revision in tags.items() if revision in own}
    last = last_trained(store)
    return {each.training.version for each in manifests} | named | ({last} if last else set())


def _old_runs(runs: RunIndex, home: _Home) -> Iterator[tuple[Path, str]]:
    for folder in runs.folders:
        try:
            run = runs.open(folder)
        except DamagedRun:
            continue
        if run is None or not is_current(run.facts, home.settings.weights):
            yield folder, "made by another version of Belvedere or with other weights"
        elif run.facts["version"] not in home.versions:
            yield folder, f"of the dataset version {run.facts['version']}, which no release needs"


def _encoders(home: _Home, runs: Collection[Path]) -> set[str]:
    published = {each.encoder.fingerprint for each in home.manifests.values()}
    models = (model for run in runs for model in run.glob("encoder-*/encoder.xml"))
    return published | {encoder_fingerprint(model) for model in models}


def _old_features(home: _Home) -> Iterator[tuple[Path, str]]:
    for path in map(Path, home.store.feature_paths()):
        if path.stem not in home.encoders:
            yield path, "features of an encoder that no release and no run has"


def _old_pixels(home: _Home, warn: Warn) -> Iterator[tuple[Path, str]]:
    cache = home.settings.cache
    found = {path: _PIXELS.fullmatch(path.name) for path in sorted(cache.glob("pixels-*"))}
    if not any(found.values()):
        return
    snapshot = home.store.at(last_trained(home.store))
    dataset = open_dataset(snapshot, cache, lambda steps, *_: iter(steps), warn)
    for path, match in found.items():
        if match and match[1] != dataset.pixels_key((int(match[2]), int(match[3]))):
            yield path, "pixels of another dataset version"


def _old_tags(home: _Home) -> tuple[str, ...]:
    needed = {each.tag for each in home.manifests.values()} | home.versions
    return tuple(
        tag
        for tag in home.store.tags()
        if tag.startswith((TRAINING_PREFIX, RELEASE_PREFIX)) and tag not in needed
    )
